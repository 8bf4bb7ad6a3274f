/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/fulfilled.h"

#include "tests/torture/monitor.h"

#include <string.h>

struct at { /* one host of one cluster */
	struct arena *arena;
	const struct fulfilled *all;
	const struct spec_cluster *cluster;
	const struct host_state *host;
};

static bool is_refused(const struct at *at, const char *subject)
{
	return g_hash_table_contains(at->all->refused, subject);
}

static bool is_group_refused(const struct at *at, const struct gpu_group *group)
{
	return is_refused(at, arena_printf(at->arena, "group/%s", group->name));
}

static bool is_gpu_refused(const struct at *at, const struct gpu *gpu)
{
	return is_refused(at, arena_printf(at->arena, "host/%s/gpu/%s", at->host->host.name, gpu->location_path));
}

static bool is_vm_refused(const struct at *at, const struct vm *vm)
{
	return is_refused(at, arena_printf(at->arena, "host/%s/vm/%s", at->host->host.name, vm->name));
}

/* ---- GPUs ---- */

static uint32_t n_dismounted(const struct at *at, const struct gpu_group *group)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < at->host->n_gpus; g++)
		n += at->host->gpus[g].state == GPU_DISMOUNTED && match_selects(group->match, &at->host->gpus[g]);
	return n;
}

static uint32_t n_members(const struct at *at, const struct gpu_group *group)
{
	const char *name = group_pool_name(at->arena, at->cluster, group);
	for (uint32_t p = 0; p < at->host->host.n_pools; p++)
		if (g_ascii_strcasecmp(at->host->host.pools[p].name, name) == 0)
			return at->host->host.pools[p].n_members;
	return 0;
}

/* One that has failed, or whose driver cannot be shared, is a finding and in no rule. */
static uint32_t n_usable(const struct at *at, const struct gpu_group *group)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < at->host->n_gpus; g++)
		n += at->host->gpus[g].state != GPU_FAILED && match_selects(group->match, &at->host->gpus[g]);
	return n;
}

static bool is_any_gpu_refused(const struct at *at)
{
	bool is = false;
	for (uint32_t g = 0; g < at->host->n_gpus; g++)
		is |= is_gpu_refused(at, &at->host->gpus[g]);
	return is;
}

static const char *judge_whole(const struct at *at, const struct gpu_group *group)
{
	const struct maybe_u64 per_host = group->passthrough->per_host;
	uint32_t wanted = per_host.known ? MIN((uint32_t)per_host.value, n_usable(at, group)) : 0;
	if (is_group_refused(at, group) || is_any_gpu_refused(at))
		return NULL;
	if (n_dismounted(at, group) < wanted)
		return arena_printf(at->arena, "%s gives %u GPUs of group '%s' whole, and not %u", at->host->host.name,
			n_dismounted(at, group), group->name, wanted);
	if (at->cluster->type == CLUSTER_FAILOVER && n_members(at, group) < wanted)
		return arena_printf(at->arena, "the pool of group '%s' on %s has %u members, and not %u", group->name,
			at->host->host.name, n_members(at, group), wanted);
	return NULL;
}

static const char *judge_counts(const struct at *at, const struct gpu_group *group)
{
	for (uint32_t g = 0; g < at->host->n_gpus; g++) {
		const struct gpu *gpu = &at->host->gpus[g];
		if (gpu->state == GPU_PARTITIONABLE && match_selects(group->match, gpu) && !is_gpu_refused(at, gpu) &&
			!is_group_refused(at, group) && !maybe_is(gpu->count, group->partition_count.value))
			return arena_printf(at->arena, "%s/%s offers %d partitions, and not %u", at->host->host.name,
				gpu->location_path, gpu->count.known ? (int)gpu->count.value : -1,
				(uint32_t)group->partition_count.value);
	}
	return NULL;
}

/* ---- VMs ---- */

