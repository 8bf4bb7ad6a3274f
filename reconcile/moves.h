/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which VMs go to another host, and where to (docs/decisions/0007-moves.md). VMs move only between the nodes of a failover
 * cluster, and only when they must:
 *
 *   required   `placement: Required`, and the VM is not on its `host`
 *   room       after the change the running VMs with a partition do not fit their host, and another one has room
 *   node       the VM must start anyway, and its own node is not Up and so takes no VM
 *   preferred  the VM must start anyway, and there is room on its `host`
 *
 * As few as possible move for room, first those that are off for something else anyway, then those that can move live.
 */
#pragma once
#include "reconcile/touch.h"
#include "reconcile/wants.h"

/* Sets vm.host in the goal, and in 'touch' why and how each VM moves: live, or off like every VM with TOUCH_MOVE. A Required
 * placement that cannot be had is refused and noted in 'wants'. 'complete': false in a plan that only pays debts. */
void moves_choose(struct wants *wants, struct world *goal, struct touch *touch, bool complete);

/* Something else forbids to touch the VM for its move alone: it stays, and another one may move instead. A Required
 * placement is refused with the reason. */
void moves_forbid(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason);

/* The node takes VMs: it is Up, and the manifest neither excludes it nor has it in maintenance. */
bool moves_host_takes(const struct wants *wants, uint32_t host);
