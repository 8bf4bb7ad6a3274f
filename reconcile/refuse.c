/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/refuse.h"

#include "model/invariant.h"
#include "reconcile/choose.h"
#include "reconcile/moves.h"
#include "reconcile/vram.h"

#include <string.h>

static bool may_touch(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	if (want->frozen || want->excluded || want->debt == DEBT_IN_PROGRESS)
		return false;
	if (want->ownership == VM_UNMANAGED && wants->input->mode == PLAN_APPLY &&
		wants->input->cluster->unmanaged != UNMANAGED_REPORT)
		return !want->refused;
	return want->ownership == VM_MANAGED || want->ownership == VM_OURS || want->debt == DEBT_OPEN;
}

static void refuse_roles_under(
	struct wants *wants, const struct world *goal, uint32_t vm, enum diag_code code, const char *reason)
{
	const struct world *world = wants->input->observed;
	const struct vm *it = &world->vms[vm];
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		bool changes = (world->gpus[g].state == GPU_DISMOUNTED) != (goal->gpus[g].state == GPU_DISMOUNTED) ||
			       gpu_pool(world, g) != NULL;
		if (changes && it->host == world->gpus[g].host &&
			(vm_could_be_on(world, it, g) || vm_device_could_be(world, it, g)))
			refuse_role(wants, g, code, "%s", reason);
	}
}

static bool is_pinned_there(const struct wants *wants, uint32_t vm)
{
	for (uint32_t a = 0; a < wants->input->observed->vms[vm].n_adapters; a++)
		if (wants->input->observed->vms[vm].adapters[a].pin)
			return true;
	return false;
}

/* The VM's own wish, and then what it is owed. */
static void refuse_own(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason)
{
	const struct vm_want *want = &wants->vms[vm];
	bool has_wish = wants->input->mode == PLAN_APPLY && !want->refused &&
			(want->ownership == VM_MANAGED || want->ownership == VM_OURS);
	if (has_wish || !wants_owed_parts(wants, vm))
		refuse_vm(wants, vm, code, "%s", reason);
	else
		refuse_parts(wants, vm, code, reason);
}

bool refuse_because_of(struct wants *wants, const struct world *goal, const struct touch *touch, uint32_t vm,
	enum diag_code code, const char *reason)
{
	unsigned causes = touch->vms[vm].causes;
	uint32_t before = wants->refusals->len;
	if (causes & TOUCH_COUNT)
		refuse_count(wants, code, "%s", reason);
	else if (causes & TOUCH_ROLE)
		refuse_roles_under(wants, goal, vm, code, reason);
	else if (causes & TOUCH_OWN)
		refuse_own(wants, vm, code, reason);
	else if (causes & TOUCH_MOVE) {
		moves_forbid(wants, vm, code, reason);
		return true;
	}
	return wants->refusals->len > before;
}

static const char *holder_of(const struct world *world, const char *run)
{
	for (uint32_t i = 0; i < world->n_hosts; i++) {
		const struct lease *lease = world->hosts[i].lease;
		if (lease && lease->holder && strcmp(lease->run, run) == 0)
			return lease->holder;
	}
	return "another run";
}

/* Why a VM that is not to be touched is not, and what its owner can do. */
static const char *untouchable(const struct wants *wants, uint32_t vm, unsigned causes, enum diag_code *code)
{
	const struct world *world = wants->input->observed;
	const struct vm_want *want = &wants->vms[vm];
	const char *name = world->vms[vm].name, *host = world->hosts[world->vms[vm].host].name;
	if (want->debt == DEBT_IN_PROGRESS) {
		*code = D_LEASE;
		return arena_printf(wants->arena,
			"VM '%s' on '%s' is being changed by %s (run '%s'); run again when that one is done", name,
			host, holder_of(world, world->vms[vm].debt->run), world->vms[vm].debt->run);
	}
	if (want->excluded || want->frozen) {
		*code = D_VM_STATE;
		return arena_printf(wants->arena, "VM '%s' on '%s' is left alone: %s", name, host,
			want->excluded ? "the cluster excludes its host" : "a step on it failed in this run");
	}
	bool pin = is_pinned_there(wants, vm) && (causes & TOUCH_ROLE);
	*code = pin ? D_PINNED : D_UNMANAGED;
	if (pin)
		return arena_printf(wants->arena,
			"VM '%s' on '%s', which no manifest manages, has an adapter pinned to the GPU; assign the VM "
			"or remove its adapter",
			name, host);
	return arena_printf(wants->arena,
		"VM '%s' on '%s', which no manifest manages, would have to let go of its GPU; assign it in a manifest "
		"or remove its adapter",
		name, host);
}

/* Paying debts asks nobody and keeps no window, so it stops nobody who runs: availability comes first. */
static bool is_for_parts_alone(const struct wants *wants, const struct touch *touch, uint32_t vm)
{
	return wants->input->mode == PLAN_RESTORE && touch->vms[vm].causes == TOUCH_OWN && wants_owed_parts(wants, vm);
}

