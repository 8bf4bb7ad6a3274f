/* SPDX-License-Identifier: Apache-2.0 */
/* Resource pools of PCI Express devices. */
#include "providers/host/sim_act.h"

#include <string.h>

static uint32_t find_pool(const struct host *host, const char *name)
{
	for (uint32_t i = 0; name && i < host->n_pools; i++)
		if (!g_ascii_strcasecmp(host->pools[i].name, name))
			return i;
	return NO_INDEX;
}

static uint32_t find_member(const struct pool *pool, const char *location_path)
{
	for (uint32_t i = 0; i < pool->n_members; i++)
		if (!strcmp(pool->members[i], location_path))
			return i;
	return NO_INDEX;
}

static void replace_pool(struct sim_act *act, uint32_t at, const struct pool *pool)
{
	struct host *host = &act->self->host;
	struct pool *pools = arena_copy(act->world->arena, host->pools, sizeof(*pools) * host->n_pools);
	pools[at] = *pool;
	host->pools = pools;
	sim_changed(act);
}

enum host_error sim_create_pool(struct sim_act *act)
{
	struct host *host = &act->self->host;
	if (!act->step->pool)
		return sim_refuse(act, HOST_INVALID_PARAMETER, "The resource pool has no name.");
	if (find_pool(host, act->step->pool) != NO_INDEX)
		return HOST_OK;
	struct pool pool = { .name = arena_strdup(act->world->arena, act->step->pool) };
	uint32_t at = 0;
	while (at < host->n_pools && strcmp(host->pools[at].name, pool.name) < 0)
		at++;
	host->pools = sim_with(act->world->arena, host->pools, host->n_pools, at, &pool, sizeof(pool));
	host->n_pools++;
	sim_changed(act);
	return HOST_OK;
}

enum host_error sim_add_to_pool(struct sim_act *act)
{
	struct host *host = &act->self->host;
	enum host_error error = sim_find_gpu(act);
	if (error)
		return error;
	const char *path = act->gpu->location_path;
	uint32_t at = find_pool(host, act->step->pool);
	if (at == NO_INDEX)
		return sim_refuse(act, HOST_NOT_FOUND, "Resource pool '%s' was not found on '%s'.",
			act->step->pool ? act->step->pool : "", host->name);
	struct pool pool = host->pools[at];
	if (find_member(&pool, path) != NO_INDEX)
		return HOST_OK;
	error = sim_check_expected(act);
	if (error)
		return error;
	if (act->gpu->state != GPU_DISMOUNTED)
		return sim_refuse(act, HOST_NOT_FOUND, "The specified device '%s' was not found on server '%s'.", path,
			host->name);
	for (uint32_t i = 0; i < host->n_pools; i++)
		if (find_member(&host->pools[i], path) != NO_INDEX)
			return sim_refuse(act, HOST_IN_USE, "The device '%s' is in resource pool '%s'.", path,
				host->pools[i].name);
	uint32_t member = 0;
	while (member < pool.n_members && strcmp(pool.members[member], path) < 0)
		member++;
	pool.members = sim_with(act->world->arena, pool.members, pool.n_members, member, &path, sizeof(path));
	pool.n_members++;
	replace_pool(act, at, &pool);
	return HOST_OK;
}

enum host_error sim_remove_from_pool(struct sim_act *act)
{
	struct host *host = &act->self->host;
	enum host_error error = sim_find_gpu(act);
	if (error)
		return error;
	uint32_t at = find_pool(host, act->step->pool);
	uint32_t member = at == NO_INDEX ? NO_INDEX : find_member(&host->pools[at], act->gpu->location_path);
	if (member == NO_INDEX)
		return HOST_OK;
	error = sim_check_expected(act);
	if (error)
		return error;
	struct pool pool = host->pools[at];
	if (!sim_pool_free(act->self, &pool, NULL) && act->gpu->state == GPU_DISMOUNTED)
		return sim_refuse(act, HOST_IN_USE, "Every device of resource pool '%s' is in use.", pool.name);
	pool.members = sim_without(act->world->arena, pool.members, pool.n_members--, member, sizeof(*pool.members));
	replace_pool(act, at, &pool);
	return HOST_OK;
}
