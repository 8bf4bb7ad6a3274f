/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node_json.h"

#include <string.h>

/* What NODE_DEPTH_MAX allows; jansson gives up later, at a depth of its own. */
#define TOO_DEEP "more than 64 levels of lists and mappings"

struct walk {
	struct arena *arena;
	const struct source *source;
	struct diags *diags;
	const char *at, *end; /* NULL: there is no text, so no positions */
	uint32_t line, col;
	uint32_t n_nodes;
	int result;
};

static struct node *convert(struct walk *walk, const json_t *json, uint32_t depth);

static int json_failure(const struct source *source, const json_error_t *error, struct diags *diags)
{
	/* jansson counts the characters before the place where it gave up, that is the ones it has read. */
	struct loc loc = { source, (uint32_t)MAX(error->line, 0), (uint32_t)MAX(error->column, 1), 1 };
	if (json_error_code(error) == json_error_null_character)
		return diag_add(diags, D_YAML_ENCODING, loc, NULL, "text holds a NUL character; remove it");
	if (json_error_code(error) == json_error_stack_overflow)
		return diag_add(diags, D_YAML_LIMIT, loc, NULL, TOO_DEEP);
	bool twice = json_error_code(error) == json_error_duplicate_key;
	return diag_add(diags, twice ? D_YAML_DUPLICATE_KEY : D_YAML_SYNTAX, loc, NULL, "%s", error->text);
}

int node_json_parse(const struct source *source, document_fn *each, void *user, struct diags *diags)
{
	const char *bytes = source->bytes;
	size_t n_bytes = source->n_bytes;
	if (n_bytes >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
		bytes += 3, n_bytes -= 3;
	json_error_t error;
	json_auto_t *json = json_loadb(bytes, n_bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		return json_failure(source, &error, diags);
	g_autoptr(arena_auto) arena = arena_new();
	struct walk walk = { .arena = arena,
		.source = source,
		.diags = diags,
		.at = bytes,
		.end = bytes + n_bytes,
		.line = 1,
		.col = 1 };
	struct document document = { .source = source, .root = convert(&walk, json, 0), .json = true };
	if (walk.result < 0)
		return walk.result;
	return each(&document, user, diags);
}

int node_from_json(struct arena *arena, const json_t *json, const struct source *source, const struct node **out,
	struct diags *diags)
{
	struct walk walk = { .arena = arena, .source = source, .diags = diags };
	const struct node *root = convert(&walk, json, 0);
	if (walk.result == 0)
		*out = root;
	return walk.result;
}

static void step(struct walk *walk)
{
	unsigned char c = (unsigned char)*walk->at++;
	if (c == '\n')
		walk->line++, walk->col = 1;
	else if ((c & 0xC0) != 0x80) /* not a continuation byte: a character begins */
		walk->col++;
}

static bool is_between(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

/* To the next value, key or closing bracket. */
static void skip_between(struct walk *walk)
{
	while (walk->at && walk->at < walk->end && is_between(*walk->at))
		step(walk);
}

static void skip_scalar(struct walk *walk)
{
	if (!walk->at)
		return;
	if (*walk->at != '"') {
		while (walk->at < walk->end && !is_between(*walk->at) && *walk->at != '}' && *walk->at != ']')
			step(walk);
		return;
	}
	step(walk);
	while (walk->at < walk->end && *walk->at != '"') {
		if (*walk->at == '\\')
			step(walk);
		step(walk);
	}
	step(walk);
}

static void skip_bracket(struct walk *walk)
{
	skip_between(walk);
	if (walk->at)
		step(walk);
}

static struct node *node_new(struct walk *walk, enum node_kind kind)
{
	struct node *node = arena_new_of(walk->arena, struct node);
	node->kind = kind;
	skip_between(walk);
	if (walk->at) {
		node->line = walk->line;
		node->col = walk->col;
	}
	node->len = 1;
	return node;
}

static struct loc loc_of(const struct walk *walk, const struct node *node)
{
	return (struct loc){ walk->source, node->line, node->col, MAX(node->len, 1) };
}

static struct node *scalar(struct walk *walk, const char *text, bool quoted)
{
	struct node *node = node_new(walk, NODE_SCALAR);
	skip_scalar(walk);
	if (walk->at && walk->line == node->line)
		node->len = walk->col - node->col;
	node->quoted = quoted;
	node->broken = strlen(text) > NODE_TEXT_MAX;
	if (node->broken)
		walk->result = diag_add(
			walk->diags, D_YAML_LIMIT, loc_of(walk, node), NULL, "value is longer than 65536 bytes");
	node->text = node->broken ? "" : arena_strdup(walk->arena, text);
	return node;
}

static struct node *from_scalar(struct walk *walk, const json_t *json)
{
	char number[64];
	switch (json_typeof(json)) {
	case JSON_STRING:
		return scalar(walk, json_string_value(json), true);
	case JSON_INTEGER:
		g_snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
		return scalar(walk, number, false);
	case JSON_REAL:
		return scalar(walk, g_ascii_formatd(number, sizeof(number), "%.17g", json_real_value(json)), false);
	case JSON_TRUE:
		return scalar(walk, "true", false);
	case JSON_FALSE:
		return scalar(walk, "false", false);
	default:
		return scalar(walk, "null", false);
	}
}

static void append(struct node *parent, struct node **tail, struct node *child)
{
	if (*tail)
		(*tail)->next = child;
	else
		parent->first = child;
	*tail = child;
	parent->n++;
}

static struct node *from_object(struct walk *walk, const json_t *json, uint32_t depth)
{
	struct node *map = node_new(walk, NODE_MAP), *tail = NULL;
	skip_bracket(walk);
	const char *name;
	json_t *value;
	/* jansson keeps the order of appearance, which is what lets the text be walked beside it. */
	json_object_foreach((json_t *)json, name, value)
	{
		struct node *key = scalar(walk, name, true);
		struct node *child = convert(walk, value, depth + 1);
		child->key = key;
		append(map, &tail, child);
	}
	skip_bracket(walk);
	return map;
}

static struct node *from_array(struct walk *walk, const json_t *json, uint32_t depth)
{
	struct node *list = node_new(walk, NODE_LIST), *tail = NULL;
	skip_bracket(walk);
	for (size_t i = 0; i < json_array_size(json); i++)
		append(list, &tail, convert(walk, json_array_get(json, i), depth + 1));
	skip_bracket(walk);
	return list;
}

static struct node *refuse(struct walk *walk, const char *message)
{
	struct node *node = node_new(walk, NODE_SCALAR);
	node->text = "";
	node->broken = true;
	if (walk->result == 0)
		walk->result = diag_add(walk->diags, D_YAML_LIMIT, loc_of(walk, node), NULL, "%s", message);
	walk->at = NULL; /* the text is no longer walked in step with the tree */
	return node;
}

static struct node *convert(struct walk *walk, const json_t *json, uint32_t depth)
{
	if (++walk->n_nodes > NODE_COUNT_MAX)
		return refuse(walk, "more than 100000000 values in one file; split it");
	if (!json_is_object(json) && !json_is_array(json))
		return from_scalar(walk, json);
	if (depth >= NODE_DEPTH_MAX)
		return refuse(walk, TOO_DEEP);
	return json_is_object(json) ? from_object(walk, json, depth) : from_array(walk, json, depth);
}
