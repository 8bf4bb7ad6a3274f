/* SPDX-License-Identifier: Apache-2.0 */
#include "render/why.h"
#include "base/text.h"
#include "model/subject.h"
#include "reconcile/reasons.h"
#include "render/outline.h"

#include <string.h>

NAMES_DEFINE(why_kind_names, WHY_KINDS);

struct finder {
	struct arena *arena;
	const struct run *run;
	const char *address;
	GPtrArray *found; /* struct why */
	GPtrArray *names; /* ends of all addresses, for "did you mean" */
};

/* The whole address, or what is behind one of its slashes. */
static bool is_end_of(const char *full, const char *address)
{
	size_t n_full = strlen(full), n = strlen(address);
	if (n > n_full || g_ascii_strcasecmp(full + n_full - n, address) != 0)
		return false;
	return n == n_full || full[n_full - n - 1] == '/';
}

static const char *last_part(const char *full)
{
	const char *slash = strrchr(full, '/');
	return slash ? slash + 1 : full;
}

static const char *cluster_name(const struct plan *plan)
{
	return plan->cluster ? plan->cluster : "-";
}

static struct why *offer(struct finder *finder, const struct plan *plan, enum why_kind kind, const char *full)
{
	g_ptr_array_add(finder->names, (gpointer)last_part(full));
	if (!is_end_of(full, finder->address))
		return NULL;
	struct why *why = arena_new_of(finder->arena, struct why);
	*why = (struct why){ .plan = plan, .kind = kind, .address = full };
	why->host = why->gpu = why->vm = NO_INDEX;
	g_ptr_array_add(finder->found, why);
	return why;
}

/* ---- what there is ---- */

static void offer_hosts(struct finder *finder, const struct plan *plan)
{
	const struct world *world = plan->observed;
	for (uint32_t i = 0; i < world->n_hosts + world->n_missing; i++) {
		const char *name = i < world->n_hosts ? world->hosts[i].name : world->missing[i - world->n_hosts].name;
		const char *full = arena_printf(finder->arena, "cluster/%s/host/%s", cluster_name(plan), name);
		struct why *why = offer(finder, plan, WHY_HOST, full);
		const struct spec_host *line = why && plan->spec ? cluster_find_host(plan->spec, name) : NULL;
		if (why && i < world->n_hosts)
			why->host = i;
		if (line)
			why->loc = head_loc(&line->head, "name");
	}
}

static struct loc group_loc(const struct gpu_group *group)
{
	return head_loc(&group->head, group->passthrough ? "passthrough" : "partitionCount");
}

/* Which group a GPU belongs to is said by its changes; where there are none, by its role when one group gives it. */
static struct loc gpu_loc(const struct plan *plan, uint32_t gpu)
{
	for (uint32_t i = 0; i < plan->changes.n; i++)
		if (plan->changes.items[i].gpu == gpu)
			return plan->changes.items[i].loc;
	enum gpu_role role = plan->rules ? plan->rules->gpu_role[gpu] : ROLE_NONE;
	const struct gpu_group *found = NULL;
	for (uint32_t i = 0; plan->spec && role != ROLE_NONE && i < plan->spec->n_gpus; i++) {
		const struct gpu_group *group = &plan->spec->gpus[i];
		if ((group->passthrough != NULL) != (role == ROLE_PASSTHROUGH))
			continue;
		if (found)
			return LOC_NONE;
		found = group;
	}
	return found ? group_loc(found) : LOC_NONE;
}

static void offer_gpus(struct finder *finder, const struct plan *plan)
{
	const struct world *world = plan->observed;
	for (uint32_t i = 0; i < world->n_gpus; i++) {
		const char *full = arena_printf(
			finder->arena, "cluster/%s/%s", cluster_name(plan), subject_gpu(finder->arena, world, i));
		struct why *why = offer(finder, plan, WHY_GPU, full);
		if (!why)
			continue;
		why->host = world->gpus[i].host;
		why->gpu = i;
		why->loc = gpu_loc(plan, i);
	}
}

