/* SPDX-License-Identifier: Apache-2.0 */
#include "model/invariant.h"
#include "tests/lib/plainrules.h"
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* What the step breaks: "drained host/…"; "" for nothing. The step must be possible. The world stays as it is. */
static const char *broken(
	struct arena *arena, const struct world *world, const struct rules *rules, const struct step *step)
{
	struct world *after = world_copy(arena, world);
	struct violations found = { 0 };
	g_autoptr(GString) text = g_string_new(NULL);

	if (steps_do(arena, after, step) == STEPS_REFUSED)
		return "refused";
	found = invariant_step(arena, world, after, rules, step);
	for (uint32_t i = 0; i < found.n; i++)
		g_string_append_printf(text, "%s%s %s", i ? " " : "",
			name_of(&invariant_names, (int)found.items[i].invariant), found.items[i].subject);
	return arena_strdup(arena, text->str);
}

#define GPU0 "host/hv01/gpu/PCIROOT(0)#PCI(0)"
#define GPU1 "host/hv01/gpu/PCIROOT(0)#PCI(1)"
#define VM1 "host/hv01/vm/vm-1"

static struct step count_step(const struct world *world, uint32_t gpu, uint32_t count)
{
	struct step step = steps_gpu(world, STEP_SET_COUNT, gpu);

	step.count = count;
	return step;
}

static void a_count_changes_only_on_a_gpu_without_adapters_of_any_vm(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 0, -1, 1);
	rules = plainrules(arena, world);
	step = count_step(world, 0, 8);
	assert_string_equal(broken(arena, world, rules, &step), "drained " GPU0);
	step = count_step(world, 1, 8);
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->vms[0].state = VM_OFF;
	assert_string_equal(broken(arena, world, rules, &step), "drained " GPU1);
	step = count_step(world, 1, 4);
	assert_string_equal(broken(arena, world, rules, &step), "");
}

static void a_count_changes_only_to_the_one_that_carriers_have(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 1);
	struct rules *rules = NULL;
	struct step to_8 = { 0 }, to_4 = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 1, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	rules = plainrules(arena, world);
	to_8 = count_step(world, 0, 8);
	assert_string_equal(broken(arena, world, rules, &to_8), "homogeneous " GPU0);
	rules->strategy = STRATEGY_ROLLING;
	assert_string_equal(broken(arena, world, rules, &to_8), "");
	rules->strategy = STRATEGY_HOMOGENEOUS;
	plainrules_refuse(rules, 1);
	assert_string_equal(broken(arena, world, rules, &to_8), "");
	rules = plainrules(arena, world);
	world->gpus[0].count = KNOWN(2);
	to_4 = count_step(world, 0, 4);
	assert_string_equal(broken(arena, world, rules, &to_4), "");
	world->gpus[1].count = UNKNOWN;
	assert_string_equal(broken(arena, world, rules, &to_4), "homogeneous " GPU0);
}

static void a_gpu_is_dismounted_only_without_users_and_pins(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 0, -1, 1);
	rules = plainrules(arena, world);
	step = steps_gpu(world, STEP_DISMOUNT_GPU, 0);
	assert_string_equal(broken(arena, world, rules, &step), "exclusive " GPU0);
	world->vms[0].state = VM_OFF;
	assert_string_equal(broken(arena, world, rules, &step), "");
	((struct adapter *)world->vms[0].adapters)->pinned = TRI_UNKNOWN;
	assert_string_equal(broken(arena, world, rules, &step), "exclusive " GPU0);
	world->vms[0].n_adapters = 0;
	worlds_adapter(arena, world, 0, 1, 0);
	assert_string_equal(broken(arena, world, rules, &step), "");
	step = steps_gpu(world, STEP_DISMOUNT_GPU, 1);
	assert_string_equal(broken(arena, world, rules, &step), "exclusive " GPU1);
}

