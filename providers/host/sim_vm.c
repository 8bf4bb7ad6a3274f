/* SPDX-License-Identifier: Apache-2.0 */
/* VMs as a whole: power, where they are, settings. */
#include "providers/host/sim_act.h"

#include <string.h>

static void give_memory(struct host *host, const struct vm *vm)
{
	struct maybe_u64 memory = vm_memory(vm);
	if (memory.known && host->memory_free_bytes.known)
		host->memory_free_bytes.value += memory.value;
}

/* A host makes room in ways that are not simulated: a start does not fail for memory. */
static void take_memory(struct host *host, const struct vm *vm)
{
	struct maybe_u64 memory = vm_memory(vm);
	if (memory.known && host->memory_free_bytes.known)
		host->memory_free_bytes.value -= MIN(memory.value, host->memory_free_bytes.value);
}

static void set_state(struct sim_act *act, enum vm_state state)
{
	act->vm->state = state;
	act->vm->state_change = KNOWN((uint64_t)act->now);
	sim_changed(act);
}

/* A VM that is off holds no partition: its adapters are on no GPU. */
static void leave_gpus(struct sim_act *act)
{
	struct vm *vm = act->vm;
	struct adapter *adapters = arena_copy(act->world->arena, vm->adapters, sizeof(*adapters) * vm->n_adapters);
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		adapters[i].gpus = 0;
	vm->adapters = adapters;
}

/* ---- stop ---- */

enum { TURN_OFF_S = 5 };

/* A VM that is off already was stopped by this very run, whose reply was lost, or by somebody else: then nobody is owed a
 * start, and who expected it to run must know. */
static enum host_error found_off(struct sim_act *act)
{
	if (!sim_debt_is_ours(act))
		return sim_check_expected(act);
	if (act->vm->debt->power == DEBT_POWER_STOPPING)
		sim_debt_stopped(act);
	return HOST_OK;
}

static struct simulation_guest *guest_of(const struct sim_act *act)
{
	const struct simulation *simulation = act->world->simulation;
	for (uint32_t i = 0; simulation && i < simulation->n_guests; i++)
		if (!strcmp(simulation->guests[i].vm, act->vm->name))
			return (struct simulation_guest *)&simulation->guests[i];
	return NULL;
}

/* A guest that is slow goes on shutting down after we gave up waiting; one that does not answer never begins. */
static enum host_error shutdown_guest(struct sim_act *act)
{
	const struct step *step = act->step;
	struct simulation_guest *guest = guest_of(act);
	bool answers = act->vm->shutdown_answers != TRI_NO;
	if (step->stop_method == STOP_TURN_OFF) {
		act->seconds = TURN_OFF_S;
		return HOST_OK;
	}
	if (answers && (!guest || guest->shutdown_s <= step->stop_timeout_s)) {
		act->seconds = guest ? guest->shutdown_s : act->seconds;
		return HOST_OK;
	}
	act->seconds = step->stop_timeout_s;
	if (step->on_timeout == ON_TIMEOUT_TURN_OFF) {
		act->seconds += TURN_OFF_S;
		return HOST_OK;
	}
	if (!answers)
		return sim_refuse(act, HOST_TIMEOUT,
			"The shutdown of '%s' was not answered: the device is not ready for use, or the guest does not "
			"respond.",
			act->vm->name);
	guest->shutdown_s -= step->stop_timeout_s;
	act->world->changed = true;
	return sim_refuse(act, HOST_TIMEOUT, "'%s' was still shutting down after %u seconds.", act->vm->name,
		step->stop_timeout_s);
}

enum host_error sim_stop_vm(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	if (vm_is_off(act->vm))
		return found_off(act);
	error = sim_check_expected(act);
	if (error)
		return error;
	if (act->vm->state != VM_RUNNING)
		return sim_refuse(act, HOST_INVALID_STATE,
			"The operation cannot be performed while the object is in its current state. '%s' is %s.",
			act->vm->name, name_of(&vm_state_names, act->vm->state));
	sim_debt_stopping(act);
	error = shutdown_guest(act);
	if (error)
		return error;
	if (act->vm->clustered == TRI_YES && maybe_is(act->vm->offline_action, OFFLINE_SAVE)) {
		set_state(act, VM_SAVED);
		return sim_refuse(act, HOST_INVALID_STATE,
			"'%s' went offline by its cluster resource's OfflineAction 1 and is Saved, not Off.",
			act->vm->name);
	}
	set_state(act, VM_OFF);
	give_memory(&act->self->host, act->vm);
	leave_gpus(act);
	sim_debt_stopped(act);
	return HOST_OK;
}

