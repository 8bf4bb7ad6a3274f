/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the independent check (check_plan in reconcile/planner.h) covers every order that a plan's dependencies allow.
 * docs/decisions/0003-checking-every-order.md has the argument; this is for tests and for whoever needs a part of it.
 *
 * Three ways, each with the same answer where it has one:
 *   check_whole    every prefix of the plan, each next step: the plain meaning of it, for plans of few steps
 *   check_by_parts small parts of the world with the order that the whole plan forces on them
 *   check_sampled  some orders, where the parts are too large or too entangled
 * An order that one of them rejects is one of the whole plan, replayed on the whole world. None looks at the end of the
 * plan, its shape, 'once' or the budget: check_plan does.
 */
#pragma once
#include "reconcile/plan.h"

enum checked {
	CHECKED_FINE,   /* no order breaks anything */
	CHECKED_BROKEN, /* one does: a finding names the step and the invariant */
	CHECKED_UNSURE, /* too many states, or a part says what no order of the whole plan shows */
};

/* The steps of 'plan' must be bound to plan->observed and numbered in an order that their 'after' allows. */
enum checked check_whole(const struct plan *plan, uint32_t states_max, struct diags *diags);
enum checked check_by_parts(const struct plan *plan, uint32_t states_max, struct diags *diags);
enum checked check_sampled(const struct plan *plan, struct diags *diags);

/* The plan's own order, to its end, with 'once', the budget and 'maxHosts': so much shows that what the plan does can be
 * done at all. 0, or -1 with a finding. Steps as above. */
int check_own_order(const struct plan *plan, struct diags *diags);

/* The most VMs that any order of the plan holds down at once: those it stops, from stop to start, and those that it
 * starts for an earlier run, until then. Steps as above. */
uint32_t check_peak(const struct plan *plan);

/* The same, of the moments when at least one VM is down that this plan stopped. */
uint32_t check_taken(const struct plan *plan);

/* The budget: 0, or -1 with a finding when some order has a step stop a VM while too many are down then. What earlier
 * runs hold down counts and is no fault by itself. Not for a way back (PLAN_RESTORE). */
int check_budget(const struct plan *plan, struct diags *diags);

/* 0, or -1 with a finding: under strategy Rolling some order changes more than maxHosts hosts at once: has VMs of them
 * down, or is between steps that change their counts (world.md, decision 15). A host that is being changed at the start,
 * for a VM is owed, counts; all of them at once are no fault. Not for a way back. */
int check_hosts(const struct plan *plan, struct diags *diags);
