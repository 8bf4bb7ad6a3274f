/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a case must have come to, whatever went wrong: compared with the undisturbed run of the same scenario.
 *   - planning again gives no steps, and as much is refused as without disturbance;
 *   - the hosts are as the undisturbed run left them, but for ids, and for what somebody else did;
 *   - nobody is owed anything (what a dead run left of its lease in words counts for nothing);
 *   - no invariant was broken by any call (monitor.h);
 *   - VMs were stopped as often as without disturbance (design.md section 10), and once more for each VM that a run
 *     which failed for good had brought back, or that somebody started;
 *   - the number of calls is bounded.
 */
#pragma once
#include "tests/torture/play.h"

/* What is wrong, in the play's arena; NULL: nothing. */
const char *oracle_judge(struct play *play, const struct play *reference);
/* The undisturbed run itself. */
const char *oracle_judge_reference(struct play *play);
/* Manifests by way of others: what 'alone', the same manifests from the beginning, came to in all that they rule. */
const char *oracle_judge_path(struct play *play, const struct play *alone);
