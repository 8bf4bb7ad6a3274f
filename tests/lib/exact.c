/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exact.h"

#include <string.h>

enum { STATES_MAX = 2000000, NOT_TO_BE_HAD = UINT32_MAX };

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

/* Cost as one number, so that order is order and sums are sums. */
enum { COST_STEP = 1, COST_ROLE = 1 << 10, COST_MOVE = 1 << 16, COST_STOP = 1 << 22 };

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

/* ---- what is asked for ---- */

/* Of each host as many GPUs as the spec says are passed through, failed ones only when no others are left. */
static bool choose_on_host(const struct small *small, uint32_t host, uint32_t choice, bool *whole)
{
	uint32_t n = 0, n_good = 0, good = 0;
	for (uint32_t g = 0; g < small->n_gpus; g++) {
		bool taken = choice & 1u << g, is_good = small->gpus[host][g] != SMALL_FAILED;
		whole[host * SMALL_GPUS + g] = taken;
		n += taken;
		n_good += is_good;
		good += taken && is_good;
	}
	return n == small->per_host && good == MIN(n_good, small->per_host);
}

bool exact_choose(const struct small *small, uint32_t next, struct exact_rules *rules)
{
	enum { CHOICES = 1 << SMALL_GPUS };
	uint32_t all = 1;
	for (uint32_t h = 0; h < small->n_hosts; h++)
		all *= CHOICES;
	for (uint32_t choice = 0; choice < all; choice++) {
		bool fits = true;
		uint32_t rest = choice;
		*rules = (struct exact_rules){ .small = small };
		for (uint32_t h = 0; h < small->n_hosts && fits; h++, rest /= CHOICES)
			fits = rest % CHOICES < 1u << small->n_gpus &&
			       choose_on_host(small, h, rest % CHOICES, rules->whole);
		if (!fits || next-- > 0)
			continue;
		struct exact_world start = exact_start(small);
		rules->broken_at_start = exact_broken(rules, &start);
		return true;
	}
	return false;
}

static uint8_t wanted_count(const struct small *small)
{
	return small->count == 1 ? SMALL_1 : small->count == 2 ? SMALL_2 : SMALL_4;
}

static bool runs_at_the_end(const struct exact_rules *rules, uint32_t vm)
{
	return rules->small->vms[vm].power == SMALL_RUNNING || rules->small->vms[vm].owed;
}

/* What 'unmanaged: Remove' takes from a VM that is touched. Until then it keeps what it has. */
static bool is_stripped(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	const struct small_vm *from = &rules->small->vms[vm];
	struct exact_vm it = exact_vm_get(world, vm);
	if (from->owner != SMALL_UNMANAGED || rules->small->unmanaged != UNMANAGED_REMOVE)
		return false;
	bool had = from->part != SMALL_NONE, has = it.adapter != ADAPTER_NONE || it.device != DEVICE_NONE;
	return it.stopped || (had && !has);
}

/* The adapter that the VM is to have in the end: who has one keeps it, and its pin, unless that GPU is passed through. */
static enum exact_adapter wanted_adapter(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	const struct small_vm *from = &rules->small->vms[vm];
	if (from->owner == SMALL_WHOLE || from->owner == SMALL_OURS || is_stripped(rules, world, vm))
		return ADAPTER_NONE;
	if (from->part == SMALL_PINNED &&
		!(from->owner == SMALL_PARTITION && rules->whole[from->host * SMALL_GPUS + from->gpu]))
		return ADAPTER_PIN_0 + from->gpu;
	if (from->part == SMALL_FREE || from->part == SMALL_PINNED || from->owner == SMALL_PARTITION)
		return ADAPTER_FREE;
	return ADAPTER_NONE;
}

/* A whole GPU that serves the VM in the end. */
static bool device_serves(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	const struct small_vm *from = &rules->small->vms[vm];
	struct exact_vm it = exact_vm_get(world, vm);
	bool path = it.device == DEVICE_PATH_0 || it.device == DEVICE_PATH_1;
	switch (from->owner) {
	case SMALL_WHOLE:
		if (rules->small->failover)
			return it.device == DEVICE_POOL;
		return path && rules->whole[it.host * SMALL_GPUS + it.device - DEVICE_PATH_0];
	case SMALL_UNMANAGED:
		if (from->part != SMALL_DEVICE || is_stripped(rules, world, vm))
			return it.device == DEVICE_NONE;
		return rules->small->failover ? it.device == DEVICE_POOL : it.device == DEVICE_PATH_0 + from->gpu;
	default:
		return it.device == DEVICE_NONE;
	}
}

