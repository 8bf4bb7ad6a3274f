/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static enum steps_answer act(struct arena *arena, struct world *world, enum step_kind kind, uint32_t vm)
{
	struct step step = steps_vm(world, kind, vm);

	return steps_do(arena, world, &step);
}

static enum steps_answer move(struct arena *arena, struct world *world, uint32_t vm, const char *to)
{
	struct step step = steps_vm(world, STEP_MOVE_VM, vm);

	step.to_host = to;
	step.live = world->vms[vm].state == VM_RUNNING;
	return steps_do(arena, world, &step);
}

static void stopping_takes_a_vm_off_its_gpus(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 1);
	const struct adapter *before = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 2);
	before = world->vms[0].adapters;
	assert_int_equal(act(arena, world, STEP_STOP_VM, 0), STEPS_CHANGED);
	assert_int_equal(world->vms[0].state, VM_OFF);
	assert_int_equal(world->vms[0].adapters[0].gpus, 0);
	assert_int_equal(before[0].gpus, 2); /* arrays are never changed in place */
	assert_int_equal(act(arena, world, STEP_STOP_VM, 0), STEPS_UNCHANGED);
}

static void only_running_vms_stop_and_only_off_ones_start(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	for (int s = 0; s < VM_STATE_COUNT; s++) {
		world->vms[0].state = (enum vm_state)s;
		assert_int_equal(act(arena, world, STEP_STOP_VM, 0), s == VM_OFF       ? STEPS_UNCHANGED
								     : s == VM_RUNNING ? STEPS_CHANGED
										       : STEPS_REFUSED);
		world->vms[0].state = (enum vm_state)s;
		assert_int_equal(act(arena, world, STEP_START_VM, 0), s == VM_OFF       ? STEPS_CHANGED
								      : s == VM_RUNNING ? STEPS_UNCHANGED
											: STEPS_REFUSED);
	}
}

static void memory_goes_with_the_power(void **ignored)
{
	static const struct maybe_u64 starts[] = { KNOWN(5), KNOWN(50), UNKNOWN };
	static const uint64_t left[] = { 3, 0, 8 };

	(void)ignored;
	for (int i = 0; i < 3; i++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct world *world = worlds_new(arena, 1, 1, 4, 1);
		worlds_vm(arena, world, 0, VM_OFF);
		world->hosts[0].memory_free_bytes = KNOWN(8);
		world->vms[0].memory_bytes = KNOWN(0); /* as hosts say of a VM that is off */
		world->vms[0].memory_startup_bytes = starts[i];
		assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
		assert_true(maybe_is(world->hosts[0].memory_free_bytes, left[i]));
		world->vms[0].memory_bytes = KNOWN(6);
		assert_int_equal(act(arena, world, STEP_STOP_VM, 0), STEPS_CHANGED);
		assert_true(maybe_is(world->hosts[0].memory_free_bytes, left[i] + 6));
	}
}

static void a_start_could_land_on_each_gpu_with_room(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 1, 3);

	(void)ignored;
	for (uint32_t v = 0; v < 3; v++) {
		worlds_vm(arena, world, 0, VM_OFF);
		worlds_adapter(arena, world, v, -1, 0);
	}
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
	assert_int_equal(world->vms[0].adapters[0].gpus, 3);
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_CHANGED);
	assert_int_equal(act(arena, world, STEP_START_VM, 2), STEPS_REFUSED);
	assert_int_equal(act(arena, world, STEP_STOP_VM, 0), STEPS_CHANGED);
	assert_int_equal(act(arena, world, STEP_START_VM, 2), STEPS_CHANGED);
}

static void a_start_with_two_adapters_needs_two_partitions(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 1, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	worlds_adapter(arena, world, 0, -1, 0);
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_REFUSED);
	world->gpus[0].count = KNOWN(2);
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
}

