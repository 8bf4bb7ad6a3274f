/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exact.h"

#include "tests/lib/exact_goal.h"

#include <string.h>

enum { STATES_MAX = 2000000 };

int exact_cost_order(struct exact_cost a, struct exact_cost b)
{
	if (a.stops != b.stops)
		return a.stops < b.stops ? -1 : 1;
	if (a.moves != b.moves)
		return a.moves < b.moves ? -1 : 1;
	if (a.roles != b.roles)
		return a.roles < b.roles ? -1 : 1;
	return a.steps < b.steps ? -1 : a.steps > b.steps;
}

static uint32_t cost_of(enum step_kind kind)
{
	switch (kind) {
	case STEP_STOP_VM:
		return COST_STOP + COST_STEP;
	case STEP_MOVE_VM:
		return COST_MOVE + COST_STEP;
	case STEP_DISMOUNT_GPU:
	case STEP_MOUNT_GPU:
		return COST_ROLE + COST_STEP;
	default:
		return COST_STEP;
	}
}

static struct exact_cost cost_told(uint32_t cost)
{
	return (struct exact_cost){ cost / COST_STOP, cost % COST_STOP / COST_MOVE, cost % COST_MOVE / COST_ROLE,
		cost % COST_ROLE };
}

/* ---- the search ---- */

struct node {
	struct exact_world world;
	uint32_t cost; /* from the start */
	uint32_t from; /* node before, or NO_INDEX */
	struct exact_step step;
	bool closed;
};

struct ahead { /* a node that is yet to be looked at */
	uint32_t estimate, cost, node;
};

struct exact {
	struct exact_rules rules;
	uint32_t best; /* cost of the best way so far */
	uint32_t n_states;
	bool gave_up;
	GArray *nodes;   /* struct node */
	GArray *heap;    /* struct ahead, the least estimate first, then the deepest */
	uint32_t *table; /* node + 1 by hash of its world */
	uint32_t table_size;
	GArray *way; /* struct exact_step */
};

struct exact *exact_new(void)
{
	struct exact *exact = g_new0(struct exact, 1);
	exact->nodes = g_array_new(FALSE, FALSE, sizeof(struct node));
	exact->heap = g_array_new(FALSE, FALSE, sizeof(struct ahead));
	exact->way = g_array_new(FALSE, FALSE, sizeof(struct exact_step));
	return exact;
}

void exact_free(struct exact *exact)
{
	g_array_unref(exact->nodes);
	g_array_unref(exact->heap);
	g_array_unref(exact->way);
	g_free(exact->table);
	g_free(exact);
}

static struct node *node_at(const struct exact *exact, uint32_t i)
{
	return &g_array_index(exact->nodes, struct node, i);
}

static bool is_before(const struct ahead *a, const struct ahead *b)
{
	return a->estimate != b->estimate ? a->estimate < b->estimate : a->cost > b->cost;
}

static void heap_push(GArray *heap, struct ahead item)
{
	g_array_append_val(heap, item);
	struct ahead *items = (struct ahead *)(void *)heap->data;
	guint i = heap->len - 1;
	for (; i && is_before(&item, &items[(i - 1) / 2]); i = (i - 1) / 2)
		items[i] = items[(i - 1) / 2];
	items[i] = item;
}

static struct ahead heap_pop(GArray *heap)
{
	struct ahead *items = (struct ahead *)(void *)heap->data, top = items[0], last = items[heap->len - 1];
	g_array_set_size(heap, heap->len - 1);
	guint i = 0, n = heap->len;
	for (guint child = 1; child < n; child = 2 * i + 1) {
		if (child + 1 < n && is_before(&items[child + 1], &items[child]))
			child++;
		if (!is_before(&items[child], &last))
			break;
		items[i] = items[child];
		i = child;
	}
	if (n)
		items[i] = last;
	return top;
}

