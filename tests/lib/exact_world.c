/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/exact_world.h"

#include <string.h>

struct exact_vm exact_vm_get(const struct exact_world *world, uint32_t vm)
{
	struct exact_vm value;
	memcpy(&value, &world->vms[vm], sizeof(value));
	return value;
}

void exact_vm_set(struct exact_world *world, uint32_t vm, struct exact_vm value)
{
	memcpy(&world->vms[vm], &value, sizeof(value));
}

_Static_assert(sizeof(struct exact_vm) == sizeof(uint32_t), "a VM is kept as a number");

struct exact_world exact_start(const struct small *small)
{
	struct exact_world world = { 0 };
	memset(world.gpus, SMALL_FAILED, sizeof(world.gpus));
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++) {
			world.gpus[h * SMALL_GPUS + g] = small->gpus[h][g];
			if (small->gpus[h][g] == SMALL_POOLED)
				world.pools |= (uint8_t)(1 << h);
		}
	for (uint32_t i = 0; i < small->n_vms; i++) {
		const struct small_vm *from = &small->vms[i];
		struct exact_vm vm;
		memset(&vm, 0, sizeof(vm));
		vm.host = from->host & 3;
		vm.running = from->power == SMALL_RUNNING;
		if (from->part == SMALL_FREE)
			vm.adapter = ADAPTER_FREE;
		if (from->part == SMALL_PINNED)
			vm.adapter = (ADAPTER_PIN_0 + from->gpu) & 3;
		if (from->part == SMALL_FREE && from->power != SMALL_OFF)
			vm.on = from->gpu == SMALL_EITHER ? 3 : (1u << from->gpu) & 3;
		if (from->part == SMALL_DEVICE)
			vm.device = small->failover ? DEVICE_POOL : (DEVICE_PATH_0 + from->gpu) & 3;
		exact_vm_set(&world, i, vm);
	}
	return world;
}

/* ---- questions ---- */

uint32_t exact_count(uint8_t gpu)
{
	static const uint32_t counts[] = { [SMALL_1] = 1, [SMALL_2] = 2, [SMALL_4] = 4 };
	return gpu <= SMALL_4 ? counts[gpu] : 0;
}

bool exact_offers(uint8_t gpu)
{
	return gpu <= SMALL_4 || gpu == EXACT_UNKNOWN;
}

bool exact_dismounted(uint8_t gpu)
{
	return gpu == SMALL_DISMOUNTED || gpu == SMALL_POOLED;
}

static bool is_saved(const struct exact_rules *rules, uint32_t vm)
{
	return rules->small->vms[vm].power == SMALL_SAVED;
}

bool exact_is_off(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	return !exact_vm_get(world, vm).running && !is_saved(rules, vm);
}

unsigned exact_offering(const struct exact_world *world, uint32_t host)
{
	unsigned mask = 0;
	for (uint32_t g = 0; g < SMALL_GPUS; g++)
		if (exact_offers(world->gpus[host * SMALL_GPUS + g]))
			mask |= 1u << g;
	return mask;
}

unsigned exact_pins(const struct exact_world *world, uint32_t vm)
{
	struct exact_vm it = exact_vm_get(world, vm);
	return it.adapter >= ADAPTER_PIN_0 ? 1u << (it.adapter - ADAPTER_PIN_0) : 0;
}

unsigned exact_could_be(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	struct exact_vm it = exact_vm_get(world, vm);
	if (it.adapter == ADAPTER_NONE)
		return 0;
	if (it.adapter >= ADAPTER_PIN_0)
		return exact_pins(world, vm);
	if (!exact_is_off(rules, world, vm) && it.on)
		return it.on;
	return exact_offering(world, it.host);
}

/* Members of the pool on that host. */
static uint32_t members(const struct exact_world *world, uint32_t host)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < SMALL_GPUS; g++)
		n += world->gpus[host * SMALL_GPUS + g] == SMALL_POOLED;
	return n;
}

/* ---- what a world breaks ---- */

