/* SPDX-License-Identifier: Apache-2.0 */
/* The rules across objects. A NULL name means that it was missing or wrong, which the decoder reported. */
#include "schema/load.h"

#include "base/text.h"
#include "schema/rules_object.h"

#include <string.h>

static int check_duplicates(const struct spec *spec, struct diags *diags);
static int check_hosts(const struct spec *spec, struct diags *diags);
static int check_addresses(const struct spec *spec, struct diags *diags);
static int check_groups(const struct spec_cluster *cluster, struct diags *diags);
static int check_location_paths(const struct spec_cluster *cluster, struct diags *diags);
static int check_references(const struct spec *spec, struct diags *diags);
static int check_vms(const struct spec *spec, struct diags *diags);

int spec_check(const struct spec *spec, struct diags *diags)
{
	int result = check_duplicates(spec, diags);
	for (uint32_t i = 0; i < spec->n_clusters; i++) {
		result |= rules_cluster(&spec->clusters[i], diags);
		result |= check_groups(&spec->clusters[i], diags);
		result |= check_location_paths(&spec->clusters[i], diags);
	}
	for (uint32_t i = 0; i < spec->n_assignments; i++)
		result |= rules_assignment(&spec->assignments[i], diags);
	for (uint32_t i = 0; i < spec->n_inventories; i++)
		result |= rules_inventory(&spec->inventories[i], diags);
	result |= check_hosts(spec, diags);
	result |= check_addresses(spec, diags);
	result |= check_references(spec, diags);
	return result | check_vms(spec, diags);
}

static int twice(struct diags *diags, enum diag_code code, struct loc loc, struct loc first, const char *message)
{
	int result = diag_add(diags, code, loc, NULL, "%s", message);
	diag_also(diags, first, "first named here");
	return result;
}

/* ---- objects of one name: the arrays are sorted by name, then place ---- */

static int check_pair(
	const char *kind, const char *a, struct loc a_loc, const char *b, struct loc b_loc, struct diags *diags)
{
	if (!a || !b || strcmp(a, b) != 0)
		return 0;
	g_autofree char *message = g_strdup_printf("%s '%s' is defined twice; rename or remove one", kind, b);
	return twice(diags, D_DUPLICATE_OBJECT, b_loc, a_loc, message);
}

static int check_duplicates(const struct spec *spec, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 1; i < spec->n_clusters; i++) {
		const struct spec_cluster *at = &spec->clusters[i];
		result |= check_pair("GpuCluster", at[-1].name, at[-1].name_loc, at->name, at->name_loc, diags);
	}
	for (uint32_t i = 1; i < spec->n_assignments; i++) {
		const struct spec_assignment *at = &spec->assignments[i];
		result |= check_pair("GpuAssignment", at[-1].name, at[-1].name_loc, at->name, at->name_loc, diags);
	}
	for (uint32_t i = 1; i < spec->n_inventories; i++) {
		const struct spec_inventory *at = &spec->inventories[i];
		result |= check_pair("HostInventory", at[-1].name, at[-1].name_loc, at->name, at->name_loc, diags);
	}
	return result;
}

/* ---- one thing in two objects ---- */

struct mention {
	const void *object;
	const char *of; /* name of the object */
	struct loc loc;
};

/* Remembers that 'key' (case aside) is named by 'object'. The earlier mention by another object, or NULL. */
static const struct mention *mention(
	GHashTable *mentions, const char *key, const void *object, const char *of, struct loc loc)
{
	char *folded = g_utf8_casefold(key, -1);
	const struct mention *found = g_hash_table_lookup(mentions, folded);
	if (found) {
		g_free(folded);
		return found->object == object ? NULL : found;
	}
	struct mention *new = g_new(struct mention, 1);
	*new = (struct mention){ object, of, loc };
	g_hash_table_insert(mentions, folded, new);
	return NULL;
}

static GHashTable *mentions_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static int check_hosts(const struct spec *spec, struct diags *diags)
{
	g_autoptr(GHashTable) mentions = mentions_new();
	int result = 0;
	for (uint32_t i = 0; i < spec->n_clusters; i++) {
		const struct spec_cluster *cluster = &spec->clusters[i];
		if (i && cluster->name && spec->clusters[i - 1].name &&
			!strcmp(cluster->name, spec->clusters[i - 1].name))
			continue; /* the cluster itself is there twice, which was said */
		for (uint32_t j = 0; j < cluster->n_hosts; j++) {
			const struct spec_host *host = &cluster->hosts[j];
			struct loc loc = head_loc(&host->head, "name");
			const struct mention *first =
				host->name ? mention(mentions, host->name, cluster, cluster->name, loc) : NULL;
			if (!first)
				continue;
			g_autofree char *message =
				g_strdup_printf("host '%s' is in clusters '%s' and '%s'; remove it from one",
					host->name, first->of ? first->of : "?", cluster->name ? cluster->name : "?");
			result = twice(diags, D_HOST_TWO_CLUSTERS, loc, first->loc, message);
		}
	}
	return result;
}

