/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The independent check. It shares with the planner what a step does (model/step.h) and what must hold
 * (model/invariant.h), and nothing about why steps are in an order.
 *
 * Of the orders that the dependencies allow, these are tried: the plan's own, the later ids first, some that are fixed
 * and look random, and, while the plan is not long, each step in turn as late as can be. The last ones find every
 * dependency that is missing by itself.
 */
#include "reconcile/planner.h"
#include "reconcile/rebind.h"

#include <string.h>

enum { CHECK_ORDERS = 6, CHECK_LATE_MAX = 64 };

struct checker {
	struct arena *arena; /* of one order */
	const struct plan *plan;
	const struct rules *rules;
	struct step *steps; /* bound to 'world' */
	const struct world *start;
	struct violations at_start;
	struct diags *diags;
	struct arena *scratch;        /* of one step */
	struct world *before, *world; /* around the step; the same again as soon as it is checked */
};

static int reject(struct checker *checker, const struct step *step, const struct violation *violation)
{
	return diag_add(checker->diags, D_INVARIANT, step->loc, violation->subject, "step %u (%s) would break '%s': %s",
		step->id, step_text(checker->arena, step), name_of(&invariant_names, violation->invariant),
		violation->message);
}

static int check_step(struct checker *checker, const struct step *step)
{
	struct delta delta = { 0 };
	struct arena *scratch = checker->scratch;
	struct world *world = checker->world;
	arena_clear(scratch);
	if (step_simulate(checker->arena, world, step, &delta, checker->diags) < 0)
		return -1;
	delta_apply(world, &delta);
	struct violations by_step = invariant_step(scratch, checker->before, world, checker->rules, step);
	delta_apply(checker->before, &delta);
	if (by_step.n)
		return reject(checker, step, &by_step.items[0]);
	struct violations added =
		violations_added(scratch, checker->at_start, invariant_state(scratch, world, checker->rules));
	return added.n ? reject(checker, step, &added.items[0]) : 0;
}

/* ---- the end ---- */

static bool has_change(const struct world *end, const struct change *change)
{
	const struct gpu *gpu = change->gpu != NO_INDEX ? &end->gpus[change->gpu] : NULL;
	const struct vm *vm = change->vm != NO_INDEX ? &end->vms[change->vm] : NULL;
	const struct pool *pool = gpu ? gpu_pool(end, change->gpu) : NULL;
	switch (change->kind) {
	case CHANGE_COUNT:
		return maybe_equal(gpu->count, change->number);
	case CHANGE_GPU_STATE:
		return maybe_is(change->number, gpu->state);
	case CHANGE_POOL:
		return host_find_pool(&end->hosts[change->host], change->pool) != NULL;
	case CHANGE_POOL_MEMBER:
		return change->pool ? pool && strcmp(pool->name, change->pool) == 0 : pool == NULL;
	case CHANGE_OFFLINE_ACTION:
		return maybe_equal(vm->offline_action, change->number);
	case CHANGE_AUTOMATIC_CHECKPOINTS:
		return maybe_is(change->number, vm->automatic_checkpoints);
	case CHANGE_STOP_ACTION:
		return maybe_is(change->number, vm->stop_action);
	case CHANGE_CACHE_CONTROL:
		return maybe_is(change->number, vm->cache_control);
	case CHANGE_MMIO_LOW:
		return vm->mmio_low_bytes.known && vm->mmio_low_bytes.value >= change->number.value;
	case CHANGE_MMIO_HIGH:
		return vm->mmio_high_bytes.known && vm->mmio_high_bytes.value >= change->number.value;
	case CHANGE_POWER:
		return maybe_is(change->number, vm->state);
	case CHANGE_HOST:
		return g_ascii_strcasecmp(end->hosts[vm->host].name, change->after) == 0;
	default:
		return true; /* parts are counted in parts_are_there */
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_quotas(const struct adapter *a, const struct adapter *b)
{
	for (int q = 0; q < QUOTA_COUNT; q++)
		if (!maybe_equal(a->quotas[q], b->quotas[q]))
			return false;
	return true;
}

static bool same_adapter(const struct adapter *a, const struct adapter *b)
{
	return same_text(a->pin, b->pin) && same_quotas(a, b);
}

static bool same_device(const struct device *a, const struct device *b)
{
	return same_text(a->location_path, b->location_path) && same_text(a->pool, b->pool);
}

static int64_t count_adapters(const struct vm *vm, const struct adapter *like)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		n += same_adapter(&vm->adapters[i], like);
	return n;
}

static int64_t count_devices(const struct vm *vm, const struct device *like)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += same_device(&vm->devices[i], like);
	return n;
}

