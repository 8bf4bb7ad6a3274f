/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small worlds for unit tests, built by hand: hosts hv01, hv02, … with GPUs at "PCIROOT(0)#PCI(0)", "PCIROOT(0)#PCI(1)", …
 * that list 1, 2, 4, 8 and 16, and VMs that fit both a partition and a whole GPU. Change what a test is about.
 */
#pragma once
#include "model/world.h"

static inline const char *worlds_path(struct arena *arena, uint32_t at)
{
	return arena_printf(arena, "PCIROOT(0)#PCI(%u)", at);
}

static inline struct gpu worlds_gpu(struct arena *arena, uint32_t host, uint32_t at, uint32_t count)
{
	static const uint32_t counts[] = { 1, 2, 4, 8, 16 };

	return (struct gpu){
		.host = host,
		.location_path = worlds_path(arena, at),
		.instance_id = arena_printf(arena, "PCI\\VEN_10DE&DEV_25B6&SUBSYS_157E10DE\\%u", at),
		.name = "NVIDIA A2",
		.pnp_status = "OK",
		.device = "10DE:25B6",
		.subsystem = "10DE:157E",
		.state = GPU_PARTITIONABLE,
		.mitigation_driver = TRI_YES,
		.valid_counts = arena_copy(arena, counts, sizeof(counts)),
		.n_valid_counts = 5,
		.count = KNOWN(count),
		.memory = KNOWN(16ull << 30),
		.partition_memory = KNOWN((16ull << 30) / count),
		.mmio_low_bytes = KNOWN(16 << 20),
		.mmio_high_bytes = KNOWN(32ull << 30),
	};
}

/* Hosts with 'gpus_per_host' GPUs of 'count' partitions each; no VMs, room for 'vms_max'. */
static inline struct world *worlds_new(
	struct arena *arena, uint32_t hosts, uint32_t gpus_per_host, uint32_t count, uint32_t vms_max)
{
	struct world *world = arena_new_of(arena, struct world);

	world->hosts = arena_array(arena, struct host, hosts);
	world->gpus = arena_array(arena, struct gpu, hosts * gpus_per_host);
	world->vms = arena_array(arena, struct vm, vms_max);
	for (uint32_t h = 0; h < hosts; h++) {
		world->hosts[world->n_hosts++] = (struct host){
			.name = arena_printf(arena, "hv%02u", h + 1),
			.os_build = KNOWN(26100),
			.edition = "Datacenter",
			.first_gpu = world->n_gpus,
			.n_gpus = gpus_per_host,
		};
		for (uint32_t g = 0; g < gpus_per_host; g++)
			world->gpus[world->n_gpus++] = worlds_gpu(arena, h, g, count);
	}
	return world;
}

static inline uint32_t worlds_vm(struct arena *arena, struct world *world, uint32_t host, enum vm_state state)
{
	uint32_t vm = world->n_vms++;

	world->vms[vm] = (struct vm){
		.host = host,
		.id = arena_printf(arena, "00000000-0000-0000-0000-%012u", vm + 1),
		.name = arena_printf(arena, "vm-%u", vm + 1),
		.state = state,
		.generation = 2,
		.clustered = TRI_NO,
		.stop_action = STOP_ACTION_TURN_OFF,
		.cache_control = true,
		.shutdown_answers = TRI_YES,
	};
	return vm;
}

/* One more partition adapter; 'pin': the host's GPU number, or -1; 'gpus': where it could be (VMs that are not Off). */
static inline void worlds_adapter(struct arena *arena, struct world *world, uint32_t vm, int pin, uint64_t gpus)
{
	struct vm *it = &world->vms[vm];
	struct adapter *adapters = arena_array(arena, struct adapter, it->n_adapters + 1);

	for (uint32_t i = 0; i < it->n_adapters; i++)
		adapters[i] = it->adapters[i];
	adapters[it->n_adapters] = (struct adapter){
		.id = arena_printf(arena, "Microsoft:%s\\%u", it->id, it->n_adapters + 1),
		.pin = pin < 0 ? NULL : worlds_path(arena, (uint32_t)pin),
		.pinned = pin < 0 ? TRI_NO : TRI_YES,
		.gpus = gpus,
	};
	it->adapters = adapters;
	it->n_adapters++;
}

/* One more whole GPU: by the host's GPU number, or of 'pool' when that is given. */
static inline void worlds_device(struct arena *arena, struct world *world, uint32_t vm, uint32_t gpu, const char *pool)
{
	struct vm *it = &world->vms[vm];
	struct device *devices = arena_array(arena, struct device, it->n_devices + 1);

	for (uint32_t i = 0; i < it->n_devices; i++)
		devices[i] = it->devices[i];
	devices[it->n_devices] =
		pool ? (struct device){ .pool = pool } : (struct device){ .location_path = worlds_path(arena, gpu) };
	it->devices = devices;
	it->n_devices++;
}

/* The GPU is dismounted, and in 'pool' of its host unless that is NULL. */
static inline void worlds_dismount(struct arena *arena, struct world *world, uint32_t gpu, const char *pool)
{
	struct gpu *it = &world->gpus[gpu];
	struct host *host = &world->hosts[it->host];
	struct pool *pools = NULL;
	const char **members = NULL;

	it->state = GPU_DISMOUNTED;
	it->count = it->partition_memory = it->memory = it->mmio_low_bytes = it->mmio_high_bytes = UNKNOWN;
	it->valid_counts = NULL;
	it->n_valid_counts = 0;
	if (!pool)
		return;
	if (!host->n_pools) {
		pools = arena_new_of(arena, struct pool);
		pools->name = pool;
		host->n_pools = 1;
	} else {
		pools = arena_copy(arena, host->pools, sizeof(*pools));
	}
	members = arena_array(arena, const char *, pools->n_members + 1);
	for (uint32_t i = 0; i < pools->n_members; i++)
		members[i] = pools->members[i];
	members[pools->n_members++] = it->location_path;
	pools->members = members;
	host->pools = pools;
}
