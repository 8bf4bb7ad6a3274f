/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/touch.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

struct fixture {
	struct scene *scene;
	const struct world *before;
	struct world *after;
};

enum { OFF, ON_FIRST, ON_SECOND, SAVED, WITHOUT };

/* Two GPUs; a VM that is off, one on each GPU, a saved one on the first, and one without a partition. */
static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	struct scene *scene = fixture->scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "a", 0, VM_OFF, 0);
	scene_vm(scene, "b", 0, VM_RUNNING, 0);
	scene_vm(scene, "c", 0, VM_RUNNING, 1);
	scene_vm(scene, "d", 0, VM_SAVED, 0);
	scene_vm(scene, "e", 0, VM_RUNNING, -1);
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

static const struct vm_touch *touched(const struct fixture *fixture)
{
	return touch_make(fixture->scene->arena, fixture->before, fixture->after)->vms;
}

static void nothing_is_touched_when_nothing_changes(void **state)
{
	const struct vm_touch *vms = touched(*state);
	for (uint32_t i = OFF; i <= WITHOUT; i++)
		assert_false(vms[i].causes || vms[i].stop || vms[i].cycle || vms[i].blocked);
}

static void count_touches_who_could_be_on_that_gpu(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->gpus[0].count = KNOWN(8);
	const struct vm_touch *vms = touched(fixture);
	assert_true(vms[OFF].cycle && !vms[OFF].stop && !vms[OFF].early); /* it could come to be on any */
	assert_true(vms[ON_FIRST].cycle && vms[ON_FIRST].stop && vms[ON_FIRST].early);
	assert_int_equal(vms[ON_FIRST].causes, TOUCH_COUNT);
	assert_int_equal(vms[ON_FIRST].gpu, 0);
	assert_int_equal(vms[ON_SECOND].causes, 0);
	assert_true(vms[SAVED].blocked && !vms[SAVED].stop);
	assert_int_equal(vms[WITHOUT].causes, 0);
}

static void dismount_touches_who_runs_on_that_gpu_and_takes_no_adapter(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->gpus[0].state = GPU_DISMOUNTED;
	fixture->after->gpus[0].count = UNKNOWN;
	const struct vm_touch *vms = touched(fixture);
	assert_int_equal(vms[OFF].causes, 0);
	assert_int_equal(vms[ON_FIRST].causes, TOUCH_ROLE);
	assert_true(vms[ON_FIRST].stop && !vms[ON_FIRST].cycle && !vms[ON_FIRST].early);
	assert_false(vms[ON_SECOND].stop);
	assert_true(vms[SAVED].blocked);
}

static void dismount_touches_an_off_vm_that_is_pinned_there(void **state)
{
	struct fixture *fixture = *state;
	struct adapter *adapter = (struct adapter *)fixture->before->vms[OFF].adapters; /* shared by both worlds */
	adapter->pin = scene_path(0);
	adapter->pinned = TRI_YES;
	fixture->after->gpus[0].state = GPU_DISMOUNTED;
	assert_int_equal(touched(fixture)[OFF].causes, TOUCH_ROLE);
	assert_false(touched(fixture)[OFF].stop);
}

static void own_change_stops_the_vm_alone(void **state)
{
	struct fixture *fixture = *state;
	fixture->after->vms[WITHOUT].adapters = fixture->before->vms[OFF].adapters;
	fixture->after->vms[WITHOUT].n_adapters = 1;
	const struct vm_touch *vms = touched(fixture);
	assert_int_equal(vms[WITHOUT].causes, TOUCH_OWN);
	assert_true(vms[WITHOUT].stop && !vms[WITHOUT].early && !vms[WITHOUT].cycle);
	assert_int_equal(vms[WITHOUT].gpu, NO_INDEX);
	assert_false(vms[ON_FIRST].stop);
}

