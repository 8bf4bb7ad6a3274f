/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planner.h"

#include "reconcile/advise.h"
#include "reconcile/align.h"
#include "reconcile/bound.h"
#include "reconcile/budget.h"
#include "reconcile/check.h"
#include "reconcile/debts.h"
#include "reconcile/gate.h"
#include "reconcile/moves.h"
#include "reconcile/order.h"
#include "reconcile/refuse.h"
#include "reconcile/remedy.h"
#include "reconcile/resolve.h"
#include "reconcile/rules.h"
#include "reconcile/steps.h"

#include <string.h>

struct resolved {
	struct world *goal;
	struct touch *touch;
	struct rules *rules;
	bool complete;
};

/* Resolves, refuses what that must not ask for, and resolves again, until nothing more is refused. Each round refuses
 * at least one of finitely many wishes, so it ends. */
static struct resolved resolve_until_settled(struct arena *arena, struct wants *wants)
{
	struct resolved resolved;
	do {
		resolved.complete = true;
		resolved.goal = resolve_goal(arena, wants, &resolved.complete);
		resolved.touch = touch_make(arena, wants->input->observed, resolved.goal);
		moves_choose(wants, resolved.goal, resolved.touch, resolved.complete);
		resolved.rules = rules_make(arena, wants, resolved.goal);
		/* what rides on stops is part of the goal that is looked at; its findings are said once, at the end */
		struct diags *diags = wants->diags;
		wants->diags = diags_new(arena);
		resolve_riding(arena, wants, resolved.touch, resolved.goal);
		wants->diags = diags;
	} while (refuse_round(arena, wants, resolved.goal, resolved.touch, resolved.rules));
	return resolved;
}

static const char *change_why(struct arena *arena, const struct wants *wants, const struct change *change)
{
	if (change->gpu != NO_INDEX && wants->gpus[change->gpu].group)
		return arena_printf(arena, "GPU group '%s'", wants->gpus[change->gpu].group->name);
	if (change->vm == NO_INDEX)
		return NULL;
	if (change->kind == CHANGE_POWER)
		return "an earlier run, which owes it";
	const struct vm_want *want = &wants->vms[change->vm];
	if (want->stripped)
		return "'unmanaged: Remove', since it is in the way of a change";
	if (want->ownership == VM_OURS)
		return "its deletion: no manifest mentions the VM any more";
	bool is_paid = change->kind < CHANGE_OFFLINE_ACTION && wants_owed_parts(wants, change->vm) &&
		       !wants_has_wish(wants, change->vm);
	return want->assignment && !is_paid ? arena_printf(arena, "assignment '%s'", want->assignment->name)
					    : "an earlier run, which owes it";
}

static struct loc change_loc(const struct wants *wants, const struct change *change)
{
	if (change->kind == CHANGE_POWER)
		return LOC_NONE; /* no manifest asks for it */
	if (change->vm != NO_INDEX)
		return wants->vms[change->vm].loc;
	const struct gpu_group *group = change->gpu != NO_INDEX ? wants->gpus[change->gpu].group : NULL;
	if (!group)
		return LOC_NONE;
	return head_loc(&group->head, group->passthrough ? "passthrough" : "partitionCount");
}

static enum step_cause change_cause(const struct wants *wants, const struct change *change)
{
	if (change->vm == NO_INDEX)
		return wants->input->mode == PLAN_APPLY ? CAUSE_WANTED : CAUSE_DEBT;
	if (change->kind == CHANGE_POWER)
		return CAUSE_DEBT;
	if (change->kind >= CHANGE_OFFLINE_ACTION)
		return CAUSE_PLATFORM;
	if (wants->vms[change->vm].ownership == VM_OURS)
		return CAUSE_PRUNE;
	if (wants->vms[change->vm].stripped)
		return CAUSE_UNMANAGED;
	return wants->vms[change->vm].ownership == VM_MANAGED && !debts_pay_parts(wants, change->vm) ? CAUSE_WANTED
												     : CAUSE_DEBT;
}

static struct changes explained(struct arena *arena, const struct wants *wants, struct changes changes)
{
	struct change *items = arena_copy(arena, changes.items, changes.n * sizeof(*items));
	for (uint32_t i = 0; i < changes.n; i++) {
		items[i].why = change_why(arena, wants, &items[i]);
		items[i].loc = change_loc(wants, &items[i]);
		items[i].cause = change_cause(wants, &items[i]);
	}
	return (struct changes){ items, changes.n };
}

static void count_debts(struct plan *plan, const struct wants *wants)
{
	for (uint32_t i = 0; i < plan->observed->n_vms; i++) {
		plan->n_debts_open += wants->vms[i].debt == DEBT_OPEN;
		plan->n_debts_old += wants->vms[i].debt == DEBT_OLD;
	}
}

static bool lacks_host(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_missing; i++) {
		const struct spec_host *line =
			wants->input->cluster ? cluster_find_host(wants->input->cluster, world->missing[i].name) : NULL;
		if (!line || (!line->maintenance && !line->exclude))
			return true;
	}
	return false;
}

static void make_steps(
	struct arena *arena, struct plan *plan, const struct wants *wants, const struct resolved *resolved)
{
	struct needs needs = { wants, plan->observed, plan->goal, resolved->touch };
	struct step *steps = NULL;
	if (order_steps(arena, &needs, steps_make(arena, &needs), NO_INDEX, &steps, &plan->n_steps, plan->diags) < 0)
		return;
	plan->steps = steps;
	plan->cost = order_cost(steps, plan->n_steps);
	plan->budget.peak = check_peak(plan);
	if (needs_rolls(&needs))
		plan->mixed = order_mixed(steps, plan->n_steps);
	/* The checker trusts the planner in nothing. A plan that it rejects is not shown as one that could be applied. */
	if (!wants->input->is_trial && check_plan(arena, plan->observed, plan, plan->diags) < 0)
		plan->n_steps = 0;
}

