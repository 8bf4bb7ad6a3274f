/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/resolve.h"

#include <string.h>

/* ---- adapters ---- */

static void set_adapters(struct arena *arena, struct vm *vm, const struct adapter *adapters, uint32_t n)
{
	vm->adapters = arena_copy(arena, adapters, n * sizeof(*adapters));
	vm->n_adapters = n;
}

/* An adapter that was taken away comes back with the quotas and the pin that it had; it gets a new id. */
static struct adapter as_new(const struct adapter *adapter)
{
	struct adapter fresh = *adapter;
	fresh.id = NULL;
	fresh.gpus = 0;
	fresh.gpu_paths = NULL;
	fresh.n_gpu_paths = 0;
	fresh.outgoing_live_migration = TRI_UNKNOWN;
	return fresh;
}

static bool has_quotas(const struct adapter *adapter)
{
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (adapter->quotas[i].known)
			return true;
	return false;
}

/* Quotas are set after an adapter is added. One that has none, where the like of it is owed with some, was being given back when the
 * run died (docs/decisions/0010, 6): it goes, and the owed one comes. */
static void replace_half_made(struct arena *arena, struct vm *vm)
{
	const struct debt *debt = vm->debt;
	g_autofree struct adapter *adapters = g_memdup2(vm->adapters, vm->n_adapters * sizeof(*adapters));
	if (!vm_is_off(vm))
		return;
	for (uint32_t i = 0; i < debt->n_adapters; i++) {
		const struct adapter *owed = &debt->adapters[i];
		for (uint32_t a = 0; a < vm->n_adapters && has_quotas(owed); a++) {
			if (has_quotas(&adapters[a]) || g_strcmp0(adapters[a].pin, owed->pin) != 0)
				continue;
			adapters[a] = as_new(owed);
			break;
		}
	}
	set_adapters(arena, vm, adapters, vm->n_adapters);
}

/* Gives back what is owed, as long as the VM has fewer than 'most'. */
static void give_owed(struct arena *arena, struct vm *vm, uint32_t most)
{
	const struct debt *debt = vm->debt;
	if (vm->n_adapters >= most)
		replace_half_made(arena, vm);
	uint32_t n = vm->n_adapters;
	if (!debt->n_adapters || n >= most)
		return;
	struct adapter *adapters = arena_array(arena, struct adapter, n + debt->n_adapters);
	if (n)
		memcpy(adapters, vm->adapters, n * sizeof(*adapters));
	for (uint32_t i = 0; i < debt->n_adapters && n < most; i++)
		adapters[n++] = as_new(&debt->adapters[i]);
	vm->adapters = adapters;
	vm->n_adapters = n;
}

static uint32_t most_partitions(const struct wants *wants)
{
	return wants->input->cluster ? wants->input->cluster->max_partitions_per_vm : 1;
}

/* What it is owed, up to what is allowed; one, if it has none then. */
static void give_adapter(struct arena *arena, const struct wants *wants, struct vm *vm, uint32_t index)
{
	static const struct adapter fresh = { .pinned = TRI_NO };
	if (wants_owed_parts(wants, index))
		give_owed(arena, vm, most_partitions(wants));
	if (!vm->n_adapters)
		set_adapters(arena, vm, &fresh, 1);
}

/* A pin to a GPU that is to be passed through is taken off: the adapter is replaced by an unpinned one. */
static void unpin(struct arena *arena, const struct wants *wants, struct world *goal, uint32_t index)
{
	const struct world *world = wants->input->observed;
	struct vm *vm = &goal->vms[index];
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (world->gpus[g].host != vm->host || world->gpus[g].state == GPU_DISMOUNTED ||
			goal->gpus[g].state != GPU_DISMOUNTED)
			continue;
		for (uint32_t a = 0; a < vm->n_adapters; a++) {
			if (!(adapter_pins(world, &world->vms[index], &vm->adapters[a]) & gpu_bit(world, g)))
				continue;
			g_autofree struct adapter *adapters =
				g_memdup2(vm->adapters, vm->n_adapters * sizeof(*adapters));
			adapters[a] = as_new(&adapters[a]);
			adapters[a].pin = NULL;
			adapters[a].pinned = TRI_NO;
			set_adapters(arena, vm, adapters, vm->n_adapters);
		}
	}
}

/* ---- devices ---- */

