/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

static const struct refusal *first(const struct plan *plan)
{
	return plan->n_refusals ? &plan->refusals[0] : NULL;
}

/* Two run on two partitions: nobody knows for whom a third would be. */
static void vm_of_a_host_that_is_too_full_is_not_started(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 1);
	for (int i = 0; i < 2; i++)
		scene_vm(scene, arena_printf(scene->arena, "other-%d", i), 0, VM_RUNNING, i);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = { .run = "r",
		.epoch = 1,
		.at = SCENE_NOW - 60,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	vm->debt = &debt;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 0);
	assert_false(scene_has(plan, D_STEP_NOT_POSSIBLE));
	assert_non_null(first(plan));
	assert_non_null(strstr(first(plan)->reason, "all partitions of 'hv01' are taken by running VMs"));
	scene_free(scene);
}

static void vm_with_a_whole_gpu_that_the_host_has_back_is_not_stopped(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct device device = { .location_path = scene_path(1) };
	struct debt debt = { .run = "r",
		.epoch = 1,
		.at = SCENE_NOW - 60,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	scene_gpu(scene, 0, 1)->name = "of no group";
	vm->devices = &device;
	vm->n_devices = 1;
	vm->cache_control = true;
	vm->debt = &debt;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, NULL, NULL));
	assert_int_equal(plan->n_steps, 0);
	assert_non_null(first(plan));
	assert_int_equal(first(plan)->code, D_VM_NOT_FIT);
	assert_non_null(strstr(first(plan)->reason, "not dismounted"));
	scene_free(scene);
}

static void vm_pinned_to_a_gpu_that_failed_is_not_stopped(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 1);
	struct adapter pinned = vm->adapters[0];
	struct debt debt = { .run = "r",
		.epoch = 1,
		.at = SCENE_NOW - 60,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	pinned.pin = scene_path(1);
	pinned.pinned = TRI_YES;
	vm->adapters = &pinned;
	vm->debt = &debt;
	assert_int_equal(scene_count(scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL)), STEP_START_VM), 1);
	scene_gpu(scene, 0, 1)->state = GPU_FAILED;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 0);
	assert_non_null(first(plan));
	assert_non_null(strstr(first(plan)->reason, "offers no partitions"));
	scene_free(scene);
}

/* A count that would have it let go of both cannot be: it could not be given both again. */
static void vm_with_both_that_must_stay_so_keeps_the_count(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct device device = { .location_path = scene_path(1) };
	vm->devices = &device;
	vm->n_devices = 1;
	scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	scene_gpu(scene, 0, 1)->name = "of no group";
	scene_gpu(scene, 0, 1)->subsystem = "10DE:0000"; /* so the device is none of ours to take */
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 0);
	assert_non_null(first(plan));
	assert_non_null(strstr(first(plan)->reason, "a partition and a whole GPU"));
	assert_false(scene_has(plan, D_INVARIANT));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vm_of_a_host_that_is_too_full_is_not_started),
		cmocka_unit_test(vm_with_a_whole_gpu_that_the_host_has_back_is_not_stopped),
		cmocka_unit_test(vm_pinned_to_a_gpu_that_failed_is_not_stopped),
		cmocka_unit_test(vm_with_both_that_must_stay_so_keeps_the_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
