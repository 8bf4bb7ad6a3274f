/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/align.h"

#include "reconcile/resolve.h"

static bool is_in_play(const struct wants *wants, uint32_t gpu)
{
	return wants->gpus[gpu].role == ROLE_PARTITIONED && !wants->gpus[gpu].excluded &&
	       wants->input->observed->gpus[gpu].state == GPU_PARTITIONABLE;
}

/* Somebody holds the GPU who must not, or cannot, be asked to let go: a restore stops nobody. */
static bool is_held(const struct wants *wants, uint32_t gpu)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		if (!vm_could_be_on(world, vm, gpu))
			continue;
		bool may_cycle = vm_is_off(vm) && !wants->vms[i].frozen &&
				 (wants->vms[i].ownership == VM_MANAGED || wants->vms[i].debt == DEBT_OPEN);
		if (!may_cycle)
			return true;
	}
	return false;
}

/* How many GPUs would have to change for 'count', or NO_INDEX when it cannot be reached. */
static uint32_t steps_to(const struct wants *wants, uint64_t count)
{
	const struct world *world = wants->input->observed;
	uint32_t n = 0;
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (!is_in_play(wants, g) || maybe_is(world->gpus[g].count, count))
			continue;
		const struct gpu *lists = resolve_counts_from(world, g);
		if (wants->gpus[g].frozen || !lists || !gpu_lists_count(lists, (uint32_t)count) || is_held(wants, g))
			return NO_INDEX;
		n++;
	}
	return n;
}

/* A VM that is owed something comes back with a partition. */
static bool owes_a_partition(const struct wants *wants)
{
	for (uint32_t i = 0; i < wants->input->observed->n_vms; i++) {
		const struct vm *vm = &wants->input->observed->vms[i];
		if (wants->vms[i].debt == DEBT_OPEN && (vm->n_adapters || vm->debt->n_adapters))
			return true;
	}
	return false;
}

void align_counts(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	struct maybe_u64 best = UNKNOWN;
	uint32_t fewest = NO_INDEX;
	if (owes_a_partition(wants)) {
		if (wants->partitioned) { /* forward first: it wins ties */
			best = wants->partitioned->partition_count;
			fewest = steps_to(wants, best.value);
		}
		for (uint32_t g = 0; g < world->n_gpus; g++) {
			if (!is_in_play(wants, g) || !world->gpus[g].count.known)
				continue;
			uint32_t n = steps_to(wants, world->gpus[g].count.value);
			if (n < fewest) {
				fewest = n;
				best = world->gpus[g].count;
			}
		}
	}
	wants->count = fewest == NO_INDEX ? UNKNOWN : best;
}
