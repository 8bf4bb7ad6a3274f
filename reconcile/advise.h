/* SPDX-License-Identifier: Apache-2.0 */
/* Findings that refuse nothing: what a person should know about hosts, GPUs and VMs of a cluster. */
#pragma once
#include "reconcile/wants.h"

/* Adds them to wants->diags. Returns how many managed VMs have their GPU and no record of ours. */
uint32_t advise(const struct wants *wants, const struct world *goal);

/* What is only known once the steps are: the cluster could not be locked; rules that the hosts break already and
 * that the plan leaves broken. */
void advise_plan(struct arena *arena, const struct plan *plan);