enum { /* first bits of exact_broken() */
	BIT_EXCLUSIVE = 0,
	BIT_POOL = BIT_EXCLUSIVE + EXACT_GPUS,
	BIT_HOMOGENEOUS = BIT_POOL + SMALL_HOSTS,
	BIT_ONE_PARTITION = BIT_HOMOGENEOUS + EXACT_GPUS,
	BIT_CAPACITY_GPU = BIT_ONE_PARTITION + SMALL_VMS,
	BIT_CAPACITY_HOST = BIT_CAPACITY_GPU + EXACT_GPUS,
	BIT_CAPACITY_POOL = BIT_CAPACITY_HOST + SMALL_HOSTS,
	BIT_END = BIT_CAPACITY_POOL + SMALL_HOSTS,
};

enum invariant exact_invariant_of(uint32_t bit)
{
	if (bit < BIT_HOMOGENEOUS)
		return INV_EXCLUSIVE;
	if (bit < BIT_ONE_PARTITION)
		return INV_HOMOGENEOUS;
	return bit < BIT_CAPACITY_GPU ? INV_ONE_PARTITION : INV_CAPACITY;
}

static uint64_t bit(uint32_t first, uint32_t index)
{
	return (uint64_t)1 << (first + index);
}

/* GPUs that running VMs' adapters could be on; those of VMs that are not off; how many adapters are on one for certain. */
struct load {
	unsigned running[SMALL_HOSTS], not_off[SMALL_HOSTS], pinned[SMALL_HOSTS];
	uint32_t n_running[SMALL_HOSTS], certain[EXACT_GPUS];
	uint32_t pool_not_off[SMALL_HOSTS], pool_running[SMALL_HOSTS];
};

static struct load load_of(const struct exact_rules *rules, const struct exact_world *world)
{
	struct load load = { 0 };
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		struct exact_vm vm = exact_vm_get(world, i);
		unsigned could = exact_could_be(rules, world, i);
		bool off = exact_is_off(rules, world, i);
		load.pinned[vm.host] |= exact_pins(world, i);
		load.not_off[vm.host] |= off ? 0 : could;
		load.running[vm.host] |= vm.running ? could : 0;
		load.n_running[vm.host] += vm.running && vm.adapter != ADAPTER_NONE;
		for (uint32_t g = 0; g < SMALL_GPUS; g++)
			load.certain[vm.host * SMALL_GPUS + g] += vm.running && could == 1u << g;
		load.pool_not_off[vm.host] += !off && vm.device == DEVICE_POOL;
		load.pool_running[vm.host] += vm.running && vm.device == DEVICE_POOL;
	}
	return load;
}

static bool in_play(const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu)
{
	return !rules->whole[gpu] && world->gpus[gpu] != SMALL_FAILED;
}

static bool carries(const struct load *load, uint32_t gpu)
{
	return load->running[gpu / SMALL_GPUS] & 1u << gpu % SMALL_GPUS;
}

/* The set D: in play, and its count differs from that of another GPU in play that carries a running VM. A count that is
 * not known differs from any. */
static bool is_mixed(
	const struct exact_rules *rules, const struct exact_world *world, const struct load *load, uint32_t gpu)
{
	if (!in_play(rules, world, gpu))
		return false;
	for (uint32_t other = 0; other < EXACT_GPUS; other++) {
		if (other == gpu || !in_play(rules, world, other) || !carries(load, other))
			continue;
		if (!exact_count(world->gpus[gpu]) || exact_count(world->gpus[gpu]) != exact_count(world->gpus[other]))
			return true;
	}
	return false;
}

static uint64_t broken_by_gpu(
	const struct exact_rules *rules, const struct exact_world *world, const struct load *load, uint32_t gpu)
{
	uint32_t host = gpu / SMALL_GPUS;
	unsigned mine = 1u << gpu % SMALL_GPUS;
	uint64_t broken = 0;
	if (exact_dismounted(world->gpus[gpu]) && (load->not_off[host] | load->pinned[host]) & mine)
		broken |= bit(BIT_EXCLUSIVE, gpu);
	if (rules->small->strategy == STRATEGY_HOMOGENEOUS && is_mixed(rules, world, load, gpu))
		broken |= bit(BIT_HOMOGENEOUS, gpu);
	if (exact_count(world->gpus[gpu]) && load->certain[gpu] > exact_count(world->gpus[gpu]))
		broken |= bit(BIT_CAPACITY_GPU, gpu);
	return broken;
}

