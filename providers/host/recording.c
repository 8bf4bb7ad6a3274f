/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/recording.h"

#include "schema/state.h"

json_t *recording_text(const char *text)
{
	if (!text)
		return json_null();
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

/* JSON's integers are signed; a number of 64 bits comes back the same through the cast. */
static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void put_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, recording_text(text));
}

/* ---- requests ---- */

static void put_settings(json_t *what, const struct vm_settings *settings)
{
	if (settings->which & SETTING_AUTOMATIC_CHECKPOINTS)
		json_object_set_new(what, "automatic_checkpoints", json_boolean(settings->automatic_checkpoints));
	if (settings->which & SETTING_STOP_ACTION)
		put_text(what, "stop_action", name_of(&stop_action_names, settings->stop_action));
	if (settings->which & SETTING_CACHE_CONTROL)
		json_object_set_new(what, "cache_control", json_boolean(settings->cache_control));
	if (settings->which & SETTING_MMIO_LOW)
		json_object_set_new(what, "mmio_low_bytes", number(settings->mmio_low_bytes));
	if (settings->which & SETTING_MMIO_HIGH)
		json_object_set_new(what, "mmio_high_bytes", number(settings->mmio_high_bytes));
}

static void put_step(json_t *what, const struct step *step)
{
	put_text(what, "step", name_of(&step_kind_names, step->kind));
	put_text(what, "vm", step->vm_id);
	put_text(what, "gpu", step->location_path);
	put_text(what, "pool", step->pool);
	put_text(what, "to_host", step->to_host);
	if (step->count)
		json_object_set_new(what, "count", number(step->count));
	if (step->kind == STEP_REMOVE_ADAPTER)
		put_text(what, "adapter", step->adapter.id);
	if (step->kind == STEP_ADD_ADAPTER)
		put_text(what, "pin", step->adapter.pin);
	if (step->kind == STEP_ADD_DEVICE || step->kind == STEP_REMOVE_DEVICE) {
		put_text(what, "device", step->device.location_path);
		put_text(what, "device_of_pool", step->device.pool);
	}
	if (step->kind == STEP_SET_OFFLINE_ACTION)
		put_text(what, "offline_action", name_of(&offline_action_names, step->offline_action));
	if (step->kind == STEP_CONFIGURE_VM)
		put_settings(what, &step->settings);
}

json_t *recording_what(const struct request *request)
{
	json_t *what = json_object();
	put_text(what, "kind", name_of(&request_kind_names, request->kind));
	if (request->kind == REQUEST_STEP && request->step)
		put_step(what, request->step);
	if (request->kind == REQUEST_RECORD || request->kind == REQUEST_SETTLE)
		put_text(what, "vm", request->vm_id);
	if (request->kind == REQUEST_SETTLE)
		put_text(what, "settle", request->settle == SETTLE_RENEW ? "renew" : "leave-off");
	return what;
}

json_t *recording_with(const struct request *request)
{
	json_t *with = json_object();
	put_text(with, "run", request->run);
	put_text(with, "holder", request->holder);
	if (request->epoch)
		json_object_set_new(with, "epoch", number(request->epoch));
	json_object_set_new(with, "now", json_integer(request->now));
	if (request->step)
		json_object_set_new(with, "id", number(request->step->id));
	if (request->step && request->step->kind == STEP_STOP_VM) {
		put_text(with, "method", name_of(&stop_method_names, request->step->stop_method));
		json_object_set_new(with, "timeout_seconds", number(request->step->stop_timeout_s));
	}
	if (request->expected.has_vm_state)
		put_text(with, "expects_vm_state", name_of(&vm_state_names, request->expected.vm_state));
	if (request->expected.has_count)
		json_object_set_new(with, "expects_count",
			request->expected.count.known ? number(request->expected.count.value) : json_null());
	if (request->cluster_record)
		put_text(with, "commit", request->cluster_record->commit);
	if (request->vm_record)
		put_text(with, "group", request->vm_record->group);
	json_object_set_new(with, "owes_parts", json_boolean(request->owes_parts));
	if (request->owes_unpinned)
		json_object_set_new(with, "owes_unpinned", json_true());
	json_object_set_new(with, "owes_power", json_boolean(request->owes_power));
	return with;
}

char *recording_difference(json_t *recorded, json_t *asked)
{
	const char *key;
	json_t *value;
	json_auto_t *both = json_copy(asked);
	json_object_update_missing(
		both, recorded); /* those of 'asked' first, so that the kind is named before all else */
	json_object_foreach(both, key, value)
	{
		json_t *a = json_object_get(recorded, key), *b = json_object_get(asked, key);
		if (a && b && json_equal(a, b))
			continue;
		g_autofree char *was = a ? json_dumps(a, JSON_ENCODE_ANY) : g_strdup("nothing");
		g_autofree char *is = b ? json_dumps(b, JSON_ENCODE_ANY) : g_strdup("nothing");
		return g_strdup_printf("'%s' is %s there and %s here", key, was, is);
	}
	return NULL;
}

