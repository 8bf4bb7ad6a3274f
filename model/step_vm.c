/* SPDX-License-Identifier: Apache-2.0 */
/* Steps on a VM as a whole: its power and its settings. Where a start or a move lands is in step_land.c. */
#include "model/step_rows.h"

#include <glib.h>

static int refuse_state(const struct vm *vm, const struct step *step, struct diags *diags)
{
	return step_refuse(step, diags, "the VM is %s", name_of(&vm_state_names, (int)vm->state));
}

/* What the VM has is free on its host again. */
static void give_memory(const struct world *world, const struct vm *vm, struct delta *out)
{
	struct maybe_u64 memory = vm_memory(vm);

	if (memory.known && world->hosts[vm->host].memory_free_bytes.known)
		delta_host(out, world, vm->host)->memory_free_bytes.value += memory.value;
}

/* Never below nothing: a host makes room in ways that are not modelled, so that a start is not refused for it. */
static void take_memory(const struct world *world, const struct vm *vm, uint32_t host, struct delta *out)
{
	struct maybe_u64 memory = vm_memory(vm), free = world->hosts[host].memory_free_bytes;

	if (memory.known && free.known)
		delta_host(out, world, host)->memory_free_bytes.value -= MIN(memory.value, free.value);
}

int step_stop_vm(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	struct vm *after = NULL;

	if (vm_is_off(vm))
		return 0;
	if (!vm_can_stop(vm))
		return refuse_state(vm, step, diags);
	after = delta_vm(out, world, step->vm);
	after->state = VM_OFF;
	after->state_change = UNKNOWN;
	after->adapters = adapters_landed(arena, world, vm, 0);
	give_memory(world, vm, out);
	return 0;
}

int step_start_vm(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint64_t landing = 0;
	struct vm *after = NULL;

	if (vm->state == VM_RUNNING)
		return 0;
	if (!vm_is_off(vm))
		return refuse_state(vm, step, diags);
	if (check_partitions(world, step, vm->host, &landing, diags) || check_devices(world, step, diags))
		return -1;
	after = delta_vm(out, world, step->vm);
	after->state = VM_RUNNING;
	after->state_change = UNKNOWN;
	after->adapters = adapters_landed(arena, world, vm, landing);
	after->debt = debt_without_power(arena, vm->debt);
	take_memory(world, vm, vm->host, out);
	return 0;
}

static bool has_pin(const struct world *world, const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin || adapter_pins(world, vm, &vm->adapters[i]))
			return true;
	return false;
}

static bool has_device_by_path(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (vm->devices[i].location_path)
			return true;
	return false;
}

/* What bars a move to whichever host. */
static int check_movable(const struct world *world, const struct step *step, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];

	if (!vm_is_off(vm) && vm->state != VM_RUNNING)
		return refuse_state(vm, step, diags);
	if (vm->clustered != TRI_YES)
		return step_refuse(step, diags, "the VM is not clustered");
	if (has_pin(world, vm))
		return step_refuse(step, diags, "an adapter of the VM is pinned to a GPU of its host, or could be");
	if (has_device_by_path(vm))
		return step_refuse(step, diags, "the VM has a GPU of its host by location path");
	if (!vm_is_off(vm) && vm->n_devices)
		return step_refuse(step, diags, "a running VM with a whole GPU does not move");
	return 0;
}

/* World decision 7: a partition moves live between GPUs of one model and count only. */
static bool takes_live(const struct world *world, const struct vm *vm, const struct gpu *target)
{
	uint64_t from = 0;

	if (target->incoming_live_migration != TRI_YES)
		return false;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		from |= adapter_gpus(world, vm, &vm->adapters[i]);
	for (uint32_t i = 0; i < world->hosts[vm->host].n_gpus && i < GPUS_PER_HOST_MAX; i++) {
		const struct gpu *source = &world->gpus[world->hosts[vm->host].first_gpu + i];

		if (from >> i & 1 &&
			(!maybe_equal(source->count, target->count) || g_strcmp0(source->device, target->device) ||
				g_strcmp0(source->subsystem, target->subsystem)))
			return false;
	}
	return true;
}