/* Who is to gain a partition gets it from a GPU that the group has: on its host, or, for a clustered VM, on another. */
static bool partition_can_be_had(const struct exact_rules *rules, uint32_t vm)
{
	const struct small *small = rules->small;
	const struct small_vm *it = &small->vms[vm];
	if (it->owner != SMALL_PARTITION || it->part == SMALL_FREE || it->part == SMALL_PINNED)
		return true;
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			if (!rules->whole[h * SMALL_GPUS + g] && small->gpus[h][g] != SMALL_FAILED &&
				(h == it->host || small->failover))
				return true;
	return false;
}

/* ---- what is missing ---- */

static bool host_has_whole(const struct exact_rules *rules, uint32_t host)
{
	for (uint32_t g = host * SMALL_GPUS; g < (host + 1) * SMALL_GPUS; g++)
		if (rules->whole[g] && rules->small->gpus[host][g % SMALL_GPUS] != SMALL_FAILED)
			return true;
	return false;
}

struct missing {       /* of one world */
	uint32_t cost; /* of what nothing can spare; NOT_TO_BE_HAD */
	unsigned counts[SMALL_HOSTS], dismounts[SMALL_HOSTS], releases[SMALL_HOSTS]; /* GPUs that are yet to change */
};

static void miss_gpu(
	const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu, struct missing *missing)
{
	uint8_t is = world->gpus[gpu];
	uint32_t host = gpu / SMALL_GPUS;
	unsigned mine = 1u << gpu % SMALL_GPUS;
	if (is == SMALL_FAILED)
		return;
	if (rules->whole[gpu]) {
		if (!exact_dismounted(is)) {
			missing->cost += COST_ROLE + COST_STEP;
			missing->dismounts[host] |= mine;
		}
		missing->cost += rules->small->failover && is != SMALL_POOLED ? COST_STEP : 0;
		return;
	}
	if (exact_dismounted(is)) {
		missing->cost += COST_ROLE + COST_STEP + (is == SMALL_POOLED ? COST_STEP : 0);
		missing->releases[host] |= mine;
	}
	if (is != wanted_count(rules->small)) {
		missing->cost += COST_STEP;
		missing->counts[host] |= mine;
	}
}

/* The VM's device could be a GPU that goes back to its host. */
static bool device_is_in_the_way(const struct exact_world *world, const struct missing *missing, struct exact_vm vm)
{
	unsigned releases = missing->releases[vm.host];
	if (vm.device == DEVICE_PATH_0 || vm.device == DEVICE_PATH_1)
		return releases & 1u << (vm.device - DEVICE_PATH_0);
	for (uint32_t g = 0; g < SMALL_GPUS && vm.device == DEVICE_POOL; g++)
		if (releases & 1u << g && world->gpus[vm.host * SMALL_GPUS + g] == SMALL_POOLED)
			return true;
	return false;
}

/* Steps that the VM's parts still need; '*must_be_off': it cannot run through them. */
static uint32_t miss_parts(const struct exact_rules *rules, const struct exact_world *world,
	const struct missing *missing, uint32_t vm, bool *must_be_off)
{
	struct exact_vm it = exact_vm_get(world, vm);
	enum exact_adapter wanted = wanted_adapter(rules, world, vm);
	bool off = exact_is_off(rules, world, vm), serves = device_serves(rules, world, vm);
	bool wants_device = rules->small->vms[vm].owner == SMALL_WHOLE ||
			    (rules->small->vms[vm].owner == SMALL_UNMANAGED &&
				    rules->small->vms[vm].part == SMALL_DEVICE && !is_stripped(rules, world, vm));
	unsigned could = exact_could_be(rules, world, vm), counts = missing->counts[it.host];
	/* a GPU that is mounted before its count is set is one more that a free adapter of an off VM could be on */
	bool drains = could & counts || (off && it.adapter == ADAPTER_FREE && counts);
	bool removes = rules->small->unmanaged == UNMANAGED_REMOVE && rules->small->vms[vm].owner == SMALL_UNMANAGED;
	uint32_t n = 0;
	*must_be_off = (!off && could & missing->dismounts[it.host]) || drains ||
		       exact_pins(world, vm) & missing->dismounts[it.host] ||
		       (device_is_in_the_way(world, missing, it) && (!off || it.device != DEVICE_POOL));
	if (it.adapter != wanted)
		n += (it.adapter != ADAPTER_NONE) + (wanted != ADAPTER_NONE);
	else if (drains)
		n += removes ? 1 : 2;
	if (!serves)
		n += (it.device != DEVICE_NONE) + wants_device;
	*must_be_off |= it.adapter != wanted || !serves;
	return n;
}

/* Manifests rule their own VMs, records those that we assigned, debts those that we owe. Anybody else's is touched as
 * 'unmanaged' allows, and then only to let go of a GPU that changes. */
