/* SPDX-License-Identifier: Apache-2.0 */
/* What earlier runs owe, as a run finds it: on a host that comes back, settled by somebody else, too old. */
#include "reconcile/apply.h"
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

#include <string.h>

enum { DAY_S = 86400 };

static const char *const hv03[] = { "hv03" };
static const struct simulation without_hv03 = { .clock = SCENE_NOW, .unreachable = hv03, .n_unreachable = 1 };

/* Three nodes; the third one has a VM that a run stopped before it went away, the first one work of its own. */
static void lose_host_that_owes(struct sim_run *sim, int64_t age_s)
{
	sim->scene = scene_new(true, 3, 1, 4);
	scene_owe_start(sim->scene, scene_vm(sim->scene, "vm-a", 2, VM_OFF, 0), age_s);
	scene_vm(sim->scene, "vm-b", 0, VM_OFF, -1);
	sim_run_write_scene(sim, &without_hv03);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_INCOMPLETE);
	assert_int_equal(sim->n_started, 1); /* vm-b has its partition: two of three are a majority */
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, true), 1);
	struct state_file now = sim_run_read_world(sim);
	for (uint32_t i = 0; i < now.n_states; i++) /* the host comes back as it was, and the others as they are */
		for (uint32_t v = 0; i < 2 && v < now.states[i]->n_vms; v++)
			sim->scene->vms[i][v] = now.states[i]->vms[v];
	sim_run_write_scene(sim, NULL);
	sim->n_started = 0;
	sim_run_plan(sim, PLAN_APPLY);
}

static void host_that_comes_back_with_a_debt_is_paid(void **state)
{
	struct sim_run *sim = *state;
	lose_host_that_owes(sim, 60);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_started, 1);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
}

static void host_that_comes_back_with_an_old_debt_waits_for_a_person(void **state)
{
	struct sim_run *sim = *state;
	lose_host_that_owes(sim, 2 * DAY_S);
	assert_int_equal(sim->run->plans[0]->n_debts_old, 1);
	assert_int_equal(sim->run->plans[0]->n_steps, 0);
	sim_run_carry_out(sim);
	assert_int_equal(sim->n_started, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, true), 1);
}

/* Somebody started the VM meanwhile: nothing is owed, and the note goes with the next run that writes. */
static void debt_that_somebody_settled_is_cleared_by_a_run_with_work(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 2, 1, 4);
	struct vm *vm = scene_vm(sim->scene, "vm-a", 1, VM_RUNNING, 0);
	scene_owe_start(sim->scene, vm, 60)->state_change.value--;
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, true), 1); /* with nothing to do it writes nothing */
	scene_vm(sim->scene, "vm-b", 0, VM_OFF, -1);
	sim_run_write_scene(sim, NULL);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_stops, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
}

/* Nobody decided yet whether a VM that runs gets back what an old run took: a run with other work does not forget it. */
static void parts_that_a_person_decides_about_stay_owed(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 2, 1, 4);
	static const struct adapter owed = { .id = "x" };
	struct debt *debt = scene_owe_start(sim->scene, scene_vm(sim->scene, "old", 1, VM_RUNNING, -1), 2 * DAY_S);
	debt->state_change.value--;
	debt->adapters = &owed;
	debt->n_adapters = 1;
	for (int i = 0; i < 2; i++) {
		scene_vm(sim->scene, i ? "vm-b" : "vm-a", 0, VM_OFF, -1);
		sim_run_write_scene(sim, NULL);
		sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
		sim_run_plan(sim, PLAN_APPLY);
		assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, true), 1);
	}
}

/* A run with no manifests at all pays what any run owes, and does nothing else. */
static void restore_pays_and_changes_nothing_else(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 2, 1, 4);
	scene_owe_start(sim->scene, scene_vm(sim->scene, "vm-a", 1, VM_OFF, 0), 60);
	scene_vm(sim->scene, "vm-b", 0, VM_OFF, -1);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", NULL));
	sim_run_plan(sim, PLAN_RESTORE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_started, 1);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
	assert_int_equal(sim_run_count_gpus(sim, 4), 2);
}

/* It runs, so its partition is not given back now; nor is that forgotten. */
static void parts_that_stay_owed_stay_noted(void **state)
{
	struct sim_run *sim = *state;
	static const struct adapter taken = { .pinned = TRI_NO };
	sim->scene = scene_new(false, 1, 1, 4);
	struct debt *debt = scene_owe_start(sim->scene, scene_vm(sim->scene, "vm-a", 0, VM_RUNNING, -1), 60);
	debt->power = DEBT_POWER_NONE;
	debt->adapters = &taken;
	debt->n_adapters = 1;
	scene_owe_start(sim->scene, scene_vm(sim->scene, "vm-b", 0, VM_OFF, 0), 60);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, NULL, NULL));
	sim_run_plan(sim, PLAN_RESTORE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, true), 1);
}

/* An older commit is told by it, whichever hosts answer then (design.md section 8). */
static void every_host_gets_the_clusters_record_from_a_run_with_work(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 1, 4);
	scene_vm(sim->scene, "vm-a", 1, VM_OFF, -1);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	struct state_file file = sim_run_read_world(sim);
	for (uint32_t i = 0; i < file.n_states; i++) {
		assert_non_null(file.states[i]->host.record);
		assert_int_equal(file.states[i]->host.record->epoch, 1);
	}
}

/* It never ran: it is not down because of us, and what it lacks is said. */
static void vm_that_was_off_is_not_called_down(void **state)
{
	struct sim_run *sim = *state;
	static const struct simulation_fault fault = {
		.step = "add-partition-adapter", .nth = 1, .permanent = true, .error = "failed"
	};
	sim->scene = scene_new(true, 1, 1, 4);
	scene_vm(sim->scene, "vm-a", 0, VM_OFF, 0);
	sim_run_write_scene(sim, &(struct simulation){ .clock = SCENE_NOW, .faults = &fault, .n_faults = 1 });
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_int_equal(sim->results[0].n_still_owed, 0);
	bool is_named = false;
	for (const struct diag *diag = sim->results[0].diags->first; diag; diag = diag->next)
		is_named |= diag->code == D_STILL_OWED && strstr(diag->message, "is off, as it was");
	assert_true(is_named);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(host_that_comes_back_with_a_debt_is_paid),
		TEST(host_that_comes_back_with_an_old_debt_waits_for_a_person),
		TEST(debt_that_somebody_settled_is_cleared_by_a_run_with_work),
		TEST(parts_that_a_person_decides_about_stay_owed),
		TEST(restore_pays_and_changes_nothing_else),
		TEST(parts_that_stay_owed_stay_noted),
		TEST(every_host_gets_the_clusters_record_from_a_run_with_work),
		TEST(vm_that_was_off_is_not_called_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
