/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/zone.h"
#include "tests/lib/test.h"

/* When the wall clocks of 'name' show 'clock', as UTC. */
static char *when(struct arena *arena, const char *name, const char *clock)
{
	const struct zone *zone = zone_load(arena, name);
	assert_non_null(zone);
	int64_t seconds = 0;
	assert_true(clock_parse(arena_printf(arena, "%sZ", clock), &seconds));
	return clock_print(arena, zone_time(zone, seconds));
}

/* What the wall clocks of 'name' show at 'time'. */
static char *shows(struct arena *arena, const char *name, const char *time)
{
	const struct zone *zone = zone_load(arena, name);
	assert_non_null(zone);
	int64_t seconds = 0;
	assert_true(clock_parse(time, &seconds));
	return zone_print(arena, zone, seconds);
}

static void time_of_a_clock_follows_the_season(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(when(arena, "UTC", "2026-07-01T12:00:00"), "2026-07-01T12:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-07-01T12:00:00"), "2026-07-01T10:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-12-01T12:00:00"), "2026-12-01T11:00:00Z");
	assert_string_equal(when(arena, "America/New_York", "2026-07-01T12:00:00"), "2026-07-01T16:00:00Z");
	assert_string_equal(when(arena, "America/New_York", "2026-12-01T12:00:00"), "2026-12-01T17:00:00Z");
	assert_string_equal(when(arena, "Asia/Kolkata", "2026-12-01T12:00:00"), "2026-12-01T06:30:00Z");
}

static void time_of_a_clock_that_is_jumped_over_is_the_jump(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	/* 02:00 becomes 03:00 on 29 March 2026, at 01:00 UTC */
	assert_string_equal(when(arena, "Europe/Paris", "2026-03-29T01:59:59"), "2026-03-29T00:59:59Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-03-29T02:00:00"), "2026-03-29T01:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-03-29T02:30:00"), "2026-03-29T01:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-03-29T03:00:00"), "2026-03-29T01:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-03-29T03:00:01"), "2026-03-29T01:00:01Z");
	assert_string_equal(when(arena, "America/New_York", "2026-03-08T02:30:00"), "2026-03-08T07:00:00Z");
	/* half an hour alone: 02:00 becomes 02:30 on 4 October 2026 */
	assert_string_equal(when(arena, "Australia/Lord_Howe", "2026-10-04T02:10:00"), "2026-10-03T15:30:00Z");
	assert_string_equal(when(arena, "Australia/Lord_Howe", "2026-10-04T02:30:00"), "2026-10-03T15:30:00Z");
}

static void time_of_a_clock_that_comes_twice_is_the_first(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	/* 03:00 becomes 02:00 on 25 October 2026, at 01:00 UTC */
	assert_string_equal(when(arena, "Europe/Paris", "2026-10-25T02:00:00"), "2026-10-25T00:00:00Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-10-25T02:59:59"), "2026-10-25T00:59:59Z");
	assert_string_equal(when(arena, "Europe/Paris", "2026-10-25T03:00:00"), "2026-10-25T02:00:00Z");
	assert_string_equal(when(arena, "America/New_York", "2026-11-01T01:30:00"), "2026-11-01T05:30:00Z");
	/* 02:00 becomes 01:30 on 5 April 2026 */
	assert_string_equal(when(arena, "Australia/Lord_Howe", "2026-04-05T01:45:00"), "2026-04-04T14:45:00Z");
	assert_string_equal(when(arena, "Australia/Lord_Howe", "2026-04-05T02:00:00"), "2026-04-04T15:30:00Z");
}

static void print_shows_day_clock_and_zone(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(shows(arena, "Europe/Paris", "2026-11-28T00:00:00Z"), "Sat 2026-11-28 01:00 Europe/Paris");
	assert_string_equal(shows(arena, "Australia/Lord_Howe", "2026-06-30T13:30:00Z"),
		"Wed 2026-07-01 00:00 Australia/Lord_Howe");
	assert_string_equal(
		shows(arena, "America/New_York", "2027-01-01T04:59:00Z"), "Thu 2026-12-31 23:59 America/New_York");
}

static void load_of_what_is_no_zone_gives_nothing(void **state)
{
	(void)state;
	static const char *const names[] = { "Europe/Pariss", "../../etc/passwd", "/etc/localtime", "Paris" };
	g_autoptr(arena_auto) arena = arena_new();
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		assert_null(zone_load(arena, names[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_of_a_clock_follows_the_season),
		cmocka_unit_test(time_of_a_clock_that_is_jumped_over_is_the_jump),
		cmocka_unit_test(time_of_a_clock_that_comes_twice_is_the_first),
		cmocka_unit_test(print_shows_day_clock_and_zone),
		cmocka_unit_test(load_of_what_is_no_zone_gives_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
