/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void a_listed_count_is_set_and_another_is_refused(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = steps_gpu(world, STEP_SET_COUNT, 0);

	(void)ignored;
	step.count = 8;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_true(maybe_is(world->gpus[0].count, 8));
	assert_true(maybe_is(world->gpus[0].partition_memory, 2ull << 30));
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
	step.count = 3;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->gpus[0].n_valid_counts = 0;
	world->gpus[0].memory = UNKNOWN;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_false(world->gpus[0].partition_memory.known);
	step.count = 0;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
}

/* As the hosts do: somebody set another one since. */
static void a_count_that_is_not_the_expected_one_stays(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = steps_gpu(world, STEP_SET_COUNT, 0);

	(void)ignored;
	step.count = 8;
	step.count_before = 2;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	step.count_before = 4;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	step.count_before = 2; /* there already, whatever it was before */
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
}

static void a_count_needs_a_gpu_that_offers_partitions(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = steps_gpu(world, STEP_SET_COUNT, 0);

	(void)ignored;
	step.count = 8;
	for (int s = 0; s < GPU_STATE_COUNT; s++) {
		world->gpus[0].state = (enum gpu_state)s;
		world->gpus[0].count = UNKNOWN;
		assert_int_equal(steps_do(arena, world, &step),
			s == GPU_PARTITIONABLE || s == GPU_PARAVIRTUALIZED ? STEPS_CHANGED : STEPS_REFUSED);
	}
}

static void dismounting_forgets_the_partitioning_and_notes_mmio(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 0);
	struct step step = { 0 };
	const uint32_t order[] = { 2, 0, 1 };

	(void)ignored;
	for (int i = 0; i < 3; i++) {
		step = steps_gpu(world, STEP_DISMOUNT_GPU, order[i]);
		assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	}
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
	assert_int_equal(world->gpus[1].state, GPU_DISMOUNTED);
	assert_false(world->gpus[1].count.known);
	assert_int_equal(world->gpus[1].n_valid_counts, 0);
	assert_false(world->gpus[1].mmio_low_bytes.known);
	assert_int_equal(world->hosts[0].n_noted, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_string_equal(world->hosts[0].noted[i].location_path, world->gpus[i].location_path);
	assert_int_equal(world->hosts[0].noted[1].high_bytes, 32ull << 30);
}

static void dismounting_again_replaces_the_note(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct noted_mmio noted = { world->gpus[0].location_path, 1, 1 };
	struct step step = steps_gpu(world, STEP_DISMOUNT_GPU, 0);

	(void)ignored;
	world->hosts[0].noted = &noted;
	world->hosts[0].n_noted = 1;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_int_equal(world->hosts[0].n_noted, 1);
	assert_int_equal(world->hosts[0].noted[0].low_bytes, 16 << 20);
	assert_int_equal(noted.low_bytes, 1);
}

static void an_unmitigated_dismount_needs_force(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = steps_gpu(world, STEP_DISMOUNT_GPU, 0);

	(void)ignored;
	world->gpus[0].mitigation_driver = TRI_NO;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	step.force = true;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
}

static void a_failed_or_paravirtualized_gpu_is_not_dismounted(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = steps_gpu(world, STEP_DISMOUNT_GPU, 0);

	(void)ignored;
	world->gpus[0].state = GPU_FAILED;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->gpus[0].state = GPU_PARAVIRTUALIZED;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->gpus[0].state = GPU_DISABLED;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
}

static void mounting_gives_a_partitionable_gpu_of_unknown_count(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 0);
	struct step step = steps_gpu(world, STEP_MOUNT_GPU, 0);

	(void)ignored;
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
	worlds_dismount(arena, world, 0, NULL);
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_int_equal(world->gpus[0].state, GPU_PARTITIONABLE);
	assert_false(world->gpus[0].count.known);
	worlds_dismount(arena, world, 1, "p");
	step = steps_gpu(world, STEP_MOUNT_GPU, 1);
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->gpus[0].state = GPU_FAILED;
	step = steps_gpu(world, STEP_MOUNT_GPU, 0);
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_count_is_set_and_another_is_refused),
		cmocka_unit_test(a_count_that_is_not_the_expected_one_stays),
		cmocka_unit_test(a_count_needs_a_gpu_that_offers_partitions),
		cmocka_unit_test(dismounting_forgets_the_partitioning_and_notes_mmio),
		cmocka_unit_test(dismounting_again_replaces_the_note),
		cmocka_unit_test(an_unmitigated_dismount_needs_force),
		cmocka_unit_test(a_failed_or_paravirtualized_gpu_is_not_dismounted),
		cmocka_unit_test(mounting_gives_a_partitionable_gpu_of_unknown_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
