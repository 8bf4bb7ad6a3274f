/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/order.h"

#include "reconcile/budget.h"
#include "reconcile/gate.h"

#include <string.h>

/* Among steps that could come next the one of the lowest phase is taken: what people expect to read first. */
static const uint8_t phases[STEP_KIND_COUNT] = {
	[STEP_SET_OFFLINE_ACTION] = 0,
	[STEP_CONFIGURE_VM] = 1,
	[STEP_CREATE_POOL] = 2,
	[STEP_STOP_VM] = 3,
	[STEP_REMOVE_ADAPTER] = 4,
	[STEP_REMOVE_DEVICE] = 4,
	[STEP_MOVE_VM] = 5,
	[STEP_REMOVE_FROM_POOL] = 6,
	[STEP_MOUNT_GPU] = 7,
	[STEP_SET_COUNT] = 8,
	[STEP_DISMOUNT_GPU] = 9,
	[STEP_ADD_TO_POOL] = 10,
	[STEP_ADD_ADAPTER] = 11,
	[STEP_ADD_DEVICE] = 11,
	[STEP_START_VM] = 12,
};

/* Not of the table: which steps it holds back depends on all of them (reconcile/unit.h). */
static const struct order_rule limit_rule = { UNIT_LIMIT_RULE, STEP_START_VM, STEP_STOP_VM, NULL, "budget, maxHosts" };

struct linker {
	const struct needs *needs;
	GArray *steps;
	GArray *edges;
	GArray *by_kind[STEP_KIND_COUNT]; /* indices into 'steps' */
};

static struct step *step_at(GArray *steps, uint32_t i)
{
	return &g_array_index(steps, struct step, i);
}

static void link_rule(struct linker *linker, const struct order_rule *rule)
{
	const GArray *befores = linker->by_kind[rule->before], *afters = linker->by_kind[rule->after];
	for (guint i = 0; i < befores->len; i++)
		for (guint j = 0; j < afters->len; j++) {
			struct step_edge edge = { g_array_index(befores, uint32_t, i),
				g_array_index(afters, uint32_t, j), rule->name };
			if (edge.before != edge.after && rule->holds(linker->needs, step_at(linker->steps, edge.before),
								 step_at(linker->steps, edge.after)))
				g_array_append_val(linker->edges, edge);
		}
}

static GArray *link_steps(const struct needs *needs, GArray *steps, uint32_t skip)
{
	struct linker linker = { needs, steps, g_array_new(FALSE, FALSE, sizeof(struct step_edge)), { NULL } };
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++)
		linker.by_kind[kind] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = 0; i < steps->len; i++) {
		GArray *list = linker.by_kind[step_at(steps, i)->kind];
		g_array_append_val(list, i);
		step_at(steps, i)->id = list->len; /* rank within its kind, until the steps are numbered */
	}
	for (uint32_t r = 0; r < n_order_rules; r++)
		if (r != skip && order_rules[r].holds)
			link_rule(&linker, &order_rules[r]);
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++)
		g_array_unref(linker.by_kind[kind]);
	return linker.edges;
}

/* Is step 'a' to be taken before 'b' when both could be? Creation order is by host, GPU and VM. */
static bool is_sooner(GArray *steps, uint32_t a, uint32_t b)
{
	int pa = phases[step_at(steps, a)->kind], pb = phases[step_at(steps, b)->kind];
	return pa != pb ? pa < pb : a < b;
}

/* Topological order as indices into 'steps'; fewer than all when there is a circle. */
static GArray *sort_steps(GArray *steps, const GArray *edges)
{
	g_autofree uint32_t *waiting_for = g_new0(uint32_t, steps->len + 1);
	g_autofree bool *taken = g_new0(bool, steps->len + 1);
	g_autoptr(GPtrArray) followers = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	for (uint32_t i = 0; i < steps->len; i++)
		g_ptr_array_add(followers, g_array_new(FALSE, FALSE, sizeof(uint32_t)));
	for (guint e = 0; e < edges->len; e++) {
		const struct step_edge *edge = &g_array_index(edges, struct step_edge, e);
		waiting_for[edge->after]++;
		g_array_append_val((GArray *)g_ptr_array_index(followers, edge->before), edge->after);
	}
	GArray *order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (;;) {
		uint32_t next = NO_INDEX;
		for (uint32_t i = 0; i < steps->len; i++)
			if (!taken[i] && !waiting_for[i] && (next == NO_INDEX || is_sooner(steps, i, next)))
				next = i;
		if (next == NO_INDEX)
			return order;
		taken[next] = true;
		g_array_append_val(order, next);
		const GArray *mine = g_ptr_array_index(followers, next);
		for (guint f = 0; f < mine->len; f++)
			waiting_for[g_array_index(mine, uint32_t, f)]--;
	}
}

struct wait { /* one edge as the later step sees it */
	uint32_t id, rank;
	const char *why;
};

/* Two rules may ask for the same; the earlier edge stands first. */
static int compare_waits(const void *a_at, const void *b_at)
{
	const struct wait *a = a_at, *b = b_at;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return (a->rank > b->rank) - (a->rank < b->rank);
}

static void set_after(struct arena *arena, struct step *step, struct wait *waits, uint32_t n)
{
	uint32_t *after = arena_array(arena, uint32_t, n);
	const char **why = arena_array(arena, const char *, n);
	if (n)
		qsort(waits, n, sizeof(*waits), compare_waits);
	step->n_after = 0;
	for (uint32_t k = 0; k < n; k++) {
		if (k && waits[k].id == waits[k - 1].id)
			continue;
		after[step->n_after] = waits[k].id;
		why[step->n_after++] = waits[k].why;
	}
	step->after = after;
	step->after_why = why;
}

