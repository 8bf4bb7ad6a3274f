/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/present.h"

#include "model/delta.h"
#include "reconcile/done.h"
#include "reconcile/gate.h"
#include "reconcile/order.h"
#include "reconcile/planner.h"
#include "reconcile/rebind.h"
#include "reconcile/run_plan.h"

#include <string.h>

static struct plan *without_steps(struct arena *arena, const struct plan *plan)
{
	struct plan *none = arena_copy(arena, plan, sizeof(*plan));
	none->n_steps = 0;
	none->changes.n = 0;
	none->cost = (struct cost){ 0 };
	none->least = (struct plan_least){ 0 };
	none->mixed = (struct plan_mixed){ 0 };
	none->complete = true;
	return none;
}

/* Where the steps lead to from that world, and what they cost, whatever the file says. */
static int bind(struct arena *arena, struct plan *plan, struct diags *diags)
{
	struct step *steps = arena_copy(arena, plan->steps, sizeof(*steps) * plan->n_steps);
	struct world *goal = world_copy(arena, plan->observed);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		struct delta delta = { 0 };
		if (step_bind(&steps[i], plan->observed, diags) < 0 ||
			step_simulate(arena, goal, &steps[i], &delta, diags) < 0)
			return -1;
		delta_apply(goal, &delta);
	}
	plan->steps = steps;
	plan->goal = goal;
	plan->cost = order_cost(steps, plan->n_steps);
	return 0;
}

static int say_partly(const struct change *which, struct diags *diags)
{
	return diag_add(diags, D_STALE, which->loc, which->subject,
		"a part of the saved plan is done already (%s of '%s'), and doing it again could stop VMs for nothing",
		name_of(&change_kind_names, (int)which->kind), which->subject);
}

const struct plan *present_plan(
	struct arena *arena, const struct plan *plan, const struct world *world, const char *name, struct diags *diags)
{
	const struct change *which = NULL;
	enum done done = done_of_plan(plan, world, &which);
	struct plan *bound = NULL;
	if (done == DONE_ALL) {
		bound = without_steps(arena, plan);
		if (plan_rebind(arena, bound, world, &bound, diags) < 0)
			return NULL;
		bound->goal = (struct world *)world;
		return bound;
	}
	int result = done == DONE_PARTLY ? say_partly(which, diags) : check_plan(arena, world, plan, diags);
	if (result == 0 && plan_rebind(arena, plan, world, &bound, diags) == 0 && bind(arena, bound, diags) == 0)
		return bound;
	diag_add(diags, D_STALE, LOC_NONE, NULL,
		"the saved plan of '%s' does not fit the present world, as said above; make it again", name);
	return NULL;
}

/* ---- a run ---- */

/* Without a host the plan would be another one, which stops VMs for what is only a part of the change. */
static int check_hosts(const struct plan *plan, const struct world *world, struct diags *diags)
{
	g_autoptr(GString) gone = g_string_new(NULL);
	for (uint32_t i = 0; i < plan->observed->n_hosts; i++) {
		const char *name = plan->observed->hosts[i].name;
		if (world_find_host(world, name) == NO_INDEX)
			g_string_append_printf(gone, "%s'%s'", gone->len ? ", " : "", name);
	}
	if (!plan->n_steps || !gone->len)
		return 0;
	return diag_add(diags, D_HOST_UNOBSERVED, LOC_NONE, NULL,
		"the saved plan of '%s' was made with %s, and nothing of it is begun without; apply it when the host "
		"answers again, or make the plan again",
		plan->cluster, gone->str);
}

enum news { NEWS_ALL, NEWS_ERRORS, NEWS_DEBTS };

static bool is_wanted(const struct diag *diag, enum news news)
{
	bool is_debt = diag->code == D_DEBT_OPEN || diag->code == D_DEBT_OLD;
	return news == NEWS_ALL || (news == NEWS_DEBTS && is_debt) ||
	       (news == NEWS_ERRORS && diag_codes[diag->code].severity == DIAG_ERROR);
}

