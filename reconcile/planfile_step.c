/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_step.h"

json_t *planfile_adapter_to_json(const struct adapter *adapter)
{
	json_t *json = json_object();
	json_object_set_new(json, "id", jsonio_text(adapter->id));
	json_object_set_new(json, "pin", jsonio_text(adapter->pin));
	json_object_set_new(json, "pinned",
		adapter->pinned == TRI_UNKNOWN ? json_null() : json_boolean(adapter->pinned == TRI_YES));
	json_t *quotas = json_object();
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (adapter->quotas[i].known)
			json_object_set_new(quotas, name_of(&quota_names, i), jsonio_u64(adapter->quotas[i].value));
	json_object_set_new(json, "quotas", quotas);
	return json;
}

struct adapter planfile_adapter_from_json(struct jsonio_reader *reader, json_t *in, const char *key)
{
	struct adapter adapter = { 0 };
	json_t *json = jsonio_get_object(reader, in, key);
	json_t *quotas = json ? jsonio_get_object(reader, json, "quotas") : NULL;
	if (!quotas)
		return adapter;
	adapter.id = jsonio_get_optional(reader, json, "id");
	adapter.pin = jsonio_get_optional(reader, json, "pin");
	json_t *pinned = json_object_get(json, "pinned");
	if (pinned && !json_is_null(pinned))
		adapter.pinned = jsonio_get_bool(reader, json, "pinned") ? TRI_YES : TRI_NO;
	for (int i = 0; i < QUOTA_COUNT; i++)
		adapter.quotas[i] = jsonio_get_maybe(reader, quotas, name_of(&quota_names, i));
	return adapter;
}

json_t *planfile_device_to_json(const struct device *device)
{
	json_t *json = json_object();
	json_object_set_new(json, "location_path", jsonio_text(device->location_path));
	json_object_set_new(json, "pool", jsonio_text(device->pool));
	return json;
}

struct device planfile_device_from_json(struct jsonio_reader *reader, json_t *in, const char *key)
{
	struct device device = { 0 };
	json_t *json = jsonio_get_object(reader, in, key);
	if (!json)
		return device;
	device.location_path = jsonio_get_optional(reader, json, "location_path");
	device.pool = jsonio_get_optional(reader, json, "pool");
	if ((device.location_path != NULL) == (device.pool != NULL))
		jsonio_fail(reader, "a device of the plan needs either a location path or a pool");
	return device;
}

static json_t *settings_to_json(const struct vm_settings *settings)
{
	json_t *json = json_object();
	if (settings->which & SETTING_AUTOMATIC_CHECKPOINTS)
		json_object_set_new(json, "automatic_checkpoints", json_boolean(settings->automatic_checkpoints));
	if (settings->which & SETTING_STOP_ACTION)
		json_object_set_new(
			json, "stop_action", jsonio_text(name_of(&stop_action_names, settings->stop_action)));
	if (settings->which & SETTING_CACHE_CONTROL)
		json_object_set_new(json, "cache_control", json_boolean(settings->cache_control));
	if (settings->which & SETTING_MMIO_LOW)
		json_object_set_new(json, "mmio_low_bytes", jsonio_u64(settings->mmio_low_bytes));
	if (settings->which & SETTING_MMIO_HIGH)
		json_object_set_new(json, "mmio_high_bytes", jsonio_u64(settings->mmio_high_bytes));
	return json;
}

static struct vm_settings settings_from_json(struct jsonio_reader *reader, json_t *in)
{
	struct vm_settings settings = { 0 };
	json_t *json = jsonio_get_object(reader, in, "settings");
	if (json_object_get(json, "automatic_checkpoints")) {
		settings.which |= SETTING_AUTOMATIC_CHECKPOINTS;
		settings.automatic_checkpoints = jsonio_get_bool(reader, json, "automatic_checkpoints");
	}
	if (json_object_get(json, "stop_action")) {
		settings.which |= SETTING_STOP_ACTION;
		settings.stop_action = jsonio_get_enum(reader, json, "stop_action", &stop_action_names);
	}
	if (json_object_get(json, "cache_control")) {
		settings.which |= SETTING_CACHE_CONTROL;
		settings.cache_control = jsonio_get_bool(reader, json, "cache_control");
	}
	if (json_object_get(json, "mmio_low_bytes")) {
		settings.which |= SETTING_MMIO_LOW;
		settings.mmio_low_bytes = jsonio_get_u64(reader, json, "mmio_low_bytes");
	}
	if (json_object_get(json, "mmio_high_bytes")) {
		settings.which |= SETTING_MMIO_HIGH;
		settings.mmio_high_bytes = jsonio_get_u64(reader, json, "mmio_high_bytes");
	}
	return settings;
}