static struct loc vm_loc(const struct finder *finder, const struct plan *plan, uint32_t vm)
{
	struct loc loc = LOC_NONE;
	if (finder->run->spec && plan->cluster && plan->rules && plan->rules->vm_ownership[vm] == VM_MANAGED)
		spec_find_assignment_of_vm(finder->run->spec, plan->cluster, plan->observed->vms[vm].name, &loc);
	return loc;
}

static void offer_vms(struct finder *finder, const struct plan *plan)
{
	const struct world *world = plan->observed;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const char *full = arena_printf(
			finder->arena, "cluster/%s/%s", cluster_name(plan), subject_vm(finder->arena, world, i));
		struct why *why = offer(finder, plan, WHY_VM, full);
		if (!why && is_end_of(world->vms[i].id, finder->address)) {
			why = arena_new_of(finder->arena, struct why);
			*why = (struct why){ .plan = plan, .kind = WHY_VM, .address = full, .gpu = NO_INDEX };
			g_ptr_array_add(finder->found, why);
		}
		if (!why)
			continue;
		why->host = world->vms[i].host;
		why->vm = i;
		why->loc = vm_loc(finder, plan, i);
	}
}

static void offer_pool(
	struct finder *finder, const struct plan *plan, uint32_t host, const char *pool, GHashTable *seen)
{
	const char *full = arena_printf(finder->arena, "cluster/%s/%s", cluster_name(plan),
		subject_pool(finder->arena, plan->observed, host, pool));
	if (!g_hash_table_add(seen, (gpointer)full))
		return;
	struct why *why = offer(finder, plan, WHY_POOL, full);
	if (why)
		why->host = host;
}

static void offer_pools(struct finder *finder, const struct plan *plan)
{
	const struct world *world = plan->observed;
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint32_t i = 0; i < world->n_hosts; i++)
		for (uint32_t k = 0; k < world->hosts[i].n_pools; k++)
			offer_pool(finder, plan, i, world->hosts[i].pools[k].name, seen);
	for (uint32_t i = 0; i < plan->changes.n; i++)
		if (plan->changes.items[i].kind == CHANGE_POOL && plan->changes.items[i].pool)
			offer_pool(finder, plan, plan->changes.items[i].host, plan->changes.items[i].pool, seen);
}

static void offer_manifests(struct finder *finder, const struct plan *plan)
{
	const char *name = cluster_name(plan);
	const struct spec *spec = finder->run->spec;
	struct why *why = offer(finder, plan, WHY_CLUSTER, arena_printf(finder->arena, "cluster/%s", name));
	if (why && plan->spec)
		why->loc = plan->spec->name_loc;
	for (uint32_t i = 0; plan->spec && i < plan->spec->n_gpus; i++) {
		const struct gpu_group *group = &plan->spec->gpus[i];
		why = offer(
			finder, plan, WHY_GROUP, arena_printf(finder->arena, "cluster/%s/group/%s", name, group->name));
		if (why)
			why->loc = group_loc(group);
	}
	for (uint32_t i = 0; spec && plan->cluster && i < spec->n_assignments; i++) {
		const struct spec_assignment *it = &spec->assignments[i];
		if (g_strcmp0(it->cluster, plan->cluster) != 0)
			continue;
		why = offer(finder, plan, WHY_ASSIGNMENT,
			arena_printf(finder->arena, "cluster/%s/assignment/%s", name, it->name));
		if (why)
			why->loc = it->name_loc;
	}
}

/* What no world has and a refusal names all the same. */
static void offer_refused(struct finder *finder, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_refusals && !finder->found->len; i++) {
		const char *full =
			arena_printf(finder->arena, "cluster/%s/%s", cluster_name(plan), plan->refusals[i].subject);
		struct why *why = offer(finder, plan, WHY_REFUSED, full);
		if (why)
			why->loc = plan->refusals[i].loc;
	}
}

/* ---- what is said about it ---- */

