/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"
#include "base/term.h"
#include "cmd/help.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <locale.h>
#include <string.h>

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "-help") == 0;
}

static int show_help(const struct command *command)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (command)
		help_command(text, command);
	else
		help_overview(text);
	return output_text(text, EXIT_DONE);
}

static int check_common(struct diags *diags)
{
	if (!arguments.color || name_find(&colour_choice_names, arguments.color) >= 0)
		return 0;
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "--color '%s' is not known; write auto, always or never",
		arguments.color);
}

static int run_command(const struct command *command, int argc, char **argv, struct diags *diags)
{
	int result = options_parse(command, &argc, &argv, diags);
	if (result == OPTIONS_HELP)
		return show_help(command);
	if (result < 0 || check_common(diags) < 0)
		return output_findings(diags);
	return command->run(argc, argv);
}

static int dispatch(int argc, char **argv, struct diags *diags)
{
	if (argc == 0) { /* A mistake, so that a script which lost its arguments does not pass. */
		g_autoptr(GString) text = g_string_new(NULL);
		help_overview(text);
		fputs(text->str, stderr);
		return EXIT_BAD_INPUT;
	}
	if (is_help(argv[0]))
		return show_help(NULL);
	const char *name = strcmp(argv[0], "--version") == 0 ? "version" : argv[0];
	const struct command *command = command_find(name);
	if (command)
		return run_command(command, argc, argv, diags);
	command_unknown(name, diags);
	return output_findings(diags);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	interrupt_ignore_pipes(); /* a closed pipe is an error of the write: cmd/output.h */
	g_autoptr(arena_auto) arena = arena_new();
	int code = dispatch(argc - 1, argv + 1, diags_new(arena));
	options_free();
	return code;
}
