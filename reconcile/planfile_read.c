/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_parts.h"
#include "reconcile/planfile_step.h"
#include "schema/state.h"

#include <string.h>

/* Members that came with format 1.1 or 1.2 may be absent; null stands for "none". */
static bool has(json_t *in, const char *key)
{
	json_t *value = json_object_get(in, key);
	return value && !json_is_null(value);
}

/* ---- findings and refusals ---- */

static int get_code(struct jsonio_reader *reader, json_t *json)
{
	const char *id = jsonio_get_text(reader, json, "code");
	int code = id ? diag_code_find(id) : -1;
	if (id && code < 0)
		jsonio_fail(reader, "the plan has a finding '%s' that this version does not know", id);
	return MAX(code, 0);
}

static void finding_from_json(struct jsonio_reader *reader, json_t *json, struct diags *diags)
{
	if (!json_is_object(json))
		return jsonio_fail(reader, "a finding of the plan must be an object");
	int code = get_code(reader, json);
	const char *message = jsonio_get_text(reader, json, "message");
	const char *subject = jsonio_get_optional(reader, json, "subject");
	struct loc loc = jsonio_get_loc(reader, json, "position");
	struct loc also = jsonio_get_loc(reader, json, "also");
	const char *also_message = jsonio_get_optional(reader, json, "also_message");
	if (reader->failed)
		return;
	/* The value is remembered in 'diags' itself; here it is no news. */
	(void)!diag_add(diags, code, loc, subject, "%s", message);
	if (also_message)
		diag_also(diags, also, also_message);
}

static struct diags *findings_from_json(struct jsonio_reader *reader, json_t *in)
{
	struct diags *diags = diags_new(reader->arena);
	json_t *list = jsonio_get_array(reader, in, "findings");
	for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++)
		finding_from_json(reader, json_array_get(list, i), diags);
	return diags;
}

static const char *const *texts_from_json(struct jsonio_reader *reader, json_t *in, const char *key, uint32_t *n_out)
{
	json_t *list = has(in, key) ? jsonio_get_array(reader, in, key) : NULL;
	const char **texts = arena_array(reader->arena, const char *, json_array_size(list));
	*n_out = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text)
			jsonio_fail(reader, "'%s' of the plan must be a list of texts", key);
		else
			texts[(*n_out)++] = arena_strdup(reader->arena, text);
	}
	return texts;
}

static void refusals_from_json(struct jsonio_reader *reader, json_t *in, struct plan *plan)
{
	json_t *list = jsonio_get_array(reader, in, "refusals");
	uint32_t n = (uint32_t)json_array_size(list);
	struct refusal *refusals = arena_array(reader->arena, struct refusal, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++) {
		json_t *json = json_array_get(list, i);
		refusals[i].subject = jsonio_get_text(reader, json, "subject");
		refusals[i].what = jsonio_get_text(reader, json, "what");
		refusals[i].reason = jsonio_get_text(reader, json, "reason");
		refusals[i].code = get_code(reader, json);
		refusals[i].loc = jsonio_get_loc(reader, json, "position");
		refusals[i].remedy = jsonio_get_optional(reader, json, "remedy");
		refusals[i].facts = texts_from_json(reader, json, "facts", &refusals[i].n_facts);
	}
	plan->refusals = refusals;
	plan->n_refusals = n;
}

/* ---- worlds ---- */

static struct host_state *host_from_json(struct jsonio_reader *reader, json_t *json)
{
	struct host_state *state = NULL;
	struct diags *diags = diags_new(reader->arena);
	if (state_from_json(reader->arena, json, reader->source, &state, diags) == 0 && state)
		return state;
	jsonio_fail(reader, "a host in the plan cannot be read: %s",
		diags->first ? diags->first->message : "it is not a HostState document");
	return NULL;
}

static void missing_from_json(struct jsonio_reader *reader, json_t *in, struct world *world)
{
	json_t *list = jsonio_get_array(reader, in, "missing");
	uint32_t n = (uint32_t)json_array_size(list);
	struct missing_host *missing = arena_array(reader->arena, struct missing_host, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++) {
		missing[i].name = jsonio_get_text(reader, json_array_get(list, i), "name");
		missing[i].reason = jsonio_get_optional(reader, json_array_get(list, i), "reason");
	}
	world->missing = missing;
	world->n_missing = n;
}

static bool has_host_twice(const struct host_state *const *states, uint32_t n)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; i < n; i++)
		if (!g_hash_table_add(seen, g_ascii_strdown(states[i]->host.name, -1)))
			return true;
	return false;
}

