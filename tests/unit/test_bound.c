/* SPDX-License-Identifier: Apache-2.0 */
/* Each term of the lower bound (docs/bound.md), by a plan that has it and one that has not. */
#include "reconcile/bound.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#define SCENE(name, ...) struct scene *name = scene_new(__VA_ARGS__)

/* Cluster c with 'groups' as they stand in the manifest, and whatever follows it. */
static const char *manifests(struct scene *scene, const char *groups, const char *rest)
{
	g_auto(GStrv) parts = g_strsplit(scene_manifests(scene, 4, NULL, NULL), "    - { name: vdi", 2);
	return arena_printf(scene->arena, "%s%s%s", parts[0], groups, rest);
}

static const char *assignment(struct scene *scene, const char *group, const char *pattern)
{
	return arena_printf(scene->arena,
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: to-%s }\nspec: { cluster: "
		"c, gpus: %s, match: { namePattern: \"%s\" } }\n",
		group, group, pattern);
}

#define VDI "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n"
#define WHOLE(n) "    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: " #n " } }\n"

static void assert_least(const struct plan *plan, uint32_t stops, uint32_t moves, uint32_t roles)
{
	assert_true(plan->least.known);
	assert_int_equal(plan->least.vms_stopped, stops);
	assert_int_equal(plan->least.vms_moved, moves);
	assert_int_equal(plan->least.role_changes, roles);
	assert_true(plan->cost.vms_stopped >= stops);
	assert_true(plan->cost.vms_moved >= moves);
	assert_true(plan->cost.role_changes >= roles);
}

static void count_that_changes_stops_all_who_could_be_on_it(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	assert_least(scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL)), 12, 0, 0);
	scene_free(scene);
}

static void count_that_is_right_stops_nobody(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	scene_gpu(scene, 1, 1)->count = KNOWN(8);
	assert_least(scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL)), 2, 0, 0);
	scene_free(scene);
}

static void vm_of_which_the_host_cannot_tell_counts_once(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	((struct adapter *)scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->adapters)->gpus = 0;
	assert_least(scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL)), 1, 0, 0);
	scene_free(scene);
}

static void running_vm_that_is_to_gain_a_partition_is_stopped(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	scene_vm(scene, "vm-c", 0, VM_RUNNING, 0);
	assert_least(scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL)), 1, 0, 0);
	scene_free(scene);
}

static void running_vm_that_is_pruned_is_stopped(void **state)
{
	(void)state;
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "vdi" };
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "old", 0, VM_RUNNING, 0)->record = &ours;
	assert_least(scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL)), 1, 0, 0);
	scene_free(scene);
}

static void passthrough_stops_as_few_as_the_best_gpu_has(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 3, 4);
	for (int i = 0; i < 6; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, i < 3 ? 0 : i < 4 ? 1 : 2);
	const char *text = manifests(scene, WHOLE(1) VDI, assignment(scene, "vdi", "vm-*"));
	assert_least(scene_plan(scene, text), 1, 0, 1);
	scene_free(scene);
}

static void vm_that_nobody_may_stop_rules_its_gpu_out(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	assert_least(scene_plan(scene, manifests(scene, WHOLE(1) VDI, assignment(scene, "vdi", "vm-*"))), 2, 0, 1);
	scene_free(scene);
}

static void vm_that_stops_anyway_is_not_counted_again(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 1);
	const char *more = arena_printf(
		scene->arena, "%s%s", assignment(scene, "vdi", "vm-*"), assignment(scene, "whole", "ai-*"));
	assert_least(scene_plan(scene, manifests(scene, WHOLE(1) VDI, more)), 1, 0, 1);
	scene_free(scene);
}

static void location_path_leaves_no_choice(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	const char *groups = arena_printf(scene->arena,
		"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { locationPaths: { hv01: [\"%s\"] } } "
		"}\n" VDI,
		scene_path(0));
	assert_least(scene_plan(scene, manifests(scene, groups, assignment(scene, "vdi", "vm-*"))), 1, 0, 1);
	scene_free(scene);
}

