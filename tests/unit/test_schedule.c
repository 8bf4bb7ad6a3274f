/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { STEPS_MAX = 8, TRACE_MAX = 64 };

struct fixture {
	struct arena *arena;
	struct step steps[STEPS_MAX];
	uint32_t after[STEPS_MAX][STEPS_MAX];
	uint32_t n;
	struct schedule *schedule;
	const struct schedule_action *actions;
	uint32_t n_actions;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

/* Adds a step on 'host' after those whose bits are set in 'after'. */
static void add(struct fixture *fixture, const char *host, unsigned after)
{
	struct step *step = &fixture->steps[fixture->n];
	*step = (struct step){ .kind = STEP_SET_COUNT, .id = fixture->n + 1, .host_name = host };
	step->after = fixture->after[fixture->n];
	for (uint32_t i = 0; i < fixture->n; i++) {
		if (after & 1u << i)
			fixture->after[fixture->n][step->n_after++] = i + 1;
	}
	fixture->n++;
}

static void feed(struct fixture *fixture, struct schedule_event event)
{
	fixture->actions = schedule_next(fixture->schedule, event, &fixture->n_actions);
}

static void begin(struct fixture *fixture)
{
	struct schedule_options options = { .retries = 3, .pause_ms = 1000 };
	fixture->schedule = schedule_new(fixture->arena, fixture->steps, fixture->n, options);
	feed(fixture, (struct schedule_event){ SCHEDULE_BEGIN });
}

static void done(struct fixture *fixture, uint32_t step)
{
	feed(fixture, (struct schedule_event){ SCHEDULE_STEP_DONE, .step = step, .changed = true });
}

static void fail_step(struct fixture *fixture, uint32_t step, bool transient)
{
	feed(fixture, (struct schedule_event){ SCHEDULE_STEP_FAILED, .step = step, .transient = transient });
}

static void assert_action(const struct fixture *fixture, uint32_t i, enum schedule_action_kind kind, uint32_t step)
{
	assert_true(i < fixture->n_actions);
	assert_int_equal(fixture->actions[i].kind, kind);
	assert_int_equal(fixture->actions[i].step, step);
}

static void schedule_of_no_steps_finishes_at_once(void **state)
{
	struct fixture *fixture = *state;
	begin(fixture);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_FINISHED, 0);
}

static void steps_of_two_hosts_run_side_by_side(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "HV01", 0);
	add(fixture, "hv02", 0);
	begin(fixture);
	assert_int_equal(fixture->n_actions, 2);
	assert_action(fixture, 0, SCHEDULE_SUBMIT, 0);
	assert_action(fixture, 1, SCHEDULE_SUBMIT, 2);
	done(fixture, 0);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_SUBMIT, 1);
}

static void step_waits_for_all_that_it_comes_after(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv02", 0);
	add(fixture, "hv03", 3);
	begin(fixture);
	done(fixture, 1);
	assert_int_equal(fixture->n_actions, 0);
	done(fixture, 0);
	assert_action(fixture, 0, SCHEDULE_SUBMIT, 2);
	done(fixture, 2);
	assert_action(fixture, 0, SCHEDULE_FINISHED, 0);
	assert_int_equal(schedule_done(fixture->schedule), 3);
}

static void passing_fault_is_tried_again_with_growing_pauses(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	begin(fixture);
	for (uint32_t i = 0; i < 3; i++) {
		fail_step(fixture, 0, true);
		assert_int_equal(fixture->n_actions, 1);
		assert_action(fixture, 0, SCHEDULE_RETRY, 0);
		assert_int_equal(fixture->actions[0].after_ms, 1000u << i);
		feed(fixture, (struct schedule_event){ SCHEDULE_PAUSE_OVER });
		assert_action(fixture, 0, SCHEDULE_SUBMIT, 0);
	}
	fail_step(fixture, 0, true);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_WAY_BACK, 0);
	assert_int_equal(schedule_outcome(fixture->schedule, 0), OUTCOME_FAILED);
}

static void host_is_busy_while_its_step_pauses(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv01", 0);
	begin(fixture);
	fail_step(fixture, 0, true);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_RETRY, 0);
}

