/* SPDX-License-Identifier: Apache-2.0 */
#include "model/world.h"

#include <glib.h>
#include <string.h>

NAMES_DEFINE(node_state_names, NODE_STATES);
NAMES_DEFINE(gpu_state_names, GPU_STATES);
NAMES_DEFINE(memory_unit_names, MEMORY_UNITS);
NAMES_DEFINE(vm_state_names, VM_STATES);
NAMES_DEFINE(offline_action_names, OFFLINE_ACTIONS);
NAMES_DEFINE(stop_action_names, STOP_ACTIONS);
NAMES_DEFINE(checkpoint_type_names, CHECKPOINT_TYPES);
NAMES_DEFINE(quota_names, QUOTAS);
NAMES_DEFINE(debt_power_names, DEBT_POWERS);

/* Windows takes names that differ in case for the same; the exact order then keeps the result one and the same. */
static int name_order(const char *a, const char *b)
{
	int order = g_ascii_strcasecmp(a, b);

	return order ? order : strcmp(a, b);
}

static int state_order(const void *a, const void *b)
{
	const struct host_state *const *left = a, *const *right = b;

	return name_order((*left)->host.name, (*right)->host.name);
}

static int gpu_order(const void *a, const void *b)
{
	const struct gpu *const *left = a, *const *right = b;

	return strcmp((*left)->location_path, (*right)->location_path);
}

static int vm_order(const void *a, const void *b)
{
	const struct vm *left = a, *right = b;
	int order = name_order(left->name, right->name);

	return order ? order : strcmp(left->id, right->id);
}

/* Copies the GPUs of a host by location path. 'place[i]' is where the state's i-th GPU went. */
static void place_gpus(struct world *world, uint32_t host, const struct host_state *state, uint32_t *place)
{
	g_autofree const struct gpu **sorted = g_new(const struct gpu *, state->n_gpus + 1);

	for (uint32_t i = 0; i < state->n_gpus; i++)
		sorted[i] = &state->gpus[i];
	if (state->n_gpus > 1)
		qsort(sorted, state->n_gpus, sizeof(*sorted), gpu_order);
	world->hosts[host].first_gpu = world->n_gpus;
	world->hosts[host].n_gpus = state->n_gpus;
	for (uint32_t i = 0; i < state->n_gpus; i++) {
		struct gpu *gpu = &world->gpus[world->n_gpus++];

		*gpu = *sorted[i];
		gpu->host = host;
		place[sorted[i] - state->gpus] = i;
	}
}

static bool is_in_place(const uint32_t *place, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (place[i] != i)
			return false;
	return true;
}

static uint64_t mask_placed(uint64_t mask, const uint32_t *place, uint32_t n)
{
	uint64_t placed = 0;

	for (uint32_t i = 0; i < n && i < GPUS_PER_HOST_MAX; i++)
		if (mask & 1ull << i && place[i] < GPUS_PER_HOST_MAX)
			placed |= 1ull << place[i];
	return placed;
}

static void place_vms(
	struct arena *arena, struct world *world, uint32_t host, const struct host_state *state, const uint32_t *place)
{
	struct vm *first = &world->vms[world->n_vms];
	bool moved = !is_in_place(place, state->n_gpus);

	for (uint32_t i = 0; i < state->n_vms; i++) {
		struct vm *vm = &world->vms[world->n_vms++];
		struct adapter *adapters;

		*vm = state->vms[i];
		vm->host = host;
		if (!moved || !vm->n_adapters)
			continue;
		adapters = arena_copy(arena, vm->adapters, sizeof(*adapters) * vm->n_adapters);
		for (uint32_t k = 0; k < vm->n_adapters; k++)
			adapters[k].gpus = mask_placed(adapters[k].gpus, place, state->n_gpus);
		vm->adapters = adapters;
	}
	if (state->n_vms > 1)
		qsort(first, state->n_vms, sizeof(*first), vm_order);
}

/* Where a host could not tell, a running adapter is on one of the GPUs that list partitions now; one that is mounted
 * later in a prediction is none of them. */