static void gpu_that_is_dismounted_costs_no_role_change_until_it_must_come_back(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	struct gpu *gpu = scene_gpu(scene, 0, 0);
	gpu->state = GPU_DISMOUNTED;
	gpu->count = UNKNOWN;
	gpu->n_valid_counts = 0;
	assert_least(scene_plan(scene, manifests(scene, WHOLE(1) VDI, "")), 0, 0, 0);
	assert_least(scene_plan(scene, manifests(scene, VDI, "")), 0, 0, 1);
	scene_free(scene);
}

static void whole_gpu_of_a_running_vm_comes_back_only_with_a_stop(void **state)
{
	(void)state;
	static const char *const members[] = { "PCIROOT(10)#PCI(0100)" };
	static const struct pool pool = { "hvgpu-c-whole", members, 1 };
	static const struct device device = { .pool = "hvgpu-c-whole" };
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "whole" };
	SCENE(scene, true, 1, 2, 4);
	scene->hosts[0].host.pools = &pool;
	scene->hosts[0].host.n_pools = 1;
	scene_gpu(scene, 0, 0)->state = GPU_DISMOUNTED;
	scene_gpu(scene, 0, 0)->count = UNKNOWN;
	struct vm *vm = scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	vm->devices = &device;
	vm->n_devices = 1;
	vm->record = &ours;
	vm->cache_control = true;
	assert_least(scene_plan(scene, manifests(scene, VDI, "")), 1, 0, 1);
	scene_free(scene);
}

static void what_is_refused_does_not_count(void **state)
{
	(void)state;
	SCENE(scene, true, 2, 2, 4);
	scene_run(scene, 4);
	scene_vm(scene, "vm-saved", 0, VM_SAVED, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 1);
	assert_least(plan, 0, 0, 0);
	scene_free(scene);
}

static void vms_that_do_not_fit_must_leave(void **state)
{
	(void)state;
	SCENE(scene, true, 2, 2, 4);
	for (int i = 0; i < 7; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, i / 4);
	struct plan *plan = scene_plan(scene, manifests(scene, WHOLE(1) VDI, assignment(scene, "vdi", "vm-*")));
	assert_int_equal(plan->n_refusals, 0);
	assert_least(plan, 3, 3, 2);
	scene_free(scene);
}

static void required_host_costs_a_move(void **state)
{
	(void)state;
	SCENE(scene, true, 2, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	const char *line =
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: there }\nspec: { "
		"cluster: c, gpus: vdi, placement: Required, virtualMachines: [{ name: vm-a, host: hv02 }] }\n";
	assert_least(scene_plan(scene, manifests(scene, VDI, line)), 1, 1, 0);
	scene_free(scene);
}

static void vm_that_can_move_live_is_not_said_to_stop(void **state)
{
	(void)state;
	SCENE(scene, true, 2, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	((struct adapter *)vm->adapters)->outgoing_live_migration = TRI_YES;
	scene->hosts[0].host.can_command_moves = TRI_YES;
	scene_gpu(scene, 1, 0)->incoming_live_migration = TRI_YES;
	const char *line =
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: there }\nspec: { "
		"cluster: c, gpus: vdi, placement: Required, virtualMachines: [{ name: vm-a, host: hv02 }] }\n";
	assert_least(scene_plan(scene, manifests(scene, VDI, line)), 0, 1, 0);
	scene_free(scene);
}

static void vm_that_makes_room_by_a_live_move_is_not_said_to_stop(void **state)
{
	(void)state;
	SCENE(scene, true, 2, 2, 4);
	scene->hosts[0].host.can_command_moves = TRI_YES;
	scene->hosts[1].host.memory_free_bytes = KNOWN((uint64_t)1 << 36);
	for (uint32_t g = 0; g < 2; g++)
		scene_gpu(scene, 1, g)->incoming_live_migration = TRI_YES;
	for (int i = 0; i < 5; i++) {
		struct vm *vm = scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, i / 4);
		vm->memory_bytes = KNOWN((uint64_t)1 << 32);
		((struct adapter *)vm->adapters)->outgoing_live_migration = i < 4 ? TRI_NO : TRI_YES;
	}
	const char *groups = arena_printf(scene->arena,
		"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { locationPaths: { hv01: "
		"[\"%s\"] } } }\n" VDI,
		scene_path(1));
	struct plan *plan = scene_plan(scene, manifests(scene, groups, assignment(scene, "vdi", "vm-*")));
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->cost.vms_stopped, 0);
	assert_least(plan, 0, 1, 1);
	scene_free(scene);
}

