/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/vram.h"

#include "reconcile/counts.h"
#include "reconcile/refuse.h"

enum { MIB_SHIFT = 20 };

struct maybe_u64 vram_of_partition(const struct gpu *gpu, struct maybe_u64 count)
{
	if (gpu->memory_unit != MEMORY_BYTES || !count.known || !count.value)
		return UNKNOWN;
	if (gpu->partition_memory.known && maybe_equal(gpu->count, count))
		return gpu->partition_memory;
	return gpu->memory.known ? KNOWN(gpu->memory.value / count.value) : UNKNOWN;
}

static bool requires_vram(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	return want->ownership == VM_MANAGED && !want->refused && !want->excluded && want->assignment->requires &&
	       want->group && !want->group->passthrough;
}

/* The smallest partition that the group has on the host in 'world', by what hosts tell of their GPUs today. */
static struct maybe_u64 smallest_on(const struct wants *wants, const struct world *world, uint32_t host)
{
	const struct host *it = &world->hosts[host];
	struct maybe_u64 least = UNKNOWN;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		if (wants->gpus[g].role != ROLE_PARTITIONED || !gpu_offers_partitions(&world->gpus[g]))
			continue;
		struct maybe_u64 size = vram_of_partition(&wants->input->observed->gpus[g], world->gpus[g].count);
		if (size.known && (!least.known || size.value < least.value))
			least = size;
	}
	return least;
}

struct asked {
	const struct wants *wants;
	uint64_t bytes;
};

static bool is_large_enough(uint32_t count, const void *user)
{
	const struct asked *asked = user;
	const struct world *world = asked->wants->input->observed;
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		struct maybe_u64 size = vram_of_partition(&world->gpus[g], KNOWN(count));
		if (asked->wants->gpus[g].role == ROLE_PARTITIONED && size.known && size.value < asked->bytes)
			return false;
	}
	return true;
}

static void refuse_one(struct wants *wants, uint32_t vm, uint64_t has)
{
	const struct spec_assignment *assignment = wants->vms[vm].assignment;
	uint64_t needs = assignment->requires->vram_bytes.value;
	refuse_vm(wants, vm, D_VRAM,
		"assignment '%s' requires partitions of %" G_GUINT64_FORMAT
		" MiB, and here they have %" G_GUINT64_FORMAT " MiB; counts that would do: %s",
		assignment->name, needs >> MIB_SHIFT, has >> MIB_SHIFT,
		counts_that(wants, is_large_enough, &(struct asked){ wants, needs }));
}

static void refuse_change(struct wants *wants, uint32_t vm, uint64_t would_have)
{
	const struct spec_assignment *assignment = wants->vms[vm].assignment;
	uint64_t needs = assignment->requires->vram_bytes.value;
	refuse_count(wants, D_VRAM,
		"VM '%s' has a partition as assignment '%s' requires, of %" G_GUINT64_FORMAT
		" MiB, and would have %" G_GUINT64_FORMAT " MiB; counts that would do: %s",
		wants->input->observed->vms[vm].name, assignment->name, needs >> MIB_SHIFT, would_have >> MIB_SHIFT,
		counts_that(wants, is_large_enough, &(struct asked){ wants, needs }));
}

bool vram_refuse(struct wants *wants, const struct world *goal)
{
	const struct world *world = wants->input->observed;
	bool any = false;
	for (uint32_t i = 0; i < goal->n_vms && wants->input->mode == PLAN_APPLY; i++) {
		if (!requires_vram(wants, i))
			continue;
		uint64_t needs = wants->vms[i].assignment->requires->vram_bytes.value;
		struct maybe_u64 then = smallest_on(wants, goal, goal->vms[i].host);
		struct maybe_u64 now = smallest_on(wants, world, world->vms[i].host);
		if (!then.known || then.value >= needs)
			continue;
		if (world->vms[i].n_adapters && now.known && now.value >= needs && !wants->count_refused) {
			refuse_change(wants, i, then.value);
			return true;
		}
		refuse_one(wants, i, then.value);
		any = true;
	}
	return any;
}

void vram_advise(const struct wants *wants, const struct world *goal)
{
	const struct spec_assignment *told = NULL;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct spec_assignment *assignment = wants->vms[i].assignment;
		if (!requires_vram(wants, i) || assignment == told || smallest_on(wants, goal, goal->vms[i].host).known)
			continue;
		diag_add(wants->diags, D_UNKNOWN_FACT, head_loc(&assignment->requires->head, "vram"),
			goal->hosts[goal->vms[i].host].name,
			"'%s' does not tell in bytes how large its partitions are, so it is not known whether VM '%s' "
			"gets what 'requires.vram' asks for",
			goal->hosts[goal->vms[i].host].name, goal->vms[i].name);
		told = assignment;
	}
}