static int check_addresses(const struct spec *spec, struct diags *diags)
{
	g_autoptr(GHashTable) mentions = mentions_new();
	int result = 0;
	for (uint32_t i = 0; i < spec->n_inventories; i++) {
		const struct spec_inventory *inventory = &spec->inventories[i];
		if (i && inventory->name && spec->inventories[i - 1].name &&
			!strcmp(inventory->name, spec->inventories[i - 1].name))
			continue;
		for (uint32_t j = 0; j < inventory->n_hosts; j++) {
			const struct inventory_host *host = &inventory->hosts[j];
			struct loc loc = head_loc(&host->head, "name");
			const struct mention *first =
				host->name ? mention(mentions, host->name, inventory, inventory->name, loc) : NULL;
			if (!first)
				continue;
			g_autofree char *message =
				g_strdup_printf("host '%s' has an address in two inventories; remove one", host->name);
			result = twice(diags, D_DUPLICATE_OBJECT, loc, first->loc, message);
		}
	}
	return result;
}

/* Names of VMs are told apart within a cluster. */
static int check_vms(const struct spec *spec, struct diags *diags)
{
	g_autoptr(GHashTable) mentions = mentions_new();
	int result = 0;
	for (uint32_t i = 0; i < spec->n_assignments; i++) {
		const struct spec_assignment *assignment = &spec->assignments[i];
		if (i && assignment->name && spec->assignments[i - 1].name &&
			!strcmp(assignment->name, spec->assignments[i - 1].name))
			continue;
		for (uint32_t j = 0; assignment->cluster && j < assignment->n_vms; j++) {
			const struct spec_vm *vm = &assignment->vms[j];
			if (!vm->name)
				continue;
			g_autofree char *key = g_strconcat(assignment->cluster, "/", vm->name, NULL);
			struct loc loc = head_loc(&vm->head, "name");
			const struct mention *first = mention(mentions, key, assignment, assignment->name, loc);
			if (!first)
				continue;
			g_autofree char *message =
				g_strdup_printf("VM '%s' is in assignments '%s' and '%s'; remove it from one", vm->name,
					first->of ? first->of : "?", assignment->name ? assignment->name : "?");
			result = twice(diags, D_VM_TWICE, loc, first->loc, message);
		}
	}
	return result;
}

/* ---- groups ---- */

static int check_groups(const struct spec_cluster *cluster, struct diags *diags)
{
	const struct gpu_group *first = cluster_partitioned_group(cluster);
	int result = 0;
	for (uint32_t i = 0; first && i < cluster->n_gpus; i++) {
		const struct gpu_group *group = &cluster->gpus[i];
		if (group == first || !group->partition_count.known)
			continue;
		result = diag_add(diags, D_TWO_PARTITIONED_GROUPS, head_loc(&group->head, "partitionCount"), NULL,
			"group '%s' is the second one with 'partitionCount'; a cluster can have one",
			group->name ? group->name : "?");
		diag_also(diags, head_loc(&first->head, "partitionCount"), "the first is here");
	}
	return result;
}

static const char *host_meant(const struct spec_cluster *cluster, const char *host, struct arena *arena)
{
	g_autofree const char **names = g_new0(const char *, cluster->n_hosts + 1);
	for (uint32_t i = 0; i < cluster->n_hosts; i++)
		names[i] = cluster->hosts[i].name;
	return text_meant(arena, host, names, cluster->n_hosts);
}

static int check_path_list(const struct spec_cluster *cluster, const struct spec_passthrough *passthrough,
	const struct location_list *list, GHashTable *mentions, struct diags *diags)
{
	struct loc loc = head_loc(&passthrough->head, "locationPaths");
	int result = 0;
	if (!cluster_find_host(cluster, list->host))
		result = diag_add(diags, D_HOST_NOT_IN_CLUSTER, loc, NULL,
			"'locationPaths' names host '%s', which is not in 'hosts' of cluster '%s'%s", list->host,
			cluster->name ? cluster->name : "?", host_meant(cluster, list->host, diags->arena));
	for (uint32_t i = 0; i < list->n_paths; i++) {
		g_autofree char *key = g_strconcat(list->host, "/", list->paths[i], NULL);
		/* The list itself is no object: a path may stand in it once. */
		const struct mention *first = mention(mentions, key, &list->paths[i], NULL, loc);
		if (!first)
			continue;
		g_autofree char *message =
			g_strdup_printf("GPU '%s' of host '%s' is named twice; remove one", list->paths[i], list->host);
		result = twice(diags, D_DUPLICATE_ITEM, loc, first->loc, message);
	}
	return result;
}