static bool refuse_touched(struct wants *wants, const struct world *goal, const struct touch *touch)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		if (!touch->vms[i].causes)
			continue;
		const struct vm *vm = &world->vms[i];
		const char *host = world->hosts[vm->host].name;
		const char *reason = NULL;
		enum diag_code code = D_VM_STATE;
		if (!may_touch(wants, i)) {
			reason = untouchable(wants, i, touch->vms[i].causes, &code);
		} else if (touch->vms[i].blocked) {
			reason = arena_printf(wants->arena,
				"VM '%s' on '%s' is %s and is left so; start it and shut it down, or delete its saved "
				"state",
				vm->name, host, name_of(&vm_state_names, vm->state));
		} else if (touch->vms[i].stop && is_for_parts_alone(wants, touch, i)) {
			reason = arena_printf(wants->arena,
				"VM '%s' on '%s' runs, and would have to be stopped; shut it down and run this again, "
				"or apply "
				"manifests, which asks first",
				vm->name, host);
		} else if (touch->vms[i].stop && wants->vms[i].doubt) {
			reason = wants->vms[i].doubt;
			code = D_NO_WAY_BACK;
		}
		if (reason && refuse_because_of(wants, goal, touch, i, code, reason))
			return true;
	}
	return false;
}

void refuse_owed_start(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason)
{
	wants->vms[vm].debt = DEBT_OLD;
	wants_refuse(
		wants, code, LOC_NONE, subject_vm(wants->arena, wants->input->observed, vm), "start", "%s", reason);
}

bool refuse_is_of_another_run(const struct wants *wants, uint32_t vm)
{
	const char *run = wants->input->live_run;
	return run && wants_owed_power(wants, vm) && g_strcmp0(wants->input->observed->vms[vm].debt->run, run) != 0;
}

static bool refuse_unfit(struct arena *arena, struct wants *wants, const struct world *goal, const struct touch *touch,
	const struct rules *rules)
{
	/* where one of two must stay down, it is the one that another run left so */
	for (uint32_t at = 0; at < 2 * goal->n_vms; at++) {
		uint32_t i = at % goal->n_vms;
		bool starts = touch->vms[i].stop || wants_owed_power(wants, i);
		if (refuse_is_of_another_run(wants, i) != (at < goal->n_vms) || !starts ||
			(!goal->vms[i].n_adapters && !goal->vms[i].n_devices))
			continue;
		struct violations unfit = invariant_fit(arena, goal, rules, i);
		if (!unfit.n)
			continue;
		const char *reason = arena_printf(
			wants->arena, "VM '%s' would not start again: %s", goal->vms[i].name, unfit.items[0].message);
		if (touch->vms[i].causes && refuse_because_of(wants, goal, touch, i, D_VM_NOT_FIT, reason))
			return true;
		if (!touch->vms[i].causes) {
			refuse_owed_start(wants, i, D_VM_NOT_FIT, reason);
			return true;
		}
	}
	return false;
}

static bool has_gpu_for(const struct wants *wants, const struct world *goal, uint32_t vm)
{
	/* a clustered VM that is off may start on another node */
	bool anywhere = vm_is_off(&goal->vms[vm]) && goal->vms[vm].clustered == TRI_YES;
	for (uint32_t g = 0; g < goal->n_gpus; g++)
		if (wants->gpus[g].group == wants->vms[vm].group && goal->gpus[g].state == GPU_PARTITIONABLE &&
			(anywhere || goal->gpus[g].host == goal->vms[vm].host))
			return true;
	return false;
}

/* A partition comes from a GPU of the very group, not from one that happens to be there. */
static bool refuse_without_gpu(struct wants *wants, const struct world *goal)
{
	bool any = false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct vm_want *want = &wants->vms[i];
		if (want->refused || want->ownership != VM_MANAGED || !want->group || want->group->passthrough ||
			goal->vms[i].n_adapters <= wants->input->observed->vms[i].n_adapters ||
			has_gpu_for(wants, goal, i))
			continue;
		refuse_vm(wants, i, D_NO_GPU, "'%s' has no partitionable GPU that group '%s' selects%s",
			goal->hosts[goal->vms[i].host].name, want->group->name, group_model_meant(wants, want->group));
		any = true;
	}
	return any;
}

/* Only a VM that is to gain a device is refused for lack of knowledge (world.md decision 5). */
static bool refuse_mmio(struct wants *wants, const struct world *goal)
{
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct vm_want *want = &wants->vms[i];
		if (want->refused || want->ownership != VM_MANAGED || !want->group || !want->group->passthrough ||
			goal->vms[i].n_devices <= wants->input->observed->vms[i].n_devices)
			continue;
		struct mmio_need need = resolve_mmio(wants, want->group, i, want->assignment->count);
		if (need.low_bytes.known && need.high_bytes.known)
			continue;
		refuse_vm(wants, i, D_MMIO,
			"how much MMIO space VM '%s' needs is not known; set 'passthrough.mmio' in group '%s'",
			goal->vms[i].name, want->group->name);
		return true;
	}
	return false;
}

