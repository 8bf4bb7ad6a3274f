/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lower bound on what every plan for the same wants costs: VMs stopped, VMs moved, role changes. It is printed beside
 * the cost of the plan ("12 restarts, least possible 12"). The argument for each term is in docs/bound.md.
 *
 * It reads the wants and the observed world, and what was refused, which asks for nothing. It does not look at goal,
 * touch or steps, nor at which GPUs were chosen: where there is a choice it takes the least over all of them. Keep it so,
 * for a mistake that it shares with the planner would be seen by nobody.
 */
#pragma once
#include "reconcile/wants.h"

/* Of the wants of a plan that is complete (a plan that first has to look costs less than its wants). With PLAN_RESTORE
 * nothing has to be stopped. */
struct plan_least bound_of(const struct wants *wants);