/* ---- replies ---- */

/* Where its adapters are, as masks: the GPUs that a document would name are not beside the VM. */
static json_t *masks_of(const struct vm *vm)
{
	json_t *masks = json_array();
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		json_array_append_new(masks, number(vm->adapters[i].gpus));
	return masks;
}

static void put_parts(json_t *json, const char *host, const struct reply *reply)
{
	if (reply->facts)
		json_object_set_new(json, "facts", state_to_json(reply->facts));
	if (reply->vm_after) {
		struct vm vm = *reply->vm_after;
		const struct host_state alone = { .host.name = host, .vms = &vm, .n_vms = 1 };
		json_object_set_new(json, "vm", state_to_json(&alone));
		json_object_set_new(json, "vm_gpus", masks_of(&vm));
	}
	if (reply->gpu_after) {
		struct gpu gpu = *reply->gpu_after;
		const struct host_state alone = { .host.name = host, .gpus = &gpu, .n_gpus = 1 };
		json_object_set_new(json, "gpu", state_to_json(&alone));
	}
}

json_t *recording_reply(const char *host, const struct reply *reply)
{
	json_t *json = json_object();
	put_text(json, "error", name_of(&host_error_names, reply->error));
	put_text(json, "message", reply->message);
	json_object_set_new(json, "changed", json_boolean(reply->changed));
	json_object_set_new(json, "late_known", json_boolean(reply->late_known));
	if (reply->epoch.known)
		json_object_set_new(json, "epoch", number(reply->epoch.value));
	if (reply->lease) {
		json_t *lease = json_object();
		put_text(lease, "holder", reply->lease->holder);
		put_text(lease, "run", reply->lease->run);
		json_object_set_new(lease, "since", json_integer(reply->lease->since));
		json_object_set_new(json, "lease", lease);
	}
	put_parts(json, host, reply);
	return json;
}

static const struct lease *read_lease(struct arena *arena, json_t *json)
{
	struct lease *lease = arena_new_of(arena, struct lease);
	lease->holder = arena_strdup(arena, json_string_value(json_object_get(json, "holder")));
	lease->run = arena_strdup(arena, json_string_value(json_object_get(json, "run")));
	lease->since = json_integer_value(json_object_get(json, "since"));
	return lease;
}

static int read_vm(
	struct arena *arena, json_t *json, const struct source *source, const struct vm **out, struct diags *diags)
{
	struct host_state *state;
	json_t *masks = json_object_get(json, "vm_gpus");
	if (state_from_json(arena, json_object_get(json, "vm"), source, &state, diags) < 0)
		return -1;
	if (state->n_vms != 1 || json_array_size(masks) != state->vms[0].n_adapters)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL, "'vm' is not one VM with its adapters' GPUs");
	for (uint32_t i = 0; i < state->vms[0].n_adapters; i++)
		((struct adapter *)state->vms[0].adapters)[i].gpus =
			(uint64_t)json_integer_value(json_array_get(masks, i));
	*out = state->vms;
	return 0;
}

static int read_parts(
	struct arena *arena, json_t *json, const struct source *source, struct reply *out, struct diags *diags)
{
	struct host_state *state;
	json_t *facts = json_object_get(json, "facts"), *gpu = json_object_get(json, "gpu");
	if (facts) {
		if (state_from_json(arena, facts, source, &state, diags) < 0)
			return -1;
		out->facts = state;
	}
	if (gpu) {
		if (state_from_json(arena, gpu, source, &state, diags) < 0)
			return -1;
		if (state->n_gpus != 1)
			return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL, "'gpu' is not one GPU");
		out->gpu_after = state->gpus;
	}
	return json_object_get(json, "vm") ? read_vm(arena, json, source, &out->vm_after, diags) : 0;
}

int recording_read_reply(
	struct arena *arena, json_t *json, const struct source *source, struct reply *out, struct diags *diags)
{
	const char *name = json_string_value(json_object_get(json, "error"));
	int error = name ? name_find(&host_error_names, name) : -1;
	json_t *epoch = json_object_get(json, "epoch"), *lease = json_object_get(json, "lease");
	if (error < 0)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL, "'reply' has no known 'error'");
	*out = (struct reply){ .error = error };
	out->message = arena_strdup(arena, json_string_value(json_object_get(json, "message")));
	out->changed = json_is_true(json_object_get(json, "changed"));
	out->late_known = json_is_true(json_object_get(json, "late_known"));
	if (epoch)
		out->epoch = KNOWN((uint64_t)json_integer_value(epoch));
	if (lease)
		out->lease = read_lease(arena, lease);
	return read_parts(arena, json, source, out, diags);
}
