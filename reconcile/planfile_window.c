/* SPDX-License-Identifier: Apache-2.0 */
/* rollout.windows in a plan file: `apply PLAN` keeps to those that were approved. */
#include "base/zone.h"
#include "reconcile/planfile_parts.h"

static json_t *window_to_json(const struct spec_window *window)
{
	json_t *json = json_object(), *days = json_array();
	for (uint32_t i = 0; i < window->n_days; i++)
		json_array_append_new(days, jsonio_text(window->days[i]));
	json_object_set_new(json, "days", days);
	json_object_set_new(json, "start_minute", json_integer(window->start_minute));
	json_object_set_new(json, "seconds", json_integer(window->duration_s));
	json_object_set_new(json, "time_zone", jsonio_text(window->time_zone));
	return json;
}

json_t *planfile_windows_to_json(const struct plan_window *window)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < window->n_windows; i++)
		json_array_append_new(list, window_to_json(&window->windows[i]));
	return list;
}

static void days_from_json(struct jsonio_reader *reader, json_t *json, struct spec_window *out)
{
	json_t *list = jsonio_get_array(reader, json, "days");
	const char **days = arena_array(reader->arena, const char *, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *day = json_string_value(json_array_get(list, i));
		int index = day ? name_find(&day_names, day) : -1;
		if (index < 0)
			jsonio_fail(reader, "'days' of a window in the plan holds what is no day");
		else
			days[out->n_days++] = name_of(&day_names, index);
	}
	out->days = days;
}

static void window_from_json(struct jsonio_reader *reader, json_t *json, struct spec_window *out)
{
	days_from_json(reader, json, out);
	out->start_minute = jsonio_get_u32(reader, json, "start_minute");
	out->duration_s = jsonio_get_u32(reader, json, "seconds");
	out->time_zone = jsonio_get_text(reader, json, "time_zone");
	out->zone = out->time_zone ? zone_load(reader->arena, out->time_zone) : NULL;
	if (out->start_minute >= 24 * 60 || !out->duration_s || out->duration_s > 7 * 86400)
		jsonio_fail(reader, "a window of the plan starts at no time of the day or has a wrong length");
	else if (out->time_zone && !out->zone)
		jsonio_fail(reader, "the time zone '%s' of a window in the plan does not exist here", out->time_zone);
}

void planfile_windows_from_json(struct jsonio_reader *reader, json_t *in, struct plan_window *out)
{
	json_t *list = json_object_get(in, "windows") ? jsonio_get_array(reader, in, "windows") : NULL;
	uint32_t n = (uint32_t)json_array_size(list);
	struct spec_window *windows = arena_array(reader->arena, struct spec_window, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++)
		window_from_json(reader, json_array_get(list, i), &windows[i]);
	out->windows = windows;
	out->n_windows = reader->failed ? 0 : n;
}
