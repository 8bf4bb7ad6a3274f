/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/worldgen.h"
#include "tests/lib/plainrules.h"
#include "tests/lib/worlds.h"

#include <glib.h>

static uint64_t next(struct worldgen *gen)
{
	uint64_t z = gen->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t worldgen_below(struct worldgen *gen, uint32_t n)
{
	return (uint32_t)(next(gen) % n);
}

bool worldgen_chance(struct worldgen *gen, uint32_t percent)
{
	return worldgen_below(gen, 100) < percent;
}

enum { VMS_MAX = 8 };
#define POOL "hvgpu-c-whole"

struct maker {
	struct arena *arena;
	struct worldgen gen;
	struct world *world;
	bool messy, failover;
};

static void make_cluster(struct maker *maker)
{
	uint32_t n = maker->world->n_hosts;
	struct cluster_node *nodes = arena_array(maker->arena, struct cluster_node, n);

	for (uint32_t h = 0; h < n; h++)
		nodes[h] = (struct cluster_node){ maker->world->hosts[h].name, NODE_UP };
	for (uint32_t h = 0; h < n; h++) {
		maker->world->hosts[h].cluster_name = "c";
		maker->world->hosts[h].nodes = nodes;
		maker->world->hosts[h].n_nodes = n;
	}
}

static void make_gpu(struct maker *maker, uint32_t gpu)
{
	struct gpu *it = &maker->world->gpus[gpu];

	if (worldgen_chance(&maker->gen, 20)) {
		worlds_dismount(maker->arena, maker->world, gpu,
			maker->failover || worldgen_chance(&maker->gen, 20) ? POOL : NULL);
		return;
	}
	if (!maker->messy)
		return;
	if (worldgen_chance(&maker->gen, 30))
		it->count = KNOWN(1u << worldgen_below(&maker->gen, 5));
	if (worldgen_chance(&maker->gen, 10))
		it->count = UNKNOWN;
	if (worldgen_chance(&maker->gen, 10))
		it->state = (enum gpu_state)worldgen_below(&maker->gen, GPU_STATE_COUNT);
	if (it->state == GPU_DISMOUNTED)
		worlds_dismount(maker->arena, maker->world, gpu, NULL);
	if (worldgen_chance(&maker->gen, 10))
		it->mitigation_driver = (enum tristate)worldgen_below(&maker->gen, 3);
}

static void mess_settings(struct maker *maker, struct vm *vm)
{
	vm->generation = worldgen_chance(&maker->gen, 10) ? 1 : 2;
	vm->automatic_checkpoints = worldgen_chance(&maker->gen, 40);
	vm->stop_action = (enum stop_action)worldgen_below(&maker->gen, STOP_ACTION_COUNT);
	vm->cache_control = worldgen_chance(&maker->gen, 50);
	vm->dynamic_memory = worldgen_chance(&maker->gen, 20);
	vm->memory_startup_bytes = KNOWN(4ull << 30);
	vm->memory_minimum_bytes = KNOWN((uint64_t)(1 + worldgen_below(&maker->gen, 4)) << 30);
	if (vm->clustered == TRI_YES)
		vm->offline_action = KNOWN(worldgen_below(&maker->gen, OFFLINE_ACTION_COUNT));
}

/* A GPU of the VM's host with a partition that nobody has for certain, or NO_INDEX. */
static uint32_t pick_gpu(struct maker *maker, uint32_t vm)
{
	const struct world *world = maker->world;
	uint32_t host = world->vms[vm].host, first = world->hosts[host].first_gpu;
	uint64_t landing = host_landing_gpus(world, host, NO_INDEX);
	uint32_t from = worldgen_below(&maker->gen, world->hosts[host].n_gpus);

	for (uint32_t i = 0; i < world->hosts[host].n_gpus; i++) {
		uint32_t at = (from + i) % world->hosts[host].n_gpus;

		if (landing & 1ull << at)
			return first + at;
	}
	return NO_INDEX;
}

static void give_partition(struct maker *maker, uint32_t vm)
{
	const struct world *world = maker->world;
	uint32_t gpu = pick_gpu(maker, vm);
	uint32_t at = gpu == NO_INDEX ? 0 : gpu - world->hosts[world->vms[vm].host].first_gpu;
	bool pinned = gpu != NO_INDEX && worldgen_chance(&maker->gen, 10);

	if (gpu == NO_INDEX && !vm_is_off(&world->vms[vm]))
		return;
	worlds_adapter(
		maker->arena, maker->world, vm, pinned ? (int)at : -1, vm_is_off(&world->vms[vm]) ? 0 : 1ull << at);
}

static bool is_whole_gpu_free(const struct world *world, uint32_t gpu)
{
	if (world->gpus[gpu].state != GPU_DISMOUNTED)
		return false;
	for (uint32_t v = 0; v < world->n_vms; v++)
		if (vm_device_could_be(world, &world->vms[v], gpu))
			return false;
	return true;
}

static void give_device(struct maker *maker, uint32_t vm)
{
	const struct host *host = &maker->world->hosts[maker->world->vms[vm].host];

	for (uint32_t i = 0; i < host->n_gpus; i++) {
		const struct pool *pool = gpu_pool(maker->world, host->first_gpu + i);

		if (!is_whole_gpu_free(maker->world, host->first_gpu + i))
			continue;
		worlds_device(maker->arena, maker->world, vm, i, pool ? pool->name : NULL);
		return;
	}
}

static enum vm_state pick_state(struct maker *maker)
{
	static const enum vm_state usual[] = { VM_RUNNING, VM_RUNNING, VM_RUNNING, VM_OFF, VM_OFF, VM_SAVED };

	if (maker->messy && worldgen_chance(&maker->gen, 15))
		return (enum vm_state)worldgen_below(&maker->gen, VM_STATE_COUNT);
	return usual[worldgen_below(&maker->gen, G_N_ELEMENTS(usual))];
}

static void make_vm(struct maker *maker)
{
	uint32_t host = worldgen_below(&maker->gen, maker->world->n_hosts);
	uint32_t vm = worlds_vm(maker->arena, maker->world, host, pick_state(maker)), what = 0;
	struct vm *it = &maker->world->vms[vm];

	if (maker->failover) {
		it->clustered = TRI_YES;
		it->group = it->name;
		it->offline_action = KNOWN(OFFLINE_FORCED);
	}
	what = worldgen_below(&maker->gen, 6);
	if (maker->messy || !what)
		mess_settings(maker, it);
	if (what && what < 4)
		give_partition(maker, vm);
	if (what == 4)
		give_device(maker, vm);
	if (maker->messy && it->n_adapters && worldgen_chance(&maker->gen, 10))
		give_partition(maker, vm);
}

struct world *worldgen_world(struct arena *arena, uint64_t seed, bool messy)
{
	struct maker maker = { .arena = arena, .gen = { seed }, .messy = messy };
	uint32_t hosts = 1 + worldgen_below(&maker.gen, 3), gpus = 1 + worldgen_below(&maker.gen, 3);

	maker.failover = worldgen_chance(&maker.gen, 60);
	maker.world = worlds_new(arena, hosts, gpus, 1u << worldgen_below(&maker.gen, 5), VMS_MAX);
	if (maker.failover)
		make_cluster(&maker);
	for (uint32_t g = 0; g < maker.world->n_gpus; g++)
		make_gpu(&maker, g);
	for (uint32_t n = worldgen_below(&maker.gen, VMS_MAX + 1); n; n--)
		make_vm(&maker);
	return maker.world;
}

/* ---- specs ---- */

static struct spec_cluster *make_spec_cluster(struct arena *arena, const struct world *world, struct worldgen *gen)
{
	struct spec_cluster *cluster = arena_new_of(arena, struct spec_cluster);
	struct spec_host *hosts = arena_array(arena, struct spec_host, world->n_hosts);
	struct gpu_group *groups = arena_array(arena, struct gpu_group, 2);
	struct spec_passthrough *whole = arena_new_of(arena, struct spec_passthrough);
	struct spec_match *match = arena_new_of(arena, struct spec_match);

	for (uint32_t h = 0; h < world->n_hosts; h++)
		hosts[h].name = world->hosts[h].name;
	match->model = "NVIDIA A2";
	whole->per_host = KNOWN(1);
	whole->dismount = worldgen_chance(gen, 50) ? DISMOUNT_FORCE : DISMOUNT_MITIGATED;
	groups[0] = (struct gpu_group){
		.name = "vdi", .match = match, .partition_count = KNOWN(1u << worldgen_below(gen, 5))
	};
	groups[1] = (struct gpu_group){ .name = "whole", .match = match, .passthrough = whole };
	*cluster = (struct spec_cluster){
		.name = "c",
		.type = world->hosts[0].cluster_name ? CLUSTER_FAILOVER : CLUSTER_STANDALONE,
		.hosts = hosts,
		.n_hosts = world->n_hosts,
		.gpus = groups,
		.rollout = { .max_unavailable = { .percent = true, .value = 100 },
			.max_hosts = 1,
			.stop = { .method = STOP_SHUTDOWN, .timeout_s = 300, .on_timeout = ON_TIMEOUT_FAIL } },
		.prune = true,
		.vm_settings = VM_SETTINGS_ENFORCE,
		.max_partitions_per_vm = 1,
	};
	/* One by one: the order of calls within an initializer is the compiler's, and a seed must mean one spec. */
	cluster->n_gpus = worldgen_chance(gen, 40) ? 2 : 1;
	cluster->rollout.strategy = worldgen_chance(gen, 30) ? STRATEGY_ROLLING : STRATEGY_HOMOGENEOUS;
	cluster->rollout.max_unavailable.set = worldgen_chance(gen, 50);
	cluster->unmanaged = (enum unmanaged_mode)worldgen_below(gen, UNMANAGED_MODE_COUNT);
	return cluster;
}

/* Some of the VMs: about 'percent' of those that are in no assignment yet. */
static struct spec_assignment make_assignment(struct arena *arena, const struct world *world, struct worldgen *gen,
	const char *name, const char *group, uint32_t percent, bool *taken)
{
	struct spec_vm *vms = arena_array(arena, struct spec_vm, world->n_vms);
	struct spec_assignment assignment = { .name = name, .cluster = "c", .gpus = group, .vms = vms, .count = 1 };

	for (uint32_t v = 0; v < world->n_vms; v++) {
		if (taken[v] || !worldgen_chance(gen, percent))
			continue;
		taken[v] = true;
		vms[assignment.n_vms++].name = world->vms[v].name;
	}
	return assignment;
}

struct spec *worldgen_spec(struct arena *arena, const struct world *world, uint64_t seed)
{
	struct worldgen gen = { seed ^ 0x5bec };
	struct spec *spec = arena_new_of(arena, struct spec);
	struct spec_cluster *cluster = make_spec_cluster(arena, world, &gen);
	struct spec_assignment *assignments = arena_array(arena, struct spec_assignment, 2);
	bool *taken = arena_array(arena, bool, world->n_vms);

	if (cluster->n_gpus > 1)
		assignments[spec->n_assignments++] = make_assignment(arena, world, &gen, "big", "whole", 20, taken);
	assignments[spec->n_assignments++] = make_assignment(arena, world, &gen, "desktops", "vdi", 60, taken);
	spec->assignments = assignments;
	spec->clusters = cluster;
	spec->n_clusters = 1;
	return spec;
}

struct rules *worldgen_rules(struct arena *arena, const struct world *world)
{
	struct rules *rules = plainrules(arena, world);

	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (world->gpus[g].state == GPU_DISMOUNTED)
			plainrules_role(rules, g, ROLE_PASSTHROUGH);
	return rules;
}
