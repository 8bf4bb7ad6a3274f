/* SPDX-License-Identifier: Apache-2.0 */
#include "render/print.h"

#include <string.h>

/* Characters that would hide or reorder the text beside them, or move the cursor. */
static bool is_unsafe(gunichar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe;
}

static void print_unsafe(GString *out, gunichar c)
{
	if (c == '\n')
		g_string_append(out, "\\n");
	else if (c == '\t')
		g_string_append(out, "\\t");
	else if (c == '\r')
		g_string_append(out, "\\r");
	else if (c < 0x100)
		g_string_append_printf(out, "\\x%02x", c);
	else if (c < 0x10000)
		g_string_append_printf(out, "\\u%04x", c);
	else
		g_string_append_printf(out, "\\U%08x", c);
}

void print_textn(GString *out, const char *text, size_t n_bytes)
{
	const char *end = text + n_bytes;
	while (text < end) {
		gunichar c = g_utf8_get_char_validated(text, end - text);
		if (c >= (gunichar)-2) {
			g_string_append_printf(out, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		const char *next = g_utf8_next_char(text);
		if (is_unsafe(c))
			print_unsafe(out, c);
		else
			g_string_append_len(out, text, next - text);
		text = next;
	}
}

void print_text(GString *out, const char *text)
{
	print_textn(out, text ? text : "?", text ? strlen(text) : 1);
}

unsigned print_char_width(gunichar c)
{
	return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
}

unsigned print_width(const char *text)
{
	unsigned width = 0;
	for (; *text; text = g_utf8_next_char(text))
		width += print_char_width(g_utf8_get_char(text));
	return width;
}

void print_on(GString *out, const struct style *style, enum colour colour)
{
	static const char *const codes[] = {
		[COLOUR_NONE] = "",
		[COLOUR_RED] = "\033[1;31m",
		[COLOUR_GREEN] = "\033[32m",
		[COLOUR_YELLOW] = "\033[33m",
		[COLOUR_CYAN] = "\033[36m",
		[COLOUR_BOLD] = "\033[1m",
		[COLOUR_DIM] = "\033[2m",
	};
	if (style->colour)
		g_string_append(out, codes[colour]);
}

void print_off(GString *out, const struct style *style)
{
	if (style->colour)
		g_string_append(out, "\033[0m");
}

const char *print_arrow(const struct style *style)
{
	return style->unicode ? "→" : "->";
}

const char *print_ellipsis(const struct style *style)
{
	return style->unicode ? "…" : "...";
}

void print_duration(GString *out, uint32_t seconds)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
	if (seconds < 90)
		g_string_append_printf(out, "%u s", seconds);
	else if (seconds < 2 * HOUR)
		g_string_append_printf(out, "%u min", (seconds + MINUTE / 2) / MINUTE);
	else if (seconds < 2 * DAY && seconds % HOUR < MINUTE)
		g_string_append_printf(out, "%u h", seconds / HOUR);
	else if (seconds < 2 * DAY)
		g_string_append_printf(out, "%u h %u min", seconds / HOUR, seconds % HOUR / MINUTE);
	else
		g_string_append_printf(out, "%u days", seconds / DAY);
}

void print_size(GString *out, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	enum { KIBI = 1024 };
	size_t unit = 0;
	while (bytes && bytes % KIBI == 0 && unit + 1 < G_N_ELEMENTS(units)) {
		bytes /= KIBI;
		unit++;
	}
	g_string_append_printf(out, "%" G_GUINT64_FORMAT " %s", bytes, units[unit]);
}

void print_place(GString *out, struct loc loc)
{
	if (!loc.source)
		return;
	print_text(out, loc.source->name);
	if (loc.line)
		g_string_append_printf(out, ":%u", loc.line);
}

void print_commit(GString *out, const struct run *run)
{
	enum { SHORT = 7 };
	if (!run->tree.commit) {
		g_string_append(out, "these manifests");
		return;
	}
	g_string_append(out, "commit ");
	print_textn(out, run->tree.commit, strnlen(run->tree.commit, SHORT));
	if (run->tree.dirty)
		g_string_append(out, " with local changes");
}

void print_n(GString *out, uint32_t n, const char *one, const char *many)
{
	g_string_append_printf(out, "%u %s", n, n == 1 ? one : many);
}

void print_names(GString *out, const char *const *names, uint32_t n, uint32_t max, unsigned indent, unsigned width)
{
	unsigned limit = width ? MAX(width, indent + 20) : 100, at = indent;
	uint32_t shown = n > max ? max : n;
	for (uint32_t i = 0; i < shown; i++) {
		g_autoptr(GString) name = g_string_new(NULL);
		print_text(name, names[i]);
		if (i + 1 < shown)
			g_string_append_c(name, ',');
		unsigned columns = print_width(name->str);
		if (i > 0 && at + 1 + columns > limit) {
			g_string_append_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (i > 0) {
			g_string_append_c(out, ' ');
			at++;
		}
		g_string_append(out, name->str);
		at += columns;
	}
	if (n > shown)
		g_string_append_printf(out, " and %u more", n - shown);
}
