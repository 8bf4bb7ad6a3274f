/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do hosts satisfy manifests? Each GPU has its role and count, each managed VM what it is assigned, nobody keeps what is ours and no
 * manifest mentions, and who ran runs: but for what the last plan refuses by name. A check of its own, written from design.md
 * section 3 and world.md; it knows no plan and no goal.
 */
#pragma once
#include "model/spec.h"
#include "tests/torture/memory.h"

struct fulfilled {
	const struct spec *spec;
	const char *owner;
	const struct simulation *simulation; /* hosts that do not answer are not looked at */
	struct view start, now;
	GHashTable *refused;    /* subjects */
	const char *meddled_vm; /* whose power somebody else decided; or NULL */
};

/* NULL, or what is not as it ought to be, in 'arena'. */
const char *fulfilled_judge(struct arena *arena, const struct fulfilled *fulfilled);
