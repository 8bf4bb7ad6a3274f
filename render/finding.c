/* SPDX-License-Identifier: Apache-2.0 */
#include "render/finding.h"
#include "reconcile/planfile_parts.h"
#include "render/print.h"

#include <string.h>

enum { LINE_COLUMNS = 110, LINE_BEFORE = 50, TAB_COLUMNS = 8 };

struct line {
	const char *start, *end;
};

/* Line 'number' of the source without its end; false when the source has no such line (a saved plan has names only). */
static bool find_line(const struct source *source, uint32_t number, struct line *out)
{
	const char *at = source->bytes, *end = source->bytes + source->n_bytes;
	if (!source->n_bytes || number == 0)
		return false;
	for (uint32_t i = 1; i < number; i++) {
		at = memchr(at, '\n', end - at);
		if (!at)
			return false;
		at++;
	}
	const char *stop = at < end ? memchr(at, '\n', end - at) : NULL;
	*out = (struct line){ at, stop ? stop : end };
	if (out->end > out->start && out->end[-1] == '\r')
		out->end--;
	return true;
}

/* One character of the line: where the next one starts, and its columns as they will be shown. */
static const char *step_over(const char *at, const char *end, unsigned *columns)
{
	if (*at >= ' ' && *at <= '~') { /* a file of one line may have millions of these */
		*columns = 1;
		return at + 1;
	}
	gunichar c = g_utf8_get_char_validated(at, end - at);
	if (c == '\t') {
		*columns = TAB_COLUMNS;
		return at + 1;
	}
	const char *next = c >= (gunichar)-2 ? at + 1 : g_utf8_next_char(at);
	g_autoptr(GString) shown = g_string_new(NULL);
	print_textn(shown, at, next - at);
	*columns = print_width(shown->str);
	return next;
}

static const char *skip_characters(const char *at, const char *end, uint32_t n, unsigned *columns_out)
{
	*columns_out = 0;
	for (uint32_t i = 0; i < n && at < end; i++) {
		unsigned columns;
		at = step_over(at, end, &columns);
		*columns_out += columns;
	}
	return at;
}

static const char *skip_columns(const char *at, const char *end, unsigned n)
{
	unsigned columns, sum = 0;
	while (at < end && sum < n) {
		at = step_over(at, end, &columns);
		sum += columns;
	}
	return at;
}

/* The text from 'at' to 'end'; tabs stay tabs, so that they fall on the same columns in the caret's line. */
static void put_source(GString *out, const char *at, const char *end)
{
	while (at < end) {
		const char *tab = memchr(at, '\t', end - at), *stop = tab ? tab : end;
		print_textn(out, at, stop - at);
		if (tab)
			g_string_append_c(out, '\t');
		at = tab ? tab + 1 : end;
	}
}

static void put_padding(GString *out, const char *at, const char *end)
{
	while (at < end) {
		unsigned columns;
		bool tab = *at == '\t';
		at = step_over(at, end, &columns);
		if (tab)
			g_string_append_c(out, '\t');
		else
			g_string_append_printf(out, "%*s", (int)columns, "");
	}
}

static void put_carets(GString *out, unsigned columns, unsigned left, const struct style *style)
{
	unsigned n = CLAMP(columns, 1, MAX(left, 1));
	print_on(out, style, COLOUR_RED);
	for (unsigned i = 0; i < n; i++)
		g_string_append_c(out, '^');
	print_off(out, style);
	g_string_append_c(out, '\n');
}

static void put_excerpt(GString *out, struct loc loc, const struct style *style)
{
	struct line line;
	if (!loc.source || !find_line(loc.source, loc.line, &line))
		return;
	unsigned before, marked, whole;
	const char *from = line.start;
	const char *caret = skip_characters(line.start, line.end, loc.col ? loc.col - 1 : 0, &before);
	skip_characters(caret, line.end, MAX(loc.len, 1), &marked);
	skip_characters(line.start, line.end, UINT32_MAX, &whole);
	if (whole > LINE_COLUMNS && before > LINE_BEFORE)
		from = skip_columns(line.start, line.end, before - LINE_BEFORE);
	const char *to = skip_columns(from, line.end, LINE_COLUMNS);
	const char *cut = print_ellipsis(style);
	unsigned cut_columns = from > line.start ? print_width(cut) : 0;
	print_on(out, style, COLOUR_DIM);
	g_string_append_printf(out, "%5u | ", loc.line);
	print_off(out, style);
	g_string_append(out, cut_columns ? cut : "");
	put_source(out, from, to);
	g_string_append(out, to < line.end ? cut : "");
	print_on(out, style, COLOUR_DIM);
	g_string_append(out, "\n      | ");
	print_off(out, style);
	g_string_append_printf(out, "%*s", (int)cut_columns, "");
	put_padding(out, from, caret);
	unsigned shown = whole > LINE_COLUMNS ? LINE_COLUMNS - MIN(before, LINE_BEFORE) : LINE_COLUMNS;
	put_carets(out, marked, shown, style);
}

