/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "reconcile/prudent.h"
#include "reconcile/retreat.h"

static void say(struct apply *apply, const struct plan *plan, const struct retreat_gap *gap, const char *what)
{
	const struct step *step = &plan->steps[gap->step];
	diag_add(apply->diags, D_NO_WAY_BACK, step->loc, NULL,
		"'%s' is %s: should the run end at step %u (%s), for it fails or is interrupted, %s", apply->name, what,
		step->id, step_text(apply->arena, step), gap->reason);
}

static bool is_known(
	struct apply *apply, const struct plan *plan, const struct plan_input *input, struct retreat_gap *gap)
{
	apply->retreat = retreat_new(apply->arena, plan, input);
	apply->retreat_of = plan;
	return !plan->n_steps || retreat_everywhere(apply->retreat, apply->arena, gap);
}

const struct plan *known_everywhere(struct apply *apply, const struct world *world, const struct plan *plan)
{
	struct plan_input *input = arena_new_of(apply->arena, struct plan_input);
	struct retreat_gap gap;
	*input = again_input(apply, world, PLAN_APPLY);
	if (is_known(apply, plan, input, &gap))
		return plan;
	if (!apply->approved->spec) { /* a saved plan is taken as it is or not at all */
		say(apply, plan, &gap, "not begun");
		return NULL;
	}
	plan = prudent_plan(apply->arena, input);
	if (plan->mode == PLAN_APPLY && is_known(apply, plan, input, &gap))
		return plan;
	apply_add_news(apply, plan);
	return NULL;
}

/* What is under way counts as done: it is waited for before any way back begins. */
bool known_from_here(const struct schedule *schedule, uint32_t step, void *user)
{
	struct apply *apply = user;
	const struct plan *plan = apply->retreat_of;
	struct retreat_gap gap;
	if (!retreat_disrupts(&plan->steps[step]))
		return true;
	g_autofree bool *done = g_new0(bool, plan->n_steps + 1);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		enum step_outcome outcome = schedule_outcome(schedule, i);
		done[i] = outcome == OUTCOME_RUNNING || outcome == OUTCOME_CHANGED || outcome == OUTCOME_UNCHANGED;
	}
	g_autoptr(arena_auto) scratch = arena_new();
	if (retreat_at(apply->retreat, scratch, done, step, false, &gap))
		return true;
	gap.step = step;
	say(apply, plan, &gap, "not gone on with");
	return false;
}
