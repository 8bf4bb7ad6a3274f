/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is played: hosts as they are at the beginning, and manifests. Named, so that a case can be played again:
 *   example/NAME   examples/NAME of this repository
 *   small/NAME     hand-made, few steps, each about something else
 *   seed/N         tests/lib/random_scene.h
 *   path/N         one of twelve manifests for the same hosts
 */
#pragma once
#include "model/spec.h"
#include "schema/state.h"

#define SCENARIO_OWNER "example.com/ops/gpu"

struct scenario {
	const char *name;
	const char *manifests; /* text */
	const struct host_state *const *states;
	uint32_t n_states;
	struct simulation simulation;
	const struct spec *spec; /* of the manifests */
	bool window_is_shut;
	bool may_rest; /* perhaps there is nothing to do in it */
};

/* NULL: there is none of that name, or its manifests do not load. In 'arena'. */
struct scenario *scenario_new(struct arena *arena, const char *name);
/* Other manifests on the same hosts; NULL as above. */
struct scenario *scenario_with(
	struct arena *arena, const struct scenario *scenario, const char *name, const char *manifests);

/* Names of all that are not seeded, ended by NULL. */
extern const char *const scenario_examples[], *const scenario_smalls[];
