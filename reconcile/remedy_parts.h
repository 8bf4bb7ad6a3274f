/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of remedy.h:
 *	remedy.c       trials: the cluster planned again, and which of them is taken
 *	remedy_draft.c a copy of manifests and world in which one thing is another
 *	remedy_edit.c  the table of changes of the manifest, those of the cluster and its groups
 *	remedy_line.c  those of assignments and their lines
 *	remedy_fact.c  the table of facts, each with what the world or the manifest would be without it
 */
#pragma once
#include "reconcile/remedy.h"

/* One trial: input->cluster, input->spec and input->observed are copies; arrays within them are copied by whoever changes
 * them (draft_*). */
struct draft {
	struct arena *arena;
	struct plan_input input;
	struct spec *spec;
	struct spec_assignment *assignments; /* spec->assignments */
	struct spec_cluster *cluster;
	struct gpu_group *groups; /* cluster->gpus */
	struct spec_host *hosts;  /* cluster->hosts */
	struct world *world;
};

struct draft draft_new(struct arena *arena, const struct plan_input *input);
/* A copy of the group's passthrough that may be changed. */
struct spec_passthrough *draft_passthrough(struct draft *draft, struct gpu_group *group);
/* The partitioned group, or NULL. */
struct gpu_group *draft_partitioned(struct draft *draft);
/* Copies of an assignment's lines, to be changed; with room for one more at their end. */
struct spec_vm *draft_lines(struct draft *draft, struct spec_assignment *assignment);

/* What the smallest partition of the group's count has, in whole MiB; 0: not known. */
uint64_t draft_smallest_mib(const struct draft *draft, const struct gpu_group *group);
enum { MIB_SHIFT = 20 };

/* What a trial is about. */
struct asked {
	const struct plan *plan;
	const struct refusal *refusal;
};
bool asked_is(const struct asked *asked, const char *what); /* refusal->what begins so */
const char *asked_vm_name(const struct asked *asked);       /* NULL when it is about no VM */
uint32_t asked_vm(const struct asked *asked);               /* index; NO_INDEX */
uint32_t asked_gpu(const struct asked *asked);
/* The managing assignment and line of the VM; NULL where a pattern manages it, or nothing. */
struct spec_vm *asked_line(const struct asked *asked, struct draft *draft, struct spec_assignment **in);
/* The assignment that manages the VM, by line or pattern. */
struct spec_assignment *asked_assignment(const struct asked *asked, struct draft *draft);

/* Changes the draft in its 'nth' way; says how a person would write that, or NULL when there is no such way (any more). */
typedef const char *edit_fn(struct draft *draft, const struct asked *asked, uint32_t nth);
enum { EDIT_CODES_MAX = 5 };
struct edit_row {
	enum diag_code codes[EDIT_CODES_MAX]; /* it can help against; zeros, no code of a refusal, fill a short list */
	const char *what;                     /* and against any code when this is what is refused; or NULL */
	edit_fn *edit;
	bool rises; /* ways rise, and what a way allows, the ones after it allow: the least is searched */
};
extern const struct edit_row edit_rows[]; /* from the smallest and least risky on; ends with edit NULL */

edit_fn edit_vm_host, edit_vm_optional, edit_vm_add, edit_placement, edit_device_count, edit_vram;

/* Takes the fact away from the draft and tells it, or gives NULL when it does not hold. */
typedef const char *fact_fn(struct draft *draft, const struct asked *asked);
struct fact_row {
	enum diag_code codes[EDIT_CODES_MAX];
	fact_fn *relax;
};
extern const struct fact_row fact_rows[]; /* ends with relax NULL */

bool codes_have(const enum diag_code *codes, enum diag_code code);
