/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees from JSON, through jansson: libyaml refuses JSON's surrogate pairs. jansson tells no positions, so the text is
 * walked beside the tree; it is known to be valid then.
 */
#pragma once
#include "schema/node.h"

#include <jansson.h>

/* One JSON value is one document; the contract is that of node_parse(). */
int node_json_parse(const struct source *source, document_fn *each, void *user, struct diags *diags);

/* The tree of a value that was read before, as a part of a larger one; its nodes have no positions. 0, or -1 with
 * findings (a limit was reached). */
int node_from_json(struct arena *arena, const json_t *json, const struct source *source, const struct node **out,
	struct diags *diags);
