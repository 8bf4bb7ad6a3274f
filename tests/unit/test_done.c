/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/done.h"

#include "tests/lib/scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct world *with_steps(struct scene *scene, const struct plan *plan, uint32_t n)
{
	struct world *world = world_copy(scene->arena, plan->observed);
	for (uint32_t i = 0; i < n; i++) {
		struct delta delta = { 0 };
		assert_int_equal(step_simulate(scene->arena, world, &plan->steps[i], &delta, NULL), 0);
		delta_apply(world, &delta);
	}
	return world;
}

static void plan_is_done_only_after_its_changes(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	scene_run(scene, 4);
	scene_vm(scene, "vm-new", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	const struct change *which;
	assert_true(plan->n_steps > 0);
	assert_int_equal(done_of_plan(plan, plan->observed, &which), DONE_NOTHING);
	assert_null(which);
	assert_int_equal(done_of_plan(plan, with_steps(scene, plan, plan->n_steps), &which), DONE_ALL);
	uint32_t first_count = scene_step(plan, STEP_SET_COUNT, NULL)->id;
	assert_int_equal(done_of_plan(plan, with_steps(scene, plan, first_count), &which), DONE_PARTLY);
	assert_int_equal(which->kind, CHANGE_COUNT);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plan_is_done_only_after_its_changes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