static bool device_is_selected(const struct wants *wants, uint32_t vm, const struct device *device)
{
	const struct world *world = wants->input->observed;
	struct vm probe = world->vms[vm];
	probe.devices = device;
	probe.n_devices = 1;
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (wants->gpus[g].group && vm_device_could_be(world, &probe, g))
			return true;
	return device->pool && g_str_has_prefix(device->pool, "hvgpu-");
}

/* Keeps the devices that are none of the cluster's selected GPUs: an NVMe disk is never touched. */
static void drop_selected_devices(struct arena *arena, const struct wants *wants, struct vm *vm, uint32_t index)
{
	struct device *kept = arena_array(arena, struct device, vm->n_devices);
	uint32_t n = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (!device_is_selected(wants, index, &vm->devices[i]))
			kept[n++] = vm->devices[i];
	vm->devices = kept;
	vm->n_devices = n;
}

static bool path_is_taken(const struct world *goal, const char *path, uint32_t host)
{
	for (uint32_t i = 0; i < goal->n_vms; i++)
		for (uint32_t d = 0; goal->vms[i].host == host && d < goal->vms[i].n_devices; d++)
			if (goal->vms[i].devices[d].location_path &&
				strcmp(goal->vms[i].devices[d].location_path, path) == 0)
				return true;
	return false;
}

static const char *free_path(
	const struct wants *wants, const struct world *goal, const struct gpu_group *group, uint32_t host)
{
	for (uint32_t g = 0; g < goal->n_gpus; g++)
		if (goal->gpus[g].host == host && wants->gpus[g].group == group && !wants->gpus[g].refused &&
			goal->gpus[g].state == GPU_DISMOUNTED &&
			!path_is_taken(goal, goal->gpus[g].location_path, host))
			return goal->gpus[g].location_path;
	return NULL;
}

static bool device_is_of(const struct wants *wants, const struct gpu_group *group, const struct vm *vm,
	const struct device *device, const char *pool)
{
	if (device->pool)
		return pool && strcmp(device->pool, pool) == 0;
	uint32_t gpu = world_find_gpu(wants->input->observed, vm->host, device->location_path);
	return gpu != NO_INDEX && wants->gpus[gpu].group == group;
}

/* Brings the number of whole GPUs of 'group' to what the assignment asks for. */
static void give_devices(struct arena *arena, struct wants *wants, struct world *goal, uint32_t index)
{
	struct vm *vm = &goal->vms[index];
	const struct vm_want *want = &wants->vms[index];
	bool pooled = wants->input->cluster->type == CLUSTER_FAILOVER;
	const char *pool = pooled ? group_pool_name(arena, wants->input->cluster, want->group) : NULL;
	struct device *devices = arena_array(arena, struct device, vm->n_devices + want->assignment->count);
	uint32_t n = 0, have = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++) {
		bool fits = device_is_of(wants, want->group, vm, &vm->devices[i], pool);
		if (fits ? have < want->assignment->count : !device_is_selected(wants, index, &vm->devices[i]))
			devices[n++] = vm->devices[i];
		have += fits && have < want->assignment->count;
	}
	vm->devices = devices;
	vm->n_devices = n;
	for (; have < want->assignment->count; have++) {
		const char *path = pooled ? NULL : free_path(wants, goal, want->group, vm->host);
		if (!pooled && !path) {
			wants_refuse(wants, D_NO_GPU, want->loc, subject_vm(wants->arena, goal, index), "whole GPU",
				"host '%s' has no GPU of group '%s' left for VM '%s'", goal->hosts[vm->host].name,
				want->group->name, vm->name);
			wants->vms[index].refused = true;
			return;
		}
		devices[n++] = (struct device){ .location_path = path, .pool = pool };
		vm->n_devices = n;
	}
}

/* ---- settings that change while the VM runs ---- */

static void live_settings(struct vm *vm)
{
	if (vm->n_adapters && vm->automatic_checkpoints)
		vm->automatic_checkpoints = false;
	if (vm->n_devices && vm->stop_action == STOP_ACTION_SAVE)
		vm->stop_action = STOP_ACTION_TURN_OFF;
	if ((vm->n_adapters || vm->n_devices) && vm->clustered == TRI_YES && maybe_is(vm->offline_action, OFFLINE_SAVE))
		vm->offline_action = KNOWN(OFFLINE_FORCED);
}

/* ---- one VM ---- */

