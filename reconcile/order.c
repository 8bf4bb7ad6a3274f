/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/order.h"

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

struct edge {
	uint32_t before, after;
};

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
			struct edge edge = { g_array_index(befores, uint32_t, i), g_array_index(afters, uint32_t, j) };
			if (edge.before != edge.after && rule->holds(linker->needs, step_at(linker->steps, edge.before),
								 step_at(linker->steps, edge.after)))
				g_array_append_val(linker->edges, edge);
		}
}

static GArray *link_steps(const struct needs *needs, GArray *steps, uint32_t skip)
{
	struct linker linker = { needs, steps, g_array_new(FALSE, FALSE, sizeof(struct edge)), { NULL } };
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++)
		linker.by_kind[kind] = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = 0; i < steps->len; i++) {
		GArray *list = linker.by_kind[step_at(steps, i)->kind];
		g_array_append_val(list, i);
		step_at(steps, i)->id = list->len; /* rank within its kind, until the steps are numbered */
	}
	for (uint32_t r = 0; r < n_order_rules; r++)
		if (r != skip)
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
		const struct edge *edge = &g_array_index(edges, struct edge, e);
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

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void fill_after(struct arena *arena, struct step *steps, uint32_t n, const uint32_t *number, const GArray *edges)
{
	g_autofree uint32_t *n_after = g_new0(uint32_t, n + 1);
	for (guint e = 0; e < edges->len; e++)
		n_after[number[g_array_index(edges, struct edge, e).after] - 1]++;
	g_autofree uint32_t **lists = g_new0(uint32_t *, n + 1);
	for (uint32_t i = 0; i < n; i++)
		lists[i] = arena_array(arena, uint32_t, n_after[i]);
	for (guint e = 0; e < edges->len; e++) {
		const struct edge *edge = &g_array_index(edges, struct edge, e);
		struct step *step = &steps[number[edge->after] - 1];
		lists[number[edge->after] - 1][step->n_after++] = number[edge->before];
	}
	for (uint32_t i = 0; i < n; i++) {
		qsort(lists[i], steps[i].n_after, sizeof(uint32_t), by_number);
		uint32_t kept = 0;
		for (uint32_t k = 0; k < steps[i].n_after; k++) /* two rules may ask for the same */
			if (k == 0 || lists[i][k] != lists[i][k - 1])
				lists[i][kept++] = lists[i][k];
		steps[i].after = lists[i];
		steps[i].n_after = kept;
	}
}

int order_steps(struct arena *arena, const struct needs *needs, GArray *steps, uint32_t skip, struct step **out,
	uint32_t *n_out, struct diags *diags)
{
	g_autoptr(GArray) mine = steps;
	g_autoptr(GArray) edges = link_steps(needs, mine, skip);
	g_autoptr(GArray) order = sort_steps(mine, edges);
	if (order->len != mine->len)
		return diag_add(
			diags, D_UNEXPECTED, LOC_NONE, NULL, "the steps of a plan wait for each other in a circle");
	struct step *sorted = arena_array(arena, struct step, mine->len);
	g_autofree uint32_t *number = g_new0(uint32_t, mine->len + 1);
	for (uint32_t i = 0; i < order->len; i++) {
		uint32_t from = g_array_index(order, uint32_t, i);
		sorted[i] = *step_at(mine, from);
		sorted[i].id = i + 1;
		number[from] = i + 1;
	}
	fill_after(arena, sorted, mine->len, number, edges);
	*out = sorted;
	*n_out = mine->len;
	return 0;
}

struct cost order_cost(const struct step *steps, uint32_t n)
{
	struct cost cost = { .steps = n };
	g_autofree uint32_t *done_at = g_new0(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		cost.vms_stopped += steps[i].kind == STEP_STOP_VM;
		cost.vms_moved += steps[i].kind == STEP_MOVE_VM;
		cost.role_changes += steps[i].kind == STEP_DISMOUNT_GPU || steps[i].kind == STEP_MOUNT_GPU;
		uint32_t begin = 0;
		for (uint32_t k = 0; k < steps[i].n_after; k++)
			begin = MAX(begin, done_at[steps[i].after[k] - 1]);
		done_at[i] = begin + step_rows[steps[i].kind].typical_seconds;
		cost.seconds = MAX(cost.seconds, done_at[i]);
	}
	return cost;
}
