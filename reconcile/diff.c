/* SPDX-License-Identifier: Apache-2.0 */
/* Two worlds with the same objects -> typed changes, over governed fields only. Empty is the steady state. */
#include "reconcile/planner.h"
#include "reconcile/touch.h"

#include <string.h>

struct differ {
	struct arena *arena;
	const struct world *before, *after;
	GArray *changes;
};

static struct change *add(struct differ *differ, enum change_kind kind, uint32_t host, const char *subject)
{
	struct change change = { .kind = kind, .host = host, .gpu = NO_INDEX, .vm = NO_INDEX, .subject = subject };
	g_array_append_val(differ->changes, change);
	return &g_array_index(differ->changes, struct change, differ->changes->len - 1);
}

static const char *number_text(struct differ *differ, struct maybe_u64 number)
{
	return number.known ? arena_printf(differ->arena, "%" G_GUINT64_FORMAT, number.value) : "unknown";
}

static const char *offline_text(struct maybe_u64 action)
{
	return action.known ? name_of(&offline_action_names, (int)action.value) : "unknown";
}

static const char *pool_name(const struct pool *pool)
{
	return pool ? pool->name : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct change *add_gpu(
	struct differ *differ, enum change_kind kind, uint32_t gpu, const char *before, const char *after)
{
	struct change *change =
		add(differ, kind, differ->before->gpus[gpu].host, subject_gpu(differ->arena, differ->before, gpu));
	change->gpu = gpu;
	change->before = before;
	change->after = after;
	return change;
}

static void diff_gpu(struct differ *differ, uint32_t gpu)
{
	const struct gpu *before = &differ->before->gpus[gpu], *after = &differ->after->gpus[gpu];
	const char *from = pool_name(gpu_pool(differ->before, gpu)), *to = pool_name(gpu_pool(differ->after, gpu));
	if (before->state != after->state)
		add_gpu(differ, CHANGE_GPU_STATE, gpu, name_of(&gpu_state_names, before->state),
			name_of(&gpu_state_names, after->state))
			->number = KNOWN(after->state);
	if (after->count.known && !maybe_equal(before->count, after->count))
		add_gpu(differ, CHANGE_COUNT, gpu, number_text(differ, before->count),
			number_text(differ, after->count))
			->number = after->count;
	if (!same_text(from, to))
		add_gpu(differ, CHANGE_POOL_MEMBER, gpu, from, to)->pool = to;
}

static void diff_host(struct differ *differ, uint32_t host)
{
	const struct host *before = &differ->before->hosts[host], *after = &differ->after->hosts[host];
	for (uint32_t i = 0; i < after->n_pools; i++) {
		if (host_find_pool(before, after->pools[i].name))
			continue;
		struct change *change = add(differ, CHANGE_POOL, host,
			arena_printf(differ->arena, "host/%s/pool/%s", before->name, after->pools[i].name));
		change->after = change->pool = after->pools[i].name;
	}
}

static struct change *add_vm(
	struct differ *differ, enum change_kind kind, uint32_t vm, const char *before, const char *after)
{
	struct change *change =
		add(differ, kind, differ->before->vms[vm].host, subject_vm(differ->arena, differ->before, vm));
	change->vm = vm;
	change->before = before;
	change->after = after;
	return change;
}

static void diff_place(struct differ *differ, uint32_t vm)
{
	const char *from = differ->before->hosts[differ->before->vms[vm].host].name;
	const char *to = differ->after->hosts[differ->after->vms[vm].host].name;
	if (strcmp(from, to) != 0)
		add_vm(differ, CHANGE_HOST, vm, from, to);
}

static const char *adapter_text(struct differ *differ, const struct adapter *adapter)
{
	return adapter->pin ? arena_printf(differ->arena, "a partition pinned to %s", adapter->pin) : "a partition";
}

static const char *device_text(struct differ *differ, const struct device *device)
{
	return device->pool ? arena_printf(differ->arena, "a GPU of pool %s", device->pool)
			    : arena_printf(differ->arena, "the GPU %s", device->location_path);
}

static uint32_t rank_of_device(const struct vm *vm, uint32_t device)
{
	uint32_t rank = 0;
	for (uint32_t i = 0; i < device; i++)
		rank += same_text(vm->devices[i].location_path, vm->devices[device].location_path) &&
			same_text(vm->devices[i].pool, vm->devices[device].pool);
	return rank;
}

static void diff_parts(struct differ *differ, uint32_t vm)
{
	const struct vm *before = &differ->before->vms[vm], *after = &differ->after->vms[vm];
	for (uint32_t i = 0; i < before->n_adapters; i++)
		if (!touch_has_adapter(after, &before->adapters[i]))
			add_vm(differ, CHANGE_ADAPTER_REMOVED, vm, adapter_text(differ, &before->adapters[i]), NULL)
				->adapter = before->adapters[i];
	for (uint32_t i = 0; i < after->n_adapters; i++)
		if (!touch_has_adapter(before, &after->adapters[i]))
			add_vm(differ, CHANGE_ADAPTER_ADDED, vm, NULL, adapter_text(differ, &after->adapters[i]))
				->adapter = after->adapters[i];
	for (uint32_t i = 0; i < before->n_devices; i++)
		if (!touch_has_device(after, &before->devices[i], rank_of_device(before, i)))
			add_vm(differ, CHANGE_DEVICE_REMOVED, vm, device_text(differ, &before->devices[i]), NULL)
				->device = before->devices[i];
	for (uint32_t i = 0; i < after->n_devices; i++)
		if (!touch_has_device(before, &after->devices[i], rank_of_device(after, i)))
			add_vm(differ, CHANGE_DEVICE_ADDED, vm, NULL, device_text(differ, &after->devices[i]))->device =
				after->devices[i];
}

static const char *on_off(bool value)
{
	return value ? "on" : "off";
}

static void diff_settings(struct differ *differ, uint32_t vm)
{
	const struct vm *before = &differ->before->vms[vm], *after = &differ->after->vms[vm];
	if (!maybe_equal(before->offline_action, after->offline_action))
		add_vm(differ, CHANGE_OFFLINE_ACTION, vm, offline_text(before->offline_action),
			offline_text(after->offline_action))
			->number = after->offline_action;
	if (before->automatic_checkpoints != after->automatic_checkpoints)
		add_vm(differ, CHANGE_AUTOMATIC_CHECKPOINTS, vm, on_off(before->automatic_checkpoints),
			on_off(after->automatic_checkpoints))
			->number = KNOWN(after->automatic_checkpoints);
	if (before->stop_action != after->stop_action)
		add_vm(differ, CHANGE_STOP_ACTION, vm, name_of(&stop_action_names, before->stop_action),
			name_of(&stop_action_names, after->stop_action))
			->number = KNOWN(after->stop_action);
	if (before->cache_control != after->cache_control)
		add_vm(differ, CHANGE_CACHE_CONTROL, vm, on_off(before->cache_control), on_off(after->cache_control))
			->number = KNOWN(after->cache_control);
	if (!maybe_equal(before->mmio_low_bytes, after->mmio_low_bytes))
		add_vm(differ, CHANGE_MMIO_LOW, vm, number_text(differ, before->mmio_low_bytes),
			number_text(differ, after->mmio_low_bytes))
			->number = after->mmio_low_bytes;
	if (!maybe_equal(before->mmio_high_bytes, after->mmio_high_bytes))
		add_vm(differ, CHANGE_MMIO_HIGH, vm, number_text(differ, before->mmio_high_bytes),
			number_text(differ, after->mmio_high_bytes))
			->number = after->mmio_high_bytes;
	if (before->state != after->state)
		add_vm(differ, CHANGE_POWER, vm, name_of(&vm_state_names, before->state),
			name_of(&vm_state_names, after->state))
			->number = KNOWN(after->state);
}

struct changes diff_worlds(struct arena *arena, const struct world *before, const struct world *after)
{
	struct differ differ = { arena, before, after, g_array_new(FALSE, TRUE, sizeof(struct change)) };
	for (uint32_t i = 0; i < before->n_hosts; i++)
		diff_host(&differ, i);
	for (uint32_t i = 0; i < before->n_gpus; i++)
		diff_gpu(&differ, i);
	for (uint32_t i = 0; i < before->n_vms; i++) {
		diff_place(&differ, i);
		diff_parts(&differ, i);
		diff_settings(&differ, i);
	}
	struct changes changes = { 0 };
	changes.items = arena_take_array(arena, differ.changes, &changes.n);
	return changes;
}
