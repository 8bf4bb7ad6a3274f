/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/rebind.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static const struct world *world_of(struct scene *scene)
{
	const struct host_state *states[SCENE_HOSTS];
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		states[h] = &scene->hosts[h];
	return world_assemble(scene->arena, states, scene->n_hosts);
}

static struct plan *plan_of(struct scene *scene)
{
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	return scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
}

static void rules_and_changes_follow_their_objects(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	const struct plan *plan = plan_of(scene);
	struct plan *there = NULL;
	struct diags *diags = diags_new(scene->arena);
	scene_vm(scene, "aaa", 0, VM_RUNNING, -1);
	const struct world *world = world_of(scene);
	assert_int_equal(plan_rebind(scene->arena, plan, world, &there, diags), 0);
	uint32_t vm = world_find_vm(world, "id-vm-a"), new = world_find_vm(world, "id-aaa");
	assert_true(new < vm);
	assert_ptr_equal(there->observed, world);
	assert_int_equal(there->rules->vm_ownership[vm], VM_MANAGED);
	assert_int_equal(there->rules->vm_ownership[new], VM_BYSTANDER); /* nobody spoke of it */
	assert_int_equal(there->rules->gpu_role[0], ROLE_PARTITIONED);
	assert_int_equal(there->changes.n, plan->changes.n);
	assert_int_equal(plan->rules->vm_ownership[0], VM_MANAGED); /* the plan itself is as it was */
	scene_free(scene);
}

static void every_object_that_is_gone_is_named(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	const struct plan *plan = plan_of(scene);
	struct plan *there = NULL;
	struct diags *diags = diags_new(scene->arena);
	scene->hosts[0].n_gpus = scene->hosts[1].n_gpus = 0;
	assert_int_equal(plan_rebind(scene->arena, plan, world_of(scene), &there, diags), -1);
	assert_int_equal(diags->first->code, D_STALE);
	assert_non_null(strstr(diags->first->message, "hv01"));
	assert_non_null(strstr(diags->first->next->message, "hv02"));
	assert_null(there);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_and_changes_follow_their_objects),
		cmocka_unit_test(every_object_that_is_gone_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
