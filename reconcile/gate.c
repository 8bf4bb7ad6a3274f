/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/gate.h"

#include "base/zone.h"
#include "model/window.h"

#include <glib.h>

struct plan_window gate_window_of(
	struct arena *arena, const struct spec_window *windows, uint32_t n_windows, int64_t now)
{
	struct plan_window window = { .set = n_windows > 0, .windows = windows, .n_windows = n_windows };
	if (!window.set)
		return window;
	struct window_state state = window_at(windows, n_windows, now);
	window.is_open = state.is_open;
	window.opens_at = state.opens_at;
	window.closes_at = state.closes_at == WINDOW_NEVER_CLOSES ? 0 : state.closes_at;
	window.longest_s = state.longest_s;
	window.opens_text = zone_print(arena, state.zone, state.opens_at);
	return window;
}

struct plan_window gate_window(struct arena *arena, const struct spec_cluster *cluster, int64_t now)
{
	return cluster ? gate_window_of(arena, cluster->rollout.windows, cluster->rollout.n_windows, now)
		       : (struct plan_window){ 0 };
}

/* ---- estimates ---- */

static uint32_t lane_of(GHashTable *lanes, const char *host)
{
	gpointer known;
	g_autofree char *key = g_ascii_strdown(host ? host : "", -1);
	if (!g_hash_table_lookup_extended(lanes, key, NULL, &known)) {
		known = GUINT_TO_POINTER(g_hash_table_size(lanes));
		g_hash_table_insert(lanes, g_steal_pointer(&key), known);
	}
	return GPOINTER_TO_UINT(known);
}

uint32_t *gate_ends(const struct step *steps, uint32_t n, const bool *counted)
{
	g_autoptr(GHashTable) lanes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) ends = g_hash_table_new(NULL, NULL); /* by id */
	g_autofree uint32_t *lane_free = g_new0(uint32_t, n + 1);
	uint32_t *of_step = g_new0(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		if (counted && !counted[i])
			continue;
		uint32_t lane = lane_of(lanes, steps[i].host_name), begin = lane_free[lane];
		for (uint32_t k = 0; k < steps[i].n_after; k++) {
			gpointer end = g_hash_table_lookup(ends, GUINT_TO_POINTER(steps[i].after[k]));
			begin = MAX(begin, GPOINTER_TO_UINT(end));
		}
		lane_free[lane] = begin + step_rows[steps[i].kind].typical_seconds;
		g_hash_table_insert(ends, GUINT_TO_POINTER(steps[i].id), GUINT_TO_POINTER(lane_free[lane]));
		of_step[i] = lane_free[lane];
	}
	return of_step;
}

uint32_t gate_seconds(const struct step *steps, uint32_t n, const bool *counted)
{
	g_autofree uint32_t *ends = gate_ends(steps, n, counted);
	uint32_t all = 0;
	for (uint32_t i = 0; i < n; i++)
		all = MAX(all, ends[i]);
	return all;
}

/* ---- what is begun as a whole ---- */

struct groups {
	uint32_t *of; /* per step */
	bool *stops;  /* per group: one of its steps stops a VM */
	uint32_t n;
};

static uint32_t root_of(const uint32_t *parents, uint32_t at)
{
	while (parents[at] != at)
		at = parents[at];
	return at;
}

/* Units where the steps tell them, else what is linked. A group is named by one of its steps. */
static struct groups groups_of(struct arena *arena, const struct step *steps, uint32_t n)
{
	struct groups groups = { arena_array(arena, uint32_t, n), arena_array(arena, bool, n), n };
	g_autoptr(GHashTable) by_id = g_hash_table_new(NULL, NULL), units = g_hash_table_new(NULL, NULL);
	g_autofree uint32_t *parents = g_new(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		parents[i] = i;
		g_hash_table_insert(by_id, GUINT_TO_POINTER(steps[i].id), GUINT_TO_POINTER(i));
		gpointer unit = GUINT_TO_POINTER(steps[i].unit), first;
		if (steps[i].unit && g_hash_table_lookup_extended(units, unit, NULL, &first))
			parents[i] = GPOINTER_TO_UINT(first);
		else if (steps[i].unit)
			g_hash_table_insert(units, unit, GUINT_TO_POINTER(i));
		for (uint32_t k = 0; k < steps[i].n_after && !steps[i].unit; k++) {
			gpointer before = g_hash_table_lookup(by_id, GUINT_TO_POINTER(steps[i].after[k]));
			if (!steps[GPOINTER_TO_UINT(before)].unit)
				parents[root_of(parents, i)] = root_of(parents, GPOINTER_TO_UINT(before));
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		groups.of[i] = root_of(parents, i);
		groups.stops[groups.of[i]] |= (step_rows[steps[i].kind].needs & STEP_IS_STOP) != 0;
	}
	return groups;
}

static bool goes_in_one(const struct plan *plan)
{
	return !plan->rules || plan->rules->strategy == STRATEGY_HOMOGENEOUS;
}

static void count_group(const struct plan *plan, const struct groups *groups, uint32_t group, bool *counted)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		counted[i] = groups->of[i] == group;
}