static void a_gpu_is_mounted_only_when_no_vm_names_it(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_dismount(arena, world, 0, NULL);
	worlds_dismount(arena, world, 1, NULL);
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_device(arena, world, 0, 1, NULL);
	rules = plainrules(arena, world);
	step = steps_gpu(world, STEP_MOUNT_GPU, 0);
	assert_string_equal(broken(arena, world, rules, &step), "");
	step = steps_gpu(world, STEP_MOUNT_GPU, 1);
	assert_string_equal(broken(arena, world, rules, &step), "exclusive " GPU1);
}

static void a_pool_keeps_the_members_that_its_vms_need(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_dismount(arena, world, 0, "p");
	worlds_dismount(arena, world, 1, "p");
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_device(arena, world, 0, 0, "p");
	worlds_vm(arena, world, 0, VM_OFF);
	rules = plainrules(arena, world);
	step = steps_gpu(world, STEP_REMOVE_FROM_POOL, 1);
	step.pool = "p";
	assert_string_equal(broken(arena, world, rules, &step), "");
	worlds_device(arena, world, 1, 0, "p");
	assert_string_equal(broken(arena, world, rules, &step), "exclusive host/hv01/pool/p");
	world->vms[1].n_devices = 0;
	world->vms[0].state = VM_RUNNING;
	assert_string_equal(broken(arena, world, rules, &step), "exclusive " GPU1);
}

static void a_vm_starts_only_where_no_gpu_differs(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 2);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_vm(arena, world, 1, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 1);
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_START_VM, 0);
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->gpus[0].count = KNOWN(8);
	assert_string_equal(broken(arena, world, rules, &step), "aligned-start " VM1);
	plainrules_refuse(rules, 0);
	assert_string_equal(broken(arena, world, rules, &step), "");
	rules = plainrules(arena, world);
	rules->debts_only = true;
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->vms[0].n_adapters = 0;
	rules->debts_only = false;
	assert_string_equal(broken(arena, world, rules, &step), "");
}

static void rolling_asks_only_that_a_hosts_own_gpus_are_alike(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 2);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_vm(arena, world, 1, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 1);
	rules = plainrules(arena, world);
	rules->strategy = STRATEGY_ROLLING;
	step = steps_vm(world, STEP_START_VM, 0);
	world->gpus[0].count = KNOWN(8);
	assert_string_equal(broken(arena, world, rules, &step), "aligned-start " VM1);
	world->gpus[1].count = KNOWN(8);
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->gpus[0].count = world->gpus[1].count = UNKNOWN;
	assert_string_equal(broken(arena, world, rules, &step), "aligned-start " VM1);
}

static void a_vm_moves_only_to_where_no_gpu_differs(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 2);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 1);
	world->vms[0].clustered = TRI_YES;
	world->gpus[1].count = KNOWN(2);
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_MOVE_VM, 0);
	step.to_host = "hv02";
	assert_string_equal(broken(arena, world, rules, &step), "aligned-start " VM1);
	world->gpus[1].count = KNOWN(4);
	assert_string_equal(broken(arena, world, rules, &step), "");
}

static void a_managed_vm_gains_no_more_than_allowed(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_dismount(arena, world, 1, NULL);
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_ADD_ADAPTER, 0);
	assert_string_equal(broken(arena, world, rules, &step), "");
	step.count = 2;
	assert_string_equal(broken(arena, world, rules, &step), "one-partition " VM1);
	plainrules_own(rules, 0, VM_UNMANAGED);
	rules->unmanaged = UNMANAGED_CYCLE;
	assert_string_equal(broken(arena, world, rules, &step), "");
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_ADD_DEVICE, 0);
	step.device.location_path = "PCIROOT(0)#PCI(1)";
	assert_string_equal(broken(arena, world, rules, &step), "one-partition " VM1 "/device");
}

