/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge's own telling of steps and rules (tests/lib/exact_world.h) against model/: seeded small worlds are walked
 * through at random, and at every world every step there is, sensible or not, is tried in both. They must agree on
 * whether it can be taken, on which invariants it breaks, and on the world after it.
 * Usage: judge [CASES [FIRST_SEED]]
 */
#include "tests/lib/exact.h"
#include "tests/lib/random_scene.h"
#include "tests/lib/random_small.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_OF_A_WALK = 24 };

struct walk {
	struct arena *arena;
	const struct small *small;
	struct exact_rules rules;
	struct rules *model_rules;
	uint32_t vm_at[SMALL_VMS]; /* index in the model's world */
	struct world *world;
	struct exact_world tiny;
	uint64_t n_tried, n_taken, n_broken;
	uint64_t alone[INVARIANT_COUNT]; /* steps that this invariant forbids, and no other */
};

/* ---- the same in both ---- */

static struct rules *rules_of(struct walk *walk)
{
	const struct small *small = walk->small;
	struct rules *rules = arena_new_of(walk->arena, struct rules);
	enum gpu_role *roles = arena_array(walk->arena, enum gpu_role, EXACT_GPUS);
	enum vm_ownership *ownership = arena_array(walk->arena, enum vm_ownership, SMALL_VMS);
	static const enum vm_ownership owners[] = { VM_MANAGED, VM_MANAGED, VM_OURS, VM_UNMANAGED };
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			roles[h * small->n_gpus + g] =
				walk->rules.whole[h * SMALL_GPUS + g] ? ROLE_PASSTHROUGH : ROLE_PARTITIONED;
	for (uint32_t i = 0; i < small->n_vms; i++)
		ownership[walk->vm_at[i]] = owners[small->vms[i].owner];
	*rules = (struct rules){
		.gpu_role = roles,
		.gpu_refused = arena_array(walk->arena, bool, EXACT_GPUS),
		.gpu_excluded = arena_array(walk->arena, bool, EXACT_GPUS),
		.vm_ownership = ownership,
		.max_partitions_per_vm = 1,
		.strategy = small->strategy,
		.unmanaged = small->unmanaged,
	};
	return rules;
}

static uint32_t gpu_at(const struct walk *walk, uint32_t gpu)
{
	return gpu / SMALL_GPUS * walk->small->n_gpus + gpu % SMALL_GPUS;
}

static uint8_t gpu_told(const struct world *world, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];
	if (it->state == GPU_FAILED)
		return SMALL_FAILED;
	if (it->state == GPU_DISMOUNTED)
		return gpu_pool(world, gpu) ? SMALL_POOLED : SMALL_DISMOUNTED;
	if (!it->count.known)
		return EXACT_UNKNOWN;
	return it->count.value == 1 ? SMALL_1 : it->count.value == 2 ? SMALL_2 : SMALL_4;
}

static struct exact_vm vm_told(const struct walk *walk, uint32_t index)
{
	const struct vm *it = &walk->world->vms[walk->vm_at[index]];
	struct exact_vm vm;
	memset(&vm, 0, sizeof(vm));
	vm.host = it->host & 3;
	vm.running = vm_is_running(it);
	vm.stopped = exact_vm_get(&walk->tiny, index).stopped;
	if (it->n_adapters) {
		const char *pin = it->adapters[0].pin;
		uint32_t gpu = pin ? world_find_gpu(walk->world, it->host, pin) - it->host * walk->small->n_gpus : 0;
		vm.adapter = (pin ? ADAPTER_PIN_0 + gpu : ADAPTER_FREE) & 3;
		vm.on = !pin && !vm_is_off(it) ? it->adapters[0].gpus & 3 : 0;
	}
	if (it->n_devices) {
		const char *path = it->devices[0].location_path;
		uint32_t gpu = path ? world_find_gpu(walk->world, it->host, path) - it->host * walk->small->n_gpus : 0;
		vm.device = (path ? DEVICE_PATH_0 + gpu : DEVICE_POOL) & 3;
	}
	return vm;
}

