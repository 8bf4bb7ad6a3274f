/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for unit tests: every GPU partitioned, every VM managed, one partition each, Homogeneous. Change what a test is about. */
#pragma once
#include "model/rules.h"

static inline struct rules *plainrules(struct arena *arena, const struct world *world)
{
	struct rules *rules = arena_new_of(arena, struct rules);
	enum gpu_role *roles = arena_array(arena, enum gpu_role, world->n_gpus);
	enum vm_ownership *ownership = arena_array(arena, enum vm_ownership, world->n_vms);

	for (uint32_t g = 0; g < world->n_gpus; g++)
		roles[g] = ROLE_PARTITIONED;
	for (uint32_t v = 0; v < world->n_vms; v++)
		ownership[v] = VM_MANAGED;
	*rules = (struct rules){
		.gpu_role = roles,
		.gpu_refused = arena_array(arena, bool, world->n_gpus),
		.gpu_excluded = arena_array(arena, bool, world->n_gpus),
		.vm_ownership = ownership,
		.max_partitions_per_vm = 1,
		.vm_mmio_low = arena_array(arena, struct maybe_u64, world->n_vms),
		.vm_mmio_high = arena_array(arena, struct maybe_u64, world->n_vms),
	};
	return rules;
}

/* The arrays of plainrules() are the test's to change. */
static inline void plainrules_role(struct rules *rules, uint32_t gpu, enum gpu_role role)
{
	((enum gpu_role *)rules->gpu_role)[gpu] = role;
}

static inline void plainrules_refuse(struct rules *rules, uint32_t gpu)
{
	((bool *)rules->gpu_refused)[gpu] = true;
}

static inline void plainrules_exclude(struct rules *rules, uint32_t gpu)
{
	((bool *)rules->gpu_excluded)[gpu] = true;
}

static inline void plainrules_own(struct rules *rules, uint32_t vm, enum vm_ownership ownership)
{
	((enum vm_ownership *)rules->vm_ownership)[vm] = ownership;
}
