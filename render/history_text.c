/* SPDX-License-Identifier: Apache-2.0 */
#include "render/history_text.h"
#include "base/clock.h"
#include "reconcile/jsonio.h"
#include "render/print.h"

#include <string.h>

enum { COMMIT_DIGITS = 12 };

static const struct {
	enum exit_code code;
	const char *word;
} outcomes[] = {
	{ EXIT_DONE, "done" },
	{ EXIT_UNEXPECTED, "failed" },
	{ EXIT_BAD_INPUT, "bad manifests" },
	{ EXIT_INCOMPLETE, "incomplete" },
	{ EXIT_REFUSED, "refused" },
	{ EXIT_STALE, "stale" },
	{ EXIT_LOCKED, "locked out" },
	{ EXIT_PARTIAL, "stopped part-way" },
	{ EXIT_INTERRUPTED, "interrupted" },
};

static const char *outcome_of(const struct history_run *run)
{
	for (size_t i = 0; run->ended && i < G_N_ELEMENTS(outcomes); i++)
		if (outcomes[i].code == run->exit)
			return outcomes[i].word;
	return run->ended ? "failed" : "not ended";
}

/* Ids are "2026-01-15T12:00:00Z-1a2b…". */
const char *history_short_id(const char *id)
{
	const char *dash = strstr(id, "Z-");
	return dash && dash[2] ? dash + 2 : id;
}

static uint32_t seconds_of(const struct history_run *run)
{
	return (uint32_t)CLAMP(run->last - run->began, 0, UINT32_MAX);
}

/* A step, or what a person decided. */
static bool is_done_on_a_host(const struct history_event *event)
{
	return event->what != NULL;
}

static uint32_t count_steps(const struct history_run *run)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < run->n_events; i++)
		n += is_done_on_a_host(&run->events[i]);
	return n;
}

/* ---- text ---- */

static void put_time(GString *out, int64_t time)
{
	g_autoptr(arena_auto) scratch = arena_new();
	g_string_append(out, clock_print(scratch, time));
}

static void put_who(GString *out, const struct history_run *run)
{
	print_text(out, run->sudo_user ? run->sudo_user : run->user);
	if (run->sudo_user) {
		g_string_append(out, " as ");
		print_text(out, run->user);
	}
	g_string_append_c(out, '@');
	print_text(out, run->machine);
}

static void put_commit(GString *out, const struct history_run *run)
{
	if (!run->commit) {
		g_string_append(out, "no commit");
		return;
	}
	g_autofree char *start = g_strndup(run->commit, COMMIT_DIGITS);
	g_string_append(out, "commit ");
	print_text(out, start);
	g_string_append(out, run->dirty ? " with changes" : "");
}

static void put_outcome(GString *out, const struct history_run *run, const struct style *style)
{
	print_on(out, style, !run->ended ? COLOUR_YELLOW : run->exit == EXIT_DONE ? COLOUR_GREEN : COLOUR_RED);
	g_string_append(out, outcome_of(run));
	print_off(out, style);
}

static void put_clusters(GString *out, const struct history_run *run)
{
	enum { NAMES_MAX = 3 };
	for (uint32_t i = 0; i < MIN(run->n_plan_names, (uint32_t)NAMES_MAX); i++) {
		g_string_append(out, i ? ", " : " ");
		print_text(out, run->plan_names[i]);
	}
	if (run->n_plan_names > NAMES_MAX)
		g_string_append_printf(out, " and %u more", run->n_plan_names - NAMES_MAX);
}

static void put_line(GString *out, const struct history_run *run, const struct style *style)
{
	put_time(out, run->began);
	g_string_append_c(out, ' ');
	print_text(out, history_short_id(run->id));
	g_string_append_c(out, ' ');
	print_text(out, run->command);
	put_clusters(out, run);
	g_string_append(out, ", ");
	put_commit(out, run);
	g_string_append(out, ", by ");
	put_who(out, run);
	g_string_append(out, ": ");
	put_outcome(out, run, style);
	g_string_append(out, ", ");
	print_n(out, count_steps(run), "step", "steps");
	g_string_append(out, " in ");
	print_duration(out, seconds_of(run));
	g_string_append_c(out, '\n');
}

