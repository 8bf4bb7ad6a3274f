/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

static const struct diag *found(const struct plan *plan, enum diag_code code)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (diag->code == code)
			return diag;
	return NULL;
}

#define HOSTS_WITH_MAINTENANCE \
	"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: Failover\n" \
	"  hosts: [{ name: hv01 }, { name: hv02, maintenance: true }]\n  gpus:\n" \
	"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 8 }\n"

/* The plan is right, and apply would change nothing: that is said before somebody schedules it. */
static void plan_that_could_not_lock_its_cluster_says_so(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene->missing = "hv02";
	const struct plan *plan = scene_plan(scene, HOSTS_WITH_MAINTENANCE);
	assert_int_equal(plan->n_steps, 1);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_non_null(found(plan, D_NO_MAJORITY));
	scene_gpu(scene, 0, 0)->count = KNOWN(8); /* nothing to do, so nothing to say */
	assert_null(found(scene_plan(scene, HOSTS_WITH_MAINTENANCE), D_NO_MAJORITY));
	scene_free(scene);
}

static void mixture_that_the_plan_mends_is_no_finding(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_gpu(scene, 1, 0)->count = KNOWN(8);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 1);
	assert_null(found(plan, D_LEFT_BROKEN));
	scene_free(scene);
}

/* Where it starts again is not where it was: that GPU is dismounted by then. */
static void vm_that_lets_go_of_a_gpu_is_no_finding(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "other", 0, VM_RUNNING, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(scene,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: Standalone\n"
		"  unmanaged: Cycle\n  hosts: [{ name: hv01 }]\n  gpus:\n"
		"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n"
		"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { locationPaths: { hv01: "
		"[\"PCIROOT(20)#PCI(0100)\"] } } }\n");
	assert_int_equal(scene_count(plan, STEP_DISMOUNT_GPU), 1);
	assert_non_null(scene_step(plan, STEP_STOP_VM, "other"));
	assert_null(found(plan, D_LEFT_BROKEN));
	scene_free(scene);
}

/* Nobody may touch it, and it has what no VM should have. */
static void unmanaged_vm_with_a_partition_and_a_whole_gpu_stays_a_finding(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "other", 0, VM_RUNNING, 0);
	struct device device = { .location_path = scene_path(1) };
	vm->devices = &device;
	vm->n_devices = 1;
	struct gpu *gpu = scene_gpu(scene, 0, 1);
	gpu->state = GPU_DISMOUNTED;
	gpu->name = "of no group";
	gpu->subsystem = "10DE:0000";
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, NULL, NULL));
	const struct diag *diag = found(plan, D_LEFT_BROKEN);
	assert_non_null(diag);
	assert_string_equal(diag->subject, "host/hv01/vm/other/device");
	assert_non_null(strstr(diag->message, "one-partition"));
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

static void managed_vm_with_both_loses_what_its_line_does_not_give(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct device device = { .location_path = scene_path(1) };
	vm->devices = &device;
	vm->n_devices = 1;
	scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(scene_count(plan, STEP_REMOVE_DEVICE), 1);
	assert_null(found(plan, D_LEFT_BROKEN));
	scene_free(scene);
}

static void host_with_more_running_vms_than_partitions_stays_a_finding(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	scene_gpu(scene, 0, 0)->count = KNOWN(2);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_non_null(found(plan, D_LEFT_BROKEN));
	assert_non_null(strstr(found(plan, D_LEFT_BROKEN)->message, "capacity"));
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_null(found(plan, D_LEFT_BROKEN));
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 1);
	scene_free(scene);
}

static void surplus_is_said_once(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct adapter two[] = { vm->adapters[0], vm->adapters[0] };
	two[1].id = "second";
	vm->adapters = two;
	vm->n_adapters = 2;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_non_null(found(plan, D_SURPLUS));
	assert_null(found(plan, D_LEFT_BROKEN));
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  maxPartitionsPerVM: 2\n"));
	assert_null(found(plan, D_SURPLUS));
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

/* What it is owed and what it has then are one and the same. */
static void partition_that_is_owed_is_no_second_one(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = { .run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED };
	debt.state_change = vm->state_change;
	debt.adapters = vm->adapters;
	debt.n_adapters = vm->n_adapters;
	vm->debt = &debt;
	vm->n_adapters = 0;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	assert_null(found(plan, D_LEFT_BROKEN));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_that_could_not_lock_its_cluster_says_so),
		cmocka_unit_test(mixture_that_the_plan_mends_is_no_finding),
		cmocka_unit_test(vm_that_lets_go_of_a_gpu_is_no_finding),
		cmocka_unit_test(unmanaged_vm_with_a_partition_and_a_whole_gpu_stays_a_finding),
		cmocka_unit_test(managed_vm_with_both_loses_what_its_line_does_not_give),
		cmocka_unit_test(host_with_more_running_vms_than_partitions_stays_a_finding),
		cmocka_unit_test(surplus_is_said_once),
		cmocka_unit_test(partition_that_is_owed_is_no_second_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
