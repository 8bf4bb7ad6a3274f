/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static const struct refusal *only_refusal(const struct plan *plan, enum diag_code code)
{
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, code);
	return &plan->refusals[0];
}

static bool has_fact(const struct refusal *refusal, const char *part)
{
	for (uint32_t i = 0; i < refusal->n_facts; i++)
		if (strstr(refusal->facts[i], part))
			return true;
	return false;
}

static struct scene *three_hosts(uint32_t count, uint32_t running)
{
	struct scene *scene = scene_new(true, 3, 2, count);
	scene_run(scene, running);
	return scene;
}

/* ---- plans of world.md section 3 ---- */

static void row_7_budget_names_the_least_that_allows_it(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	struct plan *plan =
		scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 50% }\n"));
	const struct refusal *refusal = only_refusal(plan, D_BUDGET);
	assert_string_equal(refusal->remedy, "rollout.maxUnavailable: 100%; the plan then restarts 12 VMs");
	assert_int_equal(refusal->n_facts, 3);
	assert_string_equal(refusal->facts[0],
		"12 VMs run and could be on GPUs whose count changes: 'vm-00', 'vm-03', 'vm-06' and 9 more");
	assert_string_equal(
		refusal->facts[1], "rollout.strategy is Homogeneous: the counts of all hosts change in one go");
	assert_string_equal(refusal->facts[2], "rollout.maxUnavailable allows 6 of 12 VMs to be down");
	scene_free(scene);
}

static void budget_that_rolling_would_exceed_too_has_no_such_fact(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 3 }\n"));
	const struct refusal *refusal = only_refusal(plan, D_BUDGET);
	assert_string_equal(refusal->remedy, "rollout.maxUnavailable: 12; the plan then restarts 12 VMs");
	assert_false(has_fact(refusal, "Homogeneous"));
	assert_true(has_fact(refusal, "allows 3 of 12"));
	scene_free(scene);
}

static void budget_of_a_rolling_plan_is_raised_to_the_busiest_host(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	struct plan *plan = scene_plan(
		scene, scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 2, strategy: Rolling }\n"));
	const struct refusal *refusal = only_refusal(plan, D_BUDGET);
	assert_string_equal(refusal->remedy, "rollout.maxUnavailable: 4; the plan then restarts 12 VMs");
	scene_free(scene);
}

static void row_8_room_names_the_nearest_count(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 24);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	const struct refusal *refusal = only_refusal(plan, D_CAPACITY);
	assert_string_equal(refusal->remedy, "gpus[vdi].partitionCount: 4");
	assert_int_equal(refusal->n_facts, 2);
	assert_string_equal(refusal->facts[0], "24 VMs run with a partition");
	assert_string_equal(refusal->facts[1], "partition count 2 gives 12 partitions on 6 GPUs");
	scene_free(scene);
}

