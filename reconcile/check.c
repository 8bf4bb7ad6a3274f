/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The independent check. It shares with the planner what a step does (model/step.h) and what must hold
 * (model/invariant.h), and nothing about why steps are in an order.
 *
 * The plan's own order is replayed on the whole world, to its end. That no other order breaks anything is shown for
 * short plans by taking every step at every prefix, else by parts (check_parts.c).
 */
#include "reconcile/check_parts.h"

#include "reconcile/planner.h"
#include "reconcile/rebind.h"

#include <string.h>

enum {
	CHECK_WHOLE_STEPS = 12, /* plans of so many steps are explored as a whole */
	CHECK_STATES_MAX = 4096,
	CHECK_SAMPLES = 6,
	CHECK_LATE_MAX = 64,
};

/* ---- orders of the whole plan ---- */

struct replay {
	struct arena *of_order, *of_step;
	const struct plan *plan;
	struct walk walk;
	struct diags *diags;
};

static void replay_begin(struct replay *replay, const struct plan *plan, struct diags *diags)
{
	*replay = (struct replay){ arena_new(), arena_new(), plan, .diags = diags };
	replay->walk = walk_from(replay->of_order, replay->of_step, plan->observed, plan->rules);
	replay->walk.at_start = invariant_state(replay->of_order, plan->observed, plan->rules);
}

static void replay_end(struct replay *replay)
{
	arena_free(replay->of_order);
	arena_free(replay->of_step);
}

static int replay_step(struct replay *replay, const struct step *step)
{
	struct delta delta;
	struct violation broken;
	if (walk_step(&replay->walk, step, &delta, &broken, replay->diags) == 0)
		return 0;
	if (!broken.message)
		return -1; /* not possible, and said so */
	return diag_add(replay->diags, D_INVARIANT, step->loc, broken.subject, "step %u (%s) would break '%s': %s",
		step->id, step_text(replay->of_order, step), name_of(&invariant_names, broken.invariant),
		broken.message);
}

enum checked check_path(const struct plan *plan, const struct reach *reach, const GArray *path, struct diags *diags)
{
	uint32_t n = plan->n_steps;
	g_autofree bool *done = g_new0(bool, n + 1);
	struct replay replay;
	int result = 0;
	replay_begin(&replay, plan, diags);
	for (guint p = 0; p <= path->len && result == 0; p++) {
		uint32_t last = p < path->len ? g_array_index(path, uint32_t, p) : n; /* n: after all others */
		for (uint32_t i = 0; i < n && i <= last && result == 0; i++) {
			if (done[i] || (i != last && last != n && !reach_before(reach, i, last)))
				continue;
			done[i] = true;
			result = replay_step(&replay, &plan->steps[i]);
		}
	}
	if (result == 0)
		result = check_end(plan, replay.walk.world, diags);
	replay_end(&replay);
	return result == 0 ? CHECKED_FINE : CHECKED_BROKEN;
}

enum checked check_whole(const struct plan *plan, uint32_t states_max, struct diags *diags)
{
	if (plan->n_steps > PART_NODES_MAX)
		return CHECKED_UNSURE;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct part part = {
		.world = plan->observed,
		.rules = plan->rules,
		.at_start = invariant_state(arena, plan->observed, plan->rules),
		.steps = plan->steps,
		.n_nodes = plan->n_steps,
	};
	for (uint32_t i = 0; i < plan->n_steps; i++)
		part.nodes[i] = (struct part_node){ reach->before[(size_t)i * reach->words], i, 1 };
	enum checked result = explore(&part, states_max, path);
	return result == CHECKED_BROKEN ? check_path(plan, reach, path, diags) : result;
}

/* ---- some orders ---- */

/* A number that is different for every order and step, the same in every run: no randomness in pure code. */
static uint32_t weight(uint32_t order, uint32_t step, uint32_t n)
{
	if (order == 0)
		return step;
	if (order == 1)
		return n - step;
	if (order >= CHECK_SAMPLES)
		return step == order - CHECK_SAMPLES ? UINT32_MAX : step;
	uint32_t hash = (order * 2654435761u) ^ (step * 40503u);
	hash ^= hash >> 15;
	return hash * 2246822519u;
}

