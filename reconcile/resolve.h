/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wants and the observed world -> the goal: the world that satisfies the manifests and differs in nothing else. What
 * wants marks as refused stays as it is. With PLAN_RESTORE the goal only pays debts.
 */
#pragma once
#include "reconcile/touch.h"
#include "reconcile/wants.h"

/* The goal without what rides on stops. 'complete' is set false when more will be known after these changes. */
struct world *resolve_goal(struct arena *arena, struct wants *wants, bool *complete);

/* Adds the settings that need a VM to be off, for VMs that are off or will be ('touch'), and reports the rest; and the
 * offline action of every clustered VM that will be stopped, for stopping it applies that action. */
void resolve_riding(struct arena *arena, struct wants *wants, const struct touch *touch, struct world *goal);

/* resolve_gpu.c */
void resolve_gpus(struct arena *arena, struct wants *wants, struct world *goal);
/* A dismounted GPU whose valid counts nobody knows, or NO_INDEX. It is mounted alone, so that the next plan knows more
 * (world.md section 1, "valid counts"). */
uint32_t resolve_waits_for(const struct wants *wants);
void resolve_mount_alone(struct arena *arena, struct world *goal, uint32_t gpu);
/* The counts that a GPU will list: its own, or assumed from a sibling of the same subsystem; NULL when not known. */
const struct gpu *resolve_counts_from(const struct world *world, uint32_t gpu);

/* resolve_mmio.c: the MMIO that VM 'vm' needs for 'n' whole GPUs of 'group' (world.md decision 5). Unknown when nobody can tell. */
struct mmio_need {
	struct maybe_u64 low_bytes, high_bytes;
};
struct mmio_need resolve_mmio(const struct wants *wants, const struct gpu_group *group, uint32_t vm, uint32_t n);
