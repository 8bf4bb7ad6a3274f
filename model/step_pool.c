/* SPDX-License-Identifier: Apache-2.0 */
/* Steps on a host's pools of PCI Express devices. */
#include "model/step_rows.h"

#include <glib.h>
#include <string.h>

int step_create_pool(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct host *host = &world->hosts[step->host];
	struct pool *pools = NULL;
	struct host *after = NULL;
	uint32_t at = 0;

	if (!step->pool)
		return step_refuse(step, diags, "the step names no pool");
	if (host_find_pool(host, step->pool))
		return 0;
	pools = arena_array(arena, struct pool, host->n_pools + 1);
	while (at < host->n_pools && strcmp(host->pools[at].name, step->pool) < 0) {
		pools[at] = host->pools[at];
		at++;
	}
	pools[at] = (struct pool){ .name = step->pool };
	for (uint32_t i = at; i < host->n_pools; i++)
		pools[i + 1] = host->pools[i];
	after = delta_host(out, world, step->host);
	after->pools = pools;
	after->n_pools++;
	return 0;
}

/* The host with other members in its pool number 'at'. */
static void replace_members(struct arena *arena, const struct world *world, const struct step *step, uint32_t at,
	const char *const *members, uint32_t n_members, struct delta *out)
{
	struct host *after = delta_host(out, world, step->host);
	struct pool *pools = arena_copy(arena, after->pools, sizeof(*pools) * after->n_pools);

	pools[at].members = members;
	pools[at].n_members = n_members;
	after->pools = pools;
}

int step_add_to_pool(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct host *host = &world->hosts[step->host];
	const struct gpu *gpu = &world->gpus[step->gpu];
	const struct pool *pool = step->pool ? host_find_pool(host, step->pool) : NULL, *present = NULL;
	const char **members = NULL;
	uint32_t at = 0;

	if (!pool)
		return step_refuse(step, diags, "host '%s' has no pool '%s'", host->name, step->pool ? step->pool : "");
	present = gpu_pool(world, step->gpu);
	if (present == pool)
		return 0;
	if (present)
		return step_refuse(step, diags, "the GPU is in pool '%s' already", present->name);
	if (gpu->state != GPU_DISMOUNTED)
		return step_refuse(step, diags, "the GPU is %s, and must be dismounted",
			name_of(&gpu_state_names, (int)gpu->state));
	members = arena_array(arena, const char *, pool->n_members + 1);
	while (at < pool->n_members && strcmp(pool->members[at], gpu->location_path) < 0) {
		members[at] = pool->members[at];
		at++;
	}
	members[at] = gpu->location_path;
	for (uint32_t i = at; i < pool->n_members; i++)
		members[i + 1] = pool->members[i];
	replace_members(arena, world, step, (uint32_t)(pool - host->pools), members, pool->n_members + 1, out);
	return 0;
}

int step_remove_from_pool(
	struct arena *arena, const struct world *world, const struct step *step, struct delta *out, struct diags *diags)
{
	const struct host *host = &world->hosts[step->host];
	const struct pool *pool = step->pool ? host_find_pool(host, step->pool) : NULL;
	const char **members = NULL;
	uint32_t n = 0;

	if (!step->pool)
		return step_refuse(step, diags, "the step names no pool");
	if (!pool || gpu_pool(world, step->gpu) != pool)
		return 0;
	members = arena_array(arena, const char *, pool->n_members);
	for (uint32_t i = 0; i < pool->n_members; i++)
		if (strcmp(pool->members[i], world->gpus[step->gpu].location_path))
			members[n++] = pool->members[i];
	replace_members(arena, world, step, (uint32_t)(pool - host->pools), members, n, out);
	return 0;
}
