/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/order.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static const struct vm *observed_vm(const struct needs *needs, const struct step *step)
{
	return &needs->observed->vms[step->vm];
}

static const struct vm *goal_vm(const struct needs *needs, const struct step *step)
{
	return &needs->goal->vms[step->vm];
}

/* A VM that need not be off for the counts is stopped only after them: it is down for less time, and its adapter, of
 * which nobody knows where it is once the VM is off, is never in the way. */
static bool is_late(const struct needs *needs, uint32_t vm)
{
	return needs->touch->vms[vm].stop && !needs->touch->vms[vm].early && !needs->observed->vms[vm].n_devices;
}

/* ---- relations ---- */

static bool same_vm(const struct needs *needs, const struct step *a, const struct step *b)
{
	(void)needs;
	return a->vm == b->vm;
}

/* An add ensures "at least so many", so the adds of one VM are counted along a chain. */
static bool same_vm_in_turn(const struct needs *needs, const struct step *a, const struct step *b)
{
	return same_vm(needs, a, b) && a->id < b->id;
}

static bool same_gpu(const struct needs *needs, const struct step *a, const struct step *b)
{
	(void)needs;
	return a->gpu == b->gpu;
}

static bool same_vm_off_settings(const struct needs *needs, const struct step *a, const struct step *b)
{
	return same_vm(needs, a, b) && (b->settings.which & SETTINGS_NEED_OFF);
}

/* Once it is down, a VM that has its GPU would not start without them. */
static bool same_vm_live_settings(const struct needs *needs, const struct step *a, const struct step *b)
{
	const struct vm *vm = &needs->observed->vms[b->vm];
	return same_vm(needs, a, b) && !(a->settings.which & SETTINGS_NEED_OFF) && (vm->n_adapters || vm->n_devices);
}

/* Counts concern every host of the cluster, for its GPUs are alike at all times; with strategy Rolling only their own. */
static bool counts_concern(const struct needs *needs, const struct step *gpu_step, const struct step *vm_step)
{
	return !needs_rolls(needs) || gpu_step->host == vm_step->host;
}

/* Who runs meanwhile, on GPUs that failed or that no group selects, finds room before and after, and so between. */
static bool rises_before(const struct needs *needs, const struct step *a, const struct step *b)
{
	(void)needs;
	return a->host == b->host && a->count > a->count_before && b->count < b->count_before;
}

static bool stop_is_early(const struct needs *needs, const struct step *stop, const struct step *count)
{
	return counts_concern(needs, count, stop) && needs->touch->vms[stop->vm].early;
}

static bool stop_is_late(const struct needs *needs, const struct step *count, const struct step *stop)
{
	return counts_concern(needs, count, stop) && is_late(needs, stop->vm);
}

static bool adapter_could_be_on(const struct needs *needs, const struct step *remove, const struct step *gpu_step)
{
	if (remove->host != gpu_step->host || is_late(needs, remove->vm))
		return false;
	struct vm off = *observed_vm(needs, remove);
	off.state = VM_OFF;
	uint64_t gpus = adapter_gpus(needs->observed, &off, &remove->adapter) |
			adapter_gpus(needs->goal, &off, &remove->adapter);
	return (gpus & gpu_bit(needs->observed, gpu_step->gpu)) != 0;
}

static bool adapter_is_pinned_to(const struct needs *needs, const struct step *remove, const struct step *gpu_step)
{
	return remove->host == gpu_step->host &&
	       (adapter_pins(needs->observed, observed_vm(needs, remove), &remove->adapter) &
		       gpu_bit(needs->observed, gpu_step->gpu)) != 0;
}

static bool new_adapter_could_be_on(const struct needs *needs, const struct step *gpu_step, const struct step *add)
{
	(void)needs;
	return gpu_step->host == add->host &&
	       (!add->adapter.pin || strcmp(add->adapter.pin, gpu_step->location_path) == 0);
}

static bool vm_has_partition(const struct needs *needs, const struct step *a, const struct step *start)
{
	(void)a;
	return goal_vm(needs, start)->n_adapters > 0;
}

static bool starts_with_counts(const struct needs *needs, const struct step *gpu_step, const struct step *start)
{
	return counts_concern(needs, gpu_step, start) && vm_has_partition(needs, gpu_step, start);
}

static bool vm_here_has_partition(const struct needs *needs, const struct step *gpu_step, const struct step *start)
{
	return gpu_step->host == start->host && vm_has_partition(needs, gpu_step, start);
}

