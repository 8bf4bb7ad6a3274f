/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_parts.h"
#include "reconcile/planfile_step.h"
#include "schema/state.h"

json_t *planfile_cost_to_json(const struct cost *cost)
{
	json_t *json = json_object();
	json_object_set_new(json, "vms_stopped", json_integer(cost->vms_stopped));
	json_object_set_new(json, "vms_moved", json_integer(cost->vms_moved));
	json_object_set_new(json, "role_changes", json_integer(cost->role_changes));
	json_object_set_new(json, "steps", json_integer(cost->steps));
	json_object_set_new(json, "est_seconds", json_integer(cost->seconds));
	return json;
}

json_t *planfile_finding_to_json(const struct diag *diag)
{
	const struct diag_row *row = &diag_codes[diag->code];
	json_t *json = json_object();
	json_object_set_new(json, "code", jsonio_text(row->id));
	json_object_set_new(json, "severity", jsonio_text(name_of(&diag_severity_names, row->severity)));
	json_object_set_new(json, "title", jsonio_text(row->title));
	json_object_set_new(json, "message", jsonio_text(diag->message));
	json_object_set_new(json, "subject", jsonio_text(diag->subject));
	json_object_set_new(json, "position", jsonio_loc(diag->loc));
	if (diag->also_message) {
		json_object_set_new(json, "also", jsonio_loc(diag->also));
		json_object_set_new(json, "also_message", jsonio_text(diag->also_message));
	}
	return json;
}

json_t *planfile_findings_to_json(const struct diags *diags)
{
	json_t *list = json_array();
	for (const struct diag *diag = diags ? diags->first : NULL; diag; diag = diag->next)
		json_array_append_new(list, planfile_finding_to_json(diag));
	return list;
}

static json_t *texts_to_json(const char *const *texts, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, jsonio_text(texts[i]));
	return list;
}

static json_t *refusals_to_json(const struct plan *plan)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < plan->n_refusals; i++) {
		const struct refusal *refusal = &plan->refusals[i];
		json_t *json = json_object();
		json_object_set_new(json, "subject", jsonio_text(refusal->subject));
		json_object_set_new(json, "what", jsonio_text(refusal->what));
		json_object_set_new(json, "reason", jsonio_text(refusal->reason));
		json_object_set_new(json, "code", jsonio_text(diag_codes[refusal->code].id));
		json_object_set_new(json, "position", jsonio_loc(refusal->loc));
		json_object_set_new(json, "facts", texts_to_json(refusal->facts, refusal->n_facts));
		json_object_set_new(json, "remedy", jsonio_text(refusal->remedy));
		json_array_append_new(list, json);
	}
	return list;
}

/* ---- changes ---- */

static json_t *change_to_json(const struct plan *plan, const struct change *change)
{
	const struct world *world = plan->observed;
	json_t *json = json_object();
	json_object_set_new(json, "kind", jsonio_text(name_of(&change_kind_names, change->kind)));
	json_object_set_new(json, "subject", jsonio_text(change->subject));
	if (change->host < world->n_hosts)
		json_object_set_new(json, "host", jsonio_text(world->hosts[change->host].name));
	if (change->gpu < world->n_gpus)
		json_object_set_new(json, "gpu", jsonio_text(world->gpus[change->gpu].location_path));
	if (change->vm < world->n_vms)
		json_object_set_new(json, "vm", jsonio_text(world->vms[change->vm].id));
	json_object_set_new(json, "before", jsonio_text(change->before));
	json_object_set_new(json, "after", jsonio_text(change->after));
	json_object_set_new(json, "number", jsonio_maybe(change->number));
	if (change->kind == CHANGE_ADAPTER_ADDED || change->kind == CHANGE_ADAPTER_REMOVED)
		json_object_set_new(json, "adapter", planfile_adapter_to_json(&change->adapter));
	if (change->kind == CHANGE_DEVICE_ADDED || change->kind == CHANGE_DEVICE_REMOVED)
		json_object_set_new(json, "device", planfile_device_to_json(&change->device));
	json_object_set_new(json, "pool", jsonio_text(change->pool));
	json_object_set_new(json, "cause", jsonio_text(name_of(&step_cause_names, change->cause)));
	json_object_set_new(json, "why", jsonio_text(change->why));
	json_object_set_new(json, "position", jsonio_loc(change->loc));
	return json;
}

static json_t *changes_to_json(const struct plan *plan)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < plan->changes.n; i++)
		json_array_append_new(list, change_to_json(plan, &plan->changes.items[i]));
	return list;
}

/* ---- worlds and rules ---- */

static json_t *world_to_json(const struct world *world)
{
	g_autoptr(arena_auto) scratch = arena_new();
	json_t *json = json_object(), *hosts = json_array(), *missing = json_array();
	for (uint32_t i = 0; i < world->n_hosts; i++)
		json_array_append_new(hosts, state_to_json(world_host_state(scratch, world, i)));
	for (uint32_t i = 0; i < world->n_missing; i++) {
		json_t *host = json_object();
		json_object_set_new(host, "name", jsonio_text(world->missing[i].name));
		json_object_set_new(host, "reason", jsonio_text(world->missing[i].reason));
		json_array_append_new(missing, host);
	}
	json_object_set_new(json, "hosts", hosts);
	json_object_set_new(json, "missing", missing);
	return json;
}

