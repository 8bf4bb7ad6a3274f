/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"
#include "reconcile/planfile_parts.h"
#include "tests/lib/test.h"

/* Reads "windows" of a plan; the number of findings. */
static uint32_t read_windows(struct arena *arena, const char *json_text, struct plan_window *out)
{
	json_auto_t *json = json_loads(json_text, 0, NULL);
	assert_non_null(json);
	g_autoptr(GHashTable) files = g_hash_table_new(g_str_hash, g_str_equal);
	static const struct source source = { .name = "plan.json" };
	struct jsonio_reader reader = { .arena = arena, .source = &source, .diags = diags_new(arena), .files = files };
	*out = (struct plan_window){ 0 };
	planfile_windows_from_json(&reader, json, out);
	assert_true(reader.failed == (reader.diags->n_errors > 0));
	return reader.diags->n_errors;
}

static void windows_written_are_read_again(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	static const char *const days[] = { "Sat", "Sun" };
	const struct spec_window windows[] = {
		{ .days = days, .n_days = 2, .start_minute = 90, .duration_s = 14400, .time_zone = "Europe/Paris" },
		{ .start_minute = 1439, .duration_s = 7 * 86400, .time_zone = "UTC" },
	};
	struct plan_window window = { .windows = windows, .n_windows = 2 }, back;
	json_auto_t *json = json_pack("{s:o}", "windows", planfile_windows_to_json(&window));
	g_autofree char *text = json_dumps(json, 0);
	assert_int_equal(read_windows(arena, text, &back), 0);
	assert_int_equal(back.n_windows, 2);
	assert_int_equal(back.windows[0].n_days, 2);
	assert_string_equal(back.windows[0].days[1], "Sun");
	assert_int_equal(back.windows[0].start_minute, 90);
	assert_int_equal(back.windows[0].duration_s, 14400);
	assert_string_equal(back.windows[0].zone->name, "Europe/Paris");
	assert_int_equal(back.windows[1].n_days, 0);
	assert_int_equal(back.windows[1].start_minute, 1439);
}

static void plan_without_windows_has_none(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan_window window;
	assert_int_equal(read_windows(arena, "{}", &window), 0);
	assert_int_equal(window.n_windows, 0);
	assert_int_equal(read_windows(arena, "{\"windows\": []}", &window), 0);
	assert_int_equal(window.n_windows, 0);
}

static void windows_that_are_wrong_are_refused(void **state)
{
	(void)state;
#define WINDOW(days, start, seconds, zone) \
	"{\"windows\": [{\"days\": " days ", \"start_minute\": " start ", \"seconds\": " seconds \
	", \"time_zone\": " zone "}]}"
	static const char *const wrong[] = { WINDOW("[\"Someday\"]", "0", "60", "\"UTC\""),
		WINDOW("[7]", "0", "60", "\"UTC\""), WINDOW("7", "0", "60", "\"UTC\""),
		WINDOW("[]", "1440", "60", "\"UTC\""), WINDOW("[]", "0", "0", "\"UTC\""),
		WINDOW("[]", "0", "604801", "\"UTC\""), WINDOW("[]", "0", "60", "\"Europe/Pariss\""),
		WINDOW("[]", "0", "60", "\"../../etc/passwd\""), WINDOW("[]", "0", "60", "null"),
		WINDOW("[]", "-1", "60", "\"UTC\""), "{\"windows\": 7}", "{\"windows\": [7]}" };
	g_autoptr(arena_auto) arena = arena_new();
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
		struct plan_window window;
		assert_int_equal(read_windows(arena, wrong[i], &window), 1);
		assert_int_equal(window.n_windows, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_written_are_read_again),
		cmocka_unit_test(plan_without_windows_has_none),
		cmocka_unit_test(windows_that_are_wrong_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
