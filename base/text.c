/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <glib.h>
#include <string.h>

enum { DISTANCE_LENGTH_MAX = 64, NAME_LENGTH_MAX = 63 };

const char *text_nearest(const char *word, const char *const *words, size_t n_words)
{
	unsigned limit = 1 + (unsigned)g_utf8_strlen(word, -1) / 4;
	const char *nearest = NULL;
	for (size_t i = 0; i < n_words; i++) {
		if (!words[i])
			continue;
		unsigned distance = text_distance(word, words[i], limit);
		/* A short word that shares no character with the candidate is another word, not a slip. */
		if (distance > limit || distance >= (unsigned)g_utf8_strlen(words[i], -1))
			continue;
		nearest = words[i];
		if (distance == 0)
			break;
		limit = distance - 1;
	}
	return nearest;
}

const char *text_nearest_name(const char *word, const struct names *names)
{
	return text_nearest(word, names->names, names->n);
}

static size_t fold(const char *text, gunichar *out)
{
	size_t n = 0;
	for (; *text && n <= DISTANCE_LENGTH_MAX; text = g_utf8_next_char(text))
		out[n++] = g_unichar_tolower(g_utf8_get_char(text));
	return n;
}

/* Optimal string alignment: Levenshtein's table with one more move, the swap of two neighbours, which needs the row
 * before the last. */
static unsigned distance_of(const gunichar *a, size_t n_a, const gunichar *b, size_t n_b)
{
	unsigned rows[3][DISTANCE_LENGTH_MAX + 1];
	for (size_t j = 0; j <= n_b; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n_a; i++) {
		unsigned *row = rows[i % 3], *last = rows[(i + 2) % 3], *before_last = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n_b; j++) {
			row[j] = MIN(last[j - 1] + (a[i - 1] != b[j - 1]), MIN(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before_last[j - 2] + 1);
		}
	}
	return rows[n_a % 3][n_b];
}

unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	gunichar folded_a[DISTANCE_LENGTH_MAX + 1], folded_b[DISTANCE_LENGTH_MAX + 1];
	size_t n_a = fold(a, folded_a), n_b = fold(b, folded_b);
	if (n_a > DISTANCE_LENGTH_MAX || n_b > DISTANCE_LENGTH_MAX)
		return strcmp(a, b) == 0 ? 0 : limit + 1;
	return MIN(distance_of(folded_a, n_a, folded_b, n_b), limit + 1);
}

bool text_glob(const char *pattern, const char *text)
{
	return g_pattern_match_simple(pattern, text);
}

bool text_glob_fold(const char *pattern, const char *text)
{
	g_autofree char *folded_pattern = g_utf8_casefold(pattern, -1), *folded = g_utf8_casefold(text, -1);
	return g_pattern_match_simple(folded_pattern, folded);
}

bool text_equal_fold(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	g_autofree char *folded_a = g_utf8_casefold(a, -1), *folded_b = g_utf8_casefold(b, -1);
	return strcmp(folded_a, folded_b) == 0;
}

/* Compares the runs of digits at both places by value and moves behind them. */
static int compare_numbers(const char **a, const char **b)
{
	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	size_t n_a = strspn(*a, "0123456789"), n_b = strspn(*b, "0123456789");
	int order = n_a != n_b ? (n_a < n_b ? -1 : 1) : memcmp(*a, *b, n_a);
	*a += n_a;
	*b += n_b;
	return order;
}

/* hv02 and hv01: they differ in the value of a number alone. (hv2 and hv02 do not.) */
static bool is_sibling(const char *a, const char *b)
{
	bool differs = false;
	while (*a && *b) {
		if (g_ascii_isdigit(*a) && g_ascii_isdigit(*b))
			differs |= compare_numbers(&a, &b) != 0;
		else if (g_ascii_tolower(*a++) != g_ascii_tolower(*b++))
			return false;
	}
	return differs && !*a && !*b;
}

const char *text_shell_word(struct arena *arena, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@";
	if (*word && !word[strspn(word, safe)])
		return word;
	g_autofree char *quoted = g_shell_quote(word);
	return arena_strdup(arena, quoted);
}

const char *text_meant(struct arena *arena, const char *word, const char *const *words, size_t n_words)
{
	g_autofree const char **others = g_new(const char *, n_words + 1);
	for (size_t i = 0; i < n_words; i++)
		others[i] = words[i] && !is_sibling(word, words[i]) ? words[i] : NULL;
	const char *near = text_nearest(word, others, n_words);
	return near ? arena_printf(arena, "; did you mean '%s'?", near) : "";
}

int text_compare(const char *a, const char *b)
{
	const char *all_a = a, *all_b = b;
	while (*a && *b) {
		if (g_ascii_isdigit(*a) && g_ascii_isdigit(*b)) {
			int order = compare_numbers(&a, &b);
			if (order)
				return order;
			continue;
		}
		gunichar left = g_unichar_tolower(g_utf8_get_char(a)), right = g_unichar_tolower(g_utf8_get_char(b));
		if (left != right)
			return left < right ? -1 : 1;
		a = g_utf8_next_char(a);
		b = g_utf8_next_char(b);
	}
	if (*a || *b)
		return *a ? 1 : -1;
	return strcmp(all_a, all_b);
}

unsigned text_width(const char *text)
{
	return text_width_n(text, strlen(text));
}

unsigned text_width_n(const char *text, size_t size)
{
	unsigned width = 0;
	for (const char *at = text; at < text + size && *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);
		if (g_unichar_iswide(character))
			width += 2;
		else if (!g_unichar_iszerowidth(character))
			width += 1;
	}
	return width;
}

bool text_is_name(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= NAME_LENGTH_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       text[0] != '-' && text[len - 1] != '-';
}
