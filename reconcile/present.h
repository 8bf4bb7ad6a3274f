/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saved plans on the hosts as they are now. A saved plan was made for a world that may be gone: before anybody is asked
 * anything, and again under the leases, it is told whether it may go on as it was approved.
 */
#pragma once
#include "reconcile/run.h"

/* The plan for 'world', with the steps, rules, changes and goal bound to it; without steps or changes where all that it wants
 * is there. NULL with findings where it does not fit: a part of it is done, what it works on is gone, or the check does not
 * pass. 'name' is the cluster's, for people. */
const struct plan *present_plan(
	struct arena *arena, const struct plan *plan, const struct world *world, const char *name, struct diags *diags);

/* Looks at the hosts of a run that was read from a file, once each, at the addresses that it has, and replaces its plans by
 * those of the present world. A plan that does not fit, or misses a host that it was made with, becomes one that pays what is
 * owed there, with the reason as a finding; so does one that is done, where something is owed. What is found of hosts is added
 * to the run's diags, and run->owed is set. 0, or -1 with findings: it is not known where hosts are. */
int present_run(struct run *saved);
