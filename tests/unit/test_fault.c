/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

static const struct step set_to_8 = {
	.kind = STEP_SET_COUNT, .id = 1, .host_name = "hv01", .location_path = "PCIROOT(0)#PCI(0)", .count = 8
};

/* A session on one host with one GPU of 4, through 'fault', its lease taken. */
static struct host_session *begin(struct bench *bench, const char *fault)
{
	g_autoptr(arena_auto) arena = arena_new();
	bench_init(bench, worlds_new(arena, 1, 1, 4, 1), NULL);
	struct host_session *session = bench_open(bench, arena_printf(bench->arena, "fault:%s,sim", fault), "hv01");
	assert_non_null(session);
	assert_int_equal(bench_lease(bench, session, 1), HOST_OK);
	return session;
}

static uint64_t count_in_file(struct bench *bench)
{
	return bench_observe(bench, bench_open(bench, "sim", "hv01"))->gpus[0].count.value;
}

static void fault_before_leaves_the_host_alone_and_is_gone_the_next_time(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, "nth=1&what=before&error=timeout");
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_TIMEOUT);
	assert_int_equal(count_in_file(&bench), 4);
	assert_true(bench_step(&bench, session, &set_to_8)->changed);
	bench_done(&bench);
}

static void fault_after_has_its_effect_and_a_repetition_is_unchanged(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, "nth=1&what=after");
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_UNREACHABLE);
	assert_int_equal(count_in_file(&bench), 8);
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_OK);
	assert_false(bench.reply.changed);
	bench_done(&bench);
}

static void dropped_connection_answers_nothing_more_and_frees_the_lease(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, "nth=1&what=drop");
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_UNREACHABLE);
	assert_int_equal(count_in_file(&bench), 8);
	assert_null(bench_observe(&bench, session));
	assert_int_equal(bench_lease(&bench, bench_open(&bench, "sim", "hv01"), 2), HOST_OK);
	bench_done(&bench);
}

static void duplicated_request_is_done_once_and_says_unchanged(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, "nth=1&what=duplicate");
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_OK);
	assert_false(bench.reply.changed);
	assert_int_equal(count_in_file(&bench), 8);
	bench_done(&bench);
}

static void delayed_request_arrives_later(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, "nth=1&what=delay");
	assert_true(bench_step(&bench, session, &set_to_8)->changed);
	bench_done(&bench);
}

static void nth_is_counted_over_all_sessions_of_an_address(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *one = begin(&bench, "nth=3&kind=observe&what=before&always=1");
	struct host_session *two = bench_open(&bench, "fault:nth=3&kind=observe&what=before&always=1,sim", "hv01");
	assert_non_null(bench_observe(&bench, one));
	assert_non_null(bench_observe(&bench, two));
	assert_null(bench_observe(&bench, one));
	assert_null(bench_observe(&bench, two));
	bench_done(&bench);
}

static void address_that_makes_no_sense_is_a_finding(void **state)
{
	(void)state;
	static const char *const bad[] = { "nth=x,sim", "what=maybe,sim", "colour=red,sim", "nth=1&what=before" };
	for (uint32_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct bench bench;
		g_autoptr(arena_auto) arena = arena_new();
		bench_init(&bench, worlds_new(arena, 1, 1, 4, 1), NULL);
		assert_null(bench_open(&bench, arena_printf(arena, "fault:%s", bad[i]), "hv01"));
		assert_int_equal(bench.diags->first->code, D_HOST_SCHEME);
		bench_done(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_before_leaves_the_host_alone_and_is_gone_the_next_time),
		cmocka_unit_test(fault_after_has_its_effect_and_a_repetition_is_unchanged),
		cmocka_unit_test(dropped_connection_answers_nothing_more_and_frees_the_lease),
		cmocka_unit_test(duplicated_request_is_done_once_and_says_unchanged),
		cmocka_unit_test(delayed_request_arrives_later),
		cmocka_unit_test(nth_is_counted_over_all_sessions_of_an_address),
		cmocka_unit_test(address_that_makes_no_sense_is_a_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
