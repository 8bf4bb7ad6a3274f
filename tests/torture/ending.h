/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run ends with, and whether it may: written from the table of exit codes in conventions.md, from design.md sections 8
 * and 9 and from docs/decisions, and not from what reconcile/ does. Where the papers leave it open, several codes will do.
 */
#pragma once
#include "base/diag.h"
#include "providers/host/host.h"
#include "tests/torture/fault.h"

/* How far the run had come. */
enum ending_phase {
	ENDING_PLANNING, /* it had asked for no lease yet */
	ENDING_LOCKING,  /* for leases, but for nothing that changes something */
	ENDING_WORKING,  /* for a step, or a record */
};

struct ending {
	/* what befell it */
	uint32_t n_faults;
	unsigned may;         /* codes that these allow beside the base; ending_befall() */
	bool has_left_base;   /* one of them allows no base */
	bool is_hampered;     /* one of them may keep it from its work, without a failure */
	bool has_interrupt;   /* once or twice */
	bool is_beside_other; /* another run was at work at the same time */
	/* what it had to do */
	bool has_refusals;     /* a plan of its, the first or a later one, refuses something */
	bool has_plan_without; /* and one refuses nothing */
	bool is_limited;       /* one refuses something that a later run may do: docs/decisions/0009-rollout.md, 9 */
	bool lacks_host;       /* one does not answer, and is not expected to be away */
	bool is_shut;          /* no window is open, and it had something to do */
	enum exit_code code;
};

/* 'kind' befell its request 'at' in that phase. 'is_awaited': the host that was asked is expected to be there. */
void ending_befall(
	struct ending *ending, enum fault_kind kind, enum request_kind at, enum ending_phase phase, bool is_awaited);

/* Is it a code that a run may end with which went so? NULL, or what is wrong, in 'arena'. */
const char *ending_judge(struct arena *arena, const struct ending *ending);
/* 0, 4 and 5 say that all was done that could be done, unless something hampered the run, or a limit did: then the next one, which
 * nothing befell, sends no step. NULL, or what is wrong. */
const char *ending_judge_next(struct arena *arena, const struct ending *ending, uint32_t n_sent_by_next);
