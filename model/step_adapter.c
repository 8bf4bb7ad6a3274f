/* SPDX-License-Identifier: Apache-2.0 */
/* Steps on what a VM has: partition adapters and whole GPUs. */
#include "model/step_rows.h"

#include <glib.h>
#include <string.h>

bool adapter_same(const struct adapter *a, const struct adapter *b)
{
	if (g_strcmp0(a->pin, b->pin))
		return false;
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (!maybe_equal(a->quotas[i], b->quotas[i]))
			return false;
	return true;
}

bool device_same(const struct device *a, const struct device *b)
{
	if (a->pool || b->pool)
		return a->pool && b->pool && !g_ascii_strcasecmp(a->pool, b->pool);
	return !g_strcmp0(a->location_path, b->location_path);
}

/* 'n' elements of 'size' bytes less the one at 'at'. */
static void *array_without(struct arena *arena, const void *array, uint32_t n, size_t size, uint32_t at)
{
	const char *from = array;
	char *to = arena_alloc(arena, size * (n - 1));

	if (at)
		memcpy(to, from, size * at);
	if (at + 1 < n)
		memcpy(to + size * at, from + size * (at + 1), size * (n - at - 1));
	return to;
}

static void *array_with(struct arena *arena, const void *array, uint32_t n, size_t size, const void *element)
{
	char *to = arena_alloc(arena, size * (n + 1));

	if (n)
		memcpy(to, array, size * n);
	memcpy(to + size * n, element, size);
	return to;
}

static const struct debt *debt_or_none(struct debt *debt)
{
	return debt->power == DEBT_POWER_NONE && !debt->n_adapters && !debt->n_devices ? NULL : debt;
}

const struct debt *debt_without_power(struct arena *arena, const struct debt *debt)
{
	struct debt *left = NULL;

	if (!debt)
		return NULL;
	left = arena_copy(arena, debt, sizeof(*debt));
	left->power = DEBT_POWER_NONE;
	left->state_change = UNKNOWN;
	return debt_or_none(left);
}

const struct debt *debt_without_adapter(struct arena *arena, const struct debt *debt, const struct adapter *adapter)
{
	for (uint32_t i = 0; debt && i < debt->n_adapters; i++) {
		struct debt *left = NULL;

		if (!adapter_same(&debt->adapters[i], adapter))
			continue;
		left = arena_copy(arena, debt, sizeof(*debt));
		left->adapters = array_without(arena, debt->adapters, left->n_adapters--, sizeof(*debt->adapters), i);
		return debt_or_none(left);
	}
	return debt;
}

const struct debt *debt_without_device(struct arena *arena, const struct debt *debt, const struct device *device)
{
	for (uint32_t i = 0; debt && i < debt->n_devices; i++) {
		struct debt *left = NULL;

		if (!device_same(&debt->devices[i], device))
			continue;
		left = arena_copy(arena, debt, sizeof(*debt));
		left->devices = array_without(arena, debt->devices, left->n_devices--, sizeof(*debt->devices), i);
		return debt_or_none(left);
	}
	return debt;
}

const struct debt *debt_without_adapters(struct arena *arena, const struct debt *debt)
{
	struct debt *left = NULL;

	if (!debt || !debt->n_adapters)
		return debt;
	left = arena_copy(arena, debt, sizeof(*debt));
	left->n_adapters = 0;
	return debt_or_none(left);
}

const struct debt *debt_without_devices(struct arena *arena, const struct debt *debt)
{
	struct debt *left = NULL;

	if (!debt || !debt->n_devices)
		return debt;
	left = arena_copy(arena, debt, sizeof(*debt));
	left->n_devices = 0;
	return debt_or_none(left);
}

static int needs_off(const struct vm *vm, const struct step *step, struct diags *diags)
{
	if (vm_is_off(vm))
		return 0;
	return step_refuse(step, diags, "the VM is %s, and must be Off", name_of(&vm_state_names, (int)vm->state));
}

/* ---- partition adapters ---- */

static uint32_t adapter_find(const struct vm *vm, const struct adapter *wanted)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++) {
		const struct adapter *it = &vm->adapters[i];

		if (wanted->id ? !g_strcmp0(it->id, wanted->id) : adapter_same(it, wanted))
			return i;
	}
	return NO_INDEX;
}

