/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <string.h>

static void append_words(GString *out, const GOptionEntry *rows)
{
	for (; rows && rows->long_name; rows++)
		g_string_append_printf(out, " --%s%s", rows->long_name, rows->arg == G_OPTION_ARG_NONE ? "" : "=");
}

static void append_names(GString *out)
{
	for (size_t i = 0; commands[i]; i++)
		g_string_append_printf(out, "%s%s", i ? " " : "", commands[i]->name);
}

static void write_bash(GString *out)
{
	g_string_append(out, "_hvgpu() {\n\tlocal current=${COMP_WORDS[COMP_CWORD]} words\n\tCOMPREPLY=()\n"
			     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords='");
	append_names(out);
	g_string_append(out, "'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; commands[i]; i++) {
		g_string_append_printf(out, "\t\t%s) words='", commands[i]->name);
		if (strcmp(commands[i]->name, "help") == 0)
			append_names(out);
		append_words(out, commands[i]->options);
		append_words(out, options_common);
		g_string_append(out, "' ;;\n");
	}
	g_string_append(out, "\t\tesac\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
			     "\tif [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi\n"
			     "\tif [ ${#COMPREPLY[@]} -eq 0 ]; then compopt -o default; fi\n}\n"
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
	g_string_append(out, "#compdef hvgpu\n_hvgpu() {\n\tlocal -a names options\n\tnames=(\n");
	for (size_t i = 0; commands[i]; i++) {
		g_autofree char *word = g_strdup_printf("%s:%s", commands[i]->name, commands[i]->doc);
		g_string_append(out, "\t\t");
		append_quoted(out, word);
		g_string_append_c(out, '\n');
	}
	g_string_append(out, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command names\n\t\treturn\n\tfi\n"
			     "\tcase $words[2] in\n");
	for (size_t i = 0; commands[i]; i++) {
		g_string_append_printf(out, "\t%s) options=(", commands[i]->name);
		append_words(out, commands[i]->options);
		append_words(out, options_common);
		g_string_append(out, " ) ;;\n");
	}
	g_string_append(out, "\tesac\n\tcompadd -S '' -a options\n\t_files\n}\n"
			     "if [ \"$funcstack[1]\" = _hvgpu ]; then _hvgpu \"$@\"; else compdef _hvgpu hvgpu; fi\n");
}

static void write_fish(GString *out)
{
	g_string_append(out, "complete -c hvgpu -n __fish_use_subcommand -f\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];
		g_string_append_printf(out, "complete -c hvgpu -n __fish_use_subcommand -a %s -d ", command->name);
		append_quoted(out, command->doc);
		g_string_append_c(out, '\n');
		for (const GOptionEntry *row = command->options; row && row->long_name; row++) {
			g_string_append_printf(out, "complete -c hvgpu -n '__fish_seen_subcommand_from %s' -l %s%s -d ",
				command->name, row->long_name, row->arg == G_OPTION_ARG_NONE ? "" : " -r");
			append_quoted(out, row->description);
			g_string_append_c(out, '\n');
		}
	}
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
	.run = completion_run,
};