static struct world *world_from_json(struct jsonio_reader *reader, json_t *in, const char *key)
{
	json_t *json = jsonio_get_object(reader, in, key);
	json_t *hosts = json ? jsonio_get_array(reader, json, "hosts") : NULL;
	uint32_t n = (uint32_t)json_array_size(hosts);
	const struct host_state **states = arena_array(reader->arena, const struct host_state *, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++)
		states[i] = host_from_json(reader, json_array_get(hosts, i));
	if (!reader->failed && has_host_twice(states, n))
		jsonio_fail(reader, "the plan has a host twice");
	if (reader->failed)
		return NULL;
	struct world *world = world_assemble(reader->arena, states, n);
	missing_from_json(reader, json, world);
	return reader->failed ? NULL : world;
}

/* VMs of the goal stand where the observed world has them, also those that move. */
static void goal_order(struct jsonio_reader *reader, const struct world *observed, struct world *goal)
{
	struct vm *vms = arena_array(reader->arena, struct vm, goal->n_vms);
	g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint32_t i = 0; i < goal->n_vms; i++)
		g_hash_table_insert(by_id, (gpointer)goal->vms[i].id, &goal->vms[i]);
	bool same = goal->n_vms == observed->n_vms && g_hash_table_size(by_id) == goal->n_vms &&
		    goal->n_gpus == observed->n_gpus && goal->n_hosts == observed->n_hosts;
	for (uint32_t i = 0; same && i < observed->n_vms; i++) {
		const struct vm *vm = g_hash_table_lookup(by_id, observed->vms[i].id);
		same = vm != NULL;
		if (same)
			vms[i] = *vm;
	}
	for (uint32_t i = 0; same && i < goal->n_gpus; i++)
		same = goal->gpus[i].host == observed->gpus[i].host &&
		       strcmp(goal->gpus[i].location_path, observed->gpus[i].location_path) == 0;
	if (!same)
		return jsonio_fail(reader, "the two worlds in the plan do not have the same hosts, GPUs and VMs");
	goal->vms = vms;
}

/* ---- rules ---- */

static uint32_t find_gpu(struct jsonio_reader *reader, const struct world *world, json_t *json)
{
	const char *host = jsonio_get_text(reader, json, "host"), *path = jsonio_get_text(reader, json, "gpu");
	uint32_t at = host ? world_find_host(world, host) : NO_INDEX;
	uint32_t gpu = at != NO_INDEX && path ? world_find_gpu(world, at, path) : NO_INDEX;
	if (gpu == NO_INDEX)
		jsonio_fail(reader, "the plan speaks of a GPU that its own world does not have");
	return gpu;
}

static uint32_t find_vm(struct jsonio_reader *reader, const struct world *world, json_t *json, const char *key)
{
	const char *id = jsonio_get_text(reader, json, key);
	uint32_t vm = id ? world_find_vm(world, id) : NO_INDEX;
	if (vm == NO_INDEX)
		jsonio_fail(reader, "the plan speaks of a VM that its own world does not have");
	return vm;
}

static void gpu_rules_from_json(struct jsonio_reader *reader, json_t *in, const struct world *world, struct rules *out)
{
	enum gpu_role *roles = arena_array(reader->arena, enum gpu_role, world->n_gpus);
	bool *refused = arena_array(reader->arena, bool, world->n_gpus);
	bool *excluded = arena_array(reader->arena, bool, world->n_gpus);
	json_t *list = jsonio_get_array(reader, in, "gpus");
	for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++) {
		json_t *json = json_array_get(list, i);
		uint32_t gpu = find_gpu(reader, world, json);
		if (gpu == NO_INDEX)
			return;
		roles[gpu] = jsonio_get_enum(reader, json, "role", &gpu_role_names);
		refused[gpu] = jsonio_get_bool(reader, json, "refused");
		excluded[gpu] = jsonio_get_bool(reader, json, "excluded");
	}
	out->gpu_role = roles;
	out->gpu_refused = refused;
	out->gpu_excluded = excluded;
}

