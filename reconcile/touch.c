/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/touch.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool touch_has_adapter(const struct vm *vm, const struct adapter *adapter)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (same_text(vm->adapters[i].id, adapter->id) && same_text(vm->adapters[i].pin, adapter->pin))
			return true;
	return false;
}

/* Devices of one pool are alike, so the 'nth' equal one is looked for (from 0). */
bool touch_has_device(const struct vm *vm, const struct device *device, uint32_t nth)
{
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (same_text(vm->devices[i].location_path, device->location_path) &&
			same_text(vm->devices[i].pool, device->pool) && nth-- == 0)
			return true;
	return false;
}

static bool has_all_parts(const struct vm *of, const struct vm *in)
{
	for (uint32_t i = 0; i < of->n_adapters; i++)
		if (!touch_has_adapter(in, &of->adapters[i]))
			return false;
	for (uint32_t i = 0; i < of->n_devices; i++) {
		uint32_t nth = 0;
		for (uint32_t j = 0; j < i; j++)
			nth += same_text(of->devices[j].location_path, of->devices[i].location_path) &&
			       same_text(of->devices[j].pool, of->devices[i].pool);
		if (!touch_has_device(in, &of->devices[i], nth))
			return false;
	}
	return true;
}

static bool count_changes(const struct gpu *before, const struct gpu *after)
{
	return after->state == GPU_PARTITIONABLE && after->count.known && !maybe_equal(before->count, after->count);
}

static bool leaves_passthrough(const struct world *observed, const struct world *goal, uint32_t gpu)
{
	const struct pool *before = gpu_pool(observed, gpu), *after = gpu_pool(goal, gpu);
	bool leaves_pool = before && !(after && strcmp(before->name, after->name) == 0);
	return observed->gpus[gpu].state == GPU_DISMOUNTED && (goal->gpus[gpu].state != GPU_DISMOUNTED || leaves_pool);
}

static bool enters_passthrough(const struct world *observed, const struct world *goal, uint32_t gpu)
{
	return observed->gpus[gpu].state != GPU_DISMOUNTED && goal->gpus[gpu].state == GPU_DISMOUNTED;
}

bool touch_adapter_is_in_the_way(const struct touch *touch, const struct world *observed, const struct world *goal,
	uint32_t vm, const struct adapter *adapter)
{
	const struct host *host = &observed->hosts[observed->vms[vm].host];
	struct vm off = observed->vms[vm];
	off.state = VM_OFF;
	/* once mounted, a GPU is one more that an unpinned adapter could be on: so ask both worlds */
	uint64_t gpus = adapter_gpus(observed, &off, adapter) | adapter_gpus(goal, &off, adapter);
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++)
		if (touch->count_changes[g] && (gpus & gpu_bit(observed, g)))
			return true;
	return false;
}

static void mark(struct vm_touch *touch, unsigned cause, uint32_t gpu)
{
	touch->causes |= cause;
	if (touch->gpu == NO_INDEX)
		touch->gpu = gpu;
}

/* A count changes under the VM: whatever it holds that could be on such a GPU must go; Saved ones cannot. */
static void touch_by_counts(struct touch *touch, const struct world *observed, const struct world *goal, uint32_t index)
{
	const struct vm *vm = &observed->vms[index];
	struct vm_touch *mine = &touch->vms[index];
	const struct host *host = &observed->hosts[vm->host];
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++) {
		if (!touch->count_changes[g])
			continue;
		bool in_the_way = vm_could_be_on(observed, vm, g);
		for (uint32_t a = 0; a < vm->n_adapters && vm_is_off(vm); a++)
			in_the_way |= (adapter_gpus(goal, vm, &vm->adapters[a]) & gpu_bit(observed, g)) != 0;
		if (!in_the_way)
			continue;
		mark(mine, TOUCH_COUNT, g);
		mine->cycle = true;
		mine->early = !vm_is_off(vm);
	}
}

static void touch_by_roles(struct touch *touch, const struct world *observed, const struct world *goal, uint32_t index)
{
	const struct vm *vm = &observed->vms[index];
	const struct host *host = &observed->hosts[vm->host];
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++) {
		bool pinned = false;
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			pinned |= (adapter_pins(observed, vm, &vm->adapters[a]) & gpu_bit(observed, g)) != 0;
		if (enters_passthrough(observed, goal, g) &&
			(pinned || (!vm_is_off(vm) && vm_could_be_on(observed, vm, g))))
			mark(&touch->vms[index], TOUCH_ROLE, g);
		if (!leaves_passthrough(observed, goal, g) || !vm_device_could_be(observed, vm, g))
			continue;
		if (!vm_is_off(vm)) {
			mark(&touch->vms[index], TOUCH_ROLE, g);
			touch->vms[index].early = true;
		} else if (world_find_gpu(observed, vm->host, observed->gpus[g].location_path) == g &&
			   !gpu_pool(observed, g)) {
			mark(&touch->vms[index], TOUCH_ROLE, g); /* an off VM names it */
		}
	}
}

/* Who has a whole GPU besides a partition does not wait for counts before it is off (order_rules.c), and once off its
 * adapters could be anywhere. */
static void touch_while_off(struct touch *touch, const struct world *observed, const struct world *goal, uint32_t index)
{
	struct vm_touch *mine = &touch->vms[index];
	const struct vm *vm = &observed->vms[index];
	if (!mine->causes || !vm->n_devices || vm_is_off(vm))
		return;
	for (uint32_t a = 0; a < vm->n_adapters && !mine->cycle; a++)
		mine->cycle = touch_adapter_is_in_the_way(touch, observed, goal, index, &vm->adapters[a]);
	mine->early |= mine->cycle;
}