static void permanent_fault_lets_running_steps_end_and_begins_nothing(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv02", 0);
	add(fixture, "hv02", 2);
	begin(fixture);
	fail_step(fixture, 0, false);
	assert_int_equal(fixture->n_actions, 0);
	done(fixture, 1);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_WAY_BACK, 0);
	assert_int_equal(schedule_outcome(fixture->schedule, 2), OUTCOME_SKIPPED);
}

static void pause_ends_in_failure_once_another_step_failed(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv02", 0);
	begin(fixture);
	fail_step(fixture, 0, true);
	fail_step(fixture, 1, false);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_WAY_BACK, 0);
	feed(fixture, (struct schedule_event){ SCHEDULE_PAUSE_OVER, .step = 0 });
	assert_int_equal(fixture->n_actions, 0);
}

static void interruption_begins_nothing_new(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv01", 0);
	begin(fixture);
	feed(fixture, (struct schedule_event){ SCHEDULE_INTERRUPT });
	assert_int_equal(fixture->n_actions, 0);
	done(fixture, 0);
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_WAY_BACK, 0);
	assert_false(schedule_has_failed(fixture->schedule));
}

static void second_interruption_stops_at_once(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	begin(fixture);
	feed(fixture, (struct schedule_event){ SCHEDULE_INTERRUPT });
	feed(fixture, (struct schedule_event){ SCHEDULE_INTERRUPT });
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_STOP, 0);
	assert_true(schedule_has_ended(fixture->schedule));
}

/* ---- every order of replies ---- */

struct walk {
	struct fixture *fixture;
	struct schedule_event trace[TRACE_MAX];
	uint32_t n_trace;
	uint64_t n_ends;
};

struct model { /* what an onlooker knows, from actions alone */
	bool running[STEPS_MAX], pausing[STEPS_MAX], done[STEPS_MAX];
	bool failed, interrupted, ended;
};

static void look_on(const struct walk *walk, struct model *model, const struct schedule_action *action)
{
	const struct fixture *fixture = walk->fixture;
	const struct step *step = &fixture->steps[action->step];
	assert_false(model->ended);
	switch (action->kind) {
	case SCHEDULE_SUBMIT:
		assert_false(model->failed || model->interrupted);
		assert_false(model->running[action->step] || model->done[action->step]);
		for (uint32_t i = 0; i < step->n_after; i++)
			assert_true(model->done[step->after[i] - 1]);
		for (uint32_t i = 0; i < fixture->n; i++) {
			bool busy = i != action->step && (model->running[i] || model->pausing[i]);
			assert_false(busy && !g_strcmp0(fixture->steps[i].host_name, step->host_name));
		}
		model->running[action->step] = true;
		model->pausing[action->step] = false;
		break;
	case SCHEDULE_RETRY:
		model->pausing[action->step] = true;
		break;
	case SCHEDULE_FINISHED:
		for (uint32_t i = 0; i < fixture->n; i++)
			assert_true(model->done[i]);
		model->ended = true;
		break;
	case SCHEDULE_HELD:
		fail_msg("nothing is held where there is no gate");
		break;
	case SCHEDULE_WAY_BACK:
		assert_true(model->failed || model->interrupted);
		for (uint32_t i = 0; i < fixture->n; i++)
			assert_false(model->running[i]);
		model->ended = true;
		break;
	case SCHEDULE_STOP:
		model->ended = true;
		break;
	}
}

static struct model replay(const struct walk *walk)
{
	struct model model = { 0 };
	struct fixture *fixture = walk->fixture;
	g_autoptr(arena_auto) arena = arena_new();
	struct schedule_options options = { .retries = 1, .pause_ms = 1 };
	struct schedule *schedule = schedule_new(arena, fixture->steps, fixture->n, options);
	for (uint32_t i = 0; i < walk->n_trace; i++) {
		const struct schedule_event *event = &walk->trace[i];
		if (event->kind == SCHEDULE_STEP_DONE || event->kind == SCHEDULE_STEP_FAILED)
			model.running[event->step] = false;
		if (event->kind == SCHEDULE_STEP_DONE)
			model.done[event->step] = true;
		model.interrupted |= event->kind == SCHEDULE_INTERRUPT;
		uint32_t n;
		const struct schedule_action *actions = schedule_next(schedule, *event, &n);
		model.failed |= schedule_has_failed(schedule);
		for (uint32_t k = 0; k < n; k++)
			look_on(walk, &model, &actions[k]);
	}
	return model;
}

