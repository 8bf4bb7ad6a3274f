/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/hyperv_parts.h"

#include "providers/host/recording.h"

static const char *const verbs[REQUEST_KIND_COUNT] = {
	[REQUEST_OBSERVE] = "observe",
	[REQUEST_LEASE] = "lease-open",
	[REQUEST_EPOCH] = "epoch",
	[REQUEST_RELEASE] = "lease-close",
	[REQUEST_RECORD] = "record",
	[REQUEST_SETTLE] = "settle",
	[REQUEST_END_LEASE] = "lease-end",
};

static void put_text(json_t *json, const char *key, const char *text)
{
	if (text)
		json_object_set_new(json, key, recording_text(text));
}

/* What does not fit JSON's signed integers goes as digits. */
static json_t *number(uint64_t value)
{
	char digits[24];
	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	g_snprintf(digits, sizeof(digits), "%" G_GUINT64_FORMAT, value);
	return json_string(digits);
}

static void put_number(json_t *json, const char *key, uint64_t value)
{
	json_object_set_new(json, key, number(value));
}

/* One that the plan itself gave has no id yet, and is told by what it was given with. */
static json_t *adapter_of(const struct step *step)
{
	json_t *json = json_object(), *quotas = json_object();
	if (step->kind == STEP_REMOVE_ADAPTER && step->adapter.id) {
		put_text(json, "id", step->adapter.id);
		json_decref(quotas);
		return json;
	}
	json_object_set_new(json, "pin", recording_text(step->adapter.pin));
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (step->adapter.quotas[i].known)
			put_number(quotas, name_of(&quota_names, i), step->adapter.quotas[i].value);
	json_object_set_new(json, "quotas", quotas);
	return json;
}

static json_t *device_of(const struct device *device)
{
	json_t *json = json_object();
	put_text(json, "locationPath", device->location_path);
	put_text(json, "pool", device->pool);
	return json;
}

static json_t *settings_of(const struct vm_settings *settings)
{
	json_t *json = json_object();
	if (settings->which & SETTING_AUTOMATIC_CHECKPOINTS)
		json_object_set_new(json, "automaticCheckpoints", json_boolean(settings->automatic_checkpoints));
	if (settings->which & SETTING_STOP_ACTION)
		put_text(json, "stopAction", name_of(&stop_action_names, settings->stop_action));
	if (settings->which & SETTING_CACHE_CONTROL)
		json_object_set_new(json, "cacheControl", json_boolean(settings->cache_control));
	if (settings->which & SETTING_MMIO_LOW)
		put_number(json, "mmioLow", settings->mmio_low_bytes);
	if (settings->which & SETTING_MMIO_HIGH)
		put_number(json, "mmioHigh", settings->mmio_high_bytes);
	return json;
}

static void put_how(json_t *json, const struct step *step)
{
	switch (step->kind) {
	case STEP_STOP_VM:
		put_text(json, "method", name_of(&stop_method_names, step->stop_method));
		put_number(json, "timeoutSeconds", step->stop_timeout_s);
		put_text(json, "onTimeout", name_of(&on_timeout_names, step->on_timeout));
		return;
	case STEP_MOVE_VM:
		put_text(json, "toHost", step->to_host);
		json_object_set_new(json, "live", json_boolean(step->live));
		return;
	case STEP_SET_OFFLINE_ACTION:
		put_text(json, "offlineAction", name_of(&offline_action_names, step->offline_action));
		return;
	case STEP_CONFIGURE_VM:
		json_object_set_new(json, "settings", settings_of(&step->settings));
		return;
	case STEP_REMOVE_ADAPTER:
	case STEP_ADD_ADAPTER:
		json_object_set_new(json, "adapter", adapter_of(step));
		break;
	case STEP_REMOVE_DEVICE:
	case STEP_ADD_DEVICE:
		json_object_set_new(json, "device", device_of(&step->device));
		break;
	case STEP_DISMOUNT_GPU:
		json_object_set_new(json, "force", json_boolean(step->force));
		return;
	default:
		break;
	}
	if (step->count)
		put_number(json, "count", step->count);
}

static json_t *step_of(const struct step *step)
{
	json_t *json = json_object();
	put_text(json, "vm", step->vm_id);
	put_text(json, "gpu", step->location_path);
	put_text(json, "pool", step->pool);
	put_how(json, step);
	return json;
}

static json_t *expected_of(const struct expected *expected)
{
	json_t *json = json_object();
	if (expected->has_vm_state)
		put_text(json, "vmState", name_of(&vm_state_names, expected->vm_state));
	if (expected->has_count)
		json_object_set_new(json, "count", expected->count.known ? number(expected->count.value) : json_null());
	return json;
}

static void put_records(json_t *json, const struct request *request)
{
	const struct cluster_record *cluster = request->cluster_record;
	const struct vm_record *vm = request->vm_record;
	if (cluster) {
		json_t *record = json_object();
		put_text(record, "owner", cluster->owner);
		put_text(record, "cluster", cluster->cluster);
		json_object_set_new(record, "commit", recording_text(cluster->commit));
		put_number(record, "epoch", cluster->epoch);
		json_object_set_new(json, "clusterRecord", record);
	}
	if (vm) {
		json_t *record = json_object();
		put_text(record, "owner", vm->owner);
		put_text(record, "cluster", vm->cluster);
		put_text(record, "group", vm->group);
		json_object_set_new(json, "vmRecord", record);
	}
}

static void put_step(json_t *json, const struct request *request)
{
	const struct step *step = request->step;
	json_object_set_new(json, "step", step_of(step));
	json_object_set_new(json, "expected", expected_of(&request->expected));
	if (step->kind == STEP_STOP_VM)
		json_object_set_new(json, "owesPower", json_boolean(request->owes_power));
	if (step->kind == STEP_REMOVE_ADAPTER || step->kind == STEP_REMOVE_DEVICE)
		json_object_set_new(json, "owesParts", json_boolean(request->owes_parts));
	if (request->owes_unpinned)
		json_object_set_new(json, "owesUnpinned", json_true());
}

/* The agent is asked to answer a little before we give up, so that it is its own words that are heard. */
static uint32_t deadline_of(const struct request *request)
{
	return request->deadline_s > 4 ? request->deadline_s - 2 : request->deadline_s;
}

char *hyperv_line(const struct request *request, uint64_t id)
{
	json_auto_t *json = json_object();
	bool is_step = request->kind == REQUEST_STEP;
	put_number(json, "id", id);
	put_text(json, "verb", is_step ? name_of(&step_kind_names, request->step->kind) : verbs[request->kind]);
	put_number(json, "deadlineSeconds", deadline_of(request));
	if (request->kind != REQUEST_OBSERVE) {
		json_object_set_new(json, "now", json_integer(request->now));
		put_text(json, "run", request->run);
		put_number(json, "epoch", request->epoch);
	}
	if (request->kind == REQUEST_LEASE) {
		put_text(json, "holder", request->holder);
		put_number(json, "silenceSeconds", HYPERV_SILENCE_S);
	}
	if (request->examine)
		json_object_set_new(json, "examine", json_true());
	if (is_step)
		put_step(json, request);
	if (request->kind == REQUEST_RECORD || request->kind == REQUEST_SETTLE)
		put_text(json, "vm", request->vm_id);
	if (request->kind == REQUEST_SETTLE)
		put_text(json, "settle", request->settle == SETTLE_RENEW ? "renew" : "leave-off");
	put_records(json, request);
	g_autofree char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	return g_strconcat(text, "\n", NULL);
}
