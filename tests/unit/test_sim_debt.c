/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

#define VM "00000000-0000-0000-0000-000000000001"

static const struct vm_record ours = { "git.example.net/fleet", "paris", "vdi" };

/* vm-1 has a partition with a quota, and is owed 'debt'; the lease is taken. */
static struct host_session *begin_in(struct bench *bench, enum vm_state state, const struct debt *debt)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, state), -1, state == VM_RUNNING);
	((struct adapter *)world->vms[0].adapters)->quotas[QUOTA_MIN_VRAM] = KNOWN(80000000);
	world->vms[0].record = &ours;
	world->vms[0].debt = debt;
	bench_init(bench, world, NULL);
	struct host_session *session = bench_open(bench, "sim", "hv01");
	assert_int_equal(bench_lease(bench, session, 1), HOST_OK);
	return session;
}

static struct host_session *begin_owing(struct bench *bench, const struct debt *debt)
{
	return begin_in(bench, VM_RUNNING, debt);
}

static struct host_session *begin(struct bench *bench)
{
	return begin_owing(bench, NULL);
}

static struct step on_vm(enum step_kind kind)
{
	return (struct step){ .kind = kind, .id = 1, .host_name = "hv01", .vm_id = VM, .vm_name = "vm-1" };
}

static const struct vm *perform(struct bench *bench, struct host_session *session, struct step step, bool owes_parts)
{
	struct request request = bench_request(bench, &step);
	request.owes_parts = owes_parts;
	request.vm_record = step.kind == STEP_ADD_ADAPTER ? &ours : NULL;
	assert_int_equal(bench_ask(bench, session, &request)->error, HOST_OK);
	return bench->reply.vm_after;
}

/* What an old run owes and nobody decided about stays old, though a run takes a part for a while; who is stopped is owed anew. */
static void part_that_is_taken_makes_no_old_debt_fresh(void **state)
{
	(void)state;
	static const struct debt old = { .run = "run-0", .at = 7, .power = DEBT_POWER_STOPPED };
	for (int is_on = 0; is_on < 2; is_on++) {
		struct bench bench;
		struct host_session *session = begin_in(&bench, is_on ? VM_RUNNING : VM_OFF, &old);
		if (is_on)
			assert_int_equal(perform(&bench, session, on_vm(STEP_STOP_VM), false)->debt->at, 2000);
		struct step remove = on_vm(STEP_REMOVE_ADAPTER);
		remove.adapter = (struct adapter){ .id = "Microsoft:" VM "\\1" };
		const struct vm *vm = perform(&bench, session, remove, true);
		assert_string_equal(vm->debt->run, "run-1");
		assert_int_equal(vm->debt->at, is_on ? 2000 : 7);
		assert_int_equal(vm->debt->n_adapters, 1);
		bench_done(&bench);
	}
}

static void debt_grows_with_stop_and_remove_and_goes_with_add_and_start(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	const struct vm *vm = perform(&bench, session, on_vm(STEP_STOP_VM), false);
	assert_int_equal(vm->debt->power, DEBT_POWER_STOPPED);
	assert_true(maybe_equal(vm->debt->state_change, vm->state_change));
	assert_string_equal(vm->debt->run, "run-1");
	assert_int_equal(vm->debt->at, 2000);
	struct step remove = on_vm(STEP_REMOVE_ADAPTER);
	remove.adapter = vm->adapters[0];
	vm = perform(&bench, session, remove, true);
	assert_int_equal(vm->n_adapters, 0);
	assert_int_equal(vm->debt->n_adapters, 1);
	assert_non_null(vm->record);
	struct step add = on_vm(STEP_ADD_ADAPTER);
	add.adapter = vm->debt->adapters[0];
	assert_true(maybe_is(add.adapter.quotas[QUOTA_MIN_VRAM], 80000000));
	vm = perform(&bench, session, add, false);
	assert_int_equal(vm->debt->n_adapters, 0);
	assert_int_equal(vm->debt->power, DEBT_POWER_STOPPED);
	assert_true(maybe_is(vm->adapters[0].quotas[QUOTA_MIN_VRAM], 80000000));
	vm = perform(&bench, session, on_vm(STEP_START_VM), false);
	assert_null(vm->debt);
	assert_string_equal(vm->record->group, "vdi");
	bench_done(&bench);
}

/* No VM of ours has both kinds: who is given one is owed nothing of the other. */
static void gpu_of_one_kind_ends_what_is_owed_of_the_other(void **state)
{
	(void)state;
	struct bench bench;
	static const struct device device = { .location_path = "PCIROOT(7)" };
	static const struct debt owed = {
		.run = "dead", .at = 7, .power = DEBT_POWER_STOPPED, .devices = &device, .n_devices = 1
	};
	struct host_session *session = begin_in(&bench, VM_OFF, &owed);
	struct step add = on_vm(STEP_ADD_ADAPTER);
	add.count = 2;
	const struct vm *vm = perform(&bench, session, add, false);
	assert_int_equal(vm->n_adapters, 2);
	assert_int_equal(vm->debt->n_devices, 0);
	assert_int_equal(vm->debt->power, DEBT_POWER_STOPPED);
	bench_done(&bench);
}

