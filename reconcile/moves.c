/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/moves.h"

#include "reconcile/counts.h"

#include <string.h>

struct room { /* of one host, while VMs are placed */
	bool takes;
	bool known;                   /* all counts are */
	uint64_t offered, needed;     /* partitions, by VMs that run in the goal */
	uint64_t gained;              /* of these, by VMs that have none now */
	uint64_t at_once;             /* partitions that VMs running now have, and those that arrive live */
	struct maybe_u64 memory_free; /* less what arrives */
};

struct placing {
	struct wants *wants;
	const struct world *observed, *goal;
	const struct touch *touch;
	bool only_debts; /* nothing but what is owed may move */
	struct room *rooms;
	uint32_t *at; /* per VM: its host so far */
	enum move_reason *reason;
	bool *live;
};

/* ---- hosts ---- */

bool moves_host_takes(const struct wants *wants, uint32_t host)
{
	const struct plan_input *input = wants->input;
	const struct host *it = &input->observed->hosts[host];
	const struct spec_host *line = input->cluster ? cluster_find_host(input->cluster, it->name) : NULL;
	if (!it->cluster_name || (line && (line->maintenance || line->exclude)))
		return false;
	for (uint32_t i = 0; i < it->n_nodes; i++)
		if (g_ascii_strcasecmp(it->nodes[i].name, it->name) == 0)
			return it->nodes[i].state == NODE_UP;
	return false;
}

static bool runs_there(const struct placing *placing, uint32_t vm, uint32_t host)
{
	return placing->at[vm] == host && vm_is_running(&placing->goal->vms[vm]);
}

static bool gains(const struct placing *placing, uint32_t vm)
{
	return !placing->observed->vms[vm].n_adapters && placing->goal->vms[vm].n_adapters;
}

static void measure(struct placing *placing, uint32_t host)
{
	struct room *room = &placing->rooms[host];
	*room = (struct room){ .takes = moves_host_takes(placing->wants, host), .known = true };
	room->offered = counts_offered(placing->wants, placing->goal, host, 0, &room->known);
	room->memory_free = placing->observed->hosts[host].memory_free_bytes;
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		const struct vm *now = &placing->observed->vms[i], *then = &placing->goal->vms[i];
		if (now->host == host && vm_is_running(now))
			room->at_once += now->n_adapters;
		if (!runs_there(placing, i, host))
			continue;
		room->needed += then->n_adapters;
		room->gained += gains(placing, i) ? then->n_adapters : 0;
	}
}

/* ---- VMs ---- */

static bool is_bound_to_host(const struct world *world, const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].pin || adapter_pins(world, vm, &vm->adapters[i]))
			return true;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (vm->devices[i].location_path)
			return true;
	return false;
}

/* We may move it: it is managed, or owed a start, and nothing forbids to touch it. */
static bool is_ours_to_move(const struct placing *placing, uint32_t vm)
{
	const struct vm_want *want = &placing->wants->vms[vm];
	if (want->frozen || want->excluded || want->stays || want->debt == DEBT_IN_PROGRESS)
		return false;
	if (placing->only_debts)
		return wants_owed_power(placing->wants, vm);
	return want->ownership == VM_MANAGED && !want->refused;
}

/* NULL, or why the VM cannot go to any other host. */
static const char *bound_because(const struct placing *placing, uint32_t vm)
{
	const struct vm *now = &placing->observed->vms[vm], *then = &placing->goal->vms[vm];
	if (now->clustered != TRI_YES)
		return "it is no role of the failover cluster";
	if (now->state != VM_OFF && now->state != VM_RUNNING)
		return "only a VM that is Off or Running is moved";
	if (is_bound_to_host(placing->observed, now) || is_bound_to_host(placing->goal, then))
		return "it is bound to a GPU of the host where it is, or could be; unpin it";
	return NULL;
}

static bool can_move(const struct placing *placing, uint32_t vm)
{
	const struct vm *then = &placing->goal->vms[vm];
	return placing->reason[vm] == MOVE_NONE && (then->n_adapters || then->n_devices) &&
	       is_ours_to_move(placing, vm) && !bound_because(placing, vm);
}

