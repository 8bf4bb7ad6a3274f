/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds and specs from a seed, for property tests: 1 to 3 hosts with 1 to 3 GPUs, up to 8 VMs, failover or standalone.
 * The same seed gives the same world on every machine. Everything lives in the arena.
 */
#pragma once
#include "model/rules.h"
#include "model/spec.h"
#include "model/world.h"

/* A seeded source of numbers: splitmix64. */
struct worldgen {
	uint64_t state;
};
uint32_t worldgen_below(struct worldgen *gen, uint32_t n); /* 0 .. n - 1 */
bool worldgen_chance(struct worldgen *gen, uint32_t percent);

/* An orderly world keeps every invariant: one count, everybody has room, VMs with a GPU fit to start. A messy one has
 * counts that differ or are unknown, failed GPUs, VMs in any state, surplus adapters, settings of any kind. */
struct world *worldgen_world(struct arena *arena, uint64_t seed, bool messy);

/* Manifests for the world's VMs, not necessarily what it is: a cluster "c", groups "vdi" and perhaps "whole",
 * assignments "desktops" and "big". Objects have no positions: every head is empty. */
struct spec *worldgen_spec(struct arena *arena, const struct world *world, uint64_t seed);

/* Rules under which the world is as it should be: dismounted GPUs are passed through, the others partitioned. */
struct rules *worldgen_rules(struct arena *arena, const struct world *world);