static uint64_t broken_by_host(const struct exact_world *world, const struct load *load, uint32_t host)
{
	uint32_t offered = 0;
	uint64_t broken = 0;
	bool known = true;
	for (uint32_t g = 0; g < SMALL_GPUS; g++) {
		offered += exact_count(world->gpus[host * SMALL_GPUS + g]);
		known &= world->gpus[host * SMALL_GPUS + g] != EXACT_UNKNOWN;
	}
	if (known && load->n_running[host] > offered)
		broken |= bit(BIT_CAPACITY_HOST, host);
	if (load->pool_not_off[host] > members(world, host))
		broken |= bit(BIT_POOL, host);
	if (load->pool_running[host] > members(world, host))
		broken |= bit(BIT_CAPACITY_POOL, host);
	return broken;
}

static uint64_t broken_by_vm(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	struct exact_vm it = exact_vm_get(world, vm);
	uint32_t gpu = it.host * SMALL_GPUS + it.device - DEVICE_PATH_0;
	uint64_t broken = 0;
	if (it.adapter != ADAPTER_NONE && it.device != DEVICE_NONE)
		broken |= bit(BIT_ONE_PARTITION, vm);
	if ((it.device == DEVICE_PATH_0 || it.device == DEVICE_PATH_1) && !exact_is_off(rules, world, vm) &&
		!exact_dismounted(world->gpus[gpu]))
		broken |= bit(BIT_EXCLUSIVE, gpu);
	return broken;
}

uint64_t exact_broken(const struct exact_rules *rules, const struct exact_world *world)
{
	struct load load = load_of(rules, world);
	uint64_t broken = 0;
	for (uint32_t g = 0; g < EXACT_GPUS; g++)
		broken |= broken_by_gpu(rules, world, &load, g);
	for (uint32_t h = 0; h < rules->small->n_hosts; h++)
		broken |= broken_by_host(world, &load, h);
	for (uint32_t i = 0; i < rules->small->n_vms; i++)
		broken |= broken_by_vm(rules, world, i);
	return broken;
}

/* ---- where a start lands ---- */

struct others { /* running VMs of one host but for one */
	unsigned could[SMALL_VMS];
	uint32_t n, from_pool, paths;
};

static struct others others_of(
	const struct exact_rules *rules, const struct exact_world *world, uint32_t host, uint32_t except)
{
	struct others others = { 0 };
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		struct exact_vm vm = exact_vm_get(world, i);
		if (i == except || vm.host != host || !vm.running)
			continue;
		if (vm.adapter != ADAPTER_NONE)
			others.could[others.n++] = exact_could_be(rules, world, i);
		others.from_pool += vm.device == DEVICE_POOL;
		if (vm.device == DEVICE_PATH_0 || vm.device == DEVICE_PATH_1)
			others.paths |= 1u << (vm.device - DEVICE_PATH_0);
	}
	return others;
}

/* Every partition of the GPUs in 'mask' is taken by those that can be nowhere else. */
static bool is_full(const struct exact_world *world, uint32_t host, const struct others *others, unsigned mask)
{
	uint32_t offered = 0, taken = 0;
	for (uint32_t g = 0; g < SMALL_GPUS; g++) {
		if (!(mask & 1u << g))
			continue;
		if (world->gpus[host * SMALL_GPUS + g] == EXACT_UNKNOWN)
			return false;
		offered += exact_count(world->gpus[host * SMALL_GPUS + g]);
	}
	for (uint32_t i = 0; i < others->n; i++)
		taken += others->could[i] && !(others->could[i] & ~mask);
	return taken >= offered;
}

