/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"

#include "base/text.h"
#include "schema/decode_value.h"

#include <string.h>

/* Rows of one table: a set of them is a 64-bit mask. Items that are compared one by one before a hash table pays. */
enum { ROWS_MAX = 64, ITEMS_LINEAR = 16 };

static int decode_map(
	struct decoder *decoder, const struct node *map, const struct field *fields, bool with_head, void *out);
static int decode_field(struct decoder *decoder, const struct field *field, const struct node *node, void *object);
static void set_defaults(
	struct decoder *decoder, const struct field *fields, bool with_head, struct loc loc, void *out);

static void put(void *object, size_t at, const void *value, size_t size)
{
	memcpy((char *)object + at, value, size);
}

static void put_list(void *object, const struct field *field, const void *items, uint32_t n)
{
	put(object, field->at, &items, sizeof(items));
	put(object, field->n_at, &n, sizeof(n));
}

int decode_object(struct arena *arena, const struct document *document, const struct node *map,
	const struct field *fields, bool with_head, void *out, struct diags *diags)
{
	struct place place = { .key = map->key ? map->key->text : NULL };
	struct decoder decoder = {
		.arena = arena, .document = document, .diags = diags, .place = map->key ? &place : NULL
	};
	if (map->kind == NODE_MAP)
		return decode_map(&decoder, map, fields, with_head, out);
	set_defaults(&decoder, fields, with_head, node_loc(document, map), out);
	if (map->broken)
		return -1;
	return decode_wrong_type(
		&decoder, &(struct field){ .key = map->key ? place.key : "document" }, map, "a mapping");
}

void decode_defaults(struct arena *arena, const struct field *fields, bool with_head, struct loc loc, void *out)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct document document = { .source = loc.source };
	struct decoder decoder = { .arena = arena, .document = &document, .diags = diags_new(scratch) };
	set_defaults(&decoder, fields, with_head, loc, out);
}

/* ---- what is absent ---- */

static uint32_t count_rows(const struct field *fields)
{
	uint32_t n = 0;
	while (fields[n].key)
		n++;
	if (n > ROWS_MAX)
		BUG("a table of fields has more than %d rows", ROWS_MAX);
	return n;
}

static void set_default(struct decoder *decoder, const struct field *field, struct loc loc, void *object)
{
	if (field->type == FIELD_OBJECT) {
		set_defaults(decoder, field->fields, field->flags & FIELD_HAS_HEAD, loc, (char *)object + field->at);
		return;
	}
	if (!field->preset)
		return;
	struct node node = { .kind = NODE_SCALAR, .text = field->preset };
	if (decode_scalar(decoder, field, &node, object) < 0)
		BUG("the default '%s' of field '%s' is not a value of it", field->preset, field->key);
}

static struct head *head_init(
	struct decoder *decoder, const struct field *fields, uint32_t n_rows, struct loc loc, void *out)
{
	struct loc *locs = arena_array(decoder->arena, struct loc, n_rows);
	for (uint32_t i = 0; i < n_rows; i++)
		locs[i] = loc;
	struct head *head = out;
	*head = (struct head){
		.loc = loc, .fields = fields, .locs = locs, .present = arena_array(decoder->arena, bool, n_rows)
	};
	return head;
}

static void set_defaults(struct decoder *decoder, const struct field *fields, bool with_head, struct loc loc, void *out)
{
	uint32_t n_rows = count_rows(fields);
	if (with_head)
		head_init(decoder, fields, n_rows, loc, out);
	for (uint32_t i = 0; i < n_rows; i++)
		set_default(decoder, &fields[i], loc, out);
}

/* ---- mappings ---- */

/* Documents mostly keep the order of the rows, so the search begins where the last one ended. */
static uint32_t find_row(const struct field *fields, uint32_t n_rows, uint32_t from, const char *key)
{
	for (uint32_t i = 0; i < n_rows; i++) {
		uint32_t row = from + i < n_rows ? from + i : from + i - n_rows;
		if (strcmp(fields[row].key, key) == 0)
			return row;
	}
	return n_rows;
}