/* vmSettings: Require changes nothing and refuses instead. */
static bool refuse_settings(struct arena *arena, struct wants *wants, const struct world *goal,
	const struct touch *touch, const struct rules *rules)
{
	if (!wants->input->cluster || wants->input->cluster->vm_settings != VM_SETTINGS_REQUIRE)
		return false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		if (wants->vms[i].ownership != VM_MANAGED || wants->vms[i].refused ||
			!(touch->vms[i].causes & TOUCH_OWN))
			continue;
		struct violations unfit = invariant_fit(arena, goal, rules, i);
		if (!unfit.n)
			continue;
		refuse_vm(wants, i, D_VM_NOT_FIT, "%s, and 'vmSettings: Require' changes nothing",
			unfit.items[0].message);
		return true;
	}
	return false;
}

/* A VM that keeps, in the goal, what ties it to a GPU that changes its role. */
static const struct vm *who_keeps(const struct world *goal, uint32_t gpu)
{
	bool dismounted = goal->gpus[gpu].state == GPU_DISMOUNTED;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct vm *vm = &goal->vms[i];
		if (vm->host != goal->gpus[gpu].host)
			continue;
		for (uint32_t a = 0; dismounted && a < vm->n_adapters; a++)
			if (vm->adapters[a].pin && strcmp(vm->adapters[a].pin, goal->gpus[gpu].location_path) == 0)
				return vm;
		for (uint32_t d = 0; !dismounted && d < vm->n_devices; d++)
			if (vm->devices[d].location_path &&
				strcmp(vm->devices[d].location_path, goal->gpus[gpu].location_path) == 0)
				return vm;
	}
	return NULL;
}

static bool refuse_kept(struct wants *wants, const struct world *goal)
{
	bool any = false;
	for (uint32_t g = 0; g < goal->n_gpus; g++) {
		bool was = wants->input->observed->gpus[g].state == GPU_DISMOUNTED,
		     will = goal->gpus[g].state == GPU_DISMOUNTED;
		const struct vm *vm = was != will ? who_keeps(goal, g) : NULL;
		if (!vm)
			continue;
		refuse_role(wants, g, will ? D_PINNED : D_VM_STATE, "VM '%s' on '%s' keeps %s", vm->name,
			goal->hosts[vm->host].name, will ? "an adapter that is pinned to the GPU" : "the whole GPU");
		any = true;
	}
	return any;
}

/* `unmanaged: Remove`: a VM that a change needs to let go of its GPU loses it. The goal is then another. */
static bool strip_unmanaged(struct wants *wants, const struct touch *touch)
{
	bool any = false;
	if (!wants->input->cluster || wants->input->cluster->unmanaged != UNMANAGED_REMOVE)
		return false;
	for (uint32_t i = 0; i < wants->input->observed->n_vms; i++) {
		struct vm_want *want = &wants->vms[i];
		if (want->ownership != VM_UNMANAGED || want->stripped || !touch->vms[i].causes || !may_touch(wants, i))
			continue;
		want->stripped = true;
		any = true;
	}
	return any;
}

/* rollout.stop.method Never: whoever runs is not stopped by us. */
static bool refuse_never_stop(struct wants *wants, const struct world *goal, const struct touch *touch)
{
	const struct world *world = wants->input->observed;
	const struct spec_cluster *cluster = wants->input->cluster;
	if (!cluster || cluster->rollout.stop.method != STOP_NEVER || wants->input->mode != PLAN_APPLY)
		return false;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		if (!touch->vms[i].stop)
			continue;
		const char *reason = arena_printf(wants->arena,
			"VM '%s' on '%s' runs and would have to be off, and 'stop.method' is Never; shut it down "
			"yourself, or write 'method: Shutdown'",
			world->vms[i].name, world->hosts[world->vms[i].host].name);
		if (refuse_because_of(wants, goal, touch, i, D_STOP_NEVER, reason))
			return true;
	}
	return false;
}

static bool refuse_something(struct arena *arena, struct wants *wants, const struct world *goal,
	const struct touch *touch, const struct rules *rules)
{
	return refuse_touched(wants, goal, touch) || refuse_undecided(wants, goal) || refuse_gone(wants, goal) ||
	       refuse_never_stop(wants, goal, touch) || refuse_kept(wants, goal) || refuse_without_gpu(wants, goal) ||
	       vram_refuse(wants, goal) || refuse_mmio(wants, goal) ||
	       refuse_settings(arena, wants, goal, touch, rules) || refuse_unfit(arena, wants, goal, touch, rules) ||
	       refuse_capacity(arena, wants, goal) || refuse_start(wants, goal, touch) ||
	       refuse_budget(arena, wants, goal, touch) || refuse_window(wants, goal, touch);
}

bool refuse_round(struct arena *arena, struct wants *wants, const struct world *goal, const struct touch *touch,
	const struct rules *rules)
{
	if (strip_unmanaged(wants, touch))
		return true;
	if (!refuse_something(arena, wants, goal, touch, rules))
		return false;
	/* perhaps nothing needs them to let go any more */
	for (uint32_t i = 0; i < goal->n_vms; i++)
		wants->vms[i].stripped = false;
	return true;
}