struct touch *touch_make(struct arena *arena, const struct world *observed, const struct world *goal)
{
	struct touch *touch = arena_new_of(arena, struct touch);
	touch->vms = arena_array(arena, struct vm_touch, observed->n_vms);
	bool *changes = arena_array(arena, bool, observed->n_gpus);
	for (uint32_t g = 0; g < observed->n_gpus; g++) {
		changes[g] = count_changes(&observed->gpus[g], &goal->gpus[g]);
		touch->n_counts += changes[g];
		touch->n_roles += enters_passthrough(observed, goal, g) || leaves_passthrough(observed, goal, g);
	}
	touch->count_changes = changes;
	for (uint32_t i = 0; i < observed->n_vms; i++) {
		const struct vm *vm = &observed->vms[i];
		touch->vms[i].gpu = NO_INDEX;
		if (!has_all_parts(vm, &goal->vms[i]) || !has_all_parts(&goal->vms[i], vm))
			mark(&touch->vms[i], TOUCH_OWN, NO_INDEX);
		if (touch->n_counts)
			touch_by_counts(touch, observed, goal, i);
		if (touch->n_roles)
			touch_by_roles(touch, observed, goal, i);
		touch_while_off(touch, observed, goal, i);
		touch->vms[i].stop = touch->vms[i].causes && vm_can_stop(vm);
		touch->vms[i].blocked = touch->vms[i].causes && !vm_can_stop(vm) && !vm_is_off(vm);
	}
	return touch;
}

/* ---- room for those that run while counts change ---- */

static uint64_t offers(const struct world *goal, uint32_t host, bool *known)
{
	const struct host *it = &goal->hosts[host];
	uint64_t offered = 0;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		if (!gpu_offers_partitions(&goal->gpus[g]))
			continue;
		*known &= goal->gpus[g].count.known;
		offered += goal->gpus[g].count.value;
	}
	return offered;
}

static bool runs_meanwhile(const struct touch *touch, const struct world *observed, uint32_t host, uint32_t vm)
{
	return observed->vms[vm].host == host && vm_is_running(&observed->vms[vm]) && !touch->vms[vm].early;
}

static uint64_t partitions_meanwhile(const struct touch *touch, const struct world *observed, uint32_t host)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < observed->n_vms; i++)
		n += runs_meanwhile(touch, observed, host, i) ? observed->vms[i].n_adapters : 0;
	return n;
}

/* The first that gives a partition of this host up, one that stops anyway before one that would move live; or NO_INDEX. */
static uint32_t who_leaves(
	const struct touch *touch, const struct world *observed, const struct world *goal, uint32_t host)
{
	uint32_t best = NO_INDEX;
	for (uint32_t i = 0; i < observed->n_vms; i++) {
		const struct vm *now = &observed->vms[i], *then = &goal->vms[i];
		bool leaves = then->host != host || then->n_adapters < now->n_adapters;
		if (!runs_meanwhile(touch, observed, host, i) || !now->n_adapters || !leaves || !vm_can_stop(now))
			continue;
		if (best == NO_INDEX || (touch->vms[best].live && !touch->vms[i].live))
			best = i;
	}
	return best;
}

static void leave_early(struct touch *touch, const struct world *observed, const struct world *goal, uint32_t vm)
{
	struct vm_touch *mine = &touch->vms[vm];
	mine->stop = mine->early = true;
	mine->live = false;
	for (uint32_t a = 0; a < observed->vms[vm].n_adapters; a++)
		mine->cycle |= touch_adapter_is_in_the_way(touch, observed, goal, vm, &observed->vms[vm].adapters[a]);
}

void touch_make_room(struct touch *touch, const struct world *observed, const struct world *goal)
{
	for (uint32_t host = 0; host < observed->n_hosts; host++) {
		const struct host *it = &observed->hosts[host];
		bool changes = false, known = true;
		for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
			changes |= touch->count_changes[g];
		uint64_t offered = offers(goal, host, &known);
		while (changes && known && partitions_meanwhile(touch, observed, host) > offered) {
			uint32_t vm = who_leaves(touch, observed, goal, host);
			if (vm == NO_INDEX)
				break; /* they do not fit afterwards either, so the count is refused */
			leave_early(touch, observed, goal, vm);
		}
	}
}

/* ---- moves ---- */

static bool is_left(const struct touch *touch, const struct world *observed, uint32_t host)
{
	for (uint32_t i = 0; i < observed->n_vms; i++)
		if (touch->vms[i].move != MOVE_NONE && observed->vms[i].host == host)
			return true;
	return false;
}

/* Counts where it goes, then the move, then counts where it was: so that these chains never close to a circle, nobody
 * carries adapters to a host that another VM leaves. */
void touch_carry_adapters(struct touch *touch, const struct world *observed, const struct world *goal)
{
	for (uint32_t i = 0; i < observed->n_vms; i++) {
		struct vm_touch *mine = &touch->vms[i];
		bool moves = mine->move != MOVE_NONE && !mine->live;
		mine->carries = moves && mine->cycle && !is_left(touch, observed, goal->vms[i].host);
		mine->cycle = mine->cycle && !mine->carries;
	}
}