static unsigned touchable(const struct exact_rules *rules, const struct exact_world *start)
{
	struct missing missing = { 0 };
	unsigned may = 0;
	for (uint32_t g = 0; g < EXACT_GPUS; g++)
		miss_gpu(rules, start, g, &missing);
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		const struct small_vm *vm = &rules->small->vms[i];
		bool in_the_way = false;
		miss_parts(rules, start, &missing, i, &in_the_way);
		if (vm->owner != SMALL_UNMANAGED || vm->owed ||
			(in_the_way && rules->small->unmanaged != UNMANAGED_REPORT))
			may |= 1u << i;
	}
	return may;
}

static uint32_t miss_vm(
	const struct exact_rules *rules, const struct exact_world *world, const struct missing *missing, uint32_t vm)
{
	struct exact_vm it = exact_vm_get(world, vm);
	bool must_be_off = false;
	uint32_t cost = miss_parts(rules, world, missing, vm, &must_be_off) * COST_STEP;
	if (must_be_off && (!(rules->may_touch & 1u << vm) || rules->small->vms[vm].power == SMALL_SAVED))
		return NOT_TO_BE_HAD;
	if (it.running && must_be_off)
		return it.stopped || rules->small->vms[vm].owed ? NOT_TO_BE_HAD : cost + COST_STOP + 2 * COST_STEP;
	if (!it.running && runs_at_the_end(rules, vm))
		cost += COST_STEP;
	return cost;
}

/* Partitions that the host offers in the end. */
static uint32_t room_at_the_end(const struct exact_rules *rules, uint32_t host)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < rules->small->n_gpus; g++)
		if (!rules->whole[host * SMALL_GPUS + g] && rules->small->gpus[host][g] != SMALL_FAILED)
			n += rules->small->count;
	return n;
}

/* Who runs in the end with a partition, and finds none where it is, has to move; all of them must fit somewhere. A move may
 * spare the two steps of a drain, which are counted elsewhere. */
static uint32_t miss_room(const struct exact_rules *rules, const struct exact_world *world)
{
	const struct small *small = rules->small;
	uint32_t n[SMALL_HOSTS] = { 0 }, all = 0, room = 0, movers = 0;
	for (uint32_t i = 0; i < small->n_vms; i++) {
		bool may_be_stripped = small->vms[i].owner == SMALL_UNMANAGED && small->unmanaged == UNMANAGED_REMOVE;
		if (runs_at_the_end(rules, i) && !may_be_stripped && wanted_adapter(rules, world, i) != ADAPTER_NONE)
			n[exact_vm_get(world, i).host]++;
	}
	for (uint32_t h = 0; h < small->n_hosts; h++) {
		uint32_t here = room_at_the_end(rules, h);
		movers += n[h] > here ? n[h] - here : 0;
		all += n[h];
		room += here;
	}
	if (all > room || (movers && !small->failover))
		return NOT_TO_BE_HAD;
	return movers * (COST_MOVE + COST_STEP - 2 * COST_STEP);
}

static struct missing missing_in(const struct exact_rules *rules, const struct exact_world *world)
{
	struct missing missing = { 0 };
	for (uint32_t g = 0; g < EXACT_GPUS; g++)
		miss_gpu(rules, world, g, &missing);
	for (uint32_t h = 0; h < rules->small->n_hosts && rules->small->failover; h++)
		if (!(world->pools & 1u << h) && host_has_whole(rules, h))
			missing.cost += COST_STEP;
	uint32_t moves = miss_room(rules, world);
	if (moves == NOT_TO_BE_HAD) {
		missing.cost = NOT_TO_BE_HAD;
		return missing;
	}
	missing.cost += moves;
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		uint32_t cost = miss_vm(rules, world, &missing, i);
		if (cost == NOT_TO_BE_HAD) {
			missing.cost = NOT_TO_BE_HAD;
			break;
		}
		missing.cost += cost;
	}
	return missing;
}

