/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones as values. zone_load() reads the rules of a zone from the system once; the conversions are then pure
 * functions of those rules, so that what is computed with them depends on nothing but what was read. The clock of a
 * zone is a number of seconds like a time in UTC, but counted from 1970 on that zone's own wall clocks.
 */
#pragma once
#include "base/arena.h"

struct zone {
	const char *name;         /* "Europe/Paris" */
	const int64_t *since;     /* UTC; offset [i] holds from since[i] on, the first one before it, too */
	const int32_t *offsets_s; /* wall clock less UTC */
	uint32_t n;
};

/* The rules of an IANA zone from 2000 on, in 'arena'. As far as the system's data goes (GLib: 2037), the last offset
 * then stays. NULL: there is no such zone; a path out of the system's zones is none. */
const struct zone *zone_load(struct arena *arena, const char *name);

/* What the wall clocks show at 'time'. */
int64_t zone_clock(const struct zone *zone, int64_t time);

/* When the wall clocks show 'clock': the first time where they do so twice; the moment of the jump where they jump over
 * it. */
int64_t zone_time(const struct zone *zone, int64_t clock);

/* "Sat 2026-11-28 01:00 Europe/Paris" */
char *zone_print(struct arena *arena, const struct zone *zone, int64_t time);
