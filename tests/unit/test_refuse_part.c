/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM is owed and cannot be given back now stays owed, and keeps nobody else from being brought back. */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

/* Run 'dead' took the VM's adapter ten minutes ago, and left it so, off or not. */
static struct vm *owe_adapter(struct scene *scene, const char *name, enum vm_state vm_state, const char *pin)
{
	struct vm *vm = scene_vm(scene, name, 0, vm_state, -1);
	struct debt *debt = scene_owe_start(scene, vm, 600);
	struct adapter *adapter = arena_new_of(scene->arena, struct adapter);
	*adapter = (struct adapter){ .pin = pin, .pinned = pin ? TRI_YES : TRI_NO };
	debt->power = vm_state == VM_OFF ? DEBT_POWER_STOPPED : DEBT_POWER_NONE;
	debt->adapters = adapter;
	debt->n_adapters = 1;
	return vm;
}

static struct plan *restore(struct scene *scene)
{
	return scene_plan_as(scene, scene_manifests(scene, 4, NULL, NULL), (struct plan_input){ .mode = PLAN_RESTORE });
}

static void assert_stays_owed(const struct plan *plan, const char *reason)
{
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-a");
	assert_string_equal(plan->refusals[0].what, "what it is owed");
	if (!strstr(plan->refusals[0].reason, reason))
		fail_msg("not '%s': %s", reason, plan->refusals[0].reason);
	assert_true(plan->refusals[0].stays_owed);
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-a"));
	/* the other one is brought back all the same */
	assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-b"));
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-b"));
}

static void vm_that_is_not_off_waits_alone(void **state)
{
	(void)state;
	static const enum vm_state states[] = { VM_SAVED, VM_PAUSED, VM_STARTING };
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		struct scene *scene = scene_new(false, 1, 1, 4);
		owe_adapter(scene, "vm-a", states[i], NULL);
		owe_adapter(scene, "vm-b", VM_OFF, NULL);
		assert_stays_owed(restore(scene), name_of(&vm_state_names, states[i]));
		scene_free(scene);
	}
}

/* Paying debts asks nobody, so it stops nobody who runs; what manifests want asks first, keeps windows and budgets. */
static void vm_that_runs_is_stopped_for_it_by_apply_alone(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	owe_adapter(scene, "vm-a", VM_RUNNING, NULL);
	owe_adapter(scene, "vm-b", VM_OFF, NULL);
	const struct plan *plan = restore(scene);
	assert_stays_owed(plan, "would have to be stopped");
	assert_int_equal(plan->cost.vms_stopped, 0);
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 0);
	assert_non_null(scene_step(plan, STEP_STOP_VM, "vm-a"));
	assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-a"));
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  rollout: { stop: { method: Never } }\n"));
	assert_int_equal(plan->cost.vms_stopped, 0);
	assert_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-a"));
	scene_free(scene);
}

/* Its GPU has failed, or is gone: it starts without. */
static void vm_whose_gpu_is_gone_starts_without_it(void **state)
{
	(void)state;
	for (int is_gone = 0; is_gone < 2; is_gone++) {
		struct scene *scene = scene_new(false, 1, 2, 4);
		owe_adapter(scene, "vm-a", VM_OFF, is_gone ? "PCIROOT(99)" : scene_path(1));
		owe_adapter(scene, "vm-b", VM_OFF, NULL);
		scene_gpu(scene, 0, 1)->state = GPU_FAILED;
		const struct plan *plan = restore(scene);
		assert_stays_owed(plan, is_gone ? "PCIROOT(99)" : "offers none any more");
		assert_non_null(scene_step(plan, STEP_START_VM, "vm-a"));
		scene_free(scene);
	}
}

/* No rule of refusal knows of it, and the check does not let it pass. */
static void what_the_check_rejects_is_left_out(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = owe_adapter(scene, "vm-a", VM_OFF, NULL);
	struct device *device = arena_new_of(scene->arena, struct device);
	vm->cache_control = true;
	struct debt *debt = arena_copy(scene->arena, vm->debt, sizeof(*debt));
	*device = (struct device){ .pool = "gone" };
	debt->devices = device;
	debt->n_devices = 1;
	debt->n_adapters = 0;
	vm->debt = debt;
	owe_adapter(scene, "vm-b", VM_OFF, NULL);
	const struct plan *plan = restore(scene);
	assert_stays_owed(plan, "no pool 'gone'");
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-a"));
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vm_that_is_not_off_waits_alone),
		cmocka_unit_test(vm_that_runs_is_stopped_for_it_by_apply_alone),
		cmocka_unit_test(vm_whose_gpu_is_gone_starts_without_it),
		cmocka_unit_test(what_the_check_rejects_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