uint32_t gate_needs(const struct plan *plan, bool *counted)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct groups groups = groups_of(arena, plan->steps, plan->n_steps);
	bool *among = counted ? counted : arena_array(arena, bool, plan->n_steps);
	uint32_t longest = 0, which = NO_INDEX;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		among[i] = groups.stops[groups.of[i]];
	if (goes_in_one(plan))
		return gate_seconds(plan->steps, plan->n_steps, among);
	for (uint32_t group = 0; group < groups.n; group++) {
		if (!groups.stops[group])
			continue;
		count_group(plan, &groups, group, among);
		uint32_t seconds = gate_seconds(plan->steps, plan->n_steps, among);
		which = seconds > longest ? group : which;
		longest = MAX(longest, seconds);
	}
	count_group(plan, &groups, which, among);
	return longest;
}

/* ---- the gate ---- */

struct gate {
	const struct plan *plan;
	struct groups groups;
	bool *begun;          /* per group */
	bool *done, *counted; /* per step */
	uint32_t *by_id;      /* step id -> index */
};

static uint32_t *index_ids(struct arena *arena, const struct plan *plan)
{
	uint32_t largest = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		largest = MAX(largest, plan->steps[i].id);
	uint32_t *by_id = arena_array(arena, uint32_t, largest + 1);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		by_id[plan->steps[i].id] = i;
	return by_id;
}

struct gate *gate_new(struct arena *arena, const struct plan *plan)
{
	if (!plan->window.n_windows)
		return NULL;
	struct gate *gate = arena_new_of(arena, struct gate);
	gate->plan = plan;
	gate->groups = groups_of(arena, plan->steps, plan->n_steps);
	gate->begun = arena_array(arena, bool, plan->n_steps);
	gate->done = arena_array(arena, bool, plan->n_steps);
	gate->counted = arena_array(arena, bool, plan->n_steps);
	gate->by_id = index_ids(arena, plan);
	return gate;
}

/* How long it takes from here to the end of what has begun and of 'group', or of all that stops VMs. */
static uint32_t seconds_with(struct gate *gate, uint32_t group)
{
	bool all = goes_in_one(gate->plan);
	for (uint32_t i = 0; i < gate->plan->n_steps; i++) {
		uint32_t other = gate->groups.of[i];
		bool counts = other == group || gate->begun[other] || (all && gate->groups.stops[other]);
		gate->counted[i] = counts && !gate->done[i];
	}
	return gate_seconds(gate->plan->steps, gate->plan->n_steps, gate->counted);
}

/* One of its steps comes after a group that has not begun: that one may be held, and this one then be half done. */
static bool waits_for_another(const struct gate *gate, uint32_t group)
{
	for (uint32_t i = 0; i < gate->plan->n_steps; i++) {
		const struct step *step = &gate->plan->steps[i];
		for (uint32_t k = 0; k < step->n_after && gate->groups.of[i] == group; k++) {
			uint32_t before = gate->groups.of[gate->by_id[step->after[k]]];
			if (before != group && !gate->begun[before])
				return true;
		}
	}
	return false;
}

enum gate_answer gate_ask(struct gate *gate, uint32_t step, int64_t now)
{
	const struct plan *plan = gate->plan;
	uint32_t group = gate->groups.of[step];
	bool is_stop = step_rows[plan->steps[step].kind].needs & STEP_IS_STOP;
	if (gate->begun[group] && !is_stop)
		return GATE_OPEN;
	if (!gate->begun[group] && waits_for_another(gate, group))
		return GATE_HELD;
	if (!gate->groups.stops[group]) {
		gate->begun[group] = true;
		return GATE_OPEN;
	}
	struct window_state state = window_at(plan->window.windows, plan->window.n_windows, now);
	if (gate->begun[group])
		return state.is_open ? GATE_OPEN : GATE_SHUT;
	if (!state.is_open || seconds_with(gate, group) > window_left(&state, now))
		return GATE_HELD;
	gate->begun[group] = true;
	return GATE_OPEN;
}

void gate_done(struct gate *gate, uint32_t step)
{
	gate->done[step] = true;
}

bool gate_lets_any(const struct plan *plan, int64_t now)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct gate *gate = gate_new(arena, plan);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (!gate || (!plan->steps[i].n_after && gate_ask(gate, i, now) == GATE_OPEN))
			return true;
	return false;
}
