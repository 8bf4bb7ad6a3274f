/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void adding_an_adapter_twice_adds_one(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct step add = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	add = steps_vm(world, STEP_ADD_ADAPTER, 0);
	add.adapter.quotas[QUOTA_MIN_VRAM] = KNOWN(5);
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(world->vms[0].n_adapters, 1);
	assert_null(world->vms[0].adapters[0].id);
	assert_int_equal(world->vms[0].adapters[0].pinned, TRI_NO);
	assert_true(maybe_is(world->vms[0].adapters[0].quotas[QUOTA_MIN_VRAM], 5));
	assert_int_equal(steps_do(arena, world, &add), STEPS_UNCHANGED);
	add.count = 2;
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(world->vms[0].n_adapters, 2);
	assert_int_equal(steps_do(arena, world, &add), STEPS_UNCHANGED);
}

static void a_pinned_adapter_serves_an_unpinned_wish_and_not_the_reverse(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);
	struct step unpinned = { 0 }, pinned = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, 1, 0);
	unpinned = steps_vm(world, STEP_ADD_ADAPTER, 0);
	assert_int_equal(steps_do(arena, world, &unpinned), STEPS_UNCHANGED);
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 1, -1, 0);
	pinned = steps_vm(world, STEP_ADD_ADAPTER, 1);
	pinned.adapter.pin = "PCIROOT(0)#PCI(1)";
	assert_int_equal(steps_do(arena, world, &pinned), STEPS_CHANGED);
	assert_int_equal(world->vms[1].adapters[1].pinned, TRI_YES);
	pinned.adapter.pin = "PCIROOT(0)#PCI(0)";
	world->gpus[0].state = GPU_DISMOUNTED;
	assert_int_equal(steps_do(arena, world, &pinned), STEPS_REFUSED);
}

static void adapters_are_added_and_removed_only_while_off(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 2);
	struct step add = { 0 }, take = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	add = steps_vm(world, STEP_ADD_ADAPTER, 0);
	assert_int_equal(steps_do(arena, world, &add), STEPS_REFUSED);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 1);
	take = steps_vm(world, STEP_REMOVE_ADAPTER, 1);
	take.adapter = world->vms[1].adapters[0];
	assert_int_equal(steps_do(arena, world, &take), STEPS_REFUSED);
	world->vms[1].state = VM_OFF;
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_int_equal(world->vms[1].n_adapters, 0);
	world->vms[1].state = VM_RUNNING;
	assert_int_equal(steps_do(arena, world, &take), STEPS_UNCHANGED);
}

static void removing_takes_the_adapter_with_that_id(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 1);
	const struct adapter *before = NULL;
	struct step take = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	for (int pin = 0; pin < 3; pin++)
		worlds_adapter(arena, world, 0, pin, 0);
	before = world->vms[0].adapters;
	take = steps_vm(world, STEP_REMOVE_ADAPTER, 0);
	take.adapter = before[1];
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_int_equal(world->vms[0].n_adapters, 2);
	assert_string_equal(world->vms[0].adapters[0].id, before[0].id);
	assert_string_equal(world->vms[0].adapters[1].id, before[2].id);
	assert_int_equal(steps_do(arena, world, &take), STEPS_UNCHANGED);
	take.adapter.id = NULL;
	take.adapter.pin = "PCIROOT(0)#PCI(2)";
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_string_equal(world->vms[0].adapters[0].id, before[0].id);
}

static void an_added_adapter_settles_the_part_that_was_owed(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct adapter parts[] = { { .pin = "PCIROOT(0)#PCI(1)" }, { .quotas = { [QUOTA_MAX_VRAM] = KNOWN(1) } } };
	struct debt debt = { .power = DEBT_POWER_NONE, .adapters = parts, .n_adapters = 2 };
	struct step add = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	world->vms[0].debt = &debt;
	add = steps_vm(world, STEP_ADD_ADAPTER, 0);
	add.adapter = parts[1];
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(world->vms[0].debt->n_adapters, 1);
	assert_non_null(world->vms[0].debt->adapters[0].pin);
	assert_int_equal(debt.n_adapters, 2);
	add.adapter = parts[0];
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_null(world->vms[0].debt);
}

