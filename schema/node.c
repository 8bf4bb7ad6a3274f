/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node.h"

#include "schema/node_json.h"
#include "schema/node_error.h"

#include <string.h>
#include <yaml.h>

/* Up to this many keys a mapping is searched for duplicates one by one; beyond, by a hash table. */
enum { KEYS_LINEAR = 16 };

struct frame { /* a list or map that is still open */
	struct node *node, *tail;
	struct node *key; /* map: waits for its value */
	GHashTable *keys; /* map: only when it has many */
};

struct parse {
	const struct source *source;
	yaml_parser_t parser;
	document_fn *each;
	void *user;
	struct diags *diags;
	struct arena *arena; /* of the document that is being read */
	struct node *root;
	struct frame frames[NODE_DEPTH_MAX];
	uint32_t depth, n_nodes, n_documents;
	bool stop; /* a limit was reached: the rest is not read */
	int result;
	struct tab_finder tabs;
};

static void parse_events(struct parse *parse);
static void take_event(struct parse *parse, const yaml_event_t *event);
static void document_begin(struct parse *parse, const yaml_event_t *event);
static void document_finish(struct parse *parse);
static void take_scalar(struct parse *parse, const yaml_event_t *event);
static void take_alias(struct parse *parse, const yaml_event_t *event);
static void open_list(struct parse *parse, const yaml_event_t *event);
static void open_map(struct parse *parse, const yaml_event_t *event);
static void close_frame(struct parse *parse);
static void add_key(struct parse *parse, struct frame *frame, struct node *key);
static void refuse_anchor_and_tag(
	struct parse *parse, struct loc loc, const yaml_char_t *anchor, const yaml_char_t *tag, bool implicit);

static const char byte_order_mark[] = "\xEF\xBB\xBF";

bool node_is_json(const struct source *source)
{
	if (g_str_has_suffix(source->name, ".json"))
		return true;
	if (g_str_has_suffix(source->name, ".yaml") || g_str_has_suffix(source->name, ".yml"))
		return false;
	size_t i = 0;
	while (i < source->n_bytes && g_ascii_isspace(source->bytes[i]))
		i++;
	return i < source->n_bytes && (source->bytes[i] == '{' || source->bytes[i] == '[');
}

int node_parse(const struct source *source, document_fn *each, void *user, struct diags *diags)
{
	if (node_error_encoding(source, diags) < 0)
		return -1;
	if (node_is_json(source))
		return node_json_parse(source, each, user, diags);
	const char *bytes = source->bytes;
	size_t n_bytes = source->n_bytes;
	/* libyaml would count a byte order mark as a column. */
	if (n_bytes >= 3 && memcmp(bytes, byte_order_mark, 3) == 0)
		bytes += 3, n_bytes -= 3;
	struct parse parse = { .source = source, .each = each, .user = user, .diags = diags, .arena = arena_new() };
	tab_finder_init(&parse.tabs, source);
	if (!yaml_parser_initialize(&parse.parser))
		BUG("libyaml cannot be initialised");
	yaml_parser_set_encoding(&parse.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parse.parser, (const unsigned char *)bytes, n_bytes);
	parse_events(&parse);
	while (parse.depth)
		g_clear_pointer(&parse.frames[--parse.depth].keys, g_hash_table_unref);
	arena_free(parse.arena);
	yaml_parser_delete(&parse.parser);
	return parse.result;
}

static void parse_events(struct parse *parse)
{
	while (!parse->stop) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parse->parser, &event)) {
			parse->result = node_error_syntax(parse->source, &parse->parser, parse->diags);
			return;
		}
		bool last = event.type == YAML_STREAM_END_EVENT;
		take_event(parse, &event);
		yaml_event_delete(&event);
		if (last)
			return;
	}
}

static struct loc mark_loc(const struct parse *parse, const yaml_mark_t *start, const yaml_mark_t *end)
{
	/* What goes over several lines is underlined by its first character. */
	size_t len = start->line == end->line && end->column > start->column ? end->column - start->column : 1;
	return (struct loc){ parse->source, (uint32_t)start->line + 1, (uint32_t)start->column + 1, (uint32_t)len };
}

static struct loc event_loc(const struct parse *parse, const yaml_event_t *event)
{
	return mark_loc(parse, &event->start_mark, &event->end_mark);
}

