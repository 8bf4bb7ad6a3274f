/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/pieces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

/* About 'n' MiB of small documents. */
static GString *documents(size_t n)
{
	GString *text = g_string_new(NULL);
	for (unsigned i = 0; text->len < n * PIECE_MIN; i++)
		g_string_append_printf(text, "%sa: %u\n", i ? "---\n" : "", i);
	return text;
}

static void pieces_together_are_the_source(void **state)
{
	(void)state;
	g_autoptr(GString) text = documents(5);
	struct source source = { "w.yaml", text->str, text->len }, pieces[PIECES_MAX];
	uint32_t n = pieces_cut(&source, 4, pieces);
	assert_int_equal(n, 4);
	const char *at = text->str;
	for (uint32_t i = 0; i < n; i++) {
		assert_ptr_equal(pieces[i].bytes, at);
		assert_true(i == 0 || g_str_has_prefix(at, "---\n"));
		assert_true(pieces[i].n_bytes > PIECE_MIN && pieces[i].n_bytes < 2 * PIECE_MIN);
		at += pieces[i].n_bytes;
	}
	assert_ptr_equal(at, text->str + text->len);
}

static void pieces_of_small_or_json_sources_are_one(void **state)
{
	(void)state;
	g_autoptr(GString) text = documents(5);
	struct source pieces[PIECES_MAX];
	assert_int_equal(pieces_cut(&(struct source){ "w.yaml", text->str, PIECE_MIN }, 4, pieces), 1);
	assert_int_equal(pieces_cut(&(struct source){ "w.json", text->str, text->len }, 4, pieces), 1);
	assert_int_equal(pieces_cut(&(struct source){ "w.yaml", text->str, text->len }, 1, pieces), 1);
	assert_int_equal(pieces_cut(&(struct source){ "w.yaml", "", 0 }, 4, pieces), 1);
	memset(text->str, 'a', text->len);
	assert_int_equal(pieces_cut(&(struct source){ "w.yaml", text->str, text->len }, 4, pieces), 1);
	assert_int_equal(pieces[0].n_bytes, text->len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_together_are_the_source),
		cmocka_unit_test(pieces_of_small_or_json_sources_are_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
