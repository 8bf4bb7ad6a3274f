/* SPDX-License-Identifier: Apache-2.0 */
/* A host's state that outlives the reply that brought it. */
#pragma once
#include "model/world.h"

/* A deep copy: nothing in it points out of 'arena'. */
struct host_state *host_state_copy(struct arena *arena, const struct host_state *state);
