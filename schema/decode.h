/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a tree to structs and back, by field tables. The decoder reports everything that is wrong with an object and
 * goes on: unknown keys with "did you mean", wrong types, values out of range, missing required fields.
 */
#pragma once
#include "model/field.h"
#include "schema/node.h"

#include <jansson.h>

/* Fills the struct at 'out' (already zeroed) from 'map' by 'fields', defaults first. When 'with_head' its first member
 * is a struct head. 0, or -1 with findings. */
int decode_object(struct arena *arena, const struct document *document, const struct node *map,
	const struct field *fields, bool with_head, void *out, struct diags *diags);

/* Sets every field to its default (and the head to 'loc'). */
void decode_defaults(struct arena *arena, const struct field *fields, bool with_head, struct loc loc, void *out);

/* The reverse (schema/emit.c): a struct as JSON or YAML by the same rows. Secrets are written as "(secret)". */
json_t *emit_json(const struct field *fields, const void *object);
void emit_yaml(GString *out, const struct field *fields, const void *object, unsigned indent);

/* Equal in all fields whose flags intersect 'mask' (0: all), deep (schema/compare.c). */
bool fields_equal(const struct field *fields, const void *a, const void *b, unsigned mask);
