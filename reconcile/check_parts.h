/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of reconcile/check*.c share: which step comes before which, walking through orders of a part. */
#pragma once
#include "reconcile/check.h"

/* Which steps come before which in every order: the transitive closure of 'after', as rows of bits. */
struct reach {
	uint32_t n, words;        /* steps; words of 64 bits in a row */
	uint64_t *before, *after; /* per step the steps that come before, and after, it */
};
struct reach *reach_new(const struct step *steps, uint32_t n);
void reach_free(struct reach *reach);
typedef struct reach reach_auto; /* for g_autoptr alone */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reach_auto, reach_free)

static inline bool reach_before(const struct reach *reach, uint32_t sooner, uint32_t later)
{
	return reach->before[(size_t)later * reach->words + sooner / 64] >> sooner % 64 & 1;
}

/* One order being walked, on two copies of a world: 'before' is one step behind. */
struct walk {
	struct arena *arena, *scratch; /* of the walk, of one step */
	const struct rules *rules;
	struct violations at_start;
	struct world *before, *world;
};
struct walk walk_from(struct arena *arena, struct arena *scratch, const struct world *world, const struct rules *rules);
/* Takes the step and notes its delta, for going back. 0; or -1 when it is not possible, with a finding, or breaks an
 * invariant: then '*broken' says which and 'delta' is taken all the same. 'diags' may be NULL. */
int walk_step(
	struct walk *walk, const struct step *step, struct delta *delta, struct violation *broken, struct diags *diags);
void walk_back(struct walk *walk, const struct delta *delta);

/* What is explored: steps in bundles that are taken together, one after the other. */
enum { PART_NODES_MAX = 64 };
struct part_node {
	uint64_t before;   /* the nodes that come first */
	uint32_t first, n; /* of the steps */
};
struct part {
	const struct world *world;
	const struct rules *rules;
	struct violations at_start; /* what the world breaks already */
	const struct step *steps;   /* bound to 'world', node by node */
	struct part_node nodes[PART_NODES_MAX];
	uint32_t n_nodes;
};

/* Takes every node at every prefix of nodes. CHECKED_BROKEN: 'path' gets the indices of the steps up to the one that is
 * not possible or breaks an invariant, or all of them where the end is another than that of the plan's own order.
 * CHECKED_UNSURE: more than 'states_max' states. */
enum checked explore(const struct part *part, uint32_t states_max, GArray *path);

/* Replays the steps (indices) in this order with all that must come before each, and then the others, on the whole
 * world. CHECKED_FINE when nothing breaks and the end is right, else CHECKED_BROKEN with a finding. */
enum checked check_path(const struct plan *plan, const struct reach *reach, const GArray *path, struct diags *diags);

/* What must be so at the end (check_end.c): the changes are there, every VM has its power back. 0, or -1. */
int check_end(const struct plan *plan, const struct world *end, struct diags *diags);
int check_once(const struct plan *plan, struct diags *diags); /* no VM is stopped twice */

/* ---- parts of a world (check_part.c) ---- */

/* Which objects a part has; indices into the whole world, ascending. Objects that follow another one's lead are taken
 * together with it, step by step. */
struct part_of {
	const struct plan *plan;
	const struct reach *reach;
	struct violations at_start; /* of the whole world */
	const GArray *vms, *gpus;   /* uint32_t */
	/* NO_INDEX: a few objects, of which only what they are to each other counts. Every host has one GPU more, which is
	 * wherever else a partition could be, with room for all; there are no pools. Else a host with all that it has, but
	 * for devices by path: what few objects show. */
	uint32_t host;
	const uint32_t *vm_leads, *gpu_leads; /* per object of the whole world its leader; NULL: each is its own */
};

/* Makes the part in 'arena'; 'steps_out' (uint32_t) gets, per step of the part, its index in the plan. False: it has too
 * many nodes. */
bool part_make(struct arena *arena, const struct part_of *of, struct part *out, GArray *steps_out);