/* 'subject', of a refusal or finding, is the same thing: "vm/vdi-001" is also the VM on whatever host. */
static bool is_about(const struct why *why, const char *subject)
{
	if (!subject)
		return false;
	if (why->kind == WHY_CLUSTER)
		return true;
	if (is_end_of(why->address, subject) || is_end_of(subject, why->address))
		return true;
	if (why->kind == WHY_VM && g_str_has_prefix(subject, "vm/"))
		return g_ascii_strcasecmp(subject + strlen("vm/"), why->plan->observed->vms[why->vm].name) == 0;
	if (why->kind != WHY_HOST)
		return false;
	g_autofree char *on = g_strdup_printf("host/%s/", last_part(why->address));
	return g_ascii_strncasecmp(subject, on, strlen(on)) == 0;
}

static bool same_place(struct loc a, struct loc b)
{
	return a.source && a.source == b.source && a.line == b.line && a.col == b.col;
}

/* The VM is managed by what is asked about: its group or assignment. */
static bool is_managed_by(const struct finder *finder, const struct why *why, const char *vm)
{
	const char *name = last_part(why->address), *cluster = why->plan->cluster;
	const struct spec *spec = finder->run->spec;
	const struct spec_assignment *it = spec && cluster ? spec_find_assignment_of_vm(spec, cluster, vm, NULL) : NULL;
	return it && g_strcmp0(why->kind == WHY_GROUP ? it->gpus : it->name, name) == 0;
}

static bool has_change(const struct finder *finder, const struct why *why, const struct change *change)
{
	const struct world *world = why->plan->observed;
	switch (why->kind) {
	case WHY_CLUSTER:
		return true;
	case WHY_HOST:
		return change->host == why->host && why->host != NO_INDEX;
	case WHY_GPU:
		return change->gpu == why->gpu;
	case WHY_VM:
		return change->vm == why->vm;
	case WHY_POOL:
		return change->host == why->host && g_strcmp0(change->pool, last_part(why->address)) == 0;
	case WHY_GROUP:
		if (change->gpu != NO_INDEX || change->kind == CHANGE_POOL)
			return same_place(change->loc, why->loc);
		return change->vm != NO_INDEX && is_managed_by(finder, why, world->vms[change->vm].name);
	case WHY_ASSIGNMENT:
		return change->vm != NO_INDEX && is_managed_by(finder, why, world->vms[change->vm].name);
	default:
		return false;
	}
}

static bool has_step(const struct finder *finder, const struct why *why, const struct step *step)
{
	const struct world *world = why->plan->observed;
	bool here = why->host != NO_INDEX && g_strcmp0(step->host_name, world->hosts[why->host].name) == 0;
	switch (why->kind) {
	case WHY_CLUSTER:
		return true;
	case WHY_HOST:
		return here || (step->to_host && text_equal_fold(step->to_host, last_part(why->address)));
	case WHY_GPU:
		return here && g_strcmp0(step->location_path, world->gpus[why->gpu].location_path) == 0;
	case WHY_VM:
		return g_strcmp0(step->vm_id, world->vms[why->vm].id) == 0;
	case WHY_POOL:
		return here && (g_strcmp0(step->pool, last_part(why->address)) == 0 ||
				       g_strcmp0(step->device.pool, last_part(why->address)) == 0);
	case WHY_GROUP:
		return step->vm_id ? is_managed_by(finder, why, step->vm_name) : same_place(step->loc, why->loc);
	case WHY_ASSIGNMENT:
		return step->vm_id && is_managed_by(finder, why, step->vm_name);
	default:
		return false;
	}
}

/* A refusal of one of a group's own lines: its count, its role, how many GPUs or which. */
static bool is_of_group(const struct gpu_group *group, const struct refusal *refusal)
{
	const struct spec_passthrough *passthrough = group->passthrough;
	return same_place(group_loc(group), refusal->loc) ||
	       (passthrough && (same_place(head_loc(&passthrough->head, "perHost"), refusal->loc) ||
				       same_place(head_loc(&passthrough->head, "locationPaths"), refusal->loc)));
}

