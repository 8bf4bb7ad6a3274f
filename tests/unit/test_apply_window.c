/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs on simulated hosts in and out of windows. The clock stands; waiting and steps move it. */
#include "model/window.h"
#include "tests/lib/random_scene.h"
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

/* SCENE_NOW is Monday 2026-09-21 14:13:20 UTC: the first opens 47 minutes later. */
#define AFTERNOON "windows: [{ start: \"15:00\", duration: 2h }]"
#define OPEN "windows: [{ start: \"14:00\", duration: 2h }]"
enum { OPENS_IN_S = 46 * 60 + 40 };

static struct sim_run *plan_with(void **state, const char *rollout)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	sim_run_write_scene(sim, NULL);
	g_autofree char *more = g_strdup_printf("  rollout: { %s }\n", rollout);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", more));
	sim_run_plan(sim, PLAN_APPLY);
	sim->options.clock_stands = true;
	return sim;
}

static void stop_outside_is_refused_and_nothing_is_touched(void **state)
{
	struct sim_run *sim = plan_with(state, AFTERNOON);
	g_autofree char *before = NULL, *after = NULL;
	assert_true(g_file_get_contents(sim->world, &before, NULL, NULL));
	assert_int_equal(sim->run->plans[0]->n_steps, 54);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_WINDOW));
	assert_int_equal(sim->n_started, 0);
	assert_true(g_file_get_contents(sim->world, &after, NULL, NULL));
	assert_string_equal(before, after);
}

static void stop_in_an_open_window_is_carried_out(void **state)
{
	struct sim_run *sim = plan_with(state, OPEN);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 54);
}

static void waiting_goes_on_when_the_window_opens(void **state)
{
	struct sim_run *sim = plan_with(state, AFTERNOON);
	sim->options.wait_for_window = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_false(sim_run_says(sim, D_WINDOW));
	assert_int_equal(sim->results[0].n_changed, 54);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->n_waits, 1);
	/* what was done is dated by the clock that waiting moved */
	struct state_file file = sim_run_read_world(sim);
	assert_true(file.states[0]->vms[0].state_change.value >= SCENE_NOW + OPENS_IN_S);
	assert_true(file.states[0]->vms[0].state_change.value < SCENE_NOW + OPENS_IN_S + 60);
}

static void waiting_is_interrupted(void **state)
{
	struct sim_run *sim = plan_with(state, AFTERNOON);
	sim->options.wait_for_window = true;
	sim->options.clock_stands = false;
	sim->options.run.now += OPENS_IN_S - 3600; /* of a clock that goes: an hour to wait */
	sim->interrupt_at_wait = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_int_equal(sim->n_waits, 1);
	assert_int_equal(sim->n_started, 0);
}

static void saved_plan_keeps_to_its_windows(void **state)
{
	struct sim_run *sim = plan_with(state, AFTERNOON);
	sim_run_save(sim);
	assert_int_equal(sim->run->plans[0]->window.n_windows, 1);
	assert_string_equal(sim->run->plans[0]->window.opens_text, "Mon 2026-09-21 15:00 UTC");
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->n_started, 0);
	sim->options.wait_for_window = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 54);
}

static void what_stops_nobody_is_done_outside(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 2, 2, 4);
	scene_vm(sim->scene, "vm-a", 0, VM_OFF, -1);
	scene_vm(sim->scene, "vm-b", 1, VM_RUNNING, -1);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", "  rollout: { " AFTERNOON " }\n"));
	sim_run_plan(sim, PLAN_APPLY);
	sim->options.clock_stands = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->results[0].n_changed, 1);
	assert_int_equal(sim->n_stops, 0);
	struct state_file file = sim_run_read_world(sim);
	assert_int_equal(file.states[0]->vms[0].n_adapters, 1);
	assert_int_equal(file.states[1]->vms[0].n_adapters, 0);
	assert_int_equal(file.states[1]->vms[0].state, VM_RUNNING);
	/* and the rest in the same run, where it waits */
	sim->options.wait_for_window = true;
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_read_world(sim).states[1]->vms[0].n_adapters, 1);
}

/* A run that died holds a VM down: that is paid though no window is open. */
static void debts_are_paid_outside(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	struct vm *vm = &sim->scene->vms[0][0];
	struct debt *debt = arena_new_of(sim->scene->arena, struct debt);
	*debt = (struct debt){ .run = "dead",
		.epoch = 1,
		.at = SCENE_NOW - 60,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	vm->state = VM_OFF;
	vm->debt = debt;
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", "  rollout: { " AFTERNOON " }\n"));
	sim_run_plan(sim, PLAN_APPLY);
	sim->options.clock_stands = true;
	assert_int_equal(sim->run->plans[0]->n_debts_open, 1);
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, true), 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_WINDOW));
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->n_stops, 0);
	assert_int_equal(sim_run_count_gpus(sim, 4), 6);
}

/* Steps take longer than anybody thought: the window closes between two stops, and all VMs are brought back. */
static void window_that_closes_between_stops_brings_all_back(void **state)
{
	struct sim_run *sim = plan_with(state, OPEN);
	sim->step_s = 30 * 60;
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_WINDOW));
	assert_true(sim->n_stops > 0 && sim->n_stops < 12);
	assert_true(sim->n_way_back > 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim_run_count_gpus(sim, 4), 6);
}

/* One that was off lost its adapter, and has it again: it is not named as down. */
static void window_that_closes_gives_back_to_who_was_off(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 2, 1, 4);
	for (uint32_t i = 0; i < 4; i++)
		scene_vm(sim->scene, arena_printf(sim->scene->arena, "vm-%u", i), 0, VM_RUNNING, 0);
	scene_vm(sim->scene, "vm-off", 1, VM_OFF, 0);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", "  rollout: { " OPEN " }\n"));
	sim_run_plan(sim, PLAN_APPLY);
	sim->options.clock_stands = true;
	sim->step_s = 30 * 60;
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->results[0].n_still_owed, 0);
	assert_true(sim->n_way_back > 0);
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, false), 1);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 4);
}

