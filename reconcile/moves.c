/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/moves_parts.h"

/* ---- placing ---- */

static void put(struct placing *placing, uint32_t vm, uint32_t to, enum move_reason reason)
{
	struct room *from = &placing->rooms[placing->at[vm]], *room = &placing->rooms[to];
	const struct vm *now = &placing->observed->vms[vm], *then = &placing->goal->vms[vm];
	placing->live[vm] = fit_can_live(placing, vm, to);
	placing->reason[vm] = reason;
	placing->at[vm] = to;
	if (!vm_is_running(then))
		return;
	from->needed -= then->n_adapters;
	room->needed += then->n_adapters;
	if (fit_gains(placing, vm)) {
		from->gained -= then->n_adapters;
		room->gained += then->n_adapters;
	}
	room->at_once += placing->live[vm] ? now->n_adapters : 0;
	fit_take_memory(room, now);
}

/* Its `host` where that has room, else the host with most room, else the first by name; only for a live move when 'live'. */
static uint32_t best_host(const struct placing *placing, uint32_t vm, bool live)
{
	uint32_t best = NO_INDEX;
	for (uint32_t host = 0; host < placing->goal->n_hosts; host++) {
		if (!fit_at(placing, vm, host) || (live && !fit_can_live(placing, vm, host)))
			continue;
		if (fit_is_at_its_host(placing, vm, host))
			return host;
		if (best == NO_INDEX || fit_free(&placing->rooms[host]) > fit_free(&placing->rooms[best]))
			best = host;
	}
	return best;
}

/* What moving the VM costs besides the move, the lower the better: a stop is spared; its adapter goes along and need not
 * cycle; nothing; nothing; a stop more. */
enum price { PRICE_SPARES, PRICE_CARRIES, PRICE_STOPS_ANYWAY, PRICE_LIVE, PRICE_STOP };

static enum price price_of(const struct placing *placing, uint32_t vm, uint32_t *to)
{
	uint32_t live = best_host(placing, vm, true);
	bool anyway = fit_starts_anyway(placing, vm);
	*to = live != NO_INDEX ? live : best_host(placing, vm, false);
	if (live != NO_INDEX)
		return anyway ? PRICE_SPARES : PRICE_LIVE;
	if (anyway && placing->touch->vms[vm].cycle)
		return PRICE_CARRIES;
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
		if (!fit_runs_there(placing, i, host) || !placing->goal->vms[i].n_adapters ||
			!fit_can_move(placing, i) || (holders && fit_gains(placing, i)) ||
			(placing->wants->vms[i].required && fit_is_at_its_host(placing, i, host)))
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
		if (!fit_gains(placing, i) || !vm_is_running(&placing->goal->vms[i]) || !fit_can_move(placing, i) ||
			fit_has_its_gpu(placing, i, placing->at[i]))
			continue;
		uint32_t to = best_host(placing, i, false);
		if (to != NO_INDEX)
			put(placing, i, to, MOVE_ROOM);
	}
}

/* ---- required ---- */

static const char *why_not_there(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const char *bound = fit_bound_because(placing, vm);
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
		if (!want->required || fit_is_at_its_host(placing, i, placing->at[i]) ||
			!fit_is_ours_to_move(placing, i) || (!then->n_adapters && !then->n_devices))
			continue;
		uint32_t to = world_find_host(placing->observed, want->host);
		if (to != NO_INDEX && fit_can_move(placing, i) && fit_could_be_at(placing, i, to)) {
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
			if (placing->reason[i] == MOVE_REQUIRED && fit_runs_there(placing, i, host) &&
				(last == NO_INDEX || placing->wants->vms[i].rank > placing->wants->vms[last].rank))
				last = i;
		const struct room *room = &placing->rooms[host];
		if (last == NO_INDEX || (room->known && room->needed <= room->offered) ||
			!placing->goal->vms[last].n_adapters)
			continue;
		moves_forbid(placing->wants, last, D_PLACEMENT,
			room->known ? "all partitions there are taken by running VMs"
				    : "how many partitions that host offers is not known");
		return false;
	}
	return true;
}

/* ---- those that start anyway ---- */

static void place_starting(struct placing *placing, enum move_reason reason)
{
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		uint32_t to = NO_INDEX;
		if (!fit_starts_anyway(placing, i) || !vm_is_running(&placing->goal->vms[i]) ||
			!fit_can_move(placing, i) || fit_is_at_its_host(placing, i, placing->at[i]))
			continue;
		if (reason == MOVE_NODE && host_node_state(&placing->observed->hosts[placing->at[i]]) != NODE_UP)
			to = best_host(placing, i, false);
		if (reason == MOVE_PREFERRED && placing->wants->vms[i].host)
			to = world_find_host(placing->observed, placing->wants->vms[i].host);
		if (to != NO_INDEX && fit_at(placing, i, to))
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
		fit_measure(placing, host);
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

static void place(struct wants *wants, struct world *goal, struct touch *touch, bool only_debts)
{
	g_autofree struct room *rooms = g_new0(struct room, goal->n_hosts + 1);
	g_autofree uint32_t *at = g_new0(uint32_t, goal->n_vms + 1);
	g_autofree enum move_reason *reason = g_new0(enum move_reason, goal->n_vms + 1);
	g_autofree bool *live = g_new0(bool, goal->n_vms + 1);
	struct placing placing = { wants, wants->input->observed, goal, touch, only_debts, rooms, at, reason, live };
	while (!place_all(&placing))
		;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (reason[i] != MOVE_NONE)
			carry_out(&placing, goal, touch, i);
}

void moves_choose(struct wants *wants, struct world *goal, struct touch *touch, bool complete)
{
	const struct plan_input *input = wants->input;
	bool moves = !input->cluster || input->cluster->type == CLUSTER_FAILOVER;
	bool rolls = input->cluster && input->cluster->rollout.strategy == STRATEGY_ROLLING;
	if (moves)
		place(wants, goal, touch, input->mode == PLAN_RESTORE || !complete);
	touch_make_room(touch, input->observed, goal);
	/* host by host, with the first mount or dismount before all others, there is no order left to choose */
	if (moves && (!rolls || !touch->n_roles))
		touch_carry_adapters(touch, input->observed, goal);
}