static void refuse(struct parse *parse, enum diag_code code, struct loc loc, const char *message)
{
	parse->result = diag_add(parse->diags, code, loc, NULL, "%s", message);
}

static void stop(struct parse *parse, struct loc loc, const char *message)
{
	refuse(parse, D_YAML_LIMIT, loc, message);
	parse->stop = true;
}

static void take_event(struct parse *parse, const yaml_event_t *event)
{
	if (tab_finder_indents(&parse->tabs, event->start_mark.line, event->start_mark.column))
		refuse(parse, D_YAML_TAB, event_loc(parse, event), "tab used for indentation; use spaces");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		document_begin(parse, event);
		break;
	case YAML_DOCUMENT_END_EVENT:
		document_finish(parse);
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(parse, event);
		break;
	case YAML_ALIAS_EVENT:
		take_alias(parse, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		open_list(parse, event);
		break;
	case YAML_MAPPING_START_EVENT:
		open_map(parse, event);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_frame(parse);
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
		break;
	}
}

static void document_begin(struct parse *parse, const yaml_event_t *event)
{
	struct loc loc = event_loc(parse, event);
	if (++parse->n_documents > NODE_DOCUMENTS_MAX) {
		stop(parse, loc, "more than 100000 documents in one file; split it");
		return;
	}
	if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
		refuse(parse, D_YAML_ALIAS, loc, "%TAG is not allowed; remove it");
	parse->root = NULL;
}

static void document_finish(struct parse *parse)
{
	/* An empty document, as between two '---', is passed over. */
	if (!node_is_null(parse->root) || parse->root->broken) {
		struct document document = { .source = parse->source, .root = parse->root };
		int result = parse->each(&document, parse->user, parse->diags);
		if (result < 0)
			parse->result = result;
	}
	arena_clear(parse->arena);
}

/* Hangs a node into the innermost open list or map; a scalar may become a key there. */
static void attach(struct parse *parse, struct node *node)
{
	if (!parse->depth) {
		parse->root = node;
		return;
	}
	struct frame *frame = &parse->frames[parse->depth - 1];
	if (frame->node->kind == NODE_MAP && !frame->key) {
		add_key(parse, frame, node);
		return;
	}
	node->key = g_steal_pointer(&frame->key);
	if (frame->tail)
		frame->tail->next = node;
	else
		frame->node->first = node;
	frame->tail = node;
	frame->node->n++;
}

static struct node *node_new(struct parse *parse, enum node_kind kind, const yaml_event_t *event)
{
	struct loc loc = event_loc(parse, event);
	if (++parse->n_nodes > NODE_COUNT_MAX && !parse->stop)
		stop(parse, loc, "more than 100000000 values in one file; split it");
	struct node *node = arena_new_of(parse->arena, struct node);
	node->kind = kind;
	node->line = loc.line;
	node->col = loc.col;
	node->len = loc.len;
	return node;
}

static struct loc loc_of(const struct parse *parse, const struct node *node)
{
	return (struct loc){ parse->source, node->line, node->col, node->len };
}

static void take_scalar(struct parse *parse, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct node *node = node_new(parse, NODE_SCALAR, event);
	refuse_anchor_and_tag(parse, loc_of(parse, node), event->data.scalar.anchor, event->data.scalar.tag,
		event->data.scalar.plain_implicit || event->data.scalar.quoted_implicit);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->broken = len > NODE_TEXT_MAX || memchr(text, '\0', len) != NULL;
	if (len > NODE_TEXT_MAX)
		refuse(parse, D_YAML_LIMIT, loc_of(parse, node), "value is longer than 65536 bytes");
	else if (node->broken)
		refuse(parse, D_YAML_ENCODING, loc_of(parse, node), "text holds a NUL character; remove it");
	node->text = node->broken ? "" : arena_strndup(parse->arena, text, len);
	attach(parse, node);
}

static void take_alias(struct parse *parse, const yaml_event_t *event)
{
	struct node *node = node_new(parse, NODE_SCALAR, event);
	node->broken = true;
	node->text = "";
	parse->result = diag_add(parse->diags, D_YAML_ALIAS, loc_of(parse, node), NULL,
		"alias '*%s' is not allowed; write the value out, or put text that begins with '*' in quotes",
		(const char *)event->data.alias.anchor);
	attach(parse, node);
}

