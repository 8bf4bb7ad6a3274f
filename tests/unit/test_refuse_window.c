/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/gate.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

/* What row 5 of the plans worked by hand needs: all at once, and the longest of its units when it rolls. */
static uint32_t needs_of(const char *strategy)
{
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	g_autofree char *more = g_strdup_printf("  rollout: { strategy: %s }\n", strategy);
	uint32_t needs = gate_needs(scene_plan(scene, scene_manifests(scene, 8, "vm-*", more)), NULL);
	scene_free(scene);
	return needs;
}

static struct plan *plan_with(struct scene *scene, const char *strategy, uint32_t window_s, const char *more_windows)
{
	return scene_plan(scene,
		scene_manifests(scene, 8, "vm-*",
			arena_printf(scene->arena,
				"  rollout: { strategy: %s, windows: [{ start: \"01:00\", duration: %us }%s] }\n",
				strategy, window_s, more_windows)));
}

static void check_border(const char *strategy)
{
	uint32_t needs = needs_of(strategy);
	assert_true(needs > 60);
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = plan_with(scene, strategy, needs - 1, "");
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_WINDOW_SHORT);
	assert_string_equal(plan->refusals[0].subject, "group/vdi");
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_int_equal(plan_with(scene, strategy, needs, "")->n_steps, 54);
	assert_int_equal(plan_with(scene, strategy, 60, ", { start: \"05:00\", duration: 4h }")->n_steps, 54);
	scene_free(scene);
}

static void change_that_no_window_holds_is_refused(void **state)
{
	(void)state;
	check_border("Homogeneous");
}

static void unit_that_no_window_holds_is_refused(void **state)
{
	(void)state;
	check_border("Rolling");
	assert_true(needs_of("Rolling") <= needs_of("Homogeneous"));
}

static void refusal_says_how_long_and_what_to_do(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	const char *reason = plan_with(scene, "Homogeneous", 60, "")->refusals[0].reason;
	assert_non_null(strstr(reason, "the longest window is open for 1m; make a window longer"));
	assert_null(strstr(reason, "Rolling")); /* which would not do either */
	scene_free(scene);
}

static void refusal_names_rolling_where_it_would_do(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 2, 8);
	for (uint32_t i = 0; i < 6; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%u", i), 0, VM_RUNNING, -1);
	struct plan *plan = plan_with(scene, "Homogeneous", 150, "");
	assert_int_equal(plan->n_refusals, 6);
	assert_non_null(strstr(plan->refusals[0].reason, "or choose strategy Rolling, which needs about"));
	plan = plan_with(scene, "Rolling", 150, "");
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(scene_count(plan, STEP_STOP_VM), 6);
	scene_free(scene);
}

/* What fits is still served: a VM that is off needs no window at all. */
static void what_stops_nobody_is_served_all_the_same(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 8);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, -1);
	struct plan *plan = plan_with(scene, "Homogeneous", 10, "");
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].subject, "host/hv02/vm/vm-b");
	assert_int_equal(plan->n_steps, 1);
	assert_int_equal(plan->steps[0].kind, STEP_ADD_ADAPTER);
	scene_free(scene);
}

static void plan_that_stops_nobody_needs_no_window(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	struct plan *plan = plan_with(scene, "Homogeneous", 1, "");
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 6);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_that_no_window_holds_is_refused),
		cmocka_unit_test(unit_that_no_window_holds_is_refused),
		cmocka_unit_test(refusal_says_how_long_and_what_to_do),
		cmocka_unit_test(refusal_names_rolling_where_it_would_do),
		cmocka_unit_test(what_stops_nobody_is_served_all_the_same),
		cmocka_unit_test(plan_that_stops_nobody_needs_no_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
