/* SPDX-License-Identifier: Apache-2.0 */
/* Records to runs. What is not understood is passed over: it may be of a later version. */
#include "base/clock.h"
#include "base/journal.h"
#include "reconcile/history_parts.h"

#include <string.h>

enum { READ_MAX = 1 << 30 }; /* bytes of records: what is kept of them lies in memory */

struct reading {
	struct arena *arena;
	uint64_t n_bytes;
	uint32_t n_damaged;
	GHashTable *by_id; /* id -> struct building* */
	GPtrArray *order;
};

struct building { /* a run */
	struct history_run run;
	GArray *events;   /* of struct history_event */
	GArray *clusters; /* of struct history_cluster */
};

static void building_free(void *data)
{
	struct building *building = data;
	if (building->events)
		g_array_unref(building->events);
	if (building->clusters)
		g_array_unref(building->clusters);
	g_free(building);
}

static const char *text_of(const struct reading *reading, json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));
	return text ? arena_strdup(reading->arena, text) : NULL;
}

static uint32_t number_of(json_t *json, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(json, key));
	return (uint32_t)CLAMP(number, 0, UINT32_MAX);
}

static const char *const *texts_of(const struct reading *reading, json_t *json, const char *key, uint32_t *n_out)
{
	json_t *list = json_object_get(json, key);
	const char **texts = arena_array(reading->arena, const char *, json_array_size(list));
	*n_out = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text)
			texts[(*n_out)++] = arena_strdup(reading->arena, text);
	}
	return texts;
}

static struct building *find_run(struct reading *reading, const char *id, int64_t time)
{
	struct building *building = g_hash_table_lookup(reading->by_id, id);
	if (!building) {
		building = g_new0(struct building, 1);
		building->events = g_array_new(FALSE, FALSE, sizeof(struct history_event));
		building->clusters = g_array_new(FALSE, FALSE, sizeof(struct history_cluster));
		building->run.id = arena_strdup(reading->arena, id);
		building->run.began = time;
		g_hash_table_insert(reading->by_id, (gpointer)building->run.id, building);
		g_ptr_array_add(reading->order, building);
	}
	building->run.last = MAX(building->run.last, time);
	return building;
}

static void begin_from_json(const struct reading *reading, json_t *json, struct history_run *run)
{
	run->command = text_of(reading, json, "command");
	run->version = text_of(reading, json, "version");
	run->user = text_of(reading, json, "user");
	run->sudo_user = text_of(reading, json, "sudo_user");
	run->machine = text_of(reading, json, "machine");
	run->source = text_of(reading, json, "source");
	run->commit = text_of(reading, json, "commit");
	run->owner = text_of(reading, json, "owner");
	run->signer = text_of(reading, json, "signer");
	run->dirty = json_is_true(json_object_get(json, "dirty"));
	run->saved = json_is_true(json_object_get(json, "saved_plan"));
	run->plan_names = texts_of(reading, json, "clusters", &run->n_plan_names);
}

static void cluster_from_json(const struct reading *reading, json_t *json, struct building *building)
{
	struct history_cluster cluster = {
		.name = text_of(reading, json, "name"),
		.n_changed = number_of(json, "changed"),
		.n_unchanged = number_of(json, "unchanged"),
		.n_failed = number_of(json, "failed"),
		.n_skipped = number_of(json, "skipped"),
		.exit = (enum exit_code)number_of(json, "exit_code"),
	};
	cluster.still_owed = texts_of(reading, json, "still_owed", &cluster.n_still_owed);
	cluster.findings = texts_of(reading, json, "findings", &cluster.n_findings);
	g_array_append_val(building->clusters, cluster);
}

/* Versions up to 0.1.0 had the clusters in here. */
static void end_from_json(const struct reading *reading, json_t *json, struct building *building)
{
	json_t *list = json_object_get(json, "clusters");
	for (size_t i = 0; i < json_array_size(list); i++)
		cluster_from_json(reading, json_array_get(list, i), building);
	if (!building->clusters->len) /* before there was any cluster: what was wrong stands for all of them */
		cluster_from_json(reading, json, building);
	building->run.ended = true;
	building->run.exit = (enum exit_code)number_of(json, "exit_code");
}

