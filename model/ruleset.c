/* SPDX-License-Identifier: Apache-2.0 */
#include "model/rules.h"

NAMES_DEFINE(gpu_role_names, GPU_ROLES);
NAMES_DEFINE(vm_ownership_names, VM_OWNERSHIPS);

bool rules_in_play(const struct rules *rules, const struct world *world, uint32_t gpu)
{
	enum gpu_state state = world->gpus[gpu].state;

	if (rules->gpu_role[gpu] != ROLE_PARTITIONED || (rules->gpu_excluded && rules->gpu_excluded[gpu]))
		return false;
	return state == GPU_PARTITIONABLE || state == GPU_DISMOUNTED;
}
