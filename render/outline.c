/* SPDX-License-Identifier: Apache-2.0 */
#include "render/outline.h"
#include "render/print.h"

#include <stdlib.h>
#include <string.h>

/* ---- hosts ---- */

struct host_lists { /* while they grow */
	const char *name;
	GPtrArray *changes, *stops;
};

static int compare_hosts(const void *a, const void *b)
{
	return g_strcmp0(((const struct host_lists *)a)->name, ((const struct host_lists *)b)->name);
}

static struct host_lists *lists_for(GArray *lists, GHashTable *index, const char *name)
{
	gpointer at;
	if (g_hash_table_lookup_extended(index, name, NULL, &at))
		return &g_array_index(lists, struct host_lists, GPOINTER_TO_UINT(at));
	struct host_lists new = { name, g_ptr_array_new(), g_ptr_array_new() };
	g_array_append_val(lists, new);
	g_hash_table_insert(index, (gpointer)name, GUINT_TO_POINTER(lists->len - 1));
	return &g_array_index(lists, struct host_lists, lists->len - 1);
}

static const char *host_of_change(const struct plan *plan, const struct change *change)
{
	return plan->observed && change->host < plan->observed->n_hosts ? plan->observed->hosts[change->host].name
									: "?";
}

static void take(struct arena *arena, GPtrArray *list, const void **out, uint32_t *n_out)
{
	*out = arena_copy(arena, list->pdata, sizeof(void *) * list->len);
	*n_out = list->len;
	g_ptr_array_free(list, TRUE);
}

static void gather_stops(const struct plan *plan, GArray *lists, GHashTable *index, struct outline *outline)
{
	g_autoptr(GHashTable) down = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		if (step->kind != STEP_STOP_VM || !g_hash_table_add(down, (gpointer)(step->vm_id ? step->vm_id : "?")))
			continue;
		g_ptr_array_add(
			lists_for(lists, index, step->host_name ? step->host_name : "?")->stops, (gpointer)step);
		outline->n_down++;
	}
}

static void gather_hosts(struct arena *arena, const struct plan *plan, struct outline *outline)
{
	g_autoptr(GArray) lists = g_array_new(FALSE, FALSE, sizeof(struct host_lists));
	g_autoptr(GHashTable) index = g_hash_table_new(g_str_hash, g_str_equal);
	for (uint32_t i = 0; i < plan->changes.n; i++) {
		const struct change *change = &plan->changes.items[i];
		g_ptr_array_add(lists_for(lists, index, host_of_change(plan, change))->changes, (gpointer)change);
	}
	gather_stops(plan, lists, index, outline);
	g_array_sort(lists, compare_hosts);
	struct outline_host *hosts = arena_array(arena, struct outline_host, lists->len);
	for (guint i = 0; i < lists->len; i++) {
		struct host_lists *from = &g_array_index(lists, struct host_lists, i);
		hosts[i].name = from->name;
		take(arena, from->changes, (const void **)&hosts[i].changes, &hosts[i].n_changes);
		take(arena, from->stops, (const void **)&hosts[i].stops, &hosts[i].n_stops);
	}
	outline->hosts = hosts;
	outline->n_hosts = lists->len;
}

/* ---- groups of steps ---- */

struct placed { /* a step and its distance from the start */
	const struct step *step;
	uint32_t level;
};

static int compare_kind(const struct step *a, const struct step *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->cause != b->cause)
		return a->cause < b->cause ? -1 : 1;
	if (a->live != b->live)
		return a->live ? 1 : -1;
	if (a->kind == STEP_SET_COUNT && a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return 0;
}

static int compare_placed(const void *a_at, const void *b_at)
{
	const struct placed *a = a_at, *b = b_at;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	int order = compare_kind(a->step, b->step);
	return order ? order : (a->step->id > b->step->id) - (a->step->id < b->step->id);
}

