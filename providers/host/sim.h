/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated hosts: a full provider, in process, over a file of HostState documents. It behaves as the facts about
 * Hyper-V say, refuses what a real host refuses, and knows nothing of the planner's model of steps: a conformance test
 * compares the two.
 *
 * Address: sim:FILE, or sim:FILE?pick=first|last|seeded|adversarial&seed=N&speed=MS, which overrides the file's
 * `Simulation` document (schema/state.h). Scripted faults and hosts that do not answer stand in that document.
 *
 * The file plays the hosts' part in everything: state, debts, records, epochs. Each request reads it, acts and replaces
 * it in one move, under a short lock on FILE.lock; another byte of that file per host is the host's lease, which the
 * system frees when its holder dies. What stands in the file about a lease is only for people. A request that changes
 * nothing writes nothing.
 *
 * Where the file sets a clock, steps advance it by their own duration, and debts are dated by it. With a speed, replies
 * come after the step's duration, and progress in between; the effect is in the file from the beginning.
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider sim_provider;