/* A count is refused for the whole group: for each GPU of it, and for whoever is to have one of its partitions. */
static bool has_group_refused(const struct finder *finder, const struct why *why, const char *group)
{
	const struct rules *rules = why->plan->rules;
	const struct world *world = why->plan->observed;
	const struct spec *spec = finder->run->spec;
	const char *cluster = why->plan->cluster;
	const struct spec_assignment *it = NULL;
	switch (why->kind) {
	case WHY_GPU:
		return rules && rules->gpu_role[why->gpu] == ROLE_PARTITIONED;
	case WHY_HOST:
		for (uint32_t i = 0; rules && i < world->n_gpus; i++)
			if (world->gpus[i].host == why->host && rules->gpu_role[i] == ROLE_PARTITIONED)
				return true;
		return false;
	case WHY_VM:
		it = spec && cluster ? spec_find_assignment_of_vm(spec, cluster, world->vms[why->vm].name, NULL) : NULL;
		return it && g_strcmp0(it->gpus, group) == 0;
	case WHY_ASSIGNMENT:
		for (uint32_t i = 0; spec && i < spec->n_assignments; i++)
			if (g_strcmp0(spec->assignments[i].name, last_part(why->address)) == 0)
				it = &spec->assignments[i];
		return it && g_strcmp0(it->gpus, group) == 0;
	default:
		return false;
	}
}

static bool has_refusal(const struct finder *finder, const struct why *why, const struct refusal *refusal)
{
	const struct plan *plan = why->plan;
	const char *subject = refusal->subject, *vm = strstr(subject, "vm/");
	bool is_whole_plan =
		!strchr(subject, '/'); /* of a host or cluster by its bare name: reconcile/refuse_cluster.c */
	if (is_whole_plan || is_about(why, subject))
		return why->kind != WHY_STEP;
	if (g_str_has_prefix(subject, "group/"))
		return has_group_refused(finder, why, subject + strlen("group/"));
	if (why->kind != WHY_GROUP && why->kind != WHY_ASSIGNMENT)
		return false;
	if (vm)
		return is_managed_by(finder, why, vm + strlen("vm/"));
	for (uint32_t i = 0; why->kind == WHY_GROUP && plan->spec && i < plan->spec->n_gpus; i++)
		if (g_strcmp0(plan->spec->gpus[i].name, last_part(why->address)) == 0)
			return is_of_group(&plan->spec->gpus[i], refusal);
	return false;
}

static const void *take(struct arena *arena, GPtrArray *list, uint32_t *n_out)
{
	*n_out = list->len;
	return arena_copy(arena, list->pdata, sizeof(void *) * list->len);
}

/* What only has to make way is in the plan for the sake of GPUs: their changes are shown. */
static void add_changes_of_steps(const struct why *why, const struct reasons *reasons, GPtrArray *changes)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < why->n_steps; i++) {
		const struct change *const *of;
		uint32_t n = reasons_changes(reasons, why->steps[i]->id, &of);
		for (uint32_t k = 0; k < n; k++)
			if (g_hash_table_add(seen, (gpointer)of[k]))
				g_ptr_array_add(changes, (gpointer)of[k]);
	}
}

