/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planner.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

struct fixture {
	struct scene *scene;
	const struct world *before;
	struct world *after;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	struct scene *scene = fixture->scene = scene_new(true, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	const struct host_state *states[] = { &scene->hosts[0] };
	fixture->before = world_assemble(scene->arena, states, 1);
	fixture->after = world_copy(scene->arena, fixture->before);
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

static struct changes changes_of(const struct fixture *fixture)
{
	return diff_worlds(fixture->scene->arena, fixture->before, fixture->after);
}

static const struct change *only_change(const struct fixture *fixture, enum change_kind kind)
{
	struct changes changes = changes_of(fixture);
	assert_int_equal(changes.n, 1);
	assert_int_equal(changes.items[0].kind, kind);
	return &changes.items[0];
}

static void equal_worlds_have_no_change(void **state)
{
	assert_int_equal(changes_of(*state).n, 0);
}

static void what_is_only_observed_is_no_change(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->hosts[0].epoch = 9;
	fixture->after->gpus[0].partition_memory = KNOWN(1);
	fixture->after->vms[0].guest_os = "another";
	fixture->after->vms[0].state_change = KNOWN(1);
	assert_int_equal(changes_of(fixture).n, 0);
}

static void count_is_a_change_of_its_gpu(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->gpus[1].count = KNOWN(8);
	const struct change *change = only_change(fixture, CHANGE_COUNT);
	assert_string_equal(change->subject, "host/hv01/gpu/PCIROOT(20)#PCI(0100)");
	assert_string_equal(change->before, "4");
	assert_string_equal(change->after, "8");
	assert_int_equal(change->gpu, 1);
	assert_int_equal(change->vm, NO_INDEX);
}

static void count_that_is_not_known_afterwards_is_no_change_besides_the_state(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->gpus[1].state = GPU_DISMOUNTED;
	fixture->after->gpus[1].count = UNKNOWN;
	assert_string_equal(only_change(fixture, CHANGE_GPU_STATE)->after, "dismounted");
}

static void adapter_that_is_replaced_is_two_changes(void **state)
{
	struct fixture *fixture = *state;
	struct adapter *fresh = arena_copy(fixture->scene->arena, fixture->before->vms[0].adapters, sizeof(*fresh));
	fresh->id = NULL;
	fresh->pin = scene_path(1);
	fixture->after->vms[0].adapters = fresh;
	struct changes changes = changes_of(fixture);
	assert_int_equal(changes.n, 2);
	assert_int_equal(changes.items[0].kind, CHANGE_ADAPTER_REMOVED);
	assert_int_equal(changes.items[1].kind, CHANGE_ADAPTER_ADDED);
	assert_string_equal(changes.items[1].after, "a partition pinned to PCIROOT(20)#PCI(0100)");
	assert_string_equal(changes.items[1].subject, "host/hv01/vm/vm-a");
}

static void second_device_of_one_pool_is_a_change(void **state)
{
	struct fixture *fixture = *state;
	static const struct device devices[] = { { NULL, "p" }, { NULL, "p" } };
	((struct vm *)&fixture->before->vms[0])->devices = devices;
	((struct vm *)&fixture->before->vms[0])->n_devices = 1;
	fixture->after->vms[0].devices = devices;
	fixture->after->vms[0].n_devices = 2;
	assert_string_equal(only_change(fixture, CHANGE_DEVICE_ADDED)->after, "a GPU of pool p");
}

static void new_pool_and_its_member_are_changes(void **state)
{
	struct fixture *fixture = *state;
	static const char *const members[] = { "PCIROOT(20)#PCI(0100)" };
	static const struct pool pool = { "p", members, 1 };
	fixture->after->hosts[0].pools = &pool;
	fixture->after->hosts[0].n_pools = 1;
	struct changes changes = changes_of(fixture);
	assert_int_equal(changes.n, 2);
	assert_string_equal(changes.items[0].subject, "host/hv01/pool/p");
	assert_int_equal(changes.items[1].kind, CHANGE_POOL_MEMBER);
	assert_int_equal(changes.items[1].gpu, 1);
}

static void power_and_each_setting_are_changes(void **state)
{
	struct fixture *fixture = *state;
	struct vm *vm = &fixture->after->vms[0];
	vm->state = VM_OFF;
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	vm->automatic_checkpoints = !vm->automatic_checkpoints;
	vm->stop_action = STOP_ACTION_TURN_OFF;
	vm->cache_control = !vm->cache_control;
	vm->mmio_low_bytes = vm->mmio_high_bytes = KNOWN(1);
	struct changes changes = changes_of(fixture);
	static const enum change_kind kinds[] = { CHANGE_OFFLINE_ACTION, CHANGE_AUTOMATIC_CHECKPOINTS,
		CHANGE_STOP_ACTION, CHANGE_CACHE_CONTROL, CHANGE_MMIO_LOW, CHANGE_MMIO_HIGH, CHANGE_POWER };
	assert_int_equal(changes.n, G_N_ELEMENTS(kinds));
	for (uint32_t i = 0; i < changes.n; i++)
		assert_int_equal(changes.items[i].kind, kinds[i]);
	assert_string_equal(changes.items[changes.n - 1].after, "Off");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_worlds_have_no_change),
		TEST(what_is_only_observed_is_no_change),
		TEST(count_is_a_change_of_its_gpu),
		TEST(count_that_is_not_known_afterwards_is_no_change_besides_the_state),
		TEST(adapter_that_is_replaced_is_two_changes),
		TEST(second_device_of_one_pool_is_a_change),
		TEST(new_pool_and_its_member_are_changes),
		TEST(power_and_each_setting_are_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
