/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/reasons.h"
#include "reconcile/order.h"
#include "tests/lib/scene.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Row 5 of world.md: two hosts, four VMs, the count goes from 4 to 8. */
static struct plan *count_change(struct scene *scene)
{
	scene_run(scene, 4);
	char *manifests = scene_manifests(scene, 8, "vm-*", "");
	return scene_plan(scene, manifests);
}

static const struct reason *find(const struct reason *items, uint32_t n, const char *rule)
{
	for (uint32_t i = 0; i < n; i++)
		if (g_strcmp0(items[i].rule, rule) == 0)
			return &items[i];
	return NULL;
}

static void every_wait_of_a_plan_names_a_rule_of_the_table(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	struct plan *plan = count_change(scene);
	uint32_t n_edges = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++, n_edges++) {
			assert_non_null(plan->steps[i].after_why[k]);
			assert_non_null(order_rule_find(plan->steps[i].after_why[k]));
		}
	assert_true(n_edges > 40);
	scene_free(scene);
}

static void a_count_waits_for_stops_and_removes_each_by_its_rule(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	struct plan *plan = count_change(scene);
	struct reasons *reasons = reasons_of(scene->arena, plan);
	const struct reason *items;
	uint32_t n = reasons_before(reasons, scene_step(plan, STEP_SET_COUNT, NULL)->id, &items);
	assert_int_equal(n, 2);
	assert_int_equal(find(items, n, "all off before a count")->n_steps, 4);
	assert_int_equal(find(items, n, "drained before a count")->n_steps, 2);
	assert_string_equal(find(items, n, "drained before a count")->because, "drained");
	scene_free(scene);
}

static void what_waits_for_a_step_is_the_other_side_of_what_it_waits_for(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	struct plan *plan = count_change(scene);
	struct reasons *reasons = reasons_of(scene->arena, plan);
	uint32_t n_before = 0, n_behind = 0;
	for (uint32_t id = 1; id <= plan->n_steps; id++) {
		const struct reason *items;
		uint32_t n = reasons_behind(reasons, id, &items);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < items[i].n_steps; k++, n_behind++) {
				const struct step *later = &plan->steps[items[i].steps[k] - 1];
				const struct reason *back;
				uint32_t n_back = reasons_before(reasons, later->id, &back);
				assert_non_null(find(back, n_back, items[i].rule));
			}
		n_before += plan->steps[id - 1].n_after;
	}
	assert_int_equal(n_before, n_behind);
	scene_free(scene);
}

static void a_vm_that_makes_way_serves_the_gpus_of_its_host(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	struct plan *plan = count_change(scene);
	struct reasons *reasons = reasons_of(scene->arena, plan);
	const struct step *stop = scene_step(plan, STEP_STOP_VM, NULL);
	const struct change *const *changes;
	assert_int_equal(reasons_changes(reasons, stop->id, &changes), 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(changes[i]->kind, CHANGE_COUNT);
		assert_int_equal(changes[i]->host, stop->host);
	}
	scene_free(scene);
}

static void a_vm_that_gains_a_partition_serves_its_own_change(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	char *manifests = scene_manifests(scene, 4, "vm-*", "");
	struct plan *plan = scene_plan(scene, manifests);
	struct reasons *reasons = reasons_of(scene->arena, plan);
	const struct change *const *changes;
	for (uint32_t id = 1; id <= plan->n_steps; id++) {
		assert_int_equal(reasons_changes(reasons, id, &changes), 1);
		assert_int_equal(changes[0]->kind, CHANGE_ADAPTER_ADDED);
	}
	assert_int_equal(plan->n_steps, 3);
	scene_free(scene);
}

static void a_plan_without_rules_has_reasons_without_names(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	struct reasons *reasons = reasons_of(arena, plan);
	const struct reason *items;
	assert_int_equal(reasons_before(reasons, 25, &items), 1);
	assert_null(items[0].rule);
	assert_null(items[0].because);
	assert_int_equal(items[0].n_steps, 12);
	assert_int_equal(reasons_before(reasons, 1, &items), 0);
}

static void what_a_rule_is_for_is_a_sentence_where_it_is_an_invariant(void **state)
{
	(void)state;
	assert_string_equal(reasons_sentence("window"), invariant_docs[INV_WINDOW]);
	assert_string_equal(reasons_sentence("exclusive, capacity"), invariant_docs[INV_EXCLUSIVE]);
	assert_string_equal(reasons_sentence("the pool must exist"), "the pool must exist");
	assert_null(reasons_sentence(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wait_of_a_plan_names_a_rule_of_the_table),
		cmocka_unit_test(a_count_waits_for_stops_and_removes_each_by_its_rule),
		cmocka_unit_test(what_waits_for_a_step_is_the_other_side_of_what_it_waits_for),
		cmocka_unit_test(a_vm_that_makes_way_serves_the_gpus_of_its_host),
		cmocka_unit_test(a_vm_that_gains_a_partition_serves_its_own_change),
		cmocka_unit_test(a_plan_without_rules_has_reasons_without_names),
		cmocka_unit_test(what_a_rule_is_for_is_a_sentence_where_it_is_an_invariant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
