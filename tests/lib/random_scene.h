/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded scenes and manifests for property tests: the same for a seed on every machine. A scene has one to three hosts,
 * VMs in any state, partitions, records, debts, pools, failed and dismounted GPUs, perhaps a host that is missing.
 */
#pragma once
#include "tests/lib/scene.h"

struct random {
	uint64_t state; /* not 0 */
};

struct random random_from(uint64_t seed);
uint32_t random_below(struct random *random, uint32_t n);
bool random_chance(struct random *random, uint32_t percent);

static const uint32_t random_counts[] = { 1, 2, 4, 8 }; /* what GPUs have and manifests ask for */

struct scene *random_scene(struct random *random);
/* Manifests of cluster 'c' with the scene's hosts; '*other_order': the same documents in another order. In the scene's
 * arena. */
char *random_manifests(struct scene *scene, struct random *random, char **other_order);
