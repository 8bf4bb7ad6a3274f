/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host puts a partition. A real host chooses by itself at each start; the policies stand for what it might
 * do, so that a plan which relies on one choice is found out.
 */
#include "providers/host/sim_act.h"

#include <string.h>

bool sim_adapter_could_be(
	const struct host_state *host, const struct vm *vm, const struct adapter *adapter, uint32_t gpu)
{
	if (adapter->pin)
		return !strcmp(adapter->pin, host->gpus[gpu].location_path);
	if (!vm_is_off(vm) && adapter->gpus)
		return adapter->gpus >> gpu & 1;
	return gpu_offers_partitions(&host->gpus[gpu]);
}

/* Where the simulator takes the adapter of a running VM to be. A file may leave it open; the lowest GPU is as good. */
static uint32_t spot(const struct host_state *host, const struct vm *vm, const struct adapter *adapter)
{
	for (uint32_t i = 0; i < host->n_gpus; i++)
		if (sim_adapter_could_be(host, vm, adapter, i))
			return i;
	return NO_INDEX;
}

void sim_keep_places(struct sim_act *act)
{
	for (uint32_t v = 0; v < act->self->n_vms; v++) {
		struct vm *vm = &act->self->vms[v];
		struct adapter *adapters =
			arena_copy(act->world->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
		for (uint32_t a = 0; a < vm->n_adapters && !vm_is_off(vm); a++)
			for (uint32_t i = 0; i < act->self->n_gpus && !vm->adapters[a].gpus; i++)
				if (sim_adapter_could_be(act->self, vm, &vm->adapters[a], i))
					adapters[a].gpus |= (uint64_t)1 << i;
		vm->adapters = adapters;
	}
}

uint32_t sim_gpu_used(const struct host_state *host, uint32_t gpu, const struct vm *except)
{
	uint32_t used = 0;
	for (uint32_t v = 0; v < host->n_vms; v++) {
		const struct vm *vm = &host->vms[v];
		for (uint32_t a = 0; a < vm->n_adapters && vm != except && vm_is_running(vm); a++)
			used += spot(host, vm, &vm->adapters[a]) == gpu;
	}
	return used;
}

/* The count that most GPUs of that model have, in all hosts: what is not it is in the way of an alignment. */
static uint64_t usual_count(const struct sim_world *world, const struct gpu *like)
{
	uint32_t n_of[65] = { 0 };
	uint64_t best = like->count.value;
	for (uint32_t h = 0; h < world->n_states; h++)
		for (uint32_t i = 0; i < world->states[h]->n_gpus; i++) {
			const struct gpu *gpu = &world->states[h]->gpus[i];
			if (gpu->count.known && gpu->count.value <= 64 && !g_strcmp0(gpu->subsystem, like->subsystem))
				n_of[gpu->count.value]++;
		}
	for (uint32_t count = 0; count <= 64; count++)
		if (best > 64 || n_of[count] > n_of[best])
			best = count;
	return best;
}

static uint32_t most_in_the_way(const struct sim_act *act, const struct host_state *host, const uint32_t *gpus,
	const uint32_t *used, uint32_t n)
{
	uint32_t best = 0;
	uint64_t best_score = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct gpu *gpu = &host->gpus[gpus[i]];
		bool odd = gpu->count.known && gpu->count.value != usual_count(act->world, gpu);
		uint64_t score = (odd ? 1000 : 0) + used[gpus[i]] + 1;
		if (score >= best_score) {
			best = i;
			best_score = score;
		}
	}
	return best;
}

static uint32_t seeded(uint64_t seed, const char *vm_id, uint32_t adapter, uint32_t n)
{
	uint32_t words[] = { (uint32_t)seed, (uint32_t)(seed >> 32), g_str_hash(vm_id), adapter };
	GRand *rand = g_rand_new_with_seed_array(words, G_N_ELEMENTS(words));
	uint32_t chosen = g_rand_int_range(rand, 0, (int32_t)n);
	g_rand_free(rand);
	return chosen;
}

