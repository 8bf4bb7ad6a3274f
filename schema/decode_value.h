/* SPDX-License-Identifier: Apache-2.0 */
/* The inner half of schema/decode.h: one scalar by its row. */
#pragma once
#include "model/field.h"
#include "schema/node.h"

struct place { /* how the decoder came here, for messages; lives on the stack */
	const struct place *up;
	const char *key; /* of a map, or NULL: an item of a list */
	uint32_t index;
};

struct decoder {
	struct arena *arena;
	const struct document *document;
	struct diags *diags;
	const struct place *place;
};

/* A finding at a node; where positions are not known the path is named. Returns -1. */
int decode_fail(struct decoder *decoder, enum diag_code code, struct loc loc, const char *fmt, ...) G_GNUC_PRINTF(4, 5);

/* "spec.gpus[0]" in the decoder's arena; "" at the top. */
const char *decode_path(struct decoder *decoder);

/* "expected <what> for '<key>', found …". Returns -1. */
int decode_wrong_type(struct decoder *decoder, const struct field *field, const struct node *node, const char *what);

/* Does null mean something: that a value is not known, or that text is absent? */
bool decode_takes_null(const struct field *field);

/* Reads the scalar into its place in 'object'. null leaves the value as it is, where the type knows no "unknown". 0, or
 * -1 with a finding. FIELD_TEXTS and FIELD_NUMBERS: 'at' of decode_text() and decode_number() is an item's own. */
int decode_scalar(struct decoder *decoder, const struct field *field, const struct node *node, void *object);
int decode_text(struct decoder *decoder, const struct field *field, const struct node *node, const char **out);
int decode_number(
	struct decoder *decoder, const struct field *field, const struct node *node, uint64_t largest, uint64_t *out);
