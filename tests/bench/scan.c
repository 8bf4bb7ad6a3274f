/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's bare event scan of files: the yardstick beside which `plan` is measured. Usage: scan FILE... */
#include <stdio.h>
#include <yaml.h>

static unsigned long scan(FILE *in)
{
	yaml_parser_t parser;
	yaml_event_t event;
	unsigned long n = 0;
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, in);
	for (int done = 0; !done; n++) {
		if (!yaml_parser_parse(&parser, &event))
			return 0;
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return n;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *in = fopen(argv[i], "r");
		unsigned long n = in ? scan(in) : 0;
		if (!n) {
			fprintf(stderr, "scan: cannot scan '%s'\n", argv[i]);
			return 1;
		}
		printf("%s: %lu events\n", argv[i], n);
		fclose(in);
	}
	return 0;
}
