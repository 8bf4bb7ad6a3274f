/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/clixml.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define HEAD "#< CLIXML"

static const struct {
	const char *name;
	char is;
} entities[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' }, { "&apos;", '\'' } };

/* "_x000A_": one UTF-16 unit. Its value, or -1. */
static long unit_at(const char *at, const char *end)
{
	if (end - at < 7 || at[0] != '_' || at[1] != 'x' || at[6] != '_')
		return -1;
	long unit = 0;
	for (int i = 2; i < 6; i++) {
		if (!g_ascii_isxdigit(at[i]))
			return -1;
		unit = unit * 16 + g_ascii_xdigit_value(at[i]);
	}
	return unit;
}

/* Appends the character that the units at 'at' stand for; returns how long they are, 0: there are none. */
static size_t decode_units(GString *out, const char *at, const char *end)
{
	long unit = unit_at(at, end);
	if (unit < 0)
		return 0;
	if (unit >= 0xD800 && unit < 0xDC00) {
		long low = unit_at(at + 7, end);
		if (low >= 0xDC00 && low < 0xE000) {
			g_string_append_unichar(out, (gunichar)(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)));
			return 14;
		}
	}
	g_string_append_unichar(out, unit == 0 || (unit >= 0xD800 && unit < 0xE000) ? 0xFFFD : (gunichar)unit);
	return 7;
}

static size_t decode_entity(GString *out, const char *at, const char *end)
{
	for (size_t i = 0; i < G_N_ELEMENTS(entities); i++) {
		size_t n = strlen(entities[i].name);
		if ((size_t)(end - at) >= n && memcmp(at, entities[i].name, n) == 0) {
			g_string_append_c(out, entities[i].is);
			return n;
		}
	}
	return 0;
}

static void decode_text(GString *out, const char *at, const char *end)
{
	while (at < end) {
		size_t n = *at == '_' ? decode_units(out, at, end) : *at == '&' ? decode_entity(out, at, end) : 0;
		if (n == 0) {
			g_string_append_c(out, *at);
			n = 1;
		}
		at += n;
	}
}

static bool is_told(const char *at, const char *end)
{
	static const char *const streams[] = { "<S S=\"Error\">", "<S S=\"error\">", "<S S=\"Warning\">",
		"<S S=\"warning\">" };
	for (size_t i = 0; i < G_N_ELEMENTS(streams); i++)
		if ((size_t)(end - at) >= strlen(streams[i]) && memcmp(at, streams[i], strlen(streams[i])) == 0)
			return true;
	return false;
}

/* Decodes from behind the head to the end of its <Objs>, and returns that; without an end it is all there is. */
static const char *decode_objects(GString *out, const char *at, const char *end)
{
	const char *close = g_strstr_len(at, end - at, "</Objs>");
	const char *stop = close ? close : end;
	for (; at < stop; at++) {
		if (*at != '<' || !is_told(at, stop))
			continue;
		const char *text = (const char *)memchr(at, '>', (size_t)(stop - at)) + 1;
		const char *after = g_strstr_len(text, stop - text, "</S>");
		decode_text(out, text, after ? after : stop);
		at = after ? after : stop - 1;
	}
	return close ? close + strlen("</Objs>") : end;
}

static void drop_controls(GString *text)
{
	gsize n = 0;
	for (gsize i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->str[i];
		if (c == '\r' && text->str[i + 1] == '\n')
			continue;
		text->str[n++] = c == '\t' || c == '\r' ? ' ' : (c < ' ' && c != '\n') || c == 0x7F ? '?' : (char)c;
	}
	g_string_truncate(text, n);
}

char *clixml_words(const char *bytes, size_t n_bytes)
{
	g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)n_bytes);
	const char *at = valid, *end = valid + strlen(valid);
	GString *out = g_string_new(NULL);
	for (const char *head; (head = strstr(at, HEAD)); at = decode_objects(out, head + strlen(HEAD), end))
		g_string_append_len(out, at, head - at);
	g_string_append(out, at);
	drop_controls(out);
	return g_strstrip(g_string_free(out, FALSE));
}
