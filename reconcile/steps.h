/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From observed world, goal and touch to the steps that are needed, without an order; order.h links and sorts them.
 */
#pragma once
#include "reconcile/touch.h"
#include "reconcile/wants.h"

struct needs { /* what deciding about steps and their order looks at */
	const struct wants *wants;
	const struct world *observed, *goal;
	const struct touch *touch;
};

/* Hosts change one after the other (strategy Rolling), not the cluster as a whole. */
bool needs_rolls(const struct needs *needs);

/* All steps, bound to the observed world, without ids and 'after'; in a fixed order of creation. A GArray of struct step. */
GArray *steps_make(struct arena *arena, const struct needs *needs);
