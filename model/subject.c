/* SPDX-License-Identifier: Apache-2.0 */
#include "model/subject.h"

char *subject_host(struct arena *arena, const struct world *world, uint32_t host)
{
	return arena_printf(arena, "host/%s", world->hosts[host].name);
}

char *subject_gpu(struct arena *arena, const struct world *world, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];

	return arena_printf(arena, "host/%s/gpu/%s", world->hosts[it->host].name, it->location_path);
}

char *subject_vm(struct arena *arena, const struct world *world, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	return arena_printf(arena, "host/%s/vm/%s", world->hosts[it->host].name, it->name);
}

char *subject_pool(struct arena *arena, const struct world *world, uint32_t host, const char *pool)
{
	return arena_printf(arena, "host/%s/pool/%s", world->hosts[host].name, pool);
}