void render_history_text(GString *out, const struct history_list *list, const struct style *style)
{
	for (uint32_t i = 0; i < list->n_runs; i++)
		put_line(out, &list->runs[i], style);
}

static void put_field(GString *out, const char *name, const char *value)
{
	if (!value)
		return;
	g_string_append_printf(out, "  %-9s ", name);
	print_text(out, value);
	g_string_append_c(out, '\n');
}

/* "apply_way_back" is "way back". */
static void put_type(GString *out, const char *type)
{
	g_autofree char *words = g_strdup(g_str_has_prefix(type, "apply_") ? type + strlen("apply_") : type);
	print_text(out, g_strdelimit(words, "_", ' '));
}

static void put_event(GString *out, const struct history_event *event)
{
	bool is_done = is_done_on_a_host(event);
	g_string_append(out, "  ");
	put_time(out, event->time);
	g_string_append_c(out, ' ');
	print_text(out, is_done ? event->host : event->cluster);
	g_string_append(out, ": ");
	if (is_done)
		print_text(out, event->what);
	if (strcmp(event->type, "step") == 0) {
		g_string_append_c(out, ' ');
		print_text(out, event->outcome);
		g_string_append_printf(out, ", %" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT " s", event->ms / 1000,
			event->ms % 1000 / 100);
	} else if (!is_done) {
		put_type(out, event->type);
	}
	if (event->message) {
		g_string_append(out, ": ");
		print_text(out, event->message);
	}
	g_string_append_c(out, '\n');
}

static void put_cluster(GString *out, const struct history_cluster *cluster)
{
	enum { OWED_MAX = 100 };
	if (cluster->name) {
		g_string_append(out, "  ");
		print_text(out, cluster->name);
		g_string_append_printf(out, ": %u changed, %u unchanged, %u failed, %u skipped, exit code %d\n",
			cluster->n_changed, cluster->n_unchanged, cluster->n_failed, cluster->n_skipped,
			(int)cluster->exit);
	}
	for (uint32_t i = 0; i < cluster->n_findings; i++) {
		g_string_append(out, "    ");
		print_text(out, cluster->findings[i]);
		g_string_append_c(out, '\n');
	}
	if (!cluster->n_still_owed)
		return;
	g_string_append(out, "    still down: ");
	print_names(out, cluster->still_owed, cluster->n_still_owed, OWED_MAX, 4, 0);
	g_string_append_c(out, '\n');
}

void render_history_run_text(GString *out, const struct history_run *run, const struct style *style)
{
	put_line(out, run, style);
	put_field(out, "run", run->id);
	put_field(out, "source", run->source);
	put_field(out, "commit", run->commit);
	put_field(out, "signed by", run->signer);
	put_field(out, "owner", run->owner);
	put_field(out, "version", run->version);
	if (run->saved)
		g_string_append(out, "  from a saved plan\n");
	for (uint32_t i = 0; i < run->n_events; i++)
		put_event(out, &run->events[i]);
	for (uint32_t i = 0; i < run->n_clusters; i++)
		put_cluster(out, &run->clusters[i]);
	if (!run->ended)
		g_string_append(out, "  It goes on, was killed, or could not write any more: 'hvgpu restore' brings "
				     "back what it left down.\n");
}

/* ---- JSON ---- */

static json_t *texts_to_json(const char *const *texts, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, jsonio_text(texts[i]));
	return list;
}

