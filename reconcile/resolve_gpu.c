/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/resolve.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

const struct gpu *resolve_counts_from(const struct world *world, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];
	if (it->n_valid_counts)
		return it;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		if (world->gpus[i].n_valid_counts && same_text(world->gpus[i].subsystem, it->subsystem) &&
			same_text(world->gpus[i].device, it->device))
			return &world->gpus[i];
	return NULL;
}

/* ---- pools ---- */

static const char *const *with_member(struct arena *arena, const struct pool *pool, const char *path, uint32_t *n_out)
{
	const char **members = arena_array(arena, const char *, pool->n_members + 1);
	uint32_t n = 0;
	bool placed = false;
	for (uint32_t i = 0; i < pool->n_members; i++) {
		if (!placed && strcmp(path, pool->members[i]) < 0) {
			members[n++] = path;
			placed = true;
		}
		members[n++] = pool->members[i];
	}
	if (!placed)
		members[n++] = path;
	*n_out = n;
	return members;
}

static const char *const *without_member(
	struct arena *arena, const struct pool *pool, const char *path, uint32_t *n_out)
{
	const char **members = arena_array(arena, const char *, pool->n_members);
	uint32_t n = 0;
	for (uint32_t i = 0; i < pool->n_members; i++)
		if (strcmp(path, pool->members[i]) != 0)
			members[n++] = pool->members[i];
	*n_out = n;
	return members;
}

static struct pool *copy_pools(struct arena *arena, const struct host *host, uint32_t room)
{
	struct pool *pools = arena_array(arena, struct pool, host->n_pools + room);
	if (host->n_pools)
		memcpy(pools, host->pools, host->n_pools * sizeof(*pools));
	return pools;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pool *)a)->name, ((const struct pool *)b)->name);
}

static void ensure_pool(struct arena *arena, struct host *host, const char *name)
{
	if (host_find_pool(host, name))
		return;
	struct pool *pools = copy_pools(arena, host, 1);
	pools[host->n_pools] = (struct pool){ .name = name };
	host->pools = pools;
	host->n_pools++;
	qsort(pools, host->n_pools, sizeof(*pools), by_name);
}

/* Makes the GPU a member of 'name' alone; NULL: of none. */
static void set_membership(struct arena *arena, struct world *goal, uint32_t gpu, const char *name)
{
	struct host *host = &goal->hosts[goal->gpus[gpu].host];
	const char *path = goal->gpus[gpu].location_path;
	const struct pool *now = gpu_pool(goal, gpu);
	if ((!now && !name) || (now && name && strcmp(now->name, name) == 0))
		return;
	struct pool *pools = copy_pools(arena, host, 0);
	for (uint32_t i = 0; i < host->n_pools; i++) {
		if (now && strcmp(pools[i].name, now->name) == 0)
			pools[i].members = without_member(arena, &pools[i], path, &pools[i].n_members);
		else if (name && strcmp(pools[i].name, name) == 0)
			pools[i].members = with_member(arena, &pools[i], path, &pools[i].n_members);
	}
	host->pools = pools;
}

/* ---- roles ---- */

static void pass_through(struct arena *arena, struct wants *wants, struct world *goal, uint32_t gpu)
{
	struct gpu *it = &goal->gpus[gpu];
	if (it->state != GPU_DISMOUNTED) {
		it->state = GPU_DISMOUNTED;
		it->count = UNKNOWN;
		it->valid_counts = NULL;
		it->n_valid_counts = 0;
	}
	if (wants->input->cluster->type != CLUSTER_FAILOVER)
		return;
	const char *pool = group_pool_name(arena, wants->input->cluster, wants->gpus[gpu].group);
	ensure_pool(arena, &goal->hosts[it->host], pool);
	set_membership(arena, goal, gpu, pool);
}

static void bring_back(struct arena *arena, struct world *goal, uint32_t gpu)
{
	set_membership(arena, goal, gpu, NULL);
	goal->gpus[gpu].state = GPU_PARTITIONABLE;
	goal->gpus[gpu].count = UNKNOWN;
}

static bool stays(const struct gpu_want *want)
{
	return want->refused || want->frozen || want->excluded || want->role == ROLE_NONE;
}

static bool waits_for_counts(const struct wants *wants, uint32_t gpu)
{
	const struct world *world = wants->input->observed;
	return wants->gpus[gpu].role == ROLE_PARTITIONED && !stays(&wants->gpus[gpu]) && !wants->count_refused &&
	       world->gpus[gpu].state == GPU_DISMOUNTED && !resolve_counts_from(world, gpu);
}

/* VMs that could have the GPU whole; those that would have to be stopped for it weigh most. */
static uint32_t holders(const struct world *world, uint32_t gpu)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (vm_device_could_be(world, &world->vms[i], gpu))
			n += vm_is_off(&world->vms[i]) ? 1 : 1000;
	return n;
}

uint32_t resolve_waits_for(const struct wants *wants)
{
	uint32_t best = NO_INDEX;
	for (uint32_t g = 0; g < wants->input->observed->n_gpus && wants->input->mode == PLAN_APPLY; g++)
		if (waits_for_counts(wants, g) && (best == NO_INDEX || holders(wants->input->observed, g) <
									       holders(wants->input->observed, best)))
			best = g;
	return best;
}

static void resolve_role(struct arena *arena, struct wants *wants, struct world *goal, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	enum gpu_state state = goal->gpus[gpu].state;
	if (stays(want) || state == GPU_FAILED)
		return;
	if (want->role == ROLE_PASSTHROUGH)
		pass_through(arena, wants, goal, gpu);
	else if (state == GPU_DISMOUNTED && !wants->count_refused) /* a mount without its count would leave a mixture */
		bring_back(arena, goal, gpu);
}

static void resolve_count(struct wants *wants, struct world *goal, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	struct gpu *it = &goal->gpus[gpu];
	if (want->role != ROLE_PARTITIONED || stays(want) || it->state != GPU_PARTITIONABLE)
		return;
	if (!wants->count.known || wants->count_refused || !resolve_counts_from(wants->input->observed, gpu))
		return;
	it->count = wants->count;
}

void resolve_gpus(struct arena *arena, struct wants *wants, struct world *goal)
{
	for (uint32_t g = 0; g < goal->n_gpus && wants->input->mode == PLAN_APPLY; g++)
		resolve_role(arena, wants, goal, g);
	for (uint32_t g = 0; g < goal->n_gpus; g++)
		resolve_count(wants, goal, g);
}

void resolve_mount_alone(struct arena *arena, struct world *goal, uint32_t gpu)
{
	bring_back(arena, goal, gpu);
}