static void a_pinned_start_needs_certain_room_on_its_gpu(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 1, 2);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 3);
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 1, 1, 0);
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_REFUSED);
	world->vms[0].state = VM_OFF;
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_CHANGED);
	assert_int_equal(world->vms[1].adapters[0].gpus, 2);
	world->vms[1].state = VM_OFF;
	world->gpus[1].state = GPU_DISMOUNTED;
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_REFUSED);
}

static void a_start_needs_its_whole_gpus_dismounted_and_free(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);

	(void)ignored;
	for (uint32_t v = 0; v < 2; v++) {
		worlds_vm(arena, world, 0, VM_OFF);
		worlds_device(arena, world, v, 1, NULL);
	}
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_REFUSED);
	worlds_dismount(arena, world, 1, NULL);
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_REFUSED);
}

static void a_start_needs_a_free_member_of_its_pool(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);

	(void)ignored;
	for (uint32_t v = 0; v < 2; v++) {
		worlds_vm(arena, world, 0, VM_OFF);
		worlds_device(arena, world, v, 0, "p");
	}
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_REFUSED);
	worlds_dismount(arena, world, 1, "p");
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
	assert_int_equal(act(arena, world, STEP_START_VM, 1), STEPS_REFUSED);
}

static void a_start_settles_the_power_that_was_owed(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct adapter part = { .pinned = TRI_NO };
	struct debt power = { .run = "r", .power = DEBT_POWER_STOPPED };
	struct debt both = { .run = "r", .power = DEBT_POWER_STOPPED, .adapters = &part, .n_adapters = 1 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	world->vms[0].debt = &power;
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
	assert_null(world->vms[0].debt);
	world->vms[0].state = VM_OFF;
	world->vms[0].debt = &both;
	assert_int_equal(act(arena, world, STEP_START_VM, 0), STEPS_CHANGED);
	assert_int_equal(world->vms[0].debt->power, DEBT_POWER_NONE);
	assert_int_equal(world->vms[0].debt->n_adapters, 1);
	assert_int_equal(both.power, DEBT_POWER_STOPPED);
}

static void an_off_clustered_vm_moves_without_asking_for_room(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 1, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 0);
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_REFUSED);
	world->vms[0].clustered = TRI_YES;
	assert_int_equal(move(arena, world, 0, "hv03"), STEPS_REFUSED);
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_CHANGED);
	assert_int_equal(world->vms[0].host, 1);
	assert_int_equal(world->vms[0].adapters[0].gpus, 0);
	assert_int_equal(move(arena, world, 0, "HV02"), STEPS_UNCHANGED);
}

static void a_pinned_or_saved_vm_does_not_move_nor_any_to_a_paused_node(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 1, 2);
	struct cluster_node nodes[] = { { "hv01", NODE_UP }, { "hv02", NODE_PAUSED } };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_adapter(arena, world, 0, 0, 0);
	worlds_vm(arena, world, 0, VM_SAVED);
	world->vms[0].clustered = world->vms[1].clustered = TRI_YES;
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_REFUSED);
	assert_int_equal(move(arena, world, 1, "hv02"), STEPS_REFUSED);
	world->vms[1].state = VM_OFF;
	world->hosts[1].nodes = nodes;
	world->hosts[1].n_nodes = 2;
	assert_int_equal(move(arena, world, 1, "hv02"), STEPS_REFUSED);
	nodes[1].state = NODE_UP;
	assert_int_equal(move(arena, world, 1, "hv02"), STEPS_CHANGED);
}

static void a_live_move_needs_adapter_and_gpu_to_say_so(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 1, 1);
	struct adapter live = { .pinned = TRI_NO, .gpus = 1, .outgoing_live_migration = TRI_YES };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	world->vms[0].clustered = TRI_YES;
	world->gpus[3].incoming_live_migration = TRI_YES;
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_REFUSED);
	world->vms[0].adapters = &live;
	world->gpus[3].incoming_live_migration = TRI_UNKNOWN;
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_REFUSED);
	world->gpus[3].incoming_live_migration = TRI_YES;
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_REFUSED);
	world->hosts[0].can_command_moves = TRI_YES;
	assert_int_equal(move(arena, world, 0, "hv02"), STEPS_CHANGED);
	assert_int_equal(world->vms[0].adapters[0].gpus, 2);
}

