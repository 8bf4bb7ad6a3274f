/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs of the host: how many partitions, and whether the host has them at all. */
#include "providers/host/sim_act.h"

#include <string.h>

static uint32_t number(const struct sim_act *act)
{
	return (uint32_t)(act->gpu - act->self->gpus);
}

/* ---- count ---- */

static bool is_listed(const struct gpu *gpu, uint32_t count)
{
	for (uint32_t i = 0; i < gpu->n_valid_counts; i++)
		if (gpu->valid_counts[i] == count)
			return true;
	return false;
}

/* The driver is promised that no partition of the GPU exists; the documents demand more, that none is assigned. */
static enum host_error check_drained(struct sim_act *act)
{
	for (uint32_t v = 0; v < act->self->n_vms; v++) {
		const struct vm *vm = &act->self->vms[v];
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			if (sim_adapter_could_be(act->self, vm, &vm->adapters[a], number(act)))
				return sim_refuse(act, HOST_IN_USE,
					"The partition count cannot be changed: a partition is assigned to '%s'.",
					vm->name);
	}
	return HOST_OK;
}

enum host_error sim_set_count(struct sim_act *act)
{
	uint32_t count = act->step->count;
	enum host_error error = sim_find_gpu(act);
	if (error)
		return error;
	struct gpu *gpu = act->gpu;
	if (!gpu_offers_partitions(gpu))
		return sim_refuse(act, HOST_NOT_SUPPORTED, "'%s' is not a partitionable GPU of '%s'.",
			gpu->location_path, act->self->host.name);
	if (maybe_is(gpu->count, count))
		return HOST_OK;
	error = sim_check_expected(act);
	if (error)
		return error;
	if (!count || (gpu->n_valid_counts && !is_listed(gpu, count)))
		return sim_refuse(act, HOST_INVALID_PARAMETER, "%u is not one of the ValidPartitionCounts of '%s'.",
			count, gpu->location_path);
	error = check_drained(act);
	if (error)
		return error;
	gpu->count = KNOWN(count);
	gpu->partition_memory = gpu->memory.known ? KNOWN(gpu->memory.value / count) : UNKNOWN;
	sim_changed(act);
	return HOST_OK;
}

/* ---- dismount ---- */

static const struct pool *pool_of(const struct sim_act *act)
{
	for (uint32_t p = 0; p < act->self->host.n_pools; p++)
		for (uint32_t i = 0; i < act->self->host.pools[p].n_members; i++)
			if (!strcmp(act->self->host.pools[p].members[i], act->gpu->location_path))
				return &act->self->host.pools[p];
	return NULL;
}

static enum host_error check_dismount(struct sim_act *act)
{
	const struct gpu *gpu = act->gpu;
	if (gpu->state == GPU_FAILED)
		return sim_refuse(act, HOST_INVALID_STATE, "The device '%s' has failed.", gpu->location_path);
	if (gpu->mitigation_driver == TRI_NO && !act->step->force)
		return sim_refuse(act, HOST_NOT_SUPPORTED,
			"The operation failed.  The manufacturer of this device has not supplied "
			"any directives for securing this device while exposing it to a virtual machine. The device "
			"should only be "
			"exposed to trusted virtual machines.");
	for (uint32_t v = 0; v < act->self->n_vms; v++) {
		const struct vm *vm = &act->self->vms[v];
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			if ((vm_is_running(vm) || vm->adapters[a].pin) &&
				sim_adapter_could_be(act->self, vm, &vm->adapters[a], number(act)))
				return sim_refuse(act, HOST_IN_USE,
					"The device '%s' is in use: '%s' has a partition of it.", gpu->location_path,
					vm->name);
	}
	return pool_of(act) ? sim_refuse(act, HOST_IN_USE, "The device '%s' is in resource pool '%s'.",
				      gpu->location_path, pool_of(act)->name)
			    : HOST_OK;
}

static void note_mmio(struct sim_act *act)
{
	struct host *host = &act->self->host;
	const struct gpu *gpu = act->gpu;
	if (!gpu->mmio_low_bytes.known || !gpu->mmio_high_bytes.known)
		return;
	struct noted_mmio note = { gpu->location_path, gpu->mmio_low_bytes.value, gpu->mmio_high_bytes.value };
	uint32_t at = 0;
	while (at < host->n_noted && strcmp(host->noted[at].location_path, gpu->location_path) < 0)
		at++;
	if (at < host->n_noted && !strcmp(host->noted[at].location_path, gpu->location_path))
		host->noted = sim_without(act->world->arena, host->noted, host->n_noted--, at, sizeof(note));
	host->noted = sim_with(act->world->arena, host->noted, host->n_noted++, at, &note, sizeof(note));
}

static uint32_t find_hidden(const struct simulation *simulation, const char *host, const char *location_path)
{
	for (uint32_t i = 0; i < simulation->n_hidden; i++)
		if (!g_ascii_strcasecmp(simulation->hidden[i].host, host) &&
			!strcmp(simulation->hidden[i].location_path, location_path))
			return i;
	return NO_INDEX;
}