static void whole_change_must_fit_what_is_left_of_the_window(void **state)
{
	struct sim_run *sim = plan_with(state, OPEN);
	sim->options.run.now = SCENE_NOW + 106 * 60; /* 40 seconds before it closes */
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->n_started, 0);
	sim->options.wait_for_window = true; /* the next day */
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_waits, 1);
}

/* Rolling ends where a host is done, and goes on in the next window. */
static void rolling_ends_at_a_hosts_border_and_goes_on(void **state)
{
	struct sim_run *sim = plan_with(state, "strategy: Rolling, " OPEN);
	sim->step_s = 200;
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_WINDOW));
	assert_true(sim->n_stops > 0 && sim->n_stops < 12);
	assert_int_equal(sim->n_way_back, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	uint32_t n_changed = sim_run_count_gpus(sim, 8);
	assert_true(n_changed > 0 && n_changed < 6 && n_changed % 2 == 0);
	sim->options.run.now = SCENE_NOW;
	sim->options.wait_for_window = true;
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->n_stops, 12);
}

static void suspended_cluster_pays_its_debts_and_does_no_more(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	struct vm *vm = &sim->scene->vms[0][0];
	struct debt *debt = arena_new_of(sim->scene->arena, struct debt);
	*debt = (struct debt){ .run = "dead",
		.epoch = 1,
		.at = SCENE_NOW - 60,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	vm->state = VM_OFF;
	vm->debt = debt;
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", "  suspend: true\n"));
	sim_run_plan(sim, PLAN_APPLY);
	assert_true(sim->run->plans[0]->suspended && sim->run->plans[0]->n_steps > 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_SUSPENDED));
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->n_stops, 0);
	assert_int_equal(sim_run_count_gpus(sim, 4), 6);
}

/* ---- any world ---- */

struct watch { /* one run, and what it must not do */
	struct sim_run *sim;
	uint32_t step_s;
	uint32_t n_stops;
};

static void look_on(const struct apply_event *event, void *user)
{
	struct watch *watch = user;
	bool is_stop = event->kind == APPLY_STEP_START && event->step->kind == STEP_STOP_VM;
	if (is_stop && event->plan->mode == PLAN_APPLY) {
		const struct plan_window *window = &event->plan->window;
		assert_true(window_at(window->windows, window->n_windows, watch->sim->options.run.now).is_open);
		watch->n_stops++;
	}
	if (event->kind == APPLY_STEP_DONE)
		watch->sim->options.run.now += watch->step_s;
}

static uint32_t n_running(struct sim_run *sim)
{
	return sim_run_count_vms(sim, VM_RUNNING, false) + sim_run_count_vms(sim, VM_RUNNING, true);
}

static uint32_t run_random(struct sim_run *sim, uint64_t seed)
{
	struct random random = random_from(seed);
	char *other_order = NULL;
	sim->scene = random_scene(&random);
	char *text = random_manifests(sim->scene, &random, &other_order);
	g_auto(GStrv) halves = g_strsplit(text, "rollout: { ", 2);
	g_autofree char *windowed = g_strconcat(halves[0], "rollout: { " OPEN ", ", halves[1], NULL);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, windowed);
	sim_run_plan(sim, PLAN_APPLY);
	struct watch watch = { sim, 1 + random_below(&random, 900), 0 };
	sim->options = (struct apply_options){ .run = sim->options.run,
		.on_event = look_on,
		.user = &watch,
		.interrupts = &sim->interrupts,
		.pause_ms = 1,
		.clock_stands = true };
	sim->options.run.now += (int64_t)random_below(&random, 2 * 3600) - 1800;
	uint32_t before = n_running(sim);
	enum exit_code code = apply_run(sim->run, &sim->options, &sim->results, &sim->n_results);
	if (code == EXIT_PARTIAL || code == EXIT_UNEXPECTED)
		print_message("seed %u\n", (unsigned)seed);
	assert_true(code != EXIT_PARTIAL && code != EXIT_UNEXPECTED);
	assert_true(n_running(sim) >= before);
	assert_true(sim->n_results == 0 || sim->results[0].n_still_owed == 0);
	scene_free(sim->scene);
	sim->scene = NULL;
	return watch.n_stops;
}

static void any_run_stops_nobody_outside_and_leaves_nobody_down(void **state)
{
	uint32_t n_stops = 0;
	for (uint64_t seed = 1; seed <= 150; seed++)
		n_stops += run_random(*state, seed);
	print_message("%u VMs were stopped\n", n_stops);
	assert_true(n_stops > 50);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)
	const struct CMUnitTest tests[] = {
		TEST(stop_outside_is_refused_and_nothing_is_touched),
		TEST(stop_in_an_open_window_is_carried_out),
		TEST(waiting_goes_on_when_the_window_opens),
		TEST(waiting_is_interrupted),
		TEST(saved_plan_keeps_to_its_windows),
		TEST(what_stops_nobody_is_done_outside),
		TEST(debts_are_paid_outside),
		TEST(window_that_closes_between_stops_brings_all_back),
		TEST(window_that_closes_gives_back_to_who_was_off),
		TEST(whole_change_must_fit_what_is_left_of_the_window),
		TEST(rolling_ends_at_a_hosts_border_and_goes_on),
		TEST(suspended_cluster_pays_its_debts_and_does_no_more),
		TEST(any_run_stops_nobody_outside_and_leaves_nobody_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