static void fill(struct arena *arena, struct plan *plan, struct wants *wants, const struct resolved *resolved)
{
	plan->goal = resolved->goal;
	plan->rules = resolved->rules;
	plan->budget = budget_of(wants, resolved->touch);
	plan->complete = resolved->complete;
	plan->changes = explained(arena, wants, diff_worlds(arena, plan->observed, plan->goal));
	plan->refusals = arena_copy(arena, wants->refusals->data, wants->refusals->len * sizeof(struct refusal));
	plan->n_refusals = wants->refusals->len;
	plan->foreign_owner = wants->foreign_owner;
	plan->incomplete_hosts = lacks_host(wants);
	count_debts(plan, wants);
	make_steps(arena, plan, wants, resolved);
	if (plan->complete && !wants->input->is_trial)
		plan->least = bound_of(wants);
}

/* In the order in which they were found: the parts of a VM come before its start. */
static void refuse_unpayable(struct wants *wants)
{
	const struct plan_input *input = wants->input;
	for (uint32_t k = 0; k < input->n_unpayable; k++)
		for (uint32_t i = 0; i < input->observed->n_vms; i++) {
			const char *subject = subject_vm(wants->arena, input->observed, i);
			if (strcmp(input->unpayable[k].subject, subject) != 0)
				continue;
			if (wants_owed_parts(wants, i))
				refuse_parts(wants, i, D_VM_STATE, input->unpayable[k].reason);
			else if (wants_owed_power(wants, i))
				refuse_owed_start(wants, i, D_VM_STATE, input->unpayable[k].reason);
		}
}

static struct plan *plan_once(struct arena *arena, const struct plan_input *given)
{
	struct plan_input *input = arena_copy(arena, given, sizeof(*given));
	struct plan *plan = arena_new_of(arena, struct plan);
	plan->diags = diags_new(arena);
	plan->cluster = input->cluster ? input->cluster->name : NULL;
	plan->spec = input->cluster;
	plan->observed = input->observed;
	plan->owner = input->owner;
	plan->suspended = input->cluster && input->cluster->suspend;
	plan->window = gate_window(arena, input->cluster, input->now);
	plan->consents = input->cluster && (input->cluster->rollout.max_unavailable.set || plan->window.set);
	struct wants *wants = wants_make(arena, input, plan->diags);
	if (input->mode == PLAN_APPLY && refuse_cluster(wants))
		input->mode = PLAN_RESTORE; /* debts are paid all the same */
	plan->mode = input->mode;
	refuse_unpayable(wants);
	if (input->mode == PLAN_RESTORE) {
		refuse_held(wants);
		align_counts(wants);
	} else {
		refuse_first(wants);
	}
	struct resolved resolved = resolve_until_settled(arena, wants);
	resolve_riding(arena, wants, resolved.touch, resolved.goal);
	fill(arena, plan, wants, &resolved);
	debts_tell_open(wants, plan);
	plan->n_to_adopt = advise(wants, resolved.goal);
	if (!input->is_trial)
		advise_plan(arena, plan);
	wants_done(wants);
	diags_sort(plan->diags);
	return plan;
}

/* A VM is named twice at most: for its parts, and for its start. */
static bool may_be_named(const struct plan_input *input, const char *subject)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < input->n_unpayable; i++)
		n += strcmp(input->unpayable[i].subject, subject) == 0;
	return n < 2;
}

/* "host/hv01/vm/vdi-001" itself, or a part of it: ".../device". */
static bool is_about(const struct diag *diag, const char *subject)
{
	size_t len = strlen(subject);
	return diag->subject && strncmp(diag->subject, subject, len) == 0 &&
	       (diag->subject[len] == '\0' || diag->subject[len] == '/');
}

/* The VM whose debt the check did not let be paid: the others are paid all the same. */
static bool find_unpayable(
	struct arena *arena, const struct plan *plan, const struct plan_input *input, struct unpayable *out)
{
	const struct world *world = plan->observed;
	for (const struct diag *diag = plan->n_steps ? NULL : plan->diags->first; diag; diag = diag->next) {
		if (diag->code != D_STEP_NOT_POSSIBLE && diag->code != D_INVARIANT)
			continue;
		for (uint32_t i = 0; i < world->n_vms; i++) {
			if (!world->vms[i].debt)
				continue;
			*out = (struct unpayable){ subject_vm(arena, world, i), diag->message };
			if (is_about(diag, out->subject) && may_be_named(input, out->subject))
				return true;
		}
	}
	return false;
}

struct plan *plan_cluster(struct arena *arena, const struct plan_input *given)
{
	struct plan_input input = *given;
	struct plan *plan = plan_once(arena, &input);
	struct unpayable next;
	while (find_unpayable(arena, plan, &input, &next)) {
		struct unpayable *unpayable = arena_array(arena, struct unpayable, input.n_unpayable + 1);
		for (uint32_t i = 0; i < input.n_unpayable; i++)
			unpayable[i] = input.unpayable[i];
		unpayable[input.n_unpayable++] = next;
		input.unpayable = unpayable;
		plan = plan_once(arena, &input);
	}
	remedy_find(arena, plan, &input);
	return plan;
}