/* A live move needs the adapters and the GPUs that they could land on to say that they take part in one. */
static int check_live(
	const struct world *world, const struct step *step, uint32_t to, uint64_t *landing, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	const struct host *target = &world->hosts[to];

	if (world->hosts[vm->host].can_command_moves != TRI_YES)
		return step_refuse(
			step, diags, "host '%s' cannot be commanded to move a running VM", world->hosts[vm->host].name);
	if (vm->memory_bytes.known && target->memory_free_bytes.known &&
		vm->memory_bytes.value > target->memory_free_bytes.value)
		return step_refuse(step, diags, "host '%s' has not the memory for the VM", target->name);
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].outgoing_live_migration != TRI_YES)
			return step_refuse(step, diags, "a partition adapter of the VM does not live-migrate");
	if (!vm->n_adapters)
		return 0;
	if (check_partitions(world, step, to, landing, diags))
		return -1;
	for (uint32_t i = 0; i < target->n_gpus && i < GPUS_PER_HOST_MAX; i++)
		if (!takes_live(world, vm, &world->gpus[target->first_gpu + i]))
			*landing &= ~(1ull << i);
	return *landing ? 0 : step_refuse(step, diags, "no GPU of host '%s' takes live migrations", target->name);
}

int step_move_vm(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t to = world_find_host(world, step->to_host);
	uint64_t landing = 0;
	struct vm *after = NULL;

	if (to == NO_INDEX)
		return step_refuse(step, diags, "there is no host '%s'", step->to_host ? step->to_host : "");
	if (to == vm->host)
		return 0;
	if (check_movable(world, step, diags))
		return -1;
	if (!step->live && !vm_is_off(vm))
		return refuse_state(vm, step, diags);
	if (host_node_state(&world->hosts[to]) > NODE_UP)
		return step_refuse(step, diags, "host '%s' is %s in its cluster", world->hosts[to].name,
			name_of(&node_state_names, (int)host_node_state(&world->hosts[to])));
	if (!vm_is_off(vm) && check_live(world, step, to, &landing, diags))
		return -1;
	after = delta_vm(out, world, step->vm);
	after->host = to;
	after->adapters = adapters_landed(arena, world, vm, landing);
	if (!vm_is_off(vm)) {
		give_memory(world, vm, out);
		take_memory(world, vm, to, out);
	}
	return 0;
}

int step_set_offline_action(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];

	(void)arena;
	if (vm->clustered != TRI_YES)
		return step_refuse(step, diags, "the VM is not clustered");
	if (maybe_is(vm->offline_action, step->offline_action))
		return 0;
	delta_vm(out, world, step->vm)->offline_action = KNOWN(step->offline_action);
	return 0;
}

/* Which of the settings the VM has not yet. A setting at or above its demand is left alone. */
static unsigned settings_missing(const struct vm *vm, const struct vm_settings *wanted)
{
	unsigned missing = 0;

	if (vm->automatic_checkpoints != wanted->automatic_checkpoints)
		missing |= SETTING_AUTOMATIC_CHECKPOINTS;
	if (vm->stop_action != wanted->stop_action &&
		(vm->stop_action == STOP_ACTION_SAVE || wanted->stop_action == STOP_ACTION_SAVE))
		missing |= SETTING_STOP_ACTION;
	if (vm->cache_control != wanted->cache_control)
		missing |= SETTING_CACHE_CONTROL;
	if (!vm->mmio_low_bytes.known || vm->mmio_low_bytes.value < wanted->mmio_low_bytes)
		missing |= SETTING_MMIO_LOW;
	if (!vm->mmio_high_bytes.known || vm->mmio_high_bytes.value < wanted->mmio_high_bytes)
		missing |= SETTING_MMIO_HIGH;
	return missing & wanted->which;
}

int step_configure_vm(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	unsigned missing = settings_missing(vm, &step->settings);
	struct vm *after = NULL;

	(void)arena;
	if (!missing)
		return 0;
	if (missing & SETTINGS_NEED_OFF && !vm_is_off(vm))
		return refuse_state(vm, step, diags);
	after = delta_vm(out, world, step->vm);
	if (missing & SETTING_AUTOMATIC_CHECKPOINTS)
		after->automatic_checkpoints = step->settings.automatic_checkpoints;
	if (missing & SETTING_STOP_ACTION)
		after->stop_action = step->settings.stop_action;
	if (missing & SETTING_CACHE_CONTROL)
		after->cache_control = step->settings.cache_control;
	if (missing & SETTING_MMIO_LOW)
		after->mmio_low_bytes = KNOWN(step->settings.mmio_low_bytes);
	if (missing & SETTING_MMIO_HIGH)
		after->mmio_high_bytes = KNOWN(step->settings.mmio_high_bytes);
	return 0;
}
