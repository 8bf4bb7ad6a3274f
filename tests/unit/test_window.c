/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/zone.h"
#include "model/window.h"
#include "tests/lib/test.h"

enum { HOUR = 3600 };

static struct spec_window window_of(
	struct arena *arena, const char *days, const char *start, uint32_t duration_s, const char *zone)
{
	struct spec_window window = { .duration_s = duration_s, .time_zone = zone, .zone = zone_load(arena, zone) };
	assert_non_null(window.zone);
	window.start_minute =
		(uint32_t)(((start[0] - '0') * 10 + start[1] - '0') * 60 + (start[3] - '0') * 10 + start[4] - '0');
	g_auto(GStrv) names = g_strsplit(days, " ", -1);
	const char **list = arena_array(arena, const char *, g_strv_length(names));
	for (char **name = names; *name; name++)
		list[window.n_days++] = arena_strdup(arena, *name);
	window.days = list;
	return window;
}

/* "open 2026-…Z to 2026-…Z" or "shut, …" */
static char *state_at(struct arena *arena, const struct spec_window *windows, uint32_t n, const char *now)
{
	int64_t time = 0;
	assert_true(clock_parse(now, &time));
	struct window_state state = window_at(windows, n, time);
	const char *closes = state.closes_at == WINDOW_NEVER_CLOSES ? "never" : clock_print(arena, state.closes_at);
	return arena_printf(
		arena, "%s %s to %s", state.is_open ? "open" : "shut", clock_print(arena, state.opens_at), closes);
}

static void check(const char *days, const char *start, uint32_t duration_s, const char *zone, const char *now,
	const char *expected)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_window window = window_of(arena, days, start, duration_s, zone);
	assert_string_equal(state_at(arena, &window, 1, now), expected);
}

static void weekly_window_opens_and_closes(void **state)
{
	(void)state;
	static const char *const span = " 2026-11-28T00:00:00Z to 2026-11-28T04:00:00Z";
	static const struct {
		const char *now, *is;
	} rows[] = { { "2026-11-24T12:00:00Z", "shut" }, { "2026-11-27T23:59:59Z", "shut" },
		{ "2026-11-28T00:00:00Z", "open" }, { "2026-11-28T03:59:59Z", "open" } };
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *expected = g_strconcat(rows[i].is, span, NULL);
		check("Sat Sun", "01:00", 4 * HOUR, "Europe/Paris", rows[i].now, expected);
	}
	check("Sat Sun", "01:00", 4 * HOUR, "Europe/Paris", "2026-11-28T04:00:00Z",
		"shut 2026-11-29T00:00:00Z to 2026-11-29T04:00:00Z");
}

static void next_opening_is_found_over_a_year_boundary(void **state)
{
	(void)state;
	check("Fri", "00:30", HOUR, "America/New_York", "2026-12-26T00:00:00Z",
		"shut 2027-01-01T05:30:00Z to 2027-01-01T06:30:00Z");
	check("Sat", "22:00", 2 * HOUR, "UTC", "2026-12-31T23:59:59Z",
		"shut 2027-01-02T22:00:00Z to 2027-01-03T00:00:00Z");
}

static void days_are_those_of_the_start(void **state)
{
	(void)state;
	/* Saturday from 22:00 on, into Sunday; by UTC it is another day yet */
	check("Sat", "22:00", 4 * HOUR, "Europe/Paris", "2026-11-29T00:30:00Z",
		"open 2026-11-28T21:00:00Z to 2026-11-29T01:00:00Z");
	check("Mon", "00:30", HOUR, "Asia/Kolkata", "2026-11-28T00:00:00Z",
		"shut 2026-11-29T19:00:00Z to 2026-11-29T20:00:00Z");
	check("Sun", "20:00", HOUR, "America/New_York", "2026-11-30T01:30:00Z",
		"open 2026-11-30T01:00:00Z to 2026-11-30T02:00:00Z");
}

static void no_days_mean_all(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_window window = window_of(arena, "Mon", "03:00", HOUR, "UTC");
	window.n_days = 0;
	assert_string_equal(state_at(arena, &window, 1, "2026-11-26T03:30:00Z"),
		"open 2026-11-26T03:00:00Z to 2026-11-26T04:00:00Z");
}

static void start_in_the_hour_that_does_not_exist_opens_at_the_jump(void **state)
{
	(void)state;
	check("Sun", "02:30", 2 * HOUR, "Europe/Paris", "2026-03-28T12:00:00Z",
		"shut 2026-03-29T01:00:00Z to 2026-03-29T03:00:00Z");
	check("Sun", "02:30", 2 * HOUR, "America/New_York", "2026-03-08T00:00:00Z",
		"shut 2026-03-08T07:00:00Z to 2026-03-08T09:00:00Z");
	check("Sun", "02:15", HOUR, "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
		"shut 2026-10-03T15:30:00Z to 2026-10-03T16:30:00Z");
}

static void start_in_the_hour_that_comes_twice_opens_at_the_first(void **state)
{
	(void)state;
	check("Sun", "02:30", HOUR, "Europe/Paris", "2026-10-24T12:00:00Z",
		"shut 2026-10-25T00:30:00Z to 2026-10-25T01:30:00Z");
	check("Sun", "01:30", HOUR, "America/New_York", "2026-11-01T00:00:00Z",
		"shut 2026-11-01T05:30:00Z to 2026-11-01T06:30:00Z");
	check("Sun", "01:45", HOUR, "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
		"shut 2026-04-04T14:45:00Z to 2026-04-04T15:45:00Z");
}

