/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/schedule.h"

NAMES_DEFINE(step_outcome_names, STEP_OUTCOMES);

struct slot { /* what the schedule knows about one step */
	enum step_outcome outcome;
	uint32_t lane;    /* host */
	uint32_t n_waits; /* steps that it comes after and that are not done */
	uint32_t n_retries;
	bool pausing;         /* failed in passing and waits for its retry: still OUTCOME_RUNNING */
	const uint32_t *next; /* steps that come after this one */
	uint32_t n_next;
};

struct schedule {
	const struct step *steps;
	uint32_t n_steps;
	struct schedule_options options;
	struct slot *slots;
	bool *lane_busy;
	uint32_t n_interrupts;
	uint32_t n_running, n_done;
	bool begun, failed, ended;
	bool held, shut; /* what the gate said */
	bool refused;    /* what 'may' said */
	int64_t now;     /* of the event */
	struct schedule_action *actions;
	uint32_t n_actions;
};

static void find_lanes(struct arena *arena, struct schedule *schedule);
static void find_followers(struct arena *arena, struct schedule *schedule);
static void on_done(struct schedule *schedule, uint32_t step, bool changed);
static void on_failed(struct schedule *schedule, uint32_t step, bool transient);
static void on_pause_over(struct schedule *schedule, uint32_t step);
static void on_interrupt(struct schedule *schedule);
static void go_on(struct schedule *schedule);

struct schedule *schedule_new(
	struct arena *arena, const struct step *steps, uint32_t n_steps, struct schedule_options options)
{
	struct schedule *schedule = arena_new_of(arena, struct schedule);
	schedule->steps = steps;
	schedule->n_steps = n_steps;
	schedule->options = options;
	schedule->slots = arena_array(arena, struct slot, n_steps);
	schedule->actions = arena_array(arena, struct schedule_action, n_steps + 2);
	find_lanes(arena, schedule);
	find_followers(arena, schedule);
	return schedule;
}

const struct schedule_action *schedule_next(struct schedule *schedule, struct schedule_event event, uint32_t *n_out)
{
	schedule->n_actions = 0;
	schedule->now = event.now;
	if (!schedule->ended) {
		switch (event.kind) {
		case SCHEDULE_BEGIN:
			schedule->begun = true;
			break;
		case SCHEDULE_STEP_DONE:
			on_done(schedule, event.step, event.changed);
			break;
		case SCHEDULE_STEP_FAILED:
			on_failed(schedule, event.step, event.transient);
			break;
		case SCHEDULE_PAUSE_OVER:
			on_pause_over(schedule, event.step);
			break;
		case SCHEDULE_INTERRUPT:
			on_interrupt(schedule);
			break;
		}
		go_on(schedule);
	}
	*n_out = schedule->n_actions;
	return schedule->actions;
}

enum step_outcome schedule_outcome(const struct schedule *schedule, uint32_t step)
{
	return schedule->slots[step].outcome;
}

uint32_t schedule_done(const struct schedule *schedule)
{
	return schedule->n_done;
}

bool schedule_has_failed(const struct schedule *schedule)
{
	return schedule->failed;
}

bool schedule_was_shut(const struct schedule *schedule)
{
	return schedule->shut;
}

bool schedule_was_refused(const struct schedule *schedule)
{
	return schedule->refused;
}

bool schedule_has_ended(const struct schedule *schedule)
{
	return schedule->ended;
}

static void find_lanes(struct arena *arena, struct schedule *schedule)
{
	g_autoptr(GHashTable) lanes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; i < schedule->n_steps; i++) {
		const char *host = schedule->steps[i].host_name;
		g_autofree char *key = g_ascii_strdown(host ? host : "", -1);
		gpointer known;
		if (!g_hash_table_lookup_extended(lanes, key, NULL, &known)) {
			known = GUINT_TO_POINTER(g_hash_table_size(lanes));
			g_hash_table_insert(lanes, g_steal_pointer(&key), known);
		}
		schedule->slots[i].lane = GPOINTER_TO_UINT(known);
	}
	schedule->lane_busy = arena_array(arena, bool, g_hash_table_size(lanes));
}

/* Steps name each other by id; the schedule works with indices. */
static void find_followers(struct arena *arena, struct schedule *schedule)
{
	g_autoptr(GHashTable) by_id = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < schedule->n_steps; i++)
		g_hash_table_insert(by_id, GUINT_TO_POINTER(schedule->steps[i].id), GUINT_TO_POINTER(i));
	g_autofree GArray **next = g_new0(GArray *, schedule->n_steps + 1);
	for (uint32_t i = 0; i < schedule->n_steps; i++) {
		const struct step *step = &schedule->steps[i];
		for (uint32_t k = 0; k < step->n_after; k++) {
			gpointer before;
			if (!g_hash_table_lookup_extended(by_id, GUINT_TO_POINTER(step->after[k]), NULL, &before))
				BUG("step %u comes after step %u, which is not in the plan", step->id, step->after[k]);
			GArray **list = &next[GPOINTER_TO_UINT(before)];
			if (!*list)
				*list = g_array_new(FALSE, FALSE, sizeof(uint32_t));
			g_array_append_val(*list, i);
			schedule->slots[i].n_waits++;
		}
	}
	for (uint32_t i = 0; i < schedule->n_steps; i++) {
		if (next[i])
			schedule->slots[i].next = arena_take_array(arena, next[i], &schedule->slots[i].n_next);
	}
}

