/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/retreat.h"

#include "reconcile/alike.h"
#include "reconcile/check_parts.h"
#include "reconcile/debts.h"

#include <string.h>

/* With more kinds of steps than this, pairs are left to what is asked again before each of them is released. */
enum { RETREAT_PAIRS_MAX = 64 };

struct retreat {
	const struct plan *plan;
	const struct plan_input *input;
	const struct step *steps; /* bound to input->observed */
	const bool *lost;         /* per VM: down at the start, and nothing brings it back whole from there */
};

bool retreat_disrupts(const struct step *step)
{
	switch (step->kind) {
	case STEP_STOP_VM:
	case STEP_MOVE_VM:
	case STEP_REMOVE_ADAPTER:
	case STEP_REMOVE_DEVICE:
	case STEP_SET_COUNT:
	case STEP_DISMOUNT_GPU:
	case STEP_MOUNT_GPU:
	case STEP_REMOVE_FROM_POOL:
		return true;
	default:
		return false;
	}
}

const char *retreat_frozen(struct arena *arena, const struct step *step)
{
	const char *vm = step->vm_name ? step->vm_name : step->vm_id;
	/* a VM that could not be moved can still be started where it is */
	if (step->kind == STEP_MOVE_VM)
		return arena_printf(arena, "host/%s/vm/%s/move", step->host_name, vm);
	if (step->vm_id)
		return arena_printf(arena, "host/%s/vm/%s", step->host_name, vm);
	if (step->location_path)
		return arena_printf(arena, "host/%s/gpu/%s", step->host_name, step->location_path);
	return arena_printf(arena, "host/%s", step->host_name);
}

/* ---- the world at a place ---- */

struct place {
	struct arena *arena;
	const struct retreat *retreat;
	struct world *world;
};

static struct debt *debt_of(struct place *place, struct vm *vm)
{
	struct debt *debt = arena_new_of(place->arena, struct debt);
	if (vm->debt)
		*debt = *vm->debt;
	debt->run = place->retreat->input->live_run;
	debt->at = place->retreat->input->now;
	vm->debt = debt;
	return debt;
}

/* With the quotas and the pin that it had: the step names it by its id alone. */
static struct adapter removed_adapter(const struct vm *before, const struct step *step)
{
	for (uint32_t i = 0; i < before->n_adapters; i++)
		if (g_strcmp0(before->adapters[i].id, step->adapter.id) == 0)
			return before->adapters[i];
	return step->adapter;
}

/* What the host writes in the same call (design.md section 8, "A debt"); settling stands in the steps' own effect. */
static void owe(struct place *place, const struct vm *before, const struct step *step)
{
	struct vm *vm = &place->world->vms[step->vm];
	if (step->kind == STEP_STOP_VM && !vm_is_off(before)) {
		struct debt *debt = debt_of(place, vm);
		debt->power = DEBT_POWER_STOPPED;
		debt->state_change = vm->state_change;
	}
	if (!step_cause_owes(step->cause))
		return;
	if (step->kind == STEP_REMOVE_ADAPTER && vm->n_adapters < before->n_adapters) {
		struct debt *debt = debt_of(place, vm);
		struct adapter *adapters = arena_array(place->arena, struct adapter, debt->n_adapters + 1);
		if (debt->n_adapters)
			memcpy(adapters, debt->adapters, debt->n_adapters * sizeof(*adapters));
		adapters[debt->n_adapters] = removed_adapter(before, step);
		if (step->cause == CAUSE_UNPIN)
			adapters[debt->n_adapters].pin = NULL;
		debt->n_adapters++;
		debt->adapters = adapters;
	}
	if (step->kind == STEP_REMOVE_DEVICE && vm->n_devices < before->n_devices) {
		struct debt *debt = debt_of(place, vm);
		struct device *devices = arena_array(place->arena, struct device, debt->n_devices + 1);
		if (debt->n_devices)
			memcpy(devices, debt->devices, debt->n_devices * sizeof(*devices));
		devices[debt->n_devices++] = step->device;
		debt->devices = devices;
	}
}

/* False: the step is not possible here, so it fails without an effect. */
static bool take(struct place *place, const struct step *step)
{
	struct delta delta = { 0 };
	struct vm before = { 0 };
	if (step_simulate(place->arena, place->world, step, &delta, NULL) < 0)
		return false;
	if (step->vm != NO_INDEX)
		before = place->world->vms[step->vm];
	delta_apply(place->world, &delta);
	if (step->vm != NO_INDEX)
		owe(place, &before, step);
	return true;
}

/* ---- the way back ---- */

