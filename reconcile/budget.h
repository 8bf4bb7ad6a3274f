/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many VMs may be down at once, and how many hosts may be changed at once: what the manifest's rollout allows, in
 * numbers of this world. Section 6 of the design, 'budget'; what is being changed: world.md decision 15.
 */
#pragma once
#include "reconcile/steps.h"
#include "reconcile/unit.h"

/* 'peak' is left 0. */
struct plan_budget budget_of(const struct wants *wants, const struct touch *touch);

/* Per host: we hold down a VM of it, or its own GPUs in play are not alike. */
const bool *budget_changing_hosts(struct arena *arena, const struct needs *needs);

struct limits budget_limits(struct arena *arena, const struct needs *needs);

/* The smallest setting, as the manifest would write it, that allows 'n' of the budget's VMs: "12", "100%". */
const char *budget_setting_for(
	struct arena *arena, const struct wants *wants, const struct plan_budget *budget, uint32_t n);