static void too_many_choices_leave_what_all_of_them_share(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 8, 4);
	scene_gpu(scene, 0, 3)->state = GPU_DISMOUNTED;
	for (int i = 0; i < 8; i++)
		if (i != 3)
			scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, i);
	scene_vm(scene, "vm-new", 0, VM_RUNNING, -1);
	const char *groups = "    - { name: a, match: { model: NVIDIA A2 }, passthrough: { perHost: 2 } }\n"
			     "    - { name: b, match: { model: NVIDIA A2 }, passthrough: { perHost: 2 } }\n"
			     "    - { name: d, match: { model: NVIDIA A2 }, passthrough: { perHost: 1 } }\n" VDI;
	struct plan *plan = scene_plan(scene, manifests(scene, groups, assignment(scene, "vdi", "vm-*")));
	assert_int_equal(plan->n_refusals, 0);
	assert_least(plan, 1, 0, 4);
	assert_int_equal(plan->cost.vms_stopped, 5);
	scene_free(scene);
}

static void trial_and_restore_have_none(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	const char *text = scene_manifests(scene, 8, "vm-*", NULL);
	assert_false(scene_plan_as(scene, text, (struct plan_input){ .is_trial = true })->least.known);
	assert_least(scene_plan_as(scene, text, (struct plan_input){ .mode = PLAN_RESTORE }), 0, 0, 0);
	assert_least(scene_plan_as(scene, text, (struct plan_input){ 0 }), 1, 0, 0);
	scene_free(scene);
}

static void plan_that_only_looks_has_none(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 1, 4);
	struct gpu *gpu = scene_gpu(scene, 0, 0);
	gpu->state = GPU_DISMOUNTED;
	gpu->count = UNKNOWN;
	gpu->n_valid_counts = 0;
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, NULL, NULL));
	assert_false(plan->complete);
	assert_false(plan->least.known);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_that_changes_stops_all_who_could_be_on_it),
		cmocka_unit_test(count_that_is_right_stops_nobody),
		cmocka_unit_test(vm_of_which_the_host_cannot_tell_counts_once),
		cmocka_unit_test(running_vm_that_is_to_gain_a_partition_is_stopped),
		cmocka_unit_test(running_vm_that_is_pruned_is_stopped),
		cmocka_unit_test(passthrough_stops_as_few_as_the_best_gpu_has),
		cmocka_unit_test(vm_that_nobody_may_stop_rules_its_gpu_out),
		cmocka_unit_test(vm_that_stops_anyway_is_not_counted_again),
		cmocka_unit_test(location_path_leaves_no_choice),
		cmocka_unit_test(gpu_that_is_dismounted_costs_no_role_change_until_it_must_come_back),
		cmocka_unit_test(whole_gpu_of_a_running_vm_comes_back_only_with_a_stop),
		cmocka_unit_test(what_is_refused_does_not_count),
		cmocka_unit_test(vms_that_do_not_fit_must_leave),
		cmocka_unit_test(required_host_costs_a_move),
		cmocka_unit_test(vm_that_can_move_live_is_not_said_to_stop),
		cmocka_unit_test(vm_that_makes_room_by_a_live_move_is_not_said_to_stop),
		cmocka_unit_test(too_many_choices_leave_what_all_of_them_share),
		cmocka_unit_test(trial_and_restore_have_none),
		cmocka_unit_test(plan_that_only_looks_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
