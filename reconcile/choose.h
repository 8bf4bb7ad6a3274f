/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPU gets which role: groups select, location paths are taken first, then each group that wants a number of whole
 * GPUs per host takes them, the partitioned group gets the rest. Of all ways to take them the one that costs least is
 * taken, host by host (choose_cost.h).
 */
#pragma once
#include "reconcile/wants.h"

void choose_gpus(struct wants *wants);

/* `restore` without manifests: every GPU that lists partitions counts as partitioned, so that mixed counts show. */
void choose_gpus_without_manifest(struct wants *wants);

/* The group selects the GPU, and no other has it yet. */
bool choose_is_free(const struct wants *wants, const struct gpu_group *group, uint32_t gpu);

/* Where no observed GPU is of the group's model: that, and which one may be meant, as the end of a message; else "". */
const char *group_model_meant(const struct wants *wants, const struct gpu_group *group);

bool group_selects(const struct wants *wants, const struct gpu_group *group, uint32_t gpu);
