/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pure core for one cluster: resolve -> diff -> order -> check. No I/O, clock or randomness: the same inputs give
 * the same bytes.
 */
#pragma once
#include "reconcile/plan.h"

struct doubt { /* a part that is refused for want of a way back: reconcile/prudent.h */
	const char *
		subject; /* of a VM that is not to be disturbed for what the manifests want; NULL: nothing is to be begun */
	const char *reason;
};

struct unpayable {           /* a debt whose payment the check would not let pass: planner.c */
	const char *subject; /* of the VM */
	const char *reason;
};

struct plan_input {
	const struct spec *spec;
	const struct spec_cluster *cluster; /* NULL with PLAN_RESTORE: no manifests */
	const struct world *observed;       /* of this cluster's hosts only; missing ones in observed->missing */
	enum plan_mode mode;
	const char *owner;  /* of the source, or NULL: then nothing is pruned */
	const char *commit; /* or NULL */
	bool adopt;
	int64_t now;
	const char *live_run; /* id of the run that plans under its own lease: its debts are open to it. NULL: none */
	/* The way back after a failure or interruption (design.md section 8): these do not change any more. */
	const char *const *frozen; /* subjects of GPUs and VMs; "host/hv01/vm/vdi-001/move": it does not move any more;
			  * "host/hv01/all": nothing on that host */
	uint32_t n_frozen;
	const struct doubt *doubts;
	uint32_t n_doubts;
	const struct unpayable *unpayable; /* its parts stay owed; with none, its start is left to a person */
	uint32_t n_unpayable;
	/* planned to see what another manifest would give (reconcile/remedy.h): no remedies, no bound, not checked */
	bool is_trial;
};

/* Plans one cluster; always gives a plan (perhaps of no steps) with findings in plan->diags. */
struct plan *plan_cluster(struct arena *arena, const struct plan_input *input);

/* Governed differences (reconcile/diff.c). */
struct changes diff_worlds(struct arena *arena, const struct world *before, const struct world *after);

/* The independent check (reconcile/check.c): replays steps on 'world', tests every invariant after every step in plan
 * order and in others that the dependencies allow, and that the changes are there at the end. Knows nothing of the
 * planner. 0, or -1 with findings that name step and invariant. 'world' may be another than the plan was made for
 * (saved plans): steps are bound anew. */
int check_plan(struct arena *arena, const struct world *world, const struct plan *plan, struct diags *diags);
