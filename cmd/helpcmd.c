/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/options.h"
#include "cmd/output.h"

static const GOptionEntry options[] = {
	OPTION_SWITCH("man", man, "Write the manual page hvgpu(1), for man -l"),
	OPTION_END,
};

static int help_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	g_autoptr(GString) text = g_string_new(NULL);
	if (arguments.man) {
		help_man(text);
		return output_text(text, EXIT_DONE);
	}
	const struct command *command = argc ? command_find(argv[0]) : NULL;
	if (argc && !command) {
		command_unknown(argv[0], diags);
		return output_findings(diags);
	}
	if (command)
		help_command(text, command);
	else
		help_overview(text);
	return output_text(text, EXIT_DONE);
}

const struct command command_help = {
	.name = "help",
	.group = "Reference",
	.arguments = "[COMMAND]",
	.doc = "Tell how hvgpu, or a command of it, is called",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.complete = commands_names,
	.run = help_run,
};
