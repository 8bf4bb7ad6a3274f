/* SPDX-License-Identifier: Apache-2.0 */
#include "model/step_rows.h"

#include <glib.h>

NAMES_DEFINE(step_kind_names, STEP_KINDS);
NAMES_DEFINE(step_cause_names, STEP_CAUSES);

bool step_cause_owes(enum step_cause cause)
{
	return cause == CAUSE_DRAIN || cause == CAUSE_EXCHANGE || cause == CAUSE_UNPIN;
}

const struct step_row step_rows[STEP_KIND_COUNT] = {
	[STEP_STOP_VM] = { "stop-vm", STEP_IS_STOP, STEP_START_VM, 60, step_stop_vm,
		"Shuts a VM down (Stop-VM; a clustered one's group then goes offline) and verifies that it is Off." },
	[STEP_START_VM] = { "start-vm", STEP_NEEDS_VM_OFF | STEP_GIVES_BACK, STEP_STOP_VM, 30, step_start_vm,
		"Starts a VM (Start-VM, or its cluster group); the host picks its partitions." },
	[STEP_MOVE_VM] = { "move-vm", 0, STEP_MOVE_VM, 60, step_move_vm,
		"Moves a clustered VM to another node (Move-ClusterVirtualMachineRole)." },
	[STEP_SET_OFFLINE_ACTION] = { "set-offline-action", 0, STEP_SET_OFFLINE_ACTION, 2, step_set_offline_action,
		"Sets what the cluster does to a VM that goes offline (Set-ClusterParameter OfflineAction)." },
	[STEP_CONFIGURE_VM] = { "configure-vm", 0, STEP_CONFIGURE_VM, 2, step_configure_vm,
		"Changes the settings that a partition or a whole GPU demands of a VM (Set-VM)." },
	[STEP_REMOVE_ADAPTER] = { "remove-partition-adapter", STEP_NEEDS_VM_OFF, STEP_ADD_ADAPTER, 3,
		step_remove_adapter, "Takes one partition adapter from a VM (Remove-VMGpuPartitionAdapter)." },
	[STEP_ADD_ADAPTER] = { "add-partition-adapter", STEP_NEEDS_VM_OFF | STEP_GIVES_BACK, STEP_REMOVE_ADAPTER, 3,
		step_add_adapter, "Gives a VM one partition adapter (Add-VMGpuPartitionAdapter)." },
	[STEP_REMOVE_DEVICE] = { "remove-assigned-device", STEP_NEEDS_VM_OFF, STEP_ADD_DEVICE, 5, step_remove_device,
		"Takes one whole GPU from a VM (Remove-VMAssignableDevice)." },
	[STEP_ADD_DEVICE] = { "add-assigned-device", STEP_NEEDS_VM_OFF | STEP_GIVES_BACK, STEP_REMOVE_DEVICE, 5,
		step_add_device, "Gives a VM one whole GPU (Add-VMAssignableDevice)." },
	[STEP_SET_COUNT] = { "set-partition-count", STEP_NEEDS_GPU_DRAINED, STEP_SET_COUNT, 5, step_set_count,
		"Sets how many partitions a GPU offers (Set-VMHostPartitionableGpu)." },
	[STEP_DISMOUNT_GPU] = { "dismount-gpu", STEP_NEEDS_GPU_DRAINED | STEP_IS_ROLE_CHANGE, STEP_MOUNT_GPU, 20,
		step_dismount_gpu, "Takes a GPU from the host (Disable-PnpDevice, Dismount-VMHostAssignableDevice)." },
	[STEP_MOUNT_GPU] = { "mount-gpu", STEP_IS_ROLE_CHANGE | STEP_GIVES_BACK, STEP_DISMOUNT_GPU, 20, step_mount_gpu,
		"Gives a GPU back to the host (Mount-VMHostAssignableDevice, Enable-PnpDevice)." },
	[STEP_CREATE_POOL] = { "create-pool", 0, STEP_CREATE_POOL, 2, step_create_pool,
		"Makes a resource pool of PCI Express devices on a host (New-VMResourcePool)." },
	[STEP_ADD_TO_POOL] = { "add-gpu-to-pool", 0, STEP_REMOVE_FROM_POOL, 2, step_add_to_pool,
		"Puts a dismounted GPU into a resource pool (Add-VMHostAssignableDevice)." },
	[STEP_REMOVE_FROM_POOL] = { "remove-gpu-from-pool", 0, STEP_ADD_TO_POOL, 2, step_remove_from_pool,
		"Takes a GPU out of a resource pool (Remove-VMHostAssignableDevice)." },
};

