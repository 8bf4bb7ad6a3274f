/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/term.h"
#include "cmd/options.h"

#include <unistd.h>

struct style output_style(int fd)
{
	int choice = arguments.color ? name_find(&colour_choice_names, arguments.color) : COLOUR_AUTO;
	return (struct style){
		.colour = term_colour(choice < 0 ? COLOUR_AUTO : (enum colour_choice)choice, fd),
		.unicode = term_is_utf8(),
		.width = term_width(fd),
		.live = term_is_interactive(fd) && g_strcmp0(g_getenv("TERM"), "dumb") != 0,
	};
}

static bool has_lines;

void output_begin_lines(void)
{
	g_autoptr(GString) version = g_string_new(NULL);
	render_version_json(version, clock_now());
	output_text(version, EXIT_DONE);
	has_lines = true;
}

enum exit_code output_findings(struct diags *diags)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	diags_sort(diags);
	if (has_lines)
		render_findings_json(lines, diags, clock_now());
	/* what cannot be written now cannot be written at the end either, and there it is told */
	g_autoptr(arena_auto) arena = arena_new();
	if (lines->len)
		file_put(stdout, lines->str, lines->len, diags_new(arena));
	return output_findings_text(diags);
}

enum exit_code output_findings_text(struct diags *diags)
{
	if (!diags->n)
		return diags->exit;
	g_autoptr(GString) text = g_string_new(NULL);
	struct style style = output_style(STDERR_FILENO);
	diags_sort(diags);
	render_diags_text(text, diags, &style);
	/* When standard error cannot be written either there is nobody left to tell. */
	g_autoptr(arena_auto) arena = arena_new();
	file_put(stderr, text->str, text->len, diags_new(arena));
	return diags->exit;
}

int output_text(const GString *text, enum exit_code code)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	int result = file_put(stdout, text->str, text->len, diags);
	if (result == 0)
		return code;
	output_findings(diags);
	return exit_worse(code, EXIT_UNEXPECTED);
}

int output_json(json_t *json, enum exit_code code)
{
	char *dump = json_dumps(json, JSON_INDENT(2));
	g_autoptr(GString) text = g_string_new(dump);
	g_string_append_c(text, '\n');
	free(dump);
	json_decref(json);
	return output_text(text, code);
}
