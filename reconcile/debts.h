/* SPDX-License-Identifier: Apache-2.0 */
/* Which debts of earlier runs are open, void, old or still in progress (design.md section 8). */
#pragma once
#include "reconcile/wants.h"

enum { DEBT_OLD_AFTER_S = 24 * 3600 };

/* What is to become of the VM's debt; 'live_run' is the run that asks and holds the leases, or NULL. */
enum debt_state debts_state(const struct world *world, const struct vm *vm, const char *live_run);

/* What stays owed to 'vm' when it becomes 'goal': that one's new adapters and devices are taken from its debt. NULL: nothing. */
const struct debt *debts_left(struct arena *arena, const struct vm *vm, const struct vm *goal);

/* The plan gives it what it is owed, and not, or not only, what a manifest wishes. */
bool debts_pay_parts(const struct wants *wants, uint32_t vm);

/* The manifest gives the VM a GPU of the other kind than those of the debt. */
bool debts_wanted_otherwise(const struct vm_want *want, const struct debt *debt);

/* By which the run that made the debt still holds a host: it will pay by itself. NULL: it is gone. */
const struct lease *debts_held_by(const struct world *world, const struct debt *debt);
/* The VM's debt without a power part that somebody made void. NULL: nothing is left of it, or there is none. */
const struct debt *debts_not_void(struct arena *arena, const struct vm *vm);
/* For people: "a start", "its GPU", "a start and its GPU". */
const char *debts_text(const struct debt *debt);

/* Fills 'debt' of every VM and reports those that are old or of a run at work. */
void debts_judge(struct wants *wants);
/* Somebody changed the VM's power since, or it runs: nobody owes it a start. It has a debt. */
bool debts_power_is_void(const struct vm *vm);
/* debts_open.c: reports open ones, when the plan is made: paid by its steps, or why not. */
void debts_tell_open(struct wants *wants, const struct plan *plan);
