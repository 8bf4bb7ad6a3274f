/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

static const struct refusal *only_refusal(const struct plan *plan, const char *subject)
{
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_CAPACITY);
	assert_string_equal(plan->refusals[0].subject, subject);
	return &plan->refusals[0];
}

static void vms_that_fit_exactly_are_not_refused(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, -1);
	assert_int_equal(scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL))->n_refusals, 0);
	scene_free(scene);
}

static void vm_that_is_off_takes_no_room(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	assert_int_equal(scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL))->n_refusals, 0);
	scene_free(scene);
}

static void unmanaged_vm_takes_room_and_who_is_new_is_refused(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_non_null(strstr(only_refusal(plan, "host/hv01/vm/vm-a")->reason, "taken by running VMs"));
	assert_int_equal(plan->n_steps, 0);
	scene_free(scene);
}

/* Room of one host is of no use to VMs of another. */
static void count_is_refused_when_one_host_is_short_of_room(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_non_null(strstr(only_refusal(plan, "group/vdi")->reason, "counts that would do: 2, 4, 8, 16"));
	scene_free(scene);
}

static void count_is_refused_when_a_gpu_has_no_room_for_its_pins(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	static const char *const names[] = { "vm-a", "vm-b" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct adapter *adapter = (struct adapter *)scene_vm(scene, names[i], 0, VM_RUNNING, 0)->adapters;
		adapter->pin = scene_path(0);
		adapter->pinned = TRI_YES;
	}
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_non_null(strstr(only_refusal(plan, "group/vdi")->reason, "2 running VMs are pinned to"));
	scene_free(scene);
}

static void owe_start(struct scene *scene, struct vm *vm, const char *run)
{
	struct debt *debt = arena_new_of(scene->arena, struct debt);
	*debt = (struct debt){
		.run = run, .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	vm->debt = debt;
}

/* It ran without one before. */
static void owed_start_is_paid_without_the_partition_that_has_no_room(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 0);
	owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, -1), "dead");
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_string_equal(only_refusal(plan, "host/hv01/vm/vm-a")->what, "partition");
	assert_int_equal(plan->n_steps, 1);
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-a"));
	scene_free(scene);
}

/* Both have their partition, and there is one: whom this run stopped comes back. */
static void of_two_owed_starts_the_one_of_another_run_waits(void **state)
{
	(void)state;
	static const char *const runs[] = { "this", "dead" };
	for (size_t first = 0; first < 2; first++) {
		struct scene *scene = scene_new(false, 1, 1, 1);
		owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0), runs[first]);
		owe_start(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), runs[!first]);
		const struct plan *plan = scene_plan_as(scene, scene_manifests(scene, 1, "vm-*", NULL),
			(struct plan_input){ .mode = PLAN_RESTORE, .live_run = "this" });
		assert_string_equal(
			only_refusal(plan, first ? "host/hv01/vm/vm-a" : "host/hv01/vm/vm-b")->what, "start");
		assert_int_equal(plan->n_steps, 1);
		assert_non_null(scene_step(plan, STEP_START_VM, first ? "vm-b" : "vm-a"));
		scene_free(scene);
	}
}

static void owe_both(struct scene *scene, struct vm *vm)
{
	owe_start(scene, vm, "dead");
	struct debt *debt = arena_copy(scene->arena, vm->debt, sizeof(*debt));
	debt->adapters = vm->adapters;
	debt->n_adapters = vm->n_adapters;
	vm->n_adapters = 0;
	vm->debt = debt;
}

/* vm-a has its partition and cannot start without; vm-b can. */
static void who_can_start_without_its_part_does(void **state)
{
	(void)state;
	for (int swap = 0; swap < 2; swap++) {
		struct scene *scene = scene_new(false, 1, 1, 1);
		owe_start(scene, scene_vm(scene, swap ? "vm-b" : "vm-a", 0, VM_OFF, 0), "dead");
		owe_both(scene, scene_vm(scene, swap ? "vm-a" : "vm-b", 0, VM_OFF, 0));
		const struct plan *plan = scene_plan_as(
			scene, scene_manifests(scene, 1, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
		assert_string_equal(
			only_refusal(plan, swap ? "host/hv01/vm/vm-a" : "host/hv01/vm/vm-b")->what, "what it is owed");
		assert_int_equal(scene_count(plan, STEP_START_VM), 2);
		scene_free(scene);
	}
}

/* It has its partition, but it is another run that left it down: whom this one drained comes back whole. */
static void who_was_drained_comes_before_whom_another_run_left_down(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	owe_both(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0));
	((struct debt *)scene->vms[0][0].debt)->run = "this";
	owe_start(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), "dead");
	const struct plan *plan = scene_plan_as(scene, scene_manifests(scene, 1, "vm-*", NULL),
		(struct plan_input){ .mode = PLAN_RESTORE, .live_run = "this" });
	assert_string_equal(only_refusal(plan, "host/hv01/vm/vm-b")->what, "start");
	assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-a"));
	scene_free(scene);
}