static void fill(const struct finder *finder, struct why *why)
{
	const struct plan *plan = why->plan;
	g_autoptr(GPtrArray) changes = g_ptr_array_new();
	g_autoptr(GPtrArray) steps = g_ptr_array_new();
	g_autoptr(GPtrArray) refusals = g_ptr_array_new();
	g_autoptr(GPtrArray) findings = g_ptr_array_new();
	for (uint32_t i = 0; i < plan->n_steps && why->kind != WHY_STEP; i++)
		if (has_step(finder, why, &plan->steps[i]))
			g_ptr_array_add(steps, (gpointer)&plan->steps[i]);
	if (why->kind != WHY_STEP)
		why->steps = take(finder->arena, steps, &why->n_steps);
	for (uint32_t i = 0; i < plan->changes.n; i++)
		if (has_change(finder, why, &plan->changes.items[i]))
			g_ptr_array_add(changes, (gpointer)&plan->changes.items[i]);
	if (!changes->len && why->n_steps)
		add_changes_of_steps(why, reasons_of(finder->arena, plan), changes);
	why->changes = take(finder->arena, changes, &why->n_changes);
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (has_refusal(finder, why, &plan->refusals[i]))
			g_ptr_array_add(refusals, (gpointer)&plan->refusals[i]);
	why->refusals = take(finder->arena, refusals, &why->n_refusals);
	for (const struct diag *diag = plan->diags ? plan->diags->first : NULL; diag; diag = diag->next)
		if (is_about(why, diag->subject) && !outline_is_refusal(plan, diag))
			g_ptr_array_add(findings, (gpointer)diag);
	why->findings = take(finder->arena, findings, &why->n_findings);
}

/* ---- finding it ---- */

static bool is_number(const char *address, uint32_t *out)
{
	guint64 number;
	if (!g_ascii_string_to_unsigned(address + (*address == '#'), 10, 1, UINT32_MAX, &number, NULL))
		return false;
	*out = (uint32_t)number;
	return true;
}

static void offer_step(struct finder *finder, const struct plan *plan, uint32_t id)
{
	if (id > plan->n_steps)
		return;
	const struct step **steps = arena_array(finder->arena, const struct step *, 1);
	struct why *why = arena_new_of(finder->arena, struct why);
	steps[0] = &plan->steps[id - 1];
	*why = (struct why){ .plan = plan, .kind = WHY_STEP, .steps = steps, .n_steps = 1, .loc = steps[0]->loc };
	why->host = why->gpu = why->vm = NO_INDEX;
	why->address = arena_printf(finder->arena, "cluster/%s/step/%u", cluster_name(plan), id);
	g_ptr_array_add(finder->found, why);
}

static void search_plan(struct finder *finder, const struct plan *plan)
{
	offer_manifests(finder, plan);
	offer_hosts(finder, plan);
	offer_gpus(finder, plan);
	offer_vms(finder, plan);
	offer_pools(finder, plan);
}

static int not_found(const struct finder *finder, const char *address, uint32_t id, struct diags *diags)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < finder->run->n_plans; i++)
		most = MAX(most, finder->run->plans[i]->n_steps);
	if (id && most)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "--why '%s': there is no such step; the last is %u",
			address, most);
	if (id)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "--why '%s': the plan has no steps", address);
	const char *near =
		text_nearest(last_part(finder->address), (const char *const *)finder->names->pdata, finder->names->len);
	if (near)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--why '%s': nothing in the plan is called so; did you mean '%s'?", address, near);
	return diag_add(diags, D_USAGE, LOC_NONE, NULL,
		"--why '%s': nothing in the plan is called so; write the name of a VM, host, GPU group or cluster, a "
		"step's number, or an address as plans print it: host/HOST/gpu/LOCATIONPATH",
		address);
}

int why_find(struct arena *arena, const struct run *run, const char *address, const struct why *const **out,
	uint32_t *n_out, struct diags *diags)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	struct finder finder = { arena, run, address, found, names };
	uint32_t id = 0;
	bool is_step = is_number(address, &id);
	for (uint32_t i = 0; i < run->n_plans; i++)
		search_plan(&finder, run->plans[i]);
	for (uint32_t i = 0; i < run->n_plans && is_step && !found->len; i++)
		offer_step(&finder, run->plans[i], id);
	for (uint32_t i = 0; i < run->n_plans && !found->len; i++)
		offer_refused(&finder, run->plans[i]);
	if (!found->len)
		return not_found(&finder, address, id, diags);
	for (guint i = 0; i < found->len; i++)
		fill(&finder, found->pdata[i]);
	*out = take(arena, found, n_out);
	return 0;
}
