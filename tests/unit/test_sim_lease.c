/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void start_bench(struct bench *bench)
{
	struct arena *arena = arena_new();
	bench_init(bench, worlds_new(arena, 2, 1, 4, 1), NULL);
	arena_free(arena);
}

static enum host_error lease_as(struct bench *bench, struct host_session *session, const char *run)
{
	const struct request request = { .kind = REQUEST_LEASE, .run = run, .holder = run, .now = 7 };
	return bench_ask(bench, session, &request)->error;
}

static void lease_is_refused_while_another_run_holds_it(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	struct host_session *one = bench_open(&bench, "sim", "hv01"), *two = bench_open(&bench, "sim", "hv01");
	assert_int_equal(lease_as(&bench, one, "a"), HOST_OK);
	assert_int_equal(lease_as(&bench, two, "b"), HOST_LEASE_HELD);
	assert_string_equal(bench.reply.lease->holder, "a");
	assert_int_equal(bench.reply.lease->since, 7);
	assert_string_equal(bench_observe(&bench, two)->host.lease->run, "a");
	bench_close(&bench, one);
	assert_null(bench_observe(&bench, two)->host.lease);
	assert_int_equal(lease_as(&bench, two, "b"), HOST_OK);
	bench_done(&bench);
}

static void leases_of_two_hosts_are_independent(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	assert_int_equal(lease_as(&bench, bench_open(&bench, "sim", "hv01"), "a"), HOST_OK);
	assert_int_equal(lease_as(&bench, bench_open(&bench, "sim", "hv02"), "b"), HOST_OK);
	bench_done(&bench);
}

static void released_lease_can_be_taken_and_no_step_is_done_without_it(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	struct host_session *one = bench_open(&bench, "sim", "hv01"), *two = bench_open(&bench, "sim", "hv01");
	const struct request release = { .kind = REQUEST_RELEASE, .run = "run-1" };
	struct step step = {
		.kind = STEP_SET_COUNT, .host_name = "hv01", .location_path = "PCIROOT(0)#PCI(0)", .count = 8
	};
	bench_lease(&bench, one, 1);
	assert_int_equal(bench_ask(&bench, one, &release)->error, HOST_OK);
	assert_int_equal(bench_step(&bench, one, &step)->error, HOST_LEASE_LOST);
	assert_int_equal(lease_as(&bench, two, "b"), HOST_OK);
	bench_done(&bench);
}

static void older_epoch_is_refused_and_the_highest_is_told(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	struct step step = {
		.kind = STEP_SET_COUNT, .host_name = "hv01", .location_path = "PCIROOT(0)#PCI(0)", .count = 8
	};
	assert_int_equal(bench_lease(&bench, session, 5), HOST_OK);
	struct request request = bench_request(&bench, &step);
	request.epoch = 4;
	assert_int_equal(bench_ask(&bench, session, &request)->error, HOST_LEASE_LOST);
	request.epoch = 5;
	assert_int_equal(bench_ask(&bench, session, &request)->error, HOST_OK);
	lease_as(&bench, session, "run-1");
	assert_true(maybe_is(bench.reply.epoch, 5));
	bench_done(&bench);
}

/* A child takes the lease and dies without giving it back: the text stays, the lock does not. */
static void lease_of_a_dead_run_counts_for_nothing(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	pid_t child = fork();
	if (!child) {
		lease_as(&bench, bench_open(&bench, "sim", "hv01"), "dead");
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	g_autofree char *text = NULL;
	g_file_get_contents(bench.path, &text, NULL, NULL);
	assert_non_null(strstr(text, "dead"));
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	assert_null(bench_observe(&bench, session)->host.lease);
	assert_int_equal(lease_as(&bench, session, "alive"), HOST_OK);
	assert_string_equal(bench_observe(&bench, session)->host.lease->run, "alive");
	bench_done(&bench);
}

static enum host_error end_lease(struct bench *bench, struct host_session *session, const char *run)
{
	const struct request request = { .kind = REQUEST_END_LEASE, .run = run };
	return bench_ask(bench, session, &request)->error;
}

static void lease_is_ended_for_its_run_and_only_when_that_is_dead(void **state)
{
	(void)state;
	struct bench bench;
	start_bench(&bench);
	struct host_session *session = bench_open(&bench, "sim", "hv01"), *other = bench_open(&bench, "sim", "hv01");
	assert_int_equal(end_lease(&bench, session, "dead"), HOST_OK);
	assert_false(bench.reply.changed);
	assert_int_equal(lease_as(&bench, other, "alive"), HOST_OK);
	assert_int_equal(end_lease(&bench, session, "alive"), HOST_LEASE_HELD);
	assert_string_equal(bench.reply.lease->run, "alive");
	bench_close(&bench, other);
	pid_t child = fork();
	if (!child) {
		lease_as(&bench, bench_open(&bench, "sim", "hv01"), "dead");
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(end_lease(&bench, session, "other"), HOST_LEASE_HELD);
	assert_int_equal(end_lease(&bench, session, "dead"), HOST_OK);
	assert_true(bench.reply.changed);
	g_autofree char *text = NULL;
	g_file_get_contents(bench.path, &text, NULL, NULL);
	assert_null(strstr(text, "dead"));
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease_is_refused_while_another_run_holds_it),
		cmocka_unit_test(leases_of_two_hosts_are_independent),
		cmocka_unit_test(released_lease_can_be_taken_and_no_step_is_done_without_it),
		cmocka_unit_test(older_epoch_is_refused_and_the_highest_is_told),
		cmocka_unit_test(lease_of_a_dead_run_counts_for_nothing),
		cmocka_unit_test(lease_is_ended_for_its_run_and_only_when_that_is_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
