/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `plan --why ADDRESS`: everything that a run's plans say about one host, GPU, VM, pool, group, assignment, cluster or
 * step, from the line in the manifest through the changes to the steps and what these wait for.
 *
 * An address is what plans print, or any end of it between slashes: of cluster/paris/host/hv01/vm/vdi-001 also
 * host/hv01/vm/vdi-001, vm/vdi-001 and vdi-001. Case does not matter. "#7" and "7" are step 7.
 */
#pragma once
#include "render/render.h"

/* clang-format off */
#define WHY_KINDS(X) \
	X(WHY_CLUSTER, "cluster") X(WHY_HOST, "host") X(WHY_GPU, "GPU") X(WHY_VM, "VM") X(WHY_POOL, "pool") \
	X(WHY_GROUP, "GPU group") X(WHY_ASSIGNMENT, "assignment") X(WHY_STEP, "step") \
	X(WHY_REFUSED, "refused")  /* what only a refusal names: a VM that does not exist */
/* clang-format on */
enum why_kind { WHY_KINDS(NAMES_ENUM) WHY_KIND_COUNT };
extern const struct names why_kind_names;

struct why { /* one thing that the address names; everything of its plan that is about it */
	const struct plan *plan;
	enum why_kind kind;
	const char *address;    /* in full: "cluster/paris/host/hv01/vm/vdi-001" */
	uint32_t host, gpu, vm; /* in plan->observed; NO_INDEX where not */
	struct loc loc;         /* the line of the manifest that it goes back to, if any */
	const struct change *const *changes;
	uint32_t n_changes;
	const struct step *const *steps;
	uint32_t n_steps;
	const struct refusal *const *refusals;
	uint32_t n_refusals;
	const struct diag *const *findings; /* less those that are refusals */
	uint32_t n_findings;
};

/* 0, or -1 with HV903: nothing has that address; the nearest one is named. */
int why_find(struct arena *arena, const struct run *run, const char *address, const struct why *const **out,
	uint32_t *n_out, struct diags *diags);

void render_why_text(
	GString *out, const struct run *run, const struct why *const *whys, uint32_t n, const struct style *style);
json_t *render_why_json(const struct why *const *whys, uint32_t n); /* a list, with the members that plans have */
