/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/oracle.h"

#include "tests/torture/fulfilled.h"
#include "tests/torture/recorded.h"

#include <string.h>

static const char *found(struct play *play, const char *format, ...) G_GNUC_PRINTF(2, 3);

static const char *found(struct play *play, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	return arena_strdup(play->arena, text);
}

/* ---- the hosts at the end ---- */

/* So many of that pool. Which GPU it is, where it is named, may depend on the way. */
static uint32_t n_of_pool(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;
	for (uint32_t d = 0; d < vm->n_devices; d++)
		n += g_strcmp0(vm->devices[d].pool, pool) == 0;
	return n;
}

static bool same_pools(const struct vm *a, const struct vm *b)
{
	for (uint32_t d = 0; d < a->n_devices; d++)
		if (n_of_pool(a, a->devices[d].pool) != n_of_pool(b, a->devices[d].pool))
			return false;
	return true;
}

static bool same_quotas(const struct adapter *a, const struct adapter *b)
{
	for (uint32_t q = 0; q < QUOTA_COUNT; q++)
		if (!maybe_equal(a->quotas[q], b->quotas[q]))
			return false;
	return g_strcmp0(a->pin, b->pin) == 0;
}

/* What had its GPU already becomes ours in a run that performs something, and else with the next one that does. */
static bool had_a_gpu(const struct play *play, const char *id)
{
	for (uint32_t h = 0; h < play->scenario->n_states; h++)
		for (uint32_t v = 0; v < play->scenario->states[h]->n_vms; v++) {
			const struct vm *vm = &play->scenario->states[h]->vms[v];
			if (strcmp(vm->id, id) == 0)
				return vm->n_adapters || vm->n_devices;
		}
	return false;
}

static const char *compare_vm(struct play *play, const struct vm *is, const struct vm *was)
{
	if (vm_is_running(is) != vm_is_running(was) || is->state != was->state)
		return found(play, "VM '%s' is %s, undisturbed %s", is->name, name_of(&vm_state_names, (int)is->state),
			name_of(&vm_state_names, (int)was->state));
	if (is->n_adapters != was->n_adapters || is->n_devices != was->n_devices)
		return found(play, "VM '%s' has %u adapters and %u devices, undisturbed %u and %u", is->name,
			is->n_adapters, is->n_devices, was->n_adapters, was->n_devices);
	if (!same_pools(is, was))
		return found(play, "VM '%s' has devices of other pools than undisturbed", is->name);
	for (uint32_t a = 0; a < is->n_adapters; a++)
		if (!same_quotas(&is->adapters[a], &was->adapters[a]))
			return found(play, "an adapter of VM '%s' has another pin or quota than undisturbed", is->name);
	if (is->automatic_checkpoints != was->automatic_checkpoints || is->stop_action != was->stop_action ||
		is->cache_control != was->cache_control || !maybe_equal(is->offline_action, was->offline_action) ||
		!maybe_equal(is->mmio_low_bytes, was->mmio_low_bytes) ||
		!maybe_equal(is->mmio_high_bytes, was->mmio_high_bytes))
		return found(play, "VM '%s' has other settings than undisturbed", is->name);
	if ((is->record || !had_a_gpu(play, is->id)) && (is->record != NULL) != (was->record != NULL))
		return found(
			play, "VM '%s' is %s, undisturbed it is not so", is->name, is->record ? "ours" : "not ours");
	return NULL;
}

static const char *compare_vms(struct play *play, const struct view *now, const struct view *end)
{
	for (uint32_t h = 0; h < end->n_states; h++)
		for (uint32_t v = 0; v < end->states[h].n_vms; v++) {
			const struct vm *was = &end->states[h].vms[v];
			if (g_strcmp0(play->meddled_vm, was->id) == 0)
				continue;
			uint32_t on;
			const struct vm *is = view_vm(now, was->id, &on);
			const char *what = is ? compare_vm(play, is, was) : found(play, "VM '%s' is gone", was->name);
			if (what)
				return what;
		}
	return NULL;
}

static uint32_t n_gpus_like(const struct host_state *host, enum gpu_state state, struct maybe_u64 count)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < host->n_gpus; g++)
		n += host->gpus[g].state == state && maybe_equal(host->gpus[g].count, count);
	return n;
}

