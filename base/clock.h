/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. The clock is read at the edge, once per run, and handed down as a value ('now'); pure code only prints and
 * parses. Times are seconds since 1970 in UTC.
 */
#pragma once
#include "base/arena.h"

#include <stdbool.h>

/* The time of day. The environment variable HVGPU_NOW (RFC 3339) stands in for the clock, so that tests and examples
 * print the same bytes every day; one that cannot be parsed is passed over. */
int64_t clock_now(void);

/* HVGPU_NOW stands in for the clock, so that nothing is gained by waiting for it. */
bool clock_stands(void);

/* Milliseconds that never jump, for measuring and deadlines. */
int64_t clock_monotonic_ms(void);

/* "2026-11-24T02:10:38Z" */
char *clock_print(struct arena *arena, int64_t time);

/* RFC 3339: date, 'T', time, and 'Z' or an offset; fractions of a second are cut off. False: it is none, and '*out' is
 * untouched. */
bool clock_parse(const char *text, int64_t *out);

/* For people, the two largest units: "0s", "45s", "1m 5s", "1h 20m", "2d", "-5m". */
char *clock_duration(struct arena *arena, int64_t seconds);
