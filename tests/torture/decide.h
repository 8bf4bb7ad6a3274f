/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody decides about what a VM is owed while a run is under way: the real `settle VM --leave-off`, over the same simulated hosts and
 * their locks. Where a run holds the VM's host it must be refused, for a lock (exit 7), and change nothing; else nothing is owed
 * any more (docs/decisions/0016-debts.md).
 */
#pragma once
#include "model/world.h"

struct sim_world;

/* NULL, or what is wrong, in the world's arena. */
const char *decide_vm(struct sim_world *world, const struct host_state *host, const struct vm *vm);
