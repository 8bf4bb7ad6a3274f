/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#define NEVER "  rollout: { stop: { method: Never } }\n"

static void never_to_be_stopped_refuses_the_count_and_names_a_vm(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NEVER));
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_STOP_NEVER);
	assert_string_equal(plan->refusals[0].subject, "group/vdi");
	assert_non_null(strstr(plan->refusals[0].reason, "'vm-00'"));
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	scene_free(scene);
}

static void never_to_be_stopped_serves_who_is_off(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NEVER));
	assert_int_equal(plan->n_steps, 1);
	assert_string_equal(plan->steps[0].vm_name, "vm-a");
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-b");
	assert_int_equal(plan->refusals[0].code, D_STOP_NEVER);
	scene_free(scene);
}

static void never_to_be_stopped_is_nothing_to_who_need_not_stop(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NEVER));
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->n_steps, 0);
	scene_free(scene);
}

static void stop_of_the_manifest_is_in_every_stop_step(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(
		scene, scene_manifests(scene, 8, "vm-*",
			       "  rollout: { stop: { method: Shutdown, timeout: 90s, onTimeout: TurnOff } }\n"));
	assert_int_equal(scene_count(plan, STEP_STOP_VM), 12);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		if (step->kind != STEP_STOP_VM)
			continue;
		assert_int_equal(step->stop_method, STOP_SHUTDOWN);
		assert_int_equal(step->stop_timeout_s, 90);
		assert_int_equal(step->on_timeout, ON_TIMEOUT_TURN_OFF);
	}
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_to_be_stopped_refuses_the_count_and_names_a_vm),
		cmocka_unit_test(never_to_be_stopped_serves_who_is_off),
		cmocka_unit_test(never_to_be_stopped_is_nothing_to_who_need_not_stop),
		cmocka_unit_test(stop_of_the_manifest_is_in_every_stop_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
