/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU of a host is passed through (docs/decisions/0001-planning.md, 9). */
#include "reconcile/choose.h"
#include "tests/lib/scene.h"
#include "tests/lib/scene_wants.h"
#include "tests/lib/test.h"

static int setup(void **state)
{
	*state = scene_new(false, 1, 3, 4);
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static void assert_chosen(struct scene *scene, uint32_t gpu)
{
	const char *text = scene_manifests(scene, 4, "vm-*", NULL);
	g_auto(GStrv) parts = g_strsplit(text, "    - { name: vdi", 2);
	struct wants *wants = scene_wants(scene,
		arena_printf(scene->arena,
			"%s    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1 } }\n"
			"    - { name: vdi%s",
			parts[0], parts[1]),
		(struct plan_input){ .owner = "example.com/ops/gpu" });
	for (uint32_t g = 0; g < 3; g++)
		assert_int_equal(wants->gpus[g].role, g == gpu ? ROLE_PASSTHROUGH : ROLE_PARTITIONED);
	wants_done(wants);
}

static void last_path_is_chosen_among_equals(void **state)
{
	assert_chosen(*state, 2);
}

static void dismounted_gpu_is_chosen_though_others_are_idle(void **state)
{
	scene_gpu(*state, 0, 0)->state = GPU_DISMOUNTED;
	assert_chosen(*state, 0);
}

static void member_of_a_pool_is_chosen_before_another_dismounted_one(void **state)
{
	struct scene *scene = *state;
	static const char *const members[] = { "PCIROOT(10)#PCI(0100)" };
	static const struct pool pool = { "p", members, 1 };
	scene->hosts[0].host.pools = &pool;
	scene->hosts[0].host.n_pools = 1;
	scene_gpu(scene, 0, 0)->state = scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	assert_chosen(scene, 0);
}

static void gpu_of_fewer_running_vms_is_chosen(void **state)
{
	scene_vm(*state, "vm-a", 0, VM_RUNNING, 2);
	scene_vm(*state, "vm-b", 0, VM_RUNNING, 1);
	scene_vm(*state, "vm-c", 0, VM_RUNNING, 1);
	scene_vm(*state, "vm-d", 0, VM_RUNNING, 0);
	scene_vm(*state, "vm-e", 0, VM_RUNNING, 2);
	assert_chosen(*state, 0);
}

static void vm_that_nobody_may_touch_weighs_more_than_many(void **state)
{
	scene_vm(*state, "stranger", 0, VM_RUNNING, 2);
	scene_vm(*state, "vm-a", 0, VM_SAVED, 1);
	scene_vm(*state, "vm-b", 0, VM_RUNNING, 0);
	scene_vm(*state, "vm-c", 0, VM_RUNNING, 0);
	assert_chosen(*state, 0);
}

static void vm_that_loses_its_partition_anyway_weighs_nothing(void **state)
{
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "vdi" };
	scene_vm(*state, "old", 0, VM_RUNNING, 2)->record = &ours;
	assert_chosen(*state, 2);
}

static void failed_gpu_is_chosen_last(void **state)
{
	scene_gpu(*state, 0, 2)->state = GPU_FAILED;
	scene_vm(*state, "stranger", 0, VM_RUNNING, 1);
	scene_vm(*state, "other", 0, VM_RUNNING, 0);
	assert_chosen(*state, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(last_path_is_chosen_among_equals),
		TEST(dismounted_gpu_is_chosen_though_others_are_idle),
		TEST(member_of_a_pool_is_chosen_before_another_dismounted_one),
		TEST(gpu_of_fewer_running_vms_is_chosen),
		TEST(vm_that_nobody_may_touch_weighs_more_than_many),
		TEST(vm_that_loses_its_partition_anyway_weighs_nothing),
		TEST(failed_gpu_is_chosen_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
