/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there room for more than what runs now? All managed VMs with a partition, off ones too, should fit their cluster,
 * and, with `resilience.hostFailures`, the cluster less that many hosts (world.md decision 4). Findings with numbers;
 * nothing is refused for it.
 */
#pragma once
#include "reconcile/wants.h"

/* Looks at the goal and adds HV655 and HV670 to wants->diags: how many partitions are missing, which counts do. */
void headroom_advise(const struct wants *wants, const struct world *goal);