/* It will be started by us in any case. */
static bool starts_anyway(const struct placing *placing, uint32_t vm)
{
	return placing->touch->vms[vm].stop || wants_owed_power(placing->wants, vm);
}

static bool is_at_its_host(const struct placing *placing, uint32_t vm, uint32_t host)
{
	const char *wish = placing->wants->vms[vm].host;
	return wish && g_ascii_strcasecmp(wish, placing->observed->hosts[host].name) == 0;
}

/* ---- does it fit there? ---- */

static bool has_memory(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *it = &placing->observed->vms[vm];
	struct maybe_u64 needed = vm_is_off(it) ? it->memory_startup_bytes : it->memory_bytes;
	struct maybe_u64 free = placing->rooms[to].memory_free;
	return !needed.known || !free.known || needed.value <= free.value;
}

/* A partition comes from a GPU of the VM's own group (refuse.c says the same of a VM that stays). */
static bool has_its_gpu(const struct placing *placing, uint32_t vm, uint32_t host)
{
	const struct gpu_group *group = placing->wants->vms[vm].group;
	const struct host *it = &placing->goal->hosts[host];
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		if ((!group || placing->wants->gpus[g].group == group) &&
			placing->goal->gpus[g].state == GPU_PARTITIONABLE)
			return true;
	return false;
}

static uint64_t pool_left(const struct placing *placing, uint32_t host, const char *name)
{
	const struct pool *pool = host_find_pool(&placing->goal->hosts[host], name);
	uint64_t left = pool ? pool->n_members : 0;
	for (uint32_t i = 0; i < placing->goal->n_vms; i++)
		for (uint32_t d = 0; runs_there(placing, i, host) && d < placing->goal->vms[i].n_devices; d++) {
			const char *of = placing->goal->vms[i].devices[d].pool;
			left -= left && of && g_ascii_strcasecmp(of, name) == 0;
		}
	return left;
}

static bool has_devices(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *then = &placing->goal->vms[vm];
	for (uint32_t d = 0; d < then->n_devices; d++) {
		const char *pool = then->devices[d].pool;
		if (!host_find_pool(&placing->goal->hosts[to], pool) ||
			(vm_is_running(then) && pool_left(placing, to, pool) < then->n_devices))
			return false;
	}
	return true;
}

/* Free partitions; none where a count is not known. */
static uint64_t free_at(const struct room *room)
{
	return room->known && room->offered > room->needed ? room->offered - room->needed : 0;
}

/* There is a place for it, room for partitions aside. */
static bool could_be_at(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *then = &placing->goal->vms[vm];
	if (!placing->rooms[to].takes || placing->at[vm] == to)
		return false;
	if (!vm_is_running(then))
		return true;
	return (!then->n_adapters || has_its_gpu(placing, vm, to)) && has_devices(placing, vm, to) &&
	       has_memory(placing, vm, to);
}

static bool fits_at(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *then = &placing->goal->vms[vm];
	return could_be_at(placing, vm, to) &&
	       (!vm_is_running(then) || !then->n_adapters || free_at(&placing->rooms[to]) >= then->n_adapters);
}

/* ---- live moves (world.md decision 7): what is not known is a no ---- */

static bool says_so(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (vm->adapters[i].outgoing_live_migration != TRI_YES)
			return false;
	return vm->n_adapters && !vm->n_devices;
}

static bool is_alike(const struct gpu *from, const struct gpu *to)
{
	return from->count.known && maybe_equal(from->count, to->count) && g_strcmp0(from->device, to->device) == 0 &&
	       g_strcmp0(from->subsystem, to->subsystem) == 0;
}

/* Wherever the VM is now and wherever it may land, the two GPUs are alike and the second takes it. A GPU that is yet to
 * be passed through must not get it. */