/* Which GPU of a host has which role may depend on the way. */
static const char *compare_roles(struct play *play, const struct view *now, const struct view *end)
{
	for (uint32_t h = 0; h < end->n_states; h++)
		for (uint32_t g = 0; g < end->states[h].n_gpus; g++) {
			const struct gpu *gpu = &end->states[h].gpus[g];
			uint32_t is = n_gpus_like(&now->states[h], gpu->state, gpu->count);
			uint32_t was = n_gpus_like(&end->states[h], gpu->state, gpu->count);
			if (is != was)
				return found(play, "%s has %u GPUs that are %s with %d partitions, undisturbed %u",
					end->states[h].host.name, is, name_of(&gpu_state_names, (int)gpu->state),
					gpu->count.known ? (int)gpu->count.value : -1, was);
		}
	return NULL;
}

static const char *compare_pools(struct play *play, const struct view *now, const struct view *end)
{
	for (uint32_t h = 0; h < end->n_states; h++) {
		const struct host *is = &now->states[h].host, *was = &end->states[h].host;
		if (is->n_pools != was->n_pools)
			return found(play, "%s has %u pools, undisturbed %u", is->name, is->n_pools, was->n_pools);
		for (uint32_t p = 0; p < is->n_pools; p++)
			if (is->pools[p].n_members != was->pools[p].n_members)
				return found(play, "pool '%s' of %s has %u members, undisturbed %u", is->pools[p].name,
					is->name, is->pools[p].n_members, was->pools[p].n_members);
	}
	return NULL;
}

static const char *compare(struct play *play, const struct play *reference)
{
	const struct view *now = &play->views[0], *end = &reference->views[0];
	const char *what = compare_roles(play, now, end);
	if (!what)
		what = compare_pools(play, now, end);
	return what ? what : compare_vms(play, now, end);
}

/* ---- what is left ---- */

static bool was_owed(const struct play *reference, const char *id)
{
	uint32_t host;
	const struct vm *vm = reference ? view_vm(&reference->views[0], id, &host) : NULL;
	return vm && vm->debt;
}

static bool has(const struct play *play, bool (*is)(enum fault_kind))
{
	for (uint32_t i = 0; i < play->n_faults; i++)
		if (is(play->faults[i].kind))
			return true;
	return false;
}

/* Somebody gave the VM what it is owed, or took away what it was to have. */
static bool is_void(const struct play *play, const struct vm *vm)
{
	const struct debt *debt = vm->debt;
	bool has_power = debt->power == DEBT_POWER_NONE || !maybe_equal(debt->state_change, vm->state_change);
	return has(play, fault_is_foreign) && has_power;
}

/* What somebody else did bars its way, and the plan says so. */
static bool is_named(struct play *play, const char *host, const struct vm *vm)
{
	return has(play, fault_is_foreign) &&
	       g_hash_table_contains(play->refused, arena_printf(play->arena, "host/%s/vm/%s", host, vm->name));
}

/* Somebody may have moved a VM where nobody can reach it. */
static bool answers(const struct play *play, const char *host)
{
	const struct simulation *simulation = &play->scenario->simulation;
	for (uint32_t i = 0; i < simulation->n_unreachable; i++)
		if (g_ascii_strcasecmp(simulation->unreachable[i], host) == 0)
			return false;
	return true;
}

static const char *look_for_debts(struct play *play, const struct play *reference)
{
	const struct view *now = &play->views[0];
	for (uint32_t h = 0; h < now->n_states; h++)
		for (uint32_t v = 0; v < now->states[h].n_vms; v++) {
			const struct vm *vm = &now->states[h].vms[v];
			bool is_out_of_reach = has(play, fault_is_foreign) && !answers(play, now->states[h].host.name);
			if (vm->debt && !is_out_of_reach && !was_owed(reference, vm->id) && !is_void(play, vm) &&
				!is_named(play, now->states[h].host.name, vm))
				return found(play, "VM '%s' is still owed something", vm->name);
		}
	return NULL;
}

static uint32_t n_vms(const struct play *play)
{
	uint32_t n = 0;
	for (uint32_t h = 0; h < play->scenario->n_states; h++)
		n += play->scenario->states[h]->n_vms;
	return n;
}

/* What is not refused now, and is without disturbance, may stop somebody: a VM for its own wish, any for a count or a role.
 * Where somebody changed the world, that may be so in the disturbed run already. */
static uint32_t stops_for_more(const struct play *play, const struct play *reference)
{
	uint32_t n = 0, n_any = has(play, fault_is_foreign) ? n_vms(play) : play->n_later_stops;
	GHashTableIter iter;
	gpointer subject;
	g_hash_table_iter_init(&iter, reference->refused);
	while (g_hash_table_iter_next(&iter, &subject, NULL))
		if (!g_hash_table_contains(play->refused, subject))
			n += strstr(subject, "/vm/") ? 1 : n_any;
	return n;
}

