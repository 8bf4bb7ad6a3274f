/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static struct plan *planned(struct scene *scene)
{
	return scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
}

static void fit_world_gets_no_advice(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	assert_null(planned(scene)->diags->first);
	scene_free(scene);
}

static void old_build_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	scene->hosts[0].host.os_build = KNOWN(26099);
	assert_true(scene_has(planned(scene), D_PLATFORM));
	scene->hosts[0].host.os_build = UNKNOWN;
	assert_false(scene_has(planned(scene), D_PLATFORM));
	scene_free(scene);
}

/* Off ones count too: they could not all be started. */
static void more_partitions_assigned_than_there_are_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 2);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_OFF, 0);
	assert_false(scene_has(planned(scene), D_CAPACITY_OFF));
	scene_vm(scene, "vm-c", 0, VM_OFF, 0);
	assert_true(scene_has(planned(scene), D_CAPACITY_OFF));
	scene_free(scene);
}

static void surplus_and_pinned_partitions_are_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 2);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct adapter adapters[] = { vm->adapters[0], vm->adapters[0] };
	adapters[1].id = "second";
	adapters[1].pin = scene_path(0);
	vm->adapters = adapters;
	vm->n_adapters = 2;
	const struct plan *plan = planned(scene);
	assert_true(scene_has(plan, D_SURPLUS));
	assert_true(scene_has(plan, D_PIN_CLUSTERED));
	scene_free(scene);
}

static void vms_without_our_record_are_counted(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 2);
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "vdi" },
				      theirs = { "example.com/x", "c", "vdi" };
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0)->record = &ours;
	scene_vm(scene, "vm-c", 0, VM_RUNNING, 1)->record = &theirs;
	scene_vm(scene, "vm-d", 0, VM_OFF, -1); /* gains one, so it is recorded anyway */
	assert_int_equal(planned(scene)->n_to_adopt, 2);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fit_world_gets_no_advice),
		cmocka_unit_test(old_build_is_told),
		cmocka_unit_test(more_partitions_assigned_than_there_are_is_told),
		cmocka_unit_test(surplus_and_pinned_partitions_are_told),
		cmocka_unit_test(vms_without_our_record_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
