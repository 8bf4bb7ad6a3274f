/* SPDX-License-Identifier: Apache-2.0 */
#include "model/invariant.h"
#include "tests/lib/plainrules.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* D as a bit per GPU. */
static uint64_t mixed(struct arena *arena, const struct world *world, const struct rules *rules)
{
	bool *flags = invariant_mixed(arena, world, rules);
	uint64_t mask = 0;

	for (uint32_t g = 0; g < world->n_gpus; g++)
		mask |= (uint64_t)flags[g] << g;
	return mask;
}

static void every_invariant_has_a_sentence(void **ignored)
{
	(void)ignored;
	for (int i = 0; i < INVARIANT_COUNT; i++)
		assert_non_null(invariant_docs[i]);
}

static void added_are_those_that_were_not_there_by_invariant_and_key(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	const struct violation before[] = { { INV_EXCLUSIVE, "a", "x", "a" }, { INV_CAPACITY, "b", "x", "b" } };
	const struct violation now[] = { { INV_EXCLUSIVE, "elsewhere", "other words", "a" },
		{ INV_DRAINED, "a", "y", "a" }, { INV_CAPACITY, "a", "y", "a" }, { INV_CAPACITY, "b", "y", "b" } };
	struct violations added =
		violations_added(arena, (struct violations){ before, 2 }, (struct violations){ now, 4 });

	(void)ignored;
	assert_int_equal(added.n, 2);
	assert_int_equal(added.items[0].invariant, INV_DRAINED);
	assert_int_equal(added.items[1].invariant, INV_CAPACITY);
	assert_string_equal(added.items[1].subject, "a");
	assert_int_equal(violations_added(arena, added, added).n, 0);
	assert_int_equal(violations_added(arena, (struct violations){ 0 }, added).n, 2);
}

static void nothing_differs_while_no_vm_with_a_partition_runs(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 2);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 1, -1, 1);
	world->gpus[1].count = KNOWN(8);
	world->gpus[2].count = UNKNOWN;
	assert_int_equal(mixed(arena, world, plainrules(arena, world)), 0);
}

static void a_gpu_differs_from_the_one_that_carries_a_vm(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 1);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	rules = plainrules(arena, world);
	assert_int_equal(mixed(arena, world, rules), 0);
	world->gpus[3].count = KNOWN(8);
	world->gpus[2].count = UNKNOWN;
	assert_int_equal(mixed(arena, world, rules), 8 | 4);
	worlds_dismount(arena, world, 1, NULL);
	assert_int_equal(mixed(arena, world, rules), 8 | 4 | 2);
	plainrules_refuse(rules, 1);
	plainrules_role(rules, 2, ROLE_NONE);
	plainrules_exclude(rules, 3);
	assert_int_equal(mixed(arena, world, rules), 0);
}

static void the_carrier_that_differs_from_another_carrier_differs_too(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 1);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 3); /* could be on either */
	rules = plainrules(arena, world);
	world->gpus[1].count = KNOWN(8);
	assert_int_equal(mixed(arena, world, rules), 1 | 2 | 4);
	world->gpus[1].count = UNKNOWN;
	assert_int_equal(mixed(arena, world, rules), 1 | 2 | 4);
}

static void a_lone_carrier_of_unknown_count_does_not_differ_from_itself(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	world->gpus[0].count = UNKNOWN;
	assert_int_equal(mixed(arena, world, plainrules(arena, world)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_invariant_has_a_sentence),
		cmocka_unit_test(added_are_those_that_were_not_there_by_invariant_and_key),
		cmocka_unit_test(nothing_differs_while_no_vm_with_a_partition_runs),
		cmocka_unit_test(a_gpu_differs_from_the_one_that_carries_a_vm),
		cmocka_unit_test(the_carrier_that_differs_from_another_carrier_differs_too),
		cmocka_unit_test(a_lone_carrier_of_unknown_count_does_not_differ_from_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