static bool hosts_are_alike(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct world *observed = placing->observed, *goal = placing->goal;
	const struct host *source = &observed->hosts[observed->vms[vm].host], *target = &goal->hosts[to];
	for (uint32_t t = target->first_gpu; t < target->first_gpu + target->n_gpus; t++) {
		if (gpu_offers_partitions(&observed->gpus[t]) && !gpu_offers_partitions(&goal->gpus[t]))
			return false;
		if (!gpu_offers_partitions(&goal->gpus[t]))
			continue;
		if (goal->gpus[t].incoming_live_migration != TRI_YES)
			return false;
		for (uint32_t s = source->first_gpu; s < source->first_gpu + source->n_gpus; s++)
			if (vm_could_be_on(observed, &observed->vms[vm], s) &&
				!is_alike(&observed->gpus[s], &goal->gpus[t]))
				return false;
	}
	return true;
}

/* Room at once: nobody who is to leave the host needs to have left, so that two VMs may even change places. */
static bool can_live(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *it = &placing->observed->vms[vm];
	const struct room *room = &placing->rooms[to];
	return it->state == VM_RUNNING && !placing->only_debts &&
	       !(placing->touch->vms[vm].causes & ~(unsigned)TOUCH_ROLE) &&
	       placing->observed->hosts[it->host].can_command_moves == TRI_YES && says_so(it) &&
	       it->memory_bytes.known && room->memory_free.known && it->memory_bytes.value <= room->memory_free.value &&
	       room->known && room->at_once + it->n_adapters <= room->offered && hosts_are_alike(placing, vm, to);
}

/* ---- placing ---- */

static void put(struct placing *placing, uint32_t vm, uint32_t to, enum move_reason reason)
{
	struct room *from = &placing->rooms[placing->at[vm]], *room = &placing->rooms[to];
	const struct vm *now = &placing->observed->vms[vm], *then = &placing->goal->vms[vm];
	struct maybe_u64 memory = vm_is_off(now) ? now->memory_startup_bytes : now->memory_bytes;
	placing->live[vm] = can_live(placing, vm, to);
	placing->reason[vm] = reason;
	placing->at[vm] = to;
	if (!vm_is_running(then))
		return;
	from->needed -= then->n_adapters;
	room->needed += then->n_adapters;
	if (gains(placing, vm)) {
		from->gained -= then->n_adapters;
		room->gained += then->n_adapters;
	}
	room->at_once += placing->live[vm] ? now->n_adapters : 0;
	if (memory.known && room->memory_free.known)
		room->memory_free.value -= MIN(memory.value, room->memory_free.value);
}

/* Its `host` where that has room, else the host with most room, else the first by name; only for a live move when 'live'. */
static uint32_t best_host(const struct placing *placing, uint32_t vm, bool live)
{
	uint32_t best = NO_INDEX;
	for (uint32_t host = 0; host < placing->goal->n_hosts; host++) {
		if (!fits_at(placing, vm, host) || (live && !can_live(placing, vm, host)))
			continue;
		if (is_at_its_host(placing, vm, host))
			return host;
		if (best == NO_INDEX || free_at(&placing->rooms[host]) > free_at(&placing->rooms[best]))
			best = host;
	}
	return best;
}

/* What moving the VM costs besides the move, the lower the better: a stop that is spared, none, none, a stop more. */
enum price { PRICE_SPARES, PRICE_STOPS_ANYWAY, PRICE_LIVE, PRICE_STOP };

static enum price price_of(const struct placing *placing, uint32_t vm, uint32_t *to)
{
	uint32_t live = best_host(placing, vm, true);
	bool anyway = starts_anyway(placing, vm);
	*to = live != NO_INDEX ? live : best_host(placing, vm, false);
	if (live != NO_INDEX)
		return anyway ? PRICE_SPARES : PRICE_LIVE;
	return anyway ? PRICE_STOPS_ANYWAY : PRICE_STOP;
}

/* Moves the cheapest of the host's VMs away, among equals the first in the manifests; 'holders': of those that have a
 * partition today. False when none can go. */