/* The GPUs on which a start could land: they offer partitions and are not certainly full. */
static unsigned landing_of(const struct exact_world *world, uint32_t host, const struct others *others)
{
	unsigned offering = exact_offering(world, host), landing = offering;
	for (unsigned mask = 1; mask < 1u << SMALL_GPUS; mask++)
		if ((mask & offering) == mask && is_full(world, host, others, mask))
			landing &= ~mask;
	return landing;
}

static bool pin_has_room(const struct exact_world *world, uint32_t host, const struct others *others, uint32_t gpu)
{
	uint8_t it = world->gpus[host * SMALL_GPUS + gpu];
	uint32_t n = 1;
	for (uint32_t i = 0; i < others->n; i++)
		n += !!(others->could[i] & 1u << gpu);
	return exact_offers(it) && (it == EXACT_UNKNOWN || n <= exact_count(it));
}

static bool partitions_fit(const struct exact_world *world, uint32_t host, const struct others *others)
{
	uint32_t offered = 0;
	bool known = true;
	for (uint32_t g = 0; g < SMALL_GPUS; g++) {
		offered += exact_count(world->gpus[host * SMALL_GPUS + g]);
		known &= world->gpus[host * SMALL_GPUS + g] != EXACT_UNKNOWN;
	}
	return !known || others->n + 1 <= offered;
}

static bool lands(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm, unsigned *on)
{
	struct exact_vm it = exact_vm_get(world, vm);
	struct others others = others_of(rules, world, it.host, vm);
	*on = 0;
	if (it.adapter >= ADAPTER_PIN_0 && !pin_has_room(world, it.host, &others, it.adapter - ADAPTER_PIN_0))
		return false;
	if (it.adapter != ADAPTER_NONE) {
		*on = landing_of(world, it.host, &others);
		if (!*on || !partitions_fit(world, it.host, &others))
			return false;
	}
	if (it.device == DEVICE_POOL)
		return world->pools & 1u << it.host && others.from_pool < members(world, it.host);
	if (it.device == DEVICE_NONE)
		return true;
	uint32_t path = it.device - DEVICE_PATH_0;
	return exact_dismounted(world->gpus[it.host * SMALL_GPUS + path]) && !(others.paths & 1u << path);
}

/* ---- steps on VMs ---- */

bool exact_is_uneven(const struct exact_rules *rules, const struct exact_world *world, uint32_t host)
{
	uint32_t first = 0, n = 0;
	bool uneven = false, unknown = false;
	for (uint32_t g = host * SMALL_GPUS; g < (host + 1) * SMALL_GPUS; g++) {
		if (!in_play(rules, world, g))
			continue;
		uneven |= n && exact_count(world->gpus[g]) != first;
		first = exact_count(world->gpus[g]);
		unknown |= !first;
		n++;
	}
	return uneven || (unknown && n > 1);
}

static bool breaks_alignment(const struct exact_rules *rules, const struct exact_world *after, uint32_t vm)
{
	struct exact_vm it = exact_vm_get(after, vm);
	if (it.adapter == ADAPTER_NONE)
		return false;
	if (rules->small->strategy == STRATEGY_ROLLING)
		return exact_is_uneven(rules, after, it.host);
	struct load load = load_of(rules, after);
	for (uint32_t g = 0; g < SMALL_GPUS; g++)
		if (is_mixed(rules, after, &load, it.host * SMALL_GPUS + g))
			return true;
	return false;
}

static bool is_owed(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	return rules->small->vms[vm].owed && !exact_vm_get(world, vm).running && !exact_vm_get(world, vm).stopped;
}

static unsigned ownership(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm)
{
	if (rules->small->vms[vm].owner != SMALL_UNMANAGED || is_owed(rules, world, vm))
		return 0;
	return rules->small->unmanaged == UNMANAGED_REPORT ? 1u << INV_OWNERSHIP : 0;
}

static bool add_adapter(const struct exact_world *world, struct exact_vm *vm, enum exact_adapter wanted)
{
	if (vm->adapter != ADAPTER_NONE)
		return false; /* a second one is not searched for */
	if (wanted >= ADAPTER_PIN_0 && !exact_offers(world->gpus[vm->host * SMALL_GPUS + wanted - ADAPTER_PIN_0]))
		return false;
	vm->adapter = wanted & 3;
	vm->on = 0;
	return true;
}

