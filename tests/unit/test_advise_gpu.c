/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static bool tells(struct scene *scene, enum diag_code code)
{
	return scene_has(scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL)), code);
}

static void model_that_is_not_on_the_list_is_told(void **state)
{
	(void)state;
	static const char *const supported[] = { "10DE:25B6", "10de:2236", "10DE:26B9" };
	static const char *const others[] = { "10DE:2237", "10DE:20B7", "1002:73A1" };
	struct scene *scene = scene_new(false, 1, 1, 2);
	for (size_t i = 0; i < G_N_ELEMENTS(supported); i++) {
		scene_gpu(scene, 0, 0)->device = supported[i];
		assert_false(tells(scene, D_GPU_MODEL));
		scene_gpu(scene, 0, 0)->device = others[i];
		assert_true(tells(scene, D_GPU_MODEL));
	}
	scene_gpu(scene, 0, 0)->device = NULL;
	assert_false(tells(scene, D_GPU_MODEL));
	scene_gpu(scene, 0, 0)->device = others[0];
	scene_gpu(scene, 0, 0)->name = "of no group";
	assert_false(tells(scene, D_GPU_MODEL));
	scene_free(scene);
}

static void gpus_of_one_group_that_differ_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 2);
	struct gpu *gpu = scene_gpu(scene, 1, 0), like = *gpu;
	assert_false(tells(scene, D_GPU_UNLIKE));
	gpu->subsystem = "10DE:14A9"; /* an A16, which has the device id of an A2 */
	assert_true(tells(scene, D_GPU_UNLIKE));
	gpu->subsystem = NULL;
	assert_false(tells(scene, D_GPU_UNLIKE));
	*gpu = like;
	gpu->device = "10DE:2236";
	assert_true(tells(scene, D_GPU_UNLIKE));
	*gpu = like;
	gpu->memory = KNOWN(like.memory.value / 2);
	assert_true(tells(scene, D_GPU_UNLIKE));
	gpu->memory_unit = MEMORY_SHARE;
	assert_false(tells(scene, D_GPU_UNLIKE));
	*gpu = like;
	gpu->name = "of no group";
	gpu->device = "10DE:2236";
	assert_false(tells(scene, D_GPU_UNLIKE));
	scene_free(scene);
}

static void failed_gpu_and_one_left_dismounted_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 2);
	scene_gpu(scene, 0, 0)->state = GPU_FAILED;
	assert_true(tells(scene, D_GPU_FAILED));
	scene_gpu(scene, 0, 0)->state = GPU_DISMOUNTED;
	assert_false(tells(scene, D_GPU_FAILED));
	assert_false(tells(scene, D_GROUP_LEFT));
	scene_gpu(scene, 0, 0)->name = "of no group";
	assert_true(tells(scene, D_GROUP_LEFT));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(model_that_is_not_on_the_list_is_told),
		cmocka_unit_test(gpus_of_one_group_that_differ_are_told),
		cmocka_unit_test(failed_gpu_and_one_left_dismounted_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