static bool move_one_away(struct placing *placing, uint32_t host, bool holders)
{
	uint32_t best = NO_INDEX, best_to = NO_INDEX;
	enum price best_price = PRICE_STOP;
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		uint32_t to = NO_INDEX;
		if (!runs_there(placing, i, host) || !placing->goal->vms[i].n_adapters || !can_move(placing, i) ||
			(holders && gains(placing, i)) ||
			(placing->wants->vms[i].required && is_at_its_host(placing, i, host)))
			continue;
		enum price price = price_of(placing, i, &to);
		if (to == NO_INDEX)
			continue;
		const struct vm_want *want = &placing->wants->vms[i];
		if (best == NO_INDEX || price < best_price ||
			(price == best_price && want->rank < placing->wants->vms[best].rank)) {
			best = i;
			best_to = to;
			best_price = price;
		}
	}
	if (best == NO_INDEX)
		return false;
	put(placing, best, best_to, MOVE_ROOM);
	return true;
}

/* Who has a partition today comes first, so that a change is not refused for the sake of one that is to gain one. */
static void make_room(struct placing *placing, uint32_t host)
{
	struct room *room = &placing->rooms[host];
	while (room->known && room->needed - room->gained > room->offered)
		if (!move_one_away(placing, host, true))
			break;
	while (room->known && room->needed > room->offered)
		if (!move_one_away(placing, host, false))
			break;
}

/* A VM that is to gain a partition where its group has no GPU. */
static void move_to_its_gpus(struct placing *placing)
{
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		if (!gains(placing, i) || !vm_is_running(&placing->goal->vms[i]) || !can_move(placing, i) ||
			has_its_gpu(placing, i, placing->at[i]))
			continue;
		uint32_t to = best_host(placing, i, false);
		if (to != NO_INDEX)
			put(placing, i, to, MOVE_ROOM);
	}
}

/* ---- required ---- */

static const char *why_not_there(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const char *bound = bound_because(placing, vm);
	if (bound)
		return bound;
	if (to == NO_INDEX)
		return "that host was not observed";
	if (!placing->rooms[to].takes)
		return "that host takes no VM now: it must be Up, and neither excluded nor in maintenance";
	return "that host has not the GPU or the memory for it";
}

static void refuse_placement(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason)
{
	const struct world *world = wants->input->observed;
	wants_refuse(wants, code, wants->vms[vm].loc, subject_vm(wants->arena, world, vm), "placement",
		"VM '%s' stays on '%s' and is not moved to '%s': %s", world->vms[vm].name,
		world->hosts[world->vms[vm].host].name, wants->vms[vm].host, reason);
}

void moves_forbid(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason)
{
	if (wants->vms[vm].required && !wants->vms[vm].stays)
		refuse_placement(wants, vm, code, reason);
	wants->vms[vm].stays = true;
}

/* False when something was refused, so that all VMs are to be placed anew. */
static bool place_required(struct placing *placing)
{
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		const struct vm_want *want = &placing->wants->vms[i];
		const struct vm *then = &placing->goal->vms[i];
		if (!want->required || is_at_its_host(placing, i, placing->at[i]) || !is_ours_to_move(placing, i) ||
			(!then->n_adapters && !then->n_devices))
			continue;
		uint32_t to = world_find_host(placing->observed, want->host);
		if (to != NO_INDEX && can_move(placing, i) && could_be_at(placing, i, to)) {
			put(placing, i, to, MOVE_REQUIRED);
			continue;
		}
		moves_forbid(placing->wants, i, D_PLACEMENT, why_not_there(placing, i, to));
		return false;
	}
	return true;
}

/* Who came by `placement: Required` and does not fit although others made way, stays where it was: the last in the
 * manifests first. False when somebody must, so that all are to be placed anew. */
