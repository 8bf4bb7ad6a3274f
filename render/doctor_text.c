/* SPDX-License-Identifier: Apache-2.0 */
/* What would keep a host from being managed: a line for each check, and under it what to do. Of a host that is not
 * reached, what was not looked at is only counted. */
#include "render/print.h"

#include <string.h>

enum { STATE_COLUMNS = 9, MARGIN = 2, TEXT_COLUMNS = 110 };

static const enum colour colours[DOCTOR_STATE_COUNT] = {
	[DOCTOR_OK] = COLOUR_GREEN,
	[DOCTOR_WARNING] = COLOUR_YELLOW,
	[DOCTOR_FAILED] = COLOUR_RED,
	[DOCTOR_UNKNOWN] = COLOUR_DIM,
};

static unsigned title_columns(const struct doctor_report *report)
{
	unsigned columns = 0;
	for (uint32_t i = 0; i < report->n_results; i++)
		columns = MAX(columns, print_width(report->results[i].check->title));
	return columns + 2;
}

/* Words, wrapped; each further line begins at column 'indent'. */
static void put_wrapped(GString *out, const char *text, unsigned indent, const struct style *style)
{
	unsigned width = style->width ? style->width : TEXT_COLUMNS, column = indent;
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	for (char **word = words; *word; word++) {
		unsigned columns = print_width(*word);
		if (word > words && column + 1 + columns > width) {
			g_string_append_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (word > words) {
			g_string_append_c(out, ' ');
			column++;
		}
		print_text(out, *word);
		column += columns;
	}
	g_string_append_c(out, '\n');
}

static void put_result(GString *out, const struct doctor_result *result, unsigned columns, const struct style *style)
{
	const char *title = result->check->title;
	g_string_append_printf(out, "%*s", MARGIN, "");
	print_on(out, style, colours[result->state]);
	g_string_append_printf(out, "%-*s", STATE_COLUMNS, name_of(&doctor_state_names, (int)result->state));
	print_off(out, style);
	g_string_append_printf(out, "%s%*s", title, (int)(columns - print_width(title)), "");
	put_wrapped(out, result->seen, MARGIN + STATE_COLUMNS + columns, style);
	if (!result->remedy)
		return;
	g_string_append_printf(out, "%*s%s ", MARGIN + STATE_COLUMNS, "", print_arrow(style));
	put_wrapped(out, result->remedy, MARGIN + STATE_COLUMNS + print_width(print_arrow(style)) + 1, style);
}

static void put_sum(GString *out, const struct doctor_report *report)
{
	uint32_t n_failed = report->n[DOCTOR_FAILED], n_warnings = report->n[DOCTOR_WARNING],
		 n_unknown = report->n[DOCTOR_UNKNOWN];
	g_string_append_c(out, '\n');
	if (!report->is_reached)
		g_string_append(out, "This host is not reached");
	else if (n_failed)
		g_string_append(out, "This host cannot be managed yet");
	else
		g_string_append(out, "Nothing keeps this host from being managed");
	const char *gap = ": ";
	if (n_failed) {
		g_string_append_printf(out, "%s%u failed", gap, n_failed);
		gap = ", ";
	}
	if (n_warnings) {
		g_string_append(out, gap);
		print_n(out, n_warnings, "warning", "warnings");
		gap = ", ";
	}
	if (n_unknown)
		g_string_append_printf(
			out, "%s%u %s", gap, n_unknown, report->is_reached ? "unknown" : "not looked at");
	g_string_append(out, ".\n");
}

void render_doctor_text(GString *out, const struct doctor_report *report, const struct style *style)
{
	unsigned columns = title_columns(report);
	print_on(out, style, COLOUR_BOLD);
	g_string_append(out, "Host ");
	print_text(out, report->host);
	print_off(out, style);
	g_string_append(out, " (");
	print_text(out, report->address);
	g_string_append_c(out, ')');
	if (report->account) {
		g_string_append(out, ", as ");
		print_text(out, report->account);
	}
	g_string_append(out, "\n\n");
	for (uint32_t i = 0; i < report->n_results; i++)
		if (report->is_reached || report->results[i].state != DOCTOR_UNKNOWN)
			put_result(out, &report->results[i], columns, style);
	put_sum(out, report);
}
