/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/every_small.h"

#include <string.h>

enum { TYPES_MAX = 512 };

struct every {
	struct small small;
	struct small_vm types[TYPES_MAX]; /* what a VM can be beside these GPUs */
	uint32_t n_types;
	uint64_t n, first, stride;
	every_small_fn *each;
	void *user;
};

static void give(struct every *every)
{
	if (every->n >= every->first && (every->n - every->first) % every->stride == 0)
		every->each(&every->small, every->user);
	every->n++;
}

/* ---- symmetry ---- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct small_vm));
}

/* The world with its hosts in another order and some hosts' GPUs swapped. */
static struct small image_of(const struct small *small, const uint8_t *host_to, unsigned swapped)
{
	struct small image = *small;
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			image.gpus[host_to[h]][swapped & 1u << h ? 1 - g : g] = small->gpus[h][g];
	for (uint32_t i = 0; i < small->n_vms; i++) {
		struct small_vm *vm = &image.vms[i];
		bool names_gpu = vm->part == SMALL_PINNED || (vm->part == SMALL_DEVICE && !small->failover) ||
				 (vm->part == SMALL_FREE && vm->power != SMALL_OFF);
		if (names_gpu && vm->gpu != SMALL_EITHER && swapped & 1u << vm->host)
			vm->gpu = (uint8_t)(1 - vm->gpu);
		vm->host = host_to[vm->host];
	}
	qsort(image.vms, image.n_vms, sizeof(image.vms[0]), by_bytes);
	return image;
}

static bool is_least(const struct small *small, const uint8_t *host_to)
{
	for (unsigned swapped = 0; swapped < 1u << (small->n_gpus == 2 ? small->n_hosts : 0); swapped++) {
		struct small image = image_of(small, host_to, swapped);
		int order = memcmp(image.gpus, small->gpus, sizeof(image.gpus));
		if (order < 0 || (order == 0 && memcmp(image.vms, small->vms, sizeof(image.vms)) < 0))
			return false;
	}
	return true;
}

/* Of its class this is the world with the least bytes. */
static bool stands_for_its_class(const struct small *small)
{
	static const uint8_t orders[][SMALL_HOSTS] = { { 0, 1, 2 }, { 1, 0, 2 }, { 0, 2, 1 }, { 1, 2, 0 }, { 2, 0, 1 },
		{ 2, 1, 0 } };
	static const uint32_t n_orders[] = { 1, 1, 2, 6 };
	struct small sorted = *small;
	qsort(sorted.vms, sorted.n_vms, sizeof(sorted.vms[0]), by_bytes);
	for (uint32_t i = 0; i < n_orders[small->n_hosts]; i++)
		if (!is_least(&sorted, orders[i]))
			return false;
	return true;
}

/* ---- the list ---- */

static void every_unmanaged(struct every *every)
{
	bool any = false;
	for (uint32_t i = 0; i < every->small.n_vms; i++)
		any |= every->small.vms[i].owner == SMALL_UNMANAGED;
	for (uint8_t mode = 0; mode < (any ? UNMANAGED_MODE_COUNT : 1); mode++) {
		every->small.unmanaged = mode;
		for (uint8_t strategy = 0; strategy < STRATEGY_COUNT; strategy++) {
			every->small.strategy = strategy;
			for (uint8_t count = 1; count <= 4; count *= 2) {
				every->small.count = count;
				give(every);
			}
		}
	}
}

static void every_vm(struct every *every, uint32_t n, uint32_t from)
{
	if (n == every->small.n_vms) {
		if (small_is_real(&every->small) && stands_for_its_class(&every->small))
			every_unmanaged(every);
		return;
	}
	for (uint32_t type = from; type < every->n_types; type++) {
		every->small.vms[n] = every->types[type];
		every_vm(every, n + 1, type);
	}
}

/* Kinds of VM that can be real by themselves. */
static void list_types(struct every *every)
{
	struct small one = every->small;
	one.n_vms = 1;
	every->n_types = 0;
	for (uint8_t host = 0; host < one.n_hosts; host++)
		for (uint8_t owner = 0; owner < SMALL_OWNER_COUNT; owner++)
			for (uint8_t power = 0; power < SMALL_POWER_COUNT; power++)
				for (uint8_t part = 0; part < SMALL_PART_COUNT; part++)
					for (uint8_t gpu = 0; gpu < one.n_gpus; gpu++) {
						one.vms[0] = (struct small_vm){ host, owner, power, part, gpu, false };
						if (small_is_real(&one) && every->n_types < TYPES_MAX)
							every->types[every->n_types++] = one.vms[0];
					}
}

static void every_gpu(struct every *every, uint32_t n)
{
	struct small *small = &every->small;
	if (n == (uint32_t)small->n_hosts * small->n_gpus) {
		list_types(every);
		every_vm(every, 0, 0);
		return;
	}
	for (uint8_t state = 0; state < SMALL_GPU_COUNT; state++) {
		if (state == SMALL_POOLED && (!small->failover || !small->per_host))
			continue;
		small->gpus[n / small->n_gpus][n % small->n_gpus] = state;
		every_gpu(every, n + 1);
	}
}

uint64_t every_small(struct every_size size, uint64_t first, uint64_t stride, every_small_fn *each, void *user)
{
	struct every every = { .first = first, .stride = stride, .each = each, .user = user };
	for (int failover = 0; failover <= 1; failover++)
		for (uint8_t per_host = 0; per_host <= size.n_gpus; per_host++) {
			every.small = (struct small){
				.failover = failover,
				.n_hosts = size.n_hosts,
				.n_gpus = size.n_gpus,
				.n_vms = size.n_vms,
				.per_host = per_host,
			};
			every_gpu(&every, 0);
		}
	return every.n;
}
