/* SPDX-License-Identifier: Apache-2.0 */
/* What schema/state.c does to a host once it is decoded: what a short file leaves out is worked out, lists are put in
 * the order that model/world.h asks for, and what cannot be one host is a finding. */
#pragma once
#include "schema/node.h"
#include "model/world.h"

/* 'document' is the one that 'state' was decoded from, without findings. 0, or -1 with findings. */
int state_put_in_order(
	struct arena *arena, const struct document *document, struct host_state *state, struct diags *diags);
