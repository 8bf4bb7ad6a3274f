/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/budget.h"

#include "reconcile/rules.h"

static const struct share *share_of(const struct wants *wants)
{
	return wants->input->cluster ? &wants->input->cluster->rollout.max_unavailable : NULL;
}

/* Of a VM that is in no manifest only what `Cycle` or `Remove` touches counts. */
static bool is_counted(const struct wants *wants, const struct touch *touch, uint32_t vm)
{
	const struct vm *it = &wants->input->observed->vms[vm];
	bool owed = wants->vms[vm].debt != DEBT_NONE && wants->vms[vm].debt != DEBT_VOID &&
		    it->debt->power != DEBT_POWER_NONE;
	if (!vm_is_running(it) && !owed)
		return false;
	switch (wants->vms[vm].ownership) {
	case VM_MANAGED:
	case VM_OURS:
		return true;
	case VM_UNMANAGED:
		return owed || touch->vms[vm].stop;
	default:
		return owed;
	}
}

struct plan_budget budget_of(const struct wants *wants, const struct touch *touch)
{
	const struct share *share = share_of(wants);
	struct plan_budget budget = { .set = share && share->set && wants->input->mode == PLAN_APPLY };
	for (uint32_t i = 0; i < wants->input->observed->n_vms; i++)
		budget.of += is_counted(wants, touch, i);
	budget.allowed = budget.of;
	if (!budget.set)
		return budget;
	budget.allowed = share->percent ? (uint32_t)((uint64_t)budget.of * share->value / 100) : share->value;
	if (share->value && !budget.allowed)
		budget.allowed = 1; /* a share of few VMs would otherwise forbid every change */
	return budget;
}

const char *budget_setting_for(
	struct arena *arena, const struct wants *wants, const struct plan_budget *budget, uint32_t n)
{
	if (!share_of(wants)->percent || !budget->of || n > budget->of)
		return arena_printf(arena, "%u", n);
	return arena_printf(arena, "%u%%", (uint32_t)(((uint64_t)n * 100 + budget->of - 1) / budget->of));
}

/* VMs that earlier runs hold down and that this plan does not start: a person decides about them. */
static uint32_t held_for_good(const struct needs *needs)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < needs->observed->n_vms; i++) {
		const struct vm *vm = &needs->observed->vms[i];
		n += needs->wants->vms[i].debt == DEBT_OLD && vm_is_off(vm) && vm->debt->power == DEBT_POWER_STOPPED &&
		     vm_is_off(&needs->goal->vms[i]);
	}
	return n;
}

static bool is_mixed(const struct needs *needs, const struct host *host)
{
	const struct gpu *first = NULL;
	bool mixed = false;
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++) {
		const struct gpu *gpu = &needs->observed->gpus[g];
		const struct gpu_want *want = &needs->wants->gpus[g];
		if (want->role != ROLE_PARTITIONED || want->excluded || gpu->state != GPU_PARTITIONABLE ||
			rules_gpu_refused(needs->wants, needs->goal, g))
			continue;
		mixed |= first && !maybe_equal(first->count, gpu->count);
		first = gpu;
	}
	return mixed;
}

const bool *budget_changing_hosts(struct arena *arena, const struct needs *needs)
{
	const struct world *world = needs->observed;
	bool *changing = arena_array(arena, bool, world->n_hosts);
	for (uint32_t h = 0; h < world->n_hosts; h++)
		changing[h] = is_mixed(needs, &world->hosts[h]);
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (wants_owed_power(needs->wants, i))
			changing[world->vms[i].host] = true;
	return changing;
}

struct limits budget_limits(struct arena *arena, const struct needs *needs)
{
	struct plan_budget budget = budget_of(needs->wants, needs->touch);
	struct limits limits = { .by_vms = budget.set, .allowed = budget.allowed, .by_hosts = needs_rolls(needs) };
	if (limits.by_vms)
		limits.held = held_for_good(needs);
	if (!limits.by_hosts)
		return limits;
	limits.max_hosts = needs->wants->input->cluster->rollout.max_hosts;
	limits.n_hosts = needs->observed->n_hosts;
	limits.host_is_changing = budget_changing_hosts(arena, needs);
	return limits;
}
