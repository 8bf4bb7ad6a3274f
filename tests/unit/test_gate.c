/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "reconcile/gate.h"
#include "reconcile/schedule.h"
#include "tests/lib/random_scene.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

/* SCENE_NOW is Monday 2026-09-21 14:13:20 UTC */
#define WINDOWS(windows) "  rollout: { windows: [" windows "] }\n"
#define ROLLING(windows) "  rollout: { strategy: Rolling, windows: [" windows "] }\n"
#define NIGHT "{ days: [Sat, Sun], start: \"01:00\", duration: 4h, timeZone: Europe/Paris }"
static const char open_now[] = "{ start: \"14:00\", duration: 1h }";

static struct plan *row_five(struct scene **scene_out, const char *rollout)
{
	struct scene *scene = scene_new(true, 3, 2, 4);
	scene_run(scene, 12);
	*scene_out = scene;
	return scene_plan(scene, scene_manifests(scene, 8, "vm-*", rollout));
}

static void plan_names_the_next_window(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	assert_true(plan->window.set && !plan->window.is_open);
	assert_string_equal(clock_print(scene->arena, plan->window.opens_at), "2026-09-25T23:00:00Z");
	assert_string_equal(clock_print(scene->arena, plan->window.closes_at), "2026-09-26T03:00:00Z");
	assert_string_equal(plan->window.opens_text, "Sat 2026-09-26 01:00 Europe/Paris");
	assert_int_equal(plan->window.longest_s, 4 * 3600);
	assert_int_equal(plan->n_steps, 54);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_true(plan->consents);
	scene_free(scene);
}

static void plan_without_windows_tells_none_and_has_no_gate(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, NULL);
	assert_false(plan->window.set || plan->consents);
	assert_null(gate_new(scene->arena, plan));
	assert_true(gate_lets_any(plan, SCENE_NOW));
	scene_free(scene);
}

static void budget_is_consent(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, "  rollout: { maxUnavailable: 100% }\n");
	assert_true(plan->consents);
	scene_free(scene);
}

/* Two hosts side by side, each one step at a time. */
static void seconds_are_those_of_the_busiest_host(void **state)
{
	(void)state;
	static const uint32_t first[] = { 1 };
	const struct step steps[] = {
		{ .kind = STEP_STOP_VM, .id = 1, .host_name = "hv01" },
		{ .kind = STEP_STOP_VM, .id = 2, .host_name = "HV01" },
		{ .kind = STEP_STOP_VM, .id = 3, .host_name = "hv02" },
		{ .kind = STEP_START_VM, .id = 4, .host_name = "hv02", .after = first, .n_after = 1 },
	};
	uint32_t stop = step_rows[STEP_STOP_VM].typical_seconds, start = step_rows[STEP_START_VM].typical_seconds;
	static const bool counted[] = { false, true, false, true };
	assert_int_equal(gate_seconds(steps, 4, NULL), MAX(2 * stop, stop + start));
	assert_int_equal(gate_seconds(steps, 3, NULL), 2 * stop);
	assert_int_equal(gate_seconds(steps, 4, counted), MAX(stop, start));
	assert_int_equal(gate_seconds(steps, 0, NULL), 0);
}

static uint32_t first_stop(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_STOP_VM)
			return i;
	fail_msg("nobody is stopped");
	return 0;
}

static void stop_is_held_while_no_window_is_open(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	struct gate *gate = gate_new(scene->arena, plan);
	assert_int_equal(gate_ask(gate, first_stop(plan), SCENE_NOW), GATE_HELD);
	assert_int_equal(gate_ask(gate, first_stop(plan), plan->window.opens_at - 1), GATE_HELD);
	assert_false(gate_lets_any(plan, SCENE_NOW));
	assert_int_equal(gate_ask(gate, first_stop(plan), plan->window.opens_at), GATE_OPEN);
	assert_true(gate_lets_any(plan, plan->window.opens_at));
	scene_free(scene);
}

static void first_stop_needs_room_for_the_whole_change(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	uint32_t needs = gate_needs(plan, NULL), stop = first_stop(plan);
	assert_int_equal(needs, gate_seconds(plan->steps, plan->n_steps, NULL));
	struct gate *gate = gate_new(scene->arena, plan);
	assert_int_equal(gate_ask(gate, stop, plan->window.closes_at - needs + 1), GATE_HELD);
	assert_int_equal(gate_ask(gate, stop, plan->window.closes_at - needs), GATE_OPEN);
	scene_free(scene);
}