int step_remove_adapter(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t at = adapter_find(vm, &step->adapter);
	struct vm *after = NULL;

	if (at == NO_INDEX)
		return 0;
	if (needs_off(vm, step, diags))
		return -1;
	after = delta_vm(out, world, step->vm);
	after->adapters = array_without(arena, vm->adapters, vm->n_adapters, sizeof(*vm->adapters), at);
	after->n_adapters--;
	return 0;
}

static uint32_t adapters_serving(const struct vm *vm, const struct adapter *wanted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vm->n_adapters; i++)
		n += !wanted->pin || !g_strcmp0(vm->adapters[i].pin, wanted->pin);
	return n;
}

int step_add_adapter(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	struct adapter added = step->adapter;
	struct vm *after = NULL;

	if (adapters_serving(vm, &added) >= MAX(step->count, 1))
		return 0;
	if (needs_off(vm, step, diags))
		return -1;
	if (added.pin) {
		uint32_t gpu = world_find_gpu(world, vm->host, added.pin);

		if (gpu == NO_INDEX || !gpu_offers_partitions(&world->gpus[gpu]))
			return step_refuse(step, diags,
				"GPU '%s' that the adapter is to be pinned to offers no partitions", added.pin);
	}
	added.id = NULL;
	added.pinned = added.pin ? TRI_YES : TRI_NO;
	added.gpus = 0;
	added.gpu_paths = NULL;
	added.n_gpu_paths = 0;
	after = delta_vm(out, world, step->vm);
	after->adapters = array_with(arena, vm->adapters, vm->n_adapters, sizeof(added), &added);
	after->n_adapters++;
	after->debt = debt_without_devices(arena, debt_without_adapter(arena, vm->debt, &added));
	return 0;
}

/* ---- whole GPUs ---- */

static uint32_t devices_equal(const struct vm *vm, const struct device *wanted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += device_same(&vm->devices[i], wanted);
	return n;
}

int step_remove_device(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t at = 0;
	struct vm *after = NULL;

	while (at < vm->n_devices && !device_same(&vm->devices[at], &step->device))
		at++;
	if (at == vm->n_devices)
		return 0;
	if (needs_off(vm, step, diags))
		return -1;
	after = delta_vm(out, world, step->vm);
	after->devices = array_without(arena, vm->devices, vm->n_devices, sizeof(*vm->devices), at);
	after->n_devices--;
	return 0;
}

/* A host gives a device to one VM alone, also while that one is off. */
static const struct vm *who_has_path(const struct world *world, const struct vm *vm, const char *path)
{
	for (uint32_t i = 0; i < world->n_vms; i++)
		for (uint32_t d = 0; world->vms[i].host == vm->host && d < world->vms[i].n_devices; d++)
			if (&world->vms[i] != vm && !g_strcmp0(world->vms[i].devices[d].location_path, path))
				return &world->vms[i];
	return NULL;
}

static int check_device(const struct world *world, const struct vm *vm, const struct step *step, struct diags *diags)
{
	const struct device *device = &step->device;
	const struct host *host = &world->hosts[vm->host];
	const struct vm *other = NULL;
	uint32_t gpu = NO_INDEX;

	if (device->pool)
		return host_find_pool(host, device->pool)
			       ? 0
			       : step_refuse(step, diags, "host '%s' has no pool '%s'", host->name, device->pool);
	gpu = world_find_gpu(world, vm->host, device->location_path);
	if (gpu == NO_INDEX)
		return step_refuse(step, diags, "host '%s' has no GPU at '%s'", host->name,
			device->location_path ? device->location_path : "");
	if (world->gpus[gpu].state != GPU_DISMOUNTED)
		return step_refuse(step, diags, "GPU '%s' is %s, and must be dismounted", device->location_path,
			name_of(&gpu_state_names, (int)world->gpus[gpu].state));
	other = who_has_path(world, vm, device->location_path);
	if (other)
		return step_refuse(step, diags, "GPU '%s' is in VM '%s', and must be taken from it first",
			device->location_path, other->name);
	return 0;
}

int step_add_device(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t wanted = step->device.pool ? MAX(step->count, 1) : 1;
	struct vm *after = NULL;

	if (devices_equal(vm, &step->device) >= wanted)
		return 0;
	if (needs_off(vm, step, diags) || check_device(world, vm, step, diags))
		return -1;
	after = delta_vm(out, world, step->vm);
	after->devices = array_with(arena, vm->devices, vm->n_devices, sizeof(*vm->devices), &step->device);
	after->n_devices++;
	after->debt = debt_without_adapters(arena, debt_without_device(arena, vm->debt, &step->device));
	return 0;
}
