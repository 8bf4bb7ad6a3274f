/* SPDX-License-Identifier: Apache-2.0 */
/* One fault at every call. */
#include "tests/torture/session.h"

#include <stdio.h>

enum { SEEDS = 200, SEEDS_ALL = 2000 };
static const uint64_t all_kinds = ((uint64_t)1 << FAULT_COUNT) - 1 - ((uint64_t)1 << FAULT_NONE);

static void torture_scenario(struct session *session, const char *name)
{
	struct ready ready;
	if (!session_ready(session, name, &ready))
		return;
	for (uint32_t call = 1; call <= ready.undisturbed.n_calls; call++)
		for (enum fault_kind kind = FAULT_NONE + 1; kind < FAULT_COUNT; kind++) {
			struct fault fault = { kind, call };
			struct play play;
			if (session_has_failed_enough(session) || !session_takes(session))
				continue;
			session_play(session, &ready, &fault, 1, &play);
			if (play.n_done)
				session_judge(session, &ready, &play);
			play_end(&play);
		}
	session_done(&ready);
}

static void torture_all_of(struct session *session, const char *const *names)
{
	for (; *names && !session_has_failed_enough(session); names++)
		torture_scenario(session, *names);
}

void torture_examples(struct session *session)
{
	session->kinds = all_kinds;
	if (session->only) {
		torture_scenario(session, session->only);
		return;
	}
	torture_all_of(session, scenario_smalls);
	torture_all_of(session, scenario_examples);
}

void torture_seeded(struct session *session)
{
	session->kinds = all_kinds;
	if (session->only) {
		torture_scenario(session, session->only);
		return;
	}
	uint64_t n = session->all ? SEEDS_ALL : SEEDS;
	for (uint64_t seed = 1; session->n_scenarios < n && !session_has_failed_enough(session); seed++) {
		char name[32];
		snprintf(name, sizeof(name), "seed/%" G_GUINT64_FORMAT, seed);
		torture_scenario(session, name);
	}
}
