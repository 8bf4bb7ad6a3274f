/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/wants.h"

#include "base/text.h"
#include "reconcile/choose.h"
#include "reconcile/debts.h"

#include <stdarg.h>
#include <string.h>

void wants_refuse(struct wants *wants, enum diag_code code, struct loc loc, const char *subject, const char *what,
	const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	g_autofree char *reason = g_strdup_vprintf(fmt, args);
	va_end(args);
	struct refusal refusal = {
		.subject = arena_strdup(wants->arena, subject),
		.what = arena_strdup(wants->arena, what),
		.reason = arena_strdup(wants->arena, reason),
		.code = code,
		.loc = loc,
	};
	g_array_append_val(wants->refusals, refusal);
	diag_add(wants->diags, code, loc, subject, "%s: %s", what, reason);
}

bool wants_has_wish(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	return wants->input->mode == PLAN_APPLY && want->ownership == VM_MANAGED && !want->refused;
}

bool wants_owed_power(const struct wants *wants, uint32_t vm)
{
	const struct vm *it = &wants->input->observed->vms[vm];
	return wants->vms[vm].debt == DEBT_OPEN && !debts_power_is_void(it) && vm_is_off(it);
}

bool wants_owed_parts(const struct wants *wants, uint32_t vm)
{
	const struct vm *it = &wants->input->observed->vms[vm];
	const struct vm_want *want = &wants->vms[vm];
	if (want->debt != DEBT_OPEN || want->parts_stay)
		return false;
	/* it has the GPU of the other kind that the manifests give it: both at once no rule allows */
	bool has_other = debts_wanted_otherwise(want, it->debt) &&
			 (want->group->passthrough ? vm_has_whole_gpu(wants->input->observed, it) : it->n_adapters > 0);
	return !has_other && (it->debt->n_adapters || it->debt->n_devices);
}

static bool is_frozen(const struct plan_input *input, const char *subject)
{
	for (uint32_t i = 0; i < input->n_frozen; i++)
		if (strcmp(input->frozen[i], subject) == 0)
			return true;
	return false;
}

static bool host_is_excluded(const struct plan_input *input, uint32_t host)
{
	if (!input->cluster)
		return false;
	const struct spec_host *line = cluster_find_host(input->cluster, input->observed->hosts[host].name);
	return line && line->exclude;
}

/* By its own subject, or with its whole host. */
static bool is_frozen_on(const struct wants *wants, uint32_t host, const char *subject)
{
	const char *on = subject_host(wants->arena, wants->input->observed, host);
	return is_frozen(wants->input, subject) || is_frozen(wants->input, arena_printf(wants->arena, "%s/all", on));
}

static const char *doubt_about(const struct plan_input *input, const char *subject)
{
	for (uint32_t i = 0; i < input->n_doubts; i++)
		if (g_strcmp0(input->doubts[i].subject, subject) == 0)
			return input->doubts[i].reason;
	return NULL;
}

static void mark_frozen_and_doubted(struct wants *wants)
{
	const struct plan_input *input = wants->input;
	const struct world *world = input->observed;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		wants->gpus[i].frozen = is_frozen_on(wants, world->gpus[i].host, subject_gpu(wants->arena, world, i));
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const char *subject = subject_vm(wants->arena, world, i);
		wants->vms[i].frozen = is_frozen_on(wants, world->vms[i].host, subject);
		wants->vms[i].stays = is_frozen(input, arena_printf(wants->arena, "%s/move", subject));
		wants->vms[i].doubt = doubt_about(input, subject);
	}
}

static void mark_left_alone(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		wants->gpus[i].excluded = host_is_excluded(wants->input, world->gpus[i].host);
	for (uint32_t i = 0; i < world->n_vms; i++)
		wants->vms[i].excluded = host_is_excluded(wants->input, world->vms[i].host);
	if (wants->input->n_frozen || wants->input->n_doubts) /* texts for every object are not made for nothing */
		mark_frozen_and_doubted(wants);
}

