/* SPDX-License-Identifier: Apache-2.0 */
/* What others do to the hosts while a saved plan is carried out: what it holds down comes back, and the plan is stale. */
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

static void meddled_saved_plan(struct sim_run *sim, void (*meddle)(struct sim_run *), uint32_t n_meddles)
{
	sim_run_row_five(sim, NULL);
	sim_run_save(sim);
	sim->meddle = meddle;
	sim->meddle_after = 12;
	sim->n_meddles = n_meddles;
}

static void expect_all_back(struct sim_run *sim)
{
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->results[0].n_still_owed, 0);
	assert_true(sim_run_count_gpus(sim, 8) == 6 || sim_run_count_gpus(sim, 4) == 6);
}

static void saved_plan_whose_vm_failed_over_is_stale(void **state)
{
	struct sim_run *sim = *state;
	meddled_saved_plan(sim, sim_run_fail_over, 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_true(sim_run_says(sim, D_STALE));
	expect_all_back(sim);
}

static void saved_plan_whose_vm_was_started_is_stale(void **state)
{
	struct sim_run *sim = *state;
	meddled_saved_plan(sim, sim_run_start_behind_our_back, 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_true(sim_run_says(sim, D_STALE));
	expect_all_back(sim);
}

/* A plan has its limits from --allow of whoever made it; what the world needs now must stay within. */
static void plan_that_would_stop_more_than_was_allowed_is_stale(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->options.has_limits = true;
	sim->options.limits = (struct cost){ .vms_stopped = 11 };
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_int_equal(sim->n_started, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(saved_plan_whose_vm_failed_over_is_stale),
		TEST(saved_plan_whose_vm_was_started_is_stale),
		TEST(plan_that_would_stop_more_than_was_allowed_is_stale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
