/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/hyperv_parts.h"

#include "schema/kinds.h"
#include "schema/state.h"

#include <string.h>

/* Fields that HostState has no "unknown" for: without them a default would be taken for what the host said. */
struct need {
	const char *key;
	bool may_be_null; /* null is an answer: there is none */
};

static const struct need host_needs[] = { { "clusterName", true }, { "nodes" }, { "pools" }, { "epoch" },
	{ "lease", true }, { "record", true }, { "notedMmio" }, { NULL } };
static const struct need gpu_needs[] = { { "locationPath" }, { "state" }, { NULL } };
static const struct need vm_needs[] = { { "id" }, { "name" }, { "state" }, { "generation" }, { "clustered" },
	{ "group", true }, { "adapters" }, { "devices" }, { "automaticCheckpoints" }, { "checkpointType" },
	{ "dynamicMemory" }, { "stopAction" }, { "cacheControl" }, { "debt", true }, { "record", true }, { NULL } };

void hyperv_facts_begin(struct hyperv_facts *facts)
{
	hyperv_facts_end(facts);
	facts->gpus = json_array();
	facts->vms = json_array();
}

void hyperv_facts_end(struct hyperv_facts *facts)
{
	json_decref(facts->host);
	json_decref(facts->gpus);
	json_decref(facts->vms);
	*facts = (struct hyperv_facts){ 0 };
}

char *hyperv_facts_add(struct hyperv_facts *facts, json_t *line)
{
	json_t *host = json_object_get(line, "host"), *gpu = json_object_get(line, "gpu"),
	       *vm = json_object_get(line, "vm");
	if (!json_is_object(host ? host : gpu ? gpu : vm))
		return g_strdup("a line has neither 'reply' nor 'progress' nor an object that was observed");
	if (json_array_size(facts->gpus) + json_array_size(facts->vms) >= HYPERV_OBJECTS_MAX)
		return g_strdup_printf("it tells of more than %d GPUs and VMs", HYPERV_OBJECTS_MAX);
	if (host && facts->host)
		return g_strdup("it tells of itself twice");
	if (host)
		facts->host = json_incref(host);
	else
		json_array_append(gpu ? facts->gpus : facts->vms, gpu ? gpu : vm);
	return NULL;
}

/* What of 'needs' is not there, or NULL. What could not be read and may be unknown is made null, for what is absent a reader
 * may work out itself. */
static const char *complete(json_t *object, const struct need *needs)
{
	json_t *unread = json_object_get(object, "unread"), *name;
	size_t i;
	json_array_foreach(unread, i, name)
	{
		const char *key = json_string_value(name);
		for (const struct need *need = needs; key && need->key; need++)
			if (strcmp(need->key, key) == 0)
				return need->key;
		if (key && !strchr(key, ' ') && !json_object_get(object, key))
			json_object_set_new(object, key, json_null());
	}
	json_object_del(object, "unread");
	for (const struct need *need = needs; need->key; need++) {
		json_t *value = json_object_get(object, need->key);
		if (!value || (json_is_null(value) && !need->may_be_null))
			return need->key;
	}
	return NULL;
}

static const char *name_in(json_t *object, const char *key)
{
	const char *name = json_string_value(json_object_get(object, key));
	return name ? name : "?";
}

static const char *complete_all(
	struct arena *arena, json_t *list, const struct need *needs, const char *what, const char *key)
{
	size_t i;
	json_t *object;
	json_array_foreach(list, i, object)
	{
		const char *missing = complete(object, needs);
		if (missing)
			return arena_printf(
				arena, "it could not tell '%s' of %s '%s'", missing, what, name_in(object, key));
	}
	return NULL;
}

/* Devices that could not even be named may be GPUs. */
static const char *nameless(struct arena *arena, json_t *reply)
{
	json_t *unread = json_object_get(reply, "unread");
	if (json_array_size(unread) == 0)
		return NULL;
	const char *first = json_string_value(json_array_get(unread, 0));
	return arena_printf(arena, "it could not tell %s", first ? first : "what it has");
}

static const char *count_wrong(struct arena *arena, const struct hyperv_facts *facts, json_t *reply)
{
	json_t *counts = json_object_get(reply, "counts");
	json_int_t gpus = json_integer_value(json_object_get(counts, "gpus"));
	json_int_t vms = json_integer_value(json_object_get(counts, "vms"));
	if (facts->host && json_is_object(counts) && gpus == (json_int_t)json_array_size(facts->gpus) &&
		vms == (json_int_t)json_array_size(facts->vms))
		return NULL;
	return arena_printf(arena,
		"its answer is not whole: %s itself, %zu of %" JSON_INTEGER_FORMAT " GPUs, %zu of %" JSON_INTEGER_FORMAT
		" VMs",
		facts->host ? "it told of" : "nothing of", json_array_size(facts->gpus), gpus,
		json_array_size(facts->vms), vms);
}

static json_t *document(const char *name, json_t *host, json_t *gpus, json_t *vms)
{
	return json_pack("{s:s, s:s, s:{s:o}, s:{s:O, s:O, s:O}}", "apiVersion", API_VERSION, "kind",
		kind_host_state.name, "metadata", "name", json_string(name), "spec", "host", host, "gpus", gpus,
		"virtualMachines", vms);
}

