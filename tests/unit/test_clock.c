/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "tests/lib/test.h"

static void now_variable_stands_in_for_the_clock(void **state)
{
	(void)state;
	g_setenv("HVGPU_NOW", "2026-11-24T02:10:38Z", TRUE);
	assert_int_equal(clock_now(), 1795486238);
	g_setenv("HVGPU_NOW", "noon", TRUE);
	assert_true(clock_now() != 1795486238 && clock_now() > 1600000000);
	g_unsetenv("HVGPU_NOW");
	assert_true(clock_now() > 1600000000);
}

static void monotonic_never_goes_back(void **state)
{
	(void)state;
	int64_t first = clock_monotonic_ms();
	assert_true(clock_monotonic_ms() >= first);
}

static void print_is_read_back(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	static const int64_t times[] = { 0, 1, -1, 1795486238, 951782400, 253402300799, -62135596800 };
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		int64_t back = 7;
		assert_true(clock_parse(clock_print(arena, times[i]), &back));
		assert_int_equal(back, times[i]);
	}
	assert_string_equal(clock_print(arena, 1795486238), "2026-11-24T02:10:38Z");
}

static void print_of_no_date_is_a_number(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(clock_print(arena, INT64_MAX), "9223372036854775807s");
}

static void parse_takes_offsets_and_fractions(void **state)
{
	(void)state;
	int64_t time = 0;
	assert_true(clock_parse("2026-11-24T03:10:38+01:00", &time));
	assert_int_equal(time, 1795486238);
	assert_true(clock_parse("2026-11-23T21:10:38-05:00", &time));
	assert_int_equal(time, 1795486238);
	assert_true(clock_parse("2026-11-24T02:10:38.999Z", &time));
	assert_int_equal(time, 1795486238);
}

static void parse_refuses_what_is_not_rfc3339(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "now", "2026-11-24", "2026-11-24T02:10:38", "2026-11-24 02:10:38Z",
		"20261124T021038Z", "2026-W48-2T02:10:38Z", "2026-11-24T02:10:38+0100", "2026-11-24T02:10:38.Z",
		"2026-02-30T00:00:00Z", "2026-11-24T25:00:00Z", "2026-11-24T02:10:38Zx", "2026-11-24T02:10:38+01:00x" };
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		int64_t time = 7;
		assert_false(clock_parse(wrong[i], &time));
		assert_int_equal(time, 7);
	}
}

static void duration_shows_two_largest_units(void **state)
{
	(void)state;
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = { { 0, "0s" }, { 45, "45s" }, { 60, "1m" }, { 65, "1m 5s" }, { 4800, "1h 20m" }, { 3605, "1h" },
		{ 2 * 86400 + 59, "2d" }, { 90000, "1d 1h" }, { -300, "-5m" }, { INT64_MIN, "-106751991167300d 15h" } };
	g_autoptr(arena_auto) arena = arena_new();
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_string_equal(clock_duration(arena, cases[i].seconds), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_variable_stands_in_for_the_clock),
		cmocka_unit_test(monotonic_never_goes_back),
		cmocka_unit_test(print_is_read_back),
		cmocka_unit_test(print_of_no_date_is_a_number),
		cmocka_unit_test(parse_takes_offsets_and_fractions),
		cmocka_unit_test(parse_refuses_what_is_not_rfc3339),
		cmocka_unit_test(duration_shows_two_largest_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
