/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/headroom.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

static const struct plan *planned(struct scene *scene, const char *more)
{
	return scene_plan(scene, scene_manifests(scene, 4, "vm-*", more));
}

static const char *said(const struct plan *plan, enum diag_code code)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (diag->code == code)
			return diag->message;
	return NULL;
}

static void assert_says(const struct plan *plan, enum diag_code code, const char *words)
{
	const char *message = said(plan, code);
	assert_non_null(message);
	if (!strstr(message, words))
		fail_msg("'%s' is not in '%s'", words, message);
}

#define ONE_FAILURE "  resilience: { hostFailures: 1 }\n"

static void loss_that_leaves_room_is_no_finding(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 16); /* two hosts offer exactly as many */
	const struct plan *plan = planned(scene, ONE_FAILURE);
	assert_null(said(plan, D_HEADROOM));
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

static void loss_that_leaves_too_little_is_told_with_the_number_and_the_counts(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 18);
	const struct plan *plan = planned(scene, ONE_FAILURE);
	assert_says(plan, D_HEADROOM,
		"after the loss of 'hv01', 2 of the partitions that running VMs have would be missing");
	assert_says(plan, D_HEADROOM, "counts that would do: 8, 16");
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_null(said(planned(scene, NULL), D_HEADROOM));
	scene_free(scene);
}

static void two_losses_take_the_two_largest_hosts(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene->hosts[0].n_gpus = 1; /* the smallest one stays */
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	for (int i = 0; i < 4; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-b%d", i), 1, VM_RUNNING, 0);
	assert_says(planned(scene, "  resilience: { hostFailures: 2 }\n"), D_HEADROOM,
		"after the loss of 'hv02' and 'hv03', 1 of the partitions");
	assert_null(said(planned(scene, ONE_FAILURE), D_HEADROOM));
	scene_free(scene);
}

static void vms_that_are_off_are_told_apart_from_those_that_run(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_run(scene, 4);
	scene_vm(scene, "vm-off", 0, VM_OFF, 0);
	assert_says(planned(scene, ONE_FAILURE), D_HEADROOM,
		"1 of the partitions that all VMs have, off ones too, would be missing");
	scene_free(scene);
}

static void pinned_vm_finds_no_room_elsewhere(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-free", 0, VM_RUNNING, 0);
	assert_null(said(planned(scene, ONE_FAILURE), D_HEADROOM));
	struct vm *vm = scene_vm(scene, "vm-pinned", 1, VM_RUNNING, 0);
	struct adapter pinned = vm->adapters[0];
	pinned.pin = scene_path(0);
	pinned.pinned = TRI_YES;
	vm->adapters = &pinned;
	const struct plan *plan = planned(scene, ONE_FAILURE);
	assert_says(plan, D_HEADROOM, "after the loss of 'hv02', 1 of the partitions");
	assert_says(plan, D_HEADROOM, "counts that would do: none");
	scene_free(scene);
}

/* Nothing brings them up on another host. */
static void standalone_vms_find_no_room_elsewhere(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	assert_says(planned(scene, ONE_FAILURE), D_HEADROOM, "after the loss of 'hv01', 2 of the partitions");
	scene_free(scene);
}

static void host_that_is_missing_now_is_one_of_the_losses(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene->missing = "hv03";
	scene_run(scene, 12); /* eight of them on the two that are left */
	assert_null(said(planned(scene, ONE_FAILURE), D_HEADROOM));
	scene_vm(scene, "vm-x", 0, VM_RUNNING, 0);
	assert_says(planned(scene, "  resilience: { hostFailures: 2 }\n"), D_HEADROOM,
		"after the loss of 'hv03' (missing now) and 'hv01', 1 of the partitions");
	assert_says(planned(scene, "  resilience: { hostFailures: 3 }\n"), D_HEADROOM,
		"after the loss of 'hv03' (missing now), 'hv01' and 'hv02', ");
	scene_free(scene);
}

static void count_that_nobody_knows_cannot_be_judged(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	struct gpu *other = scene_gpu(scene, 0, 1); /* selected by nobody, so it is not changed */
	other->name = "NVIDIA A16";
	other->count = UNKNOWN;
	assert_says(planned(scene, ONE_FAILURE), D_UNKNOWN_FACT, "after the loss of 1 hosts");
	assert_null(said(planned(scene, NULL), D_UNKNOWN_FACT));
	scene_free(scene);
}

static void all_vms_of_a_standalone_host_should_fit_that_host(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	for (int i = 0; i < 4; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	assert_null(said(planned(scene, NULL), D_CAPACITY_OFF));
	scene_vm(scene, "vm-off", 0, VM_OFF, 0); /* the other host has room, and does not help */
	const struct plan *plan = planned(scene, NULL);
	assert_says(plan, D_CAPACITY_OFF, "1 would be missing");
	assert_says(plan, D_CAPACITY_OFF, "counts that would do: 8, 16");
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loss_that_leaves_room_is_no_finding),
		cmocka_unit_test(loss_that_leaves_too_little_is_told_with_the_number_and_the_counts),
		cmocka_unit_test(two_losses_take_the_two_largest_hosts),
		cmocka_unit_test(vms_that_are_off_are_told_apart_from_those_that_run),
		cmocka_unit_test(pinned_vm_finds_no_room_elsewhere),
		cmocka_unit_test(standalone_vms_find_no_room_elsewhere),
		cmocka_unit_test(host_that_is_missing_now_is_one_of_the_losses),
		cmocka_unit_test(count_that_nobody_knows_cannot_be_judged),
		cmocka_unit_test(all_vms_of_a_standalone_host_should_fit_that_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
