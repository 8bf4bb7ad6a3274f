/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small world through the planner, and what the judge says to it. A case holds when
 *   - the planner's own check accepts the plan;
 *   - wherever each started VM lands, among all GPUs that it could be on, the steps can be taken to the end, the spec is
 *     satisfied then (when nothing is refused), and planning again gives no step;
 *   - nothing is refused exactly when the judge finds a way to satisfy the whole spec, and then the plan costs as little
 *     as the judge's way. A plan that must look at a GPU first is not compared: the judge knows what no host has told.
 *     Where there is a way only if a VM does not count for 'maxHosts' once it has moved (enum exact_reading), it may be
 *     taken or refused; one that is taken stops and moves as few VMs as the judge's;
 *   - the bound that the plan prints is not above what the judge's way costs.
 */
#pragma once
#include "tests/lib/exact.h"

#define CASE_RESULTS(X) \
	X(CASE_HOLDS, "holds") \
	X(CASE_REFUSED, "is refused, and no way satisfies the spec") \
	X(CASE_LEARNS, "holds, and what it costs was not known before a GPU was mounted") \
	X(CASE_UNTIL_MOVED, "holds, where a VM counts for its host under 'maxHosts' until it has moved") \
	X(CASE_UNSOUND, "the plan does not pass its check") \
	X(CASE_STUCK, "a step cannot be simulated") \
	X(CASE_RESTLESS, "planning again after the end gives steps") \
	X(CASE_BOUND_TOO_HIGH, "the bound says that the judge's way cannot be so cheap") \
	X(CASE_TOO_BOLD, "the judge finds no way, and nothing is refused") \
	X(CASE_TOO_CHEAP, "the plan costs less than the judge's least") \
	X(CASE_GAVE_UP, "the judge gave up") \
	X(CASE_TOO_SHY, "the planner refuses what the judge finds a way to do") \
	X(CASE_TOO_DEAR, "the plan costs more than the least")
enum case_result { CASE_RESULTS(NAMES_ENUM) CASE_RESULT_COUNT };
extern const struct names case_result_names;

static inline bool case_fails(enum case_result result)
{
	return result > CASE_UNTIL_MOVED;
}

/* The plan is right, and a better one is known. */
static inline bool case_falls_short(enum case_result result)
{
	return result == CASE_TOO_SHY || result == CASE_TOO_DEAR;
}

struct judged {
	enum case_result result;
	struct exact_cost planned, least; /* where both are known */
	uint32_t n_steps, n_ends;
	bool learns;  /* the first plan mounts a GPU to see what it lists */
	bool refused; /* something is, now or when more is known */
	const struct plan *plan;
};

/* In 'arena', which the caller clears. */
struct judged judge_case(struct arena *arena, struct exact *exact, const struct small *small);
/* The case, the plan and the judge's way, for people. */
void judge_tell(struct arena *arena, const struct exact *exact, const struct small *small, const struct judged *judged);
