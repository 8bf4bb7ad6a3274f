/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/align.h"
#include "tests/lib/scene.h"
#include "tests/lib/scene_wants.h"
#include "tests/lib/test.h"

/* One host with three GPUs at 4, 4 and 8, and a VM that is owed its partition. */
static int setup(void **state)
{
	struct scene *scene = *state = scene_new(false, 1, 3, 4);
	scene_gpu(scene, 0, 2)->count = KNOWN(8);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct debt *debt = arena_new_of(scene->arena, struct debt);
	*debt = (struct debt){ .run = "dead", .at = SCENE_NOW - 60, .adapters = vm->adapters, .n_adapters = 1 };
	vm->debt = debt;
	vm->n_adapters = 0;
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static struct maybe_u64 aligned_to(struct scene *scene, uint32_t wanted)
{
	struct wants *wants = scene_wants(
		scene, scene_manifests(scene, wanted, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
	align_counts(wants);
	struct maybe_u64 count = wants->count;
	wants_done(wants);
	return count;
}

static void count_that_needs_fewer_steps_wins(void **state)
{
	assert_true(maybe_is(aligned_to(*state, 8), 4));
}

static void tie_goes_to_the_manifest(void **state)
{
	struct scene *scene = *state;
	scene->hosts[0].n_gpus = 2;
	scene_gpu(scene, 0, 0)->count = KNOWN(8);
	assert_true(maybe_is(aligned_to(scene, 8), 8));
	assert_true(maybe_is(aligned_to(scene, 4), 4));
}

/* Two GPUs at 1 and 2: one step either way, but only 2 has room for three. */
static void count_at_which_all_fit_wins(void **state)
{
	struct scene *scene = *state;
	scene->hosts[0].n_gpus = 2;
	scene_gpu(scene, 0, 0)->count = KNOWN(1);
	scene_gpu(scene, 0, 1)->count = KNOWN(2);
	for (int i = 0; i < 2; i++) {
		assert_true(maybe_is(aligned_to(scene, 1), 1));
		struct vm *vm = scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_OFF, 0);
		struct debt *debt = arena_new_of(scene->arena, struct debt);
		*debt = (struct debt){ .run = "dead",
			.at = SCENE_NOW - 60,
			.power = DEBT_POWER_STOPPED,
			.state_change = vm->state_change };
		vm->debt = debt;
	}

	struct debt *parts = (struct debt *)scene->vms[0][0].debt;
	parts->power = DEBT_POWER_STOPPED;
	parts->state_change = scene->vms[0][0].state_change;
	assert_true(maybe_is(aligned_to(scene, 1), 2));
}

/* Two are owed their start on a GPU of eight, and all that it could be brought in line with has room for one. */
static void counts_stay_where_no_other_has_room(void **state)
{
	(void)state;
	struct scene *two = scene_new(false, 2, 1, 8);
	scene_gpu(two, 1, 0)->count = KNOWN(1);
	scene_vm(two, "stranger", 1, VM_RUNNING, 0);
	for (int i = 0; i < 2; i++) {
		struct vm *vm = scene_vm(two, arena_printf(two->arena, "vm-%d", i), 0, VM_OFF, 0);
		struct debt *debt = arena_new_of(two->arena, struct debt);
		*debt = (struct debt){ .run = "dead",
			.at = SCENE_NOW - 60,
			.power = DEBT_POWER_STOPPED,
			.state_change = vm->state_change };
		vm->debt = debt;
		/* with one of them the other count does */
		assert_true(i ? !aligned_to(two, 2).known : maybe_is(aligned_to(two, 2), 1));
	}
	scene_free(two);
}

static void nothing_is_aligned_when_no_partition_is_owed(void **state)
{
	struct scene *scene = *state;
	scene->vms[0][0].debt = NULL;
	assert_false(aligned_to(scene, 8).known);
}

/* The only one that differs is in use, so the others come to it. */
static void gpu_that_is_held_stays_as_it_is(void **state)
{
	struct scene *scene = *state;
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 2);
	assert_true(maybe_is(aligned_to(scene, 4), 8));
	scene_vm(scene, "vm-c", 0, VM_RUNNING, 0);
	assert_false(aligned_to(scene, 4).known);
}

static void count_that_a_gpu_does_not_list_is_not_chosen(void **state)
{
	static const uint32_t eight[] = { 8, 16 };
	struct gpu *gpu = scene_gpu(*state, 0, 2);
	gpu->valid_counts = eight;
	gpu->n_valid_counts = 2;
	assert_true(maybe_is(aligned_to(*state, 4), 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(count_that_needs_fewer_steps_wins),
		TEST(tie_goes_to_the_manifest),
		TEST(count_at_which_all_fit_wins),
		TEST(counts_stay_where_no_other_has_room),
		TEST(nothing_is_aligned_when_no_partition_is_owed),
		TEST(gpu_that_is_held_stays_as_it_is),
		TEST(count_that_a_gpu_does_not_list_is_not_chosen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