static int check_location_paths(const struct spec_cluster *cluster, struct diags *diags)
{
	g_autoptr(GHashTable) mentions = NULL;
	int result = 0;
	for (uint32_t i = 0; i < cluster->n_gpus; i++) {
		const struct spec_passthrough *passthrough = cluster->gpus[i].passthrough;
		for (uint32_t j = 0; passthrough && j < passthrough->n_location_paths; j++) {
			if (!mentions)
				mentions = mentions_new();
			result |=
				check_path_list(cluster, passthrough, &passthrough->location_paths[j], mentions, diags);
		}
	}
	return result;
}

/* ---- references ---- */

/* What could not be read may hold the very object that is missed, so then nothing is said. */
static bool something_unread(const struct spec *spec, const struct diags *diags)
{
	for (uint32_t i = 0; i < spec->n_clusters; i++)
		if (!spec->clusters[i].name)
			return true;
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		if (diag->code <= D_YAML_ENCODING || diag->code == D_KIND_UNKNOWN)
			return true;
	return false;
}

static int unknown_cluster(const struct spec *spec, const struct spec_assignment *assignment, struct diags *diags)
{
	g_autofree const char **names = g_new0(const char *, spec->n_clusters + 1);
	for (uint32_t i = 0; i < spec->n_clusters; i++)
		names[i] = spec->clusters[i].name;
	return diag_add(diags, D_REFERENCE, head_loc(&assignment->head, "cluster"), NULL,
		"there is no GpuCluster '%s'%s", assignment->cluster,
		text_meant(diags->arena, assignment->cluster, names, spec->n_clusters));
}

static int unknown_group(
	const struct spec_cluster *cluster, const struct spec_assignment *assignment, struct diags *diags)
{
	g_autofree const char **names = g_new0(const char *, cluster->n_gpus + 1);
	for (uint32_t i = 0; i < cluster->n_gpus; i++) {
		names[i] = cluster->gpus[i].name;
		if (!names[i])
			return 0; /* it may be the one */
	}
	return diag_add(diags, D_REFERENCE, head_loc(&assignment->head, "gpus"), NULL,
		"cluster '%s' has no GPU group '%s'%s", cluster->name, assignment->gpus,
		text_meant(diags->arena, assignment->gpus, names, cluster->n_gpus));
}

static int check_fit(const struct spec_assignment *assignment, const struct gpu_group *group, struct diags *diags)
{
	const struct head *head = &assignment->head;
	int result = 0;
	if (head_has(head, "count") && group->partition_count.known)
		result = diag_add(diags, D_WRONG_GROUP, head_loc(head, "count"), NULL,
			"'count' goes with a passthrough group, and group '%s' is partitioned", group->name);
	if (assignment->requires && group->passthrough)
		result = diag_add(diags, D_WRONG_GROUP, head_loc(head, "requires"), NULL,
			"'requires.vram' goes with a partitioned group, and group '%s' is passthrough", group->name);
	return result;
}

static int check_places(
	const struct spec_assignment *assignment, const struct spec_cluster *cluster, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 0; i < assignment->n_vms; i++) {
		const struct spec_vm *vm = &assignment->vms[i];
		if (vm->host && !cluster_find_host(cluster, vm->host))
			result = diag_add(diags, D_HOST_NOT_IN_CLUSTER, head_loc(&vm->head, "host"), NULL,
				"host '%s' is not in 'hosts' of cluster '%s'%s", vm->host, cluster->name,
				host_meant(cluster, vm->host, diags->arena));
	}
	return result;
}

static int check_assignment(
	const struct spec *spec, const struct spec_assignment *assignment, bool unread, struct diags *diags)
{
	const struct spec_cluster *cluster = spec_find_cluster(spec, assignment->cluster);
	if (!cluster)
		return assignment->cluster && !unread ? unknown_cluster(spec, assignment, diags) : 0;
	int result = check_places(assignment, cluster, diags);
	const struct gpu_group *group = cluster_find_group(cluster, assignment->gpus);
	if (group)
		return result | check_fit(assignment, group, diags);
	return assignment->gpus && !unread ? result | unknown_group(cluster, assignment, diags) : result;
}

static int check_references(const struct spec *spec, struct diags *diags)
{
	bool unread = something_unread(spec, diags);
	int result = 0;
	for (uint32_t i = 0; i < spec->n_assignments; i++)
		result |= check_assignment(spec, &spec->assignments[i], unread, diags);
	return result;
}