static void act(struct schedule *schedule, enum schedule_action_kind kind, uint32_t step, uint32_t after_ms)
{
	schedule->actions[schedule->n_actions++] = (struct schedule_action){ kind, step, after_ms };
}

static bool is_stopping(const struct schedule *schedule)
{
	return schedule->failed || schedule->shut || schedule->refused || schedule->n_interrupts > 0;
}

static void leave(struct schedule *schedule, uint32_t step, enum step_outcome outcome)
{
	struct slot *slot = &schedule->slots[step];
	if (slot->outcome != OUTCOME_RUNNING)
		BUG("reply for step %u, which does not run", schedule->steps[step].id);
	slot->outcome = outcome;
	slot->pausing = false;
	schedule->lane_busy[slot->lane] = false;
	schedule->n_running--;
	schedule->n_done++;
	if (schedule->options.gate)
		gate_done(schedule->options.gate, step);
}

static void on_done(struct schedule *schedule, uint32_t step, bool changed)
{
	leave(schedule, step, changed ? OUTCOME_CHANGED : OUTCOME_UNCHANGED);
	const struct slot *slot = &schedule->slots[step];
	for (uint32_t i = 0; i < slot->n_next; i++)
		schedule->slots[slot->next[i]].n_waits--;
}

static void fail(struct schedule *schedule, uint32_t step)
{
	leave(schedule, step, OUTCOME_FAILED);
	schedule->failed = true;
}

static void on_failed(struct schedule *schedule, uint32_t step, bool transient)
{
	struct slot *slot = &schedule->slots[step];
	if (!transient || is_stopping(schedule) || slot->n_retries >= schedule->options.retries) {
		fail(schedule, step);
		return;
	}
	slot->pausing = true;
	act(schedule, SCHEDULE_RETRY, step, schedule->options.pause_ms << slot->n_retries);
	slot->n_retries++;
}

static void on_pause_over(struct schedule *schedule, uint32_t step)
{
	struct slot *slot = &schedule->slots[step];
	if (!slot->pausing)
		return; /* It was given up meanwhile. */
	slot->pausing = false;
	act(schedule, SCHEDULE_SUBMIT, step, 0);
}

static void on_interrupt(struct schedule *schedule)
{
	if (++schedule->n_interrupts < 2)
		return;
	schedule->ended = true;
	act(schedule, SCHEDULE_STOP, 0, 0);
}

/* Asked only of a step that would be submitted now. */
static bool may_begin(struct schedule *schedule, uint32_t step)
{
	struct gate *gate = schedule->options.gate;
	enum gate_answer answer = gate ? gate_ask(gate, step, schedule->now) : GATE_OPEN;
	schedule->held |= answer == GATE_HELD;
	schedule->shut |= answer == GATE_SHUT;
	const struct schedule_options *options = &schedule->options;
	schedule->refused |= answer == GATE_OPEN && options->may && !options->may(schedule, step, options->user);
	return answer == GATE_OPEN && !schedule->refused;
}

static void submit_ready(struct schedule *schedule)
{
	schedule->held = false;
	for (uint32_t i = 0; i < schedule->n_steps && !schedule->shut && !schedule->refused; i++) {
		struct slot *slot = &schedule->slots[i];
		if (slot->outcome != OUTCOME_PENDING || slot->n_waits || schedule->lane_busy[slot->lane] ||
			!may_begin(schedule, i))
			continue;
		slot->outcome = OUTCOME_RUNNING;
		schedule->lane_busy[slot->lane] = true;
		schedule->n_running++;
		act(schedule, SCHEDULE_SUBMIT, i, 0);
	}
}

/* A step that waits for its retry would begin something new: it has failed. */
static void give_up_pauses(struct schedule *schedule)
{
	for (uint32_t i = 0; i < schedule->n_steps; i++) {
		if (schedule->slots[i].pausing)
			fail(schedule, i);
	}
}

static void skip_rest(struct schedule *schedule)
{
	for (uint32_t i = 0; i < schedule->n_steps; i++) {
		if (schedule->slots[i].outcome == OUTCOME_PENDING) {
			schedule->slots[i].outcome = OUTCOME_SKIPPED;
			schedule->n_done++;
		}
	}
}

static void go_on(struct schedule *schedule)
{
	if (schedule->ended || !schedule->begun)
		return;
	if (is_stopping(schedule))
		give_up_pauses(schedule);
	else
		submit_ready(schedule);
	if (schedule->n_running)
		return;
	schedule->ended = true;
	if (schedule->n_done == schedule->n_steps && !schedule->failed) {
		act(schedule, SCHEDULE_FINISHED, 0, 0);
		return;
	}
	if (!is_stopping(schedule) && !schedule->held)
		BUG("steps of a plan wait for each other");
	skip_rest(schedule);
	act(schedule, is_stopping(schedule) ? SCHEDULE_WAY_BACK : SCHEDULE_HELD, 0, 0);
}
