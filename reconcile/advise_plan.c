/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise.h"
#include "reconcile/majority.h"

#include <string.h>

/* What is said of the same subject already: whoever reads that needs not be told again. */
static bool is_said(const struct plan *plan, const struct violation *violation)
{
	static const enum diag_code sayings[] = { D_SURPLUS, D_VM_STATE, D_UNMANAGED, D_GPU_STATE, D_PINNED,
		D_CAPACITY };
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next) {
		if (!diag->subject || strcmp(diag->subject, violation->subject) != 0)
			continue;
		for (size_t i = 0; i < G_N_ELEMENTS(sayings); i++)
			if (diag->code == sayings[i])
				return true;
	}
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (strcmp(plan->refusals[i].subject, violation->subject) == 0)
			return true;
	return false;
}

/* Where the partitions of VMs are that stop and start in this plan is not known before; the goal has them where they were. */
static void forget_places(struct arena *arena, const struct plan *plan, struct world *end)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].kind != STEP_STOP_VM)
			continue;
		struct vm *vm = &end->vms[plan->steps[i].vm];
		struct adapter *adapters = arena_copy(arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			adapters[a].gpus = adapters[a].pin ? adapters[a].gpus : 0;
		vm->adapters = adapters;
	}
}

/* The rules that the hosts break already and that this plan leaves broken (design.md section 6). */
static void advise_left_broken(struct arena *arena, const struct plan *plan)
{
	struct world *end = world_copy(arena, plan->goal);
	for (uint32_t v = 0; v < end->n_vms; v++)
		end->vms[v].debt = NULL; /* paid by then: the goal holds what they owe */
	forget_places(arena, plan, end);
	struct violations left = invariant_state(arena, end, plan->rules);
	for (uint32_t i = 0; i < left.n; i++)
		if (!is_said(plan, &left.items[i]))
			diag_add(plan->diags, D_LEFT_BROKEN, LOC_NONE, left.items[i].subject,
				"%s: %s, and this plan does not mend it",
				name_of(&invariant_names, (int)left.items[i].invariant), left.items[i].message);
}

void advise_plan(struct arena *arena, const struct plan *plan)
{
	if (plan->mode != PLAN_APPLY || !plan->spec)
		return;
	if (plan->n_steps && !majority_is_observed(plan->observed))
		diag_add(plan->diags, D_NO_MAJORITY, plan->spec->name_loc, plan->cluster,
			"%u of %u hosts of this failover cluster are missing, so that another run could hold them: "
			"'apply' would "
			"change nothing; bring back a majority, or let a node report the others as Down",
			plan->observed->n_missing, plan->observed->n_missing + plan->observed->n_hosts);
	advise_left_broken(arena, plan);
}
