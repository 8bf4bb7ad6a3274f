/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <string.h>

/* What stands in a script in place of a command's options: " --hosts= --help". */
static void append_options(GString *out, const struct command *command)
{
	const GOptionEntry *const lists[] = { command->options, options_common };
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		for (const GOptionEntry *row = lists[i]; row && row->long_name; row++)
			g_string_append_printf(
				out, " --%s%s", row->long_name, row->arg == G_OPTION_ARG_NONE ? "" : "=");
}

/* Options are offered behind a dash, so that a tab alone shows the files or words that are meant first. */
static void write_bash(GString *out)
{
	g_string_append(out, "_hvgpu() {\n\tlocal current=${COMP_WORDS[COMP_CWORD]} words= options=\n"
			     "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++) {
		g_string_append_printf(out, "\t%s)\n", commands[i]->name);
		if (commands[i]->complete) {
			g_string_append(out, "\t\twords='");
			commands[i]->complete(out);
			g_string_append(out, "'\n");
		}
		g_string_append(out, "\t\toptions='");
		append_options(out, commands[i]);
		g_string_append(out, "' ;;\n");
	}
	g_string_append(out, "\tesac\n\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords='");
	commands_names(out);
	g_string_append(out, "'\n\telif [[ $current == -* ]]; then\n\t\twords=$options\n"
			     "\telif [ \"$COMP_CWORD\" -gt 2 ]; then\n\t\twords=\n\tfi\n"
			     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
			     "\tif [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi\n"
			     "\tif [ -z \"$words\" ]; then compopt -o default; fi\n}\n"
			     "complete -F _hvgpu hvgpu\n");
}

static void append_quoted(GString *out, const char *text)
{
	g_autofree char *quoted = g_shell_quote(text);
	g_string_append(out, quoted);
}

/* Works from a folder of fpath, where the file is the function, and sourced. */
static void write_zsh(GString *out)
{
	g_string_append(out, "#compdef hvgpu\n_hvgpu() {\n\tlocal -a names arguments options\n\tnames=(\n");
	for (size_t i = 0; commands[i]; i++) {
		g_autofree char *word = g_strdup_printf("%s:%s", commands[i]->name, commands[i]->doc);
		g_string_append(out, "\t\t");
		append_quoted(out, word);
		g_string_append_c(out, '\n');
	}
	g_string_append(out, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command names\n\t\treturn\n\tfi\n"
			     "\tcase $words[2] in\n");
	for (size_t i = 0; commands[i]; i++) {
		g_string_append_printf(out, "\t%s) arguments=(", commands[i]->name);
		if (commands[i]->complete)
			commands[i]->complete(out);
		g_string_append(out, " ) options=(");
		append_options(out, commands[i]);
		g_string_append(out, " ) ;;\n");
	}
	g_string_append(out, "\tesac\n\tif [[ $PREFIX == -* ]]; then\n\t\tcompadd -S '' -a options\n"
			     "\telif (( CURRENT == 3 && $#arguments )); then\n\t\tcompadd -a arguments\n"
			     "\telse\n\t\t_files\n\tfi\n}\n"
			     "if [ \"$funcstack[1]\" = _hvgpu ]; then _hvgpu \"$@\"; else compdef _hvgpu hvgpu; fi\n");
}

static void write_fish_options(GString *out, const char *condition, const GOptionEntry *row)
{
	for (; row && row->long_name; row++) {
		g_string_append_printf(out, "complete -c hvgpu -n %s -l %s%s -d ", condition, row->long_name,
			row->arg == G_OPTION_ARG_NONE ? "" : " -r");
		append_quoted(out, row->description);
		g_string_append_c(out, '\n');
	}
}

static void write_fish(GString *out)
{
	g_string_append(out, "complete -c hvgpu -n __fish_use_subcommand -f\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];
		g_autofree char *condition = g_strdup_printf("'__fish_seen_subcommand_from %s'", command->name);
		g_string_append_printf(out, "complete -c hvgpu -n __fish_use_subcommand -a %s -d ", command->name);
		append_quoted(out, command->doc);
		g_string_append_c(out, '\n');
		if (command->complete) {
			g_string_append_printf(out, "complete -c hvgpu -n %s -f -a '", condition);
			command->complete(out);
			g_string_append(out, "'\n");
		}
		write_fish_options(out, condition, command->options);
		write_fish_options(out, condition, options_common);
	}
}

static void complete(GString *words)
{
	g_string_append(words, " bash zsh fish");
}

static int completion_run(int argc, char **argv)
{
	(void)argc;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	g_autoptr(GString) text = g_string_new(NULL);
	if (strcmp(argv[0], "bash") == 0)
		write_bash(text);
	else if (strcmp(argv[0], "zsh") == 0)
		write_zsh(text);
	else if (strcmp(argv[0], "fish") == 0)
		write_fish(text);
	else
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "shell '%s' is not known; write bash, zsh or fish", argv[0]);
	return diags->n ? (int)output_findings(diags) : output_text(text, EXIT_DONE);
}

const struct command command_completion = {
	.name = "completion",
	.group = "Reference",
	.arguments = "bash|zsh|fish",
	.doc = "Print a script that completes commands and options with the tab key",
	.examples = "  hvgpu completion bash > /etc/bash_completion.d/hvgpu\n"
		    "  hvgpu completion zsh > ~/.zfunc/_hvgpu\n"
		    "  hvgpu completion fish > ~/.config/fish/completions/hvgpu.fish\n",
	.min_args = 1,
	.max_args = 1,
	.complete = complete,
	.run = completion_run,
};