static void partition_is_owed_without_the_pin_that_it_is_to_lose(void **state)
{
	(void)state;
	for (int unpins = 0; unpins < 2; unpins++) {
		struct bench bench;
		struct host_session *session = begin_in(&bench, VM_OFF, NULL);
		struct step add = on_vm(STEP_ADD_ADAPTER), remove = on_vm(STEP_REMOVE_ADAPTER);
		add.adapter.pin = bench_observe(&bench, session)->gpus[0].location_path;
		const struct vm *vm = perform(&bench, session, add, false);
		remove.adapter = vm->adapters[1];
		struct request request = bench_request(&bench, &remove);
		request.owes_parts = true;
		request.owes_unpinned = unpins;
		assert_int_equal(bench_ask(&bench, session, &request)->error, HOST_OK);
		assert_int_equal(bench.reply.vm_after->debt->adapters[0].pin == NULL, unpins);
		bench_done(&bench);
	}
}

static void remove_that_is_not_owed_clears_the_record_with_the_last_part(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	struct step remove = on_vm(STEP_REMOVE_ADAPTER);
	remove.adapter = perform(&bench, session, on_vm(STEP_STOP_VM), false)->adapters[0];
	const struct vm *vm = perform(&bench, session, remove, false);
	assert_int_equal(vm->debt->n_adapters, 0);
	assert_null(vm->record);
	bench_done(&bench);
}

static void add_repeated_after_a_lost_reply_gives_no_second_adapter(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	struct step remove = on_vm(STEP_REMOVE_ADAPTER), add = on_vm(STEP_ADD_ADAPTER);
	remove.adapter = perform(&bench, session, on_vm(STEP_STOP_VM), false)->adapters[0];
	add.adapter = perform(&bench, session, remove, true)->debt->adapters[0];
	perform(&bench, session, add, false);
	assert_true(bench.reply.changed);
	assert_int_equal(perform(&bench, session, add, false)->n_adapters, 1);
	assert_false(bench.reply.changed);
	bench_done(&bench);
}

static const struct vm *settle(struct bench *bench, struct host_session *session, enum settle_mode how)
{
	const struct request request = {
		.kind = REQUEST_SETTLE, .run = "run-1", .epoch = 1, .now = 9000, .vm_id = VM, .settle = how
	};
	assert_int_equal(bench_ask(bench, session, &request)->error, HOST_OK);
	return bench->reply.vm_after;
}

static void settle_leaves_off_or_renews(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	perform(&bench, session, on_vm(STEP_STOP_VM), false);
	assert_int_equal(settle(&bench, session, SETTLE_RENEW)->debt->at, 9000);
	assert_null(settle(&bench, session, SETTLE_LEAVE_OFF)->debt);
	bench_done(&bench);
}

static void what_is_left_off_is_owed_neither_its_start_nor_its_parts(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	struct step remove = on_vm(STEP_REMOVE_ADAPTER);
	remove.adapter = perform(&bench, session, on_vm(STEP_STOP_VM), false)->adapters[0];
	perform(&bench, session, remove, true);
	const struct vm *vm = settle(&bench, session, SETTLE_LEAVE_OFF);
	assert_null(vm->debt);
	assert_null(vm->record);
	assert_true(bench.reply.changed);
	settle(&bench, session, SETTLE_LEAVE_OFF);
	assert_false(bench.reply.changed);
	bench_done(&bench);
}

static void vm_that_runs_is_owed_no_start_when_the_rest_is_renewed(void **state)
{
	(void)state;
	struct bench bench;
	static const struct adapter owed = { .id = "x" };
	const struct debt debt = {
		.run = "dead", .at = 1, .power = DEBT_POWER_STOPPED, .adapters = &owed, .n_adapters = 1
	};
	struct host_session *session = begin_owing(&bench, &debt); /* somebody started it */
	const struct vm *vm = settle(&bench, session, SETTLE_RENEW);
	assert_int_equal(vm->debt->power, DEBT_POWER_NONE);
	assert_int_equal(vm->debt->n_adapters, 1);
	assert_int_equal(vm->debt->at, 9000);
	bench_done(&bench);
}

static void cluster_record_of_the_higher_epoch_wins(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench);
	struct cluster_record record = { "git.example.net/fleet", "paris", "c0ffee", 2 };
	struct request request = { .kind = REQUEST_RECORD, .run = "run-1", .epoch = 1, .cluster_record = &record };
	assert_true(bench_ask(&bench, session, &request)->changed);
	assert_false(bench_ask(&bench, session, &request)->changed);
	record = (struct cluster_record){ "git.example.net/other", "paris", "bad", 1 };
	bench_ask(&bench, session, &request);
	assert_string_equal(bench_observe(&bench, session)->host.record->commit, "c0ffee");
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(part_that_is_taken_makes_no_old_debt_fresh),
		cmocka_unit_test(debt_grows_with_stop_and_remove_and_goes_with_add_and_start),
		cmocka_unit_test(gpu_of_one_kind_ends_what_is_owed_of_the_other),
		cmocka_unit_test(partition_is_owed_without_the_pin_that_it_is_to_lose),
		cmocka_unit_test(remove_that_is_not_owed_clears_the_record_with_the_last_part),
		cmocka_unit_test(add_repeated_after_a_lost_reply_gives_no_second_adapter),
		cmocka_unit_test(settle_leaves_off_or_renews),
		cmocka_unit_test(what_is_left_off_is_owed_neither_its_start_nor_its_parts),
		cmocka_unit_test(vm_that_runs_is_owed_no_start_when_the_rest_is_renewed),
		cmocka_unit_test(cluster_record_of_the_higher_epoch_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
