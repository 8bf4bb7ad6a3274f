/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/vram.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

/* The scene's A2 has 15207 MiB: 3801 MiB at 4 partitions, 1900 at 8. */
static const struct plan *planned(struct scene *scene, uint32_t count, const char *vram)
{
	return scene_plan(scene, arena_printf(scene->arena, "%s  requires: { vram: %s }\n",
					 scene_manifests(scene, count, "vm-*", NULL), vram));
}

static const char *said(const struct plan *plan, enum diag_code code)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (diag->code == code)
			return diag->message;
	return "";
}

static void partition_that_is_large_enough_is_given(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	const struct plan *plan = planned(scene, 4, "3801Mi");
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	scene_free(scene);
}

static void vm_that_would_get_too_little_is_refused_with_the_counts(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	const struct plan *plan = planned(scene, 4, "3802Mi");
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_int_equal(plan->n_steps, 0);
	assert_true(scene_has(plan, D_VRAM));
	assert_non_null(strstr(said(plan, D_VRAM), "requires partitions of 3802 MiB, and here they have 3801 MiB"));
	assert_non_null(strstr(said(plan, D_VRAM), "counts that would do: 1, 2"));
	scene_free(scene);
}

/* What a host says of its partitions is nearer to the truth than a division. */
static void size_that_the_host_tells_counts(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_gpu(scene, 0, 0)->partition_memory = KNOWN((uint64_t)3648 << 20);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	assert_true(scene_has(planned(scene, 4, "3801Mi"), D_VRAM));
	assert_false(scene_has(planned(scene, 4, "3648Mi"), D_VRAM));
	scene_free(scene);
}

static void vm_that_gains_waits_for_no_count_and_the_count_goes_on(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	const struct plan *plan = planned(scene, 8, "3Gi");
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 1);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 0);
	scene_free(scene);
}

/* Who has what it requires keeps it, and whoever fits the present count is still served. */
static void count_that_takes_from_a_vm_what_it_requires_is_refused(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	const struct plan *plan = planned(scene, 8, "3Gi");
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 0);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	assert_int_equal(plan->n_refusals, 1);
	assert_non_null(strstr(said(plan, D_VRAM), "would have 1900 MiB; counts that would do: 1, 2, 4"));
	scene_free(scene);
}

static void share_of_the_whole_cannot_be_judged(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	scene_gpu(scene, 0, 0)->memory_unit = MEMORY_SHARE;
	const struct plan *plan = planned(scene, 4, "100Gi");
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_true(scene_has(plan, D_UNKNOWN_FACT));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
	scene_gpu(scene, 0, 0)->memory_unit = MEMORY_BYTES;
	assert_false(scene_has(planned(scene, 4, "1Gi"), D_UNKNOWN_FACT));
	scene_gpu(scene, 0, 0)->memory = UNKNOWN;
	scene_gpu(scene, 0, 0)->partition_memory = UNKNOWN;
	assert_true(scene_has(planned(scene, 4, "1Gi"), D_UNKNOWN_FACT));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partition_that_is_large_enough_is_given),
		cmocka_unit_test(vm_that_would_get_too_little_is_refused_with_the_counts),
		cmocka_unit_test(size_that_the_host_tells_counts),
		cmocka_unit_test(vm_that_gains_waits_for_no_count_and_the_count_goes_on),
		cmocka_unit_test(count_that_takes_from_a_vm_what_it_requires_is_refused),
		cmocka_unit_test(share_of_the_whole_cannot_be_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
