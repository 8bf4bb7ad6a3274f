/* SPDX-License-Identifier: Apache-2.0 */
/* Which debts of earlier runs are open, void, old or still in progress (design.md section 8). */
#pragma once
#include "reconcile/wants.h"

enum { DEBT_OLD_AFTER_S = 24 * 3600 };

/* Fills 'debt' of every VM and reports open and old ones. */
void debts_judge(struct wants *wants);
/* Somebody changed the VM's power since, or it runs: nobody owes it a start. It has a debt. */
bool debts_power_is_void(const struct vm *vm);
