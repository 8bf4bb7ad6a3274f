/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include "providers/host/hyperv_trouble.h"

/* Bars are Markdown's own. */
static void put_cell(GString *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
}

static void put_row(GString *out, const char *what, const char *more, const char *remedy)
{
	g_string_append(out, "| ");
	put_cell(out, what);
	g_string_append(out, *more ? ": " : "");
	put_cell(out, more);
	g_string_append(out, " | ");
	put_cell(out, remedy);
	g_string_append(out, " |\n");
}

static const char *title_of(enum trouble_stage stage)
{
	static const char *const ids[] = { "connection", "powershell-start", "agent" };
	for (const struct doctor_check *check = doctor_checks; check->id; check++)
		if (g_str_equal(check->id, ids[stage]))
			return check->title;
	BUG("no check is called %s", ids[stage]);
}

void render_doctor_checks(GString *out)
{
	g_string_append(out, "| check | what to do when it fails |\n| --- | --- |\n");
	for (const struct trouble *row = troubles; row->id; row++)
		put_row(out, title_of(row->stage), row->what, row->remedy);
	for (const struct doctor_check *check = doctor_checks; check->id; check++)
		if (!check->reaches)
			put_row(out, check->title, "", check->remedy);
}
