/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec.h"

#include "base/text.h"
#include "model/field.h"

#include <string.h>

NAMES_DEFINE(dismount_names, DISMOUNTS);
NAMES_DEFINE(stop_method_names, STOP_METHODS);
NAMES_DEFINE(on_timeout_names, ON_TIMEOUTS);
NAMES_DEFINE(strategy_names, STRATEGIES);
NAMES_DEFINE(cluster_type_names, CLUSTER_TYPES);
NAMES_DEFINE(unmanaged_mode_names, UNMANAGED_MODES);
NAMES_DEFINE(vm_settings_mode_names, VM_SETTINGS_MODES);
NAMES_DEFINE(placement_names, PLACEMENTS);

static const char *const days[DAY_COUNT] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
const struct names day_names = { DAY_COUNT, days };

static const struct field *find_row(const struct head *head, const char *name)
{
	for (const struct field *row = head->fields; row && row->key; row++)
		if (strcmp(row->key, name) == 0)
			return row;
	return NULL;
}

struct loc head_loc(const struct head *head, const char *name)
{
	const struct field *row = find_row(head, name);
	return row && head->locs ? head->locs[row - head->fields] : head->loc;
}

bool head_has(const struct head *head, const char *name)
{
	const struct field *row = find_row(head, name);
	return row && head->present && head->present[row - head->fields];
}

/* A name is NULL where the manifest had none, which was reported. */
static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool same_host(const char *a, const char *b)
{
	return a && b && g_ascii_strcasecmp(a, b) == 0; /* host names are ASCII, schema/rules_object.c */
}

const struct spec_cluster *spec_find_cluster(const struct spec *spec, const char *name)
{
	uint32_t from = 0, to = spec->n_clusters;
	while (name && from < to) {
		uint32_t middle = from + (to - from) / 2;
		const char *at = spec->clusters[middle].name;
		int order = at ? strcmp(name, at) : 1; /* those without a name come first */
		if (order == 0)
			return &spec->clusters[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

const struct gpu_group *cluster_find_group(const struct spec_cluster *cluster, const char *name)
{
	for (uint32_t i = 0; i < cluster->n_gpus; i++)
		if (same(cluster->gpus[i].name, name))
			return &cluster->gpus[i];
	return NULL;
}

const struct gpu_group *cluster_partitioned_group(const struct spec_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->n_gpus; i++)
		if (cluster->gpus[i].partition_count.known)
			return &cluster->gpus[i];
	return NULL;
}

const struct spec_host *cluster_find_host(const struct spec_cluster *cluster, const char *name)
{
	for (uint32_t i = 0; i < cluster->n_hosts; i++)
		if (same_host(cluster->hosts[i].name, name))
			return &cluster->hosts[i];
	return NULL;
}

const char *group_pool_name(struct arena *arena, const struct spec_cluster *cluster, const struct gpu_group *group)
{
	if (group->passthrough && group->passthrough->pool)
		return group->passthrough->pool;
	return arena_printf(arena, "hvgpu-%s-%s", cluster->name, group->name);
}

/* The inventory's hosts are sorted by name, case aside; those without one come first. */
static const struct inventory_host *find_in_inventory(const struct spec_inventory *inventory, const char *host)
{
	uint32_t from = 0, to = inventory->n_hosts;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		const char *at = inventory->hosts[middle].name;
		int order = at ? g_ascii_strcasecmp(host, at) : 1;
		if (order == 0)
			return &inventory->hosts[middle];
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

static const struct spec_vm *find_vm_line(const struct spec_assignment *assignment, const char *vm)
{
	for (uint32_t i = 0; i < assignment->n_vms; i++)
		if (g_ascii_strcasecmp(assignment->vms[i].name, vm) == 0)
			return &assignment->vms[i];
	return NULL;
}

const struct spec_assignment *spec_find_assignment_of_vm(
	const struct spec *spec, const char *cluster, const char *vm, struct loc *loc_out)
{
	const struct spec_assignment *by_pattern = NULL;
	for (uint32_t i = 0; i < spec->n_assignments; i++) {
		const struct spec_assignment *it = &spec->assignments[i];
		if (!it->cluster || strcmp(it->cluster, cluster) != 0)
			continue;
		const struct spec_vm *line = find_vm_line(it, vm);
		if (line) {
			if (loc_out)
				*loc_out = head_loc(&line->head, "name");
			return it;
		}
		if (!by_pattern && it->match && it->match->name_pattern && text_glob_fold(it->match->name_pattern, vm))
			by_pattern = it;
	}
	if (by_pattern && loc_out)
		*loc_out = head_loc(&by_pattern->match->head, "namePattern");
	return by_pattern;
}

const struct inventory_host *spec_find_address(const struct spec *spec, const char *host)
{
	for (uint32_t i = 0; i < spec->n_inventories; i++) {
		const struct inventory_host *found = find_in_inventory(&spec->inventories[i], host);
		if (found)
			return found;
	}
	return NULL;
}