static void resolve_managed(struct arena *arena, struct wants *wants, struct world *goal, uint32_t index)
{
	struct vm *vm = &goal->vms[index];
	const struct gpu_group *group = wants->vms[index].group;
	if (!group)
		return; /* reported by the manifest's own rules */
	const struct vm before = *vm;
	if (group->passthrough) {
		vm->n_adapters = 0;
		give_devices(arena, wants, goal, index);
	} else {
		give_adapter(arena, wants, vm, index);
		unpin(arena, wants, goal, index);
		drop_selected_devices(arena, wants, vm, index);
	}
	if (wants->vms[index].refused) {
		*vm = before;
		return;
	}
	if (wants->input->cluster->vm_settings == VM_SETTINGS_ENFORCE)
		live_settings(vm);
}

static void take_back(struct arena *arena, const struct wants *wants, struct world *goal, uint32_t index)
{
	goal->vms[index].n_adapters = 0;
	drop_selected_devices(arena, wants, &goal->vms[index], index);
}

static bool has_path(const struct vm *vm, const char *path)
{
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (g_strcmp0(vm->devices[i].location_path, path) == 0)
			return true;
	return false;
}

/* All, where the VM has no whole GPU, or this very run took them. Else somebody may have given back one of a pool already, for they are alike;
 * one by its path is back only when the VM has it. */
static void give_owed_devices(struct arena *arena, const struct wants *wants, struct vm *vm)
{
	const struct debt *debt = vm->debt;
	const char *run = wants->input->live_run;
	bool gets_all = (run && g_strcmp0(debt->run, run) == 0) || !vm_has_whole_gpu(wants->input->observed, vm);
	if (!debt->n_devices)
		return;
	struct device *devices = arena_array(arena, struct device, vm->n_devices + debt->n_devices);
	uint32_t n = vm->n_devices;
	if (n)
		memcpy(devices, vm->devices, n * sizeof(*devices));
	for (uint32_t i = 0; i < debt->n_devices; i++) {
		const char *path = debt->devices[i].location_path;
		if (path ? !has_path(vm, path) : gets_all)
			devices[n++] = debt->devices[i];
	}
	vm->devices = devices;
	vm->n_devices = n;
}

/* Parts that a debt names come back, for unmanaged VMs too. A VM without any gets all of them, for it had them; one that
 * has some may have been helped by hand meanwhile, so it gets what is allowed and the rest is reported (advise_vm.c). */
static void pay_parts(struct arena *arena, const struct wants *wants, struct vm *vm)
{
	give_owed(arena, vm, vm->n_adapters ? most_partitions(wants) : UINT32_MAX);
	give_owed_devices(arena, wants, vm);
}

static void resolve_debt(struct arena *arena, struct wants *wants, struct world *goal, uint32_t index)
{
	if (wants_owed_parts(wants, index))
		pay_parts(arena, wants, &goal->vms[index]);
	if (wants_owed_power(wants, index))
		goal->vms[index].state = VM_RUNNING;
}

static void resolve_vm(struct arena *arena, struct wants *wants, struct world *goal, uint32_t index)
{
	const struct vm_want *want = &wants->vms[index];
	if (want->excluded || want->frozen)
		return;
	bool apply = wants->input->mode == PLAN_APPLY && !want->refused;
	if (apply && want->ownership == VM_MANAGED)
		resolve_managed(arena, wants, goal, index);
	else if (apply && (want->ownership == VM_OURS || want->stripped))
		take_back(arena, wants, goal, index);
	else
		resolve_debt(arena, wants, goal, index);
	if (wants_owed_power(wants, index))
		goal->vms[index].state = VM_RUNNING;
}

static bool takes_devices(const struct vm_want *want)
{
	return want->ownership == VM_MANAGED && want->group && want->group->passthrough;
}

/* Debts first; with none, one GPU is mounted to see what it lists, and who has it whole and is not to gives it up. The
 * rest waits for the next plan of the same run. */
static void resolve_step_by_step(struct arena *arena, struct wants *wants, struct world *goal, uint32_t gpu)
{
	bool owes = false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		owes |= wants_owed_parts(wants, i) || wants_owed_power(wants, i);
		if (!wants->vms[i].excluded && !wants->vms[i].frozen)
			resolve_debt(arena, wants, goal, i);
	}
	if (owes)
		return;
	resolve_mount_alone(arena, goal, gpu);
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (!takes_devices(&wants->vms[i]) && vm_device_could_be(wants->input->observed, &goal->vms[i], gpu))
			resolve_vm(arena, wants, goal, i);
}