/* ---- start ---- */

static enum host_error check_fit(struct sim_act *act)
{
	const struct vm *vm = act->vm;
	if (!vm->n_adapters && !vm->n_devices)
		return HOST_OK;
	if (vm->n_adapters && vm->generation == 1)
		return sim_refuse(act, HOST_NOT_SUPPORTED,
			"'%s' failed to start. The request is not supported (0x32): "
			"a generation 1 virtual machine cannot use a GPU partition.",
			vm->name);
	if (vm->n_adapters && vm->automatic_checkpoints)
		return sim_refuse(act, HOST_CHECKPOINT,
			"'%s' failed to start. The operation cannot be performed on the "
			"virtual machine because it is assigned one or more GPUP partitions",
			vm->name);
	if (vm->dynamic_memory && !maybe_equal(vm->memory_startup_bytes, vm->memory_minimum_bytes))
		return sim_refuse(act, HOST_INVALID_PARAMETER,
			"'%s' failed to start. The specified memory settings are not "
			"compatible with device assignment or GPU partition.",
			vm->name);
	if (vm->n_devices && vm->stop_action == STOP_ACTION_SAVE)
		return sim_refuse(act, HOST_INVALID_PARAMETER,
			"'%s' failed to start. A virtual machine with an assigned "
			"device does not accept the automatic stop action Save.",
			vm->name);
	return HOST_OK;
}

static bool is_taken(const struct sim_act *act, const char *location_path)
{
	for (uint32_t v = 0; v < act->self->n_vms; v++) {
		const struct vm *vm = &act->self->vms[v];
		for (uint32_t d = 0; d < vm->n_devices && vm != act->vm && vm_is_running(vm); d++)
			if (!g_strcmp0(vm->devices[d].location_path, location_path))
				return true;
	}
	return false;
}

static enum host_error check_device(struct sim_act *act, const struct device *device)
{
	if (device->pool) {
		const struct pool *pool = host_find_pool(&act->self->host, device->pool);
		uint32_t wanted = 0;
		for (uint32_t d = 0; d < act->vm->n_devices; d++)
			wanted += sim_same_device(&act->vm->devices[d], device);
		if (pool && sim_pool_free(act->self, pool, act->vm) >= wanted)
			return HOST_OK;
		return sim_refuse(act, HOST_NO_RESOURCES,
			"'%s' failed to start. Resource pool '%s' has no device that is free.", act->vm->name,
			device->pool);
	}
	uint32_t gpu = sim_gpu_at(act->self, device->location_path);
	if (gpu != NO_INDEX && act->self->gpus[gpu].state != GPU_DISMOUNTED)
		return sim_refuse(act, HOST_NO_RESOURCES, "'%s' failed to start. The device '%s' is not dismounted.",
			act->vm->name, device->location_path);
	if (is_taken(act, device->location_path))
		return sim_refuse(act, HOST_IN_USE,
			"'%s' failed to start. The device '%s' is in use by another virtual machine.", act->vm->name,
			device->location_path);
	return HOST_OK;
}

static enum host_error check_devices(struct sim_act *act)
{
	const struct vm *vm = act->vm;
	uint64_t low, high;
	for (uint32_t d = 0; d < vm->n_devices; d++) {
		enum host_error error = check_device(act, &vm->devices[d]);
		if (error)
			return error;
	}
	sim_mmio_needed(act->self, vm, &low, &high);
	if ((vm->mmio_low_bytes.known && vm->mmio_low_bytes.value < low) ||
		(vm->mmio_high_bytes.known && vm->mmio_high_bytes.value < high))
		return sim_refuse(act, HOST_NO_RESOURCES,
			"'%s' failed to start. This device cannot find enough free resources "
			"to use (Code 12): its MMIO space is too small.",
			vm->name);
	return HOST_OK;
}

