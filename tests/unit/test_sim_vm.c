/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

/* Two nodes of a failover cluster with one GPU of 1 each; vm-1 runs on hv01 with the partition, vm-2 is off with one. */
static struct world *start_world(struct arena *arena)
{
	struct world *world = worlds_new(arena, 2, 1, 1, 4);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_RUNNING), -1, 1);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_OFF), -1, 0);
	for (uint32_t v = 0; v < 2; v++) {
		world->vms[v].clustered = TRI_YES;
		world->vms[v].offline_action = KNOWN(OFFLINE_FORCED);
	}
	return world;
}

static struct step step_on(const struct world *world, enum step_kind kind, uint32_t vm)
{
	return (struct step){ .kind = kind,
		.id = 1,
		.host_name = "hv01",
		.vm_id = world->vms[vm].id,
		.vm_name = world->vms[vm].name,
		.stop_timeout_s = 300,
		.to_host = "hv02" };
}

struct fixture {
	struct bench bench;
	struct arena *arena;
	struct world *world;
	struct host_session *session;
	const struct simulation *simulation;
};

static void begin(struct fixture *f)
{
	f->arena = arena_new();
	f->world = start_world(f->arena);
}

static enum host_error perform(struct fixture *f, struct step step)
{
	if (!f->session) {
		bench_init(&f->bench, f->world, f->simulation);
		f->session = bench_open(&f->bench, "sim", "hv01");
		assert_int_equal(bench_lease(&f->bench, f->session, 1), HOST_OK);
	}
	return bench_step(&f->bench, f->session, &step)->error;
}

static void end(struct fixture *f)
{
	bench_done(&f->bench);
	arena_free(f->arena);
}

static void stop_of_a_clustered_vm_with_offline_action_save_saves_it(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	f.world->vms[0].offline_action = KNOWN(OFFLINE_SAVE);
	assert_int_equal(perform(&f, step_on(f.world, STEP_STOP_VM, 0)), HOST_INVALID_STATE);
	assert_int_equal(f.bench.reply.vm_after->state, VM_SAVED);
	assert_int_equal(f.bench.reply.vm_after->debt->power, DEBT_POWER_STOPPING);
	end(&f);
}

static void stop_of_a_guest_that_does_not_answer_times_out_or_turns_off(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	f.world->vms[0].shutdown_answers = TRI_NO;
	struct step stop = step_on(f.world, STEP_STOP_VM, 0);
	assert_int_equal(perform(&f, stop), HOST_TIMEOUT);
	assert_int_equal(f.bench.reply.vm_after->state, VM_RUNNING);
	stop.on_timeout = ON_TIMEOUT_TURN_OFF;
	assert_int_equal(perform(&f, stop), HOST_OK);
	assert_int_equal(f.bench.reply.vm_after->state, VM_OFF);
	end(&f);
}

/* The guest of vm-1 needs that long, on a clock that stands at 1,000,000. */
static struct simulation slow_guest(const struct world *world, struct simulation_guest *guest, uint32_t seconds)
{
	*guest = (struct simulation_guest){ world->vms[0].name, seconds };
	return (struct simulation){ .clock = 1000000, .guests = guest, .n_guests = 1 };
}

/* The virtual clock now, as the host's next answer is dated by it. */
static int64_t clock_of(struct fixture *f)
{
	return bench_observe(&f->bench, f->session)->host.observed_at;
}

static void stop_of_a_slow_guest_fails_at_the_time_out_and_finds_it_off_later(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	struct simulation_guest guest;
	begin(&f);
	struct simulation simulation = slow_guest(f.world, &guest, 700);
	f.simulation = &simulation;
	struct step stop = step_on(f.world, STEP_STOP_VM, 0);
	assert_int_equal(perform(&f, stop), HOST_TIMEOUT);
	assert_non_null(strstr(f.bench.reply.message, "300 seconds"));
	assert_int_equal(clock_of(&f), 1000300);
	assert_int_equal(perform(&f, stop), HOST_TIMEOUT);
	assert_int_equal(f.bench.reply.vm_after->state, VM_RUNNING);
	assert_int_equal(perform(&f, stop), HOST_OK); /* it went on shutting down meanwhile */
	assert_int_equal(f.bench.reply.vm_after->state, VM_OFF);
	assert_int_equal(clock_of(&f), 1000700);
	end(&f);
}

