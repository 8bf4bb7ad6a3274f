/* SPDX-License-Identifier: Apache-2.0 */
/* Which debts of earlier runs are open, void, old or still in progress (design.md section 8). */
#pragma once
#include "reconcile/wants.h"

enum { DEBT_OLD_AFTER_S = 24 * 3600 };

/* What is to become of the VM's debt; 'live_run' is the run that asks and holds the leases, or NULL. */
enum debt_state debts_state(const struct world *world, const struct vm *vm, const char *live_run);

/* What stays owed to 'vm' when it becomes 'goal': that one's new adapters and devices are taken from its debt. NULL: nothing. */
const struct debt *debts_left(struct arena *arena, const struct vm *vm, const struct vm *goal);

/* Fills 'debt' of every VM and reports open and old ones. */
void debts_judge(struct wants *wants);
