/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out plans. The scheduler (schedule.h) is a pure function of state and event; this drives it over one event
 * loop: leases, observe and plan again under them, steps, records, the way back, release.
 */
#pragma once
#include "reconcile/run.h"
#include "reconcile/schedule.h"

/* What happens, as it happens: for the live line, plain lines, JSON lines. */
/* clang-format off */
#define APPLY_EVENTS(X) \
	X(APPLY_CLUSTER_START, "apply_cluster_start") \
	X(APPLY_STEP_START, "apply_start") \
	X(APPLY_STEP_PROGRESS, "apply_progress") \
	X(APPLY_STEP_DONE, "apply_complete") \
	X(APPLY_STEP_FAILED, "apply_errored") X(APPLY_STEP_RETRY, "apply_retry") X(APPLY_WAY_BACK, "apply_way_back") \
	X(APPLY_INTERRUPTED, "apply_interrupted") X(APPLY_REPLAN, "apply_replan") X(APPLY_WAITING, "apply_waiting") \
	X(APPLY_ADOPTED, "apply_adopted") \
	X(APPLY_CLUSTER_DONE, "apply_cluster_done")
/* clang-format on */
enum apply_event_kind { APPLY_EVENTS(NAMES_ENUM) APPLY_EVENT_COUNT };
extern const struct names apply_event_names;

struct apply_result;

struct apply_event {
	enum apply_event_kind kind;
	const struct plan *plan;
	const struct step *step; /* or NULL */
	enum step_outcome outcome;
	uint32_t done, total; /* steps of this plan */
	uint32_t permille;
	const char *message;               /* host's words, or what the way back does */
	const struct apply_result *result; /* APPLY_CLUSTER_DONE: what the cluster came to */
};
typedef void apply_event_fn(const struct apply_event *event, void *user);

struct apply_options {
	struct run_options run; /* how to plan again under the leases */
	bool has_limits;        /* --allow, or the approved plan's own cost */
	struct cost limits;     /* what was approved: stops, moves, role changes */
	apply_event_fn *on_event;
	void *user;
	const volatile int *interrupts; /* number of SIGINT/SIGTERM so far */
	const char *run_id;             /* NULL: made from time and process */
	const char *holder;             /* NULL: user@machine */
	bool allow_older;               /* --allow-older */
	bool wait_for_window;           /* --wait-for-window */
	bool clock_stands;              /* waiting takes no time and moves the clock: HVGPU_NOW stands in for it */
	uint32_t pause_ms;              /* before the first retry of a step; 0: a second */
};

struct apply_result { /* per cluster */
	const char *cluster;
	uint32_t n_changed, n_unchanged, n_failed, n_skipped;
	uint32_t n_adopted;            /* records that were written though no step was done: --adopt */
	uint32_t n_under_way;          /* steps whose end nobody waited for: interrupted twice */
	const char *const *still_owed; /* VMs that are not back, named */
	uint32_t n_still_owed;
	bool is_owed_unsure; /* of some it is not known whether they are down */
	enum exit_code exit;
	struct diags *diags;
};

/* An id for a run, that no other has: the time, to sort by, and 64 random bits. */
char *apply_run_id(struct arena *arena, int64_t now);

/* Applies the plans of an approved run (made by run_pipeline or read from a file). Clusters are independent. Results in
 * the run's arena. Returns the worst exit code. */
enum exit_code apply_run(struct run *run, const struct apply_options *options, struct apply_result **results_out,
	uint32_t *n_results_out);
