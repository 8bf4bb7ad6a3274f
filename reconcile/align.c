/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/align.h"

#include "reconcile/counts.h"
#include "reconcile/moves.h"
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

/* Adapters of VMs that run at the end on the host; 'leaving': of these, of VMs that could go to another one. */
static uint64_t adapters_at_end(const struct wants *wants, uint32_t host, uint64_t *leaving)
{
	const struct world *world = wants->input->observed;
	uint64_t n = 0;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		bool starts = wants_owed_power(wants, i) && !wants->vms[i].frozen;
		if (vm->host != host || (!vm_is_running(vm) && !starts))
			continue;
		uint32_t mine = vm->n_adapters + (wants_owed_parts(wants, i) ? vm->debt->n_adapters : 0);
		n += mine;
		*leaving += starts && vm->clustered == TRI_YES && !wants->vms[i].stays ? mine : 0;
	}
	return n;
}

enum { COUNTS_AS_THEY_ARE = 0 };

/* How many VMs would have to move so that all find their partitions at 'count'; NO_INDEX when some would find none. */
static uint32_t moves_to(const struct wants *wants, uint64_t count)
{
	const struct world *world = wants->input->observed;
	uint64_t surplus = 0, free = 0;
	for (uint32_t host = 0; host < world->n_hosts; host++) {
		bool known = true;
		uint64_t leaving = 0, needed = adapters_at_end(wants, host, &leaving),
			 offered = counts_offered(wants, world, host, count, &known);
		if (!known)
			continue;
		if (needed > offered + leaving)
			return NO_INDEX;
		surplus += needed > offered ? needed - offered : 0;
		free += needed < offered && moves_host_takes(wants, host) ? offered - needed : 0;
	}
	return surplus > free ? NO_INDEX : (uint32_t)surplus;
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

/* Steps and moves to 'count', or NO_INDEX when it cannot be reached, or (when 'fits') not everybody would fit. */
static uint32_t price_of(const struct wants *wants, uint64_t count, bool fits)
{
	uint32_t steps = steps_to(wants, count), moves = fits ? moves_to(wants, count) : 0;
	return steps == NO_INDEX || moves == NO_INDEX ? NO_INDEX : steps + moves;
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

/* Of the GPUs with this count the first: each count is priced once. */
static bool is_first_with_its_count(const struct wants *wants, uint32_t gpu)
{
	const struct gpu *gpus = wants->input->observed->gpus;
	for (uint32_t g = 0; g < gpu; g++)
		if (is_in_play(wants, g) && maybe_is(gpus[g].count, gpus[gpu].count.value))
			return false;
	return true;
}

/* The least price of all counts, or NO_INDEX; forward first: it wins ties. */
static uint32_t cheapest(const struct wants *wants, bool fits, struct maybe_u64 *best)
{
	const struct world *world = wants->input->observed;
	uint32_t least = NO_INDEX;
	if (wants->partitioned) {
		*best = wants->partitioned->partition_count;
		least = price_of(wants, best->value, fits);
	}
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (!is_in_play(wants, g) || !world->gpus[g].count.known || !is_first_with_its_count(wants, g))
			continue;
		uint32_t price = price_of(wants, world->gpus[g].count.value, fits);
		if (price < least) {
			least = price;
			*best = world->gpus[g].count;
		}
	}
	return least;
}

void align_counts(struct wants *wants)
{
	struct maybe_u64 best = UNKNOWN;
	wants->count = UNKNOWN;
	if (!owes_a_partition(wants))
		return;
	if (cheapest(wants, true, &best) != NO_INDEX)
		wants->count = best;
	else if (moves_to(wants, COUNTS_AS_THEY_ARE) == NO_INDEX && cheapest(wants, false, &best) != NO_INDEX)
		wants->count = best; /* as many come back as fit */
}