/* step_simulate refuses such a step itself; the checker must see it all the same. */
static void what_needs_an_off_vm_is_seen_on_any_other(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1), *after = NULL;
	struct rules *rules = NULL;
	struct step step = { 0 };
	struct violations found = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	rules = plainrules(arena, world);
	after = world_copy(arena, world);
	worlds_adapter(arena, after, 0, -1, 0);
	step = steps_vm(world, STEP_ADD_ADAPTER, 0);
	found = invariant_step(arena, world, after, rules, &step);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.items[0].invariant, INV_VM_OFF);
	after = world_copy(arena, world);
	after->vms[0].cache_control = false;
	step.kind = STEP_CONFIGURE_VM;
	assert_int_equal(invariant_step(arena, world, after, rules, &step).n, 1);
	after = world_copy(arena, world);
	after->vms[0].automatic_checkpoints = true;
	assert_int_equal(invariant_step(arena, world, after, rules, &step).n, 0);
}

static void a_vm_is_started_only_when_it_fits_unless_the_start_is_owed(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct debt debt = { .power = DEBT_POWER_STOPPED };
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	world->vms[0].automatic_checkpoints = true;
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_START_VM, 0);
	assert_string_equal(broken(arena, world, rules, &step), "fit-to-start " VM1 "/automatic-checkpoints");
	world->vms[0].debt = &debt;
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->vms[0].debt = NULL;
	rules->debts_only = true;
	assert_string_equal(broken(arena, world, rules, &step), "");
}

static void others_vms_are_touched_only_as_unmanaged_allows_or_when_we_owe_them(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct debt debt = { .power = DEBT_POWER_STOPPED };
	struct rules *rules = NULL;
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	rules = plainrules(arena, world);
	step = steps_vm(world, STEP_STOP_VM, 0);
	plainrules_own(rules, 0, VM_UNMANAGED);
	assert_string_equal(broken(arena, world, rules, &step), "ownership " VM1);
	rules->unmanaged = UNMANAGED_CYCLE;
	assert_string_equal(broken(arena, world, rules, &step), "");
	plainrules_own(rules, 0, VM_BYSTANDER);
	assert_string_equal(broken(arena, world, rules, &step), "ownership " VM1);
	world->vms[0].debt = &debt;
	assert_string_equal(broken(arena, world, rules, &step), "");
	world->vms[0].debt = NULL;
	plainrules_own(rules, 0, VM_OURS);
	assert_string_equal(broken(arena, world, rules, &step), "");
	plainrules_exclude(rules, 0);
	assert_string_equal(broken(arena, world, rules, &step), "ownership " VM1);
}

static void gpus_that_no_group_selects_are_left_alone(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct rules *rules = plainrules(arena, world);
	struct step step = count_step(world, 0, 8);

	(void)ignored;
	assert_string_equal(broken(arena, world, rules, &step), "");
	plainrules_role(rules, 0, ROLE_NONE);
	assert_string_equal(broken(arena, world, rules, &step), "ownership " GPU0);
	rules->debts_only = true;
	assert_string_equal(broken(arena, world, rules, &step), "");
	rules = plainrules(arena, world);
	plainrules_exclude(rules, 0);
	assert_string_equal(broken(arena, world, rules, &step), "ownership " GPU0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_count_changes_only_on_a_gpu_without_adapters_of_any_vm),
		cmocka_unit_test(a_count_changes_only_to_the_one_that_carriers_have),
		cmocka_unit_test(a_gpu_is_dismounted_only_without_users_and_pins),
		cmocka_unit_test(a_gpu_is_mounted_only_when_no_vm_names_it),
		cmocka_unit_test(a_pool_keeps_the_members_that_its_vms_need),
		cmocka_unit_test(a_vm_starts_only_where_no_gpu_differs),
		cmocka_unit_test(rolling_asks_only_that_a_hosts_own_gpus_are_alike),
		cmocka_unit_test(a_vm_moves_only_to_where_no_gpu_differs),
		cmocka_unit_test(a_managed_vm_gains_no_more_than_allowed),
		cmocka_unit_test(what_needs_an_off_vm_is_seen_on_any_other),
		cmocka_unit_test(a_vm_is_started_only_when_it_fits_unless_the_start_is_owed),
		cmocka_unit_test(others_vms_are_touched_only_as_unmanaged_allows_or_when_we_owe_them),
		cmocka_unit_test(gpus_that_no_group_selects_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
