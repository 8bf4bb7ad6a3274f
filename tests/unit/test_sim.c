/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "base/file.h"
#include "providers/host/sim.h"
#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

/* One standalone host with two GPUs of 4; vm-1 runs and vm-2 is off, both with a partition. */
static void start_bench(struct bench *bench, const struct simulation *simulation)
{
	struct arena *arena = arena_new();
	struct world *world = worlds_new(arena, 1, 2, 4, 2);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_RUNNING), -1, 1);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_OFF), -1, 0);
	bench_init(bench, world, simulation);
	arena_free(arena);
}

static struct step vm_step(enum step_kind kind, uint32_t vm)
{
	static const char *const ids[] = { "00000000-0000-0000-0000-000000000001",
		"00000000-0000-0000-0000-000000000002" };
	static const char *const names[] = { "vm-1", "vm-2" };
	return (struct step){ .kind = kind,
		.id = 1,
		.host_name = "hv01",
		.vm_id = ids[vm],
		.vm_name = names[vm],
		.stop_timeout_s = 300 };
}

static char *read_file(const struct bench *bench)
{
	char *text = NULL;
	assert_true(g_file_get_contents(bench->path, &text, NULL, NULL));
	return text;
}

static void observe_changes_nothing_and_leaves_no_lock_file(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	g_autofree char *before = read_file(&bench);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	const struct host_state *facts = bench_observe(&bench, session);
	g_autofree char *after = read_file(&bench), *lock = g_strconcat(bench.path, ".lock", NULL);
	assert_int_equal(facts->n_gpus, 2);
	assert_int_equal(facts->n_vms, 2);
	assert_int_equal(facts->host.observed_at, 1000);
	assert_true(bench.reply.late_known);
	assert_string_equal(before, after);
	assert_int_equal(file_kind(lock, false), FILE_MISSING);
	bench_done(&bench);
}

static void on_reply_mark(const struct request *request, const struct reply *reply, void *user)
{
	(void)request;
	(void)reply;
	*(bool *)user = true;
}

static void submit_never_replies_at_once(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	const struct request request = { .kind = REQUEST_OBSERVE };
	bool replied = false;
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	host_submit(session, &request, on_reply_mark, NULL, &replied);
	assert_false(replied);
	g_main_context_iteration(bench.context, true);
	assert_true(replied);
	bench_done(&bench);
}

static void closing_a_session_ends_its_request(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	const struct request request = { .kind = REQUEST_OBSERVE };
	bool replied = false;
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	host_submit(session, &request, on_reply_mark, NULL, &replied);
	bench_close(&bench, session);
	while (g_main_context_iteration(bench.context, false))
		continue;
	assert_false(replied);
	bench_done(&bench);
}

static void step_without_a_lease_is_refused(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	struct step stop = vm_step(STEP_STOP_VM, 0);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	assert_int_equal(bench_step(&bench, session, &stop)->error, HOST_LEASE_LOST);
	assert_int_equal(bench_observe(&bench, session)->vms[0].state, VM_RUNNING);
	bench_done(&bench);
}

static void step_is_seen_by_another_session_and_in_the_file(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	struct step stop = vm_step(STEP_STOP_VM, 0);
	struct host_session *one = bench_open(&bench, "sim", "hv01"), *two = bench_open(&bench, "sim", "hv01");
	assert_int_equal(bench_lease(&bench, one, 1), HOST_OK);
	assert_true(bench_step(&bench, one, &stop)->changed);
	assert_int_equal(bench.reply.vm_after->state, VM_OFF);
	assert_int_equal(bench_observe(&bench, two)->vms[0].state, VM_OFF);
	assert_int_equal(bench.reply.facts->vms[0].state_change.value, 2000);
	bench_done(&bench);
}

static void step_repeated_is_unchanged_and_writes_nothing(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	struct step stop = vm_step(STEP_STOP_VM, 0);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	bench_lease(&bench, session, 1);
	bench_step(&bench, session, &stop);
	g_autofree char *before = read_file(&bench);
	assert_int_equal(bench_step(&bench, session, &stop)->error, HOST_OK);
	assert_false(bench.reply.changed);
	g_autofree char *after = read_file(&bench);
	assert_string_equal(before, after);
	bench_done(&bench);
}