/* ---- VMs that lines name ---- */

struct naming {
	const struct spec_assignment *assignment;
	const struct gpu_group *group;
	uint32_t *rank;
	GHashTable *lines; /* names_of_lines() */
	uint32_t *n_slips; /* names for which others were looked at */
};

/* Many names that nobody has are no slips, and each is compared with every VM. */
enum { SLIPS_MAX = 32 };

static void manage(struct wants *wants, const struct naming *naming, uint32_t vm, struct loc loc)
{
	struct vm_want *want = &wants->vms[vm];
	want->ownership = VM_MANAGED;
	want->assignment = naming->assignment;
	want->group = naming->group;
	want->loc = loc;
	want->rank = (*naming->rank)++;
}

static const char *hosts_of_vms_named(struct wants *wants, const char *name)
{
	const struct world *world = wants->input->observed;
	g_autoptr(GString) hosts = g_string_new(NULL);
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (g_ascii_strcasecmp(world->vms[i].name, name) == 0)
			g_string_append_printf(
				hosts, "%s%s", hosts->len ? ", " : "", world->hosts[world->vms[i].host].name);
	return arena_strdup(wants->arena, hosts->str);
}

/* The names that lines give, in lower case. */
static GHashTable *names_of_lines(const struct wants *wants)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; i < wants->n_assignments; i++)
		for (uint32_t j = 0; j < wants->assignments[i]->n_vms; j++)
			g_hash_table_add(names, g_ascii_strdown(wants->assignments[i]->vms[j].name, -1));
	return names;
}

static bool is_named_by_a_line(GHashTable *names, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	return g_hash_table_contains(names, key);
}

/* Of those that no line names: vdi-013 is no slip for vdi-012 where both are written down. */
static const char *vm_meant(const struct wants *wants, const struct naming *naming, const char *name)
{
	const struct world *world = wants->input->observed;
	if (wants->input->is_trial || (*naming->n_slips)++ >= SLIPS_MAX)
		return "";
	g_autofree const char **names = g_new0(const char *, world->n_vms + 1);
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (!is_named_by_a_line(naming->lines, world->vms[i].name))
			names[i] = world->vms[i].name;
	return text_meant(wants->arena, name, names, world->n_vms);
}

static void vm_is_missing(
	struct wants *wants, const struct naming *naming, const struct spec_vm *line, const char *subject)
{
	const struct world *world = wants->input->observed;
	if (line->optional)
		return;
	if (world->n_missing) {
		diag_add(wants->diags, D_UNKNOWN_FACT, line->head.loc, subject,
			"VM '%s' is on no observed host; it may be on '%s', which was not observed", line->name,
			world->missing[0].name);
		return;
	}
	const char *meant = vm_meant(wants, naming, line->name);
	wants_refuse(wants, D_VM_NOT_FOUND, head_loc(&line->head, "name"), subject, "assignment",
		"no host of cluster '%s' has a VM named '%s'%s", wants->input->cluster->name, line->name,
		*meant ? meant : "; correct the name, remove the line or mark it optional");
}

/* False when the VM cannot be managed where it is. */
static bool vm_is_in_place(struct wants *wants, const struct spec_vm *line, uint32_t vm, const char *subject)
{
	const struct plan_input *input = wants->input;
	const char *here = input->observed->hosts[input->observed->vms[vm].host].name;
	if (wants->vms[vm].excluded) {
		wants_refuse(wants, D_VM_STATE, line->head.loc, subject, "assignment",
			"VM '%s' is on '%s', which the cluster excludes", line->name, here);
		return false;
	}
	if (!line->host || g_ascii_strcasecmp(line->host, here) == 0)
		return true;
	if (input->cluster->type == CLUSTER_STANDALONE)
		wants_refuse(wants, D_VM_NOT_FOUND, head_loc(&line->head, "host"), subject, "assignment",
			"VM '%s' is on '%s', not on '%s', and standalone hosts do not move VMs; correct the line",
			line->name, here, line->host);
	return input->cluster->type != CLUSTER_STANDALONE;
}

