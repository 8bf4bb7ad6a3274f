/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/history_parts.h"
#include "base/clock.h"
#include "base/journal.h"
#include "reconcile/jsonio.h"
#include "reconcile/run_plan.h"

struct history {
	const char *path, *command, *run_id;
	const char *cluster; /* of decisions, for which nothing is planned; or NULL */
	const struct run *run;
	struct arena *arena;
	struct diags *diags;
	GHashTable *started; /* "cluster/host/id" -> int64_t*, by the clock that never jumps */
	bool begun, broken;
};

struct history *history_new(const char *path, const char *command, const char *run_id, const struct run *run)
{
	struct history *history = g_new0(struct history, 1);
	history->path = path;
	history->command = command;
	history->run_id = run_id;
	history->run = run;
	history->arena = arena_new();
	history->diags = diags_new(history->arena);
	history->started = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	history->broken = !path;
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	g_hash_table_unref(history->started);
	arena_free(history->arena);
	g_free(history);
}

static json_t *record_new(const struct history *history, const char *type, int64_t now)
{
	json_t *json = json_object();
	json_object_set_new(json, "type", clip_text(type));
	json_object_set_new(json, "run", clip_text(history->run_id));
	json_object_set_new(json, "time", jsonio_time(now));
	return json;
}

enum { FINDINGS_MAX = 100, NAMES_MAX = 4000 };

static json_t *names_to_json(const char *const *names, uint32_t n)
{
	struct clip_list list = { json_array(), NAMES_MAX };
	for (uint32_t i = 0; i < n; i++)
		clip_list_add(&list, names[i]);
	return clip_list_end(&list);
}

/* Without manifests the hosts name it. */
static const char *cluster_of(const struct plan *plan)
{
	bool is_known = plan->cluster || !plan->observed || !plan->observed->n_hosts;
	return is_known ? plan->cluster : host_cluster(&plan->observed->hosts[0]);
}

static json_t *clusters_to_json(const struct history *history)
{
	const struct run *run = history->run;
	struct clip_list list = { json_array(), NAMES_MAX };
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (cluster_of(run->plans[i]))
			clip_list_add(&list, cluster_of(run->plans[i]));
	if (history->cluster)
		clip_list_add(&list, history->cluster);
	return clip_list_end(&list);
}

static json_t *begin_to_json(const struct history *history, int64_t now)
{
	const struct run *run = history->run;
	json_t *json = record_new(history, "run", now);
	json_object_set_new(json, "command", clip_text(history->command));
	json_object_set_new(json, "version", clip_text(HVGPU_VERSION));
	json_object_set_new(json, "user", clip_text(g_get_user_name()));
	json_object_set_new(json, "sudo_user", clip_text(g_getenv("SUDO_USER")));
	json_object_set_new(json, "machine", clip_text(g_get_host_name()));
	json_object_set_new(json, "source", clip_text(run->tree.given));
	json_object_set_new(json, "commit", clip_text(run->tree.commit));
	json_object_set_new(json, "dirty", json_boolean(run->tree.dirty));
	json_object_set_new(json, "owner", clip_text(run->owner));
	json_object_set_new(json, "signer", clip_text(run->signer));
	json_object_set_new(json, "saved_plan", json_boolean(run->from_file));
	json_object_set_new(json, "clusters", clusters_to_json(history));
	return json;
}

void history_warn(const struct diags *found, const char *lost, struct diags *diags)
{
	for (const struct diag *diag = found->first; diag; diag = diag->next)
		(void)!diag_add(diags, D_JOURNAL, LOC_NONE, NULL, "%s: %s", lost, diag->message);
}

static bool append(struct history *history, const char *const *records, uint32_t n)
{
	struct diags *found = diags_new(history->arena);
	if (journal_append(history->path, records, n, found) == 0)
		return true;
	history_warn(found, "what this run does from here on is not written down", history->diags);
	return false;
}

/* After the first failure nothing more is tried: what is missing in between would mislead. */
static void write_record(struct history *history, json_t *json, int64_t now)
{
	json_t *begin = history->begun ? NULL : begin_to_json(history, now);
	char *texts[2] = { begin ? json_dumps(begin, JSON_COMPACT) : NULL, json_dumps(json, JSON_COMPACT) };
	const char *const records[2] = { texts[0] ? texts[0] : texts[1], texts[1] };
	if (!history->broken && texts[1])
		history->broken = !append(history, records, texts[0] ? 2 : 1);
	history->begun = true;
	free(texts[0]);
	free(texts[1]);
	json_decref(begin);
	json_decref(json);
}

static char *step_key(const struct apply_event *event)
{
	const char *cluster = event->plan && event->plan->cluster ? event->plan->cluster : "";
	return g_strdup_printf("%s/%s/%u", cluster, event->step->host_name, event->step->id);
}

static void note_start(struct history *history, const struct apply_event *event)
{
	int64_t *ms = g_new(int64_t, 1);
	*ms = clock_monotonic_ms();
	g_hash_table_insert(history->started, step_key(event), ms);
}