static void put_position(GString *out, struct loc loc)
{
	if (!loc.source)
		return;
	print_text(out, loc.source->name);
	if (loc.line)
		g_string_append_printf(out, ":%u:%u", loc.line, MAX(loc.col, 1));
	g_string_append(out, ": ");
}

void finding_write(GString *out, const struct diag *diag, const struct style *style)
{
	static const enum colour colours[] = {
		[DIAG_ERROR] = COLOUR_RED,
		[DIAG_WARNING] = COLOUR_YELLOW,
		[DIAG_NOTE] = COLOUR_CYAN,
	};
	const struct diag_row *row = &diag_codes[diag->code];
	put_position(out, diag->loc);
	if (!diag->loc.source && diag->subject) {
		print_text(out, diag->subject);
		g_string_append(out, ": ");
	}
	print_on(out, style, colours[row->severity]);
	g_string_append_printf(out, "%s %s", name_of(&diag_severity_names, row->severity), row->id);
	print_off(out, style);
	g_string_append(out, ": ");
	print_text(out, diag->message);
	g_string_append_c(out, '\n');
	put_excerpt(out, diag->loc, style);
	if (!diag->also_message)
		return;
	put_position(out, diag->also);
	print_on(out, style, COLOUR_CYAN);
	g_string_append(out, "note");
	print_off(out, style);
	g_string_append(out, ": ");
	print_text(out, diag->also_message);
	g_string_append_c(out, '\n');
	put_excerpt(out, diag->also, style);
}

void finding_write_codes(GString *out, const struct diags *const *lists, uint32_t n_lists)
{
	enum { CODES_MAX = 6 };
	bool seen[DIAG_CODE_COUNT] = { 0 };
	for (uint32_t i = 0; i < n_lists; i++)
		for (const struct diag *diag = lists[i] ? lists[i]->first : NULL; diag; diag = diag->next)
			seen[diag->code] = true;
	uint32_t n = 0;
	for (int code = 0; code < DIAG_CODE_COUNT && n < CODES_MAX; code++) {
		if (!seen[code])
			continue;
		const char *before = n == 0 ? "Why, and what to do: hvgpu explain " : n == 1 ? " (also " : ", ";
		g_string_append_printf(out, "%s%s", before, diag_codes[code].id);
		n++;
	}
	if (n > 1)
		g_string_append_c(out, ')');
	if (n)
		g_string_append_c(out, '\n');
}

static void put_totals(GString *out, const struct diags *diags)
{
	uint32_t n_notes = diags->n - MIN(diags->n, diags->n_errors + diags->n_warnings);
	const char *gap = "";
	if (diags->n_dropped) {
		g_string_append_printf(out, "%u more findings are not shown.\n", diags->n_dropped);
		n_notes = 0;
	}
	if (diags->n_errors) {
		print_n(out, diags->n_errors, "error", "errors");
		gap = ", ";
	}
	if (diags->n_warnings) {
		g_string_append(out, gap);
		print_n(out, diags->n_warnings, "warning", "warnings");
		gap = ", ";
	}
	if (n_notes) {
		g_string_append(out, gap);
		print_n(out, n_notes, "note", "notes");
	}
	g_string_append(out, ". ");
}

void render_diags_text(GString *out, const struct diags *diags, const struct style *style)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		finding_write(out, diag, style);
	if (!diags->n)
		return;
	put_totals(out, diags);
	finding_write_codes(out, &diags, 1);
}

json_t *render_diags_json(const struct diags *diags)
{
	return planfile_findings_to_json(diags);
}
