/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When running VMs may be stopped: rollout.windows at a moment. Pure: 'now' and the rules of the time zones are inputs
 * (spec_window.zone, which loading sets). What a window means is written in docs/decisions/0004-windows.md.
 */
#pragma once
#include "model/spec.h"

enum { WINDOW_AHEAD_DAYS = 28 }; /* A week repeats itself: who does not close within four never does. */

struct window_state {
	bool is_open;
	int64_t opens_at;        /* the one that is open, or the next one */
	int64_t closes_at;       /* of that one; WINDOW_NEVER_CLOSES */
	uint32_t longest_s;      /* the longest of the coming weeks; UINT32_MAX: one that never closes */
	const struct zone *zone; /* of the window that opens it, for people */
};
#define WINDOW_NEVER_CLOSES INT64_MAX

/* At least one window, each with its zone. */
struct window_state window_at(const struct spec_window *windows, uint32_t n, int64_t now);

/* Seconds until what is open closes; 0: nothing is open; UINT32_MAX: never. */
uint32_t window_left(const struct window_state *state, int64_t now);
