/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps that are alike: the same kind, of VMs, GPUs and hosts that differ in their names alone, in units of the same size. A
 * plan of 400 steps for 16 hosts has a dozen kinds of them, and what can be said of one can be said of the others.
 */
#pragma once
#include "reconcile/planner.h"

#include <glib.h>

struct alike_input {
	const struct step *steps; /* bound to input->observed */
	uint32_t n_steps;
	const struct plan_input *input;
	const struct rules *rules; /* of that world, or NULL */
};

/* uint32_t: indices of steps, the first of each kind, ascending; for g_array_unref(). */
GArray *alike_one_of_each(const struct alike_input *in);
