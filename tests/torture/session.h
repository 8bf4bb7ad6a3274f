/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the torture program: which cases, how many, and how a failing one is told. */
#pragma once
#include "tests/torture/oracle.h"

enum { FAILURES_MAX = 12 }; /* then it gives up */

struct session {
	/* from the command line */
	const char *program;
	const char *only; /* scenario, or NULL */
	bool all;         /* the long form */
	bool keeps_going; /* however many fail */
	uint32_t share, n_shares;
	struct fault faults[FAULTS_PER_CASE];
	uint32_t n_faults;
	bool has_order, cuts; /* of two runs: where the first and the second stand; the first one's connections break */
	uint32_t order[2];

	uint64_t kinds; /* of faults that the mode plays: 1 << kind */

	bool tells; /* prints each call of what is played */
	char *folder, *manifests;
	uint64_t n_dearer; /* with a stop more than undisturbed */
	uint64_t n_scenarios, n_cases, n_calls, n_failed, n_next;
	uint64_t n_played[FAULT_COUNT]; /* cases in which a fault of the kind happened */
	uint32_t most_calls_permille;   /* of the undisturbed run's */
};

void session_begin(struct session *session);
int session_end(struct session *session); /* the exit code */

/* Of all cases, is the next one of this share? */
bool session_takes(struct session *session);
bool session_has_failed_enough(const struct session *session);

/* A scenario made ready: its undisturbed run, twice, so that the monitor knows what that comes to. */
struct ready {
	struct arena *arena;
	struct scenario *scenario;
	struct play undisturbed;
};
/* False: there is none of that name, it has nothing to do, or it fails by itself (which is told). */
bool session_ready(struct session *session, const char *name, struct ready *out);
void session_done(struct ready *ready);

/* Makes its manifests the ones that runs read. */
void session_write(struct session *session, const struct scenario *scenario);
/* A play that has not begun to run. */
void session_prepare(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out);
/* Plays a case and judges it. The play is the caller's to end. */
void session_play(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out);
/* True, and told: it failed. */
bool session_judge(struct session *session, const struct ready *ready, struct play *play);

/* The same for a path that led to the manifests 'to', by way of 'a' and 'b'; 'step' of b failed, or 0. */
bool session_judge_path(struct session *session, struct play *play, const struct ready *to, const struct ready *a,
	const struct ready *b, uint32_t step);

/* The modes. */
void torture_one(struct session *session);
void torture_examples(struct session *session);
void torture_seeded(struct session *session);
void torture_pairs(struct session *session);
void torture_two(struct session *session);
void torture_paths(struct session *session);