enum host_error sim_start_vm(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	if (act->vm->state == VM_RUNNING) {
		sim_debt_started(act);
		return HOST_OK;
	}
	error = sim_check_expected(act);
	if (!error)
		error = sim_check_off(act);
	if (!error)
		error = check_fit(act);
	if (!error)
		error = check_devices(act);
	if (error)
		return error;
	struct adapter *placed = sim_place(act, act->self, act->vm, NULL);
	if (!placed)
		return sim_refuse(act, HOST_NO_RESOURCES,
			"'%s' failed to start. GPU Partition: Error 'Insufficient system "
			"resources exist to complete the requested service.'",
			act->vm->name);
	act->vm->adapters = placed;
	set_state(act, VM_RUNNING);
	take_memory(&act->self->host, act->vm);
	sim_debt_started(act);
	return HOST_OK;
}

/* ---- move ---- */

static enum node_state node_state(const struct host *host)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (!g_ascii_strcasecmp(host->nodes[i].name, host->name))
			return host->nodes[i].state;
	return NODE_UNKNOWN;
}

static bool is_bound_to_host(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin)
			return true;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (vm->devices[i].location_path)
			return true;
	return false;
}

static enum host_error check_move(struct sim_act *act, const struct host_state *to)
{
	const struct vm *vm = act->vm;
	if (vm->clustered != TRI_YES)
		return sim_refuse(act, HOST_NOT_SUPPORTED, "'%s' is not clustered.", vm->name);
	if (!vm_is_off(vm) && vm->state != VM_RUNNING)
		return sim_check_off(act);
	if (node_state(&to->host) > NODE_UP)
		return sim_refuse(act, HOST_INVALID_STATE, "The cluster node '%s' is %s.", to->host.name,
			name_of(&node_state_names, node_state(&to->host)));
	if (is_bound_to_host(vm))
		return sim_refuse(
			act, HOST_IN_USE, "'%s' is bound to a device of '%s'.", vm->name, act->self->host.name);
	if (vm_is_off(vm))
		return HOST_OK;
	if (!act->step->live)
		return sim_check_off(act);
	if (act->self->host.can_command_moves != TRI_YES)
		return sim_refuse(act, HOST_NOT_SUPPORTED,
			"Move-ClusterVirtualMachineRole cannot be run remotely without CredSSP authentication on '%s'.",
			act->self->host.name);
	if (vm->n_devices)
		return sim_refuse(
			act, HOST_NOT_SUPPORTED, "'%s' has an assigned device and cannot be live-migrated.", vm->name);
	if (vm->memory_bytes.known && to->host.memory_free_bytes.known &&
		vm->memory_bytes.value > to->host.memory_free_bytes.value)
		return sim_refuse(
			act, HOST_NO_RESOURCES, "Not enough memory on '%s' for '%s'.", to->host.name, vm->name);
	return HOST_OK;
}

/* A live move of a VM with a partition: both ends must take part, on GPUs that are alike. */
static enum host_error place_live(struct sim_act *act, const struct host_state *to, struct adapter **placed)
{
	const struct vm *vm = act->vm;
	const struct gpu *from = NULL;
	for (uint32_t a = 0; a < vm->n_adapters; a++) {
		if (vm->adapters[a].outgoing_live_migration != TRI_YES)
			return sim_refuse(act, HOST_NOT_SUPPORTED,
				"The GPU partition of '%s' does not support live migration.", vm->name);
		for (uint32_t g = 0; g < act->self->n_gpus && !from; g++)
			if (sim_adapter_could_be(act->self, vm, &vm->adapters[a], g))
				from = &act->self->gpus[g];
	}
	*placed = from ? sim_place(act, to, vm, from) : NULL;
	return *placed ? HOST_OK
		       : sim_refuse(act, HOST_NO_RESOURCES, "'%s' has no GPU partition for the live migration of '%s'.",
				 to->host.name, vm->name);
}

static uint32_t place_in_order(const struct host_state *host, const struct vm *vm)
{
	uint32_t at = 0;
	while (at < host->n_vms &&
		(strcmp(host->vms[at].name, vm->name) < 0 ||
			(!strcmp(host->vms[at].name, vm->name) && strcmp(host->vms[at].id, vm->id) < 0)))
		at++;
	return at;
}