static const struct plan *plan_back(
	struct arena *arena, const struct plan_input *given, const struct world *world, const char *subject)
{
	struct plan_input input = *given;
	const char **frozen = arena_array(arena, const char *, input.n_frozen + 1);
	for (uint32_t i = 0; i < given->n_frozen; i++)
		frozen[i] = given->frozen[i];
	if (subject)
		frozen[input.n_frozen++] = subject;
	input.frozen = frozen;
	input.observed = world;
	input.mode = PLAN_RESTORE;
	input.is_trial = true;
	return plan_cluster(arena, &input);
}

/* A GPU that changes is of neither kind meanwhile, so of a VM that changes kind with it nothing but the start can be promised. */
static bool is_exchanged(const struct retreat *retreat, uint32_t vm)
{
	for (uint32_t i = 0; i < retreat->plan->n_steps; i++)
		if (retreat->steps[i].vm == vm && retreat->steps[i].cause == CAUSE_EXCHANGE)
			return true;
	return false;
}

/* What 'back' does not give back to the VM, which is held down in the world that it begins in; or NULL. */
static const char *what_is_lost(
	const struct retreat *retreat, struct arena *arena, const struct plan *back, uint32_t vm)
{
	const struct vm *before = &back->observed->vms[vm], *after = &back->goal->vms[vm];
	if (!before->debt || before->debt->power == DEBT_POWER_NONE || !vm_is_off(before))
		return NULL;
	if (!vm_is_running(after))
		return "would stay off";
	const struct vm *was = &retreat->input->observed->vms[vm];
	bool has_none = (was->n_adapters && !after->n_adapters) || (was->n_devices && !after->n_devices);
	const struct debt *left = has_none ? debts_left(arena, before, after) : NULL;
	bool is_owed = left && (left->n_adapters || left->n_devices);
	return is_owed && !is_exchanged(retreat, vm) ? "would come back without its GPU" : NULL;
}

/* One order shows that it can be done; every order is checked when it is taken. */
static bool is_rejected(const struct plan *back)
{
	return (back->changes.n && !back->n_steps) || check_own_order(back, back->diags) < 0;
}

struct retreat *retreat_new(struct arena *arena, const struct plan *plan, const struct plan_input *input)
{
	struct retreat *retreat = arena_new_of(arena, struct retreat);
	struct step *steps = arena_copy(arena, plan->steps, plan->n_steps * sizeof(*steps));
	bool *lost = arena_array(arena, bool, input->observed->n_vms);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (step_bind(&steps[i], input->observed, NULL) < 0)
			BUG("a step of a plan that was checked does not fit its world");
	const struct plan *at_once = plan_back(arena, input, input->observed, NULL);
	*retreat = (struct retreat){ plan, input, steps, lost };
	for (uint32_t i = 0; i < input->observed->n_vms; i++)
		lost[i] = is_rejected(at_once) || what_is_lost(retreat, arena, at_once, i);
	/* whom the plan itself leaves down, though it is owed a start, no way back needs to bring up */
	struct place end = { arena, retreat, world_copy(arena, input->observed) };
	for (uint32_t i = 0; i < plan->n_steps; i++)
		take(&end, &steps[i]);
	for (uint32_t i = 0; i < end.world->n_vms; i++)
		lost[i] |= !vm_is_running(&end.world->vms[i]);
	return retreat;
}

static bool gap(struct retreat_gap *out, uint32_t step, uint32_t vm, const char *reason)
{
	*out = (struct retreat_gap){ step, vm, reason };
	return false;
}

/* The same failure would cost the VM as much were nothing but the way back begun: going on puts nobody at risk who is not already.
 * 'vm' NO_INDEX: that way back does not pass its check either. */
static bool is_lost_either_way(
	const struct retreat *retreat, struct arena *arena, const struct step *failed, uint32_t vm)
{
	if (!failed)
		return false;
	const struct plan *back =
		plan_back(arena, retreat->input, retreat->input->observed, retreat_frozen(arena, failed));
	return is_rejected(back) || (vm != NO_INDEX && what_is_lost(retreat, arena, back, vm));
}