static bool is_about_vm(enum step_kind kind)
{
	return kind <= STEP_ADD_DEVICE;
}

static bool is_about_gpu(enum step_kind kind)
{
	return kind >= STEP_SET_COUNT && kind != STEP_CREATE_POOL;
}

static char *step_subject(struct arena *arena, const struct step *step)
{
	const char *host = step->host_name ? step->host_name : "?";

	if (is_about_vm(step->kind))
		return arena_printf(arena, "host/%s/vm/%s", host, step->vm_name ? step->vm_name : step->vm_id);
	if (is_about_gpu(step->kind))
		return arena_printf(arena, "host/%s/gpu/%s", host, step->location_path);
	return arena_printf(arena, "host/%s/pool/%s", host, step->pool);
}

int step_refuse(const struct step *step, struct diags *diags, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (!diags)
		return -1;
	va_start(args, fmt);
	text = g_strdup_vprintf(fmt, args);
	va_end(args);
	g_autoptr(arena_auto) scratch = arena_new();
	return diag_add(diags, D_STEP_NOT_POSSIBLE, step->loc, step_subject(diags->arena, step),
		"step %u (%s) is not possible: %s", step->id, step_text(scratch, step), text);
}

int step_bind(struct step *step, const struct world *world, struct diags *diags)
{
	step->host = step->vm = step->gpu = NO_INDEX;
	if (step->host_name) {
		step->host = world_find_host(world, step->host_name);
		if (step->host == NO_INDEX)
			return step_refuse(step, diags, "there is no host '%s'", step->host_name);
	}
	if (is_about_vm(step->kind)) {
		step->vm = world_find_vm(world, step->vm_id);
		if (step->vm == NO_INDEX)
			return step_refuse(step, diags, "there is no VM with id '%s'", step->vm_id ? step->vm_id : "");
		return 0;
	}
	if (step->host == NO_INDEX)
		return step_refuse(step, diags, "the step names no host");
	if (!is_about_gpu(step->kind))
		return 0;
	step->gpu = world_find_gpu(world, step->host, step->location_path);
	if (step->gpu == NO_INDEX)
		return step_refuse(step, diags, "host '%s' has no GPU at '%s'", step->host_name,
			step->location_path ? step->location_path : "");
	return 0;
}

/* The indices could be of another world; a VM could be elsewhere than where the step would be sent. */
static int check_bound(const struct world *world, const struct step *step, struct diags *diags)
{
	if (is_about_vm(step->kind)) {
		if (step->vm >= world->n_vms)
			return step_refuse(step, diags, "the step is bound to no VM of this world");
		if (step->host != NO_INDEX && world->vms[step->vm].host != step->host)
			return step_refuse(step, diags, "the VM is on host '%s', not on '%s'",
				world->hosts[world->vms[step->vm].host].name, step->host_name);
		return 0;
	}
	if (step->host >= world->n_hosts)
		return step_refuse(step, diags, "the step is bound to no host of this world");
	if (is_about_gpu(step->kind) && (step->gpu >= world->n_gpus || world->gpus[step->gpu].host != step->host))
		return step_refuse(step, diags, "the step is bound to no GPU of this world");
	return 0;
}

int step_simulate(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	out->n = 0;
	if ((unsigned)step->kind >= STEP_KIND_COUNT)
		g_error("step of kind %d", (int)step->kind);
	if (check_bound(world, step, diags))
		return -1;
	return step_rows[step->kind].simulate(arena, world, step, out, diags);
}

static const char *vm_text(const struct step *step)
{
	return step->vm_name ? step->vm_name : step->vm_id ? step->vm_id : "?";
}

static char *gpu_text(struct arena *arena, const struct step *step)
{
	return arena_printf(arena, "%s %s", step->host_name ? step->host_name : "?",
		step->location_path ? step->location_path : "?");
}