static void open_frame(struct parse *parse, struct node *node)
{
	if (parse->depth == NODE_DEPTH_MAX) {
		stop(parse, loc_of(parse, node), "more than 64 levels of lists and mappings");
		return;
	}
	attach(parse, node);
	parse->frames[parse->depth++] = (struct frame){ .node = node };
}

static void open_list(struct parse *parse, const yaml_event_t *event)
{
	struct node *node = node_new(parse, NODE_LIST, event);
	refuse_anchor_and_tag(parse, loc_of(parse, node), event->data.sequence_start.anchor,
		event->data.sequence_start.tag, event->data.sequence_start.implicit);
	open_frame(parse, node);
}

static void open_map(struct parse *parse, const yaml_event_t *event)
{
	struct node *node = node_new(parse, NODE_MAP, event);
	refuse_anchor_and_tag(parse, loc_of(parse, node), event->data.mapping_start.anchor,
		event->data.mapping_start.tag, event->data.mapping_start.implicit);
	open_frame(parse, node);
}

static void close_frame(struct parse *parse)
{
	struct frame *frame = &parse->frames[--parse->depth];
	g_clear_pointer(&frame->keys, g_hash_table_unref);
}

/* The key's first place in the map, or NULL. */
static const struct node *find_key(struct frame *frame, const struct node *key)
{
	if (frame->keys)
		return g_hash_table_lookup(frame->keys, key->text);
	for (const struct node *value = frame->node->first; value; value = value->next)
		if (strcmp(value->key->text, key->text) == 0)
			return value->key;
	return NULL;
}

static void add_key(struct parse *parse, struct frame *frame, struct node *key)
{
	frame->key = key;
	if (key->kind != NODE_SCALAR) {
		refuse(parse, D_YAML_SYNTAX, loc_of(parse, key),
			"a key must be text, not a list or mapping; is a template not filled in?");
		key->broken = true;
		key->text = "";
		return;
	}
	if (frame->node->n == 0 && frame->node->line == key->line && frame->node->col == key->col)
		frame->node->len =
			key->len; /* a block mapping has no bracket to underline: its first key stands for it */
	if (key->broken)
		return;
	const struct node *first = find_key(frame, key);
	if (first) {
		parse->result = diag_add(parse->diags, D_YAML_DUPLICATE_KEY, loc_of(parse, key), NULL,
			"key '%s' is given twice; remove one", key->text);
		diag_also(parse->diags, loc_of(parse, first), "first given here");
		key->broken = true; /* the first one counts */
		return;
	}
	if (!frame->keys && frame->node->n >= KEYS_LINEAR) {
		frame->keys = g_hash_table_new(g_str_hash, g_str_equal);
		for (const struct node *value = frame->node->first; value; value = value->next)
			g_hash_table_insert(frame->keys, (void *)value->key->text, (void *)value->key);
	}
	if (frame->keys)
		g_hash_table_insert(frame->keys, (void *)key->text, key);
}

static void refuse_anchor_and_tag(
	struct parse *parse, struct loc loc, const yaml_char_t *anchor, const yaml_char_t *tag, bool implicit)
{
	if (anchor)
		parse->result = diag_add(parse->diags, D_YAML_ALIAS, loc, NULL,
			"anchor '&%s' is not allowed; remove it", (const char *)anchor);
	static const char standard[] = "tag:yaml.org,2002:";
	if (tag && g_str_has_prefix((const char *)tag, standard))
		parse->result = diag_add(parse->diags, D_YAML_ALIAS, loc, NULL, "tag '!!%s' is not allowed; remove it",
			(const char *)tag + strlen(standard));
	else if (tag || !implicit)
		parse->result = diag_add(parse->diags, D_YAML_ALIAS, loc, NULL, "tag '%s' is not allowed; remove it",
			tag ? (const char *)tag : "!");
}

struct loc node_loc(const struct document *document, const struct node *node)
{
	return (struct loc){ document->source, node->line, node->col, MAX(node->len, 1) };
}

struct loc node_key_loc(const struct document *document, const struct node *value)
{
	return node_loc(document, value->key ? value->key : value);
}

const struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *value = map->first; value; value = value->next)
		if (!value->key->broken && strcmp(value->key->text, key) == 0)
			return value;
	return NULL;
}

bool node_is_null(const struct node *node)
{
	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	const char *text = node->text;
	return !*text || strcmp(text, "null") == 0 || strcmp(text, "~") == 0 || strcmp(text, "Null") == 0 ||
	       strcmp(text, "NULL") == 0;
}
