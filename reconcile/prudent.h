/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan whose way back is known at each of its steps (reconcile/retreat.h): where it is not, the part of the plan that
 * would put a VM at risk is refused with HV715, and the rest goes on, as with any other refusal.
 */
#pragma once
#include "reconcile/planner.h"

/* As plan_cluster(), whose 'doubts' it finds; they are to be none. With PLAN_RESTORE the same: it has no other way back. */
struct plan *prudent_plan(struct arena *arena, const struct plan_input *input);