static void step_that_finds_other_facts_is_refused(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	struct step start = vm_step(STEP_REMOVE_ADAPTER, 0);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	bench_lease(&bench, session, 1);
	start.adapter = bench_observe(&bench, session)->vms[0].adapters[0];
	struct request request = bench_request(&bench, &start);
	request.expected = (struct expected){ .has_vm_state = true, .vm_state = VM_OFF };
	assert_int_equal(bench_ask(&bench, session, &request)->error, HOST_UNEXPECTED_FACTS);
	assert_non_null(strstr(bench.reply.message, "Running"));
	bench_done(&bench);
}

static void file_edited_by_somebody_else_is_read_again(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	assert_int_equal(bench_observe(&bench, session)->n_vms, 2);
	struct world *world = worlds_new(bench.arena, 1, 1, 4, 1);
	bench_write(&bench, world, NULL);
	assert_int_equal(bench_observe(&bench, session)->n_vms, 0);
	bench_done(&bench);
}

static void unreachable_host_opens_and_does_not_answer(void **state)
{
	(void)state;
	struct bench bench;
	static const char *const away[] = { "hv01" };
	start_bench(&bench, &(struct simulation){ .unreachable = away, .n_unreachable = 1 });
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	assert_non_null(session);
	assert_null(bench_observe(&bench, session));
	assert_int_equal(bench.reply.error, HOST_UNREACHABLE);
	bench_done(&bench);
}

static void host_that_the_file_lacks_does_not_answer(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	assert_null(bench_observe(&bench, bench_open(&bench, "sim", "hv09")));
	assert_int_equal(bench.reply.error, HOST_UNREACHABLE);
	bench_done(&bench);
}

static void clock_of_the_file_advances_with_steps_and_dates_them(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, &(struct simulation){ .clock = 50000 });
	struct step stop = vm_step(STEP_STOP_VM, 0), start = vm_step(STEP_START_VM, 0);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	bench_lease(&bench, session, 1);
	bench_step(&bench, session, &stop);
	assert_int_equal(bench.reply.vm_after->state_change.value, 50000);
	bench_step(&bench, session, &start);
	assert_int_equal(bench.reply.vm_after->state_change.value, 50030);
	assert_int_equal(bench_observe(&bench, session)->host.observed_at, 50050);
	bench_done(&bench);
}

static void speed_delays_the_reply_and_tells_progress(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	bench.options = "?speed=10";
	struct step stop = vm_step(STEP_STOP_VM, 0);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	bench_lease(&bench, session, 1);
	int64_t before = g_get_monotonic_time();
	assert_true(bench_step(&bench, session, &stop)->changed);
	assert_true(g_get_monotonic_time() - before >= 250000);
	assert_true(bench.n_progress >= 3);
	bench_done(&bench);
}

static void address_with_an_unknown_option_is_a_finding(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench, NULL);
	bench.options = "?pick=middle";
	assert_null(bench_open(&bench, "sim", "hv01"));
	assert_int_equal(bench.diags->first->code, D_HOST_SCHEME);
	bench_done(&bench);
}

static void list_names_the_hosts_of_the_file(void **state)
{
	(void)state;
	struct bench bench;
	const char *const *names = NULL;
	uint32_t n = 0;
	start_bench(&bench, NULL);
	assert_int_equal(sim_provider.list(arena_printf(bench.arena, "sim:%s?seed=3", bench.path), bench.arena, &names,
				 &n, bench.diags),
		0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "hv01");
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observe_changes_nothing_and_leaves_no_lock_file),
		cmocka_unit_test(submit_never_replies_at_once),
		cmocka_unit_test(closing_a_session_ends_its_request),
		cmocka_unit_test(step_without_a_lease_is_refused),
		cmocka_unit_test(step_is_seen_by_another_session_and_in_the_file),
		cmocka_unit_test(step_repeated_is_unchanged_and_writes_nothing),
		cmocka_unit_test(step_that_finds_other_facts_is_refused),
		cmocka_unit_test(file_edited_by_somebody_else_is_read_again),
		cmocka_unit_test(unreachable_host_opens_and_does_not_answer),
		cmocka_unit_test(host_that_the_file_lacks_does_not_answer),
		cmocka_unit_test(clock_of_the_file_advances_with_steps_and_dates_them),
		cmocka_unit_test(speed_delays_the_reply_and_tells_progress),
		cmocka_unit_test(address_with_an_unknown_option_is_a_finding),
		cmocka_unit_test(list_names_the_hosts_of_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
