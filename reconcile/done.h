/* SPDX-License-Identifier: Apache-2.0 */
/* Is what a saved plan wants already there? Replaying such a plan would stop VMs for nothing. */
#pragma once
#include "reconcile/plan.h"

enum done { DONE_NOTHING, DONE_PARTLY, DONE_ALL };

/* How many of the plan's changes 'world' has already. '*which_out' is the first of them, or NULL. */
enum done done_of_plan(const struct plan *plan, const struct world *world, const struct change **which_out);
