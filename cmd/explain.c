/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

static void list_codes(GString *out)
{
	for (int code = 0; code < DIAG_CODE_COUNT; code++)
		g_string_append_printf(out, "%s  %-8s %s\n", diag_codes[code].id,
			name_of(&diag_severity_names, (int)diag_codes[code].severity), diag_codes[code].title);
}

static void explain(GString *out, int code)
{
	const struct diag_row *row = &diag_codes[code];
	g_string_append_printf(out, "%s (%s): %s\n\n%s\n", row->id, name_of(&diag_severity_names, (int)row->severity),
		row->title, row->help);
	if (diag_sources[code])
		g_string_append_printf(out, "\nSource: %s\n", diag_sources[code]);
	if (row->severity == DIAG_ERROR)
		g_string_append_printf(out, "\nExit code: %d\n", row->exit);
}

static int explain_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	g_autoptr(GString) text = g_string_new(NULL);
	int code = argc ? diag_code_find(argv[0]) : -1;
	if (argc && code < 0) {
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "no message has the code '%s'; 'hvgpu explain' lists all",
			argv[0]);
		return output_findings(diags);
	}
	if (argc)
		explain(text, code);
	else
		list_codes(text);
	return output_text(text, EXIT_DONE);
}

static void complete(GString *words)
{
	for (int code = 0; code < DIAG_CODE_COUNT; code++)
		g_string_append_printf(words, " %s", diag_codes[code].id);
}

const struct command command_explain = {
	.name = "explain",
	.group = "Reference",
	.arguments = "[CODE]",
	.doc = "Tell what a message means and what to do about it",
	.details = "Without a code all messages are listed.",
	.examples = "  hvgpu explain HV203\n",
	.min_args = 0,
	.max_args = 1,
	.complete = complete,
	.run = explain_run,
};
