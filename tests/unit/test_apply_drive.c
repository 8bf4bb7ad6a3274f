/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row 5 of the plans worked by hand, with one thing going wrong at each of its steps in turn: a reply that is lost, a
 * failure, an interruption, a crash. Whatever it is, VMs run again or are named, and the next run ends at the goal.
 * Usage: test_apply_drive [N]: only at each Nth step, for sanitizers, which are slow.
 */
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

#include <stdlib.h>

enum { STEPS = 54, VMS = 12, HOSTS = 3 };

static uint32_t each = 1;

static int setup(void **state)
{
	sim_run_setup(state);
	((struct sim_run *)*state)->is_quiet = true;
	return 0;
}

/* What every end has in common: no lease is left, and the next run reaches the goal, of which a further run finds
 * nothing to do. */
static void assert_next_run_converges(struct sim_run *sim, uint32_t stops_before, uint32_t stops_max)
{
	sim_run_forget(sim);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), VMS);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
	assert_in_range(stops_before + sim->n_stops, 0, stops_max);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->n_steps, 0);
}

static void reply_that_is_lost_changes_nothing(void **state)
{
	struct sim_run *sim = *state;
	for (uint32_t k = 1; k <= STEPS; k += each) {
		struct simulation_fault fault = { .nth = k, .error = "timeout", .after_effect = true };
		sim_run_forget(sim);
		sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
		assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
		assert_int_equal(sim->n_retries, 1);
		assert_in_range(sim->n_stops, 0, VMS);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), VMS);
		sim_run_plan(sim, PLAN_APPLY);
		assert_int_equal(sim->run->plans[0]->n_steps, 0);
	}
}

static void fail_at_each_step(struct sim_run *sim, bool after_effect)
{
	for (uint32_t k = 1; k <= STEPS; k += each) {
		struct simulation_fault fault = { .nth = k, .error = "failed", .after_effect = after_effect };
		sim_run_forget(sim);
		sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
		assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
		assert_int_equal(sim->results[0].n_failed, 1);
		uint32_t n_running =
			sim_run_count_vms(sim, VM_RUNNING, false) + sim_run_count_vms(sim, VM_RUNNING, true);
		assert_int_equal(n_running + sim->results[0].n_still_owed, VMS);
		assert_in_range(sim->results[0].n_still_owed, 0, 1);
		assert_next_run_converges(sim, sim->n_stops, 2 * VMS);
	}
}

static void failure_at_any_step_leaves_no_vm_unnamed(void **state)
{
	fail_at_each_step(*state, false);
}

static void failure_after_its_effect_leaves_no_vm_unnamed(void **state)
{
	fail_at_each_step(*state, true);
}

static void interruption_after_any_step_brings_all_vms_back(void **state)
{
	struct sim_run *sim = *state;
	for (uint32_t k = 1; k < STEPS - HOSTS; k += each) {
		sim_run_forget(sim);
		sim_run_row_five(sim, NULL);
		sim->interrupt_after_steps = k;
		/* What runs at an interruption is let to its end, and that may be the end of the plan. */
		enum exit_code code = sim_run_carry_out(sim);
		assert_int_equal(code, sim->n_done == STEPS && !sim->n_way_back ? EXIT_DONE : EXIT_INTERRUPTED);
		assert_true(code == EXIT_INTERRUPTED || k > STEPS - 2 * HOSTS);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), VMS);
		assert_next_run_converges(sim, sim->n_stops, 2 * VMS);
	}
}

static void crash_after_any_step_costs_no_second_stop(void **state)
{
	struct sim_run *sim = *state;
	sim->n_interrupts = 2;
	for (uint32_t k = 1; k < STEPS - HOSTS; k += each) {
		sim_run_forget(sim);
		sim_run_row_five(sim, NULL);
		sim->interrupt_after_steps = k;
		assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
		assert_true(sim->results[0].n_still_owed >= sim_run_count_vms(sim, VM_OFF, true));
		assert_next_run_converges(sim, sim->n_stops, VMS + HOSTS);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		each = (uint32_t)MAX(strtoul(argv[1], NULL, 10), 1);
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, sim_run_teardown)
		TEST(reply_that_is_lost_changes_nothing),
		TEST(failure_at_any_step_leaves_no_vm_unnamed),
		TEST(failure_after_its_effect_leaves_no_vm_unnamed),
		TEST(interruption_after_any_step_brings_all_vms_back),
		TEST(crash_after_any_step_costs_no_second_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