static bool vm_here_had_partition(const struct needs *needs, const struct step *stop, const struct step *gpu_step)
{
	return stop->host == gpu_step->host && observed_vm(needs, stop)->n_adapters > 0;
}

/* ---- moves: what is taken from the VM is taken before, and what is given to it is given where it goes ---- */

static uint32_t move_target(const struct needs *needs, const struct step *move)
{
	return needs->goal->vms[move->vm].host;
}

/* An adapter goes along; off or not, it could then be on any GPU of the other host. */
static bool carries_adapter(const struct needs *needs, const struct step *move)
{
	const struct vm *before = observed_vm(needs, move), *after = goal_vm(needs, move);
	for (uint32_t i = 0; i < before->n_adapters; i++)
		if (touch_has_adapter(after, &before->adapters[i]) &&
			!(needs->touch->vms[move->vm].cycle &&
				touch_adapter_is_in_the_way(
					needs->touch, needs->observed, needs->goal, move->vm, &before->adapters[i])))
			return true;
	return false;
}

static bool moves_with_counts(const struct needs *needs, const struct step *gpu_step, const struct step *move)
{
	bool here_alone = needs_rolls(needs) || needs->touch->vms[move->vm].carries;
	bool concerns = !here_alone || gpu_step->host == move_target(needs, move);
	return concerns && carries_adapter(needs, move);
}

static bool carrier_leaves(const struct needs *needs, const struct step *move, const struct step *count)
{
	return needs->touch->vms[move->vm].carries && move->host == count->host;
}

/* It comes to the other host before all counts are set, when none but the wanted one may be in use any more. */
static bool off_before_carrier(const struct needs *needs, const struct step *stop, const struct step *move)
{
	return !needs_rolls(needs) && needs->touch->vms[stop->vm].early && needs->touch->vms[move->vm].carries;
}

static bool live_vm_leaves(const struct needs *needs, const struct step *move, const struct step *gpu_step)
{
	(void)needs;
	return move->live && move->host == gpu_step->host;
}

static bool vm_device_here(const struct needs *needs, const struct step *vm_step, const struct step *gpu_step)
{
	return vm_step->host == gpu_step->host &&
	       vm_device_could_be(needs->observed, observed_vm(needs, vm_step), gpu_step->gpu);
}

static bool vm_here_keeps_device(const struct needs *needs, const struct step *gpu_step, const struct step *start)
{
	return gpu_step->host == start->host && goal_vm(needs, start)->n_devices > 0;
}

static bool same_pool(const struct needs *needs, const struct step *a, const struct step *b)
{
	(void)needs;
	return a->host == b->host && same_text(a->pool, b->pool);
}

static bool device_of_pool(const struct needs *needs, const struct step *pool, const struct step *add)
{
	(void)needs;
	return pool->host == add->host && same_text(pool->pool, add->device.pool);
}

static bool device_of_path(const struct needs *needs, const struct step *gpu_step, const struct step *add)
{
	(void)needs;
	return gpu_step->host == add->host && same_text(gpu_step->location_path, add->device.location_path);
}

static bool same_path_elsewhere(const struct needs *needs, const struct step *remove, const struct step *add)
{
	(void)needs;
	return remove->vm != add->vm && remove->host == add->host &&
	       same_text(remove->device.location_path, add->device.location_path);
}

static bool start_needs_pool(const struct needs *needs, const struct step *pool, const struct step *start)
{
	const struct vm *vm = goal_vm(needs, start);
	for (uint32_t i = 0; i < vm->n_devices && pool->host == start->host; i++)
		if (same_text(pool->pool, vm->devices[i].pool))
			return true;
	return false;
}

static bool has_pin(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin)
			return true;
	return false;
}

/* Whatever comes first: all that run now, and all that run in the end, fit the host's GPUs at once, with the counts that they
 * have and those that they get. */
static bool all_fit_at_once(const struct needs *needs, uint32_t host)
{
	const struct world *was = needs->observed, *is = needs->goal;
	uint64_t needed = 0, offered = 0;
	for (uint32_t g = was->hosts[host].first_gpu; g < was->hosts[host].first_gpu + was->hosts[host].n_gpus; g++)
		if (gpu_offers_partitions(&was->gpus[g]) && gpu_offers_partitions(&is->gpus[g]) &&
			was->gpus[g].count.known && is->gpus[g].count.known)
			offered += MIN(was->gpus[g].count.value, is->gpus[g].count.value);
	for (uint32_t i = 0; i < was->n_vms; i++) {
		const struct vm *before = &was->vms[i], *after = &is->vms[i];
		uint32_t n_before = before->host == host && vm_is_running(before) ? before->n_adapters : 0;
		uint32_t n_after = after->host == host && vm_is_running(after) ? after->n_adapters : 0;
		needed += MAX(n_before, n_after);
	}
	return needed <= offered;
}

