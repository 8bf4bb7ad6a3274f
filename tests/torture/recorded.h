/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a cluster, whose it is and which commit was applied last, is on every host of the cluster once something was
 * performed there (design.md section 8): whichever host answers later can tell.
 */
#pragma once
#include "model/spec.h"
#include "tests/torture/memory.h"

/* Looks at a world that was changed without disturbance. NULL, or which host lacks what others have, in 'arena'. */
const char *recorded_judge(struct arena *arena, const struct spec *spec, const char *owner,
	const struct simulation *simulation, const struct view *start, const struct view *now);
