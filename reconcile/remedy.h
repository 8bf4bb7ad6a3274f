/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal helps: which small change of the manifest would make possible what was refused, and which facts together make
 * it impossible. Neither is guessed: each is told only after the cluster was planned again with that change, or without
 * that fact (docs/decisions/0011-remedies.md).
 */
#pragma once
#include "reconcile/planner.h"

/* Fills 'remedy', 'facts' and 'n_facts' of the plan's refusals, where something is found within a bounded number of
 * trials; texts are in 'arena'. 'input' is what the plan was made from. A plan without refusals costs nothing. */
void remedy_find(struct arena *arena, struct plan *plan, const struct plan_input *input);
