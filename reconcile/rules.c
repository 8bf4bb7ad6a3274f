/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/rules.h"

#include "reconcile/resolve.h"

/* A GPU whose change is refused bars nobody; with a refused count these are the ones that differ from it. */
/* So does one that stays dismounted in this plan: it is not in play (design.md section 2). */
bool rules_gpu_refused(const struct wants *wants, const struct world *goal, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	if (want->refused || want->frozen)
		return true;
	if (want->role == ROLE_PARTITIONED && goal->gpus[gpu].state != GPU_PARTITIONABLE)
		return true;
	return want->role == ROLE_PARTITIONED && wants->count_refused &&
	       !maybe_equal(wants->input->observed->gpus[gpu].count, wants->count);
}

struct rules *rules_make(struct arena *arena, const struct wants *wants, const struct world *goal)
{
	const struct world *world = wants->input->observed;
	struct rules *rules = arena_new_of(arena, struct rules);
	enum gpu_role *roles = arena_array(arena, enum gpu_role, world->n_gpus);
	bool *refused = arena_array(arena, bool, world->n_gpus), *excluded = arena_array(arena, bool, world->n_gpus);
	enum vm_ownership *ownership = arena_array(arena, enum vm_ownership, world->n_vms);
	struct maybe_u64 *low = arena_array(arena, struct maybe_u64, world->n_vms);
	struct maybe_u64 *high = arena_array(arena, struct maybe_u64, world->n_vms);
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		roles[g] = wants->gpus[g].role;
		refused[g] = rules_gpu_refused(wants, goal, g);
		excluded[g] = wants->gpus[g].excluded;
	}
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm_want *want = &wants->vms[i];
		ownership[i] = want->ownership;
		if (want->ownership != VM_MANAGED || !want->group || !want->group->passthrough)
			continue;
		struct mmio_need need = resolve_mmio(wants, want->group, i, want->assignment->count);
		low[i] = need.low_bytes;
		high[i] = need.high_bytes;
	}
	*rules = (struct rules){
		.gpu_role = roles,
		.gpu_refused = refused,
		.gpu_excluded = excluded,
		.vm_ownership = ownership,
		.max_partitions_per_vm = wants->input->cluster ? wants->input->cluster->max_partitions_per_vm : 1,
		.strategy = wants->input->cluster ? wants->input->cluster->rollout.strategy : STRATEGY_HOMOGENEOUS,
		.max_hosts = wants->input->cluster ? wants->input->cluster->rollout.max_hosts : 1,
		.unmanaged = wants->input->cluster ? wants->input->cluster->unmanaged : UNMANAGED_REPORT,
		.debts_only = wants->input->mode == PLAN_RESTORE,
		.vm_mmio_low = low,
		.vm_mmio_high = high,
	};
	return rules;
}