/* What only an enabled device tells is kept aside, for the day it is mounted again. */
static void hide(struct sim_act *act)
{
	struct simulation *simulation = sim_simulation(act);
	struct gpu *gpu = act->gpu;
	struct simulation_hidden hidden = { act->self->host.name, gpu->location_path, gpu->instance_id, gpu->state,
		gpu->valid_counts, gpu->n_valid_counts, gpu->count, gpu->memory, gpu->partition_memory,
		gpu->mmio_low_bytes, gpu->mmio_high_bytes, gpu->memory_unit, gpu->incoming_live_migration };
	if (hidden.state == GPU_DISABLED)
		hidden.state = gpu->n_valid_counts ? GPU_PARTITIONABLE : GPU_PLAIN;
	uint32_t old = find_hidden(simulation, hidden.host, hidden.location_path);
	if (old != NO_INDEX)
		simulation->hidden =
			sim_without(act->world->arena, simulation->hidden, simulation->n_hidden--, old, sizeof(hidden));
	simulation->hidden = sim_with(act->world->arena, simulation->hidden, simulation->n_hidden, simulation->n_hidden,
		&hidden, sizeof(hidden));
	simulation->n_hidden++;
	gpu->valid_counts = NULL;
	gpu->n_valid_counts = 0;
	gpu->count = gpu->memory = gpu->partition_memory = gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
	gpu->incoming_live_migration = TRI_UNKNOWN;
}

enum host_error sim_dismount(struct sim_act *act)
{
	enum host_error error = sim_find_gpu(act);
	if (error || act->gpu->state == GPU_DISMOUNTED)
		return error;
	error = sim_check_expected(act);
	if (!error)
		error = check_dismount(act);
	if (error)
		return error;
	struct gpu *gpu = act->gpu;
	note_mmio(act);
	hide(act);
	gpu->state = GPU_DISMOUNTED;
	if (gpu->instance_id && g_str_has_prefix(gpu->instance_id, "PCI\\"))
		gpu->instance_id = arena_printf(act->world->arena, "PCIP\\%s", gpu->instance_id + strlen("PCI\\"));
	sim_changed(act);
	return HOST_OK;
}

/* ---- mount ---- */

static enum host_error check_mount(struct sim_act *act)
{
	const struct gpu *gpu = act->gpu;
	if (gpu->state == GPU_FAILED)
		return sim_refuse(act, HOST_INVALID_STATE, "The device '%s' has failed.", gpu->location_path);
	const struct pool *pool = pool_of(act);
	if (pool)
		return sim_refuse(
			act, HOST_IN_USE, "The device '%s' is in resource pool '%s'.", gpu->location_path, pool->name);
	for (uint32_t v = 0; v < act->self->n_vms; v++)
		for (uint32_t d = 0; d < act->self->vms[v].n_devices; d++)
			if (!g_strcmp0(act->self->vms[v].devices[d].location_path, gpu->location_path))
				return sim_refuse(act, HOST_IN_USE, "The device '%s' is assigned to '%s'.",
					gpu->location_path, act->self->vms[v].name);
	return HOST_OK;
}

/* A GPU that the file began with as dismounted has nothing kept aside: it is like a sibling that shows itself. */
static const struct gpu *sibling(const struct sim_act *act)
{
	for (uint32_t h = 0; h < act->world->n_states; h++)
		for (uint32_t i = 0; i < act->world->states[h]->n_gpus; i++) {
			const struct gpu *gpu = &act->world->states[h]->gpus[i];
			if (gpu_offers_partitions(gpu) && !g_strcmp0(gpu->device, act->gpu->device) &&
				!g_strcmp0(gpu->subsystem, act->gpu->subsystem))
				return gpu;
		}
	return NULL;
}

static void show_like(struct gpu *gpu, const struct gpu *like)
{
	gpu->state = like ? like->state : GPU_PARTITIONABLE;
	gpu->count = KNOWN(1);
	if (!like)
		return;
	gpu->valid_counts = like->valid_counts;
	gpu->n_valid_counts = like->n_valid_counts;
	gpu->memory = gpu->partition_memory = like->memory;
	gpu->memory_unit = like->memory_unit;
	gpu->mmio_low_bytes = like->mmio_low_bytes;
	gpu->mmio_high_bytes = like->mmio_high_bytes;
	gpu->incoming_live_migration = like->incoming_live_migration;
}

static void show_hidden(struct sim_act *act, uint32_t at)
{
	struct simulation *simulation = sim_simulation(act);
	struct simulation_hidden hidden = simulation->hidden[at];
	struct gpu *gpu = act->gpu;
	gpu->state = hidden.state;
	gpu->instance_id = hidden.instance_id;
	gpu->valid_counts = hidden.valid_counts;
	gpu->n_valid_counts = hidden.n_valid_counts;
	gpu->count = hidden.count.known || !gpu_offers_partitions(gpu) ? hidden.count : KNOWN(1);
	gpu->memory = hidden.memory;
	gpu->partition_memory = hidden.partition_memory;
	gpu->mmio_low_bytes = hidden.mmio_low_bytes;
	gpu->mmio_high_bytes = hidden.mmio_high_bytes;
	gpu->memory_unit = hidden.memory_unit;
	gpu->incoming_live_migration = hidden.incoming_live_migration;
	simulation->hidden =
		sim_without(act->world->arena, simulation->hidden, simulation->n_hidden--, at, sizeof(hidden));
}

enum host_error sim_mount(struct sim_act *act)
{
	enum host_error error = sim_find_gpu(act);
	if (error)
		return error;
	struct gpu *gpu = act->gpu;
	if (gpu_offers_partitions(gpu) || gpu->state == GPU_PLAIN)
		return HOST_OK;
	error = sim_check_expected(act);
	if (!error)
		error = check_mount(act);
	if (error)
		return error;
	sim_keep_places(act);
	const struct simulation *simulation = act->world->simulation;
	uint32_t hidden = simulation ? find_hidden(simulation, act->self->host.name, gpu->location_path) : NO_INDEX;
	if (hidden != NO_INDEX)
		show_hidden(act, hidden);
	else
		show_like(gpu, sibling(act));
	if (gpu->instance_id && g_str_has_prefix(gpu->instance_id, "PCIP\\"))
		gpu->instance_id = arena_printf(act->world->arena, "PCI\\%s", gpu->instance_id + strlen("PCIP\\"));
	sim_changed(act);
	return HOST_OK;
}