static void a_whole_gpu_is_added_once_it_is_dismounted(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct step add = { 0 }, take = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	add = steps_vm(world, STEP_ADD_DEVICE, 0);
	add.device.location_path = "PCIROOT(0)#PCI(1)";
	assert_int_equal(steps_do(arena, world, &add), STEPS_REFUSED);
	worlds_dismount(arena, world, 1, NULL);
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(steps_do(arena, world, &add), STEPS_UNCHANGED);
	take = add;
	take.kind = STEP_REMOVE_DEVICE;
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_int_equal(world->vms[0].n_devices, 0);
	assert_int_equal(steps_do(arena, world, &take), STEPS_UNCHANGED);
}

/* Also while both are off: a host gives a device to one VM alone. */
static void a_whole_gpu_of_another_vm_is_not_given(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);
	struct step add = { 0 }, take = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_dismount(arena, world, 1, NULL);
	add = steps_vm(world, STEP_ADD_DEVICE, 0);
	add.device.location_path = "PCIROOT(0)#PCI(1)";
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	take = add;
	add = steps_vm(world, STEP_ADD_DEVICE, 1);
	add.device = take.device;
	assert_int_equal(steps_do(arena, world, &add), STEPS_REFUSED);
	take.kind = STEP_REMOVE_DEVICE;
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
}

static void devices_of_a_pool_are_counted(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct step add = { 0 }, take = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	add = steps_vm(world, STEP_ADD_DEVICE, 0);
	add.device.pool = "p";
	assert_int_equal(steps_do(arena, world, &add), STEPS_REFUSED);
	worlds_dismount(arena, world, 0, "p");
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(steps_do(arena, world, &add), STEPS_UNCHANGED);
	add.count = 2;
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(steps_do(arena, world, &add), STEPS_UNCHANGED);
	take = add;
	take.kind = STEP_REMOVE_DEVICE;
	assert_int_equal(steps_do(arena, world, &take), STEPS_CHANGED);
	assert_int_equal(world->vms[0].n_devices, 1);
}

static void a_gpu_of_one_kind_ends_what_is_owed_of_the_other(void **ignored)
{
	static const struct device device = { .location_path = "PCIROOT(0)#PCI(0)" };
	static const struct adapter adapter = { .id = "x" };
	static const struct debt owes_device = { .power = DEBT_POWER_STOPPED, .devices = &device, .n_devices = 1 };
	static const struct debt owes_adapter = { .power = DEBT_POWER_NONE, .adapters = &adapter, .n_adapters = 1 };
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);
	struct step add = { 0 }, assign = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_vm(arena, world, 0, VM_OFF);
	world->gpus[0].state = GPU_DISMOUNTED;
	world->vms[0].debt = &owes_device;
	world->vms[1].debt = &owes_adapter;
	add = steps_vm(world, STEP_ADD_ADAPTER, 0);
	assert_int_equal(steps_do(arena, world, &add), STEPS_CHANGED);
	assert_int_equal(world->vms[0].debt->n_devices, 0);
	assert_int_equal(world->vms[0].debt->power, DEBT_POWER_STOPPED);
	assign = steps_vm(world, STEP_ADD_DEVICE, 1);
	assign.device = device;
	assert_int_equal(steps_do(arena, world, &assign), STEPS_CHANGED);
	assert_null(world->vms[1].debt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_an_adapter_twice_adds_one),
		cmocka_unit_test(a_pinned_adapter_serves_an_unpinned_wish_and_not_the_reverse),
		cmocka_unit_test(adapters_are_added_and_removed_only_while_off),
		cmocka_unit_test(removing_takes_the_adapter_with_that_id),
		cmocka_unit_test(an_added_adapter_settles_the_part_that_was_owed),
		cmocka_unit_test(a_whole_gpu_is_added_once_it_is_dismounted),
		cmocka_unit_test(a_whole_gpu_of_another_vm_is_not_given),
		cmocka_unit_test(devices_of_a_pool_are_counted),
		cmocka_unit_test(a_gpu_of_one_kind_ends_what_is_owed_of_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
