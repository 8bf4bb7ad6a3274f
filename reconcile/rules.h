/* SPDX-License-Identifier: Apache-2.0 */
/* What the invariants need to know of the manifests, from the wants of a plan. */
#pragma once
#include "model/rules.h"
#include "reconcile/wants.h"

struct rules *rules_make(struct arena *arena, const struct wants *wants, const struct world *goal);

/* The GPU's change is refused, or it stays dismounted: it bars nobody and is not compared with others. */
bool rules_gpu_refused(const struct wants *wants, const struct world *goal, uint32_t gpu);
