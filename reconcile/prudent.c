/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/prudent.h"

#include "model/subject.h"
#include "reconcile/retreat.h"

#include <string.h>

/* After so many parts the plan as a whole is refused. */
enum { DOUBTS_MAX = 16 };

static bool is_stopped(const struct plan *plan, uint32_t vm)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_STOP_VM && plan->steps[i].vm == vm)
			return true;
	return false;
}

static bool is_doubted(const struct plan_input *input, const char *subject)
{
	for (uint32_t i = 0; i < input->n_doubts; i++)
		if (strcmp(input->doubts[i].subject, subject) == 0)
			return true;
	return false;
}

static bool can_be_blamed(struct arena *arena, const struct plan *plan, const struct plan_input *input, uint32_t vm)
{
	return vm != NO_INDEX && is_stopped(plan, vm) && !is_doubted(input, subject_vm(arena, plan->observed, vm));
}

/* Who is not to be disturbed: the VM that would stay off; else, for it is down already, whom the plan stops where it
 * would end. NO_INDEX: nobody. */
static uint32_t blamed_vm(
	struct arena *arena, const struct plan *plan, const struct plan_input *input, const struct retreat_gap *gap)
{
	const struct step *failed = &plan->steps[gap->step];
	if (can_be_blamed(arena, plan, input, gap->vm))
		return gap->vm;
	if (can_be_blamed(arena, plan, input, failed->vm))
		return failed->vm;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].unit == failed->unit && can_be_blamed(arena, plan, input, plan->steps[i].vm))
			return plan->steps[i].vm;
	return NO_INDEX;
}

static struct doubt doubt_of(
	struct arena *arena, const struct plan *plan, const struct plan_input *input, const struct retreat_gap *gap)
{
	uint32_t vm = input->n_doubts + 1 < DOUBTS_MAX ? blamed_vm(arena, plan, input, gap) : NO_INDEX;
	const char *advice = gap->vm == NO_INDEX ? "" : "; make room for it, or shut it down before";
	return (struct doubt){
		.subject = vm == NO_INDEX ? NULL : subject_vm(arena, plan->observed, vm),
		.reason = arena_printf(arena,
			"no way back is known: should the run end at '%s' on '%s', for it fails or is interrupted, "
			"%s%s",
			step_text(arena, &plan->steps[gap->step]), plan->steps[gap->step].host_name, gap->reason,
			advice),
	};
}

static bool is_known(
	const struct plan *plan, const struct plan_input *input, struct arena *scratch, struct retreat_gap *gap)
{
	struct plan_input asked = *input;
	if (!asked.live_run)
		asked.live_run = "this run"; /* which is to owe what it stops */
	return retreat_everywhere(retreat_new(scratch, plan, &asked), scratch, gap);
}

struct plan *prudent_plan(struct arena *arena, const struct plan_input *given)
{
	struct doubt *doubts = arena_array(arena, struct doubt, DOUBTS_MAX);
	struct plan_input input = *given;
	input.doubts = doubts;
	for (;;) {
		g_autoptr(arena_auto) scratch = arena_new();
		struct retreat_gap gap;
		struct plan *plan = plan_cluster(arena, &input);
		if (plan->mode != PLAN_APPLY || !plan->n_steps || is_known(plan, &input, scratch, &gap))
			return plan;
		doubts[input.n_doubts] = doubt_of(arena, plan, &input, &gap);
		input.n_doubts++;
	}
}