static uint64_t hash_of(const struct exact_world *world)
{
	uint64_t words[sizeof(*world) / sizeof(uint64_t)], hash = 0;
	memcpy(words, world, sizeof(words));
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		hash = (hash ^ words[i]) * 0x9E3779B97F4A7C15u ^ hash >> 29;
	return hash ^ hash >> 32;
}

/* Like VMs may change places: the smaller number first. */
static void make_canonical(const struct small *small, struct exact_world *world)
{
	for (uint32_t i = 1; i < small->n_vms; i++)
		for (uint32_t k = i; k > 0 && !memcmp(&small->vms[k], &small->vms[k - 1], sizeof(small->vms[0])) &&
				     world->vms[k] < world->vms[k - 1];
			k--) {
			uint32_t swap = world->vms[k];
			world->vms[k] = world->vms[k - 1];
			world->vms[k - 1] = swap;
		}
}

static void table_resize(struct exact *exact, uint32_t size)
{
	exact->table_size = size;
	g_free(exact->table);
	exact->table = g_new0(uint32_t, size);
	for (uint32_t i = 0; i < exact->nodes->len; i++) {
		uint32_t at = (uint32_t)hash_of(&node_at(exact, i)->world) & (size - 1);
		while (exact->table[at])
			at = (at + 1) & (size - 1);
		exact->table[at] = i + 1;
	}
}

/* The node of that world; a new one has the cost EXACT_NOT_TO_BE_HAD. */
static uint32_t node_of(struct exact *exact, const struct exact_world *world)
{
	if (exact->nodes->len * 2 >= exact->table_size)
		table_resize(exact, exact->table_size * 2);
	uint32_t mask = exact->table_size - 1, at = (uint32_t)hash_of(world) & mask;
	for (; exact->table[at]; at = (at + 1) & mask)
		if (!memcmp(&node_at(exact, exact->table[at] - 1)->world, world, sizeof(*world)))
			return exact->table[at] - 1;
	struct node node = { .world = *world, .cost = EXACT_NOT_TO_BE_HAD, .from = NO_INDEX };
	g_array_append_val(exact->nodes, node);
	exact->table[at] = exact->nodes->len;
	return exact->nodes->len - 1;
}

static void reach(struct exact *exact, struct exact_world *world, uint32_t cost, uint32_t from, struct exact_step step)
{
	make_canonical(exact->rules.small, world);
	uint32_t index = node_of(exact, world);
	struct node *node = node_at(exact, index);
	if (node->cost <= cost)
		return;
	uint32_t missing = exact_missing(&exact->rules, world);
	if (missing == EXACT_NOT_TO_BE_HAD || cost + missing >= exact->best)
		return;
	node->cost = cost;
	node->from = from;
	node->step = step;
	node->closed = false;
	heap_push(exact->heap, (struct ahead){ cost + missing, cost, index });
}

/* The VMs that we hold down. */
static uint32_t n_down(const struct exact_rules *rules, const struct exact_world *world)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < rules->small->n_vms; i++)
		n += exact_runs_at_the_end(rules, i) && !exact_vm_get(world, i).running;
	return n;
}

/* Strategy Rolling: the hosts that are being changed. One where a VM is held down, or from where it went, as the rules
 * read it; one whose GPUs came to differ. */
static unsigned changed_hosts(const struct exact_rules *rules, const struct exact_world *world)
{
	const struct exact_world start = exact_start(rules->small);
	unsigned hosts = 0;
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		uint32_t was = rules->small->vms[i].host, is = exact_vm_get(world, i).host;
		if (exact_runs_at_the_end(rules, i) && !exact_vm_get(world, i).running &&
			!(rules->until_moved && was != is))
			hosts |= 1u << was | 1u << is;
	}
	for (uint32_t h = 0; h < rules->small->n_hosts; h++)
		if (exact_is_uneven(rules, world, h) && !exact_is_uneven(rules, &start, h))
			hosts |= 1u << h;
	return hosts;
}

static bool changes_too_many(
	const struct exact_rules *rules, const struct exact_world *before, const struct exact_world *after)
{
	if (rules->small->strategy != STRATEGY_ROLLING)
		return false;
	unsigned was = changed_hosts(rules, before), is = changed_hosts(rules, after);
	return __builtin_popcount(is) > 1 && is & ~was;
}