static void stop_of_a_slow_guest_that_may_be_turned_off_takes_no_longer_than_its_time_out(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	struct simulation_guest guest;
	begin(&f);
	struct simulation simulation = slow_guest(f.world, &guest, 700);
	f.simulation = &simulation;
	struct step stop = step_on(f.world, STEP_STOP_VM, 0);
	stop.on_timeout = ON_TIMEOUT_TURN_OFF;
	assert_int_equal(perform(&f, stop), HOST_OK);
	assert_int_equal(f.bench.reply.vm_after->state, VM_OFF);
	assert_in_range(clock_of(&f), 1000300, 1000310);
	end(&f);
}

static void turning_off_asks_no_guest(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	struct simulation_guest guest;
	begin(&f);
	struct simulation simulation = slow_guest(f.world, &guest, 700);
	f.simulation = &simulation;
	f.world->vms[0].shutdown_answers = TRI_NO;
	struct step stop = step_on(f.world, STEP_STOP_VM, 0);
	stop.stop_method = STOP_TURN_OFF;
	assert_int_equal(perform(&f, stop), HOST_OK);
	assert_in_range(clock_of(&f), 1000000, 1000010);
	end(&f);
}

static void stop_of_a_paused_vm_is_refused(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	f.world->vms[0].state = VM_PAUSED;
	assert_int_equal(perform(&f, step_on(f.world, STEP_STOP_VM, 0)), HOST_INVALID_STATE);
	assert_null(f.bench.reply.vm_after->debt);
	end(&f);
}

static void stop_of_a_vm_that_somebody_else_stopped_owes_nothing(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	f.world->vms[0].state = VM_OFF;
	assert_int_equal(perform(&f, step_on(f.world, STEP_STOP_VM, 0)), HOST_OK);
	assert_false(f.bench.reply.changed);
	assert_null(f.bench.reply.vm_after->debt);
	end(&f);
}

static void start_without_room_is_refused_until_there_is_some(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, 1)), HOST_NO_RESOURCES);
	assert_non_null(strstr(f.bench.reply.message, "Insufficient system resources"));
	assert_int_equal(perform(&f, step_on(f.world, STEP_STOP_VM, 0)), HOST_OK);
	assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, 1)), HOST_OK);
	assert_int_equal(f.bench.reply.vm_after->adapters[0].gpus, 1);
	end(&f);
}

static void start_of_a_vm_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		static const enum host_error errors[] = { HOST_CHECKPOINT, HOST_NOT_SUPPORTED, HOST_INVALID_PARAMETER,
			HOST_INVALID_STATE };
		struct fixture f = { 0 };
		begin(&f);
		struct vm *vm = &f.world->vms[1];
		f.world->vms[0].state = VM_OFF;
		vm->automatic_checkpoints = i == 0;
		vm->generation = i == 1 ? 1 : 2;
		vm->dynamic_memory = i == 2;
		vm->memory_startup_bytes = KNOWN(4096);
		vm->memory_minimum_bytes = KNOWN(1024);
		vm->state = i == 3 ? VM_SAVED : VM_OFF;
		assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, 1)), errors[i]);
		end(&f);
	}
}

static void start_with_a_device_needs_a_free_member_and_mmio_space(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	uint32_t vm = worlds_vm(f.arena, f.world, 0, VM_OFF);
	const struct noted_mmio noted = { "PCIROOT(0)#PCI(0)", 16 << 20, 32ull << 30 };
	f.world->vms[0].n_adapters = f.world->vms[1].n_adapters = 0;
	worlds_device(f.arena, f.world, vm, 0, "pool");
	worlds_dismount(f.arena, f.world, 0, "pool");
	worlds_device(f.arena, f.world, 0, 0, "pool");
	f.world->hosts[0].noted = &noted;
	f.world->hosts[0].n_noted = 1;
	f.world->vms[vm].mmio_low_bytes = KNOWN(128 << 20);
	f.world->vms[vm].mmio_high_bytes = KNOWN(512 << 20);
	assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, vm)), HOST_NO_RESOURCES);
	assert_non_null(strstr(f.bench.reply.message, "pool"));
	assert_int_equal(perform(&f, step_on(f.world, STEP_STOP_VM, 0)), HOST_OK);
	assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, vm)), HOST_NO_RESOURCES);
	assert_non_null(strstr(f.bench.reply.message, "MMIO"));
	struct step more = step_on(f.world, STEP_CONFIGURE_VM, vm);
	more.settings = (struct vm_settings){ .which = SETTING_MMIO_HIGH, .mmio_high_bytes = 64ull << 30 };
	assert_int_equal(perform(&f, more), HOST_OK);
	assert_int_equal(perform(&f, step_on(f.world, STEP_START_VM, vm)), HOST_OK);
	end(&f);
}

