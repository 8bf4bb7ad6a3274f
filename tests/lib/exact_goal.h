/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What satisfies the spec of a small world, from design.md and world.md alone, and what is missing to it: the judge's
 * (tests/lib/exact.h) goal and estimate.
 */
#pragma once
#include "tests/lib/exact_world.h"

enum { EXACT_NOT_TO_BE_HAD = UINT32_MAX };

/* Cost as one number, so that order is order and sums are sums. */
enum { COST_STEP = 1, COST_ROLE = 1 << 10, COST_MOVE = 1 << 16, COST_STOP = 1 << 22 };

/* The spec is satisfied and every VM has the power that it had. Said without the estimate, which must then be nothing. */
bool exact_is_goal(const struct exact_rules *rules, const struct exact_world *world);
/* The cost of what nothing can spare; EXACT_NOT_TO_BE_HAD. */
uint32_t exact_missing(const struct exact_rules *rules, const struct exact_world *world);
/* Manifests rule their own VMs, records those that we assigned, debts those that we owe. Anybody else's is touched as
 * 'unmanaged' allows, and then only to let go of a GPU that changes. A bit for each VM. */
unsigned exact_touchable(const struct exact_rules *rules, const struct exact_world *start);

uint8_t exact_wanted_count(const struct small *small); /* enum small_gpu */
bool exact_runs_at_the_end(const struct exact_rules *rules, uint32_t vm);
/* The adapter that the VM is to have in the end: who has one keeps it, and its pin, unless that GPU is passed through. */
enum exact_adapter exact_wanted_adapter(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm);
/* A whole GPU that serves the VM in the end, or none where it is to have none. */
bool exact_device_serves(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm);
/* Who is to gain a partition gets it from a GPU that the group has: on its host, or, for a clustered VM, on another. */
bool exact_partition_can_be_had(const struct exact_rules *rules, uint32_t vm);
bool exact_host_has_whole(const struct exact_rules *rules, uint32_t host); /* a GPU to be passed through */