/* From 01:00 on for four hours, in a night of 23 hours and in one of 25: elapsed time, not wall time. */
static void duration_is_elapsed_time(void **state)
{
	(void)state;
	check("Sun", "01:00", 4 * HOUR, "Europe/Paris", "2026-03-29T03:59:59Z",
		"open 2026-03-29T00:00:00Z to 2026-03-29T04:00:00Z");
	check("Sun", "01:00", 4 * HOUR, "Europe/Paris", "2026-10-25T02:59:59Z",
		"open 2026-10-24T23:00:00Z to 2026-10-25T03:00:00Z");
}

static void windows_that_overlap_or_touch_are_one(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_window windows[] = { window_of(arena, "Sun", "00:00", 2 * HOUR, "UTC"),
		window_of(arena, "Sat", "22:00", 2 * HOUR, "UTC"),
		window_of(arena, "Sun", "02:30", HOUR, "Europe/Paris") };
	assert_string_equal(state_at(arena, windows, 3, "2026-11-29T01:00:00Z"),
		"open 2026-11-28T22:00:00Z to 2026-11-29T02:30:00Z");
	struct window_state state_now = window_at(windows, 3, 1795867200); /* 2026-11-28T12:00:00Z */
	assert_int_equal(state_now.longest_s, 4 * HOUR + HOUR / 2);
	windows[1].duration_s--;
	assert_string_equal(state_at(arena, windows, 3, "2026-11-28T23:59:59Z"),
		"shut 2026-11-29T00:00:00Z to 2026-11-29T02:30:00Z");
}

static void longest_is_that_of_all_windows(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_window windows[] = { window_of(arena, "Tue", "20:00", 2 * HOUR, "UTC"),
		window_of(arena, "Sat", "20:00", 6 * HOUR, "UTC"), window_of(arena, "Wed", "20:00", HOUR, "UTC") };
	int64_t now = 0;
	assert_true(clock_parse("2026-11-24T21:00:00Z", &now)); /* a Tuesday */
	struct window_state at = window_at(windows, 3, now);
	assert_true(at.is_open);
	assert_int_equal(at.longest_s, 6 * HOUR);
	assert_int_equal(window_left(&at, now), HOUR);
	assert_int_equal(window_left(&at, now + 2 * HOUR), 0);
	at = window_at(windows, 3, now + 2 * HOUR);
	assert_false(at.is_open);
	assert_int_equal(window_left(&at, now + 2 * HOUR), 0);
}

static void windows_without_a_gap_never_close(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_window week = window_of(arena, "Mon", "00:00", 7 * 24 * HOUR, "UTC");
	struct window_state at = window_at(&week, 1, 1795486238);
	assert_true(at.is_open && at.closes_at == WINDOW_NEVER_CLOSES);
	assert_int_equal(at.longest_s, UINT32_MAX);
	assert_int_equal(window_left(&at, 1795486238), UINT32_MAX);
	struct spec_window all_but_an_hour = window_of(arena, "Mon", "00:00", (7 * 24 - 1) * HOUR, "UTC");
	at = window_at(&all_but_an_hour, 1, 1795486238);
	assert_int_equal(at.longest_s, (7 * 24 - 1) * HOUR);
}

/* Every quarter of an hour of two years, compared with looking at each start alone. */
static void opening_found_is_the_first_one(void **state)
{
	(void)state;
	static const char *const zones[] = { "UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe" };
	g_autoptr(arena_auto) arena = arena_new();
	for (size_t z = 0; z < G_N_ELEMENTS(zones); z++) {
		struct spec_window window = window_of(arena, "Wed Sun", "02:15", HOUR, zones[z]);
		int64_t opens_at = 0;
		for (int64_t now = 1767225600; now < 1767225600 + 730LL * 24 * HOUR; now += HOUR / 4) {
			struct window_state at = window_at(&window, 1, now);
			assert_true(at.closes_at == at.opens_at + HOUR && at.closes_at > now);
			assert_true(at.is_open == (at.opens_at <= now));
			assert_true(at.opens_at >= opens_at && at.opens_at - now <= 4 * 24 * HOUR + HOUR);
			opens_at = at.opens_at;
			int64_t clock = zone_clock(window.zone, now) % (24 * HOUR);
			int64_t weekday = (zone_clock(window.zone, now) / (24 * HOUR) + 3) % 7;
			bool is_again = zone_time(window.zone, zone_clock(window.zone, now)) != now;
			if (clock == 2 * HOUR + HOUR / 4 && (weekday == 2 || weekday == 6) && !is_again)
				assert_true(at.is_open);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weekly_window_opens_and_closes),
		cmocka_unit_test(next_opening_is_found_over_a_year_boundary),
		cmocka_unit_test(days_are_those_of_the_start),
		cmocka_unit_test(no_days_mean_all),
		cmocka_unit_test(start_in_the_hour_that_does_not_exist_opens_at_the_jump),
		cmocka_unit_test(start_in_the_hour_that_comes_twice_opens_at_the_first),
		cmocka_unit_test(duration_is_elapsed_time),
		cmocka_unit_test(windows_that_overlap_or_touch_are_one),
		cmocka_unit_test(longest_is_that_of_all_windows),
		cmocka_unit_test(windows_without_a_gap_never_close),
		cmocka_unit_test(opening_found_is_the_first_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