static bool add_device(
	const struct exact_rules *rules, const struct exact_world *world, struct exact_vm *vm, enum exact_device wanted)
{
	if (vm->device != DEVICE_NONE)
		return false;
	for (uint32_t i = 0; i < rules->small->n_vms && wanted != DEVICE_POOL; i++)
		if (exact_vm_get(world, i).host == vm->host && exact_vm_get(world, i).device == wanted)
			return false; /* it has one owner */
	vm->device = wanted & 3;
	if (wanted == DEVICE_POOL)
		return world->pools & 1u << vm->host;
	return exact_dismounted(world->gpus[vm->host * SMALL_GPUS + wanted - DEVICE_PATH_0]);
}

/* Nodes of a failover cluster alone take each other's VMs; nothing here says that a running one could be moved. */
static bool can_move(const struct exact_rules *rules, struct exact_vm vm, bool off)
{
	if (!rules->small->failover || vm.adapter >= ADAPTER_PIN_0 || vm.device == DEVICE_PATH_0 ||
		vm.device == DEVICE_PATH_1)
		return false;
	return off;
}

static bool change_vm(
	const struct exact_rules *rules, const struct exact_world *world, struct exact_step step, struct exact_vm *vm)
{
	bool off = exact_is_off(rules, world, step.index);
	unsigned on = 0;
	switch (step.kind) {
	case STEP_STOP_VM:
		if (!vm->running)
			return off;
		vm->running = 0;
		vm->stopped = 1;
		vm->on = 0;
		return true;
	case STEP_START_VM:
		if (vm->running)
			return true;
		if (!off || !lands(rules, world, step.index, &on))
			return false;
		vm->running = 1;
		vm->on = vm->adapter == ADAPTER_FREE ? on & 3 : 0;
		return true;
	case STEP_MOVE_VM:
		if (step.detail == vm->host)
			return true;
		vm->host = step.detail & 3;
		return can_move(rules, *vm, off);
	case STEP_REMOVE_ADAPTER:
		vm->adapter = ADAPTER_NONE;
		vm->on = 0;
		return off;
	case STEP_ADD_ADAPTER:
		return off && add_adapter(world, vm, step.detail);
	case STEP_REMOVE_DEVICE:
		vm->device = DEVICE_NONE;
		return off;
	case STEP_ADD_DEVICE:
		return off && add_device(rules, world, vm, step.detail);
	default:
		return false;
	}
}

static bool take_on_vm(const struct exact_rules *rules, const struct exact_world *world, struct exact_step step,
	struct exact_world *after, unsigned *breaks)
{
	struct exact_vm vm = exact_vm_get(world, step.index), before = vm;
	enum small_owner owner = rules->small->vms[step.index].owner;
	if (!change_vm(rules, world, step, &vm))
		return false;
	exact_vm_set(after, step.index, vm);
	if (!memcmp(&vm, &before, sizeof(vm)))
		return true;
	if (step.kind != STEP_START_VM)
		*breaks |= ownership(rules, world, step.index);
	if (step.kind == STEP_MOVE_VM && owner > SMALL_WHOLE && !is_owed(rules, world, step.index))
		*breaks |= 1u << INV_OWNERSHIP;
	if ((step.kind == STEP_ADD_ADAPTER || step.kind == STEP_ADD_DEVICE) && owner <= SMALL_WHOLE &&
		vm.adapter != ADAPTER_NONE && vm.device != DEVICE_NONE)
		*breaks |= 1u << INV_ONE_PARTITION;
	if ((step.kind == STEP_START_VM || step.kind == STEP_MOVE_VM) && breaks_alignment(rules, after, step.index))
		*breaks |= 1u << INV_ALIGNED_START;
	return true;
}

/* ---- steps on GPUs ---- */

/* Some VM's adapter could be on the GPU. */
static bool is_held(const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu, bool by_off_too)
{
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		if (exact_vm_get(world, i).host != gpu / SMALL_GPUS || (!by_off_too && exact_is_off(rules, world, i)))
			continue;
		if (exact_could_be(rules, world, i) & 1u << gpu % SMALL_GPUS)
			return true;
	}
	return false;
}

