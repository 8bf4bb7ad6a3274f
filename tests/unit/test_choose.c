/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU of a host is passed through (docs/decisions/0005-choice-and-bound.md). */
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

/* ---- the choice as a whole ---- */

static const char *with_groups(struct scene *scene, uint32_t count, const char *more, const char *groups)
{
	g_auto(GStrv) parts = g_strsplit(scene_manifests(scene, count, "vm-*", more), "    - { name: vdi", 2);
	return arena_printf(scene->arena, "%s%s    - { name: vdi%s", parts[0], groups, parts[1]);
}

#define GROUP(name, match, n) "    - { name: " name ", match: " match ", passthrough: { perHost: " #n " } }\n"
#define A2 "{ model: NVIDIA A2 }"

/* 'set': the GPUs of host 'host' that the group gets, as bits. */
static void assert_set(struct scene *scene, const char *text, uint32_t host, const char *group, uint64_t set)
{
	struct wants *wants = scene_wants(scene, text, (struct plan_input){ .owner = "example.com/ops/gpu" });
	uint64_t found = 0;
	for (uint32_t g = 0; g < scene->world->n_gpus; g++)
		if (scene->world->gpus[g].host == host && wants->gpus[g].role == ROLE_PASSTHROUGH &&
			strcmp(wants->gpus[g].group->name, group) == 0)
			found |= gpu_bit(scene->world, g);
	assert_int_equal(found, set);
	wants_done(wants);
}

static void vm_that_could_be_on_two_gpus_is_stopped_once(void **state)
{
	scene_vm(*state, "vm-a", 0, VM_RUNNING, 0);
	((struct adapter *)((struct scene *)*state)->vms[0][0].adapters)->gpus = 3;
	scene_vm(*state, "vm-b", 0, VM_RUNNING, 2);
	assert_set(*state, with_groups(*state, 4, NULL, GROUP("whole", A2, 2)), 0, "whole", 3);
}

