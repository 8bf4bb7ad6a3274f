/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

static const struct step set_to_8 = {
	.kind = STEP_SET_COUNT, .id = 1, .host_name = "hv01", .location_path = "PCIROOT(0)#PCI(0)", .count = 8
};

static struct host_session *begin(struct bench *bench, struct simulation_fault fault)
{
	g_autoptr(arena_auto) arena = arena_new();
	bench_init(bench, worlds_new(arena, 1, 1, 4, 1), &(struct simulation){ .faults = &fault, .n_faults = 1 });
	struct host_session *session = bench_open(bench, "sim", "hv01");
	assert_int_equal(bench_lease(bench, session, 1), HOST_OK);
	return session;
}

static void fault_strikes_the_nth_matching_request_once(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session =
		begin(&bench, (struct simulation_fault){ .step = "set-partition-count", .nth = 2, .error = "failed" });
	struct step to_4 = set_to_8;
	to_4.count = 4;
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_OK);
	/* A second session goes on counting where the first one was: it stands in the file. */
	bench_close(&bench, session);
	session = bench_open(&bench, "sim", "hv01");
	assert_int_equal(bench_lease(&bench, session, 1), HOST_OK);
	assert_int_equal(bench_step(&bench, session, &to_4)->error, HOST_FAILED);
	assert_int_equal(bench_observe(&bench, session)->gpus[0].count.value, 8);
	assert_int_equal(bench_step(&bench, session, &to_4)->error, HOST_OK);
	bench_done(&bench);
}

static void permanent_fault_goes_on(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(&bench, (struct simulation_fault){ .nth = 1,
							     .permanent = true,
							     .error = "in-use",
							     .target = "PCIROOT(0)#PCI(0)",
							     .host = "HV01" });
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_IN_USE);
	bench_done(&bench);
}

static void fault_after_the_effect_leaves_the_effect(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session =
		begin(&bench, (struct simulation_fault){ .nth = 1, .error = "timeout", .after_effect = true });
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_TIMEOUT);
	assert_int_equal(bench_observe(&bench, session)->gpus[0].count.value, 8);
	bench_done(&bench);
}

static void fault_of_another_target_or_host_does_not_strike(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = begin(
		&bench, (struct simulation_fault){ .nth = 1, .error = "failed", .target = "vm-9", .host = "hv02" });
	assert_int_equal(bench_step(&bench, session, &set_to_8)->error, HOST_OK);
	bench_done(&bench);
}

static void observe_can_fail_too(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session =
		begin(&bench, (struct simulation_fault){ .step = "observe", .nth = 1, .error = "unreachable" });
	assert_null(bench_observe(&bench, session));
	assert_int_equal(bench.reply.error, HOST_UNREACHABLE);
	assert_non_null(bench_observe(&bench, session));
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_strikes_the_nth_matching_request_once),
		cmocka_unit_test(permanent_fault_goes_on),
		cmocka_unit_test(fault_after_the_effect_leaves_the_effect),
		cmocka_unit_test(fault_of_another_target_or_host_does_not_strike),
		cmocka_unit_test(observe_can_fail_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
