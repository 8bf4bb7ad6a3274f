/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void pools_are_created_once_and_stay_sorted(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step step = {
		.kind = STEP_CREATE_POOL, .host_name = "hv01", .host = 0, .vm = NO_INDEX, .gpu = NO_INDEX
	};
	const char *names[] = { "m", "a", "z" };

	(void)ignored;
	for (int i = 0; i < 3; i++) {
		step.pool = names[i];
		assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
		assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
	}
	assert_int_equal(world->hosts[0].n_pools, 3);
	assert_string_equal(world->hosts[0].pools[0].name, "a");
	assert_string_equal(world->hosts[0].pools[1].name, "m");
	assert_string_equal(world->hosts[0].pools[2].name, "z");
}

static void dismounted_gpus_join_a_pool_and_leave_it(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 0);
	struct step create = {
		.kind = STEP_CREATE_POOL, .host_name = "hv01", .host = 0, .vm = NO_INDEX, .gpu = NO_INDEX, .pool = "p"
	};
	struct step join = { 0 }, leave = { 0 };

	(void)ignored;
	join = steps_gpu(world, STEP_ADD_TO_POOL, 1);
	join.pool = "p";
	assert_int_equal(steps_do(arena, world, &join), STEPS_REFUSED);
	assert_int_equal(steps_do(arena, world, &create), STEPS_CHANGED);
	assert_int_equal(steps_do(arena, world, &join), STEPS_REFUSED);
	for (uint32_t g = 3; g-- > 0;) {
		worlds_dismount(arena, world, g, NULL);
		join = steps_gpu(world, STEP_ADD_TO_POOL, g);
		join.pool = "p";
		assert_int_equal(steps_do(arena, world, &join), STEPS_CHANGED);
		assert_int_equal(steps_do(arena, world, &join), STEPS_UNCHANGED);
	}
	assert_int_equal(world->hosts[0].pools[0].n_members, 3);
	assert_string_equal(world->hosts[0].pools[0].members[0], world->gpus[0].location_path);
	assert_string_equal(world->hosts[0].pools[0].members[2], world->gpus[2].location_path);
	leave = steps_gpu(world, STEP_REMOVE_FROM_POOL, 1);
	leave.pool = "p";
	assert_int_equal(steps_do(arena, world, &leave), STEPS_CHANGED);
	assert_null(gpu_pool(world, 1));
	assert_non_null(gpu_pool(world, 2));
	assert_int_equal(steps_do(arena, world, &leave), STEPS_UNCHANGED);
}

static void a_member_of_one_pool_does_not_join_another(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct step create = {
		.kind = STEP_CREATE_POOL, .host_name = "hv01", .host = 0, .vm = NO_INDEX, .gpu = NO_INDEX, .pool = "q"
	};
	struct step join = { 0 };

	(void)ignored;
	worlds_dismount(arena, world, 0, "p");
	assert_int_equal(steps_do(arena, world, &create), STEPS_CHANGED);
	join = steps_gpu(world, STEP_ADD_TO_POOL, 0);
	join.pool = "q";
	assert_int_equal(steps_do(arena, world, &join), STEPS_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_are_created_once_and_stay_sorted),
		cmocka_unit_test(dismounted_gpus_join_a_pool_and_leave_it),
		cmocka_unit_test(a_member_of_one_pool_does_not_join_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