static struct exact_world told(const struct walk *walk)
{
	struct exact_world world;
	memset(&world, 0, sizeof(world));
	memset(world.gpus, SMALL_FAILED, sizeof(world.gpus));
	for (uint32_t h = 0; h < walk->small->n_hosts; h++) {
		if (host_find_pool(&walk->world->hosts[h], "p"))
			world.pools |= (uint8_t)(1 << h);
		for (uint32_t g = 0; g < walk->small->n_gpus; g++)
			world.gpus[h * SMALL_GPUS + g] = gpu_told(walk->world, h * walk->small->n_gpus + g);
	}
	for (uint32_t i = 0; i < walk->small->n_vms; i++)
		exact_vm_set(&world, i, vm_told(walk, i));
	return world;
}

/* ---- steps ---- */

static const char *path_at(const struct walk *walk, uint32_t host, uint32_t gpu)
{
	return walk->world->gpus[host * walk->small->n_gpus + gpu].location_path;
}

static void fill_vm_step(const struct walk *walk, struct exact_step from, struct step *step)
{
	const struct vm *vm = &walk->world->vms[walk->vm_at[from.index]];
	step->vm = walk->vm_at[from.index];
	step->host = vm->host;
	if (from.kind == STEP_REMOVE_ADAPTER && vm->n_adapters)
		step->adapter = vm->adapters[0];
	if (from.kind == STEP_REMOVE_DEVICE && vm->n_devices)
		step->device = vm->devices[0];
	if (from.kind == STEP_ADD_ADAPTER && from.detail >= ADAPTER_PIN_0)
		step->adapter.pin = path_at(walk, vm->host, from.detail - ADAPTER_PIN_0);
	if (from.kind == STEP_ADD_DEVICE && from.detail == DEVICE_POOL)
		step->device.pool = "p";
	else if (from.kind == STEP_ADD_DEVICE)
		step->device.location_path = path_at(walk, vm->host, from.detail - DEVICE_PATH_0);
	if (from.kind == STEP_MOVE_VM)
		step->to_host = walk->world->hosts[from.detail].name;
}

static struct step as_step(const struct walk *walk, struct exact_step from)
{
	struct step step = { .kind = from.kind, .vm = NO_INDEX, .gpu = NO_INDEX, .pool = "p" };
	if (from.kind <= STEP_ADD_DEVICE) {
		fill_vm_step(walk, from, &step);
		return step;
	}
	step.host = from.index;
	if (from.kind == STEP_CREATE_POOL)
		return step;
	step.gpu = gpu_at(walk, from.index);
	step.host = from.index / SMALL_GPUS;
	if (from.kind == STEP_SET_COUNT)
		step.count = exact_count(from.detail);
	return step;
}

static void add_vm_steps(const struct walk *walk, GArray *steps, uint8_t vm)
{
	const struct exact_vm is = exact_vm_get(&walk->tiny, vm);
	static const uint8_t plain[] = { STEP_STOP_VM, STEP_START_VM };
	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
		struct exact_step step = { plain[i], vm, 0 };
		g_array_append_val(steps, step);
	}
	for (uint8_t detail = 0; detail < walk->small->n_hosts && walk->small->failover; detail++) {
		struct exact_step step = { STEP_MOVE_VM, vm, detail };
		g_array_append_val(steps, step);
	}
	/* a second adapter or device is none of the judge's steps */
	struct exact_step adapter = { is.adapter ? STEP_REMOVE_ADAPTER : STEP_ADD_ADAPTER, vm, ADAPTER_FREE };
	g_array_append_val(steps, adapter);
	struct exact_step device = { is.device ? STEP_REMOVE_DEVICE : STEP_ADD_DEVICE, vm, DEVICE_POOL };
	g_array_append_val(steps, device);
	for (uint8_t g = 0; g < walk->small->n_gpus; g++) {
		adapter.detail = ADAPTER_PIN_0 + g;
		device.detail = DEVICE_PATH_0 + g;
		if (!is.adapter)
			g_array_append_val(steps, adapter);
		if (!is.device)
			g_array_append_val(steps, device);
	}
}