static json_t *gpu_rules_to_json(const struct world *world, const struct rules *rules)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < world->n_gpus; i++) {
		json_t *json = json_object();
		json_object_set_new(json, "host", jsonio_text(world->hosts[world->gpus[i].host].name));
		json_object_set_new(json, "gpu", jsonio_text(world->gpus[i].location_path));
		json_object_set_new(json, "role", jsonio_text(name_of(&gpu_role_names, rules->gpu_role[i])));
		json_object_set_new(json, "refused", json_boolean(rules->gpu_refused && rules->gpu_refused[i]));
		json_object_set_new(json, "excluded", json_boolean(rules->gpu_excluded && rules->gpu_excluded[i]));
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *vm_rules_to_json(const struct world *world, const struct rules *rules)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < world->n_vms; i++) {
		json_t *json = json_object();
		json_object_set_new(json, "id", jsonio_text(world->vms[i].id));
		json_object_set_new(json, "name", jsonio_text(world->vms[i].name));
		json_object_set_new(
			json, "ownership", jsonio_text(name_of(&vm_ownership_names, rules->vm_ownership[i])));
		json_object_set_new(
			json, "mmio_low_bytes", rules->vm_mmio_low ? jsonio_maybe(rules->vm_mmio_low[i]) : json_null());
		json_object_set_new(json, "mmio_high_bytes",
			rules->vm_mmio_high ? jsonio_maybe(rules->vm_mmio_high[i]) : json_null());
		json_array_append_new(list, json);
	}
	return list;
}

static json_t *rules_to_json(const struct world *world, const struct rules *rules)
{
	json_t *json = json_object();
	json_object_set_new(json, "strategy", jsonio_text(name_of(&strategy_names, rules->strategy)));
	json_object_set_new(json, "unmanaged", jsonio_text(name_of(&unmanaged_mode_names, rules->unmanaged)));
	json_object_set_new(json, "max_partitions_per_vm", json_integer(rules->max_partitions_per_vm));
	json_object_set_new(json, "debts_only", json_boolean(rules->debts_only));
	json_object_set_new(json, "gpus", gpu_rules_to_json(world, rules));
	json_object_set_new(json, "vms", vm_rules_to_json(world, rules));
	return json;
}

static json_t *least_to_json(const struct plan_least *least)
{
	if (!least->known)
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "vms_stopped", json_integer(least->vms_stopped));
	json_object_set_new(json, "vms_moved", json_integer(least->vms_moved));
	json_object_set_new(json, "role_changes", json_integer(least->role_changes));
	return json;
}

static json_t *mixed_to_json(const struct plan_mixed *mixed)
{
	if (!mixed->set)
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "est_seconds", json_integer(mixed->seconds));
	json_object_set_new(json, "first_host", jsonio_text(mixed->first_host));
	json_object_set_new(json, "last_host", jsonio_text(mixed->last_host));
	return json;
}

static void cluster_head_to_json(const struct plan *plan, json_t *json)
{
	json_object_set_new(json, "name", jsonio_text(plan->cluster));
	json_object_set_new(json, "mode", jsonio_text(plan->mode == PLAN_RESTORE ? "restore" : "apply"));
	json_object_set_new(json, "exit_code", json_integer(plan_exit(plan)));
	json_object_set_new(json, "complete", json_boolean(plan->complete));
	json_object_set_new(json, "incomplete_hosts", json_boolean(plan->incomplete_hosts));
	json_object_set_new(json, "suspended", json_boolean(plan->suspended));
	json_object_set_new(json, "foreign_owner", json_boolean(plan->foreign_owner));
	json_object_set_new(json, "consents", json_boolean(plan->consents));
	json_object_set_new(json, "owner", jsonio_text(plan->owner));
	json_object_set_new(json, "debts_open", json_integer(plan->n_debts_open));
	json_object_set_new(json, "debts_old", json_integer(plan->n_debts_old));
	json_object_set_new(json, "to_adopt", json_integer(plan->n_to_adopt));
	json_object_set_new(json, "cost", planfile_cost_to_json(&plan->cost));
	json_object_set_new(json, "least", least_to_json(&plan->least));
	json_object_set_new(json, "budget", planfile_budget_to_json(&plan->budget));
	json_object_set_new(json, "window", planfile_window_to_json(&plan->window));
	json_object_set_new(json, "windows", planfile_windows_to_json(&plan->window));
	json_object_set_new(json, "mixed", mixed_to_json(&plan->mixed));
}

json_t *planfile_cluster_to_json(const struct plan *plan)
{
	json_t *json = json_object(), *steps = json_array();
	g_autoptr(arena_auto) scratch = arena_new();
	struct reasons *reasons = reasons_of(scratch, plan);
	cluster_head_to_json(plan, json);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		json_array_append_new(steps, planfile_step_to_json(plan, reasons, &plan->steps[i]));
	json_object_set_new(json, "changes", changes_to_json(plan));
	json_object_set_new(json, "steps", steps);
	json_object_set_new(json, "refusals", refusals_to_json(plan));
	json_object_set_new(json, "findings", planfile_findings_to_json(plan->diags));
	json_object_set_new(json, "rules", rules_to_json(plan->observed, plan->rules));
	json_object_set_new(json, "prior_state", world_to_json(plan->observed));
	json_object_set_new(json, "planned_values", world_to_json(plan->goal));
	return json;
}