static void fill_after(struct arena *arena, struct step *steps, uint32_t n, const uint32_t *number, const GArray *edges)
{
	g_autofree uint32_t *end = g_new0(uint32_t, n + 1); /* of each step's part of 'waits' */
	g_autofree struct wait *waits = g_new0(struct wait, edges->len + 1);
	for (guint e = 0; e < edges->len; e++)
		end[number[g_array_index(edges, struct step_edge, e).after]]++;
	for (uint32_t i = 1; i <= n; i++)
		end[i] += end[i - 1];
	g_autofree uint32_t *at = g_memdup2(end, sizeof(*end) * (n + 1));
	for (guint e = 0; e < edges->len; e++) {
		const struct step_edge *edge = &g_array_index(edges, struct step_edge, e);
		waits[at[number[edge->after] - 1]++] = (struct wait){ number[edge->before], e, edge->why };
	}
	for (uint32_t i = 0; i < n; i++)
		set_after(arena, &steps[i], &waits[end[i]], end[i + 1] - end[i]);
}

/* One step of the kind goes first: of those that the others do not make wait, so that no host is begun for it alone. */
static void link_first(const struct linked *linked, const struct order_rule *rule)
{
	uint32_t first = NO_INDEX;
	for (uint32_t i = 0; i < linked->steps->len; i++)
		if (step_at(linked->steps, i)->kind == rule->before &&
			(first == NO_INDEX || linked->units.of[i] < linked->units.of[first]))
			first = i;
	for (uint32_t i = 0; i < linked->steps->len; i++) {
		struct step_edge edge = { first, i, rule->name };
		if (i != first && step_at(linked->steps, i)->kind == rule->before)
			g_array_append_val(linked->edges, edge);
	}
}

struct linked order_link(struct arena *arena, const struct needs *needs, GArray *steps, uint32_t skip)
{
	const bool *changing = needs_rolls(needs) ? budget_changing_hosts(arena, needs) : NULL;
	struct linked linked = { .steps = steps, .edges = link_steps(needs, steps, skip) };
	linked.units = units_of(arena, linked.steps, linked.edges, changing);
	for (uint32_t r = 0; r < n_order_rules; r++)
		if (r != skip && !order_rules[r].holds)
			link_first(&linked, &order_rules[r]);
	linked.units = units_of(arena, linked.steps, linked.edges, changing);
	return linked;
}

void order_unlink(struct linked *linked)
{
	g_array_unref(linked->steps);
	g_array_unref(linked->edges);
}

/* Fills 'out'; -1 with a finding when the steps wait for each other. */
static int number_steps(
	struct arena *arena, const struct linked *linked, struct step **out, uint32_t *n_out, struct diags *diags)
{
	g_autoptr(GArray) order = sort_steps(linked->steps, linked->edges);
	uint32_t n = linked->steps->len;
	if (order->len != n)
		return diag_add(
			diags, D_UNEXPECTED, LOC_NONE, NULL, "the steps of a plan wait for each other in a circle");
	struct step *sorted = arena_array(arena, struct step, n);
	g_autofree uint32_t *number = g_new0(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = g_array_index(order, uint32_t, i);
		sorted[i] = *step_at(linked->steps, from);
		sorted[i].id = i + 1;
		sorted[i].unit = linked->units.of[from] + 1;
		number[from] = i + 1;
	}
	fill_after(arena, sorted, n, number, linked->edges);
	*out = sorted;
	*n_out = n;
	return 0;
}

int order_steps(struct arena *arena, const struct needs *needs, GArray *steps, uint32_t skip, struct step **out,
	uint32_t *n_out, struct diags *diags)
{
	struct linked linked = order_link(arena, needs, steps, skip);
	struct limits limits = budget_limits(arena, needs);
	units_limit(&linked.units, linked.steps, &limits, linked.edges);
	int result = number_steps(arena, &linked, out, n_out, diags);
	order_unlink(&linked);
	return result;
}

struct cost order_cost(const struct step *steps, uint32_t n)
{
	struct cost cost = { .steps = n, .seconds = gate_seconds(steps, n, NULL) };
	for (uint32_t i = 0; i < n; i++) {
		cost.vms_stopped += steps[i].kind == STEP_STOP_VM;
		cost.vms_moved += steps[i].kind == STEP_MOVE_VM;
		cost.role_changes += steps[i].kind == STEP_DISMOUNT_GPU || steps[i].kind == STEP_MOUNT_GPU;
	}
	return cost;
}

struct plan_mixed order_mixed(const struct step *steps, uint32_t n)
{
	struct plan_mixed mixed = { 0 };
	uint32_t first = UINT32_MAX, last = 0;
	g_autofree uint32_t *ends = gate_ends(steps, n, NULL);
	for (uint32_t i = 0; i < n; i++) {
		if (steps[i].kind != STEP_SET_COUNT)
			continue;
		if (ends[i] < first) {
			first = ends[i];
			mixed.first_host = steps[i].host_name;
		}
		if (ends[i] >= last) {
			last = ends[i];
			mixed.last_host = steps[i].host_name;
		}
	}
	mixed.set = mixed.first_host && strcmp(mixed.first_host, mixed.last_host) != 0;
	mixed.seconds = mixed.set ? last - first : 0;
	return mixed;
}

const struct order_rule *order_rule_find(const char *name)
{
	for (uint32_t i = 0; i < n_order_rules; i++)
		if (strcmp(order_rules[i].name, name) == 0)
			return &order_rules[i];
	return strcmp(limit_rule.name, name) == 0 ? &limit_rule : NULL;
}
