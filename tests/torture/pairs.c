/* SPDX-License-Identifier: Apache-2.0 */
/* Two faults, one after the other, perhaps in the run that mends the first. */
#include "tests/torture/session.h"

static const enum fault_kind kinds[] = { FAULT_CRASH_BEFORE, FAULT_CRASH_AFTER, FAULT_FAIL, FAULT_LOST };

static void torture_second(struct session *session, const struct ready *ready, struct fault first, uint32_t n_calls)
{
	for (uint32_t call = first.call + 1; call <= n_calls; call++)
		for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
			const struct fault faults[] = { first, { kinds[i], call } };
			struct play play;
			if (session_has_failed_enough(session) || !session_takes(session))
				continue;
			session_play(session, ready, faults, G_N_ELEMENTS(faults), &play);
			session_judge(session, ready, &play);
			play_end(&play);
		}
}

static void torture_scenario(struct session *session, const char *name)
{
	struct ready ready;
	if (!session_ready(session, name, &ready))
		return;
	for (uint32_t call = 1; call <= ready.undisturbed.n_calls; call++)
		for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
			struct fault first = { kinds[i], call };
			struct play play;
			session_play(session, &ready, &first, 1, &play);
			uint32_t n_calls = play.n_calls;
			play_end(&play);
			torture_second(session, &ready, first, n_calls);
		}
	session_done(&ready);
}

void torture_pairs(struct session *session)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		session->kinds |= (uint64_t)1 << kinds[i];
	for (const char *const *name = scenario_smalls; *name && !session->only; name++)
		torture_scenario(session, *name);
	if (session->only)
		torture_scenario(session, session->only);
}
