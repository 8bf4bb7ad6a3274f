/* SPDX-License-Identifier: Apache-2.0 */
#include "model/invariant.h"
#include "tests/lib/plainrules.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static bool has(struct violations violations, const char *setting)
{
	for (uint32_t i = 0; i < violations.n; i++)
		if (g_str_has_suffix(violations.items[i].subject, setting))
			return true;
	return false;
}

static void a_vm_without_gpu_needs_nothing(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	world->vms[0].generation = 1;
	world->vms[0].automatic_checkpoints = true;
	world->vms[0].stop_action = STOP_ACTION_SAVE;
	assert_int_equal(invariant_fit(arena, world, plainrules(arena, world), 0).n, 0);
}

static void each_setting_that_bars_a_partition_is_named(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct vm *vm = world->vms;
	struct violations found = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	assert_int_equal(invariant_fit(arena, world, plainrules(arena, world), 0).n, 0);
	vm->generation = 1;
	vm->automatic_checkpoints = true;
	vm->clustered = TRI_YES;
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	vm->dynamic_memory = true;
	vm->memory_startup_bytes = KNOWN(2);
	vm->memory_minimum_bytes = KNOWN(1);
	vm->stop_action = STOP_ACTION_SAVE; /* bars whole GPUs alone */
	found = invariant_fit(arena, world, plainrules(arena, world), 0);
	assert_int_equal(found.n, 4);
	assert_string_equal(found.items[0].subject, "host/hv01/vm/vm-1/automatic-checkpoints");
	assert_true(has(found, "/generation"));
	assert_true(has(found, "/offline-action"));
	assert_true(has(found, "/memory"));
}

static void unknown_values_bar_nothing(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct rules *rules = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_device(arena, world, 0, 0, NULL);
	world->vms[0].clustered = TRI_YES;
	world->vms[0].dynamic_memory = true;
	world->vms[0].memory_startup_bytes = KNOWN(2);
	rules = plainrules(arena, world);
	((struct maybe_u64 *)rules->vm_mmio_low)[0] = KNOWN(5);
	assert_int_equal(invariant_fit(arena, world, rules, 0).n, 0);
}

static void each_setting_that_bars_a_whole_gpu_is_named(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct vm *vm = world->vms;
	struct rules *rules = NULL;
	struct violations found = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_device(arena, world, 0, 0, NULL);
	rules = plainrules(arena, world);
	((struct maybe_u64 *)rules->vm_mmio_low)[0] = KNOWN(5);
	((struct maybe_u64 *)rules->vm_mmio_high)[0] = KNOWN(5);
	vm->mmio_low_bytes = KNOWN(5);
	vm->mmio_high_bytes = KNOWN(6);
	assert_int_equal(invariant_fit(arena, world, rules, 0).n, 0);
	vm->mmio_low_bytes = KNOWN(4);
	vm->mmio_high_bytes = KNOWN(4);
	vm->stop_action = STOP_ACTION_SAVE;
	vm->cache_control = false;
	vm->automatic_checkpoints = true; /* bars partitions alone */
	found = invariant_fit(arena, world, rules, 0);
	assert_int_equal(found.n, 4);
	assert_true(has(found, "/mmio-low"));
	assert_true(has(found, "/mmio-high"));
	assert_true(has(found, "/stop-action"));
	assert_true(has(found, "/cache-control"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_without_gpu_needs_nothing),
		cmocka_unit_test(each_setting_that_bars_a_partition_is_named),
		cmocka_unit_test(unknown_values_bar_nothing),
		cmocka_unit_test(each_setting_that_bars_a_whole_gpu_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
