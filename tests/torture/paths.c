/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path independence: twelve manifests for the same hosts, in pairs. A and then B comes to what B alone comes to; A, then B
 * of which a step fails for good, then A comes to what A alone comes to, and no VM is left off.
 */
#include "tests/torture/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_PATHS = 12 };

static struct ready alone[N_PATHS];

/* The first run with these manifests, and all that follow until nothing is left to do. */
static void go_to_rest(struct session *session, struct play *play, const struct ready *to, const struct play *reference)
{
	play_go_on(play, to->scenario, reference);
	session_write(session, to->scenario);
	play_all(play);
}

static void begin(struct session *session, struct play *play, const struct ready *from)
{
	session_prepare(session, from, NULL, 0, play);
	session_write(session, from->scenario);
	play_all(play);
}

/* Twice: only then does the monitor know what this path comes to. */
static void torture_pair(struct session *session, const struct ready *a, const struct ready *b)
{
	struct play first, second;
	begin(session, &first, a);
	go_to_rest(session, &first, b, NULL);
	play_keep_end(&first);
	begin(session, &second, a);
	go_to_rest(session, &second, b, &first);
	session_judge_path(session, &second, b, a, b, 0);
	play_end(&first);
	play_end(&second);
}

static void torture_failure(struct session *session, const struct ready *a, const struct ready *b, uint32_t step)
{
	struct play play;
	begin(session, &play, a);
	play_go_on(&play, b->scenario, &b->undisturbed);
	session_write(session, b->scenario);
	struct process process = { .run_id = "run-fails", .refuses_step = step };
	play_run(&play, &process);
	bool has_failed = process.n_steps >= step;
	go_to_rest(session, &play, a, &a->undisturbed);
	if (has_failed)
		session_judge_path(session, &play, a, a, b, step);
	play_end(&play);
}

static uint32_t steps_between(struct session *session, const struct ready *a, const struct ready *b)
{
	struct play play;
	begin(session, &play, a);
	uint32_t before = play.n_steps;
	go_to_rest(session, &play, b, NULL);
	uint32_t n = play.n_steps - before;
	play_end(&play);
	return n;
}

static void torture_from(struct session *session, uint32_t a, uint32_t b)
{
	if (session_takes(session))
		torture_pair(session, &alone[a], &alone[b]);
	uint32_t n = a == b ? 0 : steps_between(session, &alone[a], &alone[b]);
	for (uint32_t step = 1; step <= n && !session_has_failed_enough(session); step++)
		if (session_takes(session))
			torture_failure(session, &alone[a], &alone[b], step);
}

static uint32_t number_of(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

/* "path/3,7" or "path/3,7,2": from 3 to 7, with the second step failing. */
static void torture_named(struct session *session)
{
	g_auto(GStrv) parts = g_strsplit(strchr(session->only, '/') ? strchr(session->only, '/') + 1 : "", ",", 3);
	uint32_t n = g_strv_length(parts);
	uint32_t a = n > 1 ? number_of(parts[0]) : N_PATHS, b = n > 1 ? number_of(parts[1]) : N_PATHS;
	if (a >= N_PATHS || b >= N_PATHS)
		return;
	session->tells = true;
	printf("%s---\n%s\n", alone[a].scenario->manifests, alone[b].scenario->manifests);
	if (n == 3)
		torture_failure(session, &alone[a], &alone[b], number_of(parts[2]));
	else
		torture_pair(session, &alone[a], &alone[b]);
}

void torture_paths(struct session *session)
{
	const char *only = session->only;
	for (uint32_t i = 0; i < N_PATHS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "path/%u", i);
		if (!session_ready(session, name, &alone[i])) {
			printf("%s: nothing to do, or it fails alone\n", name);
			session->n_failed++;
			return;
		}
	}
	if (only)
		torture_named(session);
	for (uint32_t a = 0; a < N_PATHS && !only; a++)
		for (uint32_t b = 0; b < N_PATHS && !session_has_failed_enough(session); b++)
			torture_from(session, a, b);
	for (uint32_t i = 0; i < N_PATHS; i++)
		session_done(&alone[i]);
}
