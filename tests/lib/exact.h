/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge: an exact search for the cheapest way from a small world to one that satisfies its spec, over all steps that
 * the world allows and that break no invariant. It chooses the goal itself: which GPU becomes passthrough, which whole
 * GPU a VM gets. Of the planner it shares nothing: what satisfies a spec is said in exact.c once more, from design.md
 * and world.md.
 *
 * A*: the estimate counts, for what still differs from the goal, the steps that nothing can spare; states in which like
 * VMs have changed places are one state. Cost is compared in the order stops, moves, role changes, steps.
 */
#pragma once
#include "tests/lib/exact_world.h"

struct exact_cost {
	uint32_t stops, moves, roles, steps;
};
int exact_cost_order(struct exact_cost a, struct exact_cost b); /* < 0: a is less */

enum exact_answer {
	EXACT_FOUND,
	EXACT_INFEASIBLE, /* no way satisfies the whole spec */
	EXACT_GAVE_UP,    /* too many states */
};

struct exact; /* what one search after the other needs; for one thread */
struct exact *exact_new(void);
void exact_free(struct exact *exact);

/* Strategy Rolling, of a VM that moves while it is down: it counts under 'maxHosts' for the host where it was and the one
 * where it comes to, or for its host until it has moved (docs/decisions/0009-rollout.md, no. 8). */
enum exact_reading { EXACT_FOR_BOTH_HOSTS, EXACT_UNTIL_MOVED };

enum exact_answer exact_search(
	struct exact *exact, const struct small *small, enum exact_reading reading, struct exact_cost *cost_out);
/* States looked at by the last search. */
uint32_t exact_n_states(const struct exact *exact);
/* The steps of the last way found, one line each. */
char *exact_way(struct arena *arena, const struct exact *exact);

/* Tries each choice of GPUs to pass through: 'next' 0 is the first. False when there is none of that number. */
bool exact_choose(const struct small *small, uint32_t next, struct exact_rules *rules);