static json_t *event_to_json(const struct history_event *event)
{
	json_t *json = json_object();
	json_object_set_new(json, "type", jsonio_text(event->type));
	json_object_set_new(json, "time", jsonio_time(event->time));
	json_object_set_new(json, "cluster", jsonio_text(event->cluster));
	json_object_set_new(json, "host", jsonio_text(event->host));
	json_object_set_new(json, "vm", jsonio_text(event->vm));
	json_object_set_new(json, "gpu", jsonio_text(event->gpu));
	json_object_set_new(json, "kind", jsonio_text(event->kind));
	json_object_set_new(json, "what", jsonio_text(event->what));
	json_object_set_new(json, "outcome", jsonio_text(event->outcome));
	json_object_set_new(json, "message", jsonio_text(event->message));
	json_object_set_new(json, "ms", jsonio_u64(event->ms));
	return json;
}

static json_t *cluster_to_json(const struct history_cluster *cluster)
{
	json_t *json = json_object();
	json_object_set_new(json, "name", jsonio_text(cluster->name));
	json_object_set_new(json, "changed", json_integer(cluster->n_changed));
	json_object_set_new(json, "unchanged", json_integer(cluster->n_unchanged));
	json_object_set_new(json, "failed", json_integer(cluster->n_failed));
	json_object_set_new(json, "skipped", json_integer(cluster->n_skipped));
	json_object_set_new(json, "still_owed", texts_to_json(cluster->still_owed, cluster->n_still_owed));
	json_object_set_new(json, "exit_code", json_integer(cluster->exit));
	json_object_set_new(json, "findings", texts_to_json(cluster->findings, cluster->n_findings));
	return json;
}

static json_t *run_to_json(const struct history_run *run)
{
	json_t *json = json_object(), *clusters = json_array(), *events = json_array();
	for (uint32_t i = 0; i < run->n_clusters; i++)
		json_array_append_new(clusters, cluster_to_json(&run->clusters[i]));
	for (uint32_t i = 0; i < run->n_events; i++)
		json_array_append_new(events, event_to_json(&run->events[i]));
	json_object_set_new(json, "run", jsonio_text(run->id));
	json_object_set_new(json, "command", jsonio_text(run->command));
	json_object_set_new(json, "version", jsonio_text(run->version));
	json_object_set_new(json, "user", jsonio_text(run->user));
	json_object_set_new(json, "sudo_user", jsonio_text(run->sudo_user));
	json_object_set_new(json, "machine", jsonio_text(run->machine));
	json_object_set_new(json, "source", jsonio_text(run->source));
	json_object_set_new(json, "commit", jsonio_text(run->commit));
	json_object_set_new(json, "dirty", json_boolean(run->dirty));
	json_object_set_new(json, "signer", jsonio_text(run->signer));
	json_object_set_new(json, "owner", jsonio_text(run->owner));
	json_object_set_new(json, "saved_plan", json_boolean(run->saved));
	json_object_set_new(json, "plans", texts_to_json(run->plan_names, run->n_plan_names));
	json_object_set_new(json, "began", jsonio_time(run->began));
	json_object_set_new(json, "last", jsonio_time(run->last));
	json_object_set_new(json, "ended", json_boolean(run->ended));
	json_object_set_new(json, "outcome", jsonio_text(outcome_of(run)));
	json_object_set_new(json, "exit_code", run->ended ? json_integer(run->exit) : json_null());
	json_object_set_new(json, "clusters", clusters);
	json_object_set_new(json, "events", events);
	return json;
}

json_t *render_history_json(const struct history_list *list)
{
	json_t *runs = json_array();
	for (uint32_t i = 0; i < list->n_runs; i++)
		json_array_append_new(runs, run_to_json(&list->runs[i]));
	json_t *json = json_object();
	json_object_set_new(json, "format_version", jsonio_text("1.0"));
	json_object_set_new(json, "damaged_places", json_integer(list->n_damaged));
	json_object_set_new(json, "runs", runs);
	return json;
}

json_t *render_history_pruned_json(uint32_t n_forgotten)
{
	json_t *json = json_object();
	json_object_set_new(json, "format_version", jsonio_text("1.0"));
	json_object_set_new(json, "forgotten", json_integer(n_forgotten));
	return json;
}