/* 0, or -1 with the first finding as '*message'. */
static int read_document(
	struct arena *arena, json_t *json, const char *name, struct host_state **out, const char **message)
{
	const struct source source = { .name = name };
	struct diags *found = diags_new(arena);
	if (json && state_from_json(arena, json, &source, out, found) == 0)
		return 0;
	*message = found->first ? found->first->message : "its answer cannot be read";
	return -1;
}

/* What the host could not tell and must, or NULL. */
static const char *find_gap(struct arena *arena, struct hyperv_facts *facts, json_t *reply)
{
	const char *gap = nameless(arena, reply);
	const char *missing = complete(facts->host, host_needs);
	if (!gap && missing)
		gap = arena_printf(arena, "it could not tell its '%s'", missing);
	if (!gap)
		gap = complete_all(arena, facts->gpus, gpu_needs, "GPU", "locationPath");
	return gap ? gap : complete_all(arena, facts->vms, vm_needs, "VM", "name");
}

/* VMs are left out: what could not be read of one would keep the rest from being read, and nobody asks for them. */
const struct host_state *hyperv_facts_part(struct arena *arena, struct hyperv_facts *facts, const char *name)
{
	struct host_state *state;
	const char *message;
	size_t i;
	json_t *gpu;
	json_auto_t *none = json_array();
	if (!facts->host)
		return NULL;
	json_object_del(facts->host, "name");
	json_object_del(facts->host, "unread");
	json_array_foreach(facts->gpus, i, gpu) json_object_del(gpu, "unread");
	json_auto_t *with_gpus = document(name, facts->host, facts->gpus, none);
	if (read_document(arena, with_gpus, name, &state, &message) == 0)
		return state;
	json_auto_t *alone = document(name, facts->host, none, none);
	return read_document(arena, alone, name, &state, &message) == 0 ? state : NULL;
}

enum host_error hyperv_facts_read(struct arena *arena, struct hyperv_facts *facts, const char *name, json_t *reply,
	enum tristate moves, const struct host_state **out, const char **message)
{
	struct host_state *state;
	*message = count_wrong(arena, facts, reply);
	if (*message)
		return HOST_PROTOCOL;
	*message = find_gap(arena, facts, reply);
	if (*message)
		return HOST_FAILED;
	json_object_del(facts->host, "name");
	json_auto_t *json = document(name, facts->host, facts->gpus, facts->vms);
	if (read_document(arena, json, name, &state, message) < 0)
		return HOST_PROTOCOL;
	state->host.can_command_moves = moves;
	*out = state;
	return HOST_OK;
}

/* ---- what a doctor asks for ---- */

NAMES_DEFINE(cluster_answer_names, CLUSTER_ANSWERS);
NAMES_DEFINE(cluster_access_names, CLUSTER_ACCESSES);
NAMES_DEFINE(root_state_names, ROOT_STATES);

static const char *text_in(struct arena *arena, json_t *json, const char *key)
{
	return arena_strdup(arena, json_string_value(json_object_get(json, key)));
}

/* The value of that name; 0, which is "unknown", where it is none of them. */
static int value_in(const struct names *names, json_t *json, const char *key)
{
	const char *name = json_string_value(json_object_get(json, key));
	return name ? MAX(name_find(names, name), 0) : 0;
}

struct hyperv_examined *hyperv_read_examined(struct arena *arena, json_t *json)
{
	struct hyperv_examined *examined = arena_new_of(arena, struct hyperv_examined);
	json_t *cluster = json_object_get(json, "cluster"), *root = json_object_get(json, "root");
	*examined = (struct hyperv_examined){
		.account = text_in(arena, json, "account"),
		.cluster = (enum cluster_answer)value_in(&cluster_answer_names, cluster, "state"),
		.access = (enum cluster_access)value_in(&cluster_access_names, cluster, "access"),
		.cluster_message = text_in(arena, cluster, "message"),
		.root = (enum root_state)value_in(&root_state_names, root, "state"),
		.root_path = text_in(arena, root, "path"),
		.root_message = text_in(arena, root, "message"),
	};
	return examined;
}

/* ---- what a step answers with ---- */

/* The GPUs that an adapter is on are told by location path, and mean something only among all of the host's. */
static void drop_gpus(json_t *vm)
{
	size_t i;
	json_t *adapter;
	json_array_foreach(json_object_get(vm, "adapters"), i, adapter) json_object_del(adapter, "gpus");
}

static const struct host_state *read_alone(struct arena *arena, json_t *gpus, json_t *vms, const char *name)
{
	json_auto_t *host = json_object();
	json_auto_t *json = document(name, host, gpus, vms);
	struct host_state *state;
	const char *message;
	return read_document(arena, json, name, &state, &message) == 0 ? state : NULL;
}

const struct vm *hyperv_read_vm(struct arena *arena, json_t *gpus, json_t *json, const char *name)
{
	json_auto_t *none = json_array();
	json_auto_t *list = json_array();
	if (!json_is_object(json) || complete(json, vm_needs))
		return NULL;
	if (!gpus)
		drop_gpus(json);
	json_array_append(list, json);
	const struct host_state *state = read_alone(arena, gpus ? gpus : none, list, name);
	return state && state->n_vms == 1 ? state->vms : NULL;
}

const struct gpu *hyperv_read_gpu(struct arena *arena, json_t *json, const char *name)
{
	json_auto_t *none = json_array();
	json_auto_t *list = json_array();
	if (!json_is_object(json) || complete(json, gpu_needs))
		return NULL;
	json_array_append(list, json);
	const struct host_state *state = read_alone(arena, list, none, name);
	return state && state->n_gpus == 1 ? state->gpus : NULL;
}
