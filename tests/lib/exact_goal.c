/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exact_goal.h"

#include "tests/lib/exact.h"

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

uint8_t exact_wanted_count(const struct small *small)
{
	return small->count == 1 ? SMALL_1 : small->count == 2 ? SMALL_2 : SMALL_4;
}

bool exact_runs_at_the_end(const struct exact_rules *rules, uint32_t vm)
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
enum exact_adapter exact_wanted_adapter(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
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
bool exact_device_serves(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
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
bool exact_partition_can_be_had(const struct exact_rules *rules, uint32_t vm)
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

bool exact_host_has_whole(const struct exact_rules *rules, uint32_t host)
{
	for (uint32_t g = host * SMALL_GPUS; g < (host + 1) * SMALL_GPUS; g++)
		if (rules->whole[g] && rules->small->gpus[host][g % SMALL_GPUS] != SMALL_FAILED)
			return true;
	return false;
}

struct missing {       /* of one world */
	uint32_t cost; /* of what nothing can spare; EXACT_NOT_TO_BE_HAD */
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
	if (is != exact_wanted_count(rules->small)) {
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
	enum exact_adapter wanted = exact_wanted_adapter(rules, world, vm);
	bool off = exact_is_off(rules, world, vm), serves = exact_device_serves(rules, world, vm);
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
unsigned exact_touchable(const struct exact_rules *rules, const struct exact_world *start)
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
		return EXACT_NOT_TO_BE_HAD;
	if (it.running && must_be_off)
		return it.stopped || rules->small->vms[vm].owed ? EXACT_NOT_TO_BE_HAD
								: cost + COST_STOP + 2 * COST_STEP;
	if (!it.running && exact_runs_at_the_end(rules, vm))
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
		if (exact_runs_at_the_end(rules, i) && !may_be_stripped &&
			exact_wanted_adapter(rules, world, i) != ADAPTER_NONE)
			n[exact_vm_get(world, i).host]++;
	}
	for (uint32_t h = 0; h < small->n_hosts; h++) {
		uint32_t here = room_at_the_end(rules, h);
		movers += n[h] > here ? n[h] - here : 0;
		all += n[h];
		room += here;
	}
	if (all > room || (movers && !small->failover))
		return EXACT_NOT_TO_BE_HAD;
	return movers * (COST_MOVE + COST_STEP - 2 * COST_STEP);
}

static struct missing missing_in(const struct exact_rules *rules, const struct exact_world *world)
{
	struct missing missing = { 0 };
	for (uint32_t g = 0; g < EXACT_GPUS; g++)
		miss_gpu(rules, world, g, &missing);
	for (uint32_t h = 0; h < rules->small->n_hosts && rules->small->failover; h++)
		if (!(world->pools & 1u << h) && exact_host_has_whole(rules, h))
			missing.cost += COST_STEP;
	uint32_t moves = miss_room(rules, world);
	if (moves == EXACT_NOT_TO_BE_HAD) {
		missing.cost = EXACT_NOT_TO_BE_HAD;
		return missing;
	}
	missing.cost += moves;
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		uint32_t cost = miss_vm(rules, world, &missing, i);
		if (cost == EXACT_NOT_TO_BE_HAD) {
			missing.cost = EXACT_NOT_TO_BE_HAD;
			break;
		}
		missing.cost += cost;
	}
	return missing;
}

/* The spec is satisfied and every VM has the power that it had. Said without the estimate, which must then be nothing. */
bool exact_is_goal(const struct exact_rules *rules, const struct exact_world *world)
{
	const struct small *small = rules->small;
	for (uint32_t g = 0; g < EXACT_GPUS; g++) {
		uint8_t is = world->gpus[g];
		uint8_t passed_through = small->failover ? SMALL_POOLED : SMALL_DISMOUNTED;
		if (is != SMALL_FAILED && is != (rules->whole[g] ? passed_through : exact_wanted_count(small)))
			return false;
	}
	for (uint32_t i = 0; i < small->n_vms; i++) {
		struct exact_vm vm = exact_vm_get(world, i);
		if (vm.running != exact_runs_at_the_end(rules, i) ||
			vm.adapter != exact_wanted_adapter(rules, world, i) || !exact_device_serves(rules, world, i))
			return false;
	}
	return true;
}

uint32_t exact_missing(const struct exact_rules *rules, const struct exact_world *world)
{
	return missing_in(rules, world).cost;
}
