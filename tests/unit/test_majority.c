/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/majority.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static bool observed(struct scene *scene)
{
	scene_plan(scene, scene_manifests(scene, 4, NULL, NULL)); /* assembles the world */
	return majority_is_observed(scene->world);
}

static void standalone_hosts_need_no_majority(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	scene->missing = "hv02";
	assert_true(observed(scene));
	scene_free(scene);
}

static void two_of_three_nodes_are_a_majority_and_one_of_two_is_none(void **state)
{
	(void)state;
	for (uint32_t n = 2; n <= 3; n++) {
		struct scene *scene = scene_new(true, n, 1, 4);
		assert_true(observed(scene));
		scene->missing = "hv02";
		assert_int_equal(observed(scene), n == 3);
		scene_free(scene);
	}
}

static void node_that_is_up_and_reports_the_others_as_down_is_enough(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	struct cluster_node nodes[] = { { "hv01", NODE_UP }, { "hv02", NODE_DOWN } };
	scene->missing = "hv02";
	scene->hosts[0].host.nodes = nodes;
	assert_true(observed(scene));
	nodes[0].state = NODE_PAUSED;
	assert_false(observed(scene));
	nodes[0].state = NODE_UP;
	nodes[1].state = NODE_UNKNOWN;
	assert_false(observed(scene));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standalone_hosts_need_no_majority),
		cmocka_unit_test(two_of_three_nodes_are_a_majority_and_one_of_two_is_none),
		cmocka_unit_test(node_that_is_up_and_reports_the_others_as_down_is_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