static void stop_to_json(const struct step *step, json_t *json)
{
	json_object_set_new(json, "method", jsonio_text(name_of(&stop_method_names, step->stop_method)));
	json_object_set_new(json, "timeout_seconds", json_integer(step->stop_timeout_s));
	json_object_set_new(json, "on_timeout", jsonio_text(name_of(&on_timeout_names, step->on_timeout)));
}

static void stop_from_json(struct jsonio_reader *reader, json_t *json, struct step *step)
{
	step->stop_method = jsonio_get_enum(reader, json, "method", &stop_method_names);
	step->stop_timeout_s = jsonio_get_u32(reader, json, "timeout_seconds");
	step->on_timeout = jsonio_get_enum(reader, json, "on_timeout", &on_timeout_names);
}

/* An add ensures so many; one where nothing is said. */
static void at_least_to_json(const struct step *step, json_t *json)
{
	if (step->count > 1)
		json_object_set_new(json, "at_least", json_integer(step->count));
}

static void at_least_from_json(struct jsonio_reader *reader, json_t *json, struct step *step)
{
	if (json_object_get(json, "at_least"))
		step->count = jsonio_get_u32(reader, json, "at_least");
}

/* The parameters that a step of its kind has, as model/step.h lists them. */
static void parameters_to_json(const struct step *step, json_t *json)
{
	switch (step->kind) {
	case STEP_STOP_VM:
		stop_to_json(step, json);
		break;
	case STEP_MOVE_VM:
		json_object_set_new(json, "to_host", jsonio_text(step->to_host));
		json_object_set_new(json, "live", json_boolean(step->live));
		break;
	case STEP_SET_OFFLINE_ACTION:
		json_object_set_new(
			json, "offline_action", jsonio_text(name_of(&offline_action_names, step->offline_action)));
		break;
	case STEP_CONFIGURE_VM:
		json_object_set_new(json, "settings", settings_to_json(&step->settings));
		break;
	case STEP_REMOVE_ADAPTER:
	case STEP_ADD_ADAPTER:
		json_object_set_new(json, "adapter", planfile_adapter_to_json(&step->adapter));
		at_least_to_json(step, json);
		break;
	case STEP_REMOVE_DEVICE:
	case STEP_ADD_DEVICE:
		json_object_set_new(json, "device", planfile_device_to_json(&step->device));
		at_least_to_json(step, json);
		break;
	case STEP_SET_COUNT:
		json_object_set_new(json, "partition_count", json_integer(step->count));
		json_object_set_new(json, "partition_count_before",
			step->count_before ? json_integer(step->count_before) : json_null());
		break;
	case STEP_DISMOUNT_GPU:
		json_object_set_new(json, "force", json_boolean(step->force));
		break;
	case STEP_CREATE_POOL:
	case STEP_ADD_TO_POOL:
	case STEP_REMOVE_FROM_POOL:
		json_object_set_new(json, "pool", jsonio_text(step->pool));
		break;
	case STEP_START_VM:
	case STEP_MOUNT_GPU:
	case STEP_KIND_COUNT:
		break;
	}
}

static void parameters_from_json(struct jsonio_reader *reader, json_t *json, struct step *step)
{
	switch (step->kind) {
	case STEP_STOP_VM:
		stop_from_json(reader, json, step);
		break;
	case STEP_MOVE_VM:
		step->to_host = jsonio_get_text(reader, json, "to_host");
		step->live = json_object_get(json, "live") && jsonio_get_bool(reader, json, "live");
		break;
	case STEP_SET_OFFLINE_ACTION:
		step->offline_action = jsonio_get_enum(reader, json, "offline_action", &offline_action_names);
		break;
	case STEP_CONFIGURE_VM:
		step->settings = settings_from_json(reader, json);
		break;
	case STEP_REMOVE_ADAPTER:
	case STEP_ADD_ADAPTER:
		step->adapter = planfile_adapter_from_json(reader, json, "adapter");
		at_least_from_json(reader, json, step);
		break;
	case STEP_REMOVE_DEVICE:
	case STEP_ADD_DEVICE:
		step->device = planfile_device_from_json(reader, json, "device");
		at_least_from_json(reader, json, step);
		break;
	case STEP_SET_COUNT:
		step->count = jsonio_get_u32(reader, json, "partition_count");
		if (json_is_integer(json_object_get(json, "partition_count_before")))
			step->count_before = jsonio_get_u32(reader, json, "partition_count_before");
		break;
	case STEP_DISMOUNT_GPU:
		step->force = jsonio_get_bool(reader, json, "force");
		break;
	case STEP_CREATE_POOL:
	case STEP_ADD_TO_POOL:
	case STEP_REMOVE_FROM_POOL:
		step->pool = jsonio_get_text(reader, json, "pool");
		break;
	case STEP_START_VM:
	case STEP_MOUNT_GPU:
	case STEP_KIND_COUNT:
		break;
	}
}

static bool is_about_vm(enum step_kind kind)
{
	return kind <= STEP_ADD_DEVICE; /* the list has those of VMs first */
}

