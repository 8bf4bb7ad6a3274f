/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static bool tells(struct scene *scene, enum diag_code code)
{
	return scene_has(scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL)), code);
}

static void rules_of_the_platform_name_their_document(void **state)
{
	(void)state;
	for (int code = D_SRIOV; code <= D_VM_SETTING; code++)
		assert_non_null(diag_sources[code]);
	static const enum diag_code others[] = { D_PLATFORM, D_MEMORY, D_CHECKPOINTS, D_SURPLUS, D_VM_NOT_FIT, D_MMIO,
		D_MITIGATION, D_SETTING_LATER };
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_non_null(diag_sources[others[i]]);
}

static void edition_counts_in_failover_clusters_alone(void **state)
{
	(void)state;
	for (int clustered = 0; clustered <= 1; clustered++) {
		struct scene *scene = scene_new(clustered, 1, 1, 2);
		assert_false(tells(scene, D_PLATFORM));
		scene->hosts[0].host.edition = "Standard";
		assert_int_equal(tells(scene, D_PLATFORM), clustered);
		scene->hosts[0].host.edition = NULL;
		assert_false(tells(scene, D_PLATFORM));
		scene_free(scene);
	}
}

static void host_without_sriov_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	assert_false(tells(scene, D_SRIOV));
	scene->hosts[0].host.sriov = TRI_UNKNOWN;
	assert_false(tells(scene, D_SRIOV));
	scene->hosts[0].host.sriov = TRI_NO;
	assert_true(tells(scene, D_SRIOV));
	scene_free(scene);
}

static void policy_that_would_refuse_a_start_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 2);
	scene->hosts[0].host.require_secure_assignment = TRI_YES;
	assert_false(tells(scene, D_POLICY)); /* an SR-IOV driver meets it */
	scene_gpu(scene, 0, 1)->state = GPU_PARAVIRTUALIZED;
	assert_true(tells(scene, D_POLICY));
	scene->hosts[0].host.require_secure_assignment = TRI_UNKNOWN;
	assert_false(tells(scene, D_POLICY));
	scene->hosts[0].host.require_supported_assignment = TRI_YES;
	assert_true(tells(scene, D_POLICY));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_of_the_platform_name_their_document),
		cmocka_unit_test(edition_counts_in_failover_clusters_alone),
		cmocka_unit_test(host_without_sriov_is_told),
		cmocka_unit_test(policy_that_would_refuse_a_start_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