static void vms_under_a_count_that_changes_stop_anyway(void **state)
{
	scene_gpu(*state, 0, 0)->count = KNOWN(8);
	scene_vm(*state, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(*state, "vm-b", 0, VM_RUNNING, 0);
	scene_vm(*state, "vm-c", 0, VM_RUNNING, 1);
	scene_vm(*state, "vm-d", 0, VM_RUNNING, 2);
	assert_chosen(*state, 0);
}

static void count_that_another_host_refuses_stops_nobody(void **state)
{
	struct scene *scene = scene_new(false, 2, 3, 4);
	scene_gpu(scene, 0, 0)->count = KNOWN(8);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-c", 0, VM_RUNNING, 1);
	scene_vm(scene, "vm-d", 0, VM_RUNNING, 2);
	for (uint32_t g = 0; g < 3; g++) {
		scene_gpu(scene, 1, g)->count = KNOWN(8);
		scene_vm(scene, arena_printf(scene->arena, "vm-saved-%u", g), 1, VM_SAVED, (int)g);
	}
	assert_set(scene, with_groups(scene, 4, NULL, GROUP("whole", A2, 1)), 0, "whole", 4);
	scene_free(scene);
	(void)state;
}

static void gpu_without_a_mitigation_driver_is_left_where_another_has_one(void **state)
{
	scene_gpu(*state, 0, 2)->mitigation_driver = TRI_NO;
	scene_vm(*state, "vm-a", 0, VM_RUNNING, 1);
	scene_vm(*state, "vm-b", 0, VM_RUNNING, 0);
	scene_vm(*state, "vm-c", 0, VM_RUNNING, 0);
	assert_chosen(*state, 1);
}

static void stranger_who_may_be_touched_is_one_vm_like_others(void **state)
{
	scene_vm(*state, "stranger", 0, VM_RUNNING, 2);
	for (int i = 0; i < 4; i++)
		scene_vm(*state, i % 2 ? "vm-a" : "vm-b", 0, VM_RUNNING, i / 2);
	assert_set(*state, with_groups(*state, 4, "  unmanaged: Cycle\n", GROUP("whole", A2, 1)), 0, "whole", 4);
	assert_set(*state, with_groups(*state, 4, NULL, GROUP("whole", A2, 1)), 0, "whole", 2);
}

static void stranger_who_may_be_touched_keeps_its_pin(void **state)
{
	struct adapter *adapter = (struct adapter *)scene_vm(*state, "stranger", 0, VM_RUNNING, 2)->adapters;
	adapter->pin = scene_path(2);
	adapter->pinned = TRI_YES;
	for (int i = 0; i < 4; i++)
		scene_vm(*state, i % 2 ? "vm-a" : "vm-b", 0, VM_RUNNING, i / 2);
	assert_set(*state, with_groups(*state, 4, "  unmanaged: Cycle\n", GROUP("whole", A2, 1)), 0, "whole", 2);
	assert_set(*state, with_groups(*state, 4, "  unmanaged: Remove\n", GROUP("whole", A2, 1)), 0, "whole", 4);
}

static void pin_of_an_off_vm_is_left_where_another_gpu_has_none(void **state)
{
	struct adapter *adapter = (struct adapter *)scene_vm(*state, "vm-a", 0, VM_OFF, 2)->adapters;
	adapter->pin = scene_path(2);
	adapter->pinned = TRI_YES;
	assert_chosen(*state, 1);
}

static void gpu_is_left_to_running_vms_that_need_its_partitions(void **state)
{
	struct scene *scene = *state;
	scene_gpu(scene, 0, 0)->count = KNOWN(8);
	scene_gpu(scene, 0, 1)->count = scene_gpu(scene, 0, 2)->count = KNOWN(2);
	static const uint32_t lists[] = { 1, 2, 8 }; /* not 4: no count changes */
	for (uint32_t g = 0; g < 3; g++) {
		scene_gpu(scene, 0, g)->valid_counts = lists;
		scene_gpu(scene, 0, g)->n_valid_counts = G_N_ELEMENTS(lists);
	}
	for (int i = 0; i < 5; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, i < 1 ? 0 : i < 3 ? 1 : 2);
	assert_chosen(scene, 2);
}

static void groups_are_served_together(void **state)
{
	scene_gpu(*state, 0, 2)->subsystem = "10DE:0001";
	assert_set(*state,
		with_groups(*state, 4, NULL,
			GROUP("any", "{ device: \"10DE:25B6\" }", 1) GROUP("that", "{ subsystem: \"10DE:0001\" }", 1)),
		0, "any", 2);
	assert_set(*state,
		with_groups(*state, 4, NULL,
			GROUP("any", "{ device: \"10DE:25B6\" }", 1) GROUP("that", "{ subsystem: \"10DE:0001\" }", 1)),
		0, "that", 4);
}

static void location_paths_come_before_numbers(void **state)
{
	const char *paths = "    - { name: named, match: { model: NVIDIA A2 }, passthrough: { locationPaths: { hv01: "
			    "[\"PCIROOT(30)#PCI(0100)\"] } } }\n";
	const char *groups = arena_printf(((struct scene *)*state)->arena, "%s%s", GROUP("whole", A2, 1), paths);
	assert_set(*state, with_groups(*state, 4, NULL, groups), 0, "whole", 2);
	assert_set(*state, with_groups(*state, 4, NULL, groups), 0, "named", 4);
}

static void vm_keeps_the_whole_gpu_that_it_has(void **state)
{
	struct scene *scene = *state;
	static const struct device device = { .location_path = "PCIROOT(10)#PCI(0100)" };
	scene_gpu(scene, 0, 0)->state = scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	struct vm *vm = scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	vm->devices = &device;
	vm->n_devices = 1;
	const char *more = "---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: ai }\nspec: { "
			   "cluster: c, gpus: whole, match: { namePattern: \"ai-*\" } }\n";
	assert_set(scene, arena_printf(scene->arena, "%s%s", with_groups(scene, 4, NULL, GROUP("whole", A2, 1)), more),
		0, "whole", 1);
}

static void whole_gpu_of_a_stranger_is_not_brought_back(void **state)
{
	struct scene *scene = *state;
	static const struct device device = { .location_path = "PCIROOT(10)#PCI(0100)" };
	scene_gpu(scene, 0, 0)->state = scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	struct vm *vm = scene_vm(scene, "stranger", 0, VM_RUNNING, -1);
	vm->devices = &device;
	vm->n_devices = 1;
	assert_set(scene, with_groups(scene, 4, NULL, GROUP("whole", A2, 1)), 0, "whole", 1);
}

static void more_ways_than_are_compared_still_give_each_group_its_number(void **state)
{
	struct scene *scene = scene_new(false, 1, 8, 4);
	scene_gpu(scene, 0, 5)->state = GPU_DISMOUNTED;
	for (int g = 0; g < 8; g++)
		for (int i = 0; g != 5 && i < (g < 4 ? 1 : 2); i++)
			scene_vm(scene, arena_printf(scene->arena, "vm-%d-%d", g, i), 0, VM_RUNNING, g);
	const char *text = with_groups(scene, 4, NULL, GROUP("a", A2, 2) GROUP("b", A2, 2) GROUP("d", A2, 1));
	assert_set(scene, text, 0, "a", 1 << 5 | 1 << 3);
	assert_set(scene, text, 0, "b", 1 << 2 | 1 << 1);
	assert_set(scene, text, 0, "d", 1 << 0);
	struct plan *plan = scene_plan(scene, text);
	assert_int_equal(plan->n_refusals, 0);
	scene_free(scene);
	(void)state;
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
		TEST(vm_that_could_be_on_two_gpus_is_stopped_once),
		TEST(vms_under_a_count_that_changes_stop_anyway),
		TEST(count_that_another_host_refuses_stops_nobody),
		TEST(gpu_without_a_mitigation_driver_is_left_where_another_has_one),
		TEST(stranger_who_may_be_touched_is_one_vm_like_others),
		TEST(stranger_who_may_be_touched_keeps_its_pin),
		TEST(pin_of_an_off_vm_is_left_where_another_gpu_has_none),
		TEST(gpu_is_left_to_running_vms_that_need_its_partitions),
		TEST(groups_are_served_together),
		TEST(location_paths_come_before_numbers),
		TEST(vm_keeps_the_whole_gpu_that_it_has),
		TEST(whole_gpu_of_a_stranger_is_not_brought_back),
		TEST(more_ways_than_are_compared_still_give_each_group_its_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