static bool is_ready(const struct step *step, const bool *done)
{
	for (uint32_t i = 0; i < step->n_after; i++)
		if (!done[step->after[i] - 1])
			return false;
	return true;
}

static int check_order(const struct plan *plan, uint32_t order, struct diags *diags)
{
	uint32_t n = plan->n_steps;
	g_autofree bool *done = g_new0(bool, n + 1);
	struct replay replay;
	int result = 0;
	replay_begin(&replay, plan, diags);
	for (uint32_t taken = 0; taken < n && result == 0; taken++) {
		uint32_t next = NO_INDEX;
		for (uint32_t i = 0; i < n; i++)
			if (!done[i] && (next == NO_INDEX || weight(order, i, n) < weight(order, next, n)) &&
				is_ready(&plan->steps[i], done))
				next = i;
		done[next] = true;
		result = replay_step(&replay, &plan->steps[next]);
	}
	if (result == 0)
		result = check_end(plan, replay.walk.world, diags);
	replay_end(&replay);
	return result;
}

/* Besides the first ones each step in turn as late as can be: these find every wait that is missing by itself. */
enum checked check_sampled(const struct plan *plan, struct diags *diags)
{
	uint32_t n_orders = CHECK_SAMPLES + (plan->n_steps <= CHECK_LATE_MAX ? plan->n_steps : 0);
	for (uint32_t order = 0; order < n_orders; order++)
		if (check_order(plan, order, diags) < 0)
			return CHECKED_BROKEN;
	return CHECKED_FINE;
}

static int check_every_order(const struct plan *plan, struct diags *diags)
{
	enum checked result = CHECKED_UNSURE;
	if (plan->n_steps <= CHECK_WHOLE_STEPS)
		result = check_whole(plan, CHECK_STATES_MAX, diags);
	else
		result = check_by_parts(plan, CHECK_STATES_MAX, diags);
	if (result == CHECKED_UNSURE)
		result = check_sampled(plan, diags);
	return result == CHECKED_BROKEN ? -1 : 0;
}

/* ---- the plan as such ---- */

/* The ids are 1..n and every 'after' names an earlier step: a saved file may say anything. */
static int check_shape(const struct plan *plan, struct diags *diags)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		bool wrong = step->id != i + 1;
		for (uint32_t k = 0; k < step->n_after; k++)
			wrong |= step->after[k] == 0 || step->after[k] >= step->id;
		if (wrong)
			return diag_add(diags, D_PLAN_FILE, step->loc, NULL,
				"step %u of the plan waits for a step that is not before it", step->id);
	}
	return 0;
}

int check_own_order(const struct plan *plan, struct diags *diags)
{
	if (!plan->n_steps)
		return 0;
	bool fine = check_once(plan, diags) == 0 && check_order(plan, 0, diags) == 0 &&
		    check_budget(plan, diags) == 0 && check_hosts(plan, diags) == 0;
	return fine ? 0 : -1;
}

int check_plan(struct arena *arena, const struct world *world, const struct plan *given, struct diags *diags)
{
	struct plan plan = *given;
	if (world != given->observed) {
		struct plan *rebound = NULL;
		if (plan_rebind(arena, given, world, &rebound, diags) < 0)
			return -1;
		plan = *rebound;
	}
	g_autofree struct step *steps = g_memdup2(plan.steps, plan.n_steps * sizeof(struct step));
	plan.steps = steps;
	for (uint32_t i = 0; i < plan.n_steps; i++)
		if (step_bind(&steps[i], world, diags) < 0)
			return -1;
	if (check_shape(&plan, diags) < 0 || check_own_order(&plan, diags) < 0)
		return -1;
	return plan.n_steps && check_every_order(&plan, diags) < 0 ? -1 : 0;
}
