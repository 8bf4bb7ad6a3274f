/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host_copy.h"

/* Each copies the array at 'from', then what its elements point to. NULL stays NULL. */
#define COPY_OF(arena, from, n) ((from) && (n) ? arena_copy((arena), (from), sizeof(*(from)) * (size_t)(n)) : NULL)

static void keep(struct arena *arena, const char **text)
{
	*text = arena_strdup(arena, *text);
}

static const char *const *copy_texts(struct arena *arena, const char *const *from, uint32_t n)
{
	const char **texts = COPY_OF(arena, from, n);
	for (uint32_t i = 0; texts && i < n; i++)
		keep(arena, &texts[i]);
	return texts;
}

static struct adapter *copy_adapters(struct arena *arena, const struct adapter *from, uint32_t n)
{
	struct adapter *adapters = COPY_OF(arena, from, n);
	for (uint32_t i = 0; adapters && i < n; i++) {
		keep(arena, &adapters[i].id);
		keep(arena, &adapters[i].pin);
		adapters[i].gpu_paths = copy_texts(arena, adapters[i].gpu_paths, adapters[i].n_gpu_paths);
	}
	return adapters;
}

static struct device *copy_devices(struct arena *arena, const struct device *from, uint32_t n)
{
	struct device *devices = COPY_OF(arena, from, n);
	for (uint32_t i = 0; devices && i < n; i++) {
		keep(arena, &devices[i].location_path);
		keep(arena, &devices[i].pool);
	}
	return devices;
}

static struct debt *copy_debt(struct arena *arena, const struct debt *from)
{
	struct debt *debt = COPY_OF(arena, from, 1);
	if (!debt)
		return NULL;
	keep(arena, &debt->run);
	debt->adapters = copy_adapters(arena, debt->adapters, debt->n_adapters);
	debt->devices = copy_devices(arena, debt->devices, debt->n_devices);
	return debt;
}

static struct vm_record *copy_vm_record(struct arena *arena, const struct vm_record *from)
{
	struct vm_record *record = COPY_OF(arena, from, 1);
	if (!record)
		return NULL;
	keep(arena, &record->owner);
	keep(arena, &record->cluster);
	keep(arena, &record->group);
	return record;
}

static void copy_vm(struct arena *arena, struct vm *vm)
{
	keep(arena, &vm->id);
	keep(arena, &vm->name);
	keep(arena, &vm->group);
	keep(arena, &vm->guest_os);
	vm->adapters = copy_adapters(arena, vm->adapters, vm->n_adapters);
	vm->devices = copy_devices(arena, vm->devices, vm->n_devices);
	vm->debt = copy_debt(arena, vm->debt);
	vm->record = copy_vm_record(arena, vm->record);
}

static void copy_gpu(struct arena *arena, struct gpu *gpu)
{
	keep(arena, &gpu->location_path);
	keep(arena, &gpu->instance_id);
	keep(arena, &gpu->name);
	keep(arena, &gpu->pnp_status);
	keep(arena, &gpu->device);
	keep(arena, &gpu->subsystem);
	gpu->valid_counts = COPY_OF(arena, gpu->valid_counts, gpu->n_valid_counts);
}

static struct lease *copy_lease(struct arena *arena, const struct lease *from)
{
	struct lease *lease = COPY_OF(arena, from, 1);
	if (!lease)
		return NULL;
	keep(arena, &lease->holder);
	keep(arena, &lease->run);
	return lease;
}

static struct cluster_record *copy_record(struct arena *arena, const struct cluster_record *from)
{
	struct cluster_record *record = COPY_OF(arena, from, 1);
	if (!record)
		return NULL;
	keep(arena, &record->owner);
	keep(arena, &record->cluster);
	keep(arena, &record->commit);
	return record;
}

static void copy_lists(struct arena *arena, struct host *host)
{
	struct cluster_node *nodes = COPY_OF(arena, host->nodes, host->n_nodes);
	for (uint32_t i = 0; nodes && i < host->n_nodes; i++)
		keep(arena, &nodes[i].name);
	host->nodes = nodes;
	struct pool *pools = COPY_OF(arena, host->pools, host->n_pools);
	for (uint32_t i = 0; pools && i < host->n_pools; i++) {
		keep(arena, &pools[i].name);
		pools[i].members = copy_texts(arena, pools[i].members, pools[i].n_members);
	}
	host->pools = pools;
	struct noted_mmio *noted = COPY_OF(arena, host->noted, host->n_noted);
	for (uint32_t i = 0; noted && i < host->n_noted; i++)
		keep(arena, &noted[i].location_path);
	host->noted = noted;
}

static void copy_host(struct arena *arena, struct host *host)
{
	keep(arena, &host->name);
	keep(arena, &host->edition);
	keep(arena, &host->sriov_reasons);
	keep(arena, &host->cluster_name);
	copy_lists(arena, host);
	host->lease = copy_lease(arena, host->lease);
	host->record = copy_record(arena, host->record);
}

struct host_state *host_state_copy(struct arena *arena, const struct host_state *state)
{
	struct host_state *copy = COPY_OF(arena, state, 1);
	copy_host(arena, &copy->host);
	copy->gpus = COPY_OF(arena, state->gpus, state->n_gpus);
	for (uint32_t i = 0; i < state->n_gpus; i++)
		copy_gpu(arena, &copy->gpus[i]);
	copy->vms = COPY_OF(arena, state->vms, state->n_vms);
	for (uint32_t i = 0; i < state->n_vms; i++)
		copy_vm(arena, &copy->vms[i]);
	return copy;
}
