/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run brings back (design.md section 8): whatever befell it, each VM that it stopped runs again in the end, and has what it
 * had before the run, or what the manifests give it. Excused is whom the failure is about: the VM of a step that failed, the VMs of
 * a host that is lost.
 */
#pragma once
#include "model/spec.h"
#include "tests/torture/memory.h"

struct restored {
	const struct spec *spec;
	struct view before, after;
	GHashTable *stops; /* "run id": whom runs stopped, as the monitor notes it */
	const char *run;
	const char *failed_vm, *lost_host; /* id, name; or NULL */
	const char *meddled_vm;            /* id of whom somebody else gave or took something; or NULL */
};

/* NULL, or who was not brought back, in 'arena'. */
const char *restored_judge(struct arena *arena, const struct restored *restored);
