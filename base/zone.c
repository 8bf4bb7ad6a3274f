/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <string.h>

/* 2000-01-01 and 2100-01-01. No plan looks further back or ahead. */
static const int64_t FIRST = 946684800, LAST = 4102444800;

/* The first moment after 'from' with another interval than 'interval'; LAST: none. */
static int64_t end_of(GTimeZone *rules, gint interval, int64_t from)
{
	int64_t low = from, high = LAST;
	if (g_time_zone_find_interval(rules, G_TIME_TYPE_UNIVERSAL, high) == interval)
		return LAST;
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (g_time_zone_find_interval(rules, G_TIME_TYPE_UNIVERSAL, middle) == interval)
			low = middle;
		else
			high = middle;
	}
	return high;
}

const struct zone *zone_load(struct arena *arena, const char *name)
{
	if (*name == '/' || strstr(name, ".."))
		return NULL;
	g_autoptr(GTimeZone) rules = g_time_zone_new_identifier(name);
	if (!rules)
		return NULL;
	GArray *since = g_array_new(FALSE, FALSE, sizeof(int64_t)),
	       *offsets = g_array_new(FALSE, FALSE, sizeof(int32_t));
	for (int64_t time = FIRST; time < LAST;) {
		gint interval = g_time_zone_find_interval(rules, G_TIME_TYPE_UNIVERSAL, time);
		int32_t offset = g_time_zone_get_offset(rules, interval);
		if (!offsets->len || g_array_index(offsets, int32_t, offsets->len - 1) != offset) {
			g_array_append_val(since, time);
			g_array_append_val(offsets, offset);
		}
		time = end_of(rules, interval, time);
	}
	struct zone *zone = arena_new_of(arena, struct zone);
	zone->name = arena_strdup(arena, name);
	zone->since = arena_take_array(arena, since, NULL);
	zone->offsets_s = arena_take_array(arena, offsets, &zone->n);
	return zone;
}

int64_t zone_clock(const struct zone *zone, int64_t time)
{
	uint32_t i = zone->n - 1;
	while (i > 0 && time < zone->since[i])
		i--;
	return time + zone->offsets_s[i];
}

/* In the first interval that does not end before the clocks show it. Where they show it already when that interval
 * begins, they have jumped over it. */
int64_t zone_time(const struct zone *zone, int64_t clock)
{
	uint32_t i = 0;
	while (i + 1 < zone->n && clock - zone->offsets_s[i] >= zone->since[i + 1])
		i++;
	int64_t time = clock - zone->offsets_s[i];
	return i > 0 && time < zone->since[i] ? zone->since[i] : time;
}

char *zone_print(struct arena *arena, const struct zone *zone, int64_t time)
{
	static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(zone_clock(zone, time));
	if (!date)
		return arena_printf(arena, "%" G_GINT64_FORMAT "s", time);
	int year, month, day;
	g_date_time_get_ymd(date, &year, &month, &day);
	return arena_printf(arena, "%s %04d-%02d-%02d %02d:%02d %s", days[g_date_time_get_day_of_week(date) - 1], year,
		month, day, g_date_time_get_hour(date), g_date_time_get_minute(date), zone->name);
}
