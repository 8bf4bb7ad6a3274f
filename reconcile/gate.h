/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rollout.windows let begin. Pure: 'now' is an input. No VM is stopped while no window is open, and nothing that
 * stops VMs is begun that cannot be ended, by estimate, before the window closes. So what is held back is held back
 * before its first step, and nobody is down meanwhile. Steps that stop nobody are not the gate's business.
 *
 * What is begun as a whole is a unit (reconcile/unit.h); where steps tell no unit, all that are linked with each other.
 * One begins only when those have that it comes after, so that none is left half done behind one that is held.
 * Strategy Homogeneous begins one only when everything that is left fits; Rolling when that unit, and those begun, do.
 */
#pragma once
#include "reconcile/plan.h"

/* The windows of a cluster at 'now', for its plan. 'cluster' may be NULL. */
struct plan_window gate_window(struct arena *arena, const struct spec_cluster *cluster, int64_t now);
struct plan_window gate_window_of(
	struct arena *arena, const struct spec_window *windows, uint32_t n_windows, int64_t now);

/* How long the steps take, by estimate, one at a time on each host; only those of 'counted' (NULL: all). Steps come
 * after what they wait for. */
uint32_t *gate_ends(const struct step *steps, uint32_t n, const bool *counted); /* when each is over; g_free() */
uint32_t gate_seconds(const struct step *steps, uint32_t n, const bool *counted);

/* The longest that a window must stay open for the plan: for all that stops VMs under Homogeneous, for the longest unit
 * under Rolling. 0: it stops nobody. 'counted', per step: set for those that take so long; or NULL. Of the plan this
 * reads the steps and the strategy in its rules. */
uint32_t gate_needs(const struct plan *plan, bool *counted);

struct gate;

/* For carrying out a plan, which must outlive it; NULL: the plan has no windows, all may begin. */
struct gate *gate_new(struct arena *arena, const struct plan *plan);

enum gate_answer {
	GATE_OPEN,
	GATE_HELD, /* its unit must not begin now */
	GATE_SHUT, /* its unit has begun and the window closed: bring back what is down */
};
/* May the step (an index) be released? Its unit has begun with the first GATE_OPEN. */
enum gate_answer gate_ask(struct gate *gate, uint32_t step, int64_t now);
/* The step is over, whatever it came to. */
void gate_done(struct gate *gate, uint32_t step);

/* Does the plan hold something that may begin at 'now'? */
bool gate_lets_any(const struct plan *plan, int64_t now);
