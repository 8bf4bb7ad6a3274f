/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs of an imported cluster put into groups as manifests have them; part of import.h. */
#pragma once
#include "base/diag.h"
#include "model/spec.h"

#include <glib.h>
#include <jansson.h>

struct import_group {
	const char *name;
	const struct gpu *like; /* one of its GPUs: model, device, subsystem */
	struct maybe_u64 count; /* partitioned */
	const char *pool;       /* passthrough in a failover cluster */
	const uint32_t *gpus;   /* passthrough: which; sorted */
	uint32_t n_gpus;
};

struct importing { /* one cluster */
	struct arena *arena;
	const struct world *world;
	const char *name;
	bool failover;
	GArray *groups; /* of struct import_group */
	struct diags *diags;
};

/* Fills in->groups; what does not fit is a finding. */
void import_groups(struct importing *in);

/* The VM's adapters or devices can be of that group. */
bool import_group_fits(const struct importing *in, const struct import_group *group, const struct vm *vm);

json_t *import_group_json(const struct importing *in, const struct import_group *group);