static void try_step(struct exact *exact, uint32_t from, struct exact_step step)
{
	const struct exact_rules *rules = &exact->rules;
	const struct exact_world before = node_at(exact, from)->world;
	struct exact_world after;
	unsigned breaks = 0;
	if (!exact_take(rules, &before, step, &after, &breaks) || breaks || !memcmp(&before, &after, sizeof(after)))
		return;
	if (exact_broken(rules, &after) & ~rules->broken_at_start)
		return;
	if (step.kind == STEP_STOP_VM && rules->small->max_unavailable &&
		n_down(rules, &after) > rules->small->max_unavailable)
		return;
	if (changes_too_many(rules, &before, &after))
		return;
	reach(exact, &after, node_at(exact, from)->cost + cost_of(step.kind), from, step);
}

/* Steps that are worth a try: no VM twice, none started without what it is to have, no pin, count or role that neither
 * start nor goal has ('no evasion'). */
static void try_vm(struct exact *exact, uint32_t from, uint32_t vm)
{
	const struct exact_rules *rules = &exact->rules;
	const struct exact_world world = node_at(exact, from)->world;
	struct exact_vm it = exact_vm_get(&world, vm);
	const struct small_vm *is = &rules->small->vms[vm];
	enum exact_adapter wanted = exact_wanted_adapter(rules, &world, vm);
	uint8_t index = (uint8_t)vm;
	if (!(rules->may_touch & 1u << vm) || is->power == SMALL_SAVED)
		return;
	if (it.running && !it.stopped && !is->owed)
		try_step(exact, from, (struct exact_step){ STEP_STOP_VM, index, 0 });
	/* for want of partitions alone, and not with a pin (docs/decisions/0007-moves.md) */
	for (uint32_t host = 0; host < rules->small->n_hosts && wanted == ADAPTER_FREE; host++)
		if (host != it.host && is->part != SMALL_PINNED)
			try_step(exact, from, (struct exact_step){ STEP_MOVE_VM, index, (uint8_t)host });
	if (it.running)
		return;
	if (it.adapter != ADAPTER_NONE)
		try_step(exact, from, (struct exact_step){ STEP_REMOVE_ADAPTER, index, 0 });
	else if (wanted != ADAPTER_NONE && it.device == DEVICE_NONE)
		try_step(exact, from, (struct exact_step){ STEP_ADD_ADAPTER, index, wanted });
	bool may_lose = is->owner == SMALL_UNMANAGED && rules->small->unmanaged == UNMANAGED_REMOVE;
	if (it.device != DEVICE_NONE && (may_lose || !exact_device_serves(rules, &world, vm)))
		try_step(exact, from, (struct exact_step){ STEP_REMOVE_DEVICE, index, 0 });
	else if (it.adapter == ADAPTER_NONE && !exact_device_serves(rules, &world, vm)) {
		if (rules->small->failover)
			try_step(exact, from, (struct exact_step){ STEP_ADD_DEVICE, index, DEVICE_POOL });
		for (uint32_t g = 0; g < SMALL_GPUS && !rules->small->failover; g++)
			if (rules->whole[it.host * SMALL_GPUS + g])
				try_step(exact, from,
					(struct exact_step){ STEP_ADD_DEVICE, index, (uint8_t)(DEVICE_PATH_0 + g) });
	}
	if (exact_runs_at_the_end(rules, vm) && it.adapter == wanted && exact_device_serves(rules, &world, vm))
		try_step(exact, from, (struct exact_step){ STEP_START_VM, index, 0 });
}

