/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan's JSON tells of each step besides what it does: why, what it waits for, what permits it, what it counts on. */
#include "reconcile/expects.h"
#include "reconcile/planfile_parts.h"
#include "reconcile/planfile_step.h"
#include "schema/state.h"

#include <string.h>

enum { HASH_DIGITS = 32 };

static json_t *short_hash(json_t *json)
{
	char *bytes = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	g_autofree char *text = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes ? bytes : "", -1);
	free(bytes);
	return json_stringn(text, HASH_DIGITS);
}

static json_t *waits_to_json(const struct reasons *reasons, const struct step *step)
{
	const struct reason *items;
	uint32_t n = reasons_before(reasons, step->id, &items);
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++) {
		json_t *json = json_object(), *steps = json_array();
		for (uint32_t k = 0; k < items[i].n_steps; k++)
			json_array_append_new(steps, json_integer(items[i].steps[k]));
		json_object_set_new(json, "rule", jsonio_text(items[i].rule));
		json_object_set_new(json, "because", jsonio_text(items[i].because));
		json_object_set_new(json, "steps", steps);
		json_array_append_new(list, json);
	}
	return list;
}

/* Addresses of resource_changes, each once. */
static json_t *changes_to_json(const struct plan *plan, const struct reasons *reasons, const struct step *step)
{
	const struct change *const *changes;
	uint32_t n = reasons_changes(reasons, step->id, &changes);
	json_t *list = json_array();
	g_autofree char *last = NULL;
	for (uint32_t i = 0; i < n; i++) {
		g_autofree char *address = planfile_address(plan, changes[i]);
		if (g_strcmp0(address, last) == 0)
			continue;
		json_array_append_new(list, jsonio_text(address));
		g_free(last);
		last = g_steal_pointer(&address);
	}
	return list;
}

json_t *planfile_budget_to_json(const struct plan_budget *budget)
{
	json_t *json = json_object();
	json_object_set_new(json, "set", json_boolean(budget->set));
	json_object_set_new(json, "allowed", json_integer(budget->allowed));
	json_object_set_new(json, "of", json_integer(budget->of));
	json_object_set_new(
		json, "down_at_once", budget->set || budget->peak ? json_integer(budget->peak) : json_null());
	return json;
}

json_t *planfile_window_to_json(const struct plan_window *window)
{
	if (!window->set)
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "is_open", json_boolean(window->is_open));
	json_object_set_new(json, "opens", jsonio_text(window->opens_text));
	json_object_set_new(json, "opens_at", window->opens_at ? jsonio_time(window->opens_at) : json_null());
	json_object_set_new(json, "closes_at", window->closes_at ? jsonio_time(window->closes_at) : json_null());
	json_object_set_new(json, "longest_seconds", json_integer(window->longest_s));
	return json;
}

/* What lets a running VM be disturbed; null for a step that disturbs none. */
static json_t *permits_to_json(const struct plan *plan, const struct step *step)
{
	if (!(step_rows[step->kind].needs & STEP_IS_STOP) && !(step->kind == STEP_MOVE_VM && step->live))
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "budget", planfile_budget_to_json(&plan->budget));
	json_object_set_new(json, "window", planfile_window_to_json(&plan->window));
	json_object_set_new(json, "consent", jsonio_text(plan->consents ? "manifest" : "person"));
	return json;
}

/* The observed object without what changes by itself: a step counts on it. */
static json_t *observed_vm(const struct world *world, const char *id)
{
	uint32_t at = world_find_vm(world, id);
	if (at == NO_INDEX)
		return NULL;
	const struct vm *vm = &world->vms[at];
	json_t *json = json_object(), *adapters = json_array(), *devices = json_array();
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		json_array_append_new(adapters, jsonio_text(vm->adapters[i].id));
	for (uint32_t i = 0; i < vm->n_devices; i++)
		json_array_append_new(
			devices, jsonio_text(vm->devices[i].pool ? vm->devices[i].pool : vm->devices[i].location_path));
	json_object_set_new(json, "host", jsonio_text(world->hosts[vm->host].name));
	json_object_set_new(json, "state", jsonio_text(name_of(&vm_state_names, (int)vm->state)));
	json_object_set_new(json, "partition_adapters", adapters);
	json_object_set_new(json, "assigned_devices", devices);
	return json;
}

