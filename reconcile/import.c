/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/import.h"
#include "base/text.h"
#include "reconcile/import_gpu.h"
#include "schema/kinds.h"
#include "schema/yaml.h"

#include <string.h>

/* "PARIS Cluster" -> "paris-cluster": a name as manifests have them. */
static char *name_from(struct arena *arena, const char *text)
{
	char *name = arena_strndup(arena, text, MIN(strlen(text), (size_t)63));
	for (char *at = name; *at; at++)
		*at = g_ascii_isalnum(*at) ? g_ascii_tolower(*at) : '-';
	while (*name == '-')
		name++;
	for (size_t len = strlen(name); len && name[len - 1] == '-';)
		name[--len] = '\0';
	return *name ? name : arena_strdup(arena, "cluster");
}

static void write_document(GString *out, const char *kind, const char *name, json_t *spec)
{
	json_auto_t *document = json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", API_VERSION, "kind", kind,
		"metadata", "name", name, "spec", spec);
	g_string_append(out, out->len ? "---\n" : "# What these hosts have now, as `hvgpu import` found it.\n");
	yaml_write(out, document, 0);
}

static json_t *hosts_of(const struct importing *in)
{
	json_t *hosts = json_array();
	const struct host *first = &in->world->hosts[0];
	for (uint32_t i = 0; i < first->n_nodes; i++)
		json_array_append_new(hosts, json_pack("{s:s}", "name", first->nodes[i].name));
	for (uint32_t i = 0; i < in->world->n_hosts && !first->n_nodes; i++)
		json_array_append_new(hosts, json_pack("{s:s}", "name", in->world->hosts[i].name));
	return hosts;
}

/* 'vmSettings: Enforce' would change the VM as soon as a manifest names it (resolve.c). */
static bool is_unfit(const struct vm *vm)
{
	if (!vm->n_adapters && !vm->n_devices)
		return false;
	return (vm->n_adapters && vm->automatic_checkpoints) ||
	       (vm->n_devices && (vm->stop_action == STOP_ACTION_SAVE || !vm->cache_control)) ||
	       (vm->clustered == TRI_YES && maybe_is(vm->offline_action, OFFLINE_SAVE));
}

static bool any_is_unfit(const struct world *world)
{
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (is_unfit(&world->vms[i]))
			return true;
	return false;
}

static void write_cluster(GString *out, const struct importing *in)
{
	json_t *groups = json_array();
	for (guint i = 0; i < in->groups->len; i++)
		json_array_append_new(
			groups, import_group_json(in, &g_array_index(in->groups, struct import_group, i)));
	json_t *spec = json_pack("{s:s, s:o}", "type",
		name_of(&cluster_type_names, in->failover ? CLUSTER_FAILOVER : CLUSTER_STANDALONE), "hosts",
		hosts_of(in));
	if (in->groups->len)
		json_object_set_new(spec, "gpus", groups);
	else
		json_decref(groups);
	if (any_is_unfit(in->world))
		json_object_set_new(spec, "vmSettings", json_string("Require"));
	write_document(out, "GpuCluster", in->name, spec);
}

/* ---- VMs ---- */

static void leave(const struct importing *in, const struct vm *vm, const char *why)
{
	diag_add(in->diags, D_IMPORT_LEFT, LOC_NONE, NULL, "VM '%s' on '%s' %s", vm->name,
		in->world->hosts[vm->host].name, why);
}

/* The group that the VM's GPUs are of; -1 when it has none, or (with a finding) of none that was written. */
static int group_of(const struct importing *in, const struct vm *vm)
{
	int group = -1;
	if (!vm->n_adapters && !vm->n_devices)
		return -1;
	if (vm->n_adapters && vm->n_devices) {
		leave(in, vm, "has both a partition and a whole GPU; it is left out");
		return -1;
	}
	for (guint i = 0; i < in->groups->len && group < 0; i++)
		if (import_group_fits(in, &g_array_index(in->groups, struct import_group, i), vm))
			group = (int)i;
	if (group < 0)
		leave(in, vm, "has a GPU that no written group selects; it is left out");
	return group;
}