static uint64_t ms_since_start(const struct history *history, const struct apply_event *event)
{
	g_autofree char *key = step_key(event);
	const int64_t *ms = g_hash_table_lookup(history->started, key);
	return ms ? (uint64_t)(clock_monotonic_ms() - *ms) : 0;
}

static json_t *event_to_json(const struct history *history, const struct apply_event *event, int64_t now)
{
	const struct step *step = event->step;
	const char *type = name_of(&apply_event_names, (int)event->kind);
	g_autoptr(arena_auto) scratch = arena_new();
	json_t *json = record_new(history, step ? "step" : type, now);
	json_object_set_new(json, "cluster", clip_text(event->plan ? event->plan->cluster : NULL));
	if (event->message)
		json_object_set_new(json, "message", clip_text(event->message));
	if (!step)
		return json;
	const char *outcome = event->kind == APPLY_STEP_FAILED  ? "failed"
			      : event->kind == APPLY_STEP_RETRY ? "tried again"
								: name_of(&step_outcome_names, (int)event->outcome);
	json_object_set_new(json, "id", json_integer(step->id));
	json_object_set_new(json, "kind", clip_text(name_of(&step_kind_names, (int)step->kind)));
	json_object_set_new(json, "host", clip_text(step->host_name));
	if (step->vm_name)
		json_object_set_new(json, "vm", clip_text(step->vm_name));
	if (step->location_path)
		json_object_set_new(json, "gpu", clip_text(step->location_path));
	json_object_set_new(json, "what", clip_text(step_text(scratch, step)));
	json_object_set_new(json, "outcome", clip_text(outcome));
	json_object_set_new(json, "ms", json_integer((json_int_t)ms_since_start(history, event)));
	return json;
}

void history_event(struct history *history, const struct apply_event *event, int64_t now)
{
	switch (event->kind) {
	case APPLY_CLUSTER_START:
	case APPLY_CLUSTER_DONE:
	case APPLY_STEP_PROGRESS:
		return;
	case APPLY_STEP_START:
		note_start(history, event);
		return;
	case APPLY_REPLAN:
		if (!event->total)
			return;
		break;
	default:
		break;
	}
	write_record(history, event_to_json(history, event, now), now);
}

static json_t *errors_to_json(const struct diags *diags)
{
	struct clip_list list = { json_array(), FINDINGS_MAX };
	for (const struct diag *diag = diags ? diags->first : NULL; diag; diag = diag->next) {
		if (diag_codes[diag->code].severity != DIAG_ERROR)
			continue;
		g_autofree char *text = g_strdup_printf("%s: %s", diag_codes[diag->code].id, diag->message);
		clip_list_add(&list, text);
	}
	return clip_list_end(&list);
}

static json_t *result_to_json(const struct history *history, const struct apply_result *result, int64_t now)
{
	json_t *json = record_new(history, "cluster", now);
	json_object_set_new(json, "name", clip_text(result->cluster));
	json_object_set_new(json, "changed", json_integer(result->n_changed));
	json_object_set_new(json, "unchanged", json_integer(result->n_unchanged));
	json_object_set_new(json, "failed", json_integer(result->n_failed));
	json_object_set_new(json, "skipped", json_integer(result->n_skipped));
	json_object_set_new(json, "still_owed", names_to_json(result->still_owed, result->n_still_owed));
	json_object_set_new(json, "exit_code", json_integer(result->exit));
	json_object_set_new(json, "findings", errors_to_json(result->diags));
	return json;
}

static json_t *decision_to_json(const struct history *history, const struct history_decision *decision, int64_t now)
{
	json_t *json = record_new(history, "decision", now);
	json_object_set_new(json, "cluster", clip_text(history->cluster));
	json_object_set_new(json, "host", clip_text(decision->host));
	if (decision->vm)
		json_object_set_new(json, "vm", clip_text(decision->vm));
	json_object_set_new(json, "what", clip_text(decision->what));
	return json;
}

void history_end(struct history *history, const struct apply_result *results, uint32_t n_results, enum exit_code code,
	int64_t now, struct diags *diags)
{
	if (!history)
		return;
	if (history->begun || code != EXIT_DONE) {
		for (uint32_t i = 0; i < n_results; i++)
			write_record(history, result_to_json(history, &results[i], now), now);
		json_t *json = record_new(history, "end", now);
		json_object_set_new(json, "exit_code", json_integer(code));
		json_object_set_new(json, "findings", errors_to_json(n_results ? NULL : diags));
		write_record(history, json, now);
	}
	if (history->begun && !history->broken)
		history_forget(history->path, now, history->diags);
	diags_append(diags, history->diags);
}

void history_decided(const char *path, const char *command, const char *run_id, const struct run *run,
	const char *cluster, const struct history_decision *decisions, uint32_t n, int64_t now, struct diags *diags)
{
	struct history *history = history_new(path, command, run_id, run);
	history->cluster = cluster;
	for (uint32_t i = 0; i < n; i++)
		write_record(history, decision_to_json(history, &decisions[i], now), now);
	history_end(history, NULL, 0, EXIT_DONE, now, diags);
	history_free(history);
}
