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
	uint32_t share, n_shares;
	struct fault faults[FAULTS_PER_CASE];
	uint32_t n_faults;

	char *folder, *manifests;
	uint64_t n_scenarios, n_cases, n_calls, n_failed, n_next;
	uint32_t most_calls_permille; /* of the undisturbed run's */
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

/* Plays a case and judges it. The play is the caller's to end. */
void session_play(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out);
/* True, and told: it failed. */
bool session_judge(struct session *session, const struct ready *ready, struct play *play);

/* The modes. */
void torture_one(struct session *session);
void torture_examples(struct session *session);
void torture_seeded(struct session *session);
