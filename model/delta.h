/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of a world as data: some objects, each before and after. Applied and undone in place, so that exploring
 * orders of a plan never copies a world.
 */
#pragma once
#include "model/world.h"

enum delta_kind { DELTA_HOST, DELTA_GPU, DELTA_VM };

struct delta_entry {
	enum delta_kind kind;
	uint32_t index;
	union {
		struct host host;
		struct gpu gpu;
		struct vm vm;
	} before, after;
};

enum { DELTA_ENTRIES_MAX = 4 };
struct delta {
	struct delta_entry entries[DELTA_ENTRIES_MAX];
	uint32_t n;
};

/* Each returns the 'after' of a new entry, equal to the world's object for the caller to change. An object may be in
 * a delta once. */
struct host *delta_host(struct delta *delta, const struct world *world, uint32_t index);
struct gpu *delta_gpu(struct delta *delta, const struct world *world, uint32_t index);
struct vm *delta_vm(struct delta *delta, const struct world *world, uint32_t index);

void delta_apply(struct world *world, const struct delta *delta);
void delta_undo(struct world *world, const struct delta *delta);