/* In a failover cluster `host` is where the VM is put; reconcile/moves.h sees to it. */
static void note_host(struct wants *wants, const struct naming *naming, const struct spec_vm *line, uint32_t vm)
{
	if (wants->input->cluster->type != CLUSTER_FAILOVER || !line->host)
		return;
	wants->vms[vm].host = line->host;
	wants->vms[vm].required = naming->assignment->placement == PLACEMENT_REQUIRED;
}

static void manage_named(struct wants *wants, const struct naming *naming)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < naming->assignment->n_vms; i++) {
		const struct spec_vm *line = &naming->assignment->vms[i];
		const char *subject = arena_printf(wants->arena, "vm/%s", line->name);
		uint32_t n = 0, vm = world_find_vm_named(world, line->name, &n);
		if (n > 1)
			wants_refuse(wants, D_VM_AMBIGUOUS, head_loc(&line->head, "name"), subject, "assignment",
				"%u VMs are named '%s', on %s; rename all but one", n, line->name,
				hosts_of_vms_named(wants, line->name));
		else if (n == 0)
			vm_is_missing(wants, naming, line, subject);
		else if (vm_is_in_place(wants, line, vm, subject)) {
			manage(wants, naming, vm, head_loc(&line->head, "name"));
			note_host(wants, naming, line, vm);
		}
	}
}

static void manage_matched(struct wants *wants, const struct naming *naming)
{
	const struct world *world = wants->input->observed;
	const struct spec_vm_match *match = naming->assignment->match;
	if (!match)
		return;
	struct loc loc = head_loc(&match->head, "namePattern");
	uint32_t n = 0;
	for (uint32_t vm = 0; vm < world->n_vms; vm++) {
		if (!text_glob_fold(match->name_pattern, world->vms[vm].name) || wants->vms[vm].excluded)
			continue;
		n++;
		if (is_named_by_a_line(naming->lines, world->vms[vm].name))
			continue;
		const struct vm_want *other = &wants->vms[vm];
		if (other->ownership == VM_MANAGED) {
			wants_refuse(wants, D_VM_AMBIGUOUS, loc, subject_vm(wants->arena, world, vm), "assignment",
				"the patterns of '%s' and '%s' both match VM '%s'; name it in one of them",
				other->assignment->name, naming->assignment->name, world->vms[vm].name);
			wants->vms[vm].refused = true;
			continue;
		}
		manage(wants, naming, vm, loc);
	}
	if (n == 0 && !world->n_missing) /* else it may match VMs that nobody sees */
		diag_add(wants->diags, D_VMS_PATTERN_NONE, loc, NULL, "pattern '%s' matches no VM of cluster '%s'",
			match->name_pattern, wants->input->cluster->name);
}

static void find_assignments(struct wants *wants)
{
	const struct spec *spec = wants->input->spec;
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	for (uint32_t i = 0; i < spec->n_assignments; i++)
		if (strcmp(spec->assignments[i].cluster, wants->input->cluster->name) == 0)
			g_ptr_array_add(found, (gpointer)&spec->assignments[i]);
	wants->assignments = arena_copy(wants->arena, found->pdata, found->len * sizeof(gpointer));
	wants->n_assignments = found->len;
}

static void manage_all(struct wants *wants)
{
	uint32_t rank = 0, n_slips = 0;
	g_autoptr(GHashTable) lines = names_of_lines(wants);
	/* lines first, patterns second: explicit names win */
	for (int patterns = 0; patterns <= 1; patterns++)
		for (uint32_t i = 0; i < wants->n_assignments; i++) {
			const struct spec_assignment *assignment = wants->assignments[i];
			struct naming naming = { assignment,
				cluster_find_group(wants->input->cluster, assignment->gpus), &rank, lines, &n_slips };
			if (patterns)
				manage_matched(wants, &naming);
			else
				manage_named(wants, &naming);
		}
}

