/* SPDX-License-Identifier: Apache-2.0 */
/* What would hold down more VMs at once than the manifest allows. */
#include "reconcile/budget.h"
#include "reconcile/order.h"
#include "reconcile/refuse.h"

struct excess {
	struct wants *wants;
	const struct linked *linked;
	const struct unit *unit;
	const struct world *goal;
	const struct touch *touch;
	struct plan_budget budget;
	uint32_t down; /* VMs that would be down at once */
};

static const struct step *step_of(const struct excess *excess, uint32_t i)
{
	return &g_array_index(excess->linked->steps, struct step, excess->unit->steps[i]);
}

static bool has_count(const struct excess *excess)
{
	for (uint32_t i = 0; i < excess->unit->n_steps; i++)
		if (step_of(excess, i)->kind == STEP_SET_COUNT)
			return true;
	return false;
}

/* VMs of one host that a count would hold down together: what strategy Rolling would need. */
static uint32_t most_on_a_host(const struct excess *excess)
{
	const struct world *world = excess->wants->input->observed;
	g_autofree uint32_t *stops = g_new0(uint32_t, world->n_hosts + 1);
	uint32_t most = 0;
	for (uint32_t i = 0; i < excess->unit->n_steps; i++) {
		const struct step *step = step_of(excess, i);
		if (step->kind != STEP_STOP_VM)
			continue;
		stops[step->host]++;
		most = MAX(most, stops[step->host]);
	}
	return most;
}

static const char *reason(const struct excess *excess)
{
	struct wants *wants = excess->wants;
	uint32_t held = excess->down - excess->unit->n_stops;
	const char *also = held ? arena_printf(wants->arena, ", %u of them by earlier runs", held) : "";
	const char *raise = budget_setting_for(wants->arena, wants, &excess->budget, excess->down);
	uint32_t rolling = most_on_a_host(excess);
	bool would_help = has_count(excess) && rolling < excess->unit->n_stops &&
			  wants->input->cluster->rollout.strategy == STRATEGY_HOMOGENEOUS;
	return arena_printf(wants->arena,
		"%u VM%s must be down at once%s, and 'maxUnavailable' allows %u of %u; raise it to %s%s", excess->down,
		excess->down == 1 ? "" : "s", also, excess->budget.allowed, excess->budget.of, raise,
		would_help ? arena_printf(wants->arena, ", or choose strategy Rolling, which needs %u", rolling + held)
			   : "");
}

static bool refuse_roles(const struct excess *excess, const char *why)
{
	bool any = false;
	for (uint32_t i = 0; i < excess->unit->n_steps; i++) {
		const struct step *step = step_of(excess, i);
		if (step->gpu == NO_INDEX || excess->wants->gpus[step->gpu].refused)
			continue;
		refuse_role(excess->wants, step->gpu, D_BUDGET, "%s", why);
		any = true;
	}
	return any;
}

static bool refuse_vms(const struct excess *excess, const char *why)
{
	bool any = false;
	for (uint32_t i = 0; i < excess->unit->n_steps; i++) {
		const struct step *step = step_of(excess, i);
		if (step->kind != STEP_STOP_VM || excess->wants->vms[step->vm].refused)
			continue;
		any |= refuse_because_of(excess->wants, excess->goal, excess->touch, step->vm, D_BUDGET, why);
	}
	return any;
}

/* More VMs down at once than allowed. */
static bool refuse_large(struct excess *excess, const struct limits *limits)
{
	uint32_t large = units_too_large(&excess->linked->units, limits, &excess->down);
	if (large == NO_INDEX)
		return false;
	excess->unit = &excess->linked->units.items[large];
	const char *why = reason(excess);
	if (!has_count(excess) || excess->wants->count_refused)
		return refuse_roles(excess, why) || refuse_vms(excess, why);
	refuse_count(excess->wants, D_BUDGET, "%s", why);
	return true;
}

/* A host that must change while others are in the middle of it, because a VM of those waits to move there. */
static bool refuse_crossing(struct excess *excess, const struct limits *limits)
{
	const struct linked *linked = excess->linked;
	uint32_t beyond = units_beyond_hosts(&linked->units, linked->steps, limits);
	bool any = false;
	for (uint32_t i = 0; beyond != NO_INDEX && i < linked->steps->len; i++) {
		const struct step *step = &g_array_index(linked->steps, struct step, i);
		if (step->kind != STEP_MOVE_VM || linked->units.of[i] < beyond || excess->wants->vms[step->vm].refused)
			continue;
		refuse_vm(excess->wants, step->vm, D_BUDGET,
			"the VM would move from '%s' to '%s', which must change before, and no more than %u host%s may "
			"be "
			"changed at once ('maxHosts'); apply again when '%s' is done",
			step->host_name, step->to_host, limits->max_hosts, limits->max_hosts == 1 ? "" : "s",
			step->host_name);
		any = true;
	}
	return any;
}

bool refuse_budget(struct arena *arena, struct wants *wants, const struct world *goal, const struct touch *touch)
{
	struct needs needs = { wants, wants->input->observed, goal, touch };
	struct limits limits = budget_limits(arena, &needs);
	if (!limits.by_vms && !limits.by_hosts)
		return false;
	struct linked linked = order_link(arena, &needs, steps_make(arena, &needs), NO_INDEX);
	struct excess excess = {
		.wants = wants, .linked = &linked, .goal = goal, .touch = touch, .budget = budget_of(wants, touch)
	};
	bool refused = refuse_large(&excess, &limits) || refuse_crossing(&excess, &limits);
	order_unlink(&linked);
	return refused;
}
