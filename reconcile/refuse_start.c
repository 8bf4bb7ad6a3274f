/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM that is stopped must be able to start again. In a world that keeps the rules it is; in one that breaks them
 * (more VMs than partitions, a whole GPU that the host has taken back) a stop would be for good, so it is refused.
 */
#include "reconcile/refuse.h"

#include <string.h>

static bool stays_running(const struct wants *wants, const struct touch *touch, uint32_t vm)
{
	return vm_is_running(&wants->input->observed->vms[vm]) && !touch->vms[vm].stop;
}

static bool is_pinned_to(const struct vm *vm, const char *path)
{
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		if (vm->adapters[a].pin && strcmp(vm->adapters[a].pin, path) == 0)
			return true;
	return false;
}

/* Others, who stay or are pinned there, too, may have filled the GPU that the VM is pinned to. Who stops and is not pinned starts
 * after it. */
static const char *pin_without_room(
	const struct wants *wants, const struct world *goal, const struct touch *touch, uint32_t vm, const char *pin)
{
	uint32_t gpu = world_find_gpu(goal, goal->vms[vm].host, pin);
	if (gpu == NO_INDEX || !gpu_offers_partitions(&goal->gpus[gpu]))
		return arena_printf(wants->arena, "it is pinned to %s, which offers no partitions", pin);
	uint64_t others = 0;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (i != vm && goal->vms[i].host == goal->vms[vm].host && vm_is_running(&goal->vms[i]) &&
			(is_pinned_to(&goal->vms[i], pin) ||
				(stays_running(wants, touch, i) && vm_could_be_on(goal, &goal->vms[i], gpu))))
			others += goal->vms[i].n_adapters;
	if (!goal->gpus[gpu].count.known || others < goal->gpus[gpu].count.value)
		return NULL;
	return arena_printf(wants->arena, "it is pinned to %s, where others may have all partitions", pin);
}

static const char *device_not_free(const struct wants *wants, const struct world *goal, uint32_t vm, const char *path)
{
	uint32_t gpu = world_find_gpu(goal, goal->vms[vm].host, path);
	if (gpu == NO_INDEX || goal->gpus[gpu].state == GPU_DISMOUNTED)
		return NULL;
	return arena_printf(wants->arena, "it has the whole GPU at %s, which is %s and not dismounted", path,
		name_of(&gpu_state_names, goal->gpus[gpu].state));
}

static const char *host_too_full(const struct wants *wants, const struct world *goal, uint32_t host)
{
	const struct host *it = &goal->hosts[host];
	uint64_t offered = 0, needed = 0;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		if (gpu_offers_partitions(&goal->gpus[g]) && !goal->gpus[g].count.known)
			return NULL;
		offered += gpu_offers_partitions(&goal->gpus[g]) ? goal->gpus[g].count.value : 0;
	}
	for (uint32_t i = 0; i < goal->n_vms; i++)
		needed += goal->vms[i].host == host && vm_is_running(&goal->vms[i]) ? goal->vms[i].n_adapters : 0;
	if (needed <= offered)
		return NULL;
	return arena_printf(wants->arena,
		"running VMs have %" G_GUINT64_FORMAT " partitions of '%s', which offers %" G_GUINT64_FORMAT, needed,
		it->name, offered);
}

static const char *obstacle(const struct wants *wants, const struct world *goal, const struct touch *touch, uint32_t vm)
{
	const struct vm *it = &goal->vms[vm];
	const char *text = NULL;
	for (uint32_t d = 0; d < it->n_devices && !text; d++)
		if (it->devices[d].location_path)
			text = device_not_free(wants, goal, vm, it->devices[d].location_path);
	for (uint32_t a = 0; a < it->n_adapters && !text; a++)
		if (it->adapters[a].pin)
			text = pin_without_room(wants, goal, touch, vm, it->adapters[a].pin);
	return text || !it->n_adapters ? text : host_too_full(wants, goal, it->host);
}

/* What lets go of a partition gains it again, and nobody gains one beside a whole GPU. */
static bool cannot_have_it_back(
	const struct wants *wants, const struct world *goal, const struct touch *touch, uint32_t vm)
{
	return touch->vms[vm].cycle && goal->vms[vm].n_adapters && vm_has_whole_gpu(goal, &goal->vms[vm]) &&
	       wants->vms[vm].ownership == VM_MANAGED;
}

bool refuse_start(struct wants *wants, const struct world *goal, const struct touch *touch)
{
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		bool owed = wants_owed_power(wants, i);
		const char *text = touch->vms[i].stop || owed ? obstacle(wants, goal, touch, i) : NULL;
		const char *reason = NULL;
		if (cannot_have_it_back(wants, goal, touch, i))
			reason = arena_printf(wants->arena,
				"VM '%s' has a partition and a whole GPU, so it would not be given the partition again",
				goal->vms[i].name);
		else if (text)
			reason = arena_printf(
				wants->arena, "VM '%s' would not start again: %s", goal->vms[i].name, text);
		else
			continue;
		if (touch->vms[i].causes && refuse_because_of(wants, goal, touch, i, D_VM_NOT_FIT, reason))
			return true;
		if (!touch->vms[i].causes && owed) {
			refuse_owed_start(wants, i, D_VM_NOT_FIT, reason);
			return true;
		}
	}
	return false;
}
