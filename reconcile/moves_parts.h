/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of moves share: VMs while they are being placed. moves_fit.c answers what fits where, moves.c chooses. */
#pragma once
#include "reconcile/moves.h"

struct room { /* of one host, while VMs are placed */
	bool takes;
	bool known;                   /* all counts are */
	uint64_t offered, needed;     /* partitions, by VMs that run in the goal */
	uint64_t gained;              /* of these, by VMs that have none now */
	uint64_t kept;                /* for VMs that are owed a start and whose start failed in this run */
	uint64_t at_once;             /* partitions that VMs running now have, and those that arrive live */
	struct maybe_u64 memory_free; /* less what arrives, and what those who are owed a start will take */
};

struct placing {
	struct wants *wants;
	const struct world *observed, *goal;
	const struct touch *touch;
	bool only_debts; /* nothing but what is owed may move */
	struct room *rooms;
	uint32_t *at; /* per VM: its host so far */
	enum move_reason *reason;
	bool *live;
};

/* ---- moves_fit.c ---- */

void fit_measure(struct placing *placing, uint32_t host);     /* its room, with everybody where they are so far */
uint64_t fit_free(const struct room *room);                   /* partitions; none where a count is not known */
void fit_take_memory(struct room *room, const struct vm *vm); /* it will run there */

bool fit_runs_there(const struct placing *placing, uint32_t vm, uint32_t host);
bool fit_gains(const struct placing *placing, uint32_t vm);
bool fit_starts_anyway(const struct placing *placing, uint32_t vm); /* by us, in any case */
bool fit_is_at_its_host(const struct placing *placing, uint32_t vm, uint32_t host);
/* We may move it: it is managed, or owed a start, and nothing forbids to touch it. */
bool fit_is_ours_to_move(const struct placing *placing, uint32_t vm);
const char *fit_bound_because(const struct placing *placing, uint32_t vm); /* NULL, or why it can go to no other host */
bool fit_can_move(const struct placing *placing, uint32_t vm);

/* A partition comes from a GPU of the VM's own group (refuse.c says the same of a VM that stays). */
bool fit_has_its_gpu(const struct placing *placing, uint32_t vm, uint32_t host);
bool fit_could_be_at(const struct placing *placing, uint32_t vm, uint32_t to); /* room for partitions aside */
bool fit_at(const struct placing *placing, uint32_t vm, uint32_t to);
/* world.md decision 7; what is not known is a no. */
bool fit_can_live(const struct placing *placing, uint32_t vm, uint32_t to);
