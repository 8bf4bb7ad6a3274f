/* SPDX-License-Identifier: Apache-2.0 */
#include "render/finding.h"
#include "reconcile/planfile_parts.h"
#include "render/mask.h"
#include "render/print.h"

#include <limits.h>
#include <string.h>

/* A line is shown as far as LINE_COLUMNS, and of characters without width no more than LINE_CHARACTERS: lines of many
 * megabytes are cut before anything is measured. */
enum { LINE_COLUMNS = 110, LINE_BEFORE = 50, LINE_CHARACTERS = 440, TAB_COLUMNS = 8 };

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

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

/* Where the character after the one at 'at' starts. A byte that is not UTF-8 counts as one. */
static const char *next_character(const char *at, const char *end)
{
	if (is_plain(*at))
		return at + 1;
	return g_utf8_get_char_validated(at, end - at) >= (gunichar)-2 ? at + 1 : g_utf8_next_char(at);
}

/* One character of the line: where the next one starts, and its columns as they will be shown. */
static const char *step_over(const char *at, const char *end, unsigned *columns)
{
	const char *next = next_character(at, end);
	if (is_plain(*at) || *at == '\t') {
		*columns = *at == '\t' ? TAB_COLUMNS : 1;
		return next;
	}
	g_autoptr(GString) shown = g_string_new(NULL);
	print_textn(shown, at, next - at);
	*columns = print_width(shown->str);
	return next;
}

static const char *skip_characters(const char *at, const char *end, uint32_t n)
{
	for (uint32_t i = 0; i < n && at < end; i++)
		at = next_character(at, end);
	return at;
}

/* Over at most 'n_characters', until their columns are 'n_columns' or more. */
static const char *skip_columns(
	const char *at, const char *end, uint32_t n_characters, unsigned n_columns, unsigned *sum_out)
{
	unsigned columns, sum = 0;
	for (uint32_t i = 0; i < n_characters && at < end && sum < n_columns; i++) {
		at = step_over(at, end, &columns);
		sum += columns;
	}
	*sum_out = sum;
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

static void put_carets(GString *out, unsigned columns, const struct style *style)
{
	print_on(out, style, COLOUR_RED);
	for (unsigned i = 0; i < MAX(columns, 1); i++)
		g_string_append_c(out, '^');
	print_off(out, style);
	g_string_append_c(out, '\n');
}

/* What of a line is shown. */
struct excerpt {
	const char *from, *caret, *to;
	unsigned before; /* columns between 'from' and the caret */
	unsigned marked; /* columns that are underlined */
};

static struct excerpt cut_line(const struct line *line, struct loc loc)
{
	uint32_t n_before = loc.col ? loc.col - 1 : 0;
	unsigned columns, cut;
	struct excerpt out = { .from = line->start };
	out.caret = skip_characters(line->start, line->end, n_before);
	bool fits = skip_columns(line->start, line->end, LINE_CHARACTERS, LINE_COLUMNS + 1, &columns) == line->end &&
		    columns <= LINE_COLUMNS;
	if (!fits && n_before > LINE_BEFORE)
		out.from = skip_characters(line->start, line->end, n_before - LINE_BEFORE);
	skip_columns(out.from, out.caret, LINE_CHARACTERS, UINT_MAX, &out.before);
	if (!fits && out.before > LINE_BEFORE) {
		out.from = skip_columns(out.from, out.caret, LINE_CHARACTERS, out.before - LINE_BEFORE, &cut);
		out.before -= cut;
	}
	out.to = skip_columns(out.from, line->end, LINE_CHARACTERS, LINE_COLUMNS, &columns);
	skip_columns(out.caret, line->end, CLAMP(loc.len, 1, LINE_CHARACTERS), LINE_COLUMNS, &out.marked);
	out.marked = MIN(out.marked, LINE_COLUMNS - MIN(fits ? 0 : out.before, LINE_BEFORE));
	return out;
}

void finding_write_excerpt(GString *out, struct loc loc, const struct style *style)
{
	struct line line;
	if (!loc.source || !find_line(loc.source, loc.line, &line))
		return;
	struct excerpt excerpt = cut_line(&line, loc);
	const char *cut = print_ellipsis(style), *secret = mask_from(line.start, line.end);
	if (secret < excerpt.to)
		excerpt.to = MAX(secret, excerpt.from);
	if (secret < line.end)
		excerpt.marked = 1; /* nor how long it is */
	unsigned cut_columns = excerpt.from > line.start ? print_width(cut) : 0;
	print_on(out, style, COLOUR_DIM);
	g_string_append_printf(out, "%5u | ", loc.line);
	print_off(out, style);
	g_string_append(out, cut_columns ? cut : "");
	put_source(out, excerpt.from, excerpt.to);
	g_string_append(out, excerpt.to < line.end ? cut : "");
	print_on(out, style, COLOUR_DIM);
	g_string_append(out, "\n      | ");
	print_off(out, style);
	g_string_append_printf(out, "%*s", (int)cut_columns, "");
	put_padding(out, excerpt.from, excerpt.caret);
	put_carets(out, excerpt.marked, style);
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
	finding_write_excerpt(out, diag->loc, style);
	if (!diag->also_message)
		return;
	put_position(out, diag->also);
	print_on(out, style, COLOUR_CYAN);
	g_string_append(out, "note");
	print_off(out, style);
	g_string_append(out, ": ");
	print_text(out, diag->also_message);
	g_string_append_c(out, '\n');
	finding_write_excerpt(out, diag->also, style);
}

void finding_write_codes(GString *out, const struct diags *const *lists, uint32_t n_lists)
{
	enum { CODES_MAX = 6 };
	bool seen[DIAG_CODE_COUNT] = { 0 };
	for (uint32_t i = 0; i < n_lists; i++)
		for (const struct diag *diag = lists[i] ? lists[i]->first : NULL; diag; diag = diag->next)
			seen[diag->code] = true;
	uint32_t n = 0;
	for (int code = 0; code < DIAG_CODE_COUNT; code++) {
		if (!seen[code])
			continue;
		if (n == CODES_MAX) {
			g_string_append(out, ", ...");
			break;
		}
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
