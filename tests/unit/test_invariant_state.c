/* SPDX-License-Identifier: Apache-2.0 */
#include "model/invariant.h"
#include "tests/lib/plainrules.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* The subjects of all violations, "exclusive host/… capacity host/…"; "" for a world that keeps them. */
static const char *broken(struct arena *arena, const struct world *world, const struct rules *rules)
{
	struct violations found = invariant_state(arena, world, rules ? rules : plainrules(arena, world));
	g_autoptr(GString) text = g_string_new(NULL);

	for (uint32_t i = 0; i < found.n; i++)
		g_string_append_printf(text, "%s%s %s", i ? " " : "",
			name_of(&invariant_names, (int)found.items[i].invariant), found.items[i].subject);
	return arena_strdup(arena, text->str);
}

static void an_ordinary_world_breaks_nothing(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 3, 1, 4);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_dismount(arena, world, 2, "p");
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, 1, 2);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_device(arena, world, 2, 0, "p");
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_device(arena, world, 3, 0, "p");
	rules = plainrules(arena, world);
	plainrules_role(rules, 2, ROLE_PASSTHROUGH);
	assert_string_equal(broken(arena, world, rules), "");
}

static void a_dismounted_gpu_that_an_adapter_could_be_on_is_not_exclusive(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	const char *expected = "exclusive host/hv01/gpu/PCIROOT(0)#PCI(1)";
	struct rules *rules = NULL;

	(void)ignored;
	worlds_dismount(arena, world, 1, NULL);
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 0, -1, 2);
	rules = plainrules(arena, world);
	assert_string_equal(broken(arena, world, rules), expected);
	world->vms[0].state = VM_OFF;
	assert_string_equal(broken(arena, world, rules), "");
	world->vms[0].n_adapters = 0;
	worlds_adapter(arena, world, 0, 1, 0);
	assert_string_equal(broken(arena, world, rules), expected);
}

static void a_mounted_gpu_that_a_vm_has_whole_is_not_exclusive(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_PAUSED);
	worlds_device(arena, world, 0, 0, NULL);
	assert_string_equal(broken(arena, world, NULL), "exclusive host/hv01/gpu/PCIROOT(0)#PCI(0)");
	world->vms[0].state = VM_OFF;
	assert_string_equal(broken(arena, world, NULL), "");
}

static void a_pool_covers_the_vms_that_are_not_off(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 2);

	(void)ignored;
	worlds_dismount(arena, world, 0, "p");
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_device(arena, world, 0, 0, "p");
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_device(arena, world, 1, 0, "P");
	assert_string_equal(broken(arena, world, NULL), "exclusive host/hv01/pool/p");
	world->vms[1].state = VM_RUNNING;
	assert_string_equal(broken(arena, world, NULL), "exclusive host/hv01/pool/p capacity host/hv01/pool/p");
	world->vms[1].state = VM_OFF;
	assert_string_equal(broken(arena, world, NULL), "");
	world->hosts[0].n_pools = 0;
	assert_string_equal(broken(arena, world, NULL), "exclusive host/hv01/pool/p capacity host/hv01/pool/p");
}

static void gpus_unlike_a_carrier_are_named_and_rolling_or_ways_back_allow_them(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 1);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	world->gpus[1].count = KNOWN(2);
	rules = plainrules(arena, world);
	assert_string_equal(broken(arena, world, rules), "homogeneous host/hv02/gpu/PCIROOT(0)#PCI(0)");
	rules->strategy = STRATEGY_ROLLING;
	assert_string_equal(broken(arena, world, rules), "");
	rules->strategy = STRATEGY_HOMOGENEOUS;
	rules->debts_only = true;
	assert_string_equal(broken(arena, world, rules), "");
}

static void a_vm_with_too_much_is_named_once_for_each(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_device(arena, world, 0, 0, NULL);
	rules = plainrules(arena, world);
	assert_string_equal(
		broken(arena, world, rules), "one-partition host/hv01/vm/vm-1 one-partition host/hv01/vm/vm-1/device");
	rules->max_partitions_per_vm = 2;
	assert_string_equal(broken(arena, world, rules), "one-partition host/hv01/vm/vm-1/device");
}

static void running_vms_that_do_not_fit_a_host_or_gpu_are_over_capacity(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 1, 3);

	(void)ignored;
	for (uint32_t v = 0; v < 2; v++) {
		worlds_vm(arena, world, 0, VM_RUNNING);
		worlds_adapter(arena, world, v, -1, 3);
	}
	worlds_vm(arena, world, 0, VM_RUNNING);
	assert_string_equal(broken(arena, world, NULL), "");
	worlds_adapter(arena, world, 2, -1, 3);
	assert_string_equal(broken(arena, world, NULL), "capacity host/hv01");
	world->vms[0].state = world->vms[1].state = VM_OFF;
	assert_string_equal(broken(arena, world, NULL), "");
}

static void two_vms_on_a_gpu_with_one_partition_are_over_its_capacity(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 1, 2);

	(void)ignored;
	for (uint32_t v = 0; v < 2; v++) {
		worlds_vm(arena, world, 0, VM_RUNNING);
		worlds_adapter(arena, world, v, 0, 1);
	}
	assert_string_equal(broken(arena, world, NULL), "capacity host/hv01/gpu/PCIROOT(0)#PCI(0)");
	world->vms[1].state = VM_SAVED;
	assert_string_equal(broken(arena, world, NULL), "");
}

/* The same rule is broken there, not one more. */
static void a_vm_with_too_much_may_move(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 1, 4);
	const struct rules *rules = plainrules(arena, world);
	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 1);
	worlds_adapter(arena, world, 0, -1, 1);
	struct violations before = invariant_state(arena, world, rules);
	assert_int_equal(before.n, 1);
	world->vms[0].host = 1;
	struct violations after = invariant_state(arena, world, rules);
	assert_int_equal(after.n, 1);
	assert_string_not_equal(after.items[0].subject, before.items[0].subject);
	assert_int_equal(violations_added(arena, before, after).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_world_breaks_nothing),
		cmocka_unit_test(a_dismounted_gpu_that_an_adapter_could_be_on_is_not_exclusive),
		cmocka_unit_test(a_mounted_gpu_that_a_vm_has_whole_is_not_exclusive),
		cmocka_unit_test(a_pool_covers_the_vms_that_are_not_off),
		cmocka_unit_test(gpus_unlike_a_carrier_are_named_and_rolling_or_ways_back_allow_them),
		cmocka_unit_test(a_vm_with_too_much_is_named_once_for_each),
		cmocka_unit_test(a_vm_with_too_much_may_move),
		cmocka_unit_test(running_vms_that_do_not_fit_a_host_or_gpu_are_over_capacity),
		cmocka_unit_test(two_vms_on_a_gpu_with_one_partition_are_over_its_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
