/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_parts.h"

#include <string.h>

/* What a change is called among the attributes of its resource; lists hold one text per adapter or device. */
static const struct attribute {
	const char *key;
	bool list;
} attributes[CHANGE_KIND_COUNT] = {
	[CHANGE_COUNT] = { "partition_count", false },
	[CHANGE_GPU_STATE] = { "state", false },
	[CHANGE_POOL] = { "name", false },
	[CHANGE_POOL_MEMBER] = { "pool", false },
	[CHANGE_ADAPTER_ADDED] = { "partition_adapters", true },
	[CHANGE_ADAPTER_REMOVED] = { "partition_adapters", true },
	[CHANGE_DEVICE_ADDED] = { "assigned_devices", true },
	[CHANGE_DEVICE_REMOVED] = { "assigned_devices", true },
	[CHANGE_HOST] = { "host", false },
	[CHANGE_OFFLINE_ACTION] = { "offline_action", false },
	[CHANGE_AUTOMATIC_CHECKPOINTS] = { "automatic_checkpoints", false },
	[CHANGE_STOP_ACTION] = { "stop_action", false },
	[CHANGE_CACHE_CONTROL] = { "cache_control", false },
	[CHANGE_MMIO_LOW] = { "mmio_low_bytes", false },
	[CHANGE_MMIO_HIGH] = { "mmio_high_bytes", false },
	[CHANGE_POWER] = { "power", false },
};

/* Numbers and booleans as such, so that policies written for the JSON can compare them. */
static json_t *attribute_value(const char *text)
{
	guint64 number;
	if (text && strcmp(text, "true") == 0)
		return json_true();
	if (text && strcmp(text, "false") == 0)
		return json_false();
	if (text && g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, &number, NULL))
		return json_integer((json_int_t)number);
	return jsonio_text(text);
}

static void put_attribute(json_t *values, const struct attribute *attribute, const char *text)
{
	if (!attribute->list) {
		json_object_set_new(values, attribute->key, attribute_value(text));
		return;
	}
	json_t *list = json_object_get(values, attribute->key);
	if (!list) {
		list = json_array();
		json_object_set_new(values, attribute->key, list);
	}
	if (text)
		json_array_append_new(list, jsonio_text(text));
}

static const char *resource_name(const struct world *world, const struct change *change)
{
	return change->gpu < world->n_gpus ? world->gpus[change->gpu].location_path
	       : change->vm < world->n_vms ? world->vms[change->vm].name
					   : change->pool;
}

char *planfile_address(const struct plan *plan, const struct change *change)
{
	const struct world *world = plan->observed;
	const char *cluster = plan->cluster ? plan->cluster : "-";
	const char *host = change->host < world->n_hosts ? world->hosts[change->host].name : "?";
	const char *kind = change->gpu < world->n_gpus ? "gpu" : change->vm < world->n_vms ? "vm" : "pool";
	const char *name = resource_name(world, change);
	return g_strdup_printf("cluster.%s.host.%s.%s[\"%s\"]", cluster, host, kind, name ? name : "?");
}

static const char *resource_type(const struct world *world, const struct change *change)
{
	return change->gpu < world->n_gpus ? "hvgpu_gpu" : change->vm < world->n_vms ? "hvgpu_vm" : "hvgpu_pool";
}

static bool same_resource(const struct change *a, const struct change *b)
{
	return a->host == b->host && a->gpu == b->gpu && a->vm == b->vm &&
	       (a->gpu != NO_INDEX || a->vm != NO_INDEX || g_strcmp0(a->pool, b->pool) == 0);
}

static json_t *resource_new(const struct plan *plan, const struct change *change)
{
	g_autofree char *address = planfile_address(plan, change);
	bool pool = change->kind == CHANGE_POOL;
	json_t *json = json_object(), *actions = json_array(), *inner = json_object();
	json_object_set_new(json, "address", jsonio_text(address));
	json_object_set_new(json, "mode", jsonio_text("managed"));
	json_object_set_new(json, "type", jsonio_text(resource_type(plan->observed, change)));
	json_object_set_new(json, "name", jsonio_text(resource_name(plan->observed, change)));
	json_array_append_new(actions, jsonio_text(pool ? "create" : "update"));
	json_object_set_new(inner, "actions", actions);
	json_object_set_new(inner, "before", pool ? json_null() : json_object());
	json_object_set_new(inner, "after", json_object());
	json_object_set_new(json, "change", inner);
	return json;
}

static void resource_add(json_t *resource, const struct change *change)
{
	json_t *inner = json_object_get(resource, "change");
	json_t *before = json_object_get(inner, "before"), *after = json_object_get(inner, "after");
	const struct attribute *attribute = &attributes[change->kind];
	const char *to = change->after, *from = change->before;
	if (change->kind == CHANGE_ADAPTER_ADDED || change->kind == CHANGE_DEVICE_ADDED)
		to = to ? to : "new";
	if (json_is_object(before))
		put_attribute(before, attribute, from);
	put_attribute(after, attribute, to);
}

void planfile_resources(json_t *resources, const struct plan *plan, const bool *only)
{
	/* A plan's changes of one resource may be apart, so each one looks for the resource among the plan's own. */
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const struct change *last = NULL;
	json_t *resource = NULL;
	for (uint32_t i = 0; i < plan->changes.n; i++) {
		const struct change *change = &plan->changes.items[i];
		if (only && !only[i])
			continue;
		if (!last || !same_resource(last, change)) {
			g_autofree char *address = planfile_address(plan, change);
			const char *id = change->vm < plan->observed->n_vms ? plan->observed->vms[change->vm].id : "";
			g_autofree char *key = g_strconcat(address, id, NULL); /* names may occur twice, ids not */
			resource = g_hash_table_lookup(seen, key);
			if (!resource) {
				resource = resource_new(plan, change);
				json_array_append_new(resources, resource);
				g_hash_table_insert(seen, g_strdup(key), resource);
			}
		}
		resource_add(resource, change);
		last = change;
	}
}

/* ---- checks ---- */

/* When steps will be carried out is not known here: apply keeps to windows (reconcile/gate.h). */
static const char *check_status(const struct plan *plan, int kind)
{
	const char *invariant = name_of(&invariant_names, kind);
	const char *status = kind == INV_WINDOW && plan->window.set && plan->n_steps ? "unknown" : "pass";
	for (const struct diag *diag = plan->diags ? plan->diags->first : NULL; diag; diag = diag->next) {
		if (diag->code != D_INVARIANT && diag->code != D_GOAL_NOT_REACHED && diag->code != D_STEP_NOT_POSSIBLE)
			continue;
		if (diag->code == D_INVARIANT && strstr(diag->message, invariant))
			return "fail";
		status = "unknown"; /* the replay stopped early: the others were not tested to the end */
	}
	return status;
}

void planfile_checks(json_t *checks, const struct plan *plan)
{
	for (int i = 0; i < INVARIANT_COUNT; i++) {
		const char *name = name_of(&invariant_names, i);
		g_autofree char *text = g_strdup_printf("cluster.%s.%s", plan->cluster ? plan->cluster : "-", name);
		json_t *json = json_object(), *where = json_object();
		json_object_set_new(where, "kind", jsonio_text("check"));
		json_object_set_new(where, "name", jsonio_text(name));
		json_object_set_new(where, "to_display", jsonio_text(text));
		json_object_set_new(json, "address", where);
		json_object_set_new(json, "status", jsonio_text(check_status(plan, i)));
		json_array_append_new(checks, json);
	}
}