static void mount_touches_whose_device_it_is(void **state)
{
	struct fixture *fixture = *state;
	static const struct device device = { "PCIROOT(20)#PCI(0100)", NULL };
	struct world *before = (struct world *)fixture->before;
	before->gpus[1].state = GPU_DISMOUNTED;
	before->vms[WITHOUT].devices = fixture->after->vms[WITHOUT].devices = &device;
	before->vms[WITHOUT].n_devices = fixture->after->vms[WITHOUT].n_devices = 1;
	const struct vm_touch *vms = touched(fixture);
	assert_int_equal(vms[WITHOUT].causes & TOUCH_ROLE, TOUCH_ROLE);
	assert_true(vms[WITHOUT].stop && vms[WITHOUT].early);
}

/* ---- room while counts sink: c is on a GPU that has failed ---- */

static const struct vm_touch *touched_on_failed_gpu(struct fixture *fixture, uint64_t count)
{
	struct world *before = (struct world *)fixture->before;
	before->gpus[1].state = fixture->after->gpus[1].state = GPU_FAILED;
	before->vms[SAVED].n_adapters = fixture->after->vms[SAVED].n_adapters = 0;
	fixture->after->gpus[0].count = KNOWN(count);
	struct touch *touch = touch_make(fixture->scene->arena, before, fixture->after);
	touch_make_room(touch, before, fixture->after);
	return touch->vms;
}

static void who_runs_beside_a_count_and_fits_is_left_alone(void **state)
{
	const struct vm_touch *vms = touched_on_failed_gpu(*state, 1);
	assert_false(vms[ON_SECOND].stop);
}

static void who_loses_its_partition_is_off_before_a_count_without_room_for_it(void **state)
{
	struct fixture *fixture = *state;
	struct vm *e = &fixture->after->vms[WITHOUT];
	((struct world *)fixture->before)->vms[WITHOUT] = fixture->before->vms[ON_SECOND];
	*e = fixture->before->vms[ON_SECOND]; /* a second one on the failed GPU, which loses its partition */
	e->n_adapters = 0;
	const struct vm_touch *vms = touched_on_failed_gpu(fixture, 2);
	assert_true(vms[WITHOUT].stop && !vms[WITHOUT].early); /* two have room */
	vms = touched_on_failed_gpu(fixture, 1);
	assert_true(vms[WITHOUT].stop && vms[WITHOUT].early && vms[WITHOUT].cycle);
	assert_false(vms[ON_SECOND].stop);
}

/* Two hosts: live it could go only after the counts, and these would leave no room for it. */
static void who_would_move_live_is_stopped_when_counts_leave_no_room(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 2, 4);
	scene_vm(scene, "a", 0, VM_RUNNING, 1);
	scene_vm(scene, "b", 0, VM_RUNNING, 1);
	for (uint32_t h = 0; h < 2; h++)
		scene_gpu(scene, h, 1)->state = GPU_FAILED;
	const struct host_state *states[] = { &scene->hosts[0], &scene->hosts[1] };
	const struct world *before = world_assemble(scene->arena, states, 2);
	struct world *after = world_copy(scene->arena, before);
	after->gpus[0].count = after->gpus[2].count = KNOWN(1);
	after->vms[1].host = 1;
	struct touch *touch = touch_make(scene->arena, before, after);
	touch->vms[1].move = MOVE_ROOM;
	touch->vms[1].live = true;
	touch_make_room(touch, before, after);
	assert_true(touch->vms[1].stop && touch->vms[1].early && !touch->vms[1].live);
	assert_false(touch->vms[0].stop);
	scene_free(scene);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_touched_when_nothing_changes),
		TEST(count_touches_who_could_be_on_that_gpu),
		TEST(dismount_touches_who_runs_on_that_gpu_and_takes_no_adapter),
		TEST(dismount_touches_an_off_vm_that_is_pinned_there),
		TEST(own_change_stops_the_vm_alone),
		TEST(mount_touches_whose_device_it_is),
		TEST(who_runs_beside_a_count_and_fits_is_left_alone),
		TEST(who_loses_its_partition_is_off_before_a_count_without_room_for_it),
		cmocka_unit_test(who_would_move_live_is_stopped_when_counts_leave_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
