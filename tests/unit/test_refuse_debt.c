/* SPDX-License-Identifier: Apache-2.0 */
/* A VM to which an old run owes a part, and that a manifest would give another: it alone waits for a person. */
#include "reconcile/refuse.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

enum { DAY_S = 86400 };

/* One host with two GPUs at 4; vm-a has nothing, and a run of two days ago owes it a start, and what a test adds; vm-b
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
	fixture->debt = scene_owe_start(fixture->scene, fixture->vm, 2 * DAY_S);
	fixture->adapter = (struct adapter){ .id = "x", .pinned = TRI_NO };
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

static void owe_adapter(struct fixture *fixture, const char *pin, struct maybe_u64 quota)
{
	fixture->adapter.pin = pin;
	fixture->adapter.pinned = pin ? TRI_YES : TRI_NO;
	fixture->adapter.quotas[QUOTA_MIN_VRAM] = quota;
	fixture->debt->adapters = &fixture->adapter;
	fixture->debt->n_adapters = 1;
}

static struct plan *plan_of(struct fixture *fixture, const char *more)
{
	return scene_plan(fixture->scene, scene_manifests(fixture->scene, 4, "vm-*", more));
}

static void assert_refused_alone(struct fixture *fixture, const char *what)
{
	const struct plan *plan = plan_of(fixture, NULL);
	assert_false(scene_has(plan, D_INVARIANT));
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_DEBT_UNDECIDED);
	assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-a");
	assert_non_null(strstr(plan->refusals[0].reason, what));
	assert_non_null(strstr(plan->refusals[0].reason, "hvgpu settle vm-a SOURCE --start"));
	assert_int_equal(plan->n_steps, 1);
	assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-b"));
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
}

static void partition_with_quotas_waits_for_a_person(void **state)
{
	owe_adapter(*state, NULL, KNOWN(1000));
	assert_refused_alone(*state, "a partition with quotas of its own");
}

static void partition_with_a_pin_waits_for_a_person(void **state)
{
	owe_adapter(*state, scene_path(1), UNKNOWN);
	assert_refused_alone(*state, "a pinned partition");
}

static void vm_that_runs_is_not_stopped_for_it(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->state = VM_RUNNING;
	owe_adapter(fixture, NULL, KNOWN(1000));
	assert_refused_alone(fixture, "quotas");
}

static void stop_of_an_unknown_time_is_as_undecided_as_an_old_one(void **state)
{
	struct fixture *fixture = *state;
	fixture->debt->at = SCENE_NOW - 60;
	fixture->debt->state_change = UNKNOWN;
	owe_adapter(fixture, NULL, KNOWN(1000));
	assert_refused_alone(fixture, "quotas");
}

static void whole_gpu_that_is_owed_is_no_partition(void **state)
{
	struct fixture *fixture = *state;
	fixture->device.location_path = "PCIROOT(9)";
	fixture->debt->devices = &fixture->device;
	fixture->debt->n_devices = 1;
	assert_refused_alone(fixture, "a whole GPU");
}

static void partition_that_is_owed_is_no_whole_gpu(void **state)
{
	struct fixture *fixture = *state;
	struct scene *scene = fixture->scene;
	scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	scene_gpu(scene, 0, 1)->count = UNKNOWN;
	owe_adapter(fixture, NULL, UNKNOWN);
	const char *manifests = "{apiVersion: hvgpu.dev/v1alpha1, kind: GpuCluster, metadata: {name: c}, spec: {type: "
				"Standalone, hosts: [{name: hv01}], gpus: [{name: whole, match: {model: NVIDIA A2}, "
				"passthrough: {perHost: 1, mmio: {low: 1Mi, high: 16Gi}}}]}}\n---\n"
				"{apiVersion: hvgpu.dev/v1alpha1, kind: GpuAssignment, metadata: {name: a}, spec: {"
				"cluster: c, gpus: whole, virtualMachines: [{name: vm-a}]}}\n";
	const struct plan *plan = scene_plan(scene, manifests);
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_DEBT_UNDECIDED);
}

static void what_is_owed_is_given_where_a_manifest_gives_the_same(void **state)
{
	owe_adapter(*state, NULL, UNKNOWN);
	const struct plan *plan = plan_of(*state, NULL);
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 2);
}

static void vm_that_may_have_two_partitions_gets_one_beside_what_it_is_owed(void **state)
{
	owe_adapter(*state, NULL, KNOWN(1000));
	const struct plan *plan = plan_of(*state, "  maxPartitionsPerVM: 2\n");
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 2);
}

static void vm_that_has_its_partition_already_is_refused_nothing(void **state)
{
	struct fixture *fixture = *state;
	static const struct adapter has = { .id = "h", .pinned = TRI_NO };
	fixture->vm->adapters = &has;
	fixture->vm->n_adapters = 1;
	owe_adapter(fixture, NULL, KNOWN(1000));
	const struct plan *plan = plan_of(fixture, NULL);
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->n_steps, 1);
}

/* `restore` while the run that stopped vm-a holds the host. */
static void what_a_run_at_work_owes_is_said_to_whoever_would_pay_it(void **state)
{
	struct fixture *fixture = *state;
	const struct lease lease = { .holder = "eve@laptop", .run = "dead", .since = SCENE_NOW - 3600 };
	const struct cluster_record record = { .owner = "ops", .cluster = "paris" };
	fixture->scene->hosts[0].host.lease = &lease;
	fixture->scene->hosts[0].host.record = &record;
	const char *manifests = scene_manifests(fixture->scene, 4, "vm-*", NULL);
	struct plan *plan = scene_plan_as(fixture->scene, manifests, (struct plan_input){ .mode = PLAN_RESTORE });
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].what, "a start");
	assert_non_null(strstr(plan->refusals[0].reason, "run 'dead' of eve@laptop holds the hosts since 2026-"));
	assert_non_null(strstr(plan->refusals[0].reason, "'hvgpu unlock c SOURCE --run dead'"));
	assert_int_equal(plan_exit(plan), EXIT_LOCKED);
	assert_false(scene_has(plan, D_DEBT_IN_PROGRESS));
	plan = scene_plan(fixture->scene, manifests); /* which has other work, and is told by a note */
	assert_true(scene_has(plan, D_DEBT_IN_PROGRESS));
}

static void run_at_work_that_owes_nothing_is_not_in_the_way(void **state)
{
	struct fixture *fixture = *state;
	const struct lease lease = { .holder = "eve@laptop", .run = "other", .since = SCENE_NOW - 3600 };
	fixture->scene->hosts[0].host.lease = &lease;
	fixture->vm->debt = NULL;
	const struct plan *plan = scene_plan_as(fixture->scene, scene_manifests(fixture->scene, 4, "vm-*", NULL),
		(struct plan_input){ .mode = PLAN_RESTORE });
	assert_int_equal(plan_exit(plan), EXIT_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(partition_with_quotas_waits_for_a_person),
		TEST(partition_with_a_pin_waits_for_a_person),
		TEST(vm_that_runs_is_not_stopped_for_it),
		TEST(stop_of_an_unknown_time_is_as_undecided_as_an_old_one),
		TEST(whole_gpu_that_is_owed_is_no_partition),
		TEST(partition_that_is_owed_is_no_whole_gpu),
		TEST(what_is_owed_is_given_where_a_manifest_gives_the_same),
		TEST(vm_that_may_have_two_partitions_gets_one_beside_what_it_is_owed),
		TEST(vm_that_has_its_partition_already_is_refused_nothing),
		TEST(what_a_run_at_work_owes_is_said_to_whoever_would_pay_it),
		TEST(run_at_work_that_owes_nothing_is_not_in_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