static void move(struct sim_act *act, struct host_state *to)
{
	struct arena *arena = act->world->arena;
	struct host_state *from = act->self;
	struct vm moved = *act->vm;
	uint32_t at = place_in_order(to, &moved);
	from->vms = sim_without(arena, from->vms, from->n_vms, (uint32_t)(act->vm - from->vms), sizeof(moved));
	from->n_vms--;
	if (!vm_is_off(&moved)) {
		give_memory(&from->host, &moved);
		take_memory(&to->host, &moved);
	}
	to->vms = sim_with(arena, to->vms, to->n_vms, at, &moved, sizeof(moved));
	to->n_vms++;
	act->vm = &to->vms[at];
	sim_changed(act);
}

static bool is_there_already(struct sim_act *act, const struct host_state *to)
{
	for (uint32_t i = 0; i < to->n_vms; i++)
		if (!strcmp(to->vms[i].id, act->step->vm_id)) {
			act->vm = &to->vms[i];
			return true;
		}
	return false;
}

enum host_error sim_move_vm(struct sim_act *act)
{
	struct host_state *to = act->step->to_host ? sim_host(act->world, act->step->to_host) : NULL;
	if (!to)
		return sim_refuse(act, HOST_NOT_FOUND, "The cluster has no node '%s'.",
			act->step->to_host ? act->step->to_host : "");
	if (is_there_already(act, to))
		return HOST_OK;
	enum host_error error = sim_find_vm(act);
	if (!error)
		error = sim_check_expected(act);
	if (!error)
		error = check_move(act, to);
	if (error)
		return error;
	if (!vm_is_off(act->vm) && act->vm->n_adapters) {
		struct adapter *placed = NULL;
		error = place_live(act, to, &placed);
		if (error)
			return error;
		act->vm->adapters = placed;
	}
	move(act, to);
	return HOST_OK;
}

/* ---- settings ---- */

enum host_error sim_set_offline_action(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	if (act->vm->clustered != TRI_YES)
		return sim_refuse(act, HOST_NOT_SUPPORTED, "'%s' has no cluster resource.", act->vm->name);
	if (maybe_is(act->vm->offline_action, act->step->offline_action))
		return HOST_OK;
	error = sim_check_expected(act);
	if (error)
		return error;
	act->vm->offline_action = KNOWN(act->step->offline_action);
	sim_changed(act);
	return HOST_OK;
}

/* The settings that are not as demanded; MMIO space is compared with at-least, and any stop action but Save will do. */
static unsigned wanting(const struct vm *vm, const struct vm_settings *want)
{
	unsigned which = 0;
	if (vm->automatic_checkpoints != want->automatic_checkpoints)
		which |= SETTING_AUTOMATIC_CHECKPOINTS;
	if ((vm->stop_action == STOP_ACTION_SAVE) != (want->stop_action == STOP_ACTION_SAVE))
		which |= SETTING_STOP_ACTION;
	if (vm->cache_control != want->cache_control)
		which |= SETTING_CACHE_CONTROL;
	if (!vm->mmio_low_bytes.known || vm->mmio_low_bytes.value < want->mmio_low_bytes)
		which |= SETTING_MMIO_LOW;
	if (!vm->mmio_high_bytes.known || vm->mmio_high_bytes.value < want->mmio_high_bytes)
		which |= SETTING_MMIO_HIGH;
	return which & want->which;
}

enum host_error sim_configure_vm(struct sim_act *act)
{
	const struct vm_settings *want = &act->step->settings;
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	unsigned which = wanting(act->vm, want);
	if (!which)
		return HOST_OK;
	error = sim_check_expected(act);
	if (!error && which & SETTINGS_NEED_OFF)
		error = sim_check_off(act);
	if (error)
		return error;
	if (which & SETTING_AUTOMATIC_CHECKPOINTS)
		act->vm->automatic_checkpoints = want->automatic_checkpoints;
	if (which & SETTING_STOP_ACTION)
		act->vm->stop_action = want->stop_action;
	if (which & SETTING_CACHE_CONTROL)
		act->vm->cache_control = want->cache_control;
	if (which & SETTING_MMIO_LOW)
		act->vm->mmio_low_bytes = KNOWN(want->mmio_low_bytes);
	if (which & SETTING_MMIO_HIGH)
		act->vm->mmio_high_bytes = KNOWN(want->mmio_high_bytes);
	sim_changed(act);
	return HOST_OK;
}
