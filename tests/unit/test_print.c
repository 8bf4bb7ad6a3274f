/* SPDX-License-Identifier: Apache-2.0 */
#include "render/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PRINTS(call, wanted) \
	do { \
		g_autoptr(GString) out = g_string_new(NULL); \
		call; \
		assert_string_equal(out->str, wanted); \
	} while (0)

static void hostile_text_is_escaped(void **state)
{
	(void)state;
	PRINTS(print_text(out, "vdi-\xc3\xa9 001"), "vdi-\xc3\xa9 001");
	PRINTS(print_text(out, "a\033]0;x\007\r\n\tb\x7f"), "a\\x1b]0;x\\x07\\r\\n\\tb\\x7f");
	PRINTS(print_text(out, "\xc2\x9b"
			       "2J"),
		"\\x9b2J");
	PRINTS(print_text(out, "\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf"), "\\u202e\\u200b\\ufeff");
	PRINTS(print_text(out, "\xff\xc3"), "\\xff\\xc3");
	PRINTS(print_text(out, NULL), "?");
}

static void durations_are_short(void **state)
{
	(void)state;
	PRINTS(print_duration(out, 0), "0 s");
	PRINTS(print_duration(out, 89), "89 s");
	PRINTS(print_duration(out, 90), "2 min");
	PRINTS(print_duration(out, 25 * 60), "25 min");
	PRINTS(print_duration(out, 3 * 3600 + 20 * 60), "3 h 20 min");
	PRINTS(print_duration(out, 4 * 86400 + 5), "4 days");
}

static void sizes_are_exact(void **state)
{
	(void)state;
	PRINTS(print_size(out, 0), "0 bytes");
	PRINTS(print_size(out, 1000), "1000 bytes");
	PRINTS(print_size(out, 128 << 20), "128 MiB");
	PRINTS(print_size(out, 17750294528ull), "16928 MiB");
	PRINTS(print_size(out, UINT64_MAX), "18446744073709551615 bytes");
}

static void names_wrap_and_are_cut_with_a_count(void **state)
{
	(void)state;
	const char *const names[] = { "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "d" };
	PRINTS(print_names(out, names, 4, 20, 2, 26), "aaaaaaaaaa, bbbbbbbbbb,\n  cccccccccc, d");
	PRINTS(print_names(out, names, 4, 2, 2, 0), "aaaaaaaaaa, bbbbbbbbbb and 2 more");
	PRINTS(print_names(out, names, 0, 2, 2, 0), "");
}

static void colours_are_written_only_where_wanted(void **state)
{
	(void)state;
	static const struct style plain = { 0 }, colour = { .colour = true };
	PRINTS(print_on(out, &plain, COLOUR_RED), "");
	PRINTS(print_on(out, &colour, COLOUR_GREEN), "\033[32m");
	PRINTS(print_off(out, &plain), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_text_is_escaped),
		cmocka_unit_test(durations_are_short),
		cmocka_unit_test(sizes_are_exact),
		cmocka_unit_test(names_wrap_and_are_cut_with_a_count),
		cmocka_unit_test(colours_are_written_only_where_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
