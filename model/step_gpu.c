/* SPDX-License-Identifier: Apache-2.0 */
/* Steps on a GPU: how many partitions it offers, and whether the host or a VM has it. */
#include "model/step_rows.h"

#include <glib.h>
#include <string.h>

int step_set_count(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct gpu *gpu = &world->gpus[step->gpu];
	struct gpu *after = NULL;

	(void)arena;
	if (!gpu_offers_partitions(gpu))
		return step_refuse(step, diags, "the GPU is %s and offers no partitions",
			name_of(&gpu_state_names, (int)gpu->state));
	if (maybe_is(gpu->count, step->count))
		return 0;
	if (step->count_before && gpu->count.known && gpu->count.value != step->count_before)
		return step_refuse(step, diags, "its partition count was expected to be %u and is %u",
			step->count_before, (uint32_t)gpu->count.value);
	if (!step->count || (gpu->n_valid_counts && !gpu_lists_count(gpu, step->count)))
		return step_refuse(step, diags, "the GPU does not list %u as a valid count", step->count);
	after = delta_gpu(out, world, step->gpu);
	after->count = KNOWN(step->count);
	after->partition_memory = gpu->memory.known ? KNOWN(gpu->memory.value / step->count) : UNKNOWN;
	return 0;
}

/* What only an enabled device tells is no longer known. */
static void forget_partitioning(struct gpu *gpu)
{
	gpu->count = gpu->memory = gpu->partition_memory = UNKNOWN;
	gpu->valid_counts = NULL;
	gpu->n_valid_counts = 0;
	gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
	gpu->incoming_live_migration = TRI_UNKNOWN;
}

static void note_mmio(struct arena *arena, struct host *host, const struct gpu *gpu)
{
	struct noted_mmio *noted = arena_array(arena, struct noted_mmio, host->n_noted + 1), *it = noted;
	uint32_t from = 0;

	while (from < host->n_noted && strcmp(host->noted[from].location_path, gpu->location_path) < 0)
		*it++ = host->noted[from++];
	*it++ = (struct noted_mmio){ gpu->location_path, gpu->mmio_low_bytes.value, gpu->mmio_high_bytes.value };
	if (from < host->n_noted && !strcmp(host->noted[from].location_path, gpu->location_path))
		from++;
	while (from < host->n_noted)
		*it++ = host->noted[from++];
	host->noted = noted;
	host->n_noted = (uint32_t)(it - noted);
}

static int refuse_in_pool(const struct world *world, const struct step *step, struct diags *diags)
{
	const struct pool *pool = gpu_pool(world, step->gpu);

	return pool ? step_refuse(step, diags, "the GPU is in pool '%s'", pool->name) : 0;
}

int step_dismount_gpu(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct gpu *gpu = &world->gpus[step->gpu];
	struct gpu *after = NULL;

	if (gpu->state == GPU_DISMOUNTED)
		return 0;
	if (gpu->state != GPU_PARTITIONABLE && gpu->state != GPU_PLAIN && gpu->state != GPU_DISABLED)
		return step_refuse(step, diags, "the GPU is %s", name_of(&gpu_state_names, (int)gpu->state));
	if (gpu->mitigation_driver == TRI_NO && !step->force)
		return step_refuse(step, diags, "the GPU has no mitigation driver, and the dismount is not forced");
	if (refuse_in_pool(world, step, diags))
		return -1;
	after = delta_gpu(out, world, step->gpu);
	after->state = GPU_DISMOUNTED;
	forget_partitioning(after);
	if (gpu->mmio_low_bytes.known && gpu->mmio_high_bytes.known)
		note_mmio(arena, delta_host(out, world, gpu->host), gpu);
	return 0;
}

/* Hopes that the host has the driver for partitions: no cmdlet brings it, and the host says so only afterwards. */
int step_mount_gpu(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct gpu *gpu = &world->gpus[step->gpu];
	struct gpu *after = NULL;

	(void)arena;
	if (gpu_offers_partitions(gpu) || gpu->state == GPU_PLAIN)
		return 0;
	if (gpu->state != GPU_DISMOUNTED)
		return step_refuse(step, diags, "the GPU is %s", name_of(&gpu_state_names, (int)gpu->state));
	if (refuse_in_pool(world, step, diags))
		return -1;
	after = delta_gpu(out, world, step->gpu);
	after->state = GPU_PARTITIONABLE;
	forget_partitioning(after);
	return 0;
}
