/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time for programs that drive the real apply: linking virtual_time.c gives the program a clock_gettime() and a poll() of
 * its own, which the C library's callers, GLib among them, then use. The clock stands while anything happens, and jumps
 * to the next time-out when a loop would sleep, so that pauses, deadlines and windows take no time at all.
 */
#pragma once
#include <stdint.h>

/* Sets the time of day, in seconds since 1970. The clock that counts goes on. */
void virtual_time_set(int64_t now);
/* Lets so much time pass at once. */
void virtual_time_pass(uint32_t ms);