static bool is_pinned(const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu)
{
	for (uint32_t i = 0; i < rules->small->n_vms; i++)
		if (exact_vm_get(world, i).host == gpu / SMALL_GPUS && exact_pins(world, i) & 1u << gpu % SMALL_GPUS)
			return true;
	return false;
}

/* The GPU is mounted or leaves its pool: no VM that is not off could have it, no off one names it, the pool covers the
 * rest. */
static bool is_counted_on(const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu)
{
	uint32_t host = gpu / SMALL_GPUS, wanted = 0;
	bool pooled = world->gpus[gpu] == SMALL_POOLED;
	for (uint32_t i = 0; i < rules->small->n_vms; i++) {
		struct exact_vm vm = exact_vm_get(world, i);
		if (vm.host != host || vm.device == DEVICE_NONE)
			continue;
		if (vm.device == DEVICE_PATH_0 + gpu % SMALL_GPUS)
			return true;
		wanted += pooled && vm.device == DEVICE_POOL;
		if (pooled && vm.device == DEVICE_POOL && !exact_is_off(rules, world, i))
			return true;
	}
	return pooled && wanted > members(world, host) - 1;
}

static unsigned breaks_by_count(
	const struct exact_rules *rules, const struct exact_world *world, uint32_t gpu, uint32_t count)
{
	unsigned breaks = is_held(rules, world, gpu, true) ? 1u << INV_DRAINED : 0;
	struct load load = load_of(rules, world);
	for (uint32_t other = 0; other < EXACT_GPUS && rules->small->strategy == STRATEGY_HOMOGENEOUS; other++)
		if (other != gpu && in_play(rules, world, other) && carries(&load, other) &&
			exact_count(world->gpus[other]) != count)
			breaks |= 1u << INV_HOMOGENEOUS;
	return breaks;
}

static bool take_on_gpu(const struct exact_rules *rules, const struct exact_world *world, struct exact_step step,
	struct exact_world *after, unsigned *breaks)
{
	uint8_t now = world->gpus[step.index], *then = &after->gpus[step.index];
	switch (step.kind) {
	case STEP_SET_COUNT:
		*then = step.detail;
		if (now != step.detail)
			*breaks |= breaks_by_count(rules, world, step.index, exact_count(step.detail));
		return exact_offers(now);
	case STEP_DISMOUNT_GPU:
		if (exact_dismounted(now))
			return true;
		*then = SMALL_DISMOUNTED;
		if (is_held(rules, world, step.index, false) || is_pinned(rules, world, step.index))
			*breaks |= 1u << INV_EXCLUSIVE;
		return exact_offers(now);
	case STEP_MOUNT_GPU:
		if (exact_offers(now))
			return true;
		*then = EXACT_UNKNOWN;
		if (is_counted_on(rules, world, step.index))
			*breaks |= 1u << INV_EXCLUSIVE;
		return now == SMALL_DISMOUNTED;
	case STEP_ADD_TO_POOL:
		if (now == SMALL_POOLED)
			return true;
		*then = SMALL_POOLED;
		return now == SMALL_DISMOUNTED && world->pools & 1u << step.index / SMALL_GPUS;
	case STEP_REMOVE_FROM_POOL:
		if (now != SMALL_POOLED)
			return true;
		*then = SMALL_DISMOUNTED;
		if (is_counted_on(rules, world, step.index))
			*breaks |= 1u << INV_EXCLUSIVE;
		return true;
	default:
		return false;
	}
}

bool exact_take(const struct exact_rules *rules, const struct exact_world *world, struct exact_step step,
	struct exact_world *after, unsigned *breaks)
{
	*after = *world;
	*breaks = 0;
	if (step.kind <= STEP_ADD_DEVICE)
		return take_on_vm(rules, world, step, after, breaks);
	if (step.kind != STEP_CREATE_POOL)
		return take_on_gpu(rules, world, step, after, breaks);
	after->pools |= (uint8_t)(1 << step.index);
	return true;
}