static void move_of_an_off_vm_takes_it_to_the_other_node(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	struct step move = step_on(f.world, STEP_MOVE_VM, 1);
	assert_int_equal(perform(&f, move), HOST_OK);
	assert_true(f.bench.reply.changed);
	assert_int_equal(perform(&f, move), HOST_OK);
	assert_false(f.bench.reply.changed);
	struct host_session *other = bench_open(&f.bench, "sim", "hv02");
	assert_int_equal(bench_observe(&f.bench, other)->n_vms, 1);
	assert_string_equal(f.bench.reply.facts->vms[0].name, "vm-2");
	end(&f);
}

static void live_move_needs_both_ends_to_take_part(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		static const enum host_error errors[] = { HOST_OK, HOST_NOT_SUPPORTED, HOST_NO_RESOURCES,
			HOST_NOT_SUPPORTED };
		struct fixture f = { 0 };
		begin(&f);
		((struct adapter *)f.world->vms[0].adapters)->outgoing_live_migration = i == 1 ? TRI_NO : TRI_YES;
		f.world->gpus[1].incoming_live_migration = TRI_YES;
		f.world->gpus[1].count = KNOWN(i == 2 ? 4 : 1);
		f.world->hosts[0].can_command_moves = i == 3 ? TRI_UNKNOWN : TRI_YES;
		struct step move = step_on(f.world, STEP_MOVE_VM, 0);
		assert_int_equal(perform(&f, move), HOST_INVALID_STATE); /* a running VM moves live or not at all */
		move.live = true;
		assert_int_equal(perform(&f, move), errors[i]);
		assert_int_equal(f.bench.reply.vm_after->state, VM_RUNNING);
		end(&f);
	}
}

static void setting_that_needs_off_is_refused_on_a_running_vm(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	struct step configure = step_on(f.world, STEP_CONFIGURE_VM, 0);
	configure.settings = (struct vm_settings){ .which = SETTING_CACHE_CONTROL, .cache_control = false };
	assert_int_equal(perform(&f, configure), HOST_INVALID_STATE);
	configure.settings =
		(struct vm_settings){ .which = SETTING_AUTOMATIC_CHECKPOINTS, .automatic_checkpoints = true };
	assert_int_equal(perform(&f, configure), HOST_OK);
	assert_true(f.bench.reply.vm_after->automatic_checkpoints);
	end(&f);
}

static void offline_action_of_a_vm_outside_a_cluster_is_refused(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	begin(&f);
	f.world->vms[0].clustered = TRI_NO;
	struct step set = step_on(f.world, STEP_SET_OFFLINE_ACTION, 0);
	set.offline_action = OFFLINE_FORCED;
	assert_int_equal(perform(&f, set), HOST_NOT_SUPPORTED);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stop_of_a_clustered_vm_with_offline_action_save_saves_it),
		cmocka_unit_test(stop_of_a_guest_that_does_not_answer_times_out_or_turns_off),
		cmocka_unit_test(stop_of_a_slow_guest_fails_at_the_time_out_and_finds_it_off_later),
		cmocka_unit_test(stop_of_a_slow_guest_that_may_be_turned_off_takes_no_longer_than_its_time_out),
		cmocka_unit_test(turning_off_asks_no_guest),
		cmocka_unit_test(stop_of_a_paused_vm_is_refused),
		cmocka_unit_test(stop_of_a_vm_that_somebody_else_stopped_owes_nothing),
		cmocka_unit_test(start_without_room_is_refused_until_there_is_some),
		cmocka_unit_test(start_of_a_vm_that_does_not_fit_is_refused),
		cmocka_unit_test(start_with_a_device_needs_a_free_member_and_mmio_space),
		cmocka_unit_test(move_of_an_off_vm_takes_it_to_the_other_node),
		cmocka_unit_test(live_move_needs_both_ends_to_take_part),
		cmocka_unit_test(setting_that_needs_off_is_refused_on_a_running_vm),
		cmocka_unit_test(offline_action_of_a_vm_outside_a_cluster_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
