/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static struct plan *plan_of(struct scene *scene, const char *type, const char *hosts)
{
	return scene_plan(
		scene, arena_printf(scene->arena,
			       "apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
			       "  type: %s\n  hosts: [%s]\n  gpus:\n"
			       "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 8 }\n",
			       type, hosts));
}

static void assert_refused(const struct plan *plan, const char *words)
{
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_HOST_TYPE);
	assert_non_null(strstr(plan->refusals[0].reason, words));
}

static void node_that_the_manifest_lacks_is_refused_once(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 1, 4);
	scene->n_hosts = 2;
	assert_refused(plan_of(scene, "Failover", "{ name: hv01 }, { name: hv02 }"), "does not list");
	scene_free(scene);
}

static void host_that_is_no_node_is_refused(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	assert_refused(plan_of(scene, "Failover", "{ name: hv01 }, { name: hv02 }"), "no node 'hv02'");
	scene_free(scene);
}

static void standalone_host_in_a_failover_cluster_is_refused(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	assert_refused(plan_of(scene, "Failover", "{ name: hv01 }"), "write 'type: Standalone'");
	scene_free(scene);
}

static void excluded_host_may_be_of_the_other_type(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	struct plan *plan = plan_of(scene, "Standalone", "{ name: hv01, exclude: another tool has it }");
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->n_steps, 0);
	scene_free(scene);
}

static void names_of_nodes_are_compared_without_case(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	assert_int_equal(plan_of(scene, "Failover", "{ name: HV01 }")->n_refusals, 0);
	scene_free(scene);
}

/* Who is down must come back, whatever is wrong with the manifests. */
static void debts_of_a_refused_cluster_are_paid(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = { .run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED };
	debt.state_change = vm->state_change;
	vm->debt = &debt;
	struct plan *plan = plan_of(scene, "Standalone", "{ name: hv01 }");
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->n_steps, 1);
	assert_int_equal(plan->steps[0].kind, STEP_START_VM);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_that_the_manifest_lacks_is_refused_once),
		cmocka_unit_test(host_that_is_no_node_is_refused),
		cmocka_unit_test(standalone_host_in_a_failover_cluster_is_refused),
		cmocka_unit_test(excluded_host_may_be_of_the_other_type),
		cmocka_unit_test(names_of_nodes_are_compared_without_case),
		cmocka_unit_test(debts_of_a_refused_cluster_are_paid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
