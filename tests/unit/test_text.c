/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "tests/lib/test.h"

#include <glib.h>

static const char *const fields[] = { "partitionCount", "passthrough", "match", "name", "hosts", "host" };

static const char *nearest(const char *word)
{
	return text_nearest(word, fields, G_N_ELEMENTS(fields));
}

static void nearest_slip_is_found(void **state)
{
	(void)state;
	assert_string_equal(nearest("partitionCout"), "partitionCount");
	assert_string_equal(nearest("patritionCount"), "partitionCount");
	assert_string_equal(nearest("partitioncount"), "partitionCount");
	assert_string_equal(nearest("nmae"), "name");
	assert_string_equal(nearest("hostss"), "hosts");
}

static void nearest_exact_word_wins_over_near_one(void **state)
{
	(void)state;
	assert_string_equal(nearest("host"), "host");
	assert_string_equal(nearest("hosts"), "hosts");
}

static void nearest_other_word_is_none(void **state)
{
	(void)state;
	assert_null(nearest("colour"));
	assert_null(nearest("x"));
	assert_null(nearest(""));
	assert_null(text_nearest("name", fields, 0));
}

static void nearest_short_word_shares_a_character(void **state)
{
	(void)state;
	static const char *const words[] = { "a", "ab" };
	assert_string_equal(text_nearest("b", words, 2), "ab");
}

static void nearest_name_skips_gaps(void **state)
{
	(void)state;
	static const char *const words[] = { NULL, "Rolling" };
	static const struct names names = { 2, words };
	assert_string_equal(text_nearest_name("Roling", &names), "Rolling");
}

static void meant_is_no_brother(void **state)
{
	(void)state;
	static const char *const hosts[] = { "hv01", NULL, "hv02", "gpu-a1-host" };
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(text_meant(arena, "hv1", hosts, 4), "; did you mean 'hv01'?");
	assert_string_equal(text_meant(arena, "hw02", hosts, 4), "; did you mean 'hv02'?");
	assert_string_equal(text_meant(arena, "gpu-a2-hots", hosts, 4), "; did you mean 'gpu-a1-host'?");
	assert_string_equal(text_meant(arena, "hv03", hosts, 4), "");
	assert_string_equal(text_meant(arena, "GPU-A22-host", hosts, 4), "");
	assert_string_equal(text_meant(arena, "elsewhere", hosts, 4), "");
}

static void distance_counts_edits(void **state)
{
	(void)state;
	assert_int_equal(text_distance("", "", 5), 0);
	assert_int_equal(text_distance("abc", "", 5), 3);
	assert_int_equal(text_distance("", "abc", 5), 3);
	assert_int_equal(text_distance("abcd", "acbd", 5), 1);
	assert_int_equal(text_distance("kitten", "sitting", 5), 3);
	assert_int_equal(text_distance("kitten", "sitting", 1), 2);
	assert_int_equal(text_distance("h\u00e9llo", "h\u00c9llo", 5), 0);
}

static void distance_of_long_texts_is_equality(void **state)
{
	(void)state;
	g_autofree char *a = g_strnfill(65, 'a'), *b = g_strdup(a), *c = g_strnfill(1000, 'a');
	assert_int_equal(text_distance(a, b, 3), 0);
	assert_int_equal(text_distance(a, c, 3), 4);
	g_autofree char *longest = g_strnfill(64, 'a');
	assert_int_equal(text_distance(longest, "", 100), 64);
}

static void glob_matches_whole_text(void **state)
{
	(void)state;
	assert_true(text_glob("vdi-1*", "vdi-100"));
	assert_true(text_glob("*", ""));
	assert_true(text_glob("vdi-?", "vdi-\u00e9"));
	assert_false(text_glob("vdi", "vdi-1"));
	assert_false(text_glob("di-1", "vdi-1"));
	assert_false(text_glob("VDI-*", "vdi-1"));
}

static void glob_fold_ignores_case(void **state)
{
	(void)state;
	assert_true(text_glob_fold("VDI-*", "vdi-1"));
	assert_true(text_glob_fold("\u00c4*", "\u00e4b"));
	assert_false(text_glob_fold("VDI-*", "vd-1"));
}

