/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/plainrules.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void in_play_are_partitionable_gpus_and_those_to_be_mounted(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct rules *rules = plainrules(arena, world);

	(void)ignored;
	for (int s = 0; s < GPU_STATE_COUNT; s++) {
		world->gpus[0].state = (enum gpu_state)s;
		assert_int_equal(rules_in_play(rules, world, 0), s == GPU_PARTITIONABLE || s == GPU_DISMOUNTED);
	}
}

static void in_play_is_no_gpu_of_another_role_or_of_an_excluded_host(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 0);
	struct rules *rules = plainrules(arena, world);

	(void)ignored;
	plainrules_role(rules, 0, ROLE_PASSTHROUGH);
	plainrules_exclude(rules, 1);
	assert_false(rules_in_play(rules, world, 0));
	assert_false(rules_in_play(rules, world, 1));
	rules->gpu_excluded = NULL;
	assert_true(rules_in_play(rules, world, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_play_are_partitionable_gpus_and_those_to_be_mounted),
		cmocka_unit_test(in_play_is_no_gpu_of_another_role_or_of_an_excluded_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
