/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which step of a plan may run now: a pure function of state and event. No I/O, no clock; whoever drives it
 * (reconcile/apply_drive.c, or a test) carries out the actions and feeds back what happened.
 *
 * One step at a time per host, hosts side by side. A step is submitted only when all that it comes after are done.
 * A passing fault is tried again, with a pause; after a fault that stays, or an interruption, nothing new is
 * submitted, what runs is waited for, and then SCHEDULE_WAY_BACK says that a plan back to safety is due. What no window
 * lets begin (gate.h) is left out, and SCHEDULE_HELD says that it is still to do. A step that must not begin for another
 * reason ends the plan like a failure.
 */
#pragma once
#include "reconcile/gate.h"

/* clang-format off */
#define STEP_OUTCOMES(X) \
	X(OUTCOME_PENDING, "pending") \
	X(OUTCOME_RUNNING, "running") X(OUTCOME_CHANGED, "changed") X(OUTCOME_UNCHANGED, "unchanged") \
	X(OUTCOME_FAILED, "failed") X(OUTCOME_SKIPPED, "skipped")
/* clang-format on */
enum step_outcome { STEP_OUTCOMES(NAMES_ENUM) STEP_OUTCOME_COUNT };
extern const struct names step_outcome_names;

enum schedule_event_kind {
	SCHEDULE_BEGIN,
	SCHEDULE_STEP_DONE,   /* 'step', 'changed' */
	SCHEDULE_STEP_FAILED, /* 'step', 'transient' */
	SCHEDULE_PAUSE_OVER,  /* 'step': the pause that SCHEDULE_RETRY asked for is over */
	SCHEDULE_INTERRUPT,   /* once: begin nothing new; twice: stop at once */
};

struct schedule_event {
	enum schedule_event_kind kind;
	uint32_t step; /* index into the plan's steps */
	bool changed, transient;
	int64_t now; /* for the gate */
};

enum schedule_action_kind {
	SCHEDULE_SUBMIT,   /* 'step' */
	SCHEDULE_RETRY,    /* 'step', 'after_ms': feed SCHEDULE_PAUSE_OVER then */
	SCHEDULE_WAY_BACK, /* ended early, nothing runs any more */
	SCHEDULE_FINISHED, /* all steps are done */
	SCHEDULE_HELD,     /* all are done but those that must wait for a window, and what comes after them */
	SCHEDULE_STOP,     /* interrupted twice: give up on what runs */
};

struct schedule_action {
	enum schedule_action_kind kind;
	uint32_t step;
	uint32_t after_ms;
};

struct schedule;
/* May the step begin where the others are as the schedule has them? False: the way back is due. */
typedef bool schedule_may_fn(const struct schedule *schedule, uint32_t step, void *user);

struct schedule_options {
	uint32_t retries;     /* of a passing fault, per step */
	uint32_t pause_ms;    /* before the first retry; doubles each time */
	struct gate *gate;    /* of these steps; NULL: all may begin at any time */
	schedule_may_fn *may; /* asked last, before a step is submitted; must be pure. NULL: all may */
	void *user;
};
enum { SCHEDULE_RETRIES = 3, SCHEDULE_PAUSE_MS = 1000 };

/* In 'arena'; 'steps' must outlive it. */
struct schedule *schedule_new(
	struct arena *arena, const struct step *steps, uint32_t n_steps, struct schedule_options options);

/* Takes one event and gives the actions that it allows, in the order of the plan; valid until the next call. Events
 * after the end give none. */
const struct schedule_action *schedule_next(struct schedule *schedule, struct schedule_event event, uint32_t *n_out);

enum step_outcome schedule_outcome(const struct schedule *schedule, uint32_t step);
/* Steps that are not pending, running or waiting any more. */
uint32_t schedule_done(const struct schedule *schedule);
bool schedule_has_failed(const struct schedule *schedule);
/* The window closed on something that had begun: the way back is due though nothing failed. */
bool schedule_was_shut(const struct schedule *schedule);
/* schedule_options.may said no: the way back is due though nothing failed. */
bool schedule_was_refused(const struct schedule *schedule);
bool schedule_has_ended(const struct schedule *schedule);
