/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_parts.h"

#include <string.h>

char *planfile_digest(json_t *document)
{
	json_t *digest = json_incref(json_object_get(document, "digest"));
	json_object_del(document, "digest");
	char *bytes = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	if (digest)
		json_object_set_new(document, "digest", digest);
	char *text = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes ? bytes : "", -1);
	free(bytes);
	return text;
}

bool planfile_is(const struct source *source)
{
	enum { LOOK_BYTES = 4096 };
	size_t n = MIN(source->n_bytes, (size_t)LOOK_BYTES), at = 0;
	while (at < n && g_ascii_isspace(source->bytes[at]))
		at++;
	return at < n && source->bytes[at] == '{' &&
	       memmem(source->bytes, n, "\"format_version\"", strlen("\"format_version\""));
}

static bool is_complete(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (!run->plans[i]->complete || run->plans[i]->incomplete_hosts)
			return false;
	return run->n_plans || !run->diags || !run->diags->n_errors; /* nothing was planned because of an error */
}

static enum exit_code worst_exit(const struct run *run)
{
	enum exit_code code = run->diags ? run->diags->exit : EXIT_DONE;
	for (uint32_t i = 0; i < run->n_plans; i++)
		code = exit_worse(code, plan_exit(run->plans[i]));
	return code;
}

static struct cost total_cost(const struct run *run)
{
	struct cost total = { 0 };
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct cost *cost = &run->plans[i]->cost;
		total.vms_stopped += cost->vms_stopped;
		total.vms_moved += cost->vms_moved;
		total.role_changes += cost->role_changes;
		total.steps += cost->steps;
		total.seconds = MAX(total.seconds, cost->seconds); /* clusters are independent */
	}
	return total;
}

static json_t *limits_to_json(const struct cost *limits)
{
	if (!limits)
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "restarts", json_integer(limits->vms_stopped));
	json_object_set_new(json, "moves", json_integer(limits->vms_moved));
	json_object_set_new(json, "role_changes", json_integer(limits->role_changes));
	return json;
}

json_t *planfile_source_to_json(const struct run *run)
{
	json_t *json = json_object();
	json_object_set_new(json, "format_version", jsonio_text(PLANFILE_FORMAT_VERSION));
	json_object_set_new(json, "tool", jsonio_text("hvgpu"));
	json_object_set_new(json, "tool_version", jsonio_text(HVGPU_VERSION));
	json_object_set_new(json, "timestamp", jsonio_time(run->now));
	json_object_set_new(json, "source", jsonio_text(run->tree.given));
	json_object_set_new(json, "commit", jsonio_text(run->tree.commit));
	json_object_set_new(json, "dirty", json_boolean(run->tree.dirty));
	json_object_set_new(json, "manifests_digest", jsonio_text(run->tree.digest));
	json_object_set_new(json, "owner", jsonio_text(run->owner));
	json_object_set_new(json, "adopt", json_boolean(run->options.adopt));
	json_object_set_new(json, "allow", limits_to_json(run->options.limits));
	return json;
}

json_t *planfile_result_to_json(const struct run *run)
{
	enum exit_code code = worst_exit(run);
	struct cost cost = total_cost(run);
	json_t *json = json_object();
	json_object_set_new(json, "complete", json_boolean(is_complete(run)));
	json_object_set_new(json, "errored", json_boolean(code != EXIT_DONE));
	json_object_set_new(json, "exit_code", json_integer(code));
	json_object_set_new(json, "cost", planfile_cost_to_json(&cost));
	return json;
}

static int append(const char *bytes, size_t n, void *out)
{
	g_string_append_len(out, bytes, (gssize)n);
	return 0;
}

json_t *planfile_to_json(const struct run *run)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct planfile_writer *writer = planfile_writer_new(append, text);
	planfile_writer_end(writer, run);
	planfile_writer_free(writer);
	return json_loadb(text->str, text->len, 0, NULL);
}