struct world *resolve_goal(struct arena *arena, struct wants *wants, bool *complete)
{
	struct world *goal = world_copy(arena, wants->input->observed);
	uint32_t unknown = resolve_waits_for(wants);
	*complete = unknown == NO_INDEX;
	if (!*complete) {
		resolve_step_by_step(arena, wants, goal, unknown);
		return goal;
	}
	resolve_gpus(arena, wants, goal);
	/* whoever gives a whole GPU up comes before those who look for a free one */
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (!takes_devices(&wants->vms[i]))
			resolve_vm(arena, wants, goal, i);
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (takes_devices(&wants->vms[i]))
			resolve_vm(arena, wants, goal, i);
	return goal;
}

/* ---- settings that ride on a stop ---- */

/* Who stops a VM brings it up again, so it gets what its GPU demands of it: `Cycle` (world.md decision 5). */
static bool is_fitted(const struct wants *wants, uint32_t vm)
{
	return wants->vms[vm].ownership != VM_MANAGED && wants->input->cluster &&
	       wants->input->cluster->vm_settings == VM_SETTINGS_ENFORCE;
}

static bool raise_to(struct maybe_u64 *value, struct maybe_u64 need)
{
	if (!need.known || (value->known && value->value >= need.value))
		return false;
	*value = need;
	return true;
}

static void ride(struct arena *arena, struct wants *wants, bool will_be_off, struct world *goal, uint32_t index)
{
	const struct vm_want *want = &wants->vms[index];
	struct vm *vm = &goal->vms[index];
	if (want->ownership != VM_MANAGED || want->refused || !want->group || !want->group->passthrough ||
		!vm->n_devices || wants->input->cluster->vm_settings != VM_SETTINGS_ENFORCE)
		return;
	struct mmio_need need = resolve_mmio(wants, want->group, index, want->assignment->count);
	struct vm fit = *vm;
	bool differs = !fit.cache_control;
	fit.cache_control = true;
	differs |= raise_to(&fit.mmio_low_bytes, need.low_bytes);
	differs |= raise_to(&fit.mmio_high_bytes, need.high_bytes);
	if (differs && will_be_off)
		*vm = fit;
	else if (differs)
		diag_add(wants->diags, D_SETTING_LATER, want->loc, subject_vm(arena, goal, index),
			"cache control or MMIO space of VM '%s' is less than its GPU demands; it is raised when the VM "
			"is off",
			vm->name);
}

/* Of two surplus adapters the one to go: of which nobody knows where it is, then the higher id. */
static bool goes_sooner(const struct adapter *a, const struct adapter *b)
{
	if (!a->gpus != !b->gpus)
		return !a->gpus;
	return g_strcmp0(a->id, b->id) > 0;
}

/* Surplus adapters never stop a VM, but one that lets go of its partitions anyway comes back with what is allowed
 * (world.md decision 11). */
static void drop_surplus(struct arena *arena, const struct wants *wants, struct vm *vm, uint32_t index)
{
	const struct vm_want *want = &wants->vms[index];
	if (want->ownership != VM_MANAGED || !want->group || want->group->passthrough)
		return;
	while (vm->n_adapters > wants->input->cluster->max_partitions_per_vm) {
		struct adapter *left = arena_array(arena, struct adapter, vm->n_adapters);
		uint32_t worst = 0, n = 0;
		for (uint32_t i = 1; i < vm->n_adapters; i++)
			if (goes_sooner(&vm->adapters[i], &vm->adapters[worst]))
				worst = i;
		for (uint32_t i = 0; i < vm->n_adapters; i++)
			if (i != worst)
				left[n++] = vm->adapters[i];
		vm->adapters = left;
		vm->n_adapters = n;
	}
}

void resolve_riding(struct arena *arena, struct wants *wants, const struct touch *touch, struct world *goal)
{
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		struct vm *vm = &goal->vms[i];
		if (wants->input->mode == PLAN_APPLY && !wants->vms[i].frozen && !wants->vms[i].excluded)
			ride(arena, wants, vm_is_off(&wants->input->observed->vms[i]) || touch->vms[i].stop, goal, i);
		if (wants->input->mode == PLAN_APPLY && (touch->vms[i].stop || touch->vms[i].cycle))
			drop_surplus(arena, wants, vm, i);
		if (wants->input->mode == PLAN_APPLY && touch->vms[i].stop && is_fitted(wants, i))
			live_settings(vm);
		if (touch->vms[i].stop && vm->clustered == TRI_YES && maybe_is(vm->offline_action, OFFLINE_SAVE))
			vm->offline_action = KNOWN(OFFLINE_FORCED);
	}
}