/* The spec is satisfied and every VM has the power that it had. Said without the estimate, which must then be nothing. */
static bool is_goal(const struct exact_rules *rules, const struct exact_world *world)
{
	const struct small *small = rules->small;
	for (uint32_t g = 0; g < EXACT_GPUS; g++) {
		uint8_t is = world->gpus[g];
		uint8_t passed_through = small->failover ? SMALL_POOLED : SMALL_DISMOUNTED;
		if (is != SMALL_FAILED && is != (rules->whole[g] ? passed_through : wanted_count(small)))
			return false;
	}
	for (uint32_t i = 0; i < small->n_vms; i++) {
		struct exact_vm vm = exact_vm_get(world, i);
		if (vm.running != runs_at_the_end(rules, i) || vm.adapter != wanted_adapter(rules, world, i) ||
			!device_serves(rules, world, i))
			return false;
	}
	return true;
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

/* The node of that world; a new one has the cost NOT_TO_BE_HAD. */
static uint32_t node_of(struct exact *exact, const struct exact_world *world)
{
	if (exact->nodes->len * 2 >= exact->table_size)
		table_resize(exact, exact->table_size * 2);
	uint32_t mask = exact->table_size - 1, at = (uint32_t)hash_of(world) & mask;
	for (; exact->table[at]; at = (at + 1) & mask)
		if (!memcmp(&node_at(exact, exact->table[at] - 1)->world, world, sizeof(*world)))
			return exact->table[at] - 1;
	struct node node = { .world = *world, .cost = NOT_TO_BE_HAD, .from = NO_INDEX };
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
	struct missing missing = missing_in(&exact->rules, world);
	if (missing.cost == NOT_TO_BE_HAD || cost + missing.cost >= exact->best)
		return;
	node->cost = cost;
	node->from = from;
	node->step = step;
	node->closed = false;
	heap_push(exact->heap, (struct ahead){ cost + missing.cost, cost, index });
}

/* The VMs that we hold down. */
static uint32_t n_down(const struct exact_rules *rules, const struct exact_world *world)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < rules->small->n_vms; i++)
		n += runs_at_the_end(rules, i) && !exact_vm_get(world, i).running;
	return n;
}

/* Strategy Rolling: the hosts that are being changed. One where a VM is held down, or from where it went; one whose GPUs
 * came to differ. */
static unsigned changed_hosts(const struct exact_rules *rules, const struct exact_world *world)
{
	const struct exact_world start = exact_start(rules->small);
	unsigned hosts = 0;
	for (uint32_t i = 0; i < rules->small->n_vms; i++)
		if (runs_at_the_end(rules, i) && !exact_vm_get(world, i).running)
			hosts |= 1u << exact_vm_get(world, i).host | 1u << rules->small->vms[i].host;
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
	enum exact_adapter wanted = wanted_adapter(rules, &world, vm);
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
	if (it.device != DEVICE_NONE && (may_lose || !device_serves(rules, &world, vm)))
		try_step(exact, from, (struct exact_step){ STEP_REMOVE_DEVICE, index, 0 });
	else if (it.adapter == ADAPTER_NONE && !device_serves(rules, &world, vm)) {
		if (rules->small->failover)
			try_step(exact, from, (struct exact_step){ STEP_ADD_DEVICE, index, DEVICE_POOL });
		for (uint32_t g = 0; g < SMALL_GPUS && !rules->small->failover; g++)
			if (rules->whole[it.host * SMALL_GPUS + g])
				try_step(exact, from,
					(struct exact_step){ STEP_ADD_DEVICE, index, (uint8_t)(DEVICE_PATH_0 + g) });
	}
	if (runs_at_the_end(rules, vm) && it.adapter == wanted && device_serves(rules, &world, vm))
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
	try_step(exact, from, (struct exact_step){ STEP_SET_COUNT, index, wanted_count(rules->small) });
}

static void try_all(struct exact *exact, uint32_t from)
{
	const struct small *small = exact->rules.small;
	for (uint32_t h = 0; h < small->n_hosts; h++) {
		for (uint32_t g = 0; g < small->n_gpus; g++)
			if (small->gpus[h][g] != SMALL_FAILED)
				try_gpu(exact, from, h * SMALL_GPUS + g);
		if (small->failover && host_has_whole(&exact->rules, h))
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
		if (!partition_can_be_had(&exact->rules, i))
			return;
	exact->rules.may_touch = touchable(&exact->rules, &start);
	reach(exact, &start, 0, NO_INDEX, (struct exact_step){ 0 });
	while (exact->heap->len) {
		struct ahead next = heap_pop(exact->heap);
		struct node *node = node_at(exact, next.node);
		if (node->closed || node->cost != next.cost)
			continue;
		node->closed = true;
		exact->n_states++;
		if (is_goal(&exact->rules, &node->world)) {
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

enum exact_answer exact_search(struct exact *exact, const struct small *small, struct exact_cost *cost_out)
{
	exact->best = NOT_TO_BE_HAD;
	exact->n_states = 0;
	exact->gave_up = false;
	g_array_set_size(exact->way, 0);
	for (uint32_t next = 0; !exact->gave_up && exact_choose(small, next, &exact->rules); next++)
		search_choice(exact);
	if (exact->gave_up)
		return EXACT_GAVE_UP;
	if (exact->best == NOT_TO_BE_HAD)
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