/* By how many the changes say that the VM has more of these at the end; 'like' NULL: of any sort. */
static int64_t adapters_gained(const struct checker *checker, uint32_t vm, const struct adapter *like)
{
	int64_t n = 0;
	for (uint32_t c = 0; c < checker->plan->changes.n; c++) {
		const struct change *change = &checker->plan->changes.items[c];
		if (change->vm == vm && (!like || same_adapter(&change->adapter, like)))
			n += (change->kind == CHANGE_ADAPTER_ADDED) - (change->kind == CHANGE_ADAPTER_REMOVED);
	}
	return n;
}

static int64_t devices_gained(const struct checker *checker, uint32_t vm, const struct device *like)
{
	int64_t n = 0;
	for (uint32_t c = 0; c < checker->plan->changes.n; c++) {
		const struct change *change = &checker->plan->changes.items[c];
		if (change->vm == vm && (!like || same_device(&change->device, like)))
			n += (change->kind == CHANGE_DEVICE_ADDED) - (change->kind == CHANGE_DEVICE_REMOVED);
	}
	return n;
}

/* At the end every VM has as many adapters and devices of each sort as it had and as the changes say. */
static bool parts_are_there(const struct checker *checker, const struct world *end, uint32_t index)
{
	const struct vm *before = &checker->start->vms[index], *after = &end->vms[index];
	if (after->n_adapters != before->n_adapters + adapters_gained(checker, index, NULL) ||
		after->n_devices != before->n_devices + devices_gained(checker, index, NULL))
		return false;
	for (uint32_t i = 0; i < after->n_adapters; i++) {
		const struct adapter *it = &after->adapters[i];
		if (count_adapters(after, it) != count_adapters(before, it) + adapters_gained(checker, index, it))
			return false;
	}
	for (uint32_t i = 0; i < after->n_devices; i++) {
		const struct device *it = &after->devices[i];
		if (count_devices(after, it) != count_devices(before, it) + devices_gained(checker, index, it))
			return false;
	}
	return true;
}

static bool was_owed_a_start(const struct checker *checker, uint32_t vm)
{
	for (uint32_t c = 0; c < checker->plan->changes.n; c++)
		if (checker->plan->changes.items[c].kind == CHANGE_POWER && checker->plan->changes.items[c].vm == vm)
			return true;
	return false;
}

static int check_end(struct checker *checker, const struct world *end)
{
	const struct changes *changes = &checker->plan->changes;
	for (uint32_t c = 0; c < changes->n; c++)
		if (!has_change(end, &changes->items[c]))
			return diag_add(checker->diags, D_GOAL_NOT_REACHED, changes->items[c].loc,
				changes->items[c].subject, "after all steps %s would not be '%s'",
				name_of(&change_kind_names, changes->items[c].kind),
				changes->items[c].after ? changes->items[c].after : "gone");
	for (uint32_t i = 0; i < end->n_vms; i++) {
		const char *subject = arena_printf(
			checker->arena, "host/%s/vm/%s", end->hosts[end->vms[i].host].name, end->vms[i].name);
		if (!parts_are_there(checker, end, i))
			return diag_add(checker->diags, D_GOAL_NOT_REACHED, LOC_NONE, subject,
				"after all steps VM '%s' would not have the partitions and GPUs that it should have",
				end->vms[i].name);
		if (end->vms[i].state != checker->start->vms[i].state && !was_owed_a_start(checker, i))
			return diag_add(checker->diags, D_INVARIANT, LOC_NONE, subject,
				"the plan would break 'restored': VM '%s' was %s and would be %s", end->vms[i].name,
				name_of(&vm_state_names, checker->start->vms[i].state),
				name_of(&vm_state_names, end->vms[i].state));
	}
	return 0;
}