static void an_offline_action_is_set_on_clustered_vms_in_any_state(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	step = steps_vm(world, STEP_SET_OFFLINE_ACTION, 0);
	step.offline_action = OFFLINE_FORCED;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->vms[0].clustered = TRI_YES;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_true(maybe_is(world->vms[0].offline_action, OFFLINE_FORCED));
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
}

static void live_settings_change_on_a_running_vm_and_others_do_not(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct step live = { 0 }, off = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	world->vms[0].automatic_checkpoints = true;
	world->vms[0].stop_action = STOP_ACTION_SAVE;
	world->vms[0].cache_control = false;
	live = steps_vm(world, STEP_CONFIGURE_VM, 0);
	live.settings = (struct vm_settings){ .which = SETTINGS_LIVE, .stop_action = STOP_ACTION_TURN_OFF };
	off = steps_vm(world, STEP_CONFIGURE_VM, 0);
	off.settings = (struct vm_settings){ .which = SETTING_CACHE_CONTROL, .cache_control = true };
	assert_int_equal(steps_do(arena, world, &live), STEPS_CHANGED);
	assert_false(world->vms[0].automatic_checkpoints);
	assert_int_equal(world->vms[0].stop_action, STOP_ACTION_TURN_OFF);
	assert_int_equal(steps_do(arena, world, &live), STEPS_UNCHANGED);
	assert_int_equal(steps_do(arena, world, &off), STEPS_REFUSED);
	world->vms[0].state = VM_OFF;
	assert_int_equal(steps_do(arena, world, &off), STEPS_CHANGED);
	assert_true(world->vms[0].cache_control);
}

static void mmio_space_is_raised_and_never_lowered(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	world->vms[0].mmio_low_bytes = KNOWN(1000);
	world->vms[0].mmio_high_bytes = KNOWN(50);
	step = steps_vm(world, STEP_CONFIGURE_VM, 0);
	step.settings = (struct vm_settings){
		.which = SETTING_MMIO_LOW | SETTING_MMIO_HIGH, .mmio_low_bytes = 900, .mmio_high_bytes = 60
	};
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
	assert_true(maybe_is(world->vms[0].mmio_low_bytes, 1000));
	assert_true(maybe_is(world->vms[0].mmio_high_bytes, 60));
	world->vms[0].state = VM_RUNNING;
	assert_int_equal(steps_do(arena, world, &step), STEPS_UNCHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopping_takes_a_vm_off_its_gpus),
		cmocka_unit_test(only_running_vms_stop_and_only_off_ones_start),
		cmocka_unit_test(memory_goes_with_the_power),
		cmocka_unit_test(a_start_could_land_on_each_gpu_with_room),
		cmocka_unit_test(a_start_with_two_adapters_needs_two_partitions),
		cmocka_unit_test(a_pinned_start_needs_certain_room_on_its_gpu),
		cmocka_unit_test(a_start_needs_its_whole_gpus_dismounted_and_free),
		cmocka_unit_test(a_start_needs_a_free_member_of_its_pool),
		cmocka_unit_test(a_start_settles_the_power_that_was_owed),
		cmocka_unit_test(an_off_clustered_vm_moves_without_asking_for_room),
		cmocka_unit_test(a_pinned_or_saved_vm_does_not_move_nor_any_to_a_paused_node),
		cmocka_unit_test(a_live_move_needs_adapter_and_gpu_to_say_so),
		cmocka_unit_test(an_offline_action_is_set_on_clustered_vms_in_any_state),
		cmocka_unit_test(live_settings_change_on_a_running_vm_and_others_do_not),
		cmocka_unit_test(mmio_space_is_raised_and_never_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
