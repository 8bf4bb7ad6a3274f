/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not change when a case is changed, over seeded small worlds (tests/lib/random_small.h):
 *   - other names of hosts and VMs, another cost: never;
 *   - a tighter budget: it never makes the same wishes cheaper;
 *   - one more unmanaged VM under `Report`: no step touches it;
 *   - a world as the spec wants it: no step, whatever the policies are.
 * Usage: metamorphic [CASES [FIRST_SEED]]
 */
#include "tests/lib/random_small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct arena *arena;
	uint64_t seed, n_renamed, n_tightened, n_added, n_satisfied;
};

static const struct plan *planned(const struct run *run, const struct small *small)
{
	struct plan_input input = small_input(run->arena, small);
	return plan_cluster(run->arena, &input);
}

static int complain(const struct run *run, const struct small *before, const struct small *after, const char *what)
{
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ": %s\n  %s\n  %s\n", run->seed, what, small_text(run->arena, before),
		small_text(run->arena, after));
	return -1;
}

/* -1: a costs less than b. Time is left out: it hangs on where steps are, which names decide among equals. */
static int cost_order(const struct plan *a, const struct plan *b)
{
	const uint32_t left[] = { a->cost.vms_stopped, a->cost.vms_moved, a->cost.role_changes, a->cost.steps };
	const uint32_t right[] = { b->cost.vms_stopped, b->cost.vms_moved, b->cost.role_changes, b->cost.steps };
	for (size_t i = 0; i < G_N_ELEMENTS(left); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

/* Hosts in the opposite order, and of each host the GPUs; VMs likewise, so that all names change places. */
static struct small renamed(const struct small *small)
{
	struct small other = *small;
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			other.gpus[small->n_hosts - 1 - h][small->n_gpus - 1 - g] = small->gpus[h][g];
	for (uint32_t i = 0; i < small->n_vms; i++) {
		struct small_vm *vm = &other.vms[small->n_vms - 1 - i];
		*vm = small->vms[i];
		vm->host = (uint8_t)(small->n_hosts - 1 - vm->host);
		bool names_gpu = vm->part == SMALL_PINNED || (vm->part == SMALL_DEVICE && !small->failover) ||
				 (vm->part == SMALL_FREE && vm->power != SMALL_OFF && vm->gpu != SMALL_EITHER);
		if (names_gpu)
			vm->gpu = (uint8_t)(small->n_gpus - 1 - vm->gpu);
	}
	return other;
}

static int renaming_keeps_the_cost(struct run *run, const struct small *small, const struct plan *plan)
{
	struct small other = renamed(small);
	const struct plan *again = planned(run, &other);
	run->n_renamed++;
	if (!plan->complete || !again->complete)
		return 0; /* the rest of the cost is in the plan after it */
	if (plan->n_refusals || again->n_refusals)
		return 0; /* of equals the later in the manifests is refused, and names say which is later */
	if (plan->cost.vms_moved)
		return 0; /* who moves for room hangs on names; that can cost more than the least (tests/property/kept.txt) */
	return cost_order(plan, again) ? complain(run, small, &other, "other names, another cost") : 0;
}

static int tighter_budget_is_not_cheaper(struct run *run, const struct small *small, const struct plan *plan)
{
	struct small tight = *small;
	for (tight.max_unavailable = SMALL_VMS; tight.max_unavailable > 0; tight.max_unavailable--) {
		const struct plan *again = planned(run, &tight);
		if (plan->n_refusals || again->n_refusals)
			return 0; /* then it does less */
		run->n_tightened++;
		if (cost_order(again, plan) < 0)
			return complain(run, small, &tight, "a tighter budget costs less");
		plan = again;
	}
	return 0;
}

static int stranger_is_not_touched(struct run *run, const struct small *small, struct random *random)
{
	struct small more = *small;
	more.unmanaged = UNMANAGED_REPORT;
	for (uint32_t tries = 0; tries < 20; tries++) {
		uint8_t part = (uint8_t)(1 + random_below(random, SMALL_PART_COUNT - 1));
		more.n_vms = small->n_vms < SMALL_VMS ? small->n_vms : SMALL_VMS - 1;
		more.vms[more.n_vms++] = (struct small_vm){
			.host = (uint8_t)random_below(random, small->n_hosts),
			.owner = SMALL_UNMANAGED,
			.power = (uint8_t)random_below(random, SMALL_POWER_COUNT),
			.part = part,
			.gpu = (uint8_t)random_below(random, small->n_gpus),
		};
		if (small_is_real(&more))
			break;
	}
	if (!small_is_real(&more))
		return 0;
	const struct plan *plan = planned(run, &more);
	g_autofree char *id = g_strdup_printf("%u", more.n_vms - 1u);
	run->n_added++;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm_id && !strcmp(plan->steps[i].vm_id, id))
			return complain(run, small, &more, "a stranger is touched under Report");
	return 0;
}

/* The world as the spec wants it: every GPU in its role, every managed VM with its part, nobody pruned. */
static struct small satisfied(const struct small *small)
{
	struct small done = *small;
	done.n_vms = 0;
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			done.gpus[h][g] = g < small->per_host ? (small->failover ? SMALL_POOLED : SMALL_DISMOUNTED)
					  : small->count == 1 ? SMALL_1
					  : small->count == 2 ? SMALL_2
							      : SMALL_4;
	for (uint32_t i = 0; i < small->n_vms; i++) {
		struct small_vm *vm = &done.vms[done.n_vms++];
		*vm = small->vms[i];
		vm->owed = false;
		vm->owner = vm->owner == SMALL_OURS ? SMALL_UNMANAGED : vm->owner;
		if (vm->owner == SMALL_PARTITION && vm->part != SMALL_PINNED)
			vm->part = SMALL_FREE;
		if (vm->owner == SMALL_WHOLE)
			vm->part = SMALL_DEVICE;
		vm->gpu = vm->part == SMALL_FREE && vm->power != SMALL_OFF ? (uint8_t)(small->n_gpus - 1) : 0;
		if (vm->part == SMALL_PINNED)
			vm->gpu = (uint8_t)(small->n_gpus - 1);
		if (!small_is_real(&done))
			done.n_vms--;
	}
	return done;
}

static int satisfied_world_is_left_alone(struct run *run, const struct small *small)
{
	struct small done = satisfied(small);
	if (!small_is_real(&done))
		return 0;
	for (done.unmanaged = 0; done.unmanaged < UNMANAGED_MODE_COUNT; done.unmanaged++)
		for (done.strategy = 0; done.strategy < STRATEGY_COUNT; done.strategy++)
			for (done.max_unavailable = 0; done.max_unavailable < 3; done.max_unavailable++) {
				const struct plan *plan = planned(run, &done);
				run->n_satisfied++;
				if (plan->n_steps || plan->n_refusals)
					return complain(run, small, &done, "a satisfied spec plans something");
			}
	return 0;
}

static bool run_case(struct run *run)
{
	struct random random = random_from(run->seed);
	struct small small = random_small(&random);
	arena_clear(run->arena);
	const struct plan *plan = planned(run, &small);
	int failed = renaming_keeps_the_cost(run, &small, plan);
	failed |= tighter_budget_is_not_cheaper(run, &small, plan);
	failed |= stranger_is_not_touched(run, &small, &random);
	failed |= satisfied_world_is_left_alone(run, &small);
	return failed != 0;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct run run = { .arena = arena_new() };
	for (run.seed = first; run.seed < first + n && failed < 5; run.seed++)
		failed += run_case(&run);
	arena_free(run.arena);
	printf("%" G_GUINT64_FORMAT " worlds: %" G_GUINT64_FORMAT " renamed, %" G_GUINT64_FORMAT
	       " budgets tightened, %" G_GUINT64_FORMAT " strangers, %" G_GUINT64_FORMAT
	       " satisfied specs, %" G_GUINT64_FORMAT " failed\n",
		n, run.n_renamed, run.n_tightened, run.n_added, run.n_satisfied, failed);
	return failed ? 1 : 0;
}