static void add_news(struct diags *into, const struct diags *from, enum news news)
{
	for (const struct diag *diag = from->first; diag; diag = diag->next) {
		if (diags_have(into, diag) || !is_wanted(diag, news))
			continue;
		(void)!diag_add(into, diag->code, diag->loc, diag->subject, "%s", diag->message);
		if (diag->also_message)
			diag_also(into, diag->also, diag->also_message);
	}
}

/* One that does not fit for what is owed alone may go on as soon as that is paid. */
static const struct plan *plan_now(
	struct arena *arena, const struct plan *saved, const struct plan *owed, struct diags *diags)
{
	struct diags *why = diags_new(arena), *paid = diags_new(arena);
	if (check_hosts(saved, owed->observed, diags) < 0)
		return NULL;
	if (saved->mode == PLAN_RESTORE)
		return owed;
	const struct plan *now = present_plan(arena, saved, owed->observed, saved->cluster, why);
	if (now)
		return now;
	if (owed->n_steps && present_plan(arena, saved, owed->goal, saved->cluster, paid))
		diag_add(diags, D_STALE, LOC_NONE, NULL,
			"an earlier run owes something in '%s', and that is paid before the saved plan can go on; "
			"then apply it again",
			saved->cluster);
	else
		diags_append(diags, why);
	return NULL;
}

/* What is carried out for a saved plan. 'owed' pays debts on the same hosts. */
static struct plan *choose(struct arena *arena, const struct plan *saved, const struct plan *owed, int64_t now_s)
{
	struct diags *diags = diags_new(arena);
	const struct world *world = owed->observed;
	const struct plan *now = plan_now(arena, saved, owed, diags);
	bool is_owed = !now || now == owed || (!now->n_steps && owed->n_steps);
	struct plan *plan = arena_copy(arena, is_owed ? owed : now, sizeof(*plan));
	if (now) /* what was refused then still is; what else was said may be over, with nothing left to do */
		add_news(diags, saved->diags, !now->n_steps || is_owed ? NEWS_ERRORS : NEWS_ALL);
	add_news(diags, owed->diags, is_owed ? NEWS_ALL : NEWS_DEBTS);
	plan->cluster = saved->cluster;
	plan->diags = diags;
	plan->for_debts = owed->for_debts;
	if (!is_owed)
		plan->window = gate_window_of(arena, saved->window.windows, saved->window.n_windows, now_s);
	plan->incomplete_hosts = saved->incomplete_hosts || world->n_missing > saved->observed->n_missing;
	plan->foreign_owner = world_is_of_others(world, saved->owner);
	plan->n_debts_open = owed->n_debts_open;
	plan->n_debts_old = owed->n_debts_old;
	return plan;
}

static struct run *owed_of(struct run *saved)
{
	struct run *owed = arena_copy(saved->arena, saved, sizeof(*saved));
	owed->options.mode = PLAN_RESTORE;
	owed->now = owed->options.now;
	owed->from_file = false;
	if (!owed->spec)
		owed->spec = arena_new_of(saved->arena, struct spec);
	return owed;
}

int present_run(struct run *saved)
{
	struct run *owed = owed_of(saved);
	if (run_look(owed) < 0)
		return -1;
	run_plan_saved(owed, saved);
	struct plan **plans = arena_array(saved->arena, struct plan *, saved->n_plans);
	for (uint32_t i = 0; i < saved->n_plans; i++) {
		owed->plans[i]->cluster = saved->plans[i]->cluster;
		owed->plans[i]->for_debts = owed->plans[i]->spec;
		owed->plans[i]->spec = NULL; /* nothing of it is carried out */
		plans[i] = choose(saved->arena, saved->plans[i], owed->plans[i], owed->now);
	}
	saved->plans = plans;
	saved->owed = owed;
	return 0;
}