/* ---- VMs that no line names ---- */

/* An adapter of a VM that is off could be on a GPU that comes back to its host, as soon as it is back. */
static bool could_be_on_once_back(const struct wants *wants, const struct vm *vm, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	bool has_free = false;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		has_free |= !vm->adapters[i].pin;
	return has_free && vm_is_off(vm) && vm->host == it->host && it->state == GPU_DISMOUNTED &&
	       wants->gpus[gpu].role == ROLE_PARTITIONED;
}

/* The VM holds an adapter or a device of a GPU that a group selects. An adapter that could be on any GPU of its host
 * counts (world.md decision 16). */
static bool holds_selected_gpu(const struct wants *wants, uint32_t vm)
{
	const struct world *world = wants->input->observed;
	const struct vm *it = &world->vms[vm];
	const struct host *host = &world->hosts[it->host];
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++)
		if (wants->gpus[g].group && (vm_could_be_on(world, it, g) || vm_device_could_be(world, it, g) ||
						    could_be_on_once_back(wants, it, g)))
			return true;
	return false;
}

static bool has_parts(const struct wants *wants, uint32_t vm)
{
	const struct vm *it = &wants->input->observed->vms[vm];
	return wants->vms[vm].ownership != VM_MANAGED && !wants->vms[vm].excluded && (it->n_adapters || it->n_devices);
}

/* Ours, by the record, and no line mentions it: it is to be pruned. */
static void own_recorded(struct wants *wants)
{
	const struct plan_input *input = wants->input;
	for (uint32_t i = 0; i < input->observed->n_vms && input->owner && input->mode == PLAN_APPLY; i++) {
		const struct vm_record *record = input->observed->vms[i].record;
		if (has_parts(wants, i) && record && record->owner && strcmp(record->owner, input->owner) == 0 &&
			record->cluster && strcmp(record->cluster, input->cluster->name) == 0 && input->cluster->prune)
			wants->vms[i].ownership = VM_OURS;
	}
}

static void own_the_rest(struct wants *wants)
{
	for (uint32_t i = 0; i < wants->input->observed->n_vms; i++)
		if (has_parts(wants, i) && wants->vms[i].ownership != VM_OURS && holds_selected_gpu(wants, i))
			wants->vms[i].ownership = VM_UNMANAGED;
}

static void find_owner(struct wants *wants)
{
	const struct plan_input *input = wants->input;
	if (input->adopt || !world_is_of_others(input->observed, input->owner))
		return;
	wants->foreign_owner = true;
	diag_add(wants->diags, D_OWNER_WARNING, input->cluster->name_loc, input->cluster->name,
		"cluster '%s' belongs to '%s', and this source is '%s'; the plan is made as if it were ours",
		input->cluster->name, world_newest_record(input->observed)->owner, input->owner);
}

struct wants *wants_make(struct arena *arena, const struct plan_input *input, struct diags *diags)
{
	struct wants *wants = arena_new_of(arena, struct wants);
	wants->arena = arena;
	wants->diags = diags;
	wants->input = input;
	wants->gpus = arena_array(arena, struct gpu_want, input->observed->n_gpus);
	wants->vms = arena_array(arena, struct vm_want, input->observed->n_vms);
	wants->refusals = g_array_new(FALSE, TRUE, sizeof(struct refusal));
	mark_left_alone(wants);
	debts_judge(wants);
	if (input->cluster) {
		find_owner(wants);
		wants->partitioned = cluster_partitioned_group(input->cluster);
		find_assignments(wants);
		manage_all(wants);
		own_recorded(wants);
		choose_gpus(wants); /* knows whom it would disturb */
	} else {
		choose_gpus_without_manifest(wants);
	}
	own_the_rest(wants);
	if (wants->partitioned)
		wants->count = wants->partitioned->partition_count;
	return wants;
}

void wants_done(struct wants *wants)
{
	g_array_unref(wants->refusals);
	wants->refusals = NULL;
}
