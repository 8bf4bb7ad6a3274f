/* SPDX-License-Identifier: Apache-2.0 */
/* What every manifest has around its spec: apiVersion, kind, metadata. */
#pragma once
#include "schema/kinds.h"
#include "schema/node.h"

enum { ENVELOPE_SKIP = 1 }; /* not for us and no mistake: a kustomization */

struct envelope {
	const struct kind *kind;
	const char *name; /* metadata.name in the arena; NULL: missing or wrong, which was reported */
	struct loc name_loc;
	const struct node *spec; /* NULL: missing, which was reported */
};

/* 0 even with findings about metadata and spec, for the rest is worth reading; -1 where the kind is not known, with a
 * finding; ENVELOPE_SKIP. 'kind' and 'name' outlive the document. */
int envelope_read(struct arena *arena, const struct document *document, struct envelope *out, struct diags *diags);
