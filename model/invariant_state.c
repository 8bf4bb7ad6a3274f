/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants that one world keeps or breaks, whatever step led to it. */
#include "model/invariant_parts.h"
#include "model/subject.h"

/* ---- exclusive, and the pools' part of capacity ---- */

static void check_gpu_exclusive(
	struct findings *findings, const struct world *world, const struct loads *loads, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];
	const struct host_load *load = &loads->hosts[it->host];

	if (it->state == GPU_DISMOUNTED && (load->not_off | load->pinned) & gpu_bit(world, gpu))
		findings_add(findings, INV_EXCLUSIVE, subject_gpu(findings->arena, world, gpu),
			"the GPU is dismounted, and an adapter of a VM could be on it");
}

/* A whole GPU in a VM that is not Off must be dismounted. */
static void check_device_exclusive(
	struct findings *findings, const struct world *world, const struct vm *vm, const struct device *device)
{
	uint32_t gpu = device->location_path ? world_find_gpu(world, vm->host, device->location_path) : NO_INDEX;

	if (gpu != NO_INDEX && world->gpus[gpu].state != GPU_DISMOUNTED)
		findings_add(findings, INV_EXCLUSIVE, subject_gpu(findings->arena, world, gpu),
			"the GPU is %s, and VM '%s' has it whole",
			name_of(&gpu_state_names, (int)world->gpus[gpu].state), vm->name);
}

/* Devices that VMs of one host have from one pool. */
struct pool_use {
	uint32_t host;
	const char *pool;
	uint32_t n_not_off, n_running;
};

static void pool_use_add(GArray **uses_at, const struct vm *vm, const char *pool)
{
	struct pool_use use = { vm->host, pool, 1, vm_is_running(vm) };
	GArray *uses = *uses_at ? *uses_at : (*uses_at = g_array_new(FALSE, FALSE, sizeof(use)));

	for (guint i = 0; i < uses->len; i++) {
		struct pool_use *it = &g_array_index(uses, struct pool_use, i);

		if (it->host == vm->host && !g_ascii_strcasecmp(it->pool, pool)) {
			it->n_not_off++;
			it->n_running += use.n_running;
			return;
		}
	}
	g_array_append_val(uses, use);
}

static void check_pools(struct findings *findings, const struct world *world, const GArray *uses)
{
	for (guint i = 0; uses && i < uses->len; i++) {
		const struct pool_use *use = &g_array_index(uses, struct pool_use, i);
		const struct pool *pool = host_find_pool(&world->hosts[use->host], use->pool);
		uint32_t n = pool ? pool->n_members : 0;
		const char *subject = subject_pool(findings->arena, world, use->host, pool ? pool->name : use->pool);

		if (use->n_not_off > n)
			findings_add(findings, INV_EXCLUSIVE, subject,
				"the pool has %u members, and VMs that are not Off have %u of them", n, use->n_not_off);
		if (use->n_running > n)
			findings_add(findings, INV_CAPACITY, subject,
				"the pool has %u members, and running VMs have %u", n, use->n_running);
	}
}

static void check_devices(struct findings *findings, const struct world *world)
{
	g_autoptr(GArray) uses = NULL; /* none in most worlds, and this is asked at every step of every order */

	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (!vm->n_devices || vm_is_off(vm))
			continue;
		for (uint32_t i = 0; i < vm->n_devices; i++) {
			check_device_exclusive(findings, world, vm, &vm->devices[i]);
			if (vm->devices[i].pool)
				pool_use_add(&uses, vm, vm->devices[i].pool);
		}
	}
	check_pools(findings, world, uses);
}

/* ---- the others ---- */

/* With strategy Rolling hosts differ on the way; on the way back availability wins. */
static void check_homogeneous(
	struct findings *findings, const struct world *world, const struct rules *rules, const struct loads *loads)
{
	bool *mixed = NULL;

	if (rules->strategy != STRATEGY_HOMOGENEOUS || rules->debts_only)
		return;
	mixed = mixed_of(findings->arena, world, rules, loads);
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (mixed[g])
			findings_add(findings, INV_HOMOGENEOUS, subject_gpu(findings->arena, world, g),
				"the GPU's partition count differs from that of a GPU which carries a running VM");
}

/* By the id of the VM: one that moves and has too much breaks the rule no more than before. */
static void check_one_partition(struct findings *findings, const struct world *world, const struct rules *rules)
{
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];
		if (!vm->n_adapters && !vm->debt)
			continue;
		const char *key = vm->id ? vm->id : subject_vm(findings->arena, world, v);

		/* who is owed more gets it back: what it had once is no more than what it has and is owed now */
		uint32_t n = vm->n_adapters + (vm->debt ? vm->debt->n_adapters : 0);

		if (!rules->debts_only && n > rules->max_partitions_per_vm)
			findings_add_of(findings, INV_ONE_PARTITION, key, subject_vm(findings->arena, world, v),
				"the VM has, or is owed, %u partition adapters, %u allowed", n,
				rules->max_partitions_per_vm);
		if (vm->n_adapters && vm_has_whole_gpu(world, vm))
			findings_add_of(findings, INV_ONE_PARTITION, arena_printf(findings->arena, "%s/device", key),
				arena_printf(findings->arena, "%s/device", subject_vm(findings->arena, world, v)),
				"the VM has a partition and a whole GPU");
	}
}

static void check_host_capacity(
	struct findings *findings, const struct world *world, const struct loads *loads, uint32_t host)
{
	const struct host *it = &world->hosts[host];
	uint64_t offered = 0;
	bool known = true;

	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		const struct gpu *gpu = &world->gpus[g];

		if (!gpu_offers_partitions(gpu))
			continue;
		known = known && gpu->count.known;
		offered += gpu->count.known ? gpu->count.value : 0;
		if (gpu->count.known && loads->certain[g] > gpu->count.value)
			findings_add(findings, INV_CAPACITY, subject_gpu(findings->arena, world, g),
				"running VMs have %u partitions of the GPU, it offers %" G_GUINT64_FORMAT,
				loads->certain[g], gpu->count.value);
	}
	if (known && loads->hosts[host].n_running > offered)
		findings_add(findings, INV_CAPACITY, subject_host(findings->arena, world, host),
			"running VMs have %u partitions, the host's GPUs offer %" G_GUINT64_FORMAT,
			loads->hosts[host].n_running, offered);
}

struct violations invariant_state(struct arena *arena, const struct world *world, const struct rules *rules)
{
	struct findings findings = { .arena = arena };
	g_auto(loads_auto) loads = loads_of(world);

	for (uint32_t g = 0; g < world->n_gpus; g++)
		check_gpu_exclusive(&findings, world, &loads, g);
	check_devices(&findings, world);
	check_homogeneous(&findings, world, rules, &loads);
	check_one_partition(&findings, world, rules);
	for (uint32_t h = 0; h < world->n_hosts; h++)
		check_host_capacity(&findings, world, &loads, h);
	return findings_take(&findings);
}