static bool is_about_gpu(enum step_kind kind)
{
	return !is_about_vm(kind) && kind != STEP_CREATE_POOL;
}

static json_t *vm_to_json(const struct step *step)
{
	json_t *json = json_object();
	json_object_set_new(json, "id", jsonio_text(step->vm_id));
	json_object_set_new(json, "name", jsonio_text(step->vm_name));
	return json;
}

static json_t *disruption_to_json(const struct step *step)
{
	const struct step_row *row = &step_rows[step->kind];
	json_t *json = json_object();
	json_object_set_new(json, "vms_stopped", json_integer((row->needs & STEP_IS_STOP) != 0));
	json_object_set_new(json, "vms_moved", json_integer(step->kind == STEP_MOVE_VM));
	json_object_set_new(json, "role_changes", json_integer((row->needs & STEP_IS_ROLE_CHANGE) != 0));
	json_object_set_new(json, "est_seconds", json_integer(row->typical_seconds));
	return json;
}

json_t *planfile_step_to_json(const struct plan *plan, const struct reasons *reasons, const struct step *step)
{
	g_autoptr(arena_auto) scratch = arena_new();
	json_t *json = json_object();
	json_object_set_new(json, "id", json_integer(step->id));
	json_object_set_new(json, "kind", jsonio_text(name_of(&step_kind_names, step->kind)));
	json_object_set_new(json, "description", jsonio_text(step_text(scratch, step)));
	json_object_set_new(json, "host", jsonio_text(step->host_name));
	if (is_about_vm(step->kind))
		json_object_set_new(json, "vm", vm_to_json(step));
	if (is_about_gpu(step->kind))
		json_object_set_new(json, "gpu", jsonio_text(step->location_path));
	json_auto_t *parameters = json_object();
	parameters_to_json(step, parameters);
	json_object_update(json, parameters);
	if (step->unit)
		json_object_set_new(json, "unit", json_integer(step->unit));
	json_t *after = json_array();
	for (uint32_t i = 0; i < step->n_after; i++)
		json_array_append_new(after, json_integer(step->after[i]));
	json_object_set_new(json, "depends_on", after);
	json_object_set_new(json, "cause", jsonio_text(name_of(&step_cause_names, step->cause)));
	json_object_set_new(json, "why", jsonio_text(step->why));
	json_object_set_new(json, "position", jsonio_loc(step->loc));
	json_object_set_new(json, "disruption", disruption_to_json(step));
	json_object_set_new(json, "inverse", jsonio_text(name_of(&step_kind_names, step_rows[step->kind].inverse)));
	planfile_why_to_json(plan, reasons, step, parameters, json);
	return json;
}

/* Ids of earlier steps, ascending. */
static void after_from_json(struct jsonio_reader *reader, json_t *json, struct step *step)
{
	json_t *list = jsonio_get_array(reader, json, "depends_on");
	uint32_t n = (uint32_t)json_array_size(list), *after = arena_array(reader->arena, uint32_t, n);
	json_int_t last = 0;
	for (uint32_t i = 0; i < n; i++) {
		json_t *item = json_array_get(list, i);
		json_int_t id = json_is_integer(item) ? json_integer_value(item) : 0;
		if (id <= last || id >= step->id)
			return jsonio_fail(reader, "step %u of the plan depends on no earlier step", step->id);
		after[i] = (uint32_t)id;
		last = id;
	}
	step->after = after;
	step->n_after = n;
}

void planfile_step_from_json(struct jsonio_reader *reader, json_t *json, uint32_t id, struct step *out)
{
	*out = (struct step){ .id = id, .host = NO_INDEX, .vm = NO_INDEX, .gpu = NO_INDEX };
	if (!json_is_object(json) || jsonio_get_u32(reader, json, "id") != id)
		return jsonio_fail(reader, "the steps of the plan are not numbered from 1");
	out->kind = jsonio_get_enum(reader, json, "kind", &step_kind_names);
	out->host_name = jsonio_get_text(reader, json, "host");
	if (is_about_vm(out->kind)) {
		json_t *vm = jsonio_get_object(reader, json, "vm");
		out->vm_id = vm ? jsonio_get_text(reader, vm, "id") : NULL;
		out->vm_name = vm ? jsonio_get_text(reader, vm, "name") : NULL;
	}
	if (is_about_gpu(out->kind))
		out->location_path = jsonio_get_text(reader, json, "gpu");
	parameters_from_json(reader, json, out);
	if (json_object_get(json, "unit"))
		out->unit = jsonio_get_u32(reader, json, "unit");
	after_from_json(reader, json, out);
	planfile_waits_from_json(reader, json, out);
	out->cause = jsonio_get_enum(reader, json, "cause", &step_cause_names);
	out->why = jsonio_get_optional(reader, json, "why");
	out->loc = jsonio_get_loc(reader, json, "position");
}
