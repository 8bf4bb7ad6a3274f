/* SPDX-License-Identifier: Apache-2.0 */
/* Who may go to another host, and which host has a place. */
#include "reconcile/counts.h"
#include "reconcile/moves_parts.h"

/* ---- hosts ---- */

bool moves_host_takes(const struct wants *wants, uint32_t host)
{
	const struct plan_input *input = wants->input;
	const struct host *it = &input->observed->hosts[host];
	const struct spec_host *line = input->cluster ? cluster_find_host(input->cluster, it->name) : NULL;
	if (!it->cluster_name || (line && (line->maintenance || line->exclude)))
		return false;
	return host_node_state(it) == NODE_UP;
}

bool fit_runs_there(const struct placing *placing, uint32_t vm, uint32_t host)
{
	return placing->at[vm] == host && vm_is_running(&placing->goal->vms[vm]);
}

bool fit_gains(const struct placing *placing, uint32_t vm)
{
	return !placing->observed->vms[vm].n_adapters && placing->goal->vms[vm].n_adapters;
}

void fit_take_memory(struct room *room, const struct vm *vm)
{
	struct maybe_u64 memory = vm_memory(vm);
	if (memory.known && room->memory_free.known)
		room->memory_free.value -= MIN(memory.value, room->memory_free.value);
}

void fit_measure(struct placing *placing, uint32_t host)
{
	struct room *room = &placing->rooms[host];
	*room = (struct room){ .takes = moves_host_takes(placing->wants, host), .known = true };
	room->offered = counts_offered(placing->wants, placing->goal, host, 0, &room->known);
	room->memory_free = placing->observed->hosts[host].memory_free_bytes;
	for (uint32_t i = 0; i < placing->goal->n_vms; i++) {
		const struct vm *now = &placing->observed->vms[i], *then = &placing->goal->vms[i];
		if (now->host == host && vm_is_running(now))
			room->at_once += now->n_adapters;
		if (placing->at[i] == host && placing->wants->vms[i].frozen && wants_owed_power(placing->wants, i))
			room->kept += now->n_adapters + now->debt->n_adapters;
		if (now->host == host && wants_owed_power(placing->wants, i))
			fit_take_memory(room, now);
		if (!fit_runs_there(placing, i, host))
			continue;
		room->needed += then->n_adapters;
		room->gained += fit_gains(placing, i) ? then->n_adapters : 0;
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

bool fit_is_ours_to_move(const struct placing *placing, uint32_t vm)
{
	const struct vm_want *want = &placing->wants->vms[vm];
	if (want->frozen || want->excluded || want->stays || want->debt == DEBT_IN_PROGRESS)
		return false;
	if (placing->only_debts)
		return wants_owed_power(placing->wants, vm);
	return want->ownership == VM_MANAGED && !want->refused;
}

const char *fit_bound_because(const struct placing *placing, uint32_t vm)
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

bool fit_can_move(const struct placing *placing, uint32_t vm)
{
	const struct vm *then = &placing->goal->vms[vm];
	return placing->reason[vm] == MOVE_NONE && (then->n_adapters || then->n_devices) &&
	       fit_is_ours_to_move(placing, vm) && !fit_bound_because(placing, vm);
}

bool fit_starts_anyway(const struct placing *placing, uint32_t vm)
{
	return placing->touch->vms[vm].stop || wants_owed_power(placing->wants, vm);
}

bool fit_is_at_its_host(const struct placing *placing, uint32_t vm, uint32_t host)
{
	const char *wish = placing->wants->vms[vm].host;
	return wish && g_ascii_strcasecmp(wish, placing->observed->hosts[host].name) == 0;
}

/* ---- does it fit there? ---- */

static bool has_memory(const struct placing *placing, uint32_t vm, uint32_t to)
{
	struct maybe_u64 needed = vm_memory(&placing->observed->vms[vm]);
	struct maybe_u64 free = placing->rooms[to].memory_free;
	return !needed.known || !free.known || needed.value <= free.value;
}

bool fit_has_its_gpu(const struct placing *placing, uint32_t vm, uint32_t host)
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
		for (uint32_t d = 0; fit_runs_there(placing, i, host) && d < placing->goal->vms[i].n_devices; d++) {
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

uint64_t fit_free(const struct room *room)
{
	uint64_t taken = room->needed + room->kept;
	return room->known && room->offered > taken ? room->offered - taken : 0;
}

/* There is a place for it, room for partitions aside. */
bool fit_could_be_at(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *then = &placing->goal->vms[vm];
	if (!placing->rooms[to].takes || placing->at[vm] == to)
		return false;
	if (!vm_is_running(then))
		return true;
	return (!then->n_adapters || fit_has_its_gpu(placing, vm, to)) && has_devices(placing, vm, to) &&
	       has_memory(placing, vm, to);
}

bool fit_at(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *then = &placing->goal->vms[vm];
	return fit_could_be_at(placing, vm, to) &&
	       (!vm_is_running(then) || !then->n_adapters || fit_free(&placing->rooms[to]) >= then->n_adapters);
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
 * be passed through must not get it, and of one that is yet to be mounted nobody knows whether it takes live moves. */
static bool hosts_are_alike(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct world *observed = placing->observed, *goal = placing->goal;
	const struct host *source = &observed->hosts[observed->vms[vm].host], *target = &goal->hosts[to];
	for (uint32_t t = target->first_gpu; t < target->first_gpu + target->n_gpus; t++) {
		if (gpu_offers_partitions(&observed->gpus[t]) != gpu_offers_partitions(&goal->gpus[t]))
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
bool fit_can_live(const struct placing *placing, uint32_t vm, uint32_t to)
{
	const struct vm *it = &placing->observed->vms[vm];
	const struct room *room = &placing->rooms[to];
	return it->state == VM_RUNNING && !placing->only_debts &&
	       !(placing->touch->vms[vm].causes & ~(unsigned)TOUCH_ROLE) &&
	       placing->observed->hosts[it->host].can_command_moves == TRI_YES && says_so(it) &&
	       it->memory_bytes.known && room->memory_free.known && it->memory_bytes.value <= room->memory_free.value &&
	       room->known && room->at_once + it->n_adapters <= room->offered && hosts_are_alike(placing, vm, to);
}
