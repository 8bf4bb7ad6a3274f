/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/judge.h"

#include <stdio.h>

NAMES_DEFINE(case_result_names, CASE_RESULTS);

struct follow { /* a plan to its end, landing by landing */
	struct arena *arena;
	const struct small *small;
	const struct plan_input *input;
	struct judged *judged;
	struct exact_cost cost; /* of this plan and of those before it, for a plan that was not complete */
	uint32_t rounds;
};

enum { ROUNDS_MAX = 8 }; /* each mounts one GPU of which nobody knows what it lists */

static void follow_plan(struct follow follow, const struct plan *plan);

static bool is_ours_to_blame(enum diag_code code)
{
	return code == D_INVARIANT || code == D_GOAL_NOT_REACHED || code == D_UNEXPECTED || code == D_STEP_NOT_POSSIBLE;
}

static bool passes(const struct plan *plan)
{
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		if (is_ours_to_blame(d->code))
			return false;
	return true;
}

static void fail(struct judged *judged, enum case_result result)
{
	if (!case_fails(judged->result))
		judged->result = result;
}

static struct exact_cost cost_with(struct exact_cost cost, const struct plan *plan)
{
	cost.stops += plan->cost.vms_stopped;
	cost.moves += plan->cost.vms_moved;
	cost.roles += plan->cost.role_changes;
	cost.steps += plan->cost.steps;
	return cost;
}

/* A host lists the valid counts of a mounted GPU; it has some count of its own. */
static void show_counts(struct world *world, uint32_t gpu, uint32_t wanted)
{
	static const uint32_t valid[] = { 1, 2, 4 };
	world->gpus[gpu].valid_counts = valid;
	world->gpus[gpu].n_valid_counts = G_N_ELEMENTS(valid);
	if (!world->gpus[gpu].count.known)
		world->gpus[gpu].count = KNOWN(wanted == 4 ? 1 : 4);
}

static void reach_end(struct follow follow, const struct plan *plan, struct world *end)
{
	struct plan_input again = *follow.input;
	follow.judged->n_ends++;
	for (uint32_t g = 0; g < end->n_gpus; g++)
		if (gpu_offers_partitions(&end->gpus[g]))
			show_counts(end, g, follow.small->count);
	again.observed = end;
	const struct plan *next = plan_cluster(follow.arena, &again);
	follow.judged->plan = plan;
	if (!passes(next)) {
		fail(follow.judged, CASE_UNSOUND);
	} else if (!plan->complete && next->n_steps && follow.rounds < ROUNDS_MAX) {
		follow.rounds++;
		follow.cost = cost_with(follow.cost, next);
		follow_plan(follow, next);
	} else if (next->n_steps && !plan->n_refusals) {
		/* what was refused may become possible by what was done, or by where a VM landed */
		fail(follow.judged, CASE_RESTLESS);
	} else if (!next->n_steps && next->n_refusals && !plan->n_refusals && plan->complete) {
		fail(follow.judged, CASE_TOO_SHY);
	} else {
		follow.judged->refused |= next->n_refusals > 0;
		follow.judged->planned = follow.cost;
	}
}

static void take_steps(const struct follow *follow, const struct plan *plan, const struct world *world, uint32_t from);

/* The VM that was started is on one of the GPUs that it could be on: each is tried. */
static void land(const struct follow *follow, const struct plan *plan, struct world *world, uint32_t at)
{
	struct vm *vm = &world->vms[plan->steps[at].vm];
	uint64_t set = vm->n_adapters ? adapter_gpus(world, vm, vm->adapters) : 0;
	if (!vm->n_adapters || vm->adapters[0].pin || !(set & (set - 1))) {
		take_steps(follow, plan, world, at + 1);
		return;
	}
	for (uint64_t left = set; left; left &= left - 1) {
		struct world *landed = world_copy(follow->arena, world);
		struct adapter *adapter = arena_copy(follow->arena, vm->adapters, sizeof(*adapter));
		adapter->gpus = left & ~(left - 1);
		landed->vms[plan->steps[at].vm].adapters = adapter;
		take_steps(follow, plan, landed, at + 1);
	}
}

/* From step number 'from' on. */
static void take_steps(const struct follow *follow, const struct plan *plan, const struct world *start, uint32_t from)
{
	struct world *world = world_copy(follow->arena, start);
	struct diags *diags = diags_new(follow->arena);
	for (uint32_t i = from; i < plan->n_steps; i++) {
		struct delta delta = { 0 };
		if (step_simulate(follow->arena, world, &plan->steps[i], &delta, diags) < 0) {
			follow->judged->plan = plan;
			fail(follow->judged, CASE_STUCK);
			return;
		}
		delta_apply(world, &delta);
		if (plan->steps[i].kind == STEP_START_VM) {
			land(follow, plan, world, i);
			return;
		}
	}
	reach_end(*follow, plan, world);
}

