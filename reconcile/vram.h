/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `requires.vram`: a partition of the chosen count must be at least that large. Refuses the VMs of an assignment that
 * would get less; where a change of the count would take from a VM what it has, it is the change that is refused.
 */
#pragma once
#include "reconcile/wants.h"

/* One of the rounds of refuse.h, with the goal at hand. True: something was refused. */
bool vram_refuse(struct wants *wants, const struct world *goal);

/* A warning for each assignment of whose partitions no host tells the size in bytes. */
void vram_advise(const struct wants *wants, const struct world *goal);

/* What a partition of the GPU has at 'count'; unknown where the host tells a share of the whole, or nothing. */
struct maybe_u64 vram_of_partition(const struct gpu *gpu, struct maybe_u64 count);
