/* SPDX-License-Identifier: Apache-2.0 */
/* Saved plans meet a world that is not theirs any more, before anybody is asked anything or any host is taken. */
#include "reconcile/present.h"
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

#include <string.h>

static struct sim_run *saved_row_five(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim_run_save(sim);
	sim->run->options.hosts = sim->hosts;
	return sim;
}

static const struct plan *look(struct sim_run *sim)
{
	assert_int_equal(present_run(sim->run), 0);
	sim_run_print(sim->run->plans[0]->diags);
	return sim->run->plans[0];
}

static bool says(const struct plan *plan, enum diag_code code)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (diag->code == code)
			return true;
	return false;
}

static uint64_t epoch(struct sim_run *sim)
{
	return sim_run_read_world(sim).states[0]->host.epoch;
}

static void plan_that_fits_goes_on_as_it_was_saved(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	const struct plan *plan = look(sim);
	assert_int_equal(plan->mode, PLAN_APPLY);
	assert_int_equal(plan->n_steps, 54);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 54);
}

/* What a person is asked to agree to, and what is allowed, is counted and not believed. */
static void cost_is_counted_from_the_steps(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	struct cost cost = sim->run->plans[0]->cost;
	sim->run->plans[0]->cost = (struct cost){ 0 };
	const struct plan *plan = look(sim);
	assert_int_equal(plan->cost.vms_stopped, 12);
	assert_memory_equal(&plan->cost, &cost, sizeof(cost));
}

static void plan_that_is_done_has_nothing_left_and_takes_no_host(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	uint64_t before = epoch(sim);
	assert_int_equal(sim->run->plans[0]->n_steps, 54);
	const struct plan *plan = look(sim);
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->cost.vms_stopped, 0);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(epoch(sim), before);
}

static void plan_of_which_a_part_is_done_is_stale_before_any_host_is_taken(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	uint64_t before = epoch(sim);
	scene_gpu(sim->scene, 0, 0)->count = KNOWN(8);
	sim_run_write_scene(sim, NULL);
	const struct plan *plan = look(sim);
	assert_true(says(plan, D_STALE));
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_int_equal(epoch(sim), before);
}

/* Neither is: the plan's own count was another one, and the wanted one is yet another. */
static void step_that_does_not_fit_names_what_it_works_on(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	scene_gpu(sim->scene, 1, 0)->count = KNOWN(2);
	sim_run_write_scene(sim, NULL);
	const struct plan *plan = look(sim);
	const struct diag *diag = plan->diags->first;
	assert_int_equal(diag->code, D_STEP_NOT_POSSIBLE);
	assert_string_equal(diag->subject, "host/hv02/gpu/PCIROOT(10)#PCI(0100)");
	assert_non_null(strstr(diag->message,
		"(set partitions of hv02 PCIROOT(10)#PCI(0100) from 4 to 8) is not possible: its partition count was "
		"expected to be 4 and is 2"));
}

static void what_a_plan_refers_to_is_found_among_things_that_came_since(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	uint32_t n_before = sim->run->plans[0]->observed->n_vms;
	scene_vm(sim->scene, "a-new-one", 0, VM_OFF, -1);
	scene_vm(sim->scene, "another-new-one", 1, VM_RUNNING, -1);
	sim_run_write_scene(sim, NULL);
	const struct plan *plan = look(sim);
	assert_int_equal(plan->observed->n_vms, n_before + 2);
	assert_int_equal(plan->goal->n_vms, n_before + 2);
	assert_int_equal(plan->n_steps, 54);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm_id)
			assert_string_equal(plan->observed->vms[plan->steps[i].vm].id, plan->steps[i].vm_id);
	for (uint32_t g = 0; g < plan->goal->n_gpus; g++)
		assert_true(maybe_is(plan->goal->gpus[g].count, 8));
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
}

static void plan_of_a_cluster_that_was_taken_over_since_knows_it(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	sim->scene->hosts[1].host.record =
		&(struct cluster_record){ .owner = "example.com/others", .cluster = "c", .epoch = 7 };
	sim_run_write_scene(sim, NULL);
	assert_false(sim->run->plans[0]->foreign_owner);
	assert_true(look(sim)->foreign_owner);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->n_started, 0);
}

static void plan_whose_host_does_not_answer_is_not_begun(void **state)
{
	struct sim_run *sim = saved_row_five(state);
	uint64_t before = epoch(sim);
	const char *gone[] = { "hv03" };
	sim_run_write_scene(sim, &(struct simulation){ .unreachable = gone, .n_unreachable = 1 });
	const struct plan *plan = look(sim);
	assert_true(says(plan, D_HOST_UNOBSERVED));
	assert_true(plan->incomplete_hosts);
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(sim_run_carry_out(sim), EXIT_INCOMPLETE);
	assert_int_equal(epoch(sim), before);
}

static void what_is_owed_is_paid_though_the_plan_is_stale_or_a_host_is_gone(void **state)
{
	for (uint32_t n_gone = 0; n_gone < 2; n_gone++) {
		const char *gone[] = { "hv03" };
		struct sim_run *sim = saved_row_five(state);
		struct vm *vm = &sim->scene->hosts[0].vms[0];
		vm->state = VM_OFF;
		scene_owe_start(sim->scene, vm, 60);
		sim_run_write_scene(sim, &(struct simulation){ .unreachable = gone, .n_unreachable = n_gone });
		const struct plan *plan = look(sim);
		assert_int_equal(plan->mode, PLAN_RESTORE);
		assert_int_equal(plan->n_steps, 1);
		assert_string_equal(plan->cluster, "c");
		assert_int_equal(sim->run->owed->plans[0]->n_steps, 1);
		assert_int_equal(sim_run_carry_out(sim), n_gone ? EXIT_INCOMPLETE : EXIT_STALE);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)

/* Who is asked for consent reads of the window as it is when the plan is applied. */
static void window_is_told_as_it_is_now(void **state)
{
	enum { OPENS_IN_S = 46 * 60 + 40 };
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 1, 1, 4);
	scene_vm(sim->scene, "vm-a", 0, VM_RUNNING, 0);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*",
					     "  rollout: { windows: [{ start: \"15:00\", duration: 2h }] }\n"));
	sim_run_plan(sim, PLAN_APPLY);
	sim_run_save(sim);
	sim->run->options.hosts = sim->hosts;
	sim->run->options.now = SCENE_NOW;
	assert_false(look(sim)->window.is_open);
	sim->run->options.now += OPENS_IN_S + 60;
	assert_true(look(sim)->window.is_open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_that_fits_goes_on_as_it_was_saved),
		TEST(cost_is_counted_from_the_steps),
		TEST(plan_that_is_done_has_nothing_left_and_takes_no_host),
		TEST(plan_of_which_a_part_is_done_is_stale_before_any_host_is_taken),
		TEST(step_that_does_not_fit_names_what_it_works_on),
		TEST(what_a_plan_refers_to_is_found_among_things_that_came_since),
		TEST(plan_of_a_cluster_that_was_taken_over_since_knows_it),
		TEST(plan_whose_host_does_not_answer_is_not_begun),
		TEST(window_is_told_as_it_is_now),
		TEST(what_is_owed_is_paid_though_the_plan_is_stale_or_a_host_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
