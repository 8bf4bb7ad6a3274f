/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/retreat.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#define RUN "this"

/* The same input that the plan was made with. */
static struct plan_input input_of(struct scene *scene)
{
	return (struct plan_input){ .spec = scene->spec,
		.cluster = &scene->spec->clusters[0],
		.observed = scene->world,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.live_run = RUN };
}

static uint32_t index_of(const struct plan *plan, enum step_kind kind, const char *vm)
{
	return scene_step(plan, kind, vm)->id - 1;
}

/* Everything that the step needs, and nothing else. */
static void set_needed(const struct plan *plan, uint32_t step, bool *done)
{
	for (uint32_t i = 0; i < plan->steps[step].n_after; i++) {
		done[plan->steps[step].after[i] - 1] = true;
		set_needed(plan, plan->steps[step].after[i] - 1, done);
	}
}

static void count_change_has_a_way_back_from_everywhere(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	struct retreat_gap gap;
	assert_int_equal(plan->n_steps, 54);
	assert_true(retreat_everywhere(retreat_new(scene->arena, plan, &input), scene->arena, &gap));
	scene_free(scene);
}

/* The VM is pinned, and the other one could be on its GPU once it is off: nobody knows whether it would start again. */
static const struct plan *plan_with_a_gap(struct scene *scene)
{
	struct vm *pinned = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct adapter *adapter = (struct adapter *)pinned->adapters;
	adapter->pin = scene_path(0);
	adapter->pinned = TRI_YES;
	struct vm *other = scene_vm(scene, "vm-b", 0, VM_RUNNING, 1);
	((struct adapter *)other->adapters)->gpus = 3;
	return scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
}

static void gap_is_found_and_names_the_vm(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 1);
	const struct plan *plan = plan_with_a_gap(scene);
	struct plan_input input = input_of(scene);
	struct retreat *retreat = retreat_new(scene->arena, plan, &input);
	struct retreat_gap gap = { 0 };
	bool done[64] = { false };
	done[index_of(plan, STEP_STOP_VM, "vm-a")] = true;
	assert_false(retreat_at(retreat, scene->arena, done, NO_INDEX, false, &gap));
	assert_string_equal(gap.reason, "VM 'vm-a' would stay off");
	assert_false(retreat_everywhere(retreat, scene->arena, &gap));
	assert_string_equal(gap.reason, "VM 'vm-a' would stay off");
	scene_free(scene);
}

/* Of two partitions, of which one is allowed, one comes back: that is no loss. */
static void vm_with_more_than_is_allowed_may_be_drained(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct adapter *two = arena_array(scene->arena, struct adapter, 2);
	two[0] = two[1] = vm->adapters[0];
	two[1].id = "Microsoft:second";
	vm->adapters = two;
	vm->n_adapters = 2;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	struct retreat *retreat = retreat_new(scene->arena, plan, &input);
	struct retreat_gap gap = { 0 };
	assert_int_equal(scene_count(plan, STEP_REMOVE_ADAPTER), 2);
	assert_true(retreat_everywhere(retreat, scene->arena, &gap));
	scene_free(scene);
}

static void failed_vm_itself_is_no_gap(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	struct retreat *retreat = retreat_new(scene->arena, plan, &input);
	struct retreat_gap gap;
	bool done[64] = { false };
	uint32_t start = index_of(plan, STEP_START_VM, "vm-a");
	set_needed(plan, start, done);
	assert_true(retreat_at(retreat, scene->arena, done, start, false, &gap));
	scene_free(scene);
}

/* Who is new gets its partition only when it is free: else neither could start were the stop to fail. */
static void who_gives_up_does_so_before_another_gains(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "vdi" };
	scene_vm(scene, "old", 0, VM_RUNNING, 0)->record = &ours;
	scene_vm(scene, "vm-new", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	bool before_add[64] = { false };
	struct retreat_gap gap;
	set_needed(plan, index_of(plan, STEP_ADD_ADAPTER, "vm-new"), before_add);
	assert_true(before_add[index_of(plan, STEP_REMOVE_ADAPTER, "old")]);
	assert_true(retreat_everywhere(retreat_new(scene->arena, plan, &input), scene->arena, &gap));
	scene_free(scene);
}

/* A VM that is down and gets a partition could not start with it as long as its host would save it. */
static void offline_action_is_set_before_the_partition_is_given(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct debt debt = {
		.run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	vm->debt = &debt;
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	struct retreat_gap gap;
	assert_int_equal(plan->n_steps, 3);
	assert_true(retreat_everywhere(retreat_new(scene->arena, plan, &input), scene->arena, &gap));
	scene_free(scene);
}

/* One that has a partition and goes down for a count would not start again with automatic checkpoints on. */
static void live_settings_are_changed_before_the_stop(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->automatic_checkpoints = true;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	struct plan_input input = input_of(scene);
	struct retreat_gap gap;
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->cost.vms_stopped, 1);
	assert_true(retreat_everywhere(retreat_new(scene->arena, plan, &input), scene->arena, &gap));
	scene_free(scene);
}

static void move_that_fails_freezes_the_move_alone(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct step step = { .kind = STEP_MOVE_VM, .host_name = "hv01", .vm_id = "1", .vm_name = "vm-a" };
	assert_string_equal(retreat_frozen(arena, &step), "host/hv01/vm/vm-a/move");
	step.kind = STEP_STOP_VM;
	assert_string_equal(retreat_frozen(arena, &step), "host/hv01/vm/vm-a");
	step = (struct step){ .kind = STEP_SET_COUNT, .host_name = "hv01", .location_path = "P" };
	assert_string_equal(retreat_frozen(arena, &step), "host/hv01/gpu/P");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_change_has_a_way_back_from_everywhere),
		cmocka_unit_test(gap_is_found_and_names_the_vm),
		cmocka_unit_test(vm_with_more_than_is_allowed_may_be_drained),
		cmocka_unit_test(failed_vm_itself_is_no_gap),
		cmocka_unit_test(who_gives_up_does_so_before_another_gains),
		cmocka_unit_test(offline_action_is_set_before_the_partition_is_given),
		cmocka_unit_test(live_settings_are_changed_before_the_stop),
		cmocka_unit_test(move_that_fails_freezes_the_move_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
