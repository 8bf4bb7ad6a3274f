/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

#define FIRST "PCIROOT(0)#PCI(0)"

static struct step on(enum step_kind kind, const char *pool)
{
	return (struct step){
		.kind = kind, .id = 1, .host_name = "hv01", .location_path = FIRST, .pool = pool, .force = true
	};
}

static struct host_session *begin(struct bench *bench, const struct world *world)
{
	bench_init(bench, world, NULL);
	struct host_session *session = bench_open(bench, "sim", "hv01");
	assert_int_equal(bench_lease(bench, session, 1), HOST_OK);
	return session;
}

static enum host_error perform(struct bench *bench, struct host_session *session, struct step step)
{
	return bench_step(bench, session, &step)->error;
}

static void gpu_goes_into_a_pool_once_it_is_dismounted(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct host_session *session = begin(&bench, worlds_new(arena, 1, 1, 4, 1));
	assert_int_equal(perform(&bench, session, on(STEP_ADD_TO_POOL, "pool")), HOST_NOT_FOUND);
	assert_int_equal(perform(&bench, session, on(STEP_CREATE_POOL, "pool")), HOST_OK);
	assert_int_equal(perform(&bench, session, on(STEP_ADD_TO_POOL, "pool")), HOST_NOT_FOUND);
	assert_int_equal(perform(&bench, session, on(STEP_DISMOUNT_GPU, NULL)), HOST_OK);
	assert_int_equal(perform(&bench, session, on(STEP_ADD_TO_POOL, "pool")), HOST_OK);
	assert_string_equal(bench_observe(&bench, session)->host.pools[0].members[0], FIRST);
	assert_int_equal(perform(&bench, session, on(STEP_CREATE_POOL, "other")), HOST_OK);
	assert_int_equal(perform(&bench, session, on(STEP_ADD_TO_POOL, "other")), HOST_IN_USE);
	assert_int_equal(perform(&bench, session, on(STEP_REMOVE_FROM_POOL, "pool")), HOST_OK);
	assert_int_equal(bench_observe(&bench, session)->host.pools[1].n_members, 0);
	bench_done(&bench);
}

static void member_that_a_running_vm_has_does_not_leave(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	worlds_device(arena, world, worlds_vm(arena, world, 0, VM_RUNNING), 0, "pool");
	worlds_dismount(arena, world, 0, "pool");
	struct host_session *session = begin(&bench, world);
	assert_int_equal(perform(&bench, session, on(STEP_REMOVE_FROM_POOL, "pool")), HOST_IN_USE);
	bench_done(&bench);
}

static void device_is_added_only_when_dismounted_or_from_a_pool(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	worlds_vm(arena, world, 0, VM_OFF);
	struct host_session *session = begin(&bench, world);
	struct step add = on(STEP_ADD_DEVICE, NULL);
	add.vm_id = world->vms[0].id;
	add.device = (struct device){ .location_path = FIRST };
	assert_int_equal(perform(&bench, session, add), HOST_NOT_FOUND);
	assert_int_equal(perform(&bench, session, on(STEP_DISMOUNT_GPU, NULL)), HOST_OK);
	assert_int_equal(perform(&bench, session, add), HOST_OK);
	assert_string_equal(bench.reply.vm_after->devices[0].location_path, FIRST);
	add.device = (struct device){ .pool = "none" };
	assert_int_equal(perform(&bench, session, add), HOST_NOT_FOUND);
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gpu_goes_into_a_pool_once_it_is_dismounted),
		cmocka_unit_test(member_that_a_running_vm_has_does_not_leave),
		cmocka_unit_test(device_is_added_only_when_dismounted_or_from_a_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