static void glob_many_stars_end_soon(void **state)
{
	(void)state;
	g_autoptr(GString) pattern = g_string_new(NULL);
	for (int i = 0; i < 1000; i++)
		g_string_append(pattern, "*a");
	g_string_append(pattern, "*b");
	g_autofree char *text = g_strnfill(5000, 'a');
	assert_false(text_glob(pattern->str, text));
}

static void equal_fold_ignores_case(void **state)
{
	(void)state;
	assert_true(text_equal_fold("HV01", "hv01"));
	assert_true(text_equal_fold("\u00c4", "\u00e4"));
	assert_false(text_equal_fold("hv01", "hv1"));
}

static void compare_orders_numbers_by_value(void **state)
{
	(void)state;
	assert_true(text_compare("hv2", "HV10") < 0);
	assert_true(text_compare("HV10", "hv2") > 0);
	assert_true(text_compare("hv2a", "hv2b") < 0);
	assert_true(text_compare("a", "ab") < 0);
	assert_true(text_compare("ab", "a") > 0);
	assert_true(text_compare("b", "A") > 0);
	assert_true(text_compare("vm99999999999999999999", "vm100000000000000000000") < 0);
}

static void compare_is_zero_for_same_bytes_only(void **state)
{
	(void)state;
	assert_int_equal(text_compare("hv01", "hv01"), 0);
	assert_int_not_equal(text_compare("hv01", "HV01"), 0);
	assert_int_not_equal(text_compare("hv01", "hv1"), 0);
	assert_true((text_compare("hv01", "HV01") < 0) == (text_compare("HV01", "hv01") > 0));
}

static void width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width("hv01"), 4);
	assert_int_equal(text_width("\u65e5\u672c"), 4);
	assert_int_equal(text_width("e\u0301"), 1);
	assert_int_equal(text_width_n("\u65e5\u672c", strlen("\u65e5")), 2);
	assert_int_equal(text_width(""), 0);
}

static void name_follows_its_form(void **state)
{
	(void)state;
	g_autofree char *longest = g_strnfill(63, 'a'), *too_long = g_strnfill(64, 'a');
	assert_true(text_is_name("paris"));
	assert_true(text_is_name("a-1"));
	assert_true(text_is_name(longest));
	assert_false(text_is_name(too_long));
	assert_false(text_is_name(""));
	assert_false(text_is_name("-a"));
	assert_false(text_is_name("a-"));
	assert_false(text_is_name("Paris"));
	assert_false(text_is_name("a.b"));
}

static void word_of_a_command_is_quoted_where_it_has_to_be(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(text_shell_word(arena, "vdi-001"), "vdi-001");
	assert_string_equal(text_shell_word(arena, "my vm"), "'my vm'");
	assert_string_equal(text_shell_word(arena, "it's"), "'it'\\''s'");
	assert_string_equal(text_shell_word(arena, "$HOME"), "'$HOME'");
	assert_string_equal(text_shell_word(arena, ""), "''");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_of_a_command_is_quoted_where_it_has_to_be),
		cmocka_unit_test(nearest_slip_is_found),
		cmocka_unit_test(nearest_exact_word_wins_over_near_one),
		cmocka_unit_test(nearest_other_word_is_none),
		cmocka_unit_test(nearest_short_word_shares_a_character),
		cmocka_unit_test(nearest_name_skips_gaps),
		cmocka_unit_test(meant_is_no_brother),
		cmocka_unit_test(distance_counts_edits),
		cmocka_unit_test(distance_of_long_texts_is_equality),
		cmocka_unit_test(glob_matches_whole_text),
		cmocka_unit_test(glob_fold_ignores_case),
		cmocka_unit_test(glob_many_stars_end_soon),
		cmocka_unit_test(equal_fold_ignores_case),
		cmocka_unit_test(compare_orders_numbers_by_value),
		cmocka_unit_test(compare_is_zero_for_same_bytes_only),
		cmocka_unit_test(width_counts_columns),
		cmocka_unit_test(name_follows_its_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
