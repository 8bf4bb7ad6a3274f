/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "schema/decode_value.h"
#include "schema/kinds.h"

#include <stdlib.h>

/* As the decoder reads them (schema/decode_value.c). */
#define NUMBER_PATTERN "^[0-9]{1,20}$"
#define SIZE_PATTERN "^[0-9]{1,20}(K|M|G|T|Ki|Mi|Gi|Ti)?$"
#define DURATION_PATTERN "^([0-9]+(s|m|h|d))+$"
#define CLOCK_PATTERN "^([01][0-9]|2[0-3]):[0-5][0-9]$"
#define TIME_PATTERN "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
#define SHARE_PATTERN "^(100|[1-9]?[0-9])%$"
#define NAME_PATTERN "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"

static json_t *object_schema(const struct field *fields);

static json_t *text_schema(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *integer_schema(const struct field *field)
{
	json_t *schema = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)field->min);
	uint64_t max = field->max ? field->max : field->type == FIELD_U32 ? UINT32_MAX : 0;
	if (max && max <= INT64_MAX)
		json_object_set_new(schema, "maximum", json_integer((json_int_t)max));
	return schema;
}

static json_t *one_of_two(json_t *a, json_t *b)
{
	return json_pack("{s:[o, o]}", "anyOf", a, b);
}

/* Numbers up to 2^64-1 may be written as text, for not every JSON reader holds them. */
static json_t *number_schema(const struct field *field)
{
	json_t *integer = integer_schema(field);
	bool is_wide = field->type != FIELD_U32 && field->max == 0;
	return is_wide ? one_of_two(integer, text_schema(NUMBER_PATTERN)) : integer;
}

static json_t *words_schema(const struct names *names)
{
	json_t *words = json_array();
	for (size_t i = 0; i < names->n; i++)
		json_array_append_new(words, json_string(names->names[i]));
	return json_pack("{s:o}", "enum", words);
}

static json_t *plain_text_schema(const struct field *field)
{
	json_t *schema = (field->flags & FIELD_NAME) ? text_schema(NAME_PATTERN) : json_pack("{s:s}", "type", "string");
	if (field->flags & FIELD_NAME)
		json_object_set_new(schema, "maxLength", json_integer(63));
	if (field->flags & FIELD_NOT_EMPTY || field->min)
		json_object_set_new(schema, "minLength", json_integer(field->min ? (json_int_t)field->min : 1));
	if (field->max)
		json_object_set_new(schema, "maxLength", json_integer((json_int_t)field->max));
	return schema;
}

static json_t *array_schema(const struct field *field, json_t *items)
{
	json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", items);
	if (field->flags & FIELD_NOT_EMPTY)
		json_object_set_new(schema, "minItems", json_integer(1));
	return schema;
}

static json_t *number_items_schema(const struct field *field)
{
	json_t *items = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)field->min);
	json_object_set_new(items, "maximum", json_integer(field->max ? (json_int_t)field->max : UINT32_MAX));
	return array_schema(field, items);
}

static json_t *quotas_schema(void)
{
	json_t *properties = json_object();
	for (int i = 0; i < QUOTA_COUNT; i++)
		json_object_set_new(properties, name_of(&quota_names, i),
			json_pack("{s:[{s:s, s:i}, {s:s, s:s}, {s:s}]}", "anyOf", "type", "integer", "minimum", 0,
				"type", "string", "pattern", NUMBER_PATTERN, "type", "null"));
	return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
}

static json_t *path_lists_schema(void)
{
	return json_pack("{s:s, s:{s:s, s:i, s:{s:s}}}", "type", "object", "additionalProperties", "type", "array",
		"minItems", 1, "items", "type", "string");
}

static json_t *value_schema(const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOL:
	case FIELD_TRI:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_MAYBE:
		return number_schema(field);
	case FIELD_SIZE:
		return one_of_two(integer_schema(field), text_schema(SIZE_PATTERN));
	case FIELD_TEXT:
		return plain_text_schema(field);
	case FIELD_ENUM:
	case FIELD_MAYBE_ENUM:
		return words_schema(field->names);
	case FIELD_DURATION:
		return text_schema(DURATION_PATTERN);
	case FIELD_TIME:
	case FIELD_MAYBE_TIME:
		return text_schema(TIME_PATTERN);
	case FIELD_CLOCK:
		return text_schema(CLOCK_PATTERN);
	case FIELD_SHARE:
		return one_of_two(json_pack("{s:s, s:i}", "type", "integer", "minimum", 0), text_schema(SHARE_PATTERN));
	case FIELD_OBJECT:
	case FIELD_POINTER:
		return object_schema(field->fields);
	case FIELD_LIST:
		return array_schema(field, object_schema(field->fields));
	case FIELD_TEXTS:
		return array_schema(
			field, field->names ? words_schema(field->names) : json_pack("{s:s}", "type", "string"));
	case FIELD_NUMBERS:
		return number_items_schema(field);
	case FIELD_QUOTAS:
		return quotas_schema();
	case FIELD_PATH_LISTS:
		return path_lists_schema();
	default:
		BUG("field '%s' has a type that has no schema", field->key);
	}
}

static json_t *preset_json(const struct field *field)
{
	if (field->type == FIELD_BOOL)
		return json_boolean(field->preset[0] == 't');
	if (field->type == FIELD_U32 || field->type == FIELD_U64 || field->type == FIELD_MAYBE)
		return json_integer(strtoll(field->preset, NULL, 10));
	return json_string(field->preset);
}

static json_t *field_schema(const struct field *field)
{
	json_t *schema = value_schema(field);
	if (decode_takes_null(field))
		schema = one_of_two(schema, json_pack("{s:s}", "type", "null"));
	if (field->preset)
		json_object_set_new(schema, "default", preset_json(field));
	if (field->doc)
		json_object_set_new(schema, "description", json_string(field->doc));
	return schema;
}

static json_t *object_schema(const struct field *fields)
{
	json_t *properties = json_object(), *required = json_array();
	for (const struct field *field = fields; field->type != FIELD_END; field++) {
		json_object_set_new(properties, field->key, field_schema(field));
		if (field->flags & FIELD_REQUIRED)
			json_array_append_new(required, json_string(field->key));
	}
	json_t *schema =
		json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

/* Manifests may carry what kustomize adds. */
static json_t *metadata_schema(const struct kind *kind)
{
	json_t *name = json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
	json_t *properties = json_pack("{s:O}", "name", name);
	if (kind->manifest) {
		json_object_set_new(name, "pattern", json_string(NAME_PATTERN));
		json_object_set_new(name, "maxLength", json_integer(63));
		json_object_set_new(properties, "namespace", json_object());
		json_object_set_new(properties, "labels", json_object());
		json_object_set_new(properties, "annotations", json_object());
	}
	json_decref(name);
	return json_pack("{s:s, s:o, s:[s], s:b}", "type", "object", "properties", properties, "required", "name",
		"additionalProperties", 0);
}

json_t *jsonschema_of(const struct kind *kind)
{
	g_autofree char *id = g_strdup_printf("https://%s/%s.schema.json", API_VERSION, kind->name);
	json_t *properties = json_pack("{s:{s:s}, s:{s:s}, s:o, s:o}", "apiVersion", "const", API_VERSION, "kind",
		"const", kind->name, "metadata", metadata_schema(kind), "spec", object_schema(kind->fields));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s, s, s, s], s:o, s:b}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "$id", id, "title", kind->name, "description",
		kind->doc, "type", "object", "required", "apiVersion", "kind", "metadata", "spec", "properties",
		properties, "additionalProperties", 0);
}