static void row_12_stranger_may_be_cycled(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(8, 12);
	scene_vm(scene, "lab", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	const struct refusal *refusal = only_refusal(plan, D_UNMANAGED);
	assert_string_equal(refusal->remedy, "unmanaged: Cycle; the plan then restarts 13 VMs");
	assert_int_equal(refusal->n_facts, 2);
	assert_true(has_fact(refusal, "VM 'lab' on 'hv01'"));
	assert_true(has_fact(refusal, "unmanaged is Report"));
	scene_free(scene);
}

static void row_19_missing_host_may_be_in_maintenance(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	scene->missing = "hv03";
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	const struct refusal *refusal = only_refusal(plan, D_HOSTS_MISSING);
	assert_string_equal(refusal->remedy, "hosts[hv03].maintenance: true; the plan then restarts 8 VMs");
	assert_int_equal(refusal->n_facts, 2);
	assert_string_equal(refusal->facts[0], "'hv03' was not observed");
	scene_free(scene);
}

static struct scene *two_gpus_apart(void)
{
	struct scene *scene = scene_new(true, 1, 2, 4);
	for (uint32_t g = 0; g < 2; g++)
		scene_gpu(scene, 0, g)->mitigation_driver = TRI_YES;
	return scene;
}

static char *whole(struct scene *scene, const char *more)
{
	return arena_printf(scene->arena,
		"%s    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { pool: p, %s } }\n",
		scene_manifests(scene, 4, NULL, NULL), more);
}

static void row_23_pinned_adapter_of_a_stranger_is_lost_to_remove_alone(void **state)
{
	(void)state;
	struct scene *scene = two_gpus_apart();
	struct vm *vm = scene_vm(scene, "lab", 0, VM_OFF, 0);
	((struct adapter *)vm->adapters)->pin = scene_path(0);
	((struct adapter *)vm->adapters)->pinned = TRI_YES;
	struct plan *plan = scene_plan(
		scene, whole(scene, arena_printf(scene->arena, "locationPaths: { hv01: [ \"%s\" ] }", scene_path(0))));
	const struct refusal *refusal = only_refusal(plan, D_PINNED);
	assert_string_equal(refusal->remedy, "unmanaged: Remove");
	assert_true(has_fact(refusal, "VM 'lab' on 'hv01'"));
	assert_true(has_fact(refusal, "unmanaged is Report"));
	scene_free(scene);
}

/* ---- others ---- */

static void security_decision_is_named_as_one(void **state)
{
	(void)state;
	struct scene *scene = two_gpus_apart();
	for (uint32_t g = 0; g < 2; g++)
		scene_gpu(scene, 0, g)->mitigation_driver = TRI_NO;
	struct plan *plan = scene_plan(scene, whole(scene, "perHost: 1"));
	const struct refusal *refusal = only_refusal(plan, D_MITIGATION);
	assert_true(g_str_has_prefix(refusal->remedy, "gpus[whole].passthrough.dismount: Force (a security decision"));
	assert_int_equal(refusal->n_facts, 2);
	scene_free(scene);
}

static void saved_vm_has_no_remedy_in_the_manifest(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_SAVED, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	const struct refusal *refusal = only_refusal(plan, D_VM_STATE);
	assert_null(refusal->remedy);
	assert_int_equal(refusal->n_facts, 1);
	assert_string_equal(refusal->facts[0], "VM 'vm-a' is Saved");
	scene_free(scene);
}

static void two_hindrances_have_no_remedy_of_one_change(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(8, 12);
	scene_vm(scene, "lab", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-saved", 1, VM_SAVED, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 1);
	assert_null(plan->refusals[0].remedy);
	scene_free(scene);
}

/* One change helps all GPUs: it is told with each of them, with one trial. */
static void same_remedy_stands_with_every_part_that_it_helps(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 8, 8, 4);
	for (uint32_t h = 0; h < 8; h++)
		for (uint32_t g = 0; g < 8; g++)
			scene_gpu(scene, h, g)->mitigation_driver = TRI_NO;
	struct plan *plan = scene_plan(scene, whole(scene, "perHost: 7"));
	assert_int_equal(plan->n_refusals, 56);
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		assert_non_null(plan->refusals[i].remedy);
	scene_free(scene);
}

static void stop_method_never_is_told(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	struct plan *plan =
		scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { stop: { method: Never } }\n"));
	const struct refusal *refusal = only_refusal(plan, D_STOP_NEVER);
	assert_string_equal(refusal->remedy, "rollout.stop.method: Shutdown; the plan then restarts 12 VMs");
	assert_true(has_fact(refusal, "rollout.stop.method is Never"));
	scene_free(scene);
}

static void window_becomes_as_long_as_it_must(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 24);
	struct plan *plan = scene_plan(scene,
		scene_manifests(scene, 8, "vm-*", "  rollout: { windows: [{ start: \"01:00\", duration: 5m }] }\n"));
	const struct refusal *refusal = only_refusal(plan, D_WINDOW_SHORT);
	assert_string_equal(refusal->remedy, "rollout.windows[0].duration: 30m; the plan then restarts 24 VMs");
	assert_true(has_fact(refusal, "open for 5m"));
	scene_free(scene);
}