/* One of them is to get a whole GPU anyway. */
static void who_changes_kind_yields_to_who_was_drained(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		static const char text[] =
			"{apiVersion: hvgpu.dev/v1alpha1, kind: GpuCluster, metadata: {name: c}, spec: {type: "
			"Standalone, hosts: [{name: hv01}], gpus: [{name: vdi, match: {model: NVIDIA A2}, "
			"partitionCount: 1}, {name: whole, match: {model: NVIDIA L40}, passthrough: {perHost: 1}}]}}\n"
			"---\n{apiVersion: hvgpu.dev/v1alpha1, kind: GpuAssignment, metadata: {name: %s}, spec: {"
			"cluster: c, gpus: whole, virtualMachines: [{name: vm-a}]}}\n"
			"---\n{apiVersion: hvgpu.dev/v1alpha1, kind: GpuAssignment, metadata: {name: m}, spec: {"
			"cluster: c, gpus: vdi, virtualMachines: [{name: vm-b}]}}\n";
		g_autofree char *manifests = g_strdup_printf(text, first ? "a" : "z");
		struct scene *scene = scene_new(false, 1, 2, 1);
		scene_gpu(scene, 0, 1)->name = "NVIDIA L40";
		scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
		scene_gpu(scene, 0, 1)->count = UNKNOWN;
		owe_both(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0));
		owe_both(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0));
		const struct plan *plan = scene_plan_as(scene, manifests, (struct plan_input){ .mode = PLAN_RESTORE });
		assert_string_equal(only_refusal(plan, "host/hv01/vm/vm-a")->what, "what it is owed");
		assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-b"));
		scene_free(scene);
	}
}

/* Each of them once, and all start. */
static void where_many_lack_room_each_starts_without(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	static const char *const names[] = { "vm-a", "vm-b", "vm-c" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		owe_both(scene, scene_vm(scene, names[i], 0, VM_OFF, 0));
	const struct plan *plan = scene_plan_as(
		scene, scene_manifests(scene, 1, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
	assert_int_equal(plan->n_refusals, 2);
	assert_string_not_equal(plan->refusals[0].subject, plan->refusals[1].subject);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	assert_int_equal(scene_count(plan, STEP_START_VM), 3);
	scene_free(scene);
}

static void host_without_any_is_not_called_full(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	owe_both(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0));
	scene_gpu(scene, 0, 0)->state = GPU_FAILED;
	scene_gpu(scene, 0, 0)->count = UNKNOWN;
	const struct plan *plan = scene_plan_as(
		scene, scene_manifests(scene, 1, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
	bool is_said = false;
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		is_said |= strcmp(plan->refusals[i].subject, "host/hv01/vm/vm-a") == 0 &&
			   strstr(plan->refusals[i].reason, "'hv01' has no partitions; make some");
	assert_true(is_said);
	scene_free(scene);
}

/* Who lets go of two makes room for two. */
static void two_parts_of_one_vm_are_room_for_two(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	struct vm *both = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct adapter *two = arena_array(scene->arena, struct adapter, 2);
	two[0] = two[1] = both->adapters[0];
	both->adapters = two;
	both->n_adapters = 2;
	owe_both(scene, both);
	owe_start(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), "dead");
	const struct plan *plan = scene_plan_as(
		scene, scene_manifests(scene, 1, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
	only_refusal(plan, "host/hv01/vm/vm-a");
	assert_int_equal(scene_count(plan, STEP_START_VM), 2);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vms_that_fit_exactly_are_not_refused),
		cmocka_unit_test(vm_that_is_off_takes_no_room),
		cmocka_unit_test(unmanaged_vm_takes_room_and_who_is_new_is_refused),
		cmocka_unit_test(count_is_refused_when_one_host_is_short_of_room),
		cmocka_unit_test(count_is_refused_when_a_gpu_has_no_room_for_its_pins),
		cmocka_unit_test(owed_start_is_paid_without_the_partition_that_has_no_room),
		cmocka_unit_test(of_two_owed_starts_the_one_of_another_run_waits),
		cmocka_unit_test(who_can_start_without_its_part_does),
		cmocka_unit_test(who_was_drained_comes_before_whom_another_run_left_down),
		cmocka_unit_test(who_changes_kind_yields_to_who_was_drained),
		cmocka_unit_test(where_many_lack_room_each_starts_without),
		cmocka_unit_test(host_without_any_is_not_called_full),
		cmocka_unit_test(two_parts_of_one_vm_are_room_for_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
