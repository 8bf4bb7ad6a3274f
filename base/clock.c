/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <string.h>

int64_t clock_now(void)
{
	const char *fixed = g_getenv("HVGPU_NOW");
	int64_t time;
	if (fixed && clock_parse(fixed, &time))
		return time;
	return g_get_real_time() / G_USEC_PER_SEC;
}

bool clock_stands(void)
{
	const char *fixed = g_getenv("HVGPU_NOW");
	int64_t time;
	return fixed && clock_parse(fixed, &time);
}

int64_t clock_monotonic_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

char *clock_print(struct arena *arena, int64_t time)
{
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time);
	if (!date)
		return arena_printf(arena, "%" G_GINT64_FORMAT "s", time);
	int year, month, day;
	g_date_time_get_ymd(date, &year, &month, &day);
	return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, g_date_time_get_hour(date),
		g_date_time_get_minute(date), g_date_time_get_second(date));
}

/* 'shape' has a '0' for each digit; everything else stands for itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; text++, shape++)
		if (*shape == '0' ? !g_ascii_isdigit(*text) : *text != *shape)
			return false;
	return true;
}

/* GLib reads all of ISO 8601, RFC 3339 allows one form of it. */
static bool is_rfc3339(const char *text)
{
	if (!has_shape(text, "0000-00-00T00:00:00"))
		return false;
	text += strlen("0000-00-00T00:00:00");
	if (*text == '.') {
		size_t n_digits = strspn(text + 1, "0123456789");
		if (n_digits == 0)
			return false;
		text += 1 + n_digits;
	}
	if (strcmp(text, "Z") == 0)
		return true;
	return (*text == '+' || *text == '-') && has_shape(text + 1, "00:00") && strlen(text) == strlen("+00:00");
}

bool clock_parse(const char *text, int64_t *out)
{
	if (!is_rfc3339(text))
		return false;
	g_autoptr(GDateTime) date = g_date_time_new_from_iso8601(text, NULL);
	if (!date)
		return false;
	*out = g_date_time_to_unix(date);
	return true;
}

char *clock_duration(struct arena *arena, int64_t seconds)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	const char *sign = seconds < 0 ? "-" : "";
	uint64_t rest = seconds < 0 ? 0 - (uint64_t)seconds : (uint64_t)seconds;
	size_t i = 0;
	while (i + 1 < G_N_ELEMENTS(units) && rest < units[i].seconds)
		i++;
	uint64_t first = rest / units[i].seconds;
	rest %= units[i].seconds;
	uint64_t second = i + 1 < G_N_ELEMENTS(units) ? rest / units[i + 1].seconds : 0;
	if (second == 0)
		return arena_printf(arena, "%s%" G_GUINT64_FORMAT "%c", sign, first, units[i].unit);
	return arena_printf(arena, "%s%" G_GUINT64_FORMAT "%c %" G_GUINT64_FORMAT "%c", sign, first, units[i].unit,
		second, units[i + 1].unit);
}
