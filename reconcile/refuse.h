/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be done is refused here, part by part: a count of the whole group, the role of one GPU, the wish of one
 * VM; the rest goes on. Each refusal says why and names the smallest change that would make it possible.
 */
#pragma once
#include "reconcile/resolve.h"
#include "reconcile/touch.h"
#include "reconcile/wants.h"

/* refuse_cluster.c. Refuses the whole cluster: fields that are not supported yet, a type or node set that differs from what the hosts
 * report, no way back from anything. True: nothing but debts may be planned. */
bool refuse_cluster(struct wants *wants);

/* refuse_first.c. What can be seen without a goal: counts that a GPU does not list, states, missing hosts, mitigation, memory. */
void refuse_first(struct wants *wants);

/* Looks at a goal and refuses what it must not ask for. True: something was refused, so resolve again. */
bool refuse_round(struct arena *arena, struct wants *wants, const struct world *goal, const struct touch *touch,
	const struct rules *rules);

/* refuse_capacity.c: the running VMs of the goal fit their hosts' partitions and pools. The same result. */
bool refuse_capacity(struct arena *arena, struct wants *wants, const struct world *goal);

/* refuse_budget.c: what would hold down more VMs at once than rollout.maxUnavailable allows. The same result. */
bool refuse_budget(struct arena *arena, struct wants *wants, const struct world *goal, const struct touch *touch);

/* refuse_window.c: what stops VMs fits the longest window by estimate. The same result. */
bool refuse_window(struct wants *wants, const struct world *goal, const struct touch *touch);

/* refuse_start.c: what is stopped, or owed a start, finds in the goal what it has. The same result. */
bool refuse_start(struct wants *wants, const struct world *goal, const struct touch *touch);

/* refuse_debt.c: who is to get something else than what an old run owes it, which a person decides about. The same result. */
bool refuse_undecided(struct wants *wants, const struct world *goal);
/* refuse_gone.c: who would be given back what its host has no more. Its start is another matter. The same result. */
bool refuse_gone(struct wants *wants, const struct world *goal);

/* For who pays debts alone: what a run at work owes is not to be paid by another. */
void refuse_held(struct wants *wants);

/* Refuses whatever needs the VM to be touched. False: all of that is refused already. */
bool refuse_because_of(struct wants *wants, const struct world *goal, const struct touch *touch, uint32_t vm,
	enum diag_code code, const char *reason);
/* With a run that plans under its own leases: somebody else stopped the VM, and it is owed a start. */
bool refuse_is_of_another_run(const struct wants *wants, uint32_t vm);
/* A start that is owed and would fail is left to a person. */
void refuse_owed_start(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason);

/* refuse_part.c: each is said once, however often it is asked for. */
void refuse_count(struct wants *wants, enum diag_code code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void refuse_role(struct wants *wants, uint32_t gpu, enum diag_code code, const char *fmt, ...) G_GNUC_PRINTF(4, 5);
void refuse_vm(struct wants *wants, uint32_t vm, enum diag_code code, const char *fmt, ...) G_GNUC_PRINTF(4, 5);
/* What was taken from the VM, and is not given back now: it stays owed. */
void refuse_parts(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason);
