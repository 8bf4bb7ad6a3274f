/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that are owed and that the host has no more: they stay owed, and keep nobody from anything else. */
#include "base/text.h"
#include "model/step.h"
#include "reconcile/refuse.h"

static const struct vm *who_has(const struct world *goal, uint32_t vm, const char *path)
{
	for (uint32_t i = 0; i < goal->n_vms; i++)
		for (uint32_t d = 0; i != vm && goal->vms[i].host == goal->vms[vm].host && d < goal->vms[i].n_devices;
			d++)
			if (g_strcmp0(goal->vms[i].devices[d].location_path, path) == 0)
				return &goal->vms[i];
	return NULL;
}

static uint32_t count_of_pool(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += g_strcmp0(vm->devices[i].pool, pool) == 0;
	return n;
}

/* Who has one keeps it, and of those who are to get one the first come first. */
static const char *why_not_of_pool(struct wants *wants, const struct world *goal, uint32_t vm, const char *name)
{
	const struct host *host = &goal->hosts[goal->vms[vm].host];
	const struct pool *pool = host_find_pool(host, name);
	if (!pool)
		return arena_printf(wants->arena, "'%s' has no pool '%s' any more", host->name, name);
	uint32_t n = 0;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		uint32_t has = count_of_pool(&wants->input->observed->vms[i], name),
			 gets = count_of_pool(&goal->vms[i], name);
		if (goal->vms[i].host == goal->vms[vm].host)
			n += i <= vm ? gets : MIN(has, gets);
	}
	return n > pool->n_members ? arena_printf(wants->arena, "pool '%s' of '%s' has no GPU left", name, host->name)
				   : NULL;
}

static const char *why_no_device(
	struct wants *wants, const struct world *goal, uint32_t vm, const struct device *device)
{
	struct arena *arena = wants->arena;
	const struct host *host = &goal->hosts[goal->vms[vm].host];
	if (device->pool)
		return why_not_of_pool(wants, goal, vm, device->pool);
	uint32_t gpu = world_find_gpu(goal, goal->vms[vm].host, device->location_path);
	if (gpu == NO_INDEX)
		return arena_printf(arena, "'%s' has no GPU at %s any more", host->name, device->location_path);
	if (goal->gpus[gpu].state != GPU_DISMOUNTED)
		return arena_printf(arena, "the GPU at %s of '%s' is %s, and not dismounted any more",
			device->location_path, host->name, name_of(&gpu_state_names, goal->gpus[gpu].state));
	const struct vm *other = who_has(goal, vm, device->location_path);
	return other ? arena_printf(arena, "VM '%s' has the GPU at %s of '%s' now", other->name, device->location_path,
			       host->name)
		     : NULL;
}

/* One that is not pinned can always be given; whether it can be started with is asked elsewhere (refuse_capacity.c). */
static const char *why_no_adapter(
	struct arena *arena, const struct world *goal, uint32_t vm, const struct adapter *adapter)
{
	uint32_t gpu = adapter->pin ? world_find_gpu(goal, goal->vms[vm].host, adapter->pin) : NO_INDEX;
	if (!adapter->pin || (gpu != NO_INDEX && gpu_offers_partitions(&goal->gpus[gpu])))
		return NULL;
	return arena_printf(arena, "the GPU at %s of '%s', to which its partition is pinned, offers none any more",
		adapter->pin, goal->hosts[goal->vms[vm].host].name);
}

static bool is_owed_device(const struct debt *debt, const struct device *device)
{
	for (uint32_t i = 0; i < debt->n_devices; i++)
		if (device_same(&debt->devices[i], device))
			return true;
	return false;
}

static bool is_owed_adapter(const struct debt *debt, const struct adapter *adapter)
{
	for (uint32_t i = 0; i < debt->n_adapters; i++)
		if (adapter_same(&debt->adapters[i], adapter))
			return true;
	return false;
}

static const char *why_gone(struct wants *wants, const struct world *goal, uint32_t vm)
{
	const struct vm *now = &wants->input->observed->vms[vm], *then = &goal->vms[vm];
	const char *why = NULL;
	for (uint32_t i = now->n_devices; i < then->n_devices && !why; i++) /* new ones come last */
		if (is_owed_device(now->debt, &then->devices[i]))
			why = why_no_device(wants, goal, vm, &then->devices[i]);
	for (uint32_t i = 0; i < then->n_adapters && !why; i++)
		if (!then->adapters[i].id && is_owed_adapter(now->debt, &then->adapters[i]))
			why = why_no_adapter(wants->arena, goal, vm, &then->adapters[i]);
	return why;
}

/* The wish of a manifest has refusals of its own. */
bool refuse_gone(struct wants *wants, const struct world *goal)
{
	bool any = false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const char *why =
			wants_owed_parts(wants, i) && !wants_has_wish(wants, i) ? why_gone(wants, goal, i) : NULL;
		if (!why)
			continue;
		refuse_parts(wants, i, D_NO_GPU,
			arena_printf(wants->arena,
				"%s; it gets that back once it is there again, or 'hvgpu settle %s SOURCE --leave-off' "
				"forgets it",
				why, text_shell_word(wants->arena, goal->vms[i].name)));
		any = true;
	}
	return any;
}