static void what_was_done_before_is_not_given_up(void **state)
{
	(void)state;
	/* vm-a moves as Required; vm-b cannot. 'Preferred' for both would leave vm-a where it is */
	struct scene *scene = scene_new(true, 3, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct vm *vm = scene_vm(scene, "vm-b", 0, VM_OFF, 0);
	((struct adapter *)vm->adapters)->pin = scene_path(0);
	((struct adapter *)vm->adapters)->pinned = TRI_YES;
	char *manifests = arena_printf(scene->arena,
		"%s---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: at }\n"
		"spec: { cluster: c, gpus: vdi, placement: Required,\n"
		"  virtualMachines: [{ name: vm-a, host: hv02 }, { name: vm-b, host: hv03 }] }\n",
		scene_manifests(scene, 4, NULL, NULL));
	struct plan *plan = scene_plan(scene, manifests);
	const struct refusal *refusal = only_refusal(plan, D_PLACEMENT);
	assert_int_equal(scene_count(plan, STEP_MOVE_VM), 1);
	assert_null(refusal->remedy);
	scene_free(scene);
}

/* One partition of the whole GPU would be large enough, and not enough for three VMs: that is another matter. */
static void partitions_too_small_are_told_for_every_vm(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 8);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, i == 0 ? "vm-a" : i == 1 ? "vm-b" : "vm-c", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene,
		arena_printf(scene->arena, "%s  requires: { vram: 6Gi }\n", scene_manifests(scene, 8, "vm-*", NULL)));
	assert_int_equal(plan->n_refusals, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(plan->refusals[i].code, D_VRAM);
		assert_int_equal(plan->refusals[i].n_facts, 2);
		assert_true(has_fact(&plan->refusals[i], "requires partitions of 6144 MiB"));
		assert_true(has_fact(&plan->refusals[i], "partition count 8 makes partitions of 1900 MiB"));
	}
	scene_free(scene);
}

static void trial_and_way_back_look_for_nothing(void **state)
{
	(void)state;
	struct scene *scene = three_hosts(4, 12);
	char *manifests = scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 50% }\n");
	struct plan *trial = scene_plan_as(scene, manifests, (struct plan_input){ .is_trial = true });
	assert_null(only_refusal(trial, D_BUDGET)->remedy);
	static const char *const frozen[] = { "host/hv01/vm/other" };
	struct plan *back = scene_plan_as(scene, manifests, (struct plan_input){ .frozen = frozen, .n_frozen = 1 });
	assert_null(only_refusal(back, D_BUDGET)->remedy);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_7_budget_names_the_least_that_allows_it),
		cmocka_unit_test(budget_that_rolling_would_exceed_too_has_no_such_fact),
		cmocka_unit_test(budget_of_a_rolling_plan_is_raised_to_the_busiest_host),
		cmocka_unit_test(row_8_room_names_the_nearest_count),
		cmocka_unit_test(row_12_stranger_may_be_cycled),
		cmocka_unit_test(row_19_missing_host_may_be_in_maintenance),
		cmocka_unit_test(row_23_pinned_adapter_of_a_stranger_is_lost_to_remove_alone),
		cmocka_unit_test(security_decision_is_named_as_one),
		cmocka_unit_test(saved_vm_has_no_remedy_in_the_manifest),
		cmocka_unit_test(two_hindrances_have_no_remedy_of_one_change),
		cmocka_unit_test(same_remedy_stands_with_every_part_that_it_helps),
		cmocka_unit_test(stop_method_never_is_told),
		cmocka_unit_test(window_becomes_as_long_as_it_must),
		cmocka_unit_test(what_was_done_before_is_not_given_up),
		cmocka_unit_test(partitions_too_small_are_told_for_every_vm),
		cmocka_unit_test(trial_and_way_back_look_for_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