static int check_once(struct checker *checker)
{
	for (uint32_t i = 0; i < checker->plan->n_steps; i++)
		for (uint32_t j = i + 1; j < checker->plan->n_steps && checker->steps[i].kind == STEP_STOP_VM; j++)
			if (checker->steps[j].kind == STEP_STOP_VM && checker->steps[i].vm == checker->steps[j].vm)
				return diag_add(checker->diags, D_INVARIANT, checker->steps[j].loc,
					checker->steps[j].vm_name,
					"the plan would break 'once': VM '%s' is stopped by step %u and by step %u",
					checker->steps[j].vm_name, checker->steps[i].id, checker->steps[j].id);
	return 0;
}

/* ---- orders ---- */

/* A number that is different for every order and step, the same in every run: no randomness in pure code. */
static uint32_t weight(uint32_t order, uint32_t step, uint32_t n)
{
	if (order == 0)
		return step;
	if (order == 1)
		return n - step;
	if (order >= CHECK_ORDERS)
		return step == order - CHECK_ORDERS ? UINT32_MAX : step;
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

static int check_order(struct checker *checker, uint32_t order)
{
	uint32_t n = checker->plan->n_steps;
	arena_clear(checker->arena);
	checker->before = world_copy(checker->arena, checker->start);
	checker->world = world_copy(checker->arena, checker->start);
	g_autofree bool *done = g_new0(bool, n + 1);
	for (uint32_t taken = 0; taken < n; taken++) {
		uint32_t next = NO_INDEX;
		for (uint32_t i = 0; i < n; i++)
			if (!done[i] && (next == NO_INDEX || weight(order, i, n) < weight(order, next, n)) &&
				is_ready(&checker->steps[i], done))
				next = i;
		if (next == NO_INDEX)
			return diag_add(checker->diags, D_GOAL_NOT_REACHED, LOC_NONE, NULL,
				"steps of the plan wait for each other in a circle");
		done[next] = true;
		if (check_step(checker, &checker->steps[next]) < 0)
			return -1;
	}
	return check_end(checker, checker->world);
}

/* The ids are 1..n and every 'after' names an earlier step: a saved file may say anything. */
static int check_shape(struct checker *checker)
{
	for (uint32_t i = 0; i < checker->plan->n_steps; i++) {
		const struct step *step = &checker->steps[i];
		bool wrong = step->id != i + 1;
		for (uint32_t k = 0; k < step->n_after; k++)
			wrong |= step->after[k] == 0 || step->after[k] >= step->id;
		if (wrong)
			return diag_add(checker->diags, D_PLAN_FILE, step->loc, NULL,
				"step %u of the plan waits for a step that is not before it", step->id);
	}
	return 0;
}

int check_plan(struct arena *arena, const struct world *world, const struct plan *plan, struct diags *diags)
{
	g_autoptr(arena_auto) of_order = arena_new(), of_step = arena_new();
	if (world != plan->observed) {
		struct plan *rebound = NULL;
		if (plan_rebind(arena, plan, world, &rebound, diags) < 0)
			return -1;
		plan = rebound;
	}
	struct checker checker = {
		.arena = of_order,
		.plan = plan,
		.rules = plan->rules,
		.start = world,
		.diags = diags,
		.scratch = of_step,
	};
	g_autofree struct step *steps = g_memdup2(plan->steps, plan->n_steps * sizeof(struct step));
	checker.steps = steps;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (step_bind(&checker.steps[i], world, diags) < 0)
			return -1;
	if (check_shape(&checker) < 0 || check_once(&checker) < 0)
		return -1;
	checker.at_start = invariant_state(arena, world, plan->rules);
	uint32_t n_orders = CHECK_ORDERS + (plan->n_steps <= CHECK_LATE_MAX ? plan->n_steps : 0);
	for (uint32_t order = 0; order < n_orders && plan->n_steps; order++)
		if (check_order(&checker, order) < 0)
			return -1;
	return 0;
}