static void vm_rules_from_json(struct jsonio_reader *reader, json_t *in, const struct world *world, struct rules *out)
{
	enum vm_ownership *ownership = arena_array(reader->arena, enum vm_ownership, world->n_vms);
	struct maybe_u64 *low = arena_array(reader->arena, struct maybe_u64, world->n_vms);
	struct maybe_u64 *high = arena_array(reader->arena, struct maybe_u64, world->n_vms);
	g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint32_t i = 0; i < world->n_vms; i++)
		g_hash_table_insert(by_id, (gpointer)world->vms[i].id, GUINT_TO_POINTER(i + 1));
	json_t *list = jsonio_get_array(reader, in, "vms");
	for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++) {
		json_t *json = json_array_get(list, i);
		const char *id = jsonio_get_text(reader, json, "id");
		uint32_t vm = id ? GPOINTER_TO_UINT(g_hash_table_lookup(by_id, id)) : 0;
		if (vm == 0)
			return jsonio_fail(reader, "the plan speaks of a VM that its own world does not have");
		ownership[vm - 1] = jsonio_get_enum(reader, json, "ownership", &vm_ownership_names);
		low[vm - 1] = jsonio_get_maybe(reader, json, "mmio_low_bytes");
		high[vm - 1] = jsonio_get_maybe(reader, json, "mmio_high_bytes");
	}
	out->vm_ownership = ownership;
	out->vm_mmio_low = low;
	out->vm_mmio_high = high;
}

static const struct rules *rules_from_json(struct jsonio_reader *reader, json_t *in, const struct world *world)
{
	struct rules *rules = arena_new_of(reader->arena, struct rules);
	json_t *json = jsonio_get_object(reader, in, "rules");
	if (!json)
		return rules;
	rules->strategy = jsonio_get_enum(reader, json, "strategy", &strategy_names);
	rules->unmanaged = jsonio_get_enum(reader, json, "unmanaged", &unmanaged_mode_names);
	rules->max_partitions_per_vm = jsonio_get_u32(reader, json, "max_partitions_per_vm");
	rules->debts_only = jsonio_get_bool(reader, json, "debts_only");
	gpu_rules_from_json(reader, json, world, rules);
	vm_rules_from_json(reader, json, world, rules);
	return rules;
}

/* ---- changes and steps ---- */

static void change_from_json(struct jsonio_reader *reader, json_t *json, const struct world *world, struct change *out)
{
	*out = (struct change){ .host = NO_INDEX, .gpu = NO_INDEX, .vm = NO_INDEX };
	out->kind = jsonio_get_enum(reader, json, "kind", &change_kind_names);
	out->subject = jsonio_get_text(reader, json, "subject");
	const char *host = jsonio_get_optional(reader, json, "host");
	out->host = host ? world_find_host(world, host) : NO_INDEX;
	if (json_object_get(json, "gpu"))
		out->gpu = find_gpu(reader, world, json);
	if (json_object_get(json, "vm"))
		out->vm = find_vm(reader, world, json, "vm");
	out->before = jsonio_get_optional(reader, json, "before");
	out->after = jsonio_get_optional(reader, json, "after");
	out->number = jsonio_get_maybe(reader, json, "number");
	if (out->kind == CHANGE_ADAPTER_ADDED || out->kind == CHANGE_ADAPTER_REMOVED)
		out->adapter = planfile_adapter_from_json(reader, json, "adapter");
	if (out->kind == CHANGE_DEVICE_ADDED || out->kind == CHANGE_DEVICE_REMOVED)
		out->device = planfile_device_from_json(reader, json, "device");
	out->pool = jsonio_get_optional(reader, json, "pool");
	out->cause = jsonio_get_enum(reader, json, "cause", &step_cause_names);
	out->why = jsonio_get_optional(reader, json, "why");
	out->loc = jsonio_get_loc(reader, json, "position");
}

static void changes_from_json(struct jsonio_reader *reader, json_t *in, struct plan *plan)
{
	json_t *list = jsonio_get_array(reader, in, "changes");
	uint32_t n = (uint32_t)json_array_size(list);
	struct change *items = arena_array(reader->arena, struct change, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++)
		change_from_json(reader, json_array_get(list, i), plan->observed, &items[i]);
	plan->changes = (struct changes){ items, n };
}

static void steps_from_json(struct jsonio_reader *reader, json_t *in, struct plan *plan)
{
	json_t *list = jsonio_get_array(reader, in, "steps");
	uint32_t n = (uint32_t)json_array_size(list);
	struct step *steps = arena_array(reader->arena, struct step, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++)
		planfile_step_from_json(reader, json_array_get(list, i), i + 1, &steps[i]);
	plan->steps = steps;
	plan->n_steps = n;
}

static struct cost cost_from_json(struct jsonio_reader *reader, json_t *in)
{
	struct cost cost = { 0 };
	json_t *json = jsonio_get_object(reader, in, "cost");
	if (!json)
		return cost;
	cost.vms_stopped = jsonio_get_u32(reader, json, "vms_stopped");
	cost.vms_moved = jsonio_get_u32(reader, json, "vms_moved");
	cost.role_changes = jsonio_get_u32(reader, json, "role_changes");
	cost.steps = jsonio_get_u32(reader, json, "steps");
	cost.seconds = jsonio_get_u32(reader, json, "est_seconds");
	return cost;
}

