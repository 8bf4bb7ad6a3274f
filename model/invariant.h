/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants of design.md section 6, each as a set of named violations. The live world may break one already:
 * what counts is that no step adds a member (violations_added), and that at the end only findings are left.
 *
 * State invariants look at one world; step invariants look at the world before and after one step. 'budget', 'window',
 * 'once' and 'restored' are about whole plans and are tested by reconcile/check.h.
 */
#pragma once
#include "model/rules.h"
#include "model/step.h"

/* clang-format off */
#define INVARIANTS(X) \
	X(INV_EXCLUSIVE, "exclusive") \
	X(INV_DRAINED, "drained") \
	X(INV_HOMOGENEOUS, "homogeneous") \
	X(INV_ALIGNED_START, "aligned-start") \
	X(INV_ONE_PARTITION, "one-partition") X(INV_CAPACITY, "capacity") X(INV_VM_OFF, "vm-off") \
	X(INV_FIT_TO_START, "fit-to-start") X(INV_ONCE, "once") X(INV_BUDGET, "budget") \
	X(INV_WINDOW, "window") X(INV_OWNERSHIP, "ownership") X(INV_RESTORED, "restored") \
	X(INV_GOAL, "goal")
/* clang-format on */
enum invariant { INVARIANTS(NAMES_ENUM) INVARIANT_COUNT };
extern const struct names invariant_names;
extern const char *const invariant_docs[INVARIANT_COUNT]; /* one sentence each */

/* 'drained': whether an adapter of a VM that is off keeps a GPU's count from changing. The documents demand that it is
 * unassigned; a real host may prove kinder. */
enum { DRAINED_OF_OFF_VMS = true };

struct violation {
	enum invariant invariant;
	const char *subject; /* "host/hv01/gpu/PCIROOT(0)#PCI(0300)", "host/hv01/vm/vdi-001" */
	const char *message; /* what is wrong, for people */
	const char *
		key; /* two with the same one are the same violation: the subject, or the id of a VM that may have moved */
};
struct violations { /* sorted by invariant, key; no duplicates */
	const struct violation *items;
	uint32_t n;
};

/* All violations of state invariants (exclusive, homogeneous, one-partition, capacity) in 'world'. */
struct violations invariant_state(struct arena *arena, const struct world *world, const struct rules *rules);

/* All violations of step invariants (exclusive, drained, homogeneous's "only to the common count", aligned-start,
 * vm-off, fit-to-start, one-partition, ownership) by 'step' from 'before' to 'after'. */
struct violations invariant_step(struct arena *arena, const struct world *before, const struct world *after,
	const struct rules *rules, const struct step *step);

/* The members of 'now' that are not in 'before' (by invariant and key). */
struct violations violations_added(struct arena *arena, struct violations before, struct violations now);

/* The set D of the homogeneous rule, as a flag per GPU (design.md section 6). Refused GPUs are left out. */
bool *invariant_mixed(struct arena *arena, const struct world *world, const struct rules *rules);

/* Why a VM that has (or is to have) a partition or a device would not start: one violation each of fit-to-start, or
 * none. Unknown values are no violation. */
struct violations invariant_fit(struct arena *arena, const struct world *world, const struct rules *rules, uint32_t vm);
