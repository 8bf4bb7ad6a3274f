/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The count that all GPUs in play get before VMs that we owe a start come back (design.md section 8): with
 * PLAN_RESTORE counts of observed hosts may change so that they agree again, on whichever count needs fewer steps;
 * ties go forward, to the count of the manifest. Where no such count has room for everybody and those that are there have,
 * they stay: availability wins.
 */
#pragma once
#include "reconcile/wants.h"

/* Sets wants->count; unknown when nothing needs to be, or can be, brought in line. */
void align_counts(struct wants *wants);
