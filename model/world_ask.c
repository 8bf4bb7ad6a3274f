/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of model/world.h: states, and where an adapter or a device could be. */
#include "model/world.h"

#include <glib.h>
#include <string.h>

bool vm_is_running(const struct vm *vm)
{
	return vm->state != VM_OFF && vm->state != VM_SAVED;
}

bool vm_is_off(const struct vm *vm)
{
	return vm->state == VM_OFF;
}

struct maybe_u64 vm_memory(const struct vm *vm)
{
	bool is_assigned = vm->memory_bytes.known && vm->memory_bytes.value;
	return is_assigned ? vm->memory_bytes : vm->memory_startup_bytes;
}

bool vm_can_stop(const struct vm *vm)
{
	return vm->state == VM_RUNNING;
}

bool gpu_offers_partitions(const struct gpu *gpu)
{
	return gpu->state == GPU_PARTITIONABLE || gpu->state == GPU_PARAVIRTUALIZED;
}

uint64_t gpu_bit(const struct world *world, uint32_t gpu)
{
	uint32_t at = gpu - world->hosts[world->gpus[gpu].host].first_gpu;

	return at < GPUS_PER_HOST_MAX ? 1ull << at : 0;
}

bool gpu_lists_count(const struct gpu *gpu, uint32_t count)
{
	for (uint32_t i = 0; i < gpu->n_valid_counts; i++)
		if (gpu->valid_counts[i] == count)
			return true;
	return false;
}

static uint64_t host_offering_gpus(const struct world *world, uint32_t host)
{
	const struct host *it = &world->hosts[host];
	uint64_t mask = 0;

	for (uint32_t i = 0; i < it->n_gpus && i < GPUS_PER_HOST_MAX; i++)
		if (gpu_offers_partitions(&world->gpus[it->first_gpu + i]))
			mask |= 1ull << i;
	return mask;
}

uint64_t adapter_gpus(const struct world *world, const struct vm *vm, const struct adapter *adapter)
{
	if (adapter->pin) {
		uint32_t gpu = world_find_gpu(world, vm->host, adapter->pin);

		return gpu == NO_INDEX ? 0 : gpu_bit(world, gpu);
	}
	if (!vm_is_off(vm) && adapter->gpus)
		return adapter->gpus;
	return host_offering_gpus(world, vm->host);
}

uint64_t adapter_pins(const struct world *world, const struct vm *vm, const struct adapter *adapter)
{
	if (!adapter->pin && adapter->pinned == TRI_NO)
		return 0;
	return adapter_gpus(world, vm, adapter);
}

bool vm_could_be_on(const struct world *world, const struct vm *vm, uint32_t gpu)
{
	if (vm->host != world->gpus[gpu].host)
		return false;

	uint64_t bit = gpu_bit(world, gpu);

	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (adapter_gpus(world, vm, &vm->adapters[i]) & bit)
			return true;
	return false;
}

bool vm_device_could_be(const struct world *world, const struct vm *vm, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];
	const struct pool *pool = NULL;

	if (!vm->n_devices || vm->host != it->host)
		return false;
	pool = gpu_pool(world, gpu);
	for (uint32_t i = 0; i < vm->n_devices; i++) {
		const struct device *device = &vm->devices[i];

		if (device->location_path && !strcmp(device->location_path, it->location_path))
			return true;
		if (device->pool && pool && !g_ascii_strcasecmp(device->pool, pool->name))
			return true;
	}
	return false;
}

bool vm_has_whole_gpu(const struct world *world, const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (vm->devices[i].pool || world_find_gpu(world, vm->host, vm->devices[i].location_path) != NO_INDEX)
			return true;
	return false;
}

/* How many adapters of running VMs could be on the GPUs of one set and on no others. */
struct load {
	uint64_t mask;
	uint32_t n;
};

static void load_add(GArray *loads, uint64_t mask)
{
	struct load load = { mask, 1 };

	if (!mask)
		return;
	for (guint i = 0; i < loads->len; i++) {
		if (g_array_index(loads, struct load, i).mask == mask) {
			g_array_index(loads, struct load, i).n++;
			return;
		}
	}
	g_array_append_val(loads, load);
}

static GArray *host_loads(const struct world *world, uint32_t host, uint32_t except)
{
	GArray *loads = g_array_new(FALSE, FALSE, sizeof(struct load));

	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (v == except || vm->host != host || !vm_is_running(vm))
			continue;
		for (uint32_t i = 0; i < vm->n_adapters; i++)
			load_add(loads, adapter_gpus(world, vm, &vm->adapters[i]));
	}
	return loads;
}

/* Are all partitions of the GPUs in 'mask' taken by adapters that can be nowhere else? */
static bool is_full(const struct world *world, uint32_t host, const GArray *loads, uint64_t mask)
{
	uint64_t taken = 0, offered = 0;

	for (uint32_t i = 0; i < world->hosts[host].n_gpus && i < GPUS_PER_HOST_MAX; i++) {
		const struct gpu *gpu = &world->gpus[world->hosts[host].first_gpu + i];

		if (!(mask & 1ull << i) || !gpu_offers_partitions(gpu))
			continue;
		if (!gpu->count.known)
			return false;
		offered += gpu->count.value;
	}
	for (guint i = 0; i < loads->len; i++)
		if (!(g_array_index(loads, struct load, i).mask & ~mask))
			taken += g_array_index(loads, struct load, i).n;
	return taken >= offered;
}

/* Full is not only the GPU whose own partitions are taken: three adapters on two GPUs of two and one partitions fill
 * both, wherever each of them is. The sets tried are single GPUs, those that occur, and all; what only a union of
 * them would tell stays in the answer, which is the safe side. */
uint64_t host_landing_gpus(const struct world *world, uint32_t host, uint32_t except)
{
	uint64_t offering = host_offering_gpus(world, host), landing = offering;
	g_autoptr(GArray) loads = host_loads(world, host, except);

	for (uint32_t i = 0; i < GPUS_PER_HOST_MAX; i++)
		if (landing & 1ull << i && is_full(world, host, loads, 1ull << i))
			landing &= ~(1ull << i);
	for (guint i = 0; i < loads->len; i++) {
		uint64_t mask = g_array_index(loads, struct load, i).mask;

		if (mask & landing && is_full(world, host, loads, mask))
			landing &= ~mask;
	}
	if (landing && is_full(world, host, loads, offering))
		landing = 0;
	return landing;
}