static void change_that_has_begun_is_shut_only_for_stops(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	struct gate *gate = gate_new(scene->arena, plan);
	uint32_t stop = first_stop(plan);
	assert_int_equal(gate_ask(gate, stop, plan->window.opens_at), GATE_OPEN);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		bool is_stop = plan->steps[i].kind == STEP_STOP_VM;
		assert_int_equal(gate_ask(gate, i, plan->window.closes_at - 1), GATE_OPEN);
		assert_int_equal(gate_ask(gate, i, plan->window.closes_at), is_stop ? GATE_SHUT : GATE_OPEN);
	}
	scene_free(scene);
}

static void what_stops_nobody_is_never_held(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", WINDOWS(NIGHT)));
	struct gate *gate = gate_new(scene->arena, plan);
	assert_int_equal(plan->n_steps, 4);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		bool is_a = g_strcmp0(plan->steps[i].vm_name, "vm-a") == 0;
		assert_int_equal(gate_ask(gate, i, SCENE_NOW), is_a ? GATE_OPEN : GATE_HELD);
	}
	assert_true(gate_lets_any(plan, SCENE_NOW));
	scene_free(scene);
}

static void rolling_needs_a_window_for_one_unit(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	uint32_t at_once = gate_needs(plan, NULL);
	scene_free(scene);
	plan = row_five(&scene, ROLLING(NIGHT));
	assert_true(gate_needs(plan, NULL) <= at_once);
	struct gate *gate = gate_new(scene->arena, plan);
	int64_t late = plan->window.closes_at - gate_needs(plan, NULL);
	assert_int_equal(gate_ask(gate, first_stop(plan), late + 1), GATE_HELD);
	assert_int_equal(gate_ask(gate, first_stop(plan), late), GATE_OPEN);
	scene_free(scene);
}

/* ---- with the schedule ---- */

struct walk {
	const struct plan *plan;
	struct schedule *schedule;
	int64_t now;
	uint32_t step_s; /* how long each step takes */
	enum schedule_action_kind end;
	uint32_t n_stops_outside, n_done;
	int n_down;
};

static bool is_open_at(const struct plan *plan, int64_t now)
{
	return now >= plan->window.opens_at && now < plan->window.closes_at;
}

/* Carries out one step after the other, as the schedule says, while the clock goes on. */
static void walk_through(struct arena *arena, struct walk *walk)
{
	const struct plan *plan = walk->plan;
	struct schedule_options options = { .gate = gate_new(arena, plan) };
	walk->schedule = schedule_new(arena, plan->steps, plan->n_steps, options);
	g_autoptr(GArray) running = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct schedule_event event = { SCHEDULE_BEGIN };
	bool ended = false;
	while (!ended) {
		uint32_t n;
		event.now = walk->now;
		const struct schedule_action *actions = schedule_next(walk->schedule, event, &n);
		for (uint32_t i = 0; i < n; i++) {
			if (actions[i].kind != SCHEDULE_SUBMIT) {
				walk->end = actions[i].kind;
				ended = true;
				continue;
			}
			bool is_stop = plan->steps[actions[i].step].kind == STEP_STOP_VM;
			walk->n_stops_outside += is_stop && !is_open_at(plan, walk->now);
			g_array_append_val(running, actions[i].step);
		}
		if (ended)
			break;
		event = (struct schedule_event){ SCHEDULE_STEP_DONE, .step = g_array_index(running, uint32_t, 0),
			.changed = true };
		g_array_remove_index(running, 0);
		walk->now += walk->step_s;
		walk->n_done++;
		walk->n_down += plan->steps[event.step].kind == STEP_STOP_VM;
		walk->n_down -= plan->steps[event.step].kind == STEP_START_VM;
	}
	assert_int_equal(running->len, 0);
}

static void schedule_ends_with_what_is_held(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	struct walk walk = { .plan = plan, .now = SCENE_NOW, .step_s = 1 };
	walk_through(scene->arena, &walk);
	assert_int_equal(walk.end, SCHEDULE_HELD);
	assert_int_equal(walk.n_done, 0);
	walk = (struct walk){ .plan = plan, .now = plan->window.opens_at, .step_s = 1 };
	walk_through(scene->arena, &walk);
	assert_int_equal(walk.end, SCHEDULE_FINISHED);
	scene_free(scene);
}

static void schedule_goes_back_when_a_window_closes_between_stops(void **state)
{
	(void)state;
	struct scene *scene;
	struct plan *plan = row_five(&scene, WINDOWS(NIGHT));
	struct walk walk = { .plan = plan, .step_s = 1800 }; /* each takes much longer than was thought */
	walk.now = plan->window.opens_at;
	walk_through(scene->arena, &walk);
	assert_int_equal(walk.end, SCHEDULE_WAY_BACK);
	assert_true(schedule_was_shut(walk.schedule));
	assert_false(schedule_has_failed(walk.schedule));
	assert_int_equal(walk.n_stops_outside, 0);
	assert_true(walk.n_down > 0);
	scene_free(scene);
}

