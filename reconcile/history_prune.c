/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting: whole runs, from the front of the file, by the age of their last record. */
#include "base/journal.h"
#include "reconcile/history_parts.h"

enum { DAY_S = 24 * 3600, DELAY_DAYS = 30 };

struct aged { /* a run */
	int64_t last;
	uint64_t offset, end; /* of its first record, and behind its last one */
};

struct pruning {
	int64_t before;
	GHashTable *by_id; /* id -> index in 'runs' */
	GArray *runs;      /* of struct aged, as they began */
	uint32_t n_forgotten;
};

static bool note_record(const struct journal_record *record, void *user)
{
	struct pruning *pruning = user;
	struct record parsed;
	gpointer index;
	if (!record_parse(record->text, &parsed))
		return true;
	if (!g_hash_table_lookup_extended(pruning->by_id, parsed.run, NULL, &index)) {
		struct aged run = { .last = parsed.time, .offset = record->offset };
		index = GUINT_TO_POINTER(pruning->runs->len);
		g_hash_table_insert(pruning->by_id, g_strdup(parsed.run), index);
		g_array_append_val(pruning->runs, run);
	}
	struct aged *run = &g_array_index(pruning->runs, struct aged, GPOINTER_TO_UINT(index));
	run->last = MAX(run->last, parsed.time);
	run->end = record->end;
	json_decref(parsed.json);
	return true;
}

/* Records of runs that are kept stand among those of others, which then are kept as well: all from the first of them on stays.
 * So does damage before it, which may have been a record of it. */
static uint64_t end_of_forgotten(void *user)
{
	struct pruning *pruning = user;
	uint64_t keep = UINT64_MAX, end = 0;
	for (guint i = pruning->runs->len; i-- > 0;) {
		const struct aged *run = &g_array_index(pruning->runs, struct aged, i);
		if (run->last >= pruning->before || run->end > keep)
			keep = run->offset;
	}
	for (guint i = 0; i < pruning->runs->len; i++) {
		const struct aged *run = &g_array_index(pruning->runs, struct aged, i);
		if (run->offset >= keep)
			break;
		end = MAX(end, run->end);
		pruning->n_forgotten++;
	}
	return end;
}

static void warn_of_damage(const char *path, const struct journal *gone, struct diags *diags)
{
	if (gone->n_damaged)
		(void)!diag_add(diags, D_JOURNAL_PARTS, LOC_NONE, NULL,
			"history '%s' was damaged in %u place%s, %" G_GUINT64_FORMAT
			" bytes in all, among the runs that were forgotten; that is gone with them",
			path, gone->n_damaged, gone->n_damaged == 1 ? "" : "s", (guint64)gone->n_damaged_bytes);
}

int history_prune(const char *path, int64_t before, struct diags *diags)
{
	g_autoptr(GHashTable) by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(struct aged));
	struct pruning pruning = { .before = before, .by_id = by_id, .runs = runs };
	struct journal gone;
	if (journal_shorten(path, note_record, end_of_forgotten, &pruning, &gone, diags) < 0)
		return -1;
	warn_of_damage(path, &gone, diags);
	return (int)pruning.n_forgotten;
}

/* ---- by a run ---- */

struct oldest {
	bool is_known;
	int64_t time;
};

static bool note_oldest(const struct journal_record *record, void *user)
{
	struct oldest *oldest = user;
	struct record parsed;
	if (!record_parse(record->text, &parsed))
		return true;
	*oldest = (struct oldest){ true, parsed.time };
	json_decref(parsed.json);
	return false;
}

/* Only where there is something old: the first record that can be read is looked at alone. */
void history_forget(const char *path, int64_t now, struct diags *diags)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct diags *found = diags_new(scratch);
	struct oldest oldest = { 0 };
	struct journal journal;
	int64_t before = now - (int64_t)HISTORY_KEEP_DAYS * DAY_S;
	if (journal_scan(path, note_oldest, &oldest, &journal, found) == 0) {
		/* A month of delay, so that not every run writes all that is kept anew. */
		if (!oldest.is_known || oldest.time >= before - DELAY_DAYS * (int64_t)DAY_S)
			return;
		if (history_prune(path, before, found) >= 0) {
			diags_append(diags, found);
			return;
		}
	}
	g_autofree char *lost = g_strdup_printf("runs older than %d days are not forgotten", HISTORY_KEEP_DAYS);
	history_warn(found, lost, diags);
}