static void explore(struct walk *walk);

static void explore_with(struct walk *walk, struct schedule_event event)
{
	assert_true(walk->n_trace < TRACE_MAX);
	walk->trace[walk->n_trace++] = event;
	explore(walk);
	walk->n_trace--;
}

static void explore(struct walk *walk)
{
	struct model model = replay(walk);
	if (model.ended) {
		walk->n_ends++;
		return;
	}
	bool moved = false;
	for (uint32_t i = 0; i < walk->fixture->n; i++) {
		if (model.running[i]) {
			moved = true;
			explore_with(walk, (struct schedule_event){ SCHEDULE_STEP_DONE, .step = i });
			explore_with(
				walk, (struct schedule_event){ SCHEDULE_STEP_FAILED, .step = i, .transient = true });
			explore_with(walk, (struct schedule_event){ SCHEDULE_STEP_FAILED, .step = i });
		} else if (model.pausing[i] && !model.failed && !model.interrupted) {
			moved = true;
			explore_with(walk, (struct schedule_event){ SCHEDULE_PAUSE_OVER, .step = i });
		}
	}
	if (!model.interrupted)
		explore_with(walk, (struct schedule_event){ SCHEDULE_INTERRUPT });
	assert_true(moved); /* Otherwise it would wait for ever. */
}

static void every_order_of_replies_keeps_the_promises(void **state)
{
	struct fixture *fixture = *state;
	add(fixture, "hv01", 0);
	add(fixture, "hv02", 0);
	add(fixture, "hv01", 1 << 0);
	add(fixture, "hv02", 1 << 0 | 1 << 1);
	struct walk walk = { .fixture = fixture };
	explore_with(&walk, (struct schedule_event){ SCHEDULE_BEGIN });
	assert_true(walk.n_ends > 1000);
}

static bool none_after_the_first(const struct schedule *schedule, uint32_t step, void *user)
{
	(*(uint32_t *)user)++;
	return step == 0 && schedule_outcome(schedule, 1) == OUTCOME_PENDING;
}

/* What runs is waited for, and nothing else begins. */
static void step_that_may_not_begin_ends_the_plan(void **state)
{
	struct fixture *fixture = *state;
	uint32_t n_asked = 0;
	add(fixture, "hv01", 0);
	add(fixture, "hv02", 0);
	add(fixture, "hv03", 0);
	struct schedule_options options = { .may = none_after_the_first, .user = &n_asked };
	fixture->schedule = schedule_new(fixture->arena, fixture->steps, fixture->n, options);
	feed(fixture, (struct schedule_event){ SCHEDULE_BEGIN });
	assert_int_equal(fixture->n_actions, 1);
	assert_action(fixture, 0, SCHEDULE_SUBMIT, 0);
	done(fixture, 0);
	assert_action(fixture, 0, SCHEDULE_WAY_BACK, 0);
	assert_int_equal(n_asked, 2);
	assert_true(schedule_was_refused(fixture->schedule));
	assert_false(schedule_has_failed(fixture->schedule));
	assert_int_equal(schedule_outcome(fixture->schedule, 2), OUTCOME_SKIPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(step_that_may_not_begin_ends_the_plan),
		TEST(schedule_of_no_steps_finishes_at_once),
		TEST(steps_of_two_hosts_run_side_by_side),
		TEST(step_waits_for_all_that_it_comes_after),
		TEST(passing_fault_is_tried_again_with_growing_pauses),
		TEST(host_is_busy_while_its_step_pauses),
		TEST(permanent_fault_lets_running_steps_end_and_begins_nothing),
		TEST(pause_ends_in_failure_once_another_step_failed),
		TEST(interruption_begins_nothing_new),
		TEST(second_interruption_stops_at_once),
		TEST(every_order_of_replies_keeps_the_promises),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
