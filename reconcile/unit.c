/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/unit.h"

/* ---- strongly connected parts, by Tarjan's algorithm without recursion ---- */

struct graph {
	uint32_t n;
	uint32_t *begin, *to; /* the followers of node i are to[begin[i] .. begin[i + 1]] */
};

struct parts {
	uint32_t *of; /* per node; numbered so that a part comes after those that it leads to */
	uint32_t n;
};

struct visit {
	uint32_t node, next; /* index into graph.to */
};

struct search {
	const struct graph *graph;
	uint32_t *number, *low; /* from 1; 0: not seen yet */
	bool *on_stack;
	GArray *stack, *path;
	uint32_t n_seen;
	struct parts *parts;
};

static void enter(struct search *search, uint32_t node)
{
	struct visit visit = { node, search->graph->begin[node] };
	search->number[node] = search->low[node] = ++search->n_seen;
	search->on_stack[node] = true;
	g_array_append_val(search->stack, node);
	g_array_append_val(search->path, visit);
}

static void leave(struct search *search, uint32_t node)
{
	g_array_set_size(search->path, search->path->len - 1);
	if (search->path->len) {
		uint32_t parent = g_array_index(search->path, struct visit, search->path->len - 1).node;
		search->low[parent] = MIN(search->low[parent], search->low[node]);
	}
	if (search->low[node] != search->number[node])
		return;
	for (uint32_t top = NO_INDEX; top != node;) {
		top = g_array_index(search->stack, uint32_t, search->stack->len - 1);
		g_array_set_size(search->stack, search->stack->len - 1);
		search->on_stack[top] = false;
		search->parts->of[top] = search->parts->n;
	}
	search->parts->n++;
}

static void search_from(struct search *search, uint32_t root)
{
	enter(search, root);
	while (search->path->len) {
		struct visit *visit = &g_array_index(search->path, struct visit, search->path->len - 1);
		uint32_t node = visit->node;
		if (visit->next == search->graph->begin[node + 1]) {
			leave(search, node);
			continue;
		}
		uint32_t follower = search->graph->to[visit->next++];
		if (!search->number[follower])
			enter(search, follower);
		else if (search->on_stack[follower])
			search->low[node] = MIN(search->low[node], search->number[follower]);
	}
}

static struct parts parts_of(const struct graph *graph)
{
	struct parts parts = { g_new0(uint32_t, graph->n + 1), 0 };
	g_autofree uint32_t *number = g_new0(uint32_t, graph->n + 1), *low = g_new0(uint32_t, graph->n + 1);
	g_autofree bool *on_stack = g_new0(bool, graph->n + 1);
	g_autoptr(GArray) stack = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(struct visit));
	struct search search = { graph, number, low, on_stack, stack, path, 0, &parts };
	for (uint32_t i = 0; i < graph->n; i++)
		if (!number[i])
			search_from(&search, i);
	return parts;
}

/* ---- steps as a graph ---- */

static const struct step *step_at(const GArray *steps, uint32_t i)
{
	return &g_array_index(steps, struct step, i);
}

/* What keeps a step together with others: its VM; with strategy Rolling its host, whose GPUs differ in between. */
static GHashTable *kin_of(const struct step *step, bool rolls, GHashTable *of_vms, GHashTable *of_hosts, uint32_t *who)
{
	bool is_count = step->kind == STEP_SET_COUNT || step->kind == STEP_MOUNT_GPU;
	*who = step->vm != NO_INDEX ? step->vm : step->host;
	return step->vm != NO_INDEX ? of_vms : rolls && is_count ? of_hosts : NULL;
}

/* Steps that are kept together share the node of the first of them. */
static uint32_t *nodes_of(const GArray *steps, bool rolls)
{
	g_autoptr(GHashTable) of_vms = g_hash_table_new(NULL, NULL), of_hosts = g_hash_table_new(NULL, NULL);
	uint32_t *nodes = g_new0(uint32_t, steps->len + 1);
	for (uint32_t i = 0; i < steps->len; i++) {
		uint32_t who = NO_INDEX;
		GHashTable *kin = kin_of(step_at(steps, i), rolls, of_vms, of_hosts, &who);
		gpointer node = NULL;
		nodes[i] = i;
		if (!kin)
			continue;
		if (g_hash_table_lookup_extended(kin, GUINT_TO_POINTER(who), NULL, &node))
			nodes[i] = GPOINTER_TO_UINT(node);
		else
			g_hash_table_insert(kin, GUINT_TO_POINTER(who), GUINT_TO_POINTER(i));
	}
	return nodes;
}

static struct graph graph_of(const uint32_t *nodes, uint32_t n, const GArray *edges)
{
	struct graph graph = { n, g_new0(uint32_t, n + 2), g_new0(uint32_t, edges->len + 1) };
	for (guint e = 0; e < edges->len; e++)
		graph.begin[nodes[g_array_index(edges, struct step_edge, e).before] + 1]++;
	for (uint32_t i = 0; i < n; i++)
		graph.begin[i + 1] += graph.begin[i];
	g_autofree uint32_t *at = g_memdup2(graph.begin, (n + 1) * sizeof(uint32_t));
	for (guint e = 0; e < edges->len; e++) {
		const struct step_edge *edge = &g_array_index(edges, struct step_edge, e);
		graph.to[at[nodes[edge->before]]++] = nodes[edge->after];
	}
	return graph;
}

/* ---- units ---- */

