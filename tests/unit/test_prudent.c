/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/prudent.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

static struct plan *prudent(struct scene *scene, const char *manifests)
{
	scene_plan(scene, manifests);
	const struct plan_input input = { .spec = scene->spec,
		.cluster = &scene->spec->clusters[0],
		.observed = scene->world,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW };
	return prudent_plan(scene->arena, &input);
}

/* The VM is pinned, and the other one could be on its GPU once it is off: nobody knows whether it would start again. */
static void put_at_risk(struct scene *scene)
{
	struct adapter *adapter = (struct adapter *)scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->adapters;
	adapter->pin = scene_path(0);
	adapter->pinned = TRI_YES;
	((struct adapter *)scene_vm(scene, "vm-b", 0, VM_RUNNING, 1)->adapters)->gpus = 3;
}

static void part_without_a_way_back_is_refused_and_the_rest_goes_on(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 2, 1);
	put_at_risk(scene);
	scene_vm(scene, "vm-c", 1, VM_RUNNING, -1);
	const struct plan *plan = prudent(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_NO_WAY_BACK);
	assert_string_equal(plan->refusals[0].subject, "group/vdi");
	assert_non_null(strstr(plan->refusals[0].reason, "VM 'vm-a' would stay off"));
	assert_true(plan->refusals[0].loc.line > 0);
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_int_equal(plan->cost.vms_stopped, 1);
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-c"));
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 0);
	scene_free(scene);
}

static void plan_with_ways_back_is_the_planners(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	scene_run(scene, 4);
	const struct plan *plan = prudent(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 4);
	assert_int_equal(plan->cost.vms_stopped, 4);
	scene_free(scene);
}

/* What is down already comes back, whatever else is refused. */
static void debt_is_paid_all_the_same(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 2, 1);
	put_at_risk(scene);
	struct vm *down = scene_vm(scene, "vm-d", 1, VM_OFF, 0);
	scene_owe_start(scene, down, 60);
	const struct plan *plan = prudent(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->refusals[0].code, D_NO_WAY_BACK);
	assert_int_equal(plan->n_steps, 1);
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-d"));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_without_a_way_back_is_refused_and_the_rest_goes_on),
		cmocka_unit_test(plan_with_ways_back_is_the_planners),
		cmocka_unit_test(debt_is_paid_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
