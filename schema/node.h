/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document as a tree with positions, from YAML (libyaml's events) or JSON (jansson). Built once, read once by
 * schema/decode.h, then dropped with its arena. node.c itself refuses what libyaml lets through: duplicate keys,
 * aliases and anchors, tags, tabs, depth, size, number of nodes.
 */
#pragma once
#include "base/diag.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	bool quoted; /* scalar: written in quotes, so it is text and never a number, bool or null */
	bool broken; /* already reported (an alias, a second key of one name): to be passed over in silence */
	uint32_t line, col, len; /* see node_loc() */
	const char *text;        /* scalar: its value, NUL-terminated; no NUL inside */
	/* list: items; map: values, in order of appearance. First child and then by 'next'. */
	struct node *first, *next;
	uint32_t n;
	const struct node *key; /* of a value in a map: its key's scalar */
};

struct document {
	const struct source *source;
	const struct node *root;
	bool json;
};

enum {
	NODE_DEPTH_MAX = 64,
	NODE_COUNT_MAX = 100000000, /* in one source; a snapshot of 10,000 clusters of 16 hosts has 71 million */
	NODE_TEXT_MAX = 65536,      /* one scalar */
	NODE_DOCUMENTS_MAX = 100000,
};

struct loc node_loc(const struct document *document, const struct node *node);
struct loc node_key_loc(const struct document *document, const struct node *value); /* of its key */

/* The value of 'key' in a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
/* A scalar that means null: empty and unquoted, "null", "~". */
bool node_is_null(const struct node *node);

/* By the name (*.json, *.yaml, *.yml), else a first character '{' or '['. */
bool node_is_json(const struct source *source);

/* Calls 'each' for every document of the source, in order; the document's tree lives in an arena that is freed after
 * the call. Syntax errors are findings: the rest of that source is not read. 0, or -1 with findings; what 'each' returns negative is remembered and returned. */
typedef int document_fn(const struct document *document, void *user, struct diags *diags);
int node_parse(const struct source *source, document_fn *each, void *user, struct diags *diags);