static GArray *steps_of(const struct walk *walk)
{
	static const uint8_t plain[] = { STEP_DISMOUNT_GPU, STEP_MOUNT_GPU, STEP_ADD_TO_POOL, STEP_REMOVE_FROM_POOL };
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct exact_step));
	for (uint8_t i = 0; i < walk->small->n_vms; i++)
		add_vm_steps(walk, steps, i);
	for (uint8_t h = 0; h < walk->small->n_hosts; h++) {
		struct exact_step pool = { STEP_CREATE_POOL, h, 0 };
		g_array_append_val(steps, pool);
		for (uint8_t g = 0; g < walk->small->n_gpus; g++) {
			for (uint8_t count = SMALL_1; count <= SMALL_4; count++) {
				struct exact_step step = { STEP_SET_COUNT, (uint8_t)(h * SMALL_GPUS + g), count };
				g_array_append_val(steps, step);
			}
			for (size_t i = 0; i < G_N_ELEMENTS(plain); i++) {
				struct exact_step step = { plain[i], (uint8_t)(h * SMALL_GPUS + g), 0 };
				g_array_append_val(steps, step);
			}
		}
	}
	return steps;
}

/* ---- comparing ---- */

static int complain(const struct walk *walk, struct exact_step step, const char *what)
{
	fprintf(stderr, "%s\n  %s %u %u: %s\n", small_text(walk->arena, walk->small),
		name_of(&step_kind_names, step.kind), step.index, step.detail, what);
	for (uint32_t g = 0; g < walk->world->n_gpus; g++)
		fprintf(stderr, "  gpu %u %s whole %d\n", g, name_of(&gpu_state_names, walk->world->gpus[g].state),
			walk->model_rules->gpu_role[g] == ROLE_PASSTHROUGH);
	for (uint32_t i = 0; i < walk->small->n_vms; i++)
		fprintf(stderr, "  vm %u: %08x\n", i, walk->tiny.vms[i]);
	return -1;
}

/* How many violations of each invariant. */
static bool same_violations(struct violations model, uint64_t mine)
{
	uint32_t counts[INVARIANT_COUNT] = { 0 };
	for (uint32_t i = 0; i < model.n; i++)
		counts[model.items[i].invariant]++;
	for (uint32_t bit = 0; bit < 64; bit++)
		if (mine & (uint64_t)1 << bit)
			counts[exact_invariant_of(bit)]--;
	for (int i = 0; i < INVARIANT_COUNT; i++)
		if (counts[i])
			return false;
	return true;
}

/* The invariants of violations that the start does not have. */
static unsigned kinds_added(const struct walk *walk, uint64_t broken)
{
	unsigned kinds = 0;
	for (uint32_t bit = 0; bit < 64; bit++)
		if (broken & ~walk->rules.broken_at_start & (uint64_t)1 << bit)
			kinds |= 1u << exact_invariant_of(bit);
	return kinds;
}

static void count_alone(struct walk *walk, unsigned kinds)
{
	for (int i = 0; i < INVARIANT_COUNT; i++)
		walk->alone[i] += kinds == 1u << i;
}

static unsigned kinds_of(struct violations violations)
{
	unsigned kinds = 0;
	for (uint32_t i = 0; i < violations.n; i++)
		kinds |= 1u << violations.items[i].invariant;
	return kinds;
}

/* 1: taken in both, and walk is after it. 0: not possible in either. */
static int try_both(struct walk *walk, struct exact_step tried)
{
	struct step step = as_step(walk, tried);
	struct world *before = world_copy(walk->arena, walk->world);
	struct exact_world after;
	struct delta delta = { 0 };
	unsigned breaks = 0;
	bool mine = exact_take(&walk->rules, &walk->tiny, tried, &after, &breaks);
	bool models = step_simulate(walk->arena, before, &step, &delta, NULL) == 0;
	walk->n_tried++;
	if (mine != models)
		return complain(
			walk, tried, models ? "the judge says that it cannot be" : "the model says that it cannot be");
	if (!mine)
		return 0;
	delta_apply(walk->world, &delta);
	walk->tiny = after;
	struct exact_world as_told = told(walk);
	struct violations by_step = invariant_step(walk->arena, before, walk->world, walk->model_rules, &step);
	int result = 1;
	if (memcmp(&as_told, &after, sizeof(after)))
		result = complain(walk, tried, "they give different worlds");
	else if (kinds_of(by_step) != breaks)
		result = complain(walk, tried, "they name different invariants that the step breaks");
	else if (!same_violations(invariant_state(walk->arena, walk->world, walk->model_rules),
			 exact_broken(&walk->rules, &after)))
		result = complain(walk, tried, "they name different violations of the world after it");
	count_alone(walk, breaks | kinds_added(walk, exact_broken(&walk->rules, &after)));
	walk->n_taken++;
	walk->n_broken += breaks != 0;
	return result;
}

