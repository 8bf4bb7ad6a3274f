/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/restored.h"

#include "tests/torture/monitor.h"

#include <string.h>

/* What a VM had: what it has, and what an earlier run took from it. */
struct had {
	const struct adapter *adapters, *owed_adapters;
	uint32_t n_adapters, n_owed_adapters;
	const struct device *devices, *owed_devices;
	uint32_t n_devices, n_owed_devices;
};

static struct had had_of(const struct vm *vm)
{
	struct had had = { .adapters = vm->adapters,
		.n_adapters = vm->n_adapters,
		.devices = vm->devices,
		.n_devices = vm->n_devices };
	if (vm->debt) {
		had.owed_adapters = vm->debt->adapters;
		had.n_owed_adapters = vm->debt->n_adapters;
		had.owed_devices = vm->debt->devices;
		had.n_owed_devices = vm->debt->n_devices;
	}
	return had;
}

static bool has_quotas_of(const struct adapter *a, const struct adapter *b)
{
	for (uint32_t q = 0; q < QUOTA_COUNT; q++)
		if (!maybe_equal(a->quotas[q], b->quotas[q]))
			return false;
	return true;
}

/* How many of these are like 'it'. A pin counts where 'by_pin'. */
static uint32_t n_like(const struct adapter *all, uint32_t n, const struct adapter *it, bool by_pin)
{
	uint32_t n_found = 0;
	for (uint32_t i = 0; i < n; i++)
		n_found += has_quotas_of(&all[i], it) && (!by_pin || g_strcmp0(all[i].pin, it->pin) == 0);
	return n_found;
}

static uint32_t n_devices_like(const struct device *all, uint32_t n, const struct device *it)
{
	uint32_t n_found = 0;
	for (uint32_t i = 0; i < n; i++)
		n_found += g_strcmp0(all[i].pool, it->pool) == 0 &&
			   g_strcmp0(all[i].location_path, it->location_path) == 0;
	return n_found;
}

static bool has_what_it_had(const struct vm *vm, const struct had *had)
{
	if (vm->n_adapters != had->n_adapters + had->n_owed_adapters ||
		vm->n_devices != had->n_devices + had->n_owed_devices)
		return false;
	for (uint32_t a = 0; a < vm->n_adapters; a++) {
		const struct adapter *it = &vm->adapters[a];
		if (n_like(vm->adapters, vm->n_adapters, it, true) !=
			n_like(had->adapters, had->n_adapters, it, true) +
				n_like(had->owed_adapters, had->n_owed_adapters, it, true))
			return false;
	}
	for (uint32_t d = 0; d < vm->n_devices; d++) {
		const struct device *it = &vm->devices[d];
		if (n_devices_like(vm->devices, vm->n_devices, it) !=
			n_devices_like(had->devices, had->n_devices, it) +
				n_devices_like(had->owed_devices, had->n_owed_devices, it))
			return false;
	}
	return true;
}

/* One partition, with the quotas that one had which it had; or so many whole GPUs; or, of a VM that is to lose it, nothing. */
static bool has_what_it_gets(const struct spec *spec, const char *host, const struct vm *vm, const struct had *had)
{
	for (uint32_t c = 0; c < spec->n_clusters; c++) {
		const struct spec_cluster *cluster = &spec->clusters[c];
		const struct spec_assignment *to = spec_find_assignment_of_vm(spec, cluster->name, vm->name, NULL);
		const struct gpu_group *group = to ? cluster_find_group(cluster, to->gpus) : NULL;
		if (!cluster_find_host(cluster, host))
			continue;
		if (!group)
			return !vm->n_adapters && !vm->n_devices && !spec_manages(spec, vm->name);
		if (group->passthrough)
			return !vm->n_adapters && vm->n_devices == to->count;
		bool is_new = !had->n_adapters && !had->n_owed_adapters;
		return vm->n_adapters == 1 && !vm->n_devices &&
		       (is_new || n_like(had->adapters, had->n_adapters, vm->adapters, false) ||
			       n_like(had->owed_adapters, had->n_owed_adapters, vm->adapters, false));
	}
	return false;
}

/* Of these so many more than what running VMs of the host have. */
static bool has_room(const struct host_state *host, uint32_t n_adapters)
{
	uint64_t offered = 0, taken = 0;
	for (uint32_t g = 0; g < host->n_gpus; g++)
		offered += gpu_offers_partitions(&host->gpus[g]) ? host->gpus[g].count.value : 0;
	for (uint32_t v = 0; v < host->n_vms; v++)
		taken += vm_is_running(&host->vms[v]) ? host->vms[v].n_adapters : 0;
	return taken + n_adapters <= offered;
}

