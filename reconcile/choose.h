/* SPDX-License-Identifier: Apache-2.0 */
/* Which GPU gets which role: groups select, passthrough takes its GPUs first, the partitioned group gets the rest. */
#pragma once
#include "reconcile/wants.h"

void choose_gpus(struct wants *wants);

/* `restore` without manifests: every GPU that lists partitions counts as partitioned, so that mixed counts show. */
void choose_gpus_without_manifest(struct wants *wants);

bool group_selects(const struct wants *wants, const struct gpu_group *group, uint32_t gpu);
