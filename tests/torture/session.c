/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/session.h"

#include "model/host_copy.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void session_begin(struct session *session)
{
	const char *tmp = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	session->folder = g_mkdtemp(g_build_filename(tmp, "hvgpu-torture-XXXXXX", NULL));
	session->manifests = g_build_filename(session->folder, "manifests.yaml", NULL);
	memory_begin();
	host_provider_add(&stage_provider);
}

int session_end(struct session *session)
{
	printf("%" G_GUINT64_FORMAT " scenarios, %" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT
	       " calls, at most %u.%u times those of the undisturbed run; %" G_GUINT64_FORMAT " failed\n",
		session->n_scenarios, session->n_cases, session->n_calls, session->most_calls_permille / 1000,
		session->most_calls_permille % 1000 / 100, session->n_failed);
	host_provider_add(NULL);
	memory_end();
	g_unlink(session->manifests);
	g_rmdir(session->folder);
	g_free(session->manifests);
	g_free(session->folder);
	return session->n_failed ? 1 : 0;
}

bool session_takes(struct session *session)
{
	return session->n_next++ % session->n_shares == session->share - 1;
}

bool session_has_failed_enough(const struct session *session)
{
	return session->n_failed >= FAILURES_MAX;
}

/* ---- scenarios ---- */

/* The world that a play ended with, for as long as the play lives. */
static void keep_end(struct play *play)
{
	struct host_state *states = arena_array(play->arena, struct host_state, play->views[0].n_states);
	for (uint32_t h = 0; h < play->views[0].n_states; h++)
		states[h] = *host_state_copy(play->arena, &play->views[0].states[h]);
	play->views[0].states = states;
	play->n_views = 1;
}

bool session_ready(struct session *session, const char *name, struct ready *out)
{
	*out = (struct ready){ .arena = arena_new() };
	out->scenario = scenario_new(out->arena, name);
	if (!out->scenario || !g_file_set_contents(session->manifests, out->scenario->manifests, -1, NULL)) {
		printf("%s: there is no such scenario\n", name);
		session->n_failed++;
		arena_free(out->arena);
		return false;
	}
	struct play first, second;
	session_play(session, out, NULL, 0, &first);
	keep_end(&first);
	out->undisturbed = first;
	session_play(session, out, NULL, 0, &second);
	keep_end(&second);
	const char *what = oracle_judge_reference(&second);
	bool is_idle = second.n_runs < 2;
	play_end(&first);
	out->undisturbed = second;
	if (what) {
		printf("%s, undisturbed: %s\n  %s --scenario=%s\n", name, what, session->program, name);
		session->n_failed++;
	}
	if (what || is_idle)
		session_done(out);
	else
		session->n_scenarios++;
	return !what && !is_idle;
}

void session_done(struct ready *ready)
{
	play_end(&ready->undisturbed);
	arena_free(ready->arena);
}

/* ---- cases ---- */

void session_play(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out)
{
	*out = (struct play){
		.scenario = ready->scenario,
		.manifests = session->manifests,
		.faults = faults,
		.n_faults = n,
		.reference = ready->undisturbed.scenario ? &ready->undisturbed : NULL,
		.tells = session->n_faults > 0,
	};
	play_begin(out);
	play_all(out);
}

bool session_judge(struct session *session, const struct ready *ready, struct play *play)
{
	const char *what = oracle_judge(play, &ready->undisturbed);
	uint32_t permille = play->n_calls * 1000 / ready->undisturbed.n_calls;
	session->n_cases++;
	session->n_calls += play->n_calls;
	session->most_calls_permille = MAX(session->most_calls_permille, permille);
	if (!what)
		return false;
	session->n_failed++;
	printf("%s: %s\n  %s --scenario=%s", ready->scenario->name, what, session->program, ready->scenario->name);
	for (uint32_t i = 0; i < play->n_faults; i++)
		printf(" --fault=%s@%u", name_of(&fault_names, (int)play->faults[i].kind), play->faults[i].call);
	printf("\n");
	return true;
}

void torture_one(struct session *session)
{
	struct ready ready;
	struct play play;
	uint32_t n = session->n_faults;
	session->n_faults = 0;
	if (!session_ready(session, session->only, &ready))
		return;
	printf("%s\n", ready.scenario->manifests);
	session->n_faults = n ? n : 1; /* from now on it tells */
	session_play(session, &ready, session->faults, n, &play);
	session_judge(session, &ready, &play);
	play_end(&play);
	session_done(&ready);
}