static json_t *observed_gpu(const struct world *world, const char *host, const char *path)
{
	uint32_t at = host ? world_find_host(world, host) : NO_INDEX;
	uint32_t gpu = at == NO_INDEX ? NO_INDEX : world_find_gpu(world, at, path);
	if (gpu == NO_INDEX)
		return NULL;
	json_t *json = json_object();
	json_object_set_new(json, "state", jsonio_text(name_of(&gpu_state_names, (int)world->gpus[gpu].state)));
	json_object_set_new(json, "partition_count", jsonio_maybe(world->gpus[gpu].count));
	const struct pool *pool = gpu_pool(world, gpu);
	json_object_set_new(json, "pool", jsonio_text(pool ? pool->name : NULL));
	return json;
}

static json_t *preconditions_to_json(const struct plan *plan, const struct step *step)
{
	struct expected expected = expects_of_step(step);
	json_t *json = json_object();
	if (expected.has_vm_state)
		json_object_set_new(json, "vm_state", jsonio_text(name_of(&vm_state_names, (int)expected.vm_state)));
	if (expected.has_count)
		json_object_set_new(json, "partition_count", jsonio_maybe(expected.count));
	json_auto_t *facts = step->vm_id           ? observed_vm(plan->observed, step->vm_id)
			     : step->location_path ? observed_gpu(plan->observed, step->host_name, step->location_path)
						   : NULL;
	json_object_set_new(json, "observed_hash", facts ? short_hash(facts) : json_null());
	return json;
}

/* The same for the same step of the same run, whoever repeats it: a host's epoch rises with every run that performs. */
static json_t *idempotency_key(const struct plan *plan, const struct step *step, json_t *parameters)
{
	uint32_t host = step->host_name ? world_find_host(plan->observed, step->host_name) : NO_INDEX;
	json_auto_t *json = json_object();
	json_object_set_new(json, "cluster", jsonio_text(plan->cluster));
	json_object_set_new(json, "kind", jsonio_text(name_of(&step_kind_names, (int)step->kind)));
	json_object_set_new(json, "host", jsonio_text(step->host_name));
	json_object_set_new(json, "vm", jsonio_text(step->vm_id));
	json_object_set_new(json, "gpu", jsonio_text(step->location_path));
	/* 0 reads as 1 (model/step.h), and a plan that was read has 0. */
	bool adds = step->kind == STEP_ADD_ADAPTER || step->kind == STEP_ADD_DEVICE;
	json_object_set_new(json, "count", json_integer(adds ? MAX(step->count, 1) : step->count));
	json_object_set_new(json, "epoch", jsonio_u64(host == NO_INDEX ? 0 : plan->observed->hosts[host].epoch));
	json_object_set(json, "parameters", parameters);
	return short_hash(json);
}

void planfile_why_to_json(const struct plan *plan, const struct reasons *reasons, const struct step *step,
	json_t *parameters, json_t *json)
{
	json_object_set_new(json, "changes", changes_to_json(plan, reasons, step));
	json_object_set_new(json, "waits_for", waits_to_json(reasons, step));
	json_object_set_new(json, "permitted_by", permits_to_json(plan, step));
	json_object_set_new(json, "preconditions", preconditions_to_json(plan, step));
	json_object_set_new(json, "idempotency_key", idempotency_key(plan, step, parameters));
}

/* ---- reading ---- */

static uint32_t index_of(const struct step *step, json_int_t id)
{
	for (uint32_t k = 0; k < step->n_after; k++)
		if ((json_int_t)step->after[k] == id)
			return k;
	return NO_INDEX;
}

void planfile_waits_from_json(struct jsonio_reader *reader, json_t *in, struct step *step)
{
	if (!json_object_get(in, "waits_for"))
		return; /* format 1.0 */
	json_t *list = jsonio_get_array(reader, in, "waits_for");
	const char **why = arena_array(reader->arena, const char *, step->n_after);
	for (size_t i = 0; i < json_array_size(list) && !reader->failed; i++) {
		json_t *json = json_array_get(list, i);
		const char *rule = jsonio_get_optional(reader, json, "rule");
		json_t *steps = jsonio_get_array(reader, json, "steps");
		for (size_t k = 0; k < json_array_size(steps); k++) {
			uint32_t at = index_of(step, json_integer_value(json_array_get(steps, k)));
			if (at == NO_INDEX)
				return jsonio_fail(reader,
					"step %u of the plan waits for one that it does not depend on", step->id);
			why[at] = rule;
		}
	}
	step->after_why = why;
}