static char *settings_text(struct arena *arena, const struct vm_settings *settings)
{
	g_autoptr(GString) text = g_string_new(NULL);

	if (settings->which & SETTING_AUTOMATIC_CHECKPOINTS)
		g_string_append_printf(
			text, "automatic checkpoints %s, ", settings->automatic_checkpoints ? "on" : "off");
	if (settings->which & SETTING_STOP_ACTION)
		g_string_append_printf(
			text, "automatic stop action %s, ", name_of(&stop_action_names, (int)settings->stop_action));
	if (settings->which & SETTING_CACHE_CONTROL)
		g_string_append_printf(text, "cache control %s, ", settings->cache_control ? "on" : "off");
	if (settings->which & SETTING_MMIO_LOW)
		g_string_append_printf(
			text, "low MMIO at least %" G_GUINT64_FORMAT " MiB, ", settings->mmio_low_bytes >> 20);
	if (settings->which & SETTING_MMIO_HIGH)
		g_string_append_printf(
			text, "high MMIO at least %" G_GUINT64_FORMAT " MiB, ", settings->mmio_high_bytes >> 20);
	if (text->len)
		g_string_truncate(text, text->len - 2);
	return arena_strdup(arena, text->len ? text->str : "nothing");
}

static char *device_text(struct arena *arena, const struct device *device)
{
	if (device->pool)
		return arena_printf(arena, "a GPU of pool %s", device->pool);
	return arena_printf(arena, "GPU %s", device->location_path ? device->location_path : "?");
}

static char *adapter_text(struct arena *arena, const struct adapter *adapter)
{
	return adapter->pin ? arena_printf(arena, "partition adapter pinned to %s", adapter->pin)
			    : arena_strdup(arena, "partition adapter");
}

static char *vm_step_text(struct arena *arena, const struct step *step)
{
	const char *vm = vm_text(step);

	switch (step->kind) {
	case STEP_STOP_VM:
		return arena_printf(arena, "stop %s", vm);
	case STEP_START_VM:
		return arena_printf(arena, "start %s", vm);
	case STEP_MOVE_VM:
		return arena_printf(arena, "move %s%s from %s to %s", vm, step->live ? " live" : "",
			step->host_name ? step->host_name : "?", step->to_host ? step->to_host : "?");
	case STEP_SET_OFFLINE_ACTION:
		return arena_printf(arena, "set offline action of %s to %s", vm,
			name_of(&offline_action_names, (int)step->offline_action));
	case STEP_CONFIGURE_VM:
		return arena_printf(arena, "configure %s: %s", vm, settings_text(arena, &step->settings));
	case STEP_REMOVE_ADAPTER:
		return arena_printf(arena, "remove %s from %s", adapter_text(arena, &step->adapter), vm);
	case STEP_ADD_ADAPTER:
		return arena_printf(arena, "add %s to %s", adapter_text(arena, &step->adapter), vm);
	case STEP_REMOVE_DEVICE:
		return arena_printf(arena, "remove %s from %s", device_text(arena, &step->device), vm);
	default:
		return arena_printf(arena, "add %s to %s", device_text(arena, &step->device), vm);
	}
}

char *step_text(struct arena *arena, const struct step *step)
{
	switch (step->kind) {
	case STEP_SET_COUNT:
		if (!step->count_before)
			return arena_printf(arena, "set partitions of %s to %u", gpu_text(arena, step), step->count);
		return arena_printf(arena, "set partitions of %s from %u to %u", gpu_text(arena, step),
			step->count_before, step->count);
	case STEP_DISMOUNT_GPU:
		return arena_printf(arena, "dismount %s%s", gpu_text(arena, step), step->force ? " by force" : "");
	case STEP_MOUNT_GPU:
		return arena_printf(arena, "mount %s", gpu_text(arena, step));
	case STEP_CREATE_POOL:
		return arena_printf(arena, "create pool %s on %s", step->pool, step->host_name ? step->host_name : "?");
	case STEP_ADD_TO_POOL:
		return arena_printf(arena, "add %s to pool %s", gpu_text(arena, step), step->pool);
	case STEP_REMOVE_FROM_POOL:
		return arena_printf(arena, "remove %s from pool %s", gpu_text(arena, step), step->pool);
	default:
		return vm_step_text(arena, step);
	}
}
