/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/random_small.h"

static uint8_t random_gpu(const struct small *small, struct random *random, uint8_t usual)
{
	if (random_chance(random, 65))
		return usual;
	uint8_t gpu = (uint8_t)random_below(random, SMALL_GPU_COUNT);
	return gpu == SMALL_POOLED && (!small->failover || !small->per_host) ? SMALL_DISMOUNTED : gpu;
}

static struct small_vm random_vm(const struct small *small, struct random *random)
{
	struct small_vm vm = {
		.host = (uint8_t)random_below(random, small->n_hosts),
		.owner = (uint8_t)(random_chance(random, 60) ? SMALL_PARTITION
							     : random_below(random, SMALL_OWNER_COUNT)),
		.power = (uint8_t)(random_chance(random, 60) ? SMALL_RUNNING : random_below(random, SMALL_POWER_COUNT)),
		.part = (uint8_t)(random_chance(random, 50) ? SMALL_FREE : random_below(random, SMALL_PART_COUNT)),
		.gpu = (uint8_t)random_below(random, small->n_gpus),
	};
	if (vm.part == SMALL_FREE && vm.power == SMALL_OFF)
		vm.gpu = 0;
	else if (vm.part == SMALL_FREE && small->n_gpus == 2 && random_chance(random, 20))
		vm.gpu = SMALL_EITHER;
	if (vm.part == SMALL_NONE || (vm.part == SMALL_DEVICE && small->failover))
		vm.gpu = 0;
	vm.owed = vm.power == SMALL_OFF && random_chance(random, 25);
	return vm;
}

struct small random_small(struct random *random)
{
	struct small small = {
		.failover = random_chance(random, 50),
		.n_hosts = (uint8_t)(1 + random_below(random, SMALL_HOSTS)),
		.n_gpus = (uint8_t)(1 + random_chance(random, 75)),
		.count = (uint8_t)(1 << random_below(random, 3)),
		.unmanaged = (uint8_t)random_below(random, UNMANAGED_MODE_COUNT),
		.strategy = (uint8_t)random_below(random, STRATEGY_COUNT),
	};
	uint8_t usual = (uint8_t)random_below(random, 3);
	uint32_t n_vms = random_below(random, SMALL_VMS + 1);
	small.per_host = random_chance(random, 50) ? 0 : (uint8_t)(1 + random_below(random, small.n_gpus));
	for (uint32_t h = 0; h < small.n_hosts; h++)
		for (uint32_t g = 0; g < small.n_gpus; g++)
			small.gpus[h][g] = random_gpu(&small, random, usual);
	/* what could not be is tried again a few times, and then left out */
	for (uint32_t tries = 0; small.n_vms < n_vms && tries < 60; tries++) {
		small.vms[small.n_vms++] = random_vm(&small, random);
		if (!small_is_real(&small))
			small.n_vms--;
	}
	if (random_chance(random, 30))
		small.max_unavailable = (uint8_t)(1 + random_below(random, 3));
	return small;
}
