/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a step of a plan stands where it stands: what it waits for and by which rule, what waits for it, and which
 * changes it serves. `plan --why` and plan files tell it from here. Pure; all in the arena given.
 */
#pragma once
#include "reconcile/plan.h"

struct reason {                /* steps that one rule ties to a step */
	const char *rule;      /* "drained before a count"; NULL: not told (a plan of an older version) */
	const char *because;   /* what the rule is for: names of invariants ("drained"), or a few words; or NULL */
	const uint32_t *steps; /* ids, ascending */
	uint32_t n_steps;
};

struct reasons;
struct reasons *reasons_of(struct arena *arena, const struct plan *plan); /* the plan must outlive it */

/* What step 'id' (from 1) waits for, and what waits for it; a rule each, the one of the earliest step first. */
uint32_t reasons_before(const struct reasons *reasons, uint32_t id, const struct reason **out);
uint32_t reasons_behind(const struct reasons *reasons, uint32_t id, const struct reason **out);

/* The changes that the step is there for: those of its own GPU, VM or pool; for a VM that merely has to make way, those of
 * the GPUs that steps of this VM wait for or are waited for by, on its own host where there are any. */
uint32_t reasons_changes(const struct reasons *reasons, uint32_t id, const struct change *const **out);

/* "No VM is stopped outside of a window." for "window"; for other words they themselves. NULL for NULL. */
const char *reasons_sentence(const char *because);