/* Reports the key; returns the row that was probably meant, or 'n_rows'. */
static uint32_t unknown_field(
	struct decoder *decoder, const struct field *fields, uint32_t n_rows, const struct node *value)
{
	const char *keys[ROWS_MAX];
	for (uint32_t i = 0; i < n_rows; i++)
		keys[i] = fields[i].key;
	const char *near = text_nearest(value->key->text, keys, n_rows), *path = decode_path(decoder);
	if (strcmp(value->key->text, "<<") == 0) {
		decode_fail(decoder, D_YAML_ALIAS, node_key_loc(decoder->document, value),
			"merge key '<<' is not allowed; write the fields out");
		return n_rows;
	}
	decode_fail(decoder, D_FIELD_UNKNOWN, node_key_loc(decoder->document, value), "unknown field '%s'%s%s%s%s%s%s",
		value->key->text, *path ? " in '" : "", path, *path ? "'" : "", near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	return near ? find_row(fields, n_rows, 0, near) : n_rows;
}

static int missing_field(struct decoder *decoder, const struct field *field, const struct node *map)
{
	const char *path = decode_path(decoder);
	return decode_fail(decoder, D_FIELD_MISSING, node_loc(decoder->document, map), "'%s' is missing%s%s%s",
		field->key, *path ? " in '" : "", path, *path ? "'" : "");
}

struct reading { /* of one mapping */
	const struct field *fields;
	uint32_t n_rows, next_row;
	uint64_t seen, meant; /* sets of rows */
	struct head *head;    /* or NULL */
	void *out;
};

static void note(struct reading *reading, uint32_t row, struct loc loc, bool present)
{
	if (!reading->head)
		return;
	((struct loc *)reading->head->locs)[row] = loc;
	((bool *)reading->head->present)[row] = present;
}

/* A slip of the pen is said once: the field that was probably meant counts as given. */
static int take_unknown(struct decoder *decoder, struct reading *reading, const struct node *value)
{
	uint32_t row = unknown_field(decoder, reading->fields, reading->n_rows, value);
	if (row < reading->n_rows && !(reading->seen & (1ull << row))) {
		reading->meant |= 1ull << row;
		note(reading, row, node_key_loc(decoder->document, value), true);
	}
	return -1;
}

static int take_value(struct decoder *decoder, struct reading *reading, const struct node *value)
{
	uint32_t row = find_row(reading->fields, reading->n_rows, reading->next_row, value->key->text);
	if (row == reading->n_rows)
		return take_unknown(decoder, reading, value);
	const struct field *field = &reading->fields[row];
	reading->next_row = row + 1;
	reading->seen |= 1ull << row;
	struct place place = { .up = decoder->place, .key = field->key };
	decoder->place = &place;
	int result = decode_field(decoder, field, value, reading->out);
	decoder->place = place.up;
	/* A list of words of which none is right must not look like an empty one. */
	bool lost = result < 0 && field->type == FIELD_TEXTS;
	note(reading, row, node_loc(decoder->document, value), !node_is_null(value) && !lost);
	return result;
}

static int decode_map(
	struct decoder *decoder, const struct node *map, const struct field *fields, bool with_head, void *out)
{
	struct loc loc = node_loc(decoder->document, map);
	struct reading reading = { .fields = fields, .n_rows = count_rows(fields), .out = out };
	reading.head = with_head ? head_init(decoder, fields, reading.n_rows, loc, out) : NULL;
	int result = 0;
	for (const struct node *value = map->first; value; value = value->next)
		if (!value->key->broken && take_value(decoder, &reading, value) < 0)
			result = -1;
	for (uint32_t i = 0; i < reading.n_rows; i++) {
		if (reading.seen & (1ull << i))
			continue;
		set_default(decoder, &fields[i], loc, out);
		if ((fields[i].flags & FIELD_REQUIRED) && !(reading.meant & (1ull << i)))
			result = missing_field(decoder, &fields[i], map);
	}
	return result;
}

/* ---- lists ---- */

/* Something about each item of a list; 'at' is where its value goes. */
typedef int item_fn(struct decoder *decoder, const struct field *field, const struct node *item, void *at);

static int object_item(struct decoder *decoder, const struct field *field, const struct node *item, void *at)
{
	if (item->kind != NODE_MAP)
		return decode_wrong_type(decoder, field, item, "a mapping as each item");
	/* What could be understood stays, so that rules across objects still see it. */
	return decode_map(decoder, item, field->fields, field->flags & FIELD_HAS_HEAD, at) < 0 ? 1 : 0;
}

static int text_item(struct decoder *decoder, const struct field *field, const struct node *item, void *at)
{
	return decode_text(decoder, field, item, at);
}

static int number_item(struct decoder *decoder, const struct field *field, const struct node *item, void *at)
{
	uint64_t number;
	if (decode_number(decoder, field, item, UINT32_MAX, &number) < 0)
		return -1;
	*(uint32_t *)at = (uint32_t)number;
	return 0;
}

static int decode_items(struct decoder *decoder, const struct field *field, const struct node *list, item_fn *each,
	size_t size, void *object)
{
	if (list->kind != NODE_LIST)
		return decode_wrong_type(decoder, field, list, "a list");
	int result = 0;
	if ((field->flags & FIELD_NOT_EMPTY) && !list->n)
		result = decode_fail(decoder, D_FIELD_RANGE, node_loc(decoder->document, list),
			"'%s' is empty; list at "
			"least one",
			field->key);
	char *items = arena_alloc(decoder->arena, size * list->n);
	uint32_t n = 0;
	struct place place = { .up = decoder->place };
	decoder->place = &place;
	for (const struct node *item = list->first; item; item = item->next, place.index++) {
		int taken = item->broken ? -1 : each(decoder, field, item, items + n * size);
		n += taken >= 0;
		result = taken ? -1 : result;
	}
	decoder->place = place.up;
	put_list(object, field, items, n);
	return result;
}

/* Case is left aside, for the items are things that Windows names. */
static guint hash_fold(gconstpointer key)
{
	guint hash = 5381;
	for (const char *c = key; *c; c++)
		hash = hash * 33 + (guint)g_ascii_tolower(*c);
	return hash;
}

static gboolean equal_fold(gconstpointer a, gconstpointer b)
{
	return g_ascii_strcasecmp(a, b) == 0;
}

static const struct node *item_key(const struct node *item, const char *key)
{
	const struct node *value = item->kind == NODE_MAP ? node_get(item, key) : NULL;
	return value && value->kind == NODE_SCALAR && *value->text ? value : NULL;
}

static const struct node *earlier_item(
	const struct node *list, const struct node *item, const char *key, const char *name)
{
	for (const struct node *other = list->first; other != item; other = other->next) {
		const struct node *value = item_key(other, key);
		if (value && equal_fold(value->text, name))
			return value;
	}
	return NULL;
}

static int check_unique(struct decoder *decoder, const struct field *field, const struct node *list)
{
	int result = 0;
	g_autoptr(GHashTable) names = list->n > ITEMS_LINEAR ? g_hash_table_new(hash_fold, equal_fold) : NULL;
	for (const struct node *item = list->first; item; item = item->next) {
		const struct node *value = item_key(item, field->merge_key);
		if (!value)
			continue;
		const struct node *first = names ? g_hash_table_lookup(names, value->text)
						 : earlier_item(list, item, field->merge_key, value->text);
		if (first) {
			result = decode_fail(decoder, D_DUPLICATE_ITEM, node_loc(decoder->document, value),
				"%s '%s' is twice in '%s'; remove one", field->merge_key, value->text, field->key);
			diag_also(decoder->diags, node_loc(decoder->document, first), "first given here");
		} else if (names) {
			g_hash_table_insert(names, (void *)value->text, (void *)value);
		}
	}
	return result;
}

static int decode_list(struct decoder *decoder, const struct field *field, const struct node *list, void *object)
{
	int result = decode_items(decoder, field, list, object_item, field->size, object);
	if (list->kind == NODE_LIST && field->merge_key && check_unique(decoder, field, list) < 0)
		result = -1;
	return result;
}

/* ---- mappings whose keys are data ---- */

static int decode_quotas(struct decoder *decoder, const struct field *field, const struct node *map, void *object)
{
	if (node_is_null(map))
		return 0;
	if (map->kind != NODE_MAP)
		return decode_wrong_type(decoder, field, map, "a mapping of quotas");
	int result = 0;
	for (const struct node *value = map->first; value; value = value->next) {
		int quota = value->key->broken ? -1 : name_find(&quota_names, value->key->text);
		if (quota < 0 && !value->key->broken) {
			const char *near = text_nearest_name(value->key->text, &quota_names);
			result = decode_fail(decoder, D_FIELD_UNKNOWN, node_key_loc(decoder->document, value),
				"unknown quota '%s'%s%s%s", value->key->text, near ? "; did you mean '" : "",
				near ? near : "", near ? "'?" : "");
		}
		if (quota < 0 || value->broken || node_is_null(value))
			continue;
		uint64_t number;
		struct field row = { .key = value->key->text, .type = FIELD_U64 };
		if (decode_number(decoder, &row, value, UINT64_MAX, &number) < 0) {
			result = -1;
			continue;
		}
		put(object, field->at + (size_t)quota * sizeof(struct maybe_u64), &KNOWN(number),
			sizeof(struct maybe_u64));
	}
	return result;
}

static int decode_path_lists(struct decoder *decoder, const struct field *field, const struct node *map, void *object)
{
	if (map->kind != NODE_MAP)
		return decode_wrong_type(decoder, field, map, "a mapping of hosts to lists");
	struct location_list *lists = arena_array(decoder->arena, struct location_list, map->n);
	static const struct field paths = { "locationPaths", F_TEXTS(struct location_list, paths),
		.flags = FIELD_NOT_EMPTY };
	uint32_t n = 0;
	int result = 0;
	for (const struct node *value = map->first; value; value = value->next) {
		if (value->key->broken || value->broken)
			continue;
		lists[n].host = arena_strdup(decoder->arena, value->key->text);
		struct place place = { .up = decoder->place, .key = lists[n].host };
		decoder->place = &place;
		if (decode_items(decoder, &paths, value, text_item, sizeof(const char *), &lists[n]) < 0)
			result = -1;
		decoder->place = place.up;
		n++;
	}
	if ((field->flags & FIELD_NOT_EMPTY) && !n && !result)
		result = decode_fail(decoder, D_FIELD_RANGE, node_loc(decoder->document, map),
			"'%s' is empty; name at least "
			"one host",
			field->key);
	put_list(object, field, lists, n);
	return result;
}

/* ---- one field ---- */

static int decode_pointer(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	if (node_is_null(node))
		return 0;
	if (node->kind != NODE_MAP)
		return decode_wrong_type(decoder, field, node, "a mapping");
	void *inner = arena_alloc(decoder->arena, field->size);
	put(object, field->at, &inner, sizeof(inner));
	return decode_map(decoder, node, field->fields, field->flags & FIELD_HAS_HEAD, inner);
}

static int decode_inner(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	void *inner = (char *)object + field->at;
	bool with_head = field->flags & FIELD_HAS_HEAD;
	if (node->kind == NODE_MAP)
		return decode_map(decoder, node, field->fields, with_head, inner);
	set_defaults(decoder, field->fields, with_head, node_loc(decoder->document, node), inner);
	return decode_wrong_type(decoder, field, node, "a mapping");
}

static int decode_field(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	if (node->broken) {
		set_default(decoder, field, node_loc(decoder->document, node), object);
		return -1;
	}
	switch (field->type) {
	case FIELD_OBJECT:
		return decode_inner(decoder, field, node, object);
	case FIELD_POINTER:
		return decode_pointer(decoder, field, node, object);
	case FIELD_LIST:
		return decode_list(decoder, field, node, object);
	case FIELD_TEXTS:
		return decode_items(decoder, field, node, text_item, sizeof(const char *), object);
	case FIELD_NUMBERS:
		return decode_items(decoder, field, node, number_item, sizeof(uint32_t), object);
	case FIELD_QUOTAS:
		return decode_quotas(decoder, field, node, object);
	case FIELD_PATH_LISTS:
		return decode_path_lists(decoder, field, node, object);
	default:
		break;
	}
	/* A wrong or empty value leaves the default, so that rules across objects see something sensible. */
	int result = decode_scalar(decoder, field, node, object);
	if (result < 0 || node_is_null(node))
		set_default(decoder, field, LOC_NONE, object);
	return result;
}