static void follow_plan(struct follow follow, const struct plan *plan)
{
	take_steps(&follow, plan, plan->observed, 0);
}

/* Of a plan that refuses nothing: 'least' is said of the goals that it has. */
static bool bound_is_too_high(const struct plan *plan, struct exact_cost least)
{
	return plan->least.known && plan->complete && !plan->n_refusals &&
	       (plan->least.vms_stopped > least.stops || plan->least.vms_moved > least.moves ||
		       plan->least.role_changes > least.roles);
}

/* There is no way if a VM counts for both hosts that it moves between. */
static void compare_until_moved(struct judged *judged, struct exact *exact, const struct small *small)
{
	enum exact_answer answer = exact_search(exact, small, EXACT_UNTIL_MOVED, &judged->least);
	const struct exact_cost *is = &judged->planned, *least = &judged->least;
	if (answer == EXACT_GAVE_UP)
		fail(judged, CASE_GAVE_UP);
	else if (answer == EXACT_INFEASIBLE)
		fail(judged, CASE_TOO_BOLD);
	else if (exact_cost_order(*is, *least) < 0)
		fail(judged, CASE_TOO_CHEAP);
	else if (is->stops > least->stops || is->moves > least->moves || is->roles > least->roles)
		fail(judged, CASE_TOO_DEAR);
	else if (judged->result == CASE_HOLDS)
		judged->result = CASE_UNTIL_MOVED;
}

static void compare(struct judged *judged, enum exact_answer answer, const struct plan *plan)
{
	if (answer == EXACT_GAVE_UP) {
		fail(judged, CASE_GAVE_UP);
	} else if (answer == EXACT_INFEASIBLE) {
		if (!judged->refused && judged->learns && !case_fails(judged->result))
			judged->result = CASE_LEARNS; /* what was done to look may have opened a way */
		else if (!judged->refused)
			fail(judged, CASE_TOO_BOLD);
		else if (judged->result == CASE_HOLDS)
			judged->result = CASE_REFUSED;
	} else if (bound_is_too_high(plan, judged->least)) {
		fail(judged, CASE_BOUND_TOO_HIGH);
	} else if (judged->refused) {
		fail(judged, CASE_TOO_SHY);
	} else if (judged->learns && !case_fails(judged->result)) {
		judged->result = CASE_LEARNS;
	} else if (!case_fails(judged->result)) {
		int order = exact_cost_order(judged->planned, judged->least);
		if (order)
			fail(judged, order > 0 ? CASE_TOO_DEAR : CASE_TOO_CHEAP);
	}
}

struct judged judge_case(struct arena *arena, struct exact *exact, const struct small *small)
{
	struct judged judged = { .result = CASE_HOLDS };
	struct plan_input input = small_input(arena, small);
	const struct plan *plan = plan_cluster(arena, &input);
	struct follow follow = { arena, small, &input, &judged, cost_with((struct exact_cost){ 0 }, plan), 0 };
	judged.plan = plan;
	judged.n_steps = plan->n_steps;
	judged.refused = plan->n_refusals > 0;
	judged.learns = !plan->complete;
	enum exact_answer answer = exact_search(exact, small, EXACT_FOR_BOTH_HOSTS, &judged.least);
	if (!passes(plan))
		fail(&judged, CASE_UNSOUND);
	else if (plan->n_steps)
		follow_plan(follow, plan);
	if (answer == EXACT_INFEASIBLE && !judged.refused && !judged.learns)
		compare_until_moved(&judged, exact, small);
	else
		compare(&judged, answer, plan);
	return judged;
}

void judge_tell(struct arena *arena, const struct exact *exact, const struct small *small, const struct judged *judged)
{
	const struct plan *plan = judged->plan;
	fprintf(stderr, "%s: %s\n", small_text(arena, small), name_of(&case_result_names, judged->result));
	fprintf(stderr, "  planned %u %u %u %u, least %u %u %u %u\n", judged->planned.stops, judged->planned.moves,
		judged->planned.roles, judged->planned.steps, judged->least.stops, judged->least.moves,
		judged->least.roles, judged->least.steps);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		fprintf(stderr, "    %u %s; after", plan->steps[i].id, step_text(arena, &plan->steps[i]));
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++)
			fprintf(stderr, " %u", plan->steps[i].after[k]);
		fprintf(stderr, "\n");
	}
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		fprintf(stderr, "    %s %s: %s\n", diag_codes[d->code].id, d->subject ? d->subject : "", d->message);
	fprintf(stderr, "  the judge's way:\n%s", exact_way(arena, exact));
}