static bool required_fit(struct placing *placing)
{
	for (uint32_t host = 0; host < placing->goal->n_hosts; host++) {
		uint32_t last = NO_INDEX;
		for (uint32_t i = 0; i < placing->goal->n_vms; i++)
			if (placing->reason[i] == MOVE_REQUIRED && runs_there(placing, i, host) &&
				(last == NO_INDEX || placing->wants->vms[i].rank > placing->wants->vms[last].rank))
				last = i;
		const struct room *room = &placing->rooms[host];
		if (last == NO_INDEX || (room->known && room->needed <= room->offered) ||
			!placing->goal->vms[last].n_adapters)
			continue;
		moves_forbid(placing->wants, last, D_PLACEMENT, "all partitions there are taken by running VMs");
		return false;
	}
	return true;
}

/* ---- those that start anyway ---- */

static void place_starting(struct placing *placing, enum move_reason reason)
{
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		uint32_t to = NO_INDEX;
		if (!starts_anyway(placing, i) || !vm_is_running(&placing->goal->vms[i]) || !can_move(placing, i) ||
			is_at_its_host(placing, i, placing->at[i]))
			continue;
		if (reason == MOVE_NODE && !placing->rooms[placing->at[i]].takes)
			to = best_host(placing, i, false);
		if (reason == MOVE_PREFERRED && placing->wants->vms[i].host)
			to = world_find_host(placing->observed, placing->wants->vms[i].host);
		if (to != NO_INDEX && fits_at(placing, i, to))
			put(placing, i, to, reason);
	}
}

/* ---- all of it ---- */

/* False: something was refused meanwhile; once more. */
static bool place_all(struct placing *placing)
{
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		placing->at[i] = placing->observed->vms[i].host;
		placing->reason[i] = MOVE_NONE;
		placing->live[i] = false;
	}
	for (uint32_t host = 0; host < placing->goal->n_hosts; host++)
		measure(placing, host);
	if (!placing->only_debts && !place_required(placing))
		return false;
	move_to_its_gpus(placing);
	for (uint32_t host = 0; host < placing->goal->n_hosts; host++)
		make_room(placing, host);
	if (!required_fit(placing))
		return false;
	place_starting(placing, MOVE_NODE);
	if (!placing->only_debts)
		place_starting(placing, MOVE_PREFERRED);
	return true;
}

/* Where an adapter comes to be on the other host nobody knows before. */
static const struct adapter *adapters_elsewhere(struct arena *arena, const struct vm *vm)
{
	struct adapter *adapters = arena_copy(arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
	for (uint32_t i = 0; i < vm->n_adapters; i++) {
		adapters[i].gpus = 0;
		adapters[i].gpu_paths = NULL;
		adapters[i].n_gpu_paths = 0;
	}
	return adapters;
}

static void carry_out(const struct placing *placing, struct world *goal, struct touch *touch, uint32_t vm)
{
	struct vm_touch *mine = &touch->vms[vm];
	goal->vms[vm].host = placing->at[vm];
	goal->vms[vm].adapters = adapters_elsewhere(placing->wants->arena, &goal->vms[vm]);
	mine->move = placing->reason[vm];
	mine->live = placing->live[vm];
	mine->causes = mine->live ? TOUCH_MOVE : mine->causes | TOUCH_MOVE;
	mine->stop = !mine->live && vm_can_stop(&placing->observed->vms[vm]);
}

void moves_choose(struct wants *wants, struct world *goal, struct touch *touch, bool complete)
{
	const struct plan_input *input = wants->input;
	if (input->cluster && input->cluster->type != CLUSTER_FAILOVER)
		return;
	g_autofree struct room *rooms = g_new0(struct room, goal->n_hosts + 1);
	g_autofree uint32_t *at = g_new0(uint32_t, goal->n_vms + 1);
	g_autofree enum move_reason *reason = g_new0(enum move_reason, goal->n_vms + 1);
	g_autofree bool *live = g_new0(bool, goal->n_vms + 1);
	struct placing placing = { wants, input->observed, goal, touch, input->mode == PLAN_RESTORE || !complete, rooms,
		at, reason, live };
	while (!place_all(&placing))
		;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (reason[i] != MOVE_NONE)
			carry_out(&placing, goal, touch, i);
	touch_carry_adapters(touch, input->observed, goal);
}
