/* SPDX-License-Identifier: Apache-2.0 */
/* What would take longer than the longest window stays open. */
#include "reconcile/gate.h"
#include "reconcile/order.h"
#include "reconcile/refuse.h"

#include "base/clock.h"

struct overrun {
	struct wants *wants;
	const struct step *steps;
	uint32_t n_steps;
	const bool *counted; /* per step: it is of what takes too long */
	const char *reason;
};

static bool has_count(const struct overrun *overrun)
{
	for (uint32_t i = 0; i < overrun->n_steps; i++)
		if (overrun->counted[i] && overrun->steps[i].kind == STEP_SET_COUNT)
			return true;
	return false;
}

static bool refuse_roles(const struct overrun *overrun)
{
	struct wants *wants = overrun->wants;
	bool any = false;
	for (uint32_t i = 0; i < overrun->n_steps; i++) {
		const struct step *step = &overrun->steps[i];
		if (!overrun->counted[i] || step->gpu == NO_INDEX || wants->gpus[step->gpu].refused)
			continue;
		refuse_role(wants, step->gpu, D_WINDOW_SHORT, "%s", overrun->reason);
		any = true;
	}
	return any;
}

static bool refuse_vms(const struct overrun *overrun)
{
	struct wants *wants = overrun->wants;
	bool any = false;
	for (uint32_t i = 0; i < overrun->n_steps; i++) {
		const struct step *step = &overrun->steps[i];
		if (!overrun->counted[i] || step->kind != STEP_STOP_VM || wants->vms[step->vm].refused)
			continue;
		refuse_vm(wants, step->vm, D_WINDOW_SHORT, "%s", overrun->reason);
		any = true;
	}
	return any;
}

/* What strategy Rolling would need at a time: the longest unit as it is now, or, where a count joins hosts, the busiest
 * host. */
static uint32_t rolling_needs(const struct overrun *overrun)
{
	const struct world *world = overrun->wants->input->observed;
	struct rules rolling = { .strategy = STRATEGY_ROLLING };
	struct plan plan = { .rules = &rolling, .steps = overrun->steps, .n_steps = overrun->n_steps };
	g_autofree bool *of_host = g_new0(bool, overrun->n_steps + 1);
	uint32_t busiest = 0;
	for (uint32_t host = 0; host < world->n_hosts; host++) {
		for (uint32_t i = 0; i < overrun->n_steps; i++)
			of_host[i] = overrun->counted[i] && overrun->steps[i].host == host;
		busiest = MAX(busiest, gate_seconds(overrun->steps, overrun->n_steps, of_host));
	}
	return MIN(busiest, gate_needs(&plan, NULL));
}

static const char *reason(const struct overrun *overrun, uint32_t needs_s, uint32_t longest_s)
{
	struct arena *arena = overrun->wants->arena;
	bool rolls = overrun->wants->input->cluster->rollout.strategy == STRATEGY_ROLLING;
	uint32_t rolling_s = rolls ? UINT32_MAX : rolling_needs(overrun);
	const char *other =
		rolling_s > longest_s
			? ""
			: arena_printf(arena,
				  ", or choose strategy Rolling, which needs about %s at a time and goes on "
				  "in the next window",
				  clock_duration(arena, rolling_s));
	return arena_printf(arena, "%s needs about %s and the longest window is open for %s; make a window longer%s",
		rolls ? "what must be done in one go" : "the change", clock_duration(arena, needs_s),
		clock_duration(arena, longest_s), other);
}

bool refuse_window(struct wants *wants, const struct world *goal, const struct touch *touch)
{
	const struct plan_input *input = wants->input;
	if (input->mode != PLAN_APPLY || !input->cluster || !input->cluster->rollout.n_windows)
		return false;
	g_autoptr(arena_auto) scratch = arena_new();
	uint32_t longest_s = gate_window(scratch, input->cluster, input->now).longest_s;
	struct needs needs = { wants, input->observed, goal, touch };
	struct rules rules = { .strategy = input->cluster->rollout.strategy };
	struct plan plan = { .rules = &rules };
	struct step *steps = NULL;
	if (order_steps(scratch, &needs, steps_make(scratch, &needs), NO_INDEX, &steps, &plan.n_steps,
		    diags_new(scratch)) < 0)
		return false;
	plan.steps = steps;
	bool *counted = arena_array(scratch, bool, plan.n_steps);
	uint32_t needs_s = gate_needs(&plan, counted);
	if (needs_s <= longest_s)
		return false;
	struct overrun overrun = { wants, plan.steps, plan.n_steps, counted, NULL };
	overrun.reason = reason(&overrun, needs_s, longest_s);
	if (has_count(&overrun) && !wants->count_refused) {
		refuse_count(wants, D_WINDOW_SHORT, "%s", overrun.reason);
		return true;
	}
	return refuse_roles(&overrun) || refuse_vms(&overrun);
}
