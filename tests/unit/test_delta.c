/* SPDX-License-Identifier: Apache-2.0 */
#include "model/delta.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undoing_a_delta_gives_the_world_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