static struct placed *place(struct arena *arena, const struct plan *plan)
{
	struct placed *placed = arena_array(arena, struct placed, plan->n_steps);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		placed[i].step = &plan->steps[i];
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++) {
			uint32_t before = plan->steps[i].after[k];
			if (before >= 1 && before <= i)
				placed[i].level = MAX(placed[i].level, placed[before - 1].level + 1);
		}
	}
	qsort(placed, plan->n_steps, sizeof(*placed), compare_placed);
	return placed;
}

struct shown { /* a group while groups are put in order */
	struct outline_group group;
	uint32_t level;
	uint32_t at; /* the highest first number among it and all that it waits for */
};

/* By their numbers, but none before one that it waits for: that one has a lower level and no higher 'at'. */
static int compare_shown(const void *a_at, const void *b_at)
{
	const struct shown *a = a_at, *b = b_at;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	return (a->group.steps[0]->id > b->group.steps[0]->id) - (a->group.steps[0]->id < b->group.steps[0]->id);
}

/* Groups are made by level, so what one waits for has its 'at' already. 'group_of' is by id - 1. */
static void place_groups(struct shown *shown, uint32_t n, const struct plan *plan, uint32_t *group_of)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct outline_group *group = &shown[i].group;
		shown[i].at = group->steps[0]->id;
		for (uint32_t k = 0; k < group->n; k++) {
			const struct step *step = group->steps[k];
			group_of[step - plan->steps] = i;
			for (uint32_t w = 0; w < step->n_after; w++)
				shown[i].at = MAX(shown[i].at, shown[group_of[step->after[w] - 1]].at);
		}
	}
	qsort(shown, n, sizeof(*shown), compare_shown);
}

/* Sets the group of every step, by id - 1. */
static struct outline_group *make_groups(
	struct arena *arena, const struct plan *plan, uint32_t *group_of, uint32_t *n_out)
{
	struct placed *placed = place(arena, plan);
	struct shown *shown = arena_array(arena, struct shown, plan->n_steps);
	const struct step **steps = arena_array(arena, const struct step *, plan->n_steps);
	uint32_t n = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct placed *last = i ? &placed[i - 1] : NULL;
		steps[i] = placed[i].step;
		if (!last || last->level != placed[i].level || compare_kind(last->step, steps[i]) != 0)
			shown[n++] = (struct shown){ { .steps = &steps[i] }, placed[i].level, 0 };
		shown[n - 1].group.n++;
	}
	place_groups(shown, n, plan, group_of);
	struct outline_group *groups = arena_array(arena, struct outline_group, n);
	for (uint32_t i = 0; i < n; i++) {
		groups[i] = shown[i].group;
		for (uint32_t k = 0; k < groups[i].n; k++)
			group_of[groups[i].steps[k] - plan->steps] = i;
	}
	*n_out = n;
	return groups;
}

/* How many dependencies lead from a group to each other one. */
static GHashTable *count_links(const struct outline_group *group, const uint32_t *group_of)
{
	GHashTable *counts = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < group->n; i++) {
		const struct step *step = group->steps[i];
		for (uint32_t k = 0; k < step->n_after; k++) {
			gpointer other = GUINT_TO_POINTER(group_of[step->after[k] - 1]);
			gpointer n = g_hash_table_lookup(counts, other);
			g_hash_table_insert(counts, other, GUINT_TO_POINTER(GPOINTER_TO_UINT(n) + 1));
		}
	}
	return counts;
}

static void add_all(GHashTable *set, uint32_t group, GHashTable *reach)
{
	GHashTableIter iter;
	gpointer key;
	g_hash_table_add(set, GUINT_TO_POINTER(group));
	g_hash_table_iter_init(&iter, reach);
	while (g_hash_table_iter_next(&iter, &key, NULL))
		g_hash_table_add(set, key);
}

/* Does 'step' wait for the step with that id, be it through others? 'seen': per step, all false; of those that were looked at
 * it is set. Steps come after what they wait for. */