static void note_adapters(const struct importing *in, const struct vm *vm)
{
	if (vm->n_adapters > 1)
		leave(in, vm, "has more than one partition adapter; the manifest gives it one");
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin)
			leave(in, vm, "has an adapter that is pinned to a GPU; the pin stays and is in no manifest");
}

static json_t *vms_of(const struct importing *in, const int *groups, int group, uint32_t count)
{
	json_t *vms = json_array();
	for (uint32_t i = 0; i < in->world->n_vms; i++)
		if (groups[i] == group && MAX(in->world->vms[i].n_devices, 1) == count)
			json_array_append_new(vms, json_pack("{s:s}", "name", in->world->vms[i].name));
	return vms;
}

static void write_assignment(GString *out, const struct importing *in, const int *groups, int group, uint32_t count)
{
	const struct import_group *it = &g_array_index(in->groups, struct import_group, group);
	json_t *vms = vms_of(in, groups, group, count);
	if (!json_array_size(vms)) {
		json_decref(vms);
		return;
	}
	json_t *spec = json_pack("{s:s, s:s}", "cluster", in->name, "gpus", it->name);
	if (count > 1)
		json_object_set_new(spec, "count", json_integer(count));
	json_object_set_new(spec, "virtualMachines", vms);
	g_autofree char *name = count > 1 ? g_strdup_printf("%.40s-%s-%u", in->name, it->name, count)
					  : g_strdup_printf("%.40s-%s", in->name, it->name);
	write_document(out, "GpuAssignment", name, spec);
}

static void write_assignments(GString *out, const struct importing *in)
{
	const struct world *world = in->world;
	g_autofree int *groups = g_new0(int, world->n_vms + 1);
	uint32_t most = 1;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		uint32_t n_named = 0;
		world_find_vm_named(world, vm->name, &n_named);
		groups[i] = group_of(in, vm);
		if (groups[i] >= 0 && n_named > 1) {
			leave(in, vm, "shares its name with another one; it is left out");
			groups[i] = -1;
		}
		if (groups[i] >= 0)
			note_adapters(in, vm);
		most = MAX(most, vm->n_devices);
	}
	for (guint group = 0; group < in->groups->len; group++)
		for (uint32_t count = 1; count <= most; count++)
			write_assignment(out, in, groups, (int)group, count);
}

/* ---- clusters ---- */

static void import_cluster(GString *out, const struct host_state *const *states, uint32_t n, struct diags *diags)
{
	g_autoptr(arena_auto) arena = arena_new();
	const char *cluster_name = states[0]->host.cluster_name;
	struct importing in = {
		.arena = arena,
		.world = world_assemble(arena, states, n),
		.name = name_from(arena, cluster_name ? cluster_name : states[0]->host.name),
		.failover = cluster_name != NULL,
		.groups = g_array_new(FALSE, TRUE, sizeof(struct import_group)),
		.diags = diags,
	};
	import_groups(&in);
	write_cluster(out, &in);
	write_assignments(out, &in);
	g_array_unref(in.groups);
}

static bool is_together(const struct host_state *a, const struct host_state *b)
{
	return a->host.cluster_name && b->host.cluster_name &&
	       text_equal_fold(a->host.cluster_name, b->host.cluster_name);
}

void import_write(GString *out, const struct host_state *const *states, uint32_t n_states, struct diags *diags)
{
	g_autofree const struct host_state **members = g_new0(const struct host_state *, n_states + 1);
	g_autofree bool *done = g_new0(bool, n_states + 1);
	for (uint32_t i = 0; i < n_states; i++) {
		uint32_t n = 0;
		for (uint32_t k = i; k < n_states && !done[i]; k++)
			if (k == i || (!done[k] && is_together(states[i], states[k]))) {
				members[n++] = states[k];
				done[k] = k != i;
			}
		if (n)
			import_cluster(out, members, n, diags);
	}
}
