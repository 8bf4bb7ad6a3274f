/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the way back known? No plan is begun that has a step whose failing for good would leave VMs for which no plan back is found: down, or
 * without the GPU that was taken from them for a while; but for the VM that the failed step itself is about (design.md section 8). Pure: what
 * hosts would have noted as owed is written into the predicted world, and from there the way back is planned and checked like any.
 *
 * A plan can be at very many places when a step fails: every set of steps that is closed under 'after' is one. It
 * is enough to ask at few of them; docs/decisions/0015-way-back.md has the argument, and property/retreat compares
 * the answer with that of asking everywhere.
 */
#pragma once
#include "reconcile/planner.h"

struct retreat; /* ways back from one plan */

/* 'input' is what the plan was made with: 'observed' the world that it begins in (the plan's steps are bound to it
 * anew), 'live_run' the run that will owe. All must outlive the result, which lives in 'arena'. */
struct retreat *retreat_new(struct arena *arena, const struct plan *plan, const struct plan_input *input);

struct retreat_gap {        /* where no way back is known */
	uint32_t step;      /* index: this one fails */
	uint32_t vm;        /* this one would stay off, or lack its GPU; or NO_INDEX */
	const char *reason; /* "VM 'vdi-001' would stay off", "... would come back without its GPU" */
};

/* The step fails for good where the steps of 'done' (per index) are done, and no other is. 'took_effect': the host did
 * it all the same. NO_INDEX: none fails, the run is interrupted there. False, and the gap with texts in 'arena', when no way back is known. */
bool retreat_at(const struct retreat *retreat, struct arena *arena, const bool *done, uint32_t step, bool took_effect,
	struct retreat_gap *out);

/* The same of every step of the plan, at the places that stand for all. */
bool retreat_everywhere(const struct retreat *retreat, struct arena *arena, struct retreat_gap *out);

/* Does the step hold something down, or change what others need? Before such a one apply asks again. */
bool retreat_disrupts(const struct step *step);

/* What does not change any more once the step failed: a subject for plan_input.frozen. */
const char *retreat_frozen(struct arena *arena, const struct step *step);