static bool is_there(const struct host_state *host, const struct device *device)
{
	for (uint32_t g = 0; g < host->n_gpus; g++)
		if (g_strcmp0(host->gpus[g].location_path, device->location_path) == 0)
			return host->gpus[g].state == GPU_DISMOUNTED;
	uint32_t n_free = 0;
	for (uint32_t p = 0; p < host->host.n_pools; p++)
		if (g_strcmp0(host->host.pools[p].name, device->pool) == 0)
			n_free += host->host.pools[p].n_members;
	for (uint32_t v = 0; v < host->n_vms; v++)
		n_free -= MIN(n_free, n_devices_like(host->vms[v].devices, host->vms[v].n_devices, device));
	return n_free > 0;
}

static bool changes_kind(const struct spec *spec, const struct vm *vm, const struct had *had)
{
	for (uint32_t c = 0; c < spec->n_clusters; c++) {
		const struct spec_assignment *to =
			spec_find_assignment_of_vm(spec, spec->clusters[c].name, vm->name, NULL);
		const struct gpu_group *group = to ? cluster_find_group(&spec->clusters[c], to->gpus) : NULL;
		if (group)
			return group->passthrough ? had->n_adapters + had->n_owed_adapters
						  : had->n_devices + had->n_owed_devices;
	}
	return false;
}

/* It runs without what it had, which is owed it still, and of which the host has no more: its GPU is of neither kind, or of the other. */
static bool waits_for_a_gpu(
	const struct spec *spec, const struct host_state *host, const struct vm *vm, const struct had *had)
{
	if (!changes_kind(spec, vm, had) || !vm->debt ||
		vm->n_adapters + vm->debt->n_adapters != had->n_adapters + had->n_owed_adapters ||
		vm->n_devices + vm->debt->n_devices != had->n_devices + had->n_owed_devices ||
		(vm->debt->n_adapters && has_room(host, vm->debt->n_adapters)))
		return false;
	for (uint32_t d = 0; d < vm->debt->n_devices; d++)
		if (is_there(host, &vm->debt->devices[d]))
			return false;
	return true;
}

static bool is_excused(const struct restored *restored, const struct vm *was, const char *from, const char *to)
{
	const char *lost = restored->lost_host;
	return g_strcmp0(restored->failed_vm, was->id) == 0 || g_strcmp0(restored->meddled_vm, was->id) == 0 ||
	       (lost && (strcmp(lost, from) == 0 || strcmp(lost, to) == 0));
}

static bool was_stopped(const struct restored *restored, const struct vm *vm)
{
	g_autofree char *key = g_strdup_printf("%s %s", restored->run, vm->id);
	return g_hash_table_contains(restored->stops, key);
}

static const char *judge_vm(
	struct arena *arena, const struct restored *restored, const struct vm *was, const char *from)
{
	uint32_t at = 0;
	const struct vm *is = view_vm(&restored->after, was->id, &at);
	if (!is)
		return arena_printf(arena, "VM '%s' was stopped, and is gone", was->name);
	const char *to = restored->after.states[at].host.name;
	if (is_excused(restored, was, from, to))
		return NULL;
	struct had had = had_of(was);
	if (!vm_is_running(is))
		return arena_printf(arena, "VM '%s' was stopped by a run that leaves it down", was->name);
	if (!has_what_it_had(is, &had) && !waits_for_a_gpu(restored->spec, &restored->after.states[at], is, &had) &&
		!has_what_it_gets(restored->spec, to, is, &had))
		return arena_printf(arena,
			"VM '%s' was stopped by a run, and now has %u adapters and %u devices: neither what it had nor "
			"what it is to have",
			was->name, is->n_adapters, is->n_devices);
	return NULL;
}

const char *restored_judge(struct arena *arena, const struct restored *restored)
{
	const char *what = NULL;
	for (uint32_t h = 0; h < restored->before.n_states; h++) {
		const struct host_state *host = &restored->before.states[h];
		for (uint32_t v = 0; v < host->n_vms && !what; v++)
			if (was_stopped(restored, &host->vms[v]))
				what = judge_vm(arena, restored, &host->vms[v], host->host.name);
	}
	return what;
}