static const char *judge_managed(const struct at *at, const struct vm *vm, const struct spec_assignment *to)
{
	const struct gpu_group *group = cluster_find_group(at->cluster, to->gpus);
	if (!group || is_group_refused(at, group))
		return NULL;
	if (!group->passthrough && (vm->n_adapters == 0 || vm->n_devices))
		return arena_printf(at->arena, "VM '%s' is to have a partition, and has %u and %u devices", vm->name,
			vm->n_adapters, vm->n_devices);
	if (group->passthrough && (vm->n_devices != to->count || vm->n_adapters))
		return arena_printf(at->arena, "VM '%s' is to have %u devices, and has %u and %u adapters", vm->name,
			to->count, vm->n_devices, vm->n_adapters);
	for (uint32_t v = 0; v < to->n_vms && to->placement == PLACEMENT_REQUIRED; v++)
		if (g_ascii_strcasecmp(to->vms[v].name, vm->name) == 0 && to->vms[v].host &&
			g_ascii_strcasecmp(to->vms[v].host, at->host->host.name) != 0)
			return arena_printf(at->arena, "VM '%s' is on %s, and must be on %s", vm->name,
				at->host->host.name, to->vms[v].host);
	return NULL;
}

static bool is_ours(const struct at *at, const struct vm *vm)
{
	return vm->record && g_strcmp0(vm->record->owner, at->all->owner) == 0 &&
	       g_strcmp0(vm->record->cluster, at->cluster->name) == 0;
}

/* It ran, or was owed a start that nobody else had made void. */
static bool has_to_run(const struct at *at, const struct vm *vm)
{
	uint32_t host;
	const struct vm *was = view_vm(&at->all->start, vm->id, &host);
	return was && vm_is_running(was) && g_strcmp0(vm->id, at->all->meddled_vm) != 0;
}

static const char *judge_vm(const struct at *at, const struct vm *vm)
{
	const struct spec_assignment *to = spec_find_assignment_of_vm(at->all->spec, at->cluster->name, vm->name, NULL);
	if (is_vm_refused(at, vm))
		return NULL;
	if (has_to_run(at, vm) && !vm_is_running(vm))
		return arena_printf(at->arena, "VM '%s' ran, and is off", vm->name);
	if (to)
		return judge_managed(at, vm, to);
	if (at->cluster->prune && is_ours(at, vm) && (vm->n_adapters || vm->n_devices))
		return arena_printf(at->arena, "VM '%s' has what we assigned, and no manifest mentions it", vm->name);
	return NULL;
}

/* ---- all ---- */

static bool is_left_alone(const struct at *at)
{
	const struct spec_host *host = cluster_find_host(at->cluster, at->host->host.name);
	bool is = !host || host->exclude;
	for (uint32_t i = 0; i < at->all->simulation->n_unreachable; i++)
		is |= g_ascii_strcasecmp(at->all->simulation->unreachable[i], at->host->host.name) == 0;
	return is;
}

static const char *judge_host(const struct at *at)
{
	const char *what = NULL;
	if (is_left_alone(at))
		return NULL;
	for (uint32_t g = 0; g < at->cluster->n_gpus && !what; g++) {
		const struct gpu_group *group = &at->cluster->gpus[g];
		what = group->passthrough ? judge_whole(at, group) : judge_counts(at, group);
	}
	for (uint32_t v = 0; v < at->host->n_vms && !what; v++)
		what = judge_vm(at, &at->host->vms[v]);
	return what;
}

const char *fulfilled_judge(struct arena *arena, const struct fulfilled *fulfilled)
{
	const char *what = NULL;
	for (uint32_t c = 0; c < fulfilled->spec->n_clusters; c++)
		for (uint32_t h = 0; h < fulfilled->now.n_states && !what; h++) {
			const struct spec_cluster *cluster = &fulfilled->spec->clusters[c];
			struct at at = { arena, fulfilled, cluster, &fulfilled->now.states[h] };
			what = cluster->suspend ? NULL : judge_host(&at);
		}
	return what;
}