static struct plan_least least_from_json(struct jsonio_reader *reader, json_t *in)
{
	json_t *json = has(in, "least") ? jsonio_get_object(reader, in, "least") : NULL;
	if (!json)
		return (struct plan_least){ 0 };
	return (struct plan_least){
		.known = true,
		.vms_stopped = jsonio_get_u32(reader, json, "vms_stopped"),
		.vms_moved = jsonio_get_u32(reader, json, "vms_moved"),
		.role_changes = jsonio_get_u32(reader, json, "role_changes"),
	};
}

static struct plan_budget budget_from_json(struct jsonio_reader *reader, json_t *in)
{
	json_t *json = has(in, "budget") ? jsonio_get_object(reader, in, "budget") : NULL;
	if (!json)
		return (struct plan_budget){ 0 };
	return (struct plan_budget){
		.set = jsonio_get_bool(reader, json, "set"),
		.allowed = jsonio_get_u32(reader, json, "allowed"),
		.of = jsonio_get_u32(reader, json, "of"),
		.peak = has(json, "down_at_once") ? jsonio_get_u32(reader, json, "down_at_once") : 0,
	};
}

static struct plan_window window_from_json(struct jsonio_reader *reader, json_t *in)
{
	json_t *json = has(in, "window") ? jsonio_get_object(reader, in, "window") : NULL;
	if (!json)
		return (struct plan_window){ 0 };
	return (struct plan_window){
		.set = true,
		.is_open = jsonio_get_bool(reader, json, "is_open"),
		.opens_at = has(json, "opens_at") ? jsonio_get_time(reader, json, "opens_at") : 0,
		.closes_at = has(json, "closes_at") ? jsonio_get_time(reader, json, "closes_at") : 0,
		.longest_s = jsonio_get_u32(reader, json, "longest_seconds"),
		.opens_text = jsonio_get_optional(reader, json, "opens"),
	};
}

static struct plan_mixed mixed_from_json(struct jsonio_reader *reader, json_t *in)
{
	json_t *json = has(in, "mixed") ? jsonio_get_object(reader, in, "mixed") : NULL;
	if (!json)
		return (struct plan_mixed){ 0 };
	return (struct plan_mixed){
		.set = true,
		.seconds = jsonio_get_u32(reader, json, "est_seconds"),
		.first_host = jsonio_get_optional(reader, json, "first_host"),
		.last_host = jsonio_get_optional(reader, json, "last_host"),
	};
}

/* ---- the cluster and the run ---- */

static void cluster_head_from_json(struct jsonio_reader *reader, json_t *json, struct plan *plan)
{
	const char *mode = jsonio_get_text(reader, json, "mode");
	plan->cluster = jsonio_get_optional(reader, json, "name");
	plan->mode = g_strcmp0(mode, "restore") == 0 ? PLAN_RESTORE : PLAN_APPLY;
	if (mode && plan->mode == PLAN_APPLY && strcmp(mode, "apply") != 0)
		jsonio_fail(reader, "'mode' of the plan is neither apply nor restore");
	plan->complete = jsonio_get_bool(reader, json, "complete");
	plan->incomplete_hosts = jsonio_get_bool(reader, json, "incomplete_hosts");
	plan->suspended = jsonio_get_bool(reader, json, "suspended");
	plan->foreign_owner = jsonio_get_bool(reader, json, "foreign_owner");
	plan->consents = jsonio_get_bool(reader, json, "consents");
	plan->owner = jsonio_get_optional(reader, json, "owner");
	plan->n_debts_open = jsonio_get_u32(reader, json, "debts_open");
	plan->n_debts_old = jsonio_get_u32(reader, json, "debts_old");
	plan->n_to_adopt = jsonio_get_u32(reader, json, "to_adopt");
	plan->cost = cost_from_json(reader, json);
	plan->least = least_from_json(reader, json);
	plan->budget = budget_from_json(reader, json);
	plan->window = window_from_json(reader, json);
	planfile_windows_from_json(reader, json, &plan->window);
	plan->mixed = mixed_from_json(reader, json);
}

