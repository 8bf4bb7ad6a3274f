/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule of the order is switched off in turn, over scenes that need it: the check must then reject the steps of at
 * least one. The others are named in not_checked[], with the reason.
 */
#include "tests/lib/order_scenes.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static bool passes(struct scene *scene, const struct plan *plan)
{
	return check_plan(scene->arena, plan->observed, plan, diags_new(scene->arena)) == 0;
}

static void scenes_are_planned_and_pass_with_all_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_order_scenes; i++) {
		struct scene *scene = NULL;
		const struct plan *plan = order_scenes[i].plan(&scene);
		if (plan->n_refusals || !plan->n_steps)
			for (const struct diag *d = plan->diags->first; d; d = d->next)
				print_error("%s: %s\n", order_scenes[i].name, d->message);
		assert_int_equal(plan->n_refusals, 0);
		assert_true(plan->n_steps > 0);
		const struct plan *again = order_scene_without(scene, plan, NO_INDEX);
		assert_int_equal(again->n_steps, plan->n_steps);
		assert_true(passes(scene, again));
		scene_free(scene);
	}
}

static bool is_needed(uint32_t rule)
{
	bool needed = false;
	for (size_t i = 0; i < n_order_scenes && !needed; i++) {
		struct scene *scene = NULL;
		const struct plan *plan = order_scenes[i].plan(&scene);
		needed = !passes(scene, order_scene_without(scene, plan, rule));
		scene_free(scene);
	}
	return needed;
}

static const char *const not_checked[] = {
	/* what a host does or refuses, and the model of steps does not know */
	"offline-action before stop", /* the stop applies it */
	"settings before a device", "members before devices", "device before device",
	/* an invariant does not demand it: one GPU shows whether the driver fits before all others follow */
	"one dismount first", "one mount first",
	/* a start without a stop before it is owed, and what is owed is tried with any settings */
	"offline-action before start",
	/* no order breaks anything without, but a failure may leave VMs down: property/retreat, tests/unit/test_retreat.c */
	"given up before dismount", "mount before adapters", "given up before given", "moved out before given",
	"settings before stop", "settings before a partition", "offline-action before a partition",
	"offline-action before a device",
	/* others imply it: */
	"settings before start",   /* settings come before the stop, or before the part that is given */
	"stop before start",       /* a VM is stopped for a step on its parts or on a GPU, which lies between */
	"mount before starts",     /* a count follows every mount that is not alone in its plan */
	"mount before late stops", /* the same */
	"off before mount",        /* the VM loses its device in between, or the GPU its pool */
	"mount before moves",      /* a count follows every mount, and moves wait for that */
	"pool before its devices", /* a new pool gets its first member in between */
};

static bool is_listed(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(not_checked); i++)
		if (g_strcmp0(not_checked[i], name) == 0)
			return true;
	return false;
}

static void rule_switched_off_makes_a_plan_that_is_rejected(void **state)
{
	(void)state;
	uint32_t n = 0;
	for (uint32_t rule = 0; rule < n_order_rules; rule++) {
		bool wrong = is_needed(rule) == is_listed(order_rules[rule].name);
		if (wrong)
			print_error("rule '%s': %s\n", order_rules[rule].name,
				is_listed(order_rules[rule].name) ? "a scene needs it after all" : "no scene needs it");
		n += wrong;
	}
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenes_are_planned_and_pass_with_all_rules),
		cmocka_unit_test(rule_switched_off_makes_a_plan_that_is_rejected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