static void try_gpu(struct exact *exact, uint32_t from, uint32_t gpu)
{
	const struct exact_rules *rules = &exact->rules;
	uint8_t index = (uint8_t)gpu;
	if (rules->whole[gpu]) {
		try_step(exact, from, (struct exact_step){ STEP_DISMOUNT_GPU, index, 0 });
		if (rules->small->failover)
			try_step(exact, from, (struct exact_step){ STEP_ADD_TO_POOL, index, 0 });
		return;
	}
	try_step(exact, from, (struct exact_step){ STEP_REMOVE_FROM_POOL, index, 0 });
	try_step(exact, from, (struct exact_step){ STEP_MOUNT_GPU, index, 0 });
	try_step(exact, from, (struct exact_step){ STEP_SET_COUNT, index, exact_wanted_count(rules->small) });
}

static void try_all(struct exact *exact, uint32_t from)
{
	const struct small *small = exact->rules.small;
	for (uint32_t h = 0; h < small->n_hosts; h++) {
		for (uint32_t g = 0; g < small->n_gpus; g++)
			if (small->gpus[h][g] != SMALL_FAILED)
				try_gpu(exact, from, h * SMALL_GPUS + g);
		if (small->failover && exact_host_has_whole(&exact->rules, h))
			try_step(exact, from, (struct exact_step){ STEP_CREATE_POOL, (uint8_t)h, 0 });
	}
	for (uint32_t i = 0; i < small->n_vms; i++)
		try_vm(exact, from, i);
}

static void keep_way(struct exact *exact, uint32_t node)
{
	g_array_set_size(exact->way, 0);
	for (; node_at(exact, node)->from != NO_INDEX; node = node_at(exact, node)->from)
		g_array_prepend_val(exact->way, node_at(exact, node)->step);
}

static void search_choice(struct exact *exact)
{
	struct exact_world start = exact_start(exact->rules.small);
	g_array_set_size(exact->nodes, 0);
	g_array_set_size(exact->heap, 0);
	if (exact->table_size > 4096 || !exact->table_size)
		table_resize(exact, 1024);
	memset(exact->table, 0, exact->table_size * sizeof(*exact->table));
	for (uint32_t i = 0; i < exact->rules.small->n_vms; i++)
		if (!exact_partition_can_be_had(&exact->rules, i))
			return;
	exact->rules.may_touch = exact_touchable(&exact->rules, &start);
	reach(exact, &start, 0, NO_INDEX, (struct exact_step){ 0 });
	while (exact->heap->len) {
		struct ahead next = heap_pop(exact->heap);
		struct node *node = node_at(exact, next.node);
		if (node->closed || node->cost != next.cost)
			continue;
		node->closed = true;
		exact->n_states++;
		if (exact_is_goal(&exact->rules, &node->world)) {
			g_assert(next.estimate == next.cost);
			exact->best = next.cost;
			keep_way(exact, next.node);
			return;
		}
		g_assert(next.estimate > next.cost);
		exact->gave_up |= exact->n_states > STATES_MAX;
		if (exact->gave_up)
			return;
		try_all(exact, next.node);
	}
}

enum exact_answer exact_search(
	struct exact *exact, const struct small *small, enum exact_reading reading, struct exact_cost *cost_out)
{
	exact->best = EXACT_NOT_TO_BE_HAD;
	exact->n_states = 0;
	exact->gave_up = false;
	g_array_set_size(exact->way, 0);
	for (uint32_t next = 0; !exact->gave_up && exact_choose(small, next, &exact->rules); next++) {
		exact->rules.until_moved = reading == EXACT_UNTIL_MOVED;
		search_choice(exact);
	}
	if (exact->gave_up)
		return EXACT_GAVE_UP;
	if (exact->best == EXACT_NOT_TO_BE_HAD)
		return EXACT_INFEASIBLE;
	*cost_out = cost_told(exact->best);
	return EXACT_FOUND;
}

uint32_t exact_n_states(const struct exact *exact)
{
	return exact->n_states;
}

char *exact_way(struct arena *arena, const struct exact *exact)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < exact->way->len; i++) {
		struct exact_step step = g_array_index(exact->way, struct exact_step, i);
		g_string_append_printf(
			text, "    %s %u %u\n", name_of(&step_kind_names, step.kind), step.index, step.detail);
	}
	return arena_strdup(arena, text->str);
}