/* Independent VMs, each a unit: whatever the pace, nobody is stopped outside and nobody is left down. */
static void schedule_holds_nobody_down_where_units_are_small(void **state)
{
	(void)state;
	const char *const rollouts[] = { WINDOWS(NIGHT), ROLLING(NIGHT) };
	for (uint32_t step_s = 1; step_s < 4 * 3600; step_s = step_s * 2 + 7) {
		struct scene *scene = scene_new(true, 2, 2, 4);
		for (uint32_t i = 0; i < 6; i++)
			scene_vm(scene, arena_printf(scene->arena, "vm-%u", i), i % 2, VM_RUNNING, -1);
		struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", rollouts[step_s % 2]));
		struct walk walk = { .plan = plan, .step_s = step_s };
		walk.now = plan->window.opens_at;
		walk_through(scene->arena, &walk);
		assert_int_equal(walk.n_stops_outside, 0);
		assert_true(walk.n_done > 0);
		if (walk.end != SCHEDULE_WAY_BACK)
			assert_int_equal(walk.n_down, 0);
		assert_true(step_s > 200 || walk.end == SCHEDULE_FINISHED);
		scene_free(scene);
	}
}

/* Where the rest is held, each unit is done whole or not begun at all. */
static void check_units_are_whole(const struct walk *walk)
{
	const struct plan *plan = walk->plan;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		for (uint32_t k = 0; k < plan->n_steps; k++) {
			if (plan->steps[k].unit != plan->steps[i].unit)
				continue;
			assert_true(schedule_outcome(walk->schedule, i) == schedule_outcome(walk->schedule, k));
		}
}

/* Any plan, any pace, from any moment on. */
static void any_plan_leaves_no_unit_half_done_where_it_is_held(void **state)
{
	(void)state;
	uint32_t n_held = 0, n_shut = 0, n_finished = 0;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct random random = random_from(seed);
		struct scene *scene = random_scene(&random);
		char *other_order = NULL;
		struct plan *plan = scene_plan(scene, random_manifests(scene, &random, &other_order));
		struct scene *windows;
		const struct plan *night = row_five(&windows, WINDOWS(NIGHT));
		plan->window = night->window;
		struct walk walk = { .plan = plan, .step_s = 1 + random_below(&random, 1200) };
		walk.now = plan->window.opens_at - 1800 + random_below(&random, 5 * 3600);
		walk_through(scene->arena, &walk);
		assert_int_equal(walk.n_stops_outside, 0);
		if (walk.end == SCHEDULE_HELD)
			check_units_are_whole(&walk);
		else
			assert_true(walk.end == SCHEDULE_FINISHED || schedule_was_shut(walk.schedule));
		n_held += walk.end == SCHEDULE_HELD;
		n_shut += walk.end == SCHEDULE_WAY_BACK;
		n_finished += walk.end == SCHEDULE_FINISHED && plan->n_steps;
		scene_free(windows);
		scene_free(scene);
	}
	print_message("%u held, %u shut, %u finished\n", n_held, n_shut, n_finished);
	assert_true(n_held > 20 && n_shut > 5 && n_finished > 20);
}

static void window_that_is_open_lets_begin(void **state)
{
	(void)state;
	struct scene *scene;
	g_autofree char *rollout = g_strdup_printf("  rollout: { windows: [%s] }\n", open_now);
	struct plan *plan = row_five(&scene, rollout);
	assert_true(plan->window.is_open);
	assert_true(gate_lets_any(plan, SCENE_NOW));
	assert_string_equal(plan->window.opens_text, "Mon 2026-09-21 14:00 UTC");
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_names_the_next_window),
		cmocka_unit_test(plan_without_windows_tells_none_and_has_no_gate),
		cmocka_unit_test(budget_is_consent),
		cmocka_unit_test(seconds_are_those_of_the_busiest_host),
		cmocka_unit_test(stop_is_held_while_no_window_is_open),
		cmocka_unit_test(first_stop_needs_room_for_the_whole_change),
		cmocka_unit_test(change_that_has_begun_is_shut_only_for_stops),
		cmocka_unit_test(what_stops_nobody_is_never_held),
		cmocka_unit_test(rolling_needs_a_window_for_one_unit),
		cmocka_unit_test(schedule_ends_with_what_is_held),
		cmocka_unit_test(schedule_goes_back_when_a_window_closes_between_stops),
		cmocka_unit_test(schedule_holds_nobody_down_where_units_are_small),
		cmocka_unit_test(any_plan_leaves_no_unit_half_done_where_it_is_held),
		cmocka_unit_test(window_that_is_open_lets_begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
