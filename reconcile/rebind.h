/* SPDX-License-Identifier: Apache-2.0 */
/* A plan that was made for one world, looked at on another: rules and changes refer to objects by key anew. */
#pragma once
#include "reconcile/plan.h"

/* A copy of 'plan' whose rules and changes are those of 'world'. What 'world' has besides is left alone: no role, no
 * owner. 0, or -1 with a finding that names what 'world' lacks. Steps are bound by check_plan itself. There is no goal: where
 * steps lead to from that world is the caller's to tell. */
int plan_rebind(struct arena *arena, const struct plan *plan, const struct world *world, struct plan **out,
	struct diags *diags);