static uint32_t pick(const struct sim_act *act, const struct host_state *host, const struct vm *vm, uint32_t adapter,
	const uint32_t *gpus, const uint32_t *used, uint32_t n)
{
	const struct simulation *simulation = act->world->simulation;
	enum pick_policy policy = act->options->has_pick ? act->options->pick
				  : simulation           ? simulation->pick
							 : PICK_FIRST;
	uint64_t seed = act->options->has_seed ? act->options->seed : simulation ? simulation->seed : 0;
	switch (policy) {
	case PICK_LAST:
		return n - 1;
	case PICK_SEEDED:
		return seeded(seed, vm->id, adapter, n);
	case PICK_ADVERSARIAL:
		return most_in_the_way(act, host, gpus, used, n);
	default:
		return 0;
	}
}

static bool takes_live(const struct gpu *gpu, const struct gpu *from)
{
	return gpu->incoming_live_migration == TRI_YES && maybe_equal(gpu->count, from->count) &&
	       !g_strcmp0(gpu->device, from->device) && !g_strcmp0(gpu->subsystem, from->subsystem);
}

static bool has_room(const struct gpu *gpu, uint32_t used, const struct adapter *adapter, const struct gpu *from)
{
	if (!gpu_offers_partitions(gpu) || (adapter->pin && strcmp(adapter->pin, gpu->location_path)))
		return false;
	return (!from || takes_live(gpu, from)) && (!gpu->count.known || used < gpu->count.value);
}

struct adapter *sim_place(
	struct sim_act *act, const struct host_state *host, const struct vm *vm, const struct gpu *from)
{
	uint32_t used[GPUS_PER_HOST_MAX], gpus[GPUS_PER_HOST_MAX];
	for (uint32_t i = 0; i < host->n_gpus; i++)
		used[i] = sim_gpu_used(host, i, vm);
	struct adapter *placed = arena_copy(act->world->arena, vm->adapters, sizeof(*placed) * vm->n_adapters);
	/* Pinned adapters first: they have no choice. */
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t a = 0; a < vm->n_adapters; a++) {
			if ((round == 0) != (placed[a].pin != NULL))
				continue;
			uint32_t n = 0;
			for (uint32_t i = 0; i < host->n_gpus; i++)
				if (has_room(&host->gpus[i], used[i], &placed[a], from))
					gpus[n++] = i;
			if (!n)
				return NULL;
			uint32_t chosen = gpus[pick(act, host, vm, a, gpus, used, n)];
			placed[a].gpus = (uint64_t)1 << chosen;
			used[chosen]++;
		}
	return placed;
}

/* ---- whole devices ---- */

static bool is_member(const struct pool *pool, const char *location_path)
{
	for (uint32_t i = 0; i < pool->n_members; i++)
		if (!strcmp(pool->members[i], location_path))
			return true;
	return false;
}

uint32_t sim_pool_free(const struct host_state *host, const struct pool *pool, const struct vm *except)
{
	uint32_t there = 0, taken = 0;
	for (uint32_t i = 0; i < pool->n_members; i++) {
		uint32_t gpu = sim_gpu_at(host, pool->members[i]);
		there += gpu == NO_INDEX || host->gpus[gpu].state == GPU_DISMOUNTED;
	}
	for (uint32_t v = 0; v < host->n_vms; v++) {
		const struct vm *vm = &host->vms[v];
		for (uint32_t d = 0; d < vm->n_devices && vm != except && vm_is_running(vm); d++) {
			const struct device *device = &vm->devices[d];
			taken += device->pool ? !g_ascii_strcasecmp(device->pool, pool->name)
					      : is_member(pool, device->location_path);
		}
	}
	return taken < there ? there - taken : 0;
}

static void add_mmio(const struct host_state *host, const char *location_path, uint64_t *low, uint64_t *high)
{
	for (uint32_t i = 0; i < host->host.n_noted; i++)
		if (!strcmp(host->host.noted[i].location_path, location_path)) {
			*low += host->host.noted[i].low_bytes;
			*high += host->host.noted[i].high_bytes;
			return;
		}
}

void sim_mmio_needed(const struct host_state *host, const struct vm *vm, uint64_t *low, uint64_t *high)
{
	*low = *high = 0;
	for (uint32_t d = 0; d < vm->n_devices; d++) {
		const struct pool *pool = vm->devices[d].pool ? host_find_pool(&host->host, vm->devices[d].pool) : NULL;
		if (vm->devices[d].location_path)
			add_mmio(host, vm->devices[d].location_path, low, high);
		else if (pool && pool->n_members)
			add_mmio(host, pool->members[0], low, high);
	}
}
