/* SPDX-License-Identifier: Apache-2.0 */
/* A VM is owed a part that its host has no more. */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

/* One host with two GPUs at 4; vm-a has nothing, and a dead run owes it a start, and what a test adds; vm-b
 * is without a partition. */
struct fixture {
	struct scene *scene;
	struct vm *vm;
	struct debt *debt;
	struct adapter adapter;
	struct device device;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->scene = scene_new(false, 1, 2, 4);
	fixture->vm = scene_vm(fixture->scene, "vm-a", 0, VM_OFF, -1);
	fixture->debt = scene_owe_start(fixture->scene, fixture->vm, 60);
	scene_vm(fixture->scene, "vm-b", 0, VM_OFF, -1);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	scene_free(fixture->scene);
	g_free(fixture);
	return 0;
}

static void owe_adapter(struct fixture *fixture, const char *pin)
{
	fixture->adapter = (struct adapter){ .id = "x", .pin = pin, .pinned = TRI_YES };
	fixture->debt->adapters = &fixture->adapter;
	fixture->debt->n_adapters = 1;
}

/* It stays owed, is named with what decides about it, and keeps neither the VM's start nor anybody else's from being paid. */
static void assert_waits_for_its_part(struct fixture *fixture, const char *why)
{
	struct scene *scene = fixture->scene;
	struct debt *other = scene_owe_start(scene, &scene->vms[0][1], 60);
	for (int is_owed_a_start = 0; is_owed_a_start < 2; is_owed_a_start++) {
		fixture->debt->at = SCENE_NOW - 60;
		fixture->debt->power = is_owed_a_start ? DEBT_POWER_STOPPED : DEBT_POWER_NONE;
		other->power = DEBT_POWER_STOPPED;
		const struct plan *plan = scene_plan_as(
			scene, scene_manifests(scene, 4, "vm-*", NULL), (struct plan_input){ .mode = PLAN_RESTORE });
		assert_false(scene_has(plan, D_STEP_NOT_POSSIBLE));
		assert_int_equal(plan->n_refusals, 1);
		assert_true(plan->refusals[0].stays_owed);
		assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-a");
		assert_non_null(strstr(plan->refusals[0].reason, why));
		assert_non_null(strstr(plan->refusals[0].reason, "'hvgpu settle vm-a SOURCE --leave-off'"));
		assert_int_equal(scene_count(plan, STEP_START_VM), 1 + is_owed_a_start);
		assert_int_equal(plan->n_steps, 1 + is_owed_a_start);
	}
}

static void owe_device(struct fixture *fixture, const char *path, const char *pool)
{
	fixture->device = (struct device){ .location_path = path, .pool = pool };
	fixture->debt->devices = &fixture->device;
	fixture->debt->n_devices = 1;
}

static void whole_gpu_that_is_mounted_again_stays_owed(void **state)
{
	owe_device(*state, scene_path(0), NULL);
	assert_waits_for_its_part(*state, "is partitionable, and not dismounted any more");
}

static void whole_gpu_that_is_gone_stays_owed(void **state)
{
	owe_device(*state, "PCIROOT(99)#PCI(0000)", NULL);
	assert_waits_for_its_part(*state, "'hv01' has no GPU at PCIROOT(99)#PCI(0000) any more");
}

static void whole_gpu_of_a_pool_that_is_gone_stays_owed(void **state)
{
	owe_device(*state, NULL, "render");
	assert_waits_for_its_part(*state, "'hv01' has no pool 'render' any more");
}

static void whole_gpu_of_an_empty_pool_stays_owed(void **state)
{
	struct fixture *fixture = *state;
	static const struct pool pool = { .name = "render" };
	fixture->scene->hosts[0].host.pools = &pool;
	fixture->scene->hosts[0].host.n_pools = 1;
	owe_device(fixture, NULL, "render");
	assert_waits_for_its_part(fixture, "pool 'render' of 'hv01' has no GPU left");
}

static void whole_gpu_that_another_vm_has_stays_owed(void **state)
{
	struct fixture *fixture = *state;
	struct vm *other = scene_vm(fixture->scene, "vm-c", 0, VM_OFF, -1);
	static struct device taken;
	taken.location_path = scene_path(1);
	other->devices = &taken;
	other->n_devices = 1;
	scene_gpu(fixture->scene, 0, 1)->state = GPU_DISMOUNTED;
	scene_gpu(fixture->scene, 0, 1)->count = UNKNOWN;
	owe_device(fixture, scene_path(1), NULL);
	assert_waits_for_its_part(fixture, "VM 'vm-c' has the GPU at");
}

static void partition_whose_gpu_offers_none_stays_owed(void **state)
{
	struct fixture *fixture = *state;
	scene_gpu(fixture->scene, 0, 1)->state = GPU_DISMOUNTED;
	scene_gpu(fixture->scene, 0, 1)->count = UNKNOWN;
	owe_adapter(fixture, scene_path(1));
	assert_waits_for_its_part(fixture, "to which its partition is pinned, offers none any more");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_gpu_that_is_mounted_again_stays_owed),
		TEST(whole_gpu_that_is_gone_stays_owed),
		TEST(whole_gpu_of_a_pool_that_is_gone_stays_owed),
		TEST(whole_gpu_of_an_empty_pool_stays_owed),
		TEST(whole_gpu_that_another_vm_has_stays_owed),
		TEST(partition_whose_gpu_offers_none_stays_owed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
