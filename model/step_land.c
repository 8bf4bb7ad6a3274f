/* SPDX-License-Identifier: Apache-2.0 */
/* Where the partitions and devices of a VM come to be at a start or a move, and whether there is room. */
#include "model/step_rows.h"

#include <glib.h>
#include <string.h>

const struct adapter *adapters_landed(
	struct arena *arena, const struct world *world, const struct vm *vm, uint64_t landing)
{
	struct adapter *adapters = NULL;

	if (!vm->n_adapters)
		return vm->adapters;
	adapters = arena_copy(arena, vm->adapters, sizeof(*adapters) * vm->n_adapters);
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		adapters[i].gpus = landing && adapters[i].pin ? adapter_gpus(world, vm, &adapters[i]) : landing;
	return adapters;
}

/* Adapters of other running VMs on the host, and those of them that could be on the GPUs of 'mask'. */
static uint32_t running_adapters(const struct world *world, uint32_t host, uint32_t except, uint64_t mask)
{
	uint32_t n = 0;

	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (v == except || vm->host != host || !vm->n_adapters || !vm_is_running(vm))
			continue;
		for (uint32_t i = 0; i < vm->n_adapters; i++)
			n += !!(adapter_gpus(world, vm, &vm->adapters[i]) & mask);
	}
	return n;
}

/* Partitions that the host offers in all; unknown when one of its GPUs does not tell. */
static struct maybe_u64 host_partitions(const struct world *world, uint32_t host)
{
	const struct host *it = &world->hosts[host];
	uint64_t sum = 0;

	for (uint32_t i = it->first_gpu; i < it->first_gpu + it->n_gpus; i++) {
		if (!gpu_offers_partitions(&world->gpus[i]))
			continue;
		if (!world->gpus[i].count.known)
			return UNKNOWN;
		sum += world->gpus[i].count.value;
	}
	return KNOWN(sum);
}

/* The others that could be on the GPU must leave room, wherever they are. */
static int check_pin(
	const struct world *world, const struct step *step, const struct adapter *adapter, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t gpu = world_find_gpu(world, vm->host, adapter->pin), n = 0;

	if (gpu == NO_INDEX || !gpu_offers_partitions(&world->gpus[gpu]))
		return step_refuse(
			step, diags, "an adapter is pinned to GPU '%s', which offers no partitions", adapter->pin);
	if (!world->gpus[gpu].count.known)
		return 0;
	n = running_adapters(world, vm->host, step->vm, gpu_bit(world, gpu));
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		n += !g_strcmp0(vm->adapters[i].pin, adapter->pin);
	if (n <= world->gpus[gpu].count.value)
		return 0;
	return step_refuse(step, diags, "GPU '%s', to which an adapter is pinned, may have no room", adapter->pin);
}

int check_partitions(
	const struct world *world, const struct step *step, uint32_t host, uint64_t *landing, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	struct maybe_u64 offered = UNKNOWN;
	uint64_t taken = 0;

	if (!vm->n_adapters)
		return 0;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin && check_pin(world, step, &vm->adapters[i], diags))
			return -1;
	*landing = host_landing_gpus(world, host, step->vm);
	offered = host_partitions(world, host);
	taken = running_adapters(world, host, step->vm, UINT64_MAX) + vm->n_adapters;
	if (!*landing || (offered.known && taken > offered.value))
		return step_refuse(step, diags, "host '%s' has no partition free for the VM", world->hosts[host].name);
	return 0;
}

/* Members of the pool on the VM's host that no running VM has. */
static uint32_t pool_free(const struct world *world, uint32_t host, const struct pool *pool, uint32_t except)
{
	uint32_t taken = 0;

	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (v == except || vm->host != host || !vm_is_running(vm))
			continue;
		for (uint32_t i = 0; i < vm->n_devices; i++)
			taken += vm->devices[i].pool && !g_ascii_strcasecmp(vm->devices[i].pool, pool->name);
	}
	return taken < pool->n_members ? pool->n_members - taken : 0;
}

static bool is_taken(const struct world *world, const struct vm *self, const char *location_path)
{
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (vm == self || vm->host != self->host || !vm_is_running(vm))
			continue;
		for (uint32_t i = 0; i < vm->n_devices; i++)
			if (!g_strcmp0(vm->devices[i].location_path, location_path))
				return true;
	}
	return false;
}

static int check_device_path(const struct world *world, const struct step *step, const char *path, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	uint32_t gpu = world_find_gpu(world, vm->host, path);

	/* A device that is no GPU, an NVMe disk say, is not in the world: nothing is known against it. */
	if (gpu != NO_INDEX && world->gpus[gpu].state != GPU_DISMOUNTED)
		return step_refuse(step, diags, "GPU '%s' of the VM is %s, and must be dismounted", path,
			name_of(&gpu_state_names, (int)world->gpus[gpu].state));
	if (is_taken(world, vm, path))
		return step_refuse(step, diags, "another running VM has device '%s'", path);
	return 0;
}

static int check_device_pool(const struct world *world, const struct step *step, const char *name, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];
	const struct host *host = &world->hosts[vm->host];
	const struct pool *pool = host_find_pool(host, name);
	uint32_t wanted = 0;

	for (uint32_t i = 0; i < vm->n_devices; i++)
		wanted += vm->devices[i].pool && !g_ascii_strcasecmp(vm->devices[i].pool, name);
	if (!pool)
		return step_refuse(step, diags, "host '%s' has no pool '%s'", host->name, name);
	if (pool_free(world, vm->host, pool, step->vm) < wanted)
		return step_refuse(step, diags, "pool '%s' of host '%s' has no free member", name, host->name);
	return 0;
}

int check_devices(const struct world *world, const struct step *step, struct diags *diags)
{
	const struct vm *vm = &world->vms[step->vm];

	for (uint32_t i = 0; i < vm->n_devices; i++) {
		const struct device *device = &vm->devices[i];

		if (device->pool ? check_device_pool(world, step, device->pool, diags)
				 : check_device_path(world, step, device->location_path, diags))
			return -1;
	}
	return 0;
}
