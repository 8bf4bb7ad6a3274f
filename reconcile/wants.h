/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants what: the manifests laid over the observed world. Which GPU belongs to which group, which VM is managed by
 * which line, which debts are open. Choices between GPUs are made here, for the least disruption. What is refused is
 * noted in the same tables by refuse.h, so that resolve.h can leave it out.
 */
#pragma once
#include "model/subject.h"
#include "reconcile/plan.h"
#include "reconcile/planner.h"

enum debt_state {
	DEBT_NONE,
	DEBT_VOID,
	DEBT_OPEN,        /* to be paid now */
	DEBT_OLD,         /* a person decides: `settle` */
	DEBT_IN_PROGRESS, /* of a run that still holds its lease */
};

struct gpu_want {
	enum gpu_role role;
	const struct gpu_group *group; /* NULL: no group selects it */
	bool excluded;                 /* its host is left alone */
	bool refused;                  /* its role change is refused: it stays as it is */
	bool frozen;                   /* failed in this run: does not change any more */
};

struct vm_want {
	enum vm_ownership ownership;
	const struct spec_assignment *assignment; /* managed: the one that names it */
	const struct gpu_group *group;            /* managed: of that assignment; NULL when it does not exist */
	struct loc loc;                           /* of the line that names it */
	uint32_t rank;                            /* order in the manifests; later ones are refused first */
	const char *host;                         /* the line's `host`, in a failover cluster; or NULL */
	bool required;                            /* it must be there, not only when it moves or starts anyway */
	bool stays;                               /* a move of it is refused, or was tried in vain */
	bool refused;                             /* its own wish is refused: it stays as it is */
	bool frozen;
	bool excluded;
	const char *doubt; /* why it is not to be disturbed (plan_input.doubts), or NULL */
	bool stripped;     /* unmanaged, in the way of a change, and `unmanaged: Remove` takes its GPUs away */
	enum debt_state debt;
	bool parts_stay; /* owed, and not given back by this plan: that is refused */
};

struct wants {
	const struct plan_input *input;
	const struct spec_assignment **assignments; /* of the cluster, in the order of the manifests */
	uint32_t n_assignments;
	struct gpu_want *gpus;               /* per GPU of the observed world */
	struct vm_want *vms;                 /* per VM */
	const struct gpu_group *partitioned; /* the group with a partition count, or NULL */
	struct maybe_u64 count;              /* the count to reach; unknown: counts stay as they are */
	bool count_refused;
	bool foreign_owner;
	GArray *refusals; /* struct refusal; texts in 'arena' */
	struct arena *arena;
	struct diags *diags;
};

/* Lays the manifests over the world. Findings go to 'diags', refusals into wants->refusals (freed by wants_done). */
struct wants *wants_make(struct arena *arena, const struct plan_input *input, struct diags *diags);
void wants_done(struct wants *wants);

/* Notes a refusal, and the same as a finding. */
void wants_refuse(struct wants *wants, enum diag_code code, struct loc loc, const char *subject, const char *what,
	const char *fmt, ...) G_GNUC_PRINTF(6, 7);

/* A manifest gives the VM a GPU, and that is not refused. */
bool wants_has_wish(const struct wants *wants, uint32_t vm);
/* The observed world has this debt, and this plan pays it: its power, its parts. */
bool wants_owed_power(const struct wants *wants, uint32_t vm);
bool wants_owed_parts(const struct wants *wants, uint32_t vm);