static void fix_unknown_places(struct arena *arena, struct world *world)
{
	for (uint32_t i = 0; i < world->n_vms; i++) {
		struct vm *vm = &world->vms[i];
		if (vm_is_off(vm) || !vm->n_adapters)
			continue;
		bool told = true;
		for (uint32_t a = 0; a < vm->n_adapters && told; a++)
			told = vm->adapters[a].gpus == adapter_gpus(world, vm, &vm->adapters[a]);
		if (told)
			continue;
		struct adapter *adapters = arena_copy(arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			adapters[a].gpus = adapter_gpus(world, vm, &adapters[a]);
		vm->adapters = adapters;
	}
}

struct world *world_assemble(struct arena *arena, const struct host_state *const *states, uint32_t n_states)
{
	struct world *world = arena_new_of(arena, struct world);
	g_autofree const struct host_state **sorted = g_new(const struct host_state *, n_states + 1);
	uint32_t n_gpus = 0, n_vms = 0, most = 0;
	g_autofree uint32_t *place = NULL;

	for (uint32_t i = 0; i < n_states; i++) {
		sorted[i] = states[i];
		n_gpus += states[i]->n_gpus;
		n_vms += states[i]->n_vms;
		most = MAX(most, states[i]->n_gpus);
	}
	if (n_states > 1)
		qsort(sorted, n_states, sizeof(*sorted), state_order);
	place = g_new(uint32_t, most + 1);
	world->hosts = arena_array(arena, struct host, n_states);
	world->gpus = arena_array(arena, struct gpu, n_gpus);
	world->vms = arena_array(arena, struct vm, n_vms);
	for (uint32_t i = 0; i < n_states; i++) {
		world->hosts[world->n_hosts++] = sorted[i]->host;
		place_gpus(world, i, sorted[i], place);
		place_vms(arena, world, i, sorted[i], place);
	}
	fix_unknown_places(arena, world);
	return world;
}

struct world *world_copy(struct arena *arena, const struct world *world)
{
	struct world *copy = arena_copy(arena, world, sizeof(*world));

	copy->hosts = arena_copy(arena, world->hosts, sizeof(*world->hosts) * world->n_hosts);
	copy->gpus = arena_copy(arena, world->gpus, sizeof(*world->gpus) * world->n_gpus);
	copy->vms = arena_copy(arena, world->vms, sizeof(*world->vms) * world->n_vms);
	return copy;
}

struct host_state *world_host_state(struct arena *arena, const struct world *world, uint32_t host)
{
	struct host_state *state = arena_new_of(arena, struct host_state);
	uint32_t n_vms = 0;

	state->host = world->hosts[host];
	state->n_gpus = state->host.n_gpus;
	state->gpus = arena_copy(arena, world->gpus + state->host.first_gpu, sizeof(*state->gpus) * state->n_gpus);
	state->host.first_gpu = 0;
	for (uint32_t i = 0; i < state->n_gpus; i++)
		state->gpus[i].host = 0;
	for (uint32_t i = 0; i < world->n_vms; i++)
		n_vms += world->vms[i].host == host;
	state->vms = arena_array(arena, struct vm, n_vms);
	for (uint32_t i = 0; i < world->n_vms; i++) {
		if (world->vms[i].host != host)
			continue;
		state->vms[state->n_vms] = world->vms[i];
		state->vms[state->n_vms++].host = 0;
	}
	if (n_vms > 1)
		qsort(state->vms, n_vms, sizeof(*state->vms), vm_order);
	return state;
}

enum node_state host_node_state(const struct host *host)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (!g_ascii_strcasecmp(host->nodes[i].name, host->name))
			return host->nodes[i].state;
	return NODE_UNKNOWN;
}

const char *host_cluster(const struct host *host)
{
	return host->record && host->record->cluster ? host->record->cluster : host->cluster_name;
}

uint32_t world_find_host(const struct world *world, const char *name)
{
	for (uint32_t i = 0; name && i < world->n_hosts; i++)
		if (!g_ascii_strcasecmp(world->hosts[i].name, name))
			return i;
	return NO_INDEX;
}

uint32_t world_find_gpu(const struct world *world, uint32_t host, const char *location_path)
{
	if (host >= world->n_hosts || !location_path)
		return NO_INDEX;

	uint32_t first = world->hosts[host].first_gpu, end = first + world->hosts[host].n_gpus;

	for (uint32_t i = first; i < end; i++)
		if (!strcmp(world->gpus[i].location_path, location_path))
			return i;
	return NO_INDEX;
}

uint32_t world_find_vm(const struct world *world, const char *id)
{
	for (uint32_t i = 0; id && i < world->n_vms; i++)
		if (!g_ascii_strcasecmp(world->vms[i].id, id))
			return i;
	return NO_INDEX;
}

uint32_t world_find_vm_named(const struct world *world, const char *name, uint32_t *n_out)
{
	uint32_t found = NO_INDEX, n = 0;

	for (uint32_t i = 0; name && i < world->n_vms; i++) {
		if (g_ascii_strcasecmp(world->vms[i].name, name))
			continue;
		if (!n++)
			found = i;
	}
	if (n_out)
		*n_out = n;
	return found;
}

const struct cluster_record *world_newest_record(const struct world *world)
{
	const struct cluster_record *newest = NULL;
	for (uint32_t i = 0; i < world->n_hosts; i++) {
		const struct cluster_record *record = world->hosts[i].record;
		if (record && (!newest || record->epoch > newest->epoch))
			newest = record;
	}
	return newest;
}

bool world_is_of_others(const struct world *world, const char *owner)
{
	const struct cluster_record *newest = world_newest_record(world);
	return newest && newest->owner && owner && strcmp(newest->owner, owner) != 0;
}

const struct pool *host_find_pool(const struct host *host, const char *name)
{
	for (uint32_t i = 0; name && i < host->n_pools; i++)
		if (!g_ascii_strcasecmp(host->pools[i].name, name))
			return &host->pools[i];
	return NULL;
}

static bool pool_has(const struct pool *pool, const char *location_path)
{
	for (uint32_t i = 0; i < pool->n_members; i++)
		if (!strcmp(pool->members[i], location_path))
			return true;
	return false;
}

const struct pool *gpu_pool(const struct world *world, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];
	const struct host *host = &world->hosts[it->host];

	for (uint32_t i = 0; i < host->n_pools; i++)
		if (pool_has(&host->pools[i], it->location_path))
			return &host->pools[i];
	return NULL;
}