static struct plan *cluster_from_json(struct jsonio_reader *reader, json_t *json)
{
	struct plan *plan = arena_new_of(reader->arena, struct plan);
	cluster_head_from_json(reader, json, plan);
	plan->observed = world_from_json(reader, json, "prior_state");
	struct world *goal = world_from_json(reader, json, "planned_values");
	if (reader->failed)
		return plan;
	goal_order(reader, plan->observed, goal);
	plan->goal = goal;
	plan->rules = rules_from_json(reader, json, plan->observed);
	changes_from_json(reader, json, plan);
	steps_from_json(reader, json, plan);
	refusals_from_json(reader, json, plan);
	plan->diags = findings_from_json(reader, json);
	return plan;
}

static void check_version(struct jsonio_reader *reader, json_t *json)
{
	const char *version = jsonio_get_text(reader, json, "format_version");
	size_t n_major = strcspn(PLANFILE_FORMAT_VERSION, ".") + 1;
	if (version && strncmp(version, PLANFILE_FORMAT_VERSION, n_major) != 0)
		jsonio_fail(reader, "plan of format version '%s', and this version reads %s", version,
			PLANFILE_FORMAT_VERSION);
}

static void check_digest(struct jsonio_reader *reader, json_t *json)
{
	const char *digest = jsonio_get_text(reader, json, "digest");
	g_autofree char *computed = planfile_digest(json);
	if (digest && strcmp(digest, computed) != 0)
		jsonio_fail(reader, "the plan was edited or damaged: its digest does not fit its contents");
}

static void limits_from_json(struct jsonio_reader *reader, json_t *in, struct run *run)
{
	json_t *json = has(in, "allow") ? jsonio_get_object(reader, in, "allow") : NULL;
	if (!json)
		return;
	struct cost *limits = arena_new_of(reader->arena, struct cost);
	limits->vms_stopped = jsonio_get_u32(reader, json, "restarts");
	limits->vms_moved = jsonio_get_u32(reader, json, "moves");
	limits->role_changes = jsonio_get_u32(reader, json, "role_changes");
	run->options.limits = limits;
}

static void run_from_json(struct jsonio_reader *reader, json_t *json, struct run *run)
{
	run->now = run->options.now = jsonio_get_time(reader, json, "timestamp");
	run->tree.given = run->options.source = jsonio_get_optional(reader, json, "source");
	run->tree.commit = jsonio_get_optional(reader, json, "commit");
	run->tree.dirty = jsonio_get_bool(reader, json, "dirty");
	run->owner = run->options.owner = jsonio_get_optional(reader, json, "owner");
	run->tree.owner = run->owner;
	run->tree.digest = has(json, "manifests_digest") ? jsonio_get_text(reader, json, "manifests_digest") : NULL;
	run->tool_version = jsonio_get_text(reader, json, "tool_version");
	run->options.adopt = has(json, "adopt") && jsonio_get_bool(reader, json, "adopt");
	limits_from_json(reader, json, run);
	run->diags = findings_from_json(reader, json);
	json_t *clusters = jsonio_get_array(reader, json, "clusters");
	uint32_t n = (uint32_t)json_array_size(clusters);
	if (!n && !reader->failed)
		jsonio_fail(
			reader, "there is no plan in it, for none could be made when it was written; make it again");
	struct plan **plans = arena_array(reader->arena, struct plan *, n);
	for (uint32_t i = 0; i < n && !reader->failed; i++)
		plans[i] = cluster_from_json(reader, json_array_get(clusters, i));
	run->plans = plans;
	run->n_plans = n;
	run->options.mode = n && plans[0] ? plans[0]->mode : PLAN_APPLY;
}

int planfile_read(struct arena *arena, const struct source *source, struct run **out, struct diags *diags)
{
	json_error_t error;
	g_autoptr(GHashTable) files = g_hash_table_new(g_str_hash, g_str_equal);
	struct jsonio_reader reader = { .arena = arena, .source = source, .diags = diags, .files = files };
	json_auto_t *json = json_loadb(source->bytes, source->n_bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		struct loc loc = { source, (uint32_t)MAX(error.line, 1), (uint32_t)MAX(error.column, 1), 1 };
		return diag_add(diags, D_PLAN_FILE, loc, NULL, "not a plan file: %s", error.text);
	}
	if (!json_is_object(json))
		jsonio_fail(&reader, "not a plan file: it must be a JSON object");
	else
		check_version(&reader, json);
	if (!reader.failed)
		check_digest(&reader, json);
	struct run *run = arena_new_of(arena, struct run);
	run->arena = arena;
	run->from_file = true;
	run->options.until = STAGE_PLAN;
	if (!reader.failed)
		run_from_json(&reader, json, run);
	if (reader.failed)
		return -1;
	*out = run;
	return 0;
}
