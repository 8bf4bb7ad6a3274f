/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "reconcile/planfile.h"
#include "schema/kinds.h"

static const GOptionEntry options[] = { OPTION_OUTPUT("text (default) or json"), OPTION_END };

static int version_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	static const char *const formats[] = { "text", "json", NULL };
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	int format = options_format(formats, diags);
	if (format < 0)
		return output_findings(diags);
	if (format == 1)
		return output_json(json_pack("{s:s, s:s, s:s}", "version", HVGPU_VERSION, "api_version", API_VERSION,
					   "plan_format_version", PLANFILE_FORMAT_VERSION),
			EXIT_DONE);
	g_autoptr(GString) text = g_string_new("hvgpu " HVGPU_VERSION "\n");
	return output_text(text, EXIT_DONE);
}

const struct command command_version = {
	.name = "version",
	.group = "Reference",
	.arguments = "",
	.doc = "Print the version",
	.min_args = 0,
	.max_args = 0,
	.options = options,
	.run = version_run,
};
