/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static const struct plan *planned(struct scene *scene, const char *more)
{
	return scene_plan(scene, scene_manifests(scene, 2, "vm-*", more));
}

static bool tells(struct scene *scene, enum diag_code code)
{
	return scene_has(planned(scene, NULL), code);
}

static void generation_1_with_a_partition_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	assert_false(tells(scene, D_GENERATION));
	vm->generation = 1;
	assert_true(tells(scene, D_GENERATION));
	scene_free(scene);
}

static void unequal_memory_and_checkpoints_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	vm->memory_startup_bytes = KNOWN(4096);
	vm->memory_minimum_bytes = KNOWN(512);
	assert_false(tells(scene, D_MEMORY)); /* static */
	vm->dynamic_memory = true;
	assert_true(tells(scene, D_MEMORY));
	vm->memory_minimum_bytes = vm->memory_startup_bytes;
	assert_false(tells(scene, D_MEMORY));
	assert_false(tells(scene, D_CHECKPOINTS));
	vm->checkpoint_type = CHECKPOINT_PRODUCTION;
	assert_true(tells(scene, D_CHECKPOINTS));
	scene_free(scene);
}

/* Enforce mends them, so there is nothing to tell. */
static void settings_that_nobody_changes_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	static const char require[] = "  vmSettings: Require\n";
	assert_false(scene_has(planned(scene, require), D_VM_SETTING));
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	assert_true(scene_has(planned(scene, require), D_VM_SETTING));
	assert_false(tells(scene, D_VM_SETTING));
	vm->offline_action = UNKNOWN;
	assert_false(scene_has(planned(scene, require), D_VM_SETTING));
	assert_true(scene_has(planned(scene, require), D_UNKNOWN_FACT));
	vm->offline_action = KNOWN(OFFLINE_SHUTDOWN);
	vm->automatic_checkpoints = true;
	assert_true(scene_has(planned(scene, require), D_VM_SETTING));
	assert_false(tells(scene, D_VM_SETTING));
	scene_free(scene);
}

static void guest_that_is_not_supported_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *guest;
		bool told;
	} guests[] = {
		{ NULL, false },
		{ "Windows 11 Enterprise multi-session", false },
		{ "Windows 10 Enterprise", false },
		{ "Windows 8.1 Pro", true },
		{ "Windows Server 2019 Datacenter", false },
		{ "Windows Server 2016 Standard", true },
		{ "Ubuntu 22.04.3 LTS", false },
		{ "Ubuntu 16.04 LTS", true },
		{ "Debian GNU/Linux 12", true },
	};
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(guests); i++) {
		vm->guest_os = guests[i].guest;
		if (tells(scene, D_GUEST) != guests[i].told)
			fail_msg("%s", guests[i].guest);
	}
	scene_free(scene);
}

static void partitions_owed_beyond_what_is_allowed_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "other", 0, VM_OFF, 0);
	struct adapter owed = { .pinned = TRI_NO };
	struct debt debt = { .run = "r", .epoch = 1, .at = SCENE_NOW - 60, .adapters = &owed, .n_adapters = 1 };
	vm->debt = &debt;
	const struct plan *plan = planned(scene, NULL);
	assert_true(scene_has(plan, D_SURPLUS));
	assert_int_equal(plan->n_steps, 0);
	vm->n_adapters = 0;
	plan = planned(scene, NULL);
	assert_false(scene_has(plan, D_SURPLUS));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	scene_free(scene);
}

/* It had two, whoever gave them to it; we took them, so we give them back. */
static void two_partitions_owed_to_an_unmanaged_vm_are_both_given_back(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "other", 0, VM_OFF, -1);
	struct adapter owed[] = { { .pinned = TRI_NO }, { .pinned = TRI_NO } };
	owed[1].quotas[QUOTA_MIN_VRAM] = KNOWN(5);
	struct debt debt = { .run = "r", .epoch = 1, .at = SCENE_NOW - 60, .adapters = owed, .n_adapters = 2 };
	vm->debt = &debt;
	const struct plan *plan = planned(scene, NULL);
	assert_false(scene_has(plan, D_INVARIANT));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 2);
	scene_free(scene);
}

static void pin_to_a_gpu_that_offers_nothing_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 1);
	struct adapter pinned = vm->adapters[0];
	pinned.pin = scene_path(1);
	pinned.pinned = TRI_YES;
	vm->adapters = &pinned;
	assert_false(tells(scene, D_PIN_DEAD));
	scene_gpu(scene, 0, 1)->state = GPU_FAILED;
	assert_true(tells(scene, D_PIN_DEAD));
	scene_gpu(scene, 0, 1)->state = GPU_PARTITIONABLE;
	pinned.pin = "PCIROOT(99)";
	assert_true(tells(scene, D_PIN_DEAD));
	scene_free(scene);
}

/* A VM may have as many as are allowed, and keeps them when they are cycled. */
static void both_partitions_of_a_vm_come_back_where_two_are_allowed(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct adapter two[] = { vm->adapters[0], vm->adapters[0] };
	two[1].id = "second";
	vm->adapters = two;
	vm->n_adapters = 2;
	for (uint32_t allowed = 1; allowed <= 2; allowed++) {
		const struct plan *plan =
			scene_plan(scene, scene_manifests(scene, 8, "vm-*",
						  arena_printf(scene->arena, "  maxPartitionsPerVM: %u\n", allowed)));
		assert_int_equal(scene_count(plan, STEP_REMOVE_ADAPTER), 2);
		assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), allowed);
		assert_int_equal(scene_has(plan, D_SURPLUS), allowed == 1);
		assert_int_equal(plan_exit(plan), EXIT_DONE);
	}
	/* an assignment still gives one */
	vm->n_adapters = 0;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  maxPartitionsPerVM: 2\n"));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	scene_free(scene);
}

/* What a run that died took from a managed VM comes back, up to what is allowed. */
static void partitions_owed_to_a_managed_vm_come_back_as_allowed(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct adapter owed = { .pinned = TRI_NO };
	struct debt debt = { .run = "r", .epoch = 1, .at = SCENE_NOW - 60, .adapters = &owed, .n_adapters = 1 };
	vm->debt = &debt;
	assert_int_equal(scene_count(planned(scene, "  maxPartitionsPerVM: 1\n"), STEP_ADD_ADAPTER), 0);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", "  maxPartitionsPerVM: 2\n"));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	assert_false(scene_has(plan, D_INVARIANT));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generation_1_with_a_partition_is_told),
		cmocka_unit_test(unequal_memory_and_checkpoints_are_told),
		cmocka_unit_test(settings_that_nobody_changes_are_told),
		cmocka_unit_test(guest_that_is_not_supported_is_told),
		cmocka_unit_test(partitions_owed_beyond_what_is_allowed_are_told),
		cmocka_unit_test(two_partitions_owed_to_an_unmanaged_vm_are_both_given_back),
		cmocka_unit_test(pin_to_a_gpu_that_offers_nothing_is_told),
		cmocka_unit_test(both_partitions_of_a_vm_come_back_where_two_are_allowed),
		cmocka_unit_test(partitions_owed_to_a_managed_vm_come_back_as_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
