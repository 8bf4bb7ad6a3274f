/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's world in memory: memory.c stands in for providers/host/sim_file.c at link time, so that the simulated
 * hosts are the real ones, and only nothing is written as YAML and read again. One world at a time. The locks are the
 * real ones, on a file of their own.
 */
#pragma once
#include "schema/state.h"

/* Opens the lock file. */
void memory_begin(void);
void memory_end(void);

/* The world becomes a copy of these; what simulated hosts did before is gone. No session may be open. */
void memory_set(const struct host_state *const *states, uint32_t n_states, const struct simulation *simulation);

/* The world, to look at and to meddle with: objects are replaced in place, their texts and arrays live in the arena. */
struct sim_world *memory_world(void);

/* A view of the world that later calls do not change, in its arena. */
struct view {
	const struct host_state *states;
	uint32_t n_states;
};
struct view memory_view(void);

/* The process that holds sessions is dead: what it still asks for does not reach the world, and its locks go when its
 * sessions are closed. */
void memory_set_dead(bool is_dead);