static bool changes_hosts(const struct step *step)
{
	return step->kind == STEP_STOP_VM || step->kind == STEP_SET_COUNT || step->kind == STEP_MOUNT_GPU ||
	       step->kind == STEP_DISMOUNT_GPU;
}

static bool has_stop(const GArray *steps, const uint32_t *of_unit, uint32_t n, uint32_t vm)
{
	for (uint32_t i = 0; i < n; i++)
		if (step_at(steps, of_unit[i])->vm == vm && step_at(steps, of_unit[i])->kind == STEP_STOP_VM)
			return true;
	return false;
}

static void describe(struct unit *unit, const GArray *steps, const bool *changing)
{
	unit->first = NO_INDEX;
	for (uint32_t i = 0; i < unit->n_steps; i++) {
		const struct step *step = step_at(steps, unit->steps[i]);
		unit->n_stops += step->kind == STEP_STOP_VM;
		unit->n_debts += step->kind == STEP_START_VM && !has_stop(steps, unit->steps, unit->n_steps, step->vm);
		unit->first = MIN(unit->first, step->host);
		unit->changes_hosts |= changes_hosts(step);
		unit->goes_on |= changing && step->host != NO_INDEX && changing[step->host];
	}
}

/* Is unit 'a' to come before 'b' when neither waits for the other? What earlier runs owe is paid before more is taken,
 * and a host that is being changed is done with before the next. */
static bool is_sooner(const struct unit *a, const struct unit *b)
{
	if (!a->n_debts != !b->n_debts)
		return a->n_debts > 0;
	if (a->goes_on != b->goes_on)
		return a->goes_on;
	if (a->first != b->first)
		return a->first < b->first;
	return a->steps[0] < b->steps[0];
}

/* The parts as units, their numbers still those of the parts. */
static struct unit *collect(
	struct arena *arena, const GArray *steps, const uint32_t *part, uint32_t n, const bool *changing)
{
	struct unit *units = arena_array(arena, struct unit, n);
	g_autofree uint32_t **lists = g_new0(uint32_t *, n + 1);
	for (uint32_t i = 0; i < steps->len; i++)
		units[part[i]].n_steps++;
	for (uint32_t u = 0; u < n; u++) {
		units[u].steps = lists[u] = arena_array(arena, uint32_t, units[u].n_steps);
		units[u].n_steps = 0;
	}
	for (uint32_t i = 0; i < steps->len; i++)
		lists[part[i]][units[part[i]].n_steps++] = i;
	for (uint32_t u = 0; u < n; u++)
		describe(&units[u], steps, changing);
	return units;
}

/* In an order that the edges allow. */
static GArray *arrange(const struct unit *units, uint32_t n, const uint32_t *part, const GArray *edges)
{
	g_autofree uint32_t *waiting_for = g_new0(uint32_t, n + 1);
	g_autofree bool *taken = g_new0(bool, n + 1);
	for (guint e = 0; e < edges->len; e++) {
		const struct step_edge *edge = &g_array_index(edges, struct step_edge, e);
		waiting_for[part[edge->after]] += part[edge->before] != part[edge->after];
	}
	struct graph followers = graph_of(part, n, edges);
	GArray *order = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t k = 0; k < n; k++) {
		uint32_t next = NO_INDEX;
		for (uint32_t u = 0; u < n; u++)
			if (!taken[u] && !waiting_for[u] && (next == NO_INDEX || is_sooner(&units[u], &units[next])))
				next = u;
		taken[next] = true;
		g_array_append_val(order, next);
		for (uint32_t f = followers.begin[next]; f < followers.begin[next + 1]; f++)
			waiting_for[followers.to[f]] -= followers.to[f] != next;
	}
	g_free(followers.begin);
	g_free(followers.to);
	return order;
}

struct units units_of(struct arena *arena, const GArray *steps, const GArray *edges, const bool *changing)
{
	g_autofree uint32_t *nodes = nodes_of(steps, changing != NULL);
	struct graph graph = graph_of(nodes, steps->len, edges);
	struct parts parts = parts_of(&graph);
	g_autofree uint32_t *part = g_new0(uint32_t, steps->len + 1);
	for (uint32_t i = 0; i < steps->len; i++)
		part[i] = parts.of[nodes[i]];
	/* a step that is not the first of its VM is a node that nothing is at: drop the parts that are empty */
	g_autofree uint32_t *kept = g_new0(uint32_t, parts.n + 1);
	uint32_t n = 0;
	for (uint32_t i = 0; i < steps->len; i++)
		kept[part[i]] = 1;
	for (uint32_t p = 0; p < parts.n; p++)
		kept[p] = kept[p] ? n++ : NO_INDEX;
	for (uint32_t i = 0; i < steps->len; i++)
		part[i] = kept[part[i]];
	struct unit *units = collect(arena, steps, part, n, changing);
	g_autoptr(GArray) order = arrange(units, n, part, edges);
	struct unit *sorted = arena_array(arena, struct unit, n);
	uint32_t *of = arena_array(arena, uint32_t, steps->len), *rank = kept;
	for (uint32_t k = 0; k < n; k++) {
		sorted[k] = units[g_array_index(order, uint32_t, k)];
		rank[g_array_index(order, uint32_t, k)] = k;
	}
	for (uint32_t i = 0; i < steps->len; i++)
		of[i] = rank[part[i]];
	g_free(graph.begin);
	g_free(graph.to);
	g_free(parts.of);
	return (struct units){ sorted, n, of };
}