static bool waits_for(const struct plan *plan, const struct step *step, uint32_t id, bool *seen)
{
	for (uint32_t i = 0; i < step->n_after; i++) {
		uint32_t other = step->after[i];
		if (other == id)
			return true;
		if (other < id || seen[other - 1])
			continue;
		seen[other - 1] = true;
		if (waits_for(plan, &plan->steps[other - 1], id, seen))
			return true;
	}
	return false;
}

/* It would wait for that step, too, if it were not said so. */
static bool is_implied(const struct plan *plan, const struct step *step, uint32_t id)
{
	g_autofree bool *seen = g_new0(bool, plan->n_steps);
	for (uint32_t i = 0; i < step->n_after; i++)
		if (step->after[i] > id && waits_for(plan, &plan->steps[step->after[i] - 1], id, seen))
			return true;
	return false;
}

static bool are_implied(
	const struct plan *plan, const struct outline_group *group, const uint32_t *group_of, uint32_t other)
{
	for (uint32_t i = 0; i < group->n; i++)
		for (uint32_t k = 0; k < group->steps[i]->n_after; k++) {
			uint32_t id = group->steps[i]->after[k];
			if (group_of[id - 1] == other && !is_implied(plan, group->steps[i], id))
				return false;
		}
	return true;
}

struct reach {           /* of a group: groups that it waits for, be it through others */
	GHashTable *any; /* for some of their steps */
	GHashTable *all; /* each of its steps for all of theirs */
};

/* Direct dependencies between groups, less those that others imply: to wait for all of a group implies what all of that one wait
 * for; to wait for one's own ones in it implies only what these wait for, so there each step is looked at. */
static void link_group(struct arena *arena, const struct plan *plan, struct outline_group *groups, uint32_t at,
	const uint32_t *group_of, struct reach *reach)
{
	g_autoptr(GHashTable) counts = count_links(&groups[at], group_of);
	struct outline_after *after = arena_array(arena, struct outline_after, g_hash_table_size(counts));
	reach[at] = (struct reach){ g_hash_table_new(NULL, NULL), g_hash_table_new(NULL, NULL) };
	for (uint32_t group = at; group-- > 0;) {
		gpointer key = GUINT_TO_POINTER(group);
		uint32_t n = GPOINTER_TO_UINT(g_hash_table_lookup(counts, key));
		bool all = n == groups[at].n * groups[group].n;
		if (n == 0 || g_hash_table_contains(reach[at].all, key) ||
			(g_hash_table_contains(reach[at].any, key) && are_implied(plan, &groups[at], group_of, group)))
			continue;
		after[groups[at].n_after++] = (struct outline_after){ group, all };
		add_all(reach[at].any, group, reach[group].any);
		if (all)
			add_all(reach[at].all, group, reach[group].all);
	}
	groups[at].after = after;
}

static void gather_groups(struct arena *arena, const struct plan *plan, struct outline *outline)
{
	uint32_t *group_of = arena_array(arena, uint32_t, plan->n_steps);
	struct outline_group *groups = make_groups(arena, plan, group_of, &outline->n_groups);
	struct reach *reach = arena_array(arena, struct reach, outline->n_groups);
	for (uint32_t i = 0; i < outline->n_groups; i++)
		link_group(arena, plan, groups, i, group_of, reach);
	for (uint32_t i = 0; i < outline->n_groups; i++) {
		g_hash_table_unref(reach[i].any);
		g_hash_table_unref(reach[i].all);
	}
	outline->groups = groups;
}

struct outline *outline_of(struct arena *arena, const struct plan *plan)
{
	struct outline *outline = arena_new_of(arena, struct outline);
	gather_hosts(arena, plan, outline);
	gather_groups(arena, plan, outline);
	return outline;
}

bool outline_is_clean(const struct plan *plan)
{
	const struct diags *diags = plan->diags;
	return !plan->n_steps && !plan->n_refusals && plan->complete && !plan->incomplete_hosts &&
	       !(diags && (diags->n_errors || diags->n_warnings));
}