static const char *look_at_cost(struct play *play, const struct play *reference)
{
	uint32_t allowed = reference->monitor.n_stops + play->n_excused + play->n_blind;
	if (has(play, fault_is_foreign) || has(play, fault_is_stale))
		allowed += 1;
	allowed += stops_for_more(play, reference);
	if (has(play, fault_is_foreign)) /* a world that somebody changed needs what it needs */
		allowed += play->n_later_stops;
	if (play->monitor.n_stops > allowed)
		return found(play, "%u VMs were stopped, undisturbed %u, allowed %u", play->monitor.n_stops,
			reference->monitor.n_stops, allowed);
	play->has_cost_more = play->monitor.n_stops > reference->monitor.n_stops;
	if (play->n_calls > 4 * reference->n_calls + 40)
		return found(play, "%u calls, undisturbed %u", play->n_calls, reference->n_calls);
	return NULL;
}

/* Where no window is open, what needs one is still to do. */
static const char *look_at_spec(struct play *play)
{
	const struct fulfilled fulfilled = {
		.spec = play->scenario->spec,
		.owner = SCENARIO_OWNER,
		.simulation = &play->scenario->simulation,
		.start = play->monitor.start,
		.now = play->views[0],
		.refused = play->refused,
		.meddled_vm = play->meddled_vm,
	};
	return play->scenario->window_is_shut ? NULL : fulfilled_judge(play->arena, &fulfilled);
}

const char *oracle_judge(struct play *play, const struct play *reference)
{
	if (play->monitor.broken)
		return play->monitor.broken;
	if (!play->is_at_rest)
		return found(play, "after %u runs there are still steps to do", play->n_runs);
	/* Somebody may have taken what a VM needs to start; a VM that was brought back may not be stopped again for its move
	 * ('maxHosts'); what a person agreed to without one of the hosts may bar the way for what is wanted with it. Then the
	 * plan refuses and says why. Less may be refused, too, or, after a way back or such an agreement, something else. */
	bool is_barred = play->n_refusals > reference->n_refusals;
	bool has_reason = play->was_blind || play->n_excused || g_hash_table_size(play->brought_back);
	const char *what = look_for_debts(play, reference);
	if (!what)
		what = look_at_spec(play);
	if ((is_barred && has_reason) || play->n_refusals < reference->n_refusals ||
		((play->had_way_back || play->was_blind) && play->n_refusals))
		return what ? what : look_at_cost(play, reference);
	if (!what && !has(play, fault_is_foreign))
		what = compare(play, reference);
	if (!what && play->n_refusals != reference->n_refusals && !has(play, fault_is_foreign))
		what = found(play, "%u things are refused, undisturbed %u", play->n_refusals, reference->n_refusals);
	return what ? what : look_at_cost(play, reference);
}

const char *oracle_judge_reference(struct play *play)
{
	if (play->monitor.broken)
		return play->monitor.broken;
	if (!play->is_at_rest)
		return "without disturbance it comes to no end";
	const char *what = look_for_debts(play, play->reference);
	if (!what)
		what = recorded_judge(play->arena, play->scenario->spec, SCENARIO_OWNER, &play->scenario->simulation,
			&play->monitor.start, &play->views[0]);
	return what ? what : look_at_spec(play);
}

/* ---- paths ---- */

const char *oracle_judge_path(struct play *play, const struct play *alone)
{
	const struct view *now = &play->views[0], *end = &alone->views[0];
	if (play->monitor.broken)
		return play->monitor.broken;
	if (!play->is_at_rest)
		return found(play, "after %u runs there are still steps to do", play->n_runs);
	const char *what = look_for_debts(play, alone);
	if (!what)
		what = compare_roles(play, now, end);
	for (uint32_t h = 0; h < end->n_states; h++)
		for (uint32_t v = 0; v < end->states[h].n_vms && !what; v++) {
			const struct vm *was = &end->states[h].vms[v];
			uint32_t on;
			const struct vm *is = view_vm(now, was->id, &on);
			bool is_ruled = spec_manages(play->scenario->spec, was->name);
			if (!is || is->state != was->state)
				what = found(play, "VM '%s' is gone, or not in the power state that it had", was->name);
			else if (is_ruled && (is->n_adapters != was->n_adapters || is->n_devices != was->n_devices))
				what = found(play, "VM '%s' has %u adapters and %u devices, alone %u and %u", was->name,
					is->n_adapters, is->n_devices, was->n_adapters, was->n_devices);
			else if (!is_ruled && is->record)
				what = found(play, "VM '%s' is still ours", was->name);
		}
	if (!what && play->n_refusals != alone->n_refusals)
		what = found(play, "%u things are refused, alone %u", play->n_refusals, alone->n_refusals);
	return what;
}