static void event_from_json(
	const struct reading *reading, json_t *json, const char *type, int64_t time, struct building *building)
{
	struct history_event event = {
		.time = time,
		.type = arena_strdup(reading->arena, type),
		.cluster = text_of(reading, json, "cluster"),
		.host = text_of(reading, json, "host"),
		.vm = text_of(reading, json, "vm"),
		.gpu = text_of(reading, json, "gpu"),
		.kind = text_of(reading, json, "kind"),
		.what = text_of(reading, json, "what"),
		.outcome = text_of(reading, json, "outcome"),
		.message = text_of(reading, json, "message"),
		.ms = (uint64_t)MAX(json_integer_value(json_object_get(json, "ms")), 0),
	};
	g_array_append_val(building->events, event);
}

bool record_parse(const char *text, struct record *out)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *time = json_string_value(json_object_get(json, "time"));
	*out = (struct record){
		.json = json,
		.type = json_string_value(json_object_get(json, "type")),
		.run = json_string_value(json_object_get(json, "run")),
	};
	if (out->type && out->run && time && clock_parse(time, &out->time))
		return true;
	json_decref(json);
	return false;
}

static void add_record(struct reading *reading, const struct record *record)
{
	struct building *building = find_run(reading, record->run, record->time);
	if (strcmp(record->type, "run") == 0)
		begin_from_json(reading, record->json, &building->run);
	else if (strcmp(record->type, "end") == 0)
		end_from_json(reading, record->json, building);
	else if (strcmp(record->type, "cluster") == 0)
		cluster_from_json(reading, record->json, building);
	else
		event_from_json(reading, record->json, record->type, record->time, building);
}

static bool take_record(const struct journal_record *record, void *user)
{
	struct reading *reading = user;
	struct record parsed;
	reading->n_bytes += record->end - record->offset;
	if (reading->n_bytes > READ_MAX)
		return false;
	if (record_parse(record->text, &parsed)) {
		add_record(reading, &parsed);
		json_decref(parsed.json);
	}
	return true;
}

static void warn_of_damage(const char *path, const struct journal *journal, struct diags *diags)
{
	if (journal->n_damaged)
		(void)!diag_add(diags, D_JOURNAL_PARTS, LOC_NONE, NULL,
			"history '%s' is damaged in %u place%s, %" G_GUINT64_FORMAT
			" bytes in all, the first at byte %" G_GUINT64_FORMAT "; the records there are left out",
			path, journal->n_damaged, journal->n_damaged == 1 ? "" : "s", (guint64)journal->n_damaged_bytes,
			(guint64)journal->damaged_at);
}

static int read_all(struct reading *reading, const char *path, struct diags *diags)
{
	struct journal journal;
	if (journal_scan(path, take_record, reading, &journal, diags) < 0)
		return -1;
	if (reading->n_bytes > READ_MAX)
		return diag_add(diags, D_SOURCE_LIMIT, LOC_NONE, NULL,
			"history '%s' has more than %d MiB of records; forget old ones with 'hvgpu history --prune "
			"90d'",
			path, READ_MAX >> 20);
	warn_of_damage(path, &journal, diags);
	reading->n_damaged = journal.n_damaged;
	return 0;
}

static struct history_list finish(const struct reading *reading)
{
	struct history_run *runs = arena_array(reading->arena, struct history_run, reading->order->len);
	for (guint i = 0; i < reading->order->len; i++) {
		struct building *building = reading->order->pdata[i];
		runs[i] = building->run;
		runs[i].events =
			arena_take_array(reading->arena, g_steal_pointer(&building->events), &runs[i].n_events);
		runs[i].clusters =
			arena_take_array(reading->arena, g_steal_pointer(&building->clusters), &runs[i].n_clusters);
	}
	return (struct history_list){ runs, reading->order->len, reading->n_damaged };
}

int history_read(const char *path, struct arena *arena, struct history_list *out, struct diags *diags)
{
	g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) order = g_ptr_array_new_with_free_func(building_free);
	struct reading reading = { .arena = arena, .by_id = by_id, .order = order };
	*out = (struct history_list){ 0 };
	if (read_all(&reading, path, diags) < 0)
		return -1;
	*out = finish(&reading);
	return 0;
}
