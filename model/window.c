/* SPDX-License-Identifier: Apache-2.0 */
#include "model/window.h"

#include "base/zone.h"

#include <string.h>

enum { DAY_S = 86400, BACK_DAYS = 9 }; /* the longest window, seven days, and what zones differ by */

struct span {
	int64_t opens_at, closes_at;
	const struct zone *zone;
};

static bool is_on(const struct spec_window *window, int64_t day)
{
	enum { FIRST_WEEKDAY = 3 }; /* 1970-01-01 was a Thursday, Monday is 0 */
	int weekday = (int)(((day + FIRST_WEEKDAY) % DAY_COUNT + DAY_COUNT) % DAY_COUNT);
	bool listed = window->n_days == 0;
	for (uint32_t i = 0; i < window->n_days && !listed; i++)
		listed = strcmp(window->days[i], name_of(&day_names, weekday)) == 0;
	return listed;
}

static void add_spans(GArray *spans, const struct spec_window *window, int64_t now)
{
	int64_t clock = zone_clock(window->zone, now);
	int64_t today = clock / DAY_S - (clock % DAY_S < 0);
	for (int64_t day = today - BACK_DAYS; day <= today + WINDOW_AHEAD_DAYS + 1; day++) {
		if (!is_on(window, day))
			continue;
		struct span span = { .zone = window->zone };
		span.opens_at = zone_time(window->zone, day * DAY_S + (int64_t)window->start_minute * 60);
		span.closes_at = span.opens_at + window->duration_s;
		g_array_append_val(spans, span);
	}
}

static gint by_opening(gconstpointer a, gconstpointer b)
{
	const struct span *left = a, *right = b;
	if (left->opens_at != right->opens_at)
		return left->opens_at < right->opens_at ? -1 : 1;
	if (left->closes_at != right->closes_at)
		return left->closes_at < right->closes_at ? -1 : 1;
	return strcmp(left->zone->name, right->zone->name);
}

/* Spans that overlap or touch are one. */
static void merge(GArray *spans)
{
	guint n = 0;
	struct span *all = (struct span *)spans->data;
	for (guint i = 0; i < spans->len; i++) {
		if (n && all[i].opens_at <= all[n - 1].closes_at)
			all[n - 1].closes_at = MAX(all[n - 1].closes_at, all[i].closes_at);
		else
			all[n++] = all[i];
	}
	g_array_set_size(spans, n);
}

struct window_state window_at(const struct spec_window *windows, uint32_t n, int64_t now)
{
	g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(struct span));
	for (uint32_t i = 0; i < n; i++)
		add_spans(spans, &windows[i], now);
	g_array_sort(spans, by_opening);
	merge(spans);
	struct window_state state = { 0 };
	for (guint i = 0; i < spans->len; i++) {
		const struct span *span = &g_array_index(spans, struct span, i);
		if (span->closes_at <= now)
			continue;
		/* One that opens long after now may be cut off where we stop looking. */
		bool is_late = state.zone && span->opens_at > now + (WINDOW_AHEAD_DAYS - BACK_DAYS) * (int64_t)DAY_S;
		bool never_closes = !is_late && span->closes_at > now + WINDOW_AHEAD_DAYS * (int64_t)DAY_S;
		uint32_t length = never_closes ? UINT32_MAX : (uint32_t)(span->closes_at - span->opens_at);
		if (!is_late)
			state.longest_s = MAX(state.longest_s, length);
		if (state.zone)
			continue;
		state.zone = span->zone;
		state.is_open = span->opens_at <= now;
		state.opens_at = span->opens_at;
		state.closes_at = never_closes ? WINDOW_NEVER_CLOSES : span->closes_at;
	}
	return state;
}

uint32_t window_left(const struct window_state *state, int64_t now)
{
	if (!state->is_open)
		return 0;
	if (state->closes_at == WINDOW_NEVER_CLOSES)
		return UINT32_MAX;
	return (uint32_t)MAX(state->closes_at - now, 0);
}