bool retreat_at(const struct retreat *retreat, struct arena *arena, const bool *done, uint32_t step, bool took_effect,
	struct retreat_gap *out)
{
	struct place place = { arena, retreat, world_copy(arena, retreat->input->observed) };
	const struct step *failed = step == NO_INDEX ? NULL : &retreat->steps[step];
	for (uint32_t i = 0; i < retreat->plan->n_steps; i++)
		if (done[i] && !take(&place, &retreat->steps[i]))
			return gap(out, i, NO_INDEX, "it would not be possible then");
	if (took_effect)
		take(&place, failed);
	const struct plan *back =
		plan_back(arena, retreat->input, place.world, failed ? retreat_frozen(arena, failed) : NULL);
	if (is_rejected(back))
		return is_lost_either_way(retreat, arena, failed, NO_INDEX) ||
		       gap(out, step, NO_INDEX, "the way back does not pass its check");
	for (uint32_t i = 0; i < place.world->n_vms; i++) {
		const char *lost =
			(failed && failed->vm == i) || retreat->lost[i] ? NULL : what_is_lost(retreat, arena, back, i);
		if (lost && !is_lost_either_way(retreat, arena, failed, i))
			return gap(out, step, i, arena_printf(arena, "VM '%s' %s", place.world->vms[i].name, lost));
	}
	return true;
}

/* ---- places that stand for all ---- */

enum how { HOW_FAILED, HOW_FAILED_AFTER, HOW_INTERRUPTED, HOW_COUNT };

struct tour { /* of the places that stand for all */
	const struct retreat *retreat;
	struct arena *arena; /* of the gap's reason */
	const struct reach *reach;
	GArray *steps; /* uint32_t: one of each likeness */
	bool *done;
	struct retreat_gap *out;
};

static bool known_here(struct tour *tour, uint32_t step, enum how how)
{
	g_autoptr(arena_auto) scratch = arena_new();
	tour->done[step] = how == HOW_INTERRUPTED;
	if (retreat_at(tour->retreat, scratch, tour->done, how == HOW_INTERRUPTED ? NO_INDEX : step,
		    how == HOW_FAILED_AFTER, tour->out))
		return true;
	tour->out->step = step;
	tour->out->reason = arena_strdup(tour->arena, tour->out->reason);
	return false;
}

enum place_kind { PLACE_SOONEST, PLACE_IN_PLAN_ORDER, PLACE_LATEST, PLACE_KIND_COUNT };

static bool known_alone(struct tour *tour, uint32_t step)
{
	for (int kind = 0; kind < PLACE_KIND_COUNT; kind++) {
		for (uint32_t i = 0; i < tour->reach->n; i++)
			tour->done[i] = kind == PLACE_SOONEST         ? reach_before(tour->reach, i, step)
					: kind == PLACE_IN_PLAN_ORDER ? i < step
								      : !reach_before(tour->reach, step, i);
		for (int how = 0; how < HOW_COUNT; how++)
			if (!known_here(tour, step, (enum how)how))
				return false;
	}
	return true;
}

/* Does the step take something that others may lack then: a running VM, or room? */
static bool takes(const struct step *step)
{
	bool gains = step->kind == STEP_ADD_ADAPTER || step->kind == STEP_ADD_DEVICE;
	return step->kind == STEP_STOP_VM || (gains && step->cause == CAUSE_WANTED);
}

/* Soonest, but for one other step that is done with all that it needs. */
static bool known_beside(struct tour *tour, uint32_t taken, uint32_t step)
{
	const struct reach *reach = tour->reach;
	if (taken == step || reach_before(reach, step, taken) || reach_before(reach, taken, step))
		return true;
	for (uint32_t i = 0; i < reach->n; i++)
		tour->done[i] = i == taken || reach_before(reach, i, taken) || reach_before(reach, i, step);
	return known_here(tour, step, HOW_FAILED);
}

static bool known_in_pairs(struct tour *tour)
{
	for (guint t = 0; t < tour->steps->len; t++) {
		uint32_t taken = g_array_index(tour->steps, uint32_t, t);
		for (guint s = 0; s < tour->steps->len && takes(&tour->retreat->steps[taken]); s++)
			if (!known_beside(tour, taken, g_array_index(tour->steps, uint32_t, s)))
				return false;
	}
	return true;
}

bool retreat_everywhere(const struct retreat *retreat, struct arena *arena, struct retreat_gap *out)
{
	g_autoptr(reach_auto) reach = reach_new(retreat->steps, retreat->plan->n_steps);
	const struct plan *plan = retreat->plan;
	/* those of a saved plan are for the world that it was made for */
	const struct rules *rules = plan->observed == retreat->input->observed ? plan->rules : NULL;
	const struct alike_input alike = { retreat->steps, plan->n_steps, retreat->input, rules };
	g_autoptr(GArray) steps = alike_one_of_each(&alike);
	g_autofree bool *done = g_new0(bool, reach->n + 1);
	struct tour tour = { retreat, arena, reach, steps, done, out };
	for (guint s = 0; s < steps->len; s++)
		if (!known_alone(&tour, g_array_index(steps, uint32_t, s)))
			return false;
	return steps->len > RETREAT_PAIRS_MAX || known_in_pairs(&tour);
}