/* The stopped VM gives up a partition (or whole GPUs) on this host that the started one may need. */
static bool makes_room(const struct needs *needs, const struct step *stop, const struct step *start)
{
	if (stop->vm == start->vm || stop->host != start->host)
		return false;
	const struct vm *loser = observed_vm(needs, stop), *left = goal_vm(needs, stop), *taker = goal_vm(needs, start);
	bool leaves = loser->host != left->host;
	bool gives_adapter = leaves ? loser->n_adapters : loser->n_adapters > left->n_adapters;
	bool gives_device = leaves ? loser->n_devices : loser->n_devices > left->n_devices;
	return (gives_device && taker->n_devices) ||
	       (gives_adapter && taker->n_adapters && (has_pin(taker) || !all_fit_at_once(needs, start->host)));
}

/* ---- so that a way back is known (retreat.h): who gives up has done so before others need it ---- */

static bool gives_up_adapter_on(const struct needs *needs, const struct step *remove, const struct step *dismount)
{
	if (remove->host != dismount->host ||
		observed_vm(needs, remove)->n_adapters <= goal_vm(needs, remove)->n_adapters)
		return false;
	struct vm off = *observed_vm(needs, remove);
	off.state = VM_OFF;
	return (adapter_gpus(needs->observed, &off, &remove->adapter) & gpu_bit(needs->observed, dismount->gpu)) != 0;
}

/* The VM that gains one restarts, and without room it could not. */
static bool room_is_given_up(const struct needs *needs, const struct step *loss, const struct step *add)
{
	return vm_is_running(observed_vm(needs, loss)) && vm_is_running(goal_vm(needs, add)) &&
	       makes_room(needs, loss, add);
}

static bool moves_out_first(const struct needs *needs, const struct step *move, const struct step *gain)
{
	return observed_vm(needs, move)->host == move->host && room_is_given_up(needs, move, gain);
}

static bool pinned_before_unpinned(const struct needs *needs, const struct step *a, const struct step *b)
{
	return a->host == b->host && a->vm != b->vm && has_pin(goal_vm(needs, a)) && !has_pin(goal_vm(needs, b)) &&
	       goal_vm(needs, b)->n_adapters;
}

/* The started VM, which an earlier run owes, is pinned to a GPU on which the stopped one could be. */
static bool frees_the_pinned(const struct needs *needs, const struct step *stop, const struct step *start)
{
	const struct vm *pinned = goal_vm(needs, start);
	if (stop->host != start->host || vm_is_running(observed_vm(needs, start)))
		return false;
	for (uint32_t a = 0; a < pinned->n_adapters; a++) {
		const char *pin = pinned->adapters[a].pin;
		uint32_t gpu = pin ? world_find_gpu(needs->observed, pinned->host, pin) : NO_INDEX;
		if (gpu != NO_INDEX && vm_could_be_on(needs->observed, observed_vm(needs, stop), gpu))
			return true;
	}
	return false;
}

/* ---- the table ---- */

