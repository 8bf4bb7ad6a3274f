/* SPDX-License-Identifier: Apache-2.0 */
/* May a run that holds the leases of the observed hosts alone change this cluster? (design.md section 8) */
#pragma once
#include "model/world.h"

/* True for standalone hosts, which share nothing, and for a failover cluster of which a majority was observed, or one
 * node that is Up and reports all the missing ones as Down: else another run could hold those. */
bool majority_is_observed(const struct world *world);
