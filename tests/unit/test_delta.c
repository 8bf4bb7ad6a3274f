/* SPDX-License-Identifier: Apache-2.0 */
#include "model/delta.h"
#include "model/invariant.h"
#include "model/step.h"
#include "tests/lib/worldgen.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void undoing_a_delta_gives_the_world_back(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 1), *before = NULL;
	struct delta delta = { .n = 0 };

	(void)ignored;
	worlds_vm(arena, world, 1, VM_RUNNING);
	before = world_copy(arena, world);
	delta_vm(&delta, world, 0)->state = VM_OFF;
	delta_gpu(&delta, world, 1)->count = KNOWN(8);
	delta_host(&delta, world, 1)->epoch = 7;
	assert_int_equal(world->vms[0].state, VM_RUNNING);
	delta_apply(world, &delta);
	assert_int_equal(world->vms[0].state, VM_OFF);
	assert_true(maybe_is(world->gpus[1].count, 8));
	assert_int_equal(world->hosts[1].epoch, 7);
	delta_undo(world, &delta);
	assert_memory_equal(world->vms, before->vms, sizeof(*world->vms));
	assert_memory_equal(world->gpus, before->gpus, 2 * sizeof(*world->gpus));
	assert_memory_equal(world->hosts, before->hosts, 2 * sizeof(*world->hosts));
}

/* Any step of any kind, on something of this world. */
static struct step any_step(const struct world *world, struct worldgen *gen)
{
	struct step step = { .kind = (enum step_kind)worldgen_below(gen, STEP_KIND_COUNT), .pool = "hvgpu-c-whole" };
	uint32_t gpu = worldgen_below(gen, world->n_gpus);

	if (step.kind <= STEP_ADD_DEVICE) {
		step.vm = worldgen_below(gen, world->n_vms);
		step.host = world->vms[step.vm].host;
		if (worldgen_chance(gen, 50) && world->vms[step.vm].n_adapters)
			step.adapter = world->vms[step.vm].adapters[0];
		step.device.location_path = world->gpus[gpu].location_path;
		step.to_host = world->hosts[worldgen_below(gen, world->n_hosts)].name;
		step.live = worldgen_chance(gen, 50);
		step.settings.which = worldgen_below(gen, 32);
		step.settings.mmio_low_bytes = 1;
	} else {
		step.gpu = gpu;
		step.host = world->gpus[gpu].host;
		step.count = 1u << worldgen_below(gen, 5);
	}
	step.host_name = world->hosts[step.host].name;
	return step;
}

static void assert_same(const struct world *a, const struct world *b)
{
	assert_memory_equal(a->hosts, b->hosts, a->n_hosts * sizeof(*a->hosts));
	assert_memory_equal(a->gpus, b->gpus, a->n_gpus * sizeof(*a->gpus));
	assert_memory_equal(a->vms, b->vms, a->n_vms * sizeof(*a->vms));
}

static void any_step_can_be_undone_and_repeated_without_effect(void **ignored)
{
	uint32_t changed = 0;

	(void)ignored;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct world *world = worldgen_world(arena, seed, seed % 2), *before = world_copy(arena, world);
		struct worldgen gen = { seed * 7919 };

		for (int i = 0; world->n_vms && i < 30; i++) {
			struct step step = any_step(world, &gen);
			struct delta delta = { .n = 0 };

			if (step_simulate(arena, world, &step, &delta, NULL) || !delta.n)
				continue;
			changed++;
			delta_apply(world, &delta);
			delta_undo(world, &delta);
			assert_same(world, before);
			delta_apply(world, &delta);
			if (step.kind != STEP_MOVE_VM && step.kind != STEP_REMOVE_ADAPTER &&
				step.kind != STEP_REMOVE_DEVICE) {
				assert_int_equal(step_simulate(arena, world, &step, &delta, NULL), 0);
				assert_int_equal(delta.n, 0);
			}
			before = world_copy(arena, world);
		}
	}
	assert_true(changed > 2000);
}

static void an_orderly_world_keeps_all_invariants(void **ignored)
{
	(void)ignored;
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct world *world = worldgen_world(arena, seed, false);
		struct rules *rules = worldgen_rules(arena, world);

		assert_int_equal(invariant_state(arena, world, rules).n, 0);
		for (uint32_t v = 0; v < world->n_vms; v++)
			assert_int_equal(invariant_fit(arena, world, rules, v).n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undoing_a_delta_gives_the_world_back),
		cmocka_unit_test(any_step_can_be_undone_and_repeated_without_effect),
		cmocka_unit_test(an_orderly_world_keeps_all_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