/* Tries every step, and leaves the walk after a random one. */
static int walk_on(struct walk *walk, struct random *random)
{
	g_autoptr(GArray) steps = steps_of(walk);
	struct world *here = world_copy(walk->arena, walk->world), *there = NULL;
	struct exact_world tiny_here = walk->tiny, tiny_there = walk->tiny;
	uint32_t n = 0;
	for (guint i = 0; i < steps->len; i++) {
		struct exact_step step = g_array_index(steps, struct exact_step, i);
		int result = try_both(walk, step);
		if (result < 0)
			return -1;
		if (result && memcmp(&walk->tiny, &tiny_here, sizeof(tiny_here)) && random_below(random, ++n) == 0) {
			there = walk->world;
			tiny_there = walk->tiny;
		}
		walk->world = world_copy(walk->arena, here);
		walk->tiny = tiny_here;
	}
	walk->world = there ? there : walk->world;
	walk->tiny = tiny_there;
	return 0;
}

static int run_case(struct arena *arena, uint64_t seed, struct walk *sum)
{
	struct random random = random_from(seed);
	struct small small = random_small(&random);
	struct walk walk = { .arena = arena, .small = &small };
	uint32_t n_choices = 0;
	while (exact_choose(&small, n_choices, &walk.rules))
		n_choices++;
	exact_choose(&small, random_below(&random, n_choices), &walk.rules);
	walk.world = small_world(arena, &small);
	walk.tiny = exact_start(&small);
	for (uint32_t i = 0; i < walk.world->n_vms; i++)
		walk.vm_at[strtoul(walk.world->vms[i].id, NULL, 10)] = i;
	walk.model_rules = rules_of(&walk);
	for (uint32_t i = 0; i < STEPS_OF_A_WALK; i++) {
		if (walk_on(&walk, &random) < 0) {
			fprintf(stderr, "seed %" G_GUINT64_FORMAT ", step %u\n", seed, i);
			return -1;
		}
	}
	sum->n_tried += walk.n_tried;
	sum->n_taken += walk.n_taken;
	sum->n_broken += walk.n_broken;
	for (int i = 0; i < INVARIANT_COUNT; i++)
		sum->alone[i] += walk.alone[i];
	return 0;
}

/* Switched off, each of these would let a step pass that nothing else forbids. Adapters and devices of a VM that is not off
 * cannot be changed at all, settings are fixed here, and the rest is about whole plans: tests/unit/test_check.c. */
static uint64_t tell_alone(const struct walk *sum)
{
	static const enum invariant needed[] = { INV_EXCLUSIVE, INV_DRAINED, INV_HOMOGENEOUS, INV_ALIGNED_START,
		INV_ONE_PARTITION, INV_CAPACITY, INV_OWNERSHIP };
	uint64_t n_idle = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(needed); i++) {
		printf("  %" G_GUINT64_FORMAT " steps are forbidden by '%s' alone\n", sum->alone[needed[i]],
			name_of(&invariant_names, needed[i]));
		n_idle += !sum->alone[needed[i]];
	}
	return n_idle;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 4000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct walk sum = { 0 };
	struct arena *arena = arena_new();
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++) {
		arena_clear(arena);
		failed += run_case(arena, seed, &sum) < 0;
	}
	arena_free(arena);
	printf("%" G_GUINT64_FORMAT " worlds, %" G_GUINT64_FORMAT " steps tried, %" G_GUINT64_FORMAT
	       " taken, %" G_GUINT64_FORMAT " of them break an invariant, %" G_GUINT64_FORMAT " failed\n",
		n, sum.n_tried, sum.n_taken, sum.n_broken, failed);
	return failed || tell_alone(&sum) ? 1 : 0;
}