const struct order_rule order_rules[] = {
	{ "offline-action before stop", STEP_SET_OFFLINE_ACTION, STEP_STOP_VM, same_vm,
		"stopping a clustered VM applies it" },
	{ "offline-action before start", STEP_SET_OFFLINE_ACTION, STEP_START_VM, same_vm, "fit-to-start" },
	{ "settings before stop", STEP_CONFIGURE_VM, STEP_STOP_VM, same_vm_live_settings, "way back" },
	{ "settings before start", STEP_CONFIGURE_VM, STEP_START_VM, same_vm, "fit-to-start" },
	{ "settings before a partition", STEP_CONFIGURE_VM, STEP_ADD_ADAPTER, same_vm, "way back" },
	{ "settings before a device", STEP_CONFIGURE_VM, STEP_ADD_DEVICE, same_vm, "DDA refuses the stop action Save" },
	{ "offline-action before a partition", STEP_SET_OFFLINE_ACTION, STEP_ADD_ADAPTER, same_vm, "way back" },
	{ "offline-action before a device", STEP_SET_OFFLINE_ACTION, STEP_ADD_DEVICE, same_vm, "way back" },
	{ "off before settings", STEP_STOP_VM, STEP_CONFIGURE_VM, same_vm_off_settings, "vm-off" },
	{ "off before remove", STEP_STOP_VM, STEP_REMOVE_ADAPTER, same_vm, "vm-off" },
	{ "off before add", STEP_STOP_VM, STEP_ADD_ADAPTER, same_vm, "vm-off" },
	{ "off before device remove", STEP_STOP_VM, STEP_REMOVE_DEVICE, same_vm, "vm-off" },
	{ "off before device add", STEP_STOP_VM, STEP_ADD_DEVICE, same_vm, "vm-off" },
	{ "stop before start", STEP_STOP_VM, STEP_START_VM, same_vm, "restored" },
	{ "remove before add", STEP_REMOVE_ADAPTER, STEP_ADD_ADAPTER, same_vm, "one-partition" },
	{ "remove before device", STEP_REMOVE_ADAPTER, STEP_ADD_DEVICE, same_vm, "one-partition" },
	{ "device before partition", STEP_REMOVE_DEVICE, STEP_ADD_ADAPTER, same_vm, "one-partition" },
	{ "device before device", STEP_REMOVE_DEVICE, STEP_ADD_DEVICE, same_vm, "one-partition" },
	{ "one add after the other", STEP_ADD_ADAPTER, STEP_ADD_ADAPTER, same_vm_in_turn, "an add ensures a number" },
	{ "one device after the other", STEP_ADD_DEVICE, STEP_ADD_DEVICE, same_vm_in_turn, "an add ensures a number" },
	{ "remove before start", STEP_REMOVE_ADAPTER, STEP_START_VM, same_vm, "vm-off" },
	{ "add before start", STEP_ADD_ADAPTER, STEP_START_VM, same_vm, "vm-off" },
	{ "device remove before start", STEP_REMOVE_DEVICE, STEP_START_VM, same_vm, "vm-off" },
	{ "device add before start", STEP_ADD_DEVICE, STEP_START_VM, same_vm, "vm-off" },

	{ "settings before a move", STEP_CONFIGURE_VM, STEP_MOVE_VM, same_vm, "they are changed where the VM was" },
	{ "offline-action before a move", STEP_SET_OFFLINE_ACTION, STEP_MOVE_VM, same_vm,
		"it is changed where the VM was" },
	{ "off before a move", STEP_STOP_VM, STEP_MOVE_VM, same_vm, "only a live move is of a running VM" },
	{ "remove before a move", STEP_REMOVE_ADAPTER, STEP_MOVE_VM, same_vm, "drained" },
	{ "device remove before a move", STEP_REMOVE_DEVICE, STEP_MOVE_VM, same_vm, "exclusive" },
	{ "move before add", STEP_MOVE_VM, STEP_ADD_ADAPTER, same_vm, "it is added where the VM goes" },
	{ "move before device add", STEP_MOVE_VM, STEP_ADD_DEVICE, same_vm, "it is added where the VM goes" },
	{ "move before start", STEP_MOVE_VM, STEP_START_VM, same_vm, "it starts where it goes" },
	{ "counts before moves", STEP_SET_COUNT, STEP_MOVE_VM, moves_with_counts, "drained, aligned-start" },
	{ "mount before moves", STEP_MOUNT_GPU, STEP_MOVE_VM, moves_with_counts, "aligned-start" },
	{ "all off before a move", STEP_STOP_VM, STEP_MOVE_VM, off_before_carrier, "aligned-start" },
	{ "moves before counts", STEP_MOVE_VM, STEP_SET_COUNT, carrier_leaves, "drained" },
	{ "moved live before dismount", STEP_MOVE_VM, STEP_DISMOUNT_GPU, live_vm_leaves, "exclusive, capacity" },

	{ "all off before a count", STEP_STOP_VM, STEP_SET_COUNT, stop_is_early, "homogeneous" },
	{ "drained before a count", STEP_REMOVE_ADAPTER, STEP_SET_COUNT, adapter_could_be_on, "drained" },
	{ "count before adapters", STEP_SET_COUNT, STEP_ADD_ADAPTER, new_adapter_could_be_on, "drained" },
	{ "counts before starts", STEP_SET_COUNT, STEP_START_VM, starts_with_counts, "aligned-start" },
	{ "higher count before lower", STEP_SET_COUNT, STEP_SET_COUNT, rises_before, "capacity" },
	{ "counts before late stops", STEP_SET_COUNT, STEP_STOP_VM, stop_is_late, "drained" },
	{ "mount before its count", STEP_MOUNT_GPU, STEP_SET_COUNT, same_gpu, "exclusive" },
	{ "mount before starts", STEP_MOUNT_GPU, STEP_START_VM, starts_with_counts, "aligned-start" },
	{ "mount before late stops", STEP_MOUNT_GPU, STEP_STOP_VM, stop_is_late, "drained" },

	{ "out of the pool before mount", STEP_REMOVE_FROM_POOL, STEP_MOUNT_GPU, same_gpu, "exclusive" },
	{ "device gone before mount", STEP_REMOVE_DEVICE, STEP_MOUNT_GPU, vm_device_here, "exclusive" },
	{ "device gone before pool", STEP_REMOVE_DEVICE, STEP_REMOVE_FROM_POOL, vm_device_here, "exclusive" },
	{ "moved before leaving the pool", STEP_MOVE_VM, STEP_REMOVE_FROM_POOL, vm_device_here, "exclusive" },
	{ "off before mount", STEP_STOP_VM, STEP_MOUNT_GPU, vm_device_here, "exclusive" },
	{ "out of the pool before its devices", STEP_REMOVE_FROM_POOL, STEP_ADD_DEVICE, device_of_pool, "exclusive" },
	{ "off before leaving the pool", STEP_STOP_VM, STEP_REMOVE_FROM_POOL, vm_device_here, "exclusive" },
	{ "pool before starts", STEP_REMOVE_FROM_POOL, STEP_START_VM, vm_here_keeps_device, "exclusive" },

	{ "off before dismount", STEP_STOP_VM, STEP_DISMOUNT_GPU, vm_here_had_partition, "exclusive, capacity" },
	{ "unpinned before dismount", STEP_REMOVE_ADAPTER, STEP_DISMOUNT_GPU, adapter_is_pinned_to, "exclusive" },
	{ "dismount before starts", STEP_DISMOUNT_GPU, STEP_START_VM, vm_here_has_partition, "exclusive" },
	{ "dismount before pool", STEP_DISMOUNT_GPU, STEP_ADD_TO_POOL, same_gpu, "only a dismounted GPU joins a pool" },
	{ "old pool before new", STEP_REMOVE_FROM_POOL, STEP_ADD_TO_POOL, same_gpu, "a GPU is in one pool" },
	{ "pool before its members", STEP_CREATE_POOL, STEP_ADD_TO_POOL, same_pool, "the pool must exist" },
	{ "pool before its devices", STEP_CREATE_POOL, STEP_ADD_DEVICE, device_of_pool, "the pool must exist" },
	{ "members before devices", STEP_ADD_TO_POOL, STEP_ADD_DEVICE, device_of_pool,
		"an empty pool has nothing to give" },
	{ "members before starts", STEP_ADD_TO_POOL, STEP_START_VM, start_needs_pool, "capacity" },
	{ "dismount before its device", STEP_DISMOUNT_GPU, STEP_ADD_DEVICE, device_of_path, "exclusive" },
	{ "device free before given", STEP_REMOVE_DEVICE, STEP_ADD_DEVICE, same_path_elsewhere,
		"a device has one owner" },

	{ "given up before dismount", STEP_REMOVE_ADAPTER, STEP_DISMOUNT_GPU, gives_up_adapter_on, "way back" },
	{ "mount before adapters", STEP_MOUNT_GPU, STEP_ADD_ADAPTER, new_adapter_could_be_on, "way back" },
	{ "given up before given", STEP_REMOVE_ADAPTER, STEP_ADD_ADAPTER, room_is_given_up, "way back" },
	{ "moved out before given", STEP_MOVE_VM, STEP_ADD_ADAPTER, moves_out_first, "way back" },
	{ "moves before starts", STEP_MOVE_VM, STEP_START_VM, moves_out_first, "capacity, way back" },
	{ "room before starts", STEP_STOP_VM, STEP_START_VM, makes_room, "capacity" },
	{ "room before a pinned start", STEP_STOP_VM, STEP_START_VM, frees_the_pinned,
		"a pinned VM needs room on its very GPU" },
	{ "pinned start first", STEP_START_VM, STEP_START_VM, pinned_before_unpinned,
		"a pinned VM needs room on its very GPU" },
	{ "one dismount first", STEP_DISMOUNT_GPU, STEP_DISMOUNT_GPU, NULL, "world.md decision 9" },
	{ "one mount first", STEP_MOUNT_GPU, STEP_MOUNT_GPU, NULL, "world.md decision 9" },
};
const uint32_t n_order_rules = G_N_ELEMENTS(order_rules);
