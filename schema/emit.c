/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"
#include "schema/yaml.h"

#include <string.h>

#define MEMBER(type, object, offset) (*(type const *)((const char *)(object) + (offset)))

static json_t *text_json(const char *text)
{
	if (!text)
		return json_null();
	json_t *json = json_string(text);
	if (json)
		return json;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

/* JSON integers are signed here, so the largest numbers travel as text. */
static json_t *number_json(uint64_t value)
{
	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	char digits[32];
	g_snprintf(digits, sizeof(digits), "%" G_GUINT64_FORMAT, value);
	return json_string(digits);
}

static json_t *maybe_json(struct maybe_u64 value)
{
	return value.known ? number_json(value.value) : json_null();
}

/* What no calendar holds is no observation: it becomes 0, as if absent. */
static json_t *time_json(int64_t seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	if (!time)
		time = g_date_time_new_from_unix_utc(0);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	return json_string(text);
}

static json_t *duration_json(uint32_t seconds)
{
	static const struct {
		uint32_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;
	while (seconds == 0 ? units[i].seconds > 1 : seconds % units[i].seconds != 0)
		i++;
	return json_sprintf("%u%c", seconds / units[i].seconds, units[i].unit);
}

static json_t *share_json(struct share share)
{
	if (!share.set)
		return json_null();
	return share.percent ? json_sprintf("%u%%", share.value) : json_integer(share.value);
}

static json_t *tristate_json(enum tristate value)
{
	return value == TRI_UNKNOWN ? json_null() : json_boolean(value == TRI_YES);
}

static json_t *list_json(const struct field *field, const void *object)
{
	const char *items = MEMBER(const char *, object, field->at);
	uint32_t n = MEMBER(uint32_t, object, field->n_at);
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, emit_json(field->fields, items + i * field->size));
	return list;
}

static json_t *texts_json(const char *const *texts, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, text_json(texts[i]));
	return list;
}

static json_t *numbers_json(const uint32_t *numbers, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(numbers[i]));
	return list;
}

/* Unknown quotas, as on a fresh adapter, are left out. */
static json_t *quotas_json(const struct maybe_u64 *quotas)
{
	json_t *map = json_object();
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (quotas[i].known)
			json_object_set_new(map, name_of(&quota_names, i), number_json(quotas[i].value));
	return map;
}

static json_t *path_lists_json(const struct location_list *lists, uint32_t n)
{
	json_t *map = json_object();
	for (uint32_t i = 0; i < n; i++)
		json_object_set_new(map, lists[i].host, texts_json(lists[i].paths, lists[i].n_paths));
	return map;
}

static json_t *enum_json(const struct field *field, const void *object)
{
	int value;
	memcpy(&value, (const char *)object + field->at, sizeof(value));
	return json_string(name_of(field->names, value));
}

static json_t *maybe_enum_json(const struct field *field, struct maybe_u64 value)
{
	return value.known ? json_string(name_of(field->names, (int)value.value)) : json_null();
}

static json_t *scalar_json(const struct field *field, const void *object)
{
	switch (field->type) {
	case FIELD_BOOL:
		return json_boolean(MEMBER(bool, object, field->at));
	case FIELD_TRI:
		return tristate_json(MEMBER(enum tristate, object, field->at));
	case FIELD_U32:
		return json_integer(MEMBER(uint32_t, object, field->at));
	case FIELD_U64:
		return number_json(MEMBER(uint64_t, object, field->at));
	case FIELD_MAYBE:
	case FIELD_SIZE:
		return maybe_json(MEMBER(struct maybe_u64, object, field->at));
	case FIELD_TEXT:
		return text_json(MEMBER(const char *, object, field->at));
	case FIELD_ENUM:
		return enum_json(field, object);
	case FIELD_MAYBE_ENUM:
		return maybe_enum_json(field, MEMBER(struct maybe_u64, object, field->at));
	case FIELD_DURATION:
		return duration_json(MEMBER(uint32_t, object, field->at));
	case FIELD_TIME:
		return time_json(MEMBER(int64_t, object, field->at));
	case FIELD_MAYBE_TIME: {
		struct maybe_u64 time = MEMBER(struct maybe_u64, object, field->at);
		return time.known ? time_json((int64_t)time.value) : json_null();
	}
	case FIELD_CLOCK: {
		uint32_t minutes = MEMBER(uint32_t, object, field->at);
		return json_sprintf("%02u:%02u", minutes / 60, minutes % 60);
	}
	case FIELD_SHARE:
		return share_json(MEMBER(struct share, object, field->at));
	default:
		BUG("field '%s' has a type that cannot be written", field->key);
	}
}

static json_t *field_json(const struct field *field, const void *object)
{
	if (field->flags & FIELD_SECRET)
		return MEMBER(const char *, object, field->at) ? json_string("(secret)") : json_null();
	switch (field->type) {
	case FIELD_OBJECT:
		return emit_json(field->fields, (const char *)object + field->at);
	case FIELD_POINTER: {
		const void *inner = MEMBER(const void *, object, field->at);
		return inner ? emit_json(field->fields, inner) : json_null();
	}
	case FIELD_LIST:
		return list_json(field, object);
	case FIELD_TEXTS:
		return texts_json(
			MEMBER(const char *const *, object, field->at), MEMBER(uint32_t, object, field->n_at));
	case FIELD_NUMBERS:
		return numbers_json(MEMBER(const uint32_t *, object, field->at), MEMBER(uint32_t, object, field->n_at));
	case FIELD_QUOTAS:
		return quotas_json(&MEMBER(struct maybe_u64, object, field->at));
	case FIELD_PATH_LISTS:
		return path_lists_json(
			MEMBER(const struct location_list *, object, field->at), MEMBER(uint32_t, object, field->n_at));
	default:
		return scalar_json(field, object);
	}
}

/* Whether a value says no more than its absence would: null, empty, or as its row presets. */
static bool is_default(const struct field *field, const void *object, const json_t *json)
{
	if (json_is_null(json) || (json_is_object(json) && json_object_size(json) == 0) ||
		(json_is_array(json) && json_array_size(json) == 0))
		return true;
	if (field->type == FIELD_TIME)
		return MEMBER(int64_t, object, field->at) == 0;
	const char *preset = field->preset;
	if (field->type == FIELD_TRI && !preset)
		return false; /* of three answers the absent one is null, seen above */
	if (json_is_boolean(json))
		return json_is_true(json) == (preset && strcmp(preset, "true") == 0);
	if (json_is_integer(json))
		return json_integer_value(json) == (preset ? g_ascii_strtoll(preset, NULL, 10) : 0);
	return json_is_string(json) && preset && strcmp(json_string_value(json), preset) == 0;
}

/* Some fields have no written form for "nothing": they are absent. */
static bool is_absent(const struct field *field, const void *object, const json_t *json)
{
	if (field->type == FIELD_SHARE)
		return json_is_null(json);
	bool is_many = json_is_array(json) || field->type == FIELD_PATH_LISTS;
	bool is_left_out = (field->flags & FIELD_NOT_EMPTY) && !(field->flags & FIELD_REQUIRED) && is_many;
	return (is_left_out || (field->flags & FIELD_OMIT)) && is_default(field, object, json);
}

json_t *emit_json(const struct field *fields, const void *object)
{
	json_t *map = json_object();
	for (const struct field *field = fields; field->type != FIELD_END; field++) {
		json_t *value = field_json(field, object);
		if (is_absent(field, object, value))
			json_decref(value);
		else
			json_object_set_new(map, field->key, value);
	}
	return map;
}

void emit_yaml(GString *out, const struct field *fields, const void *object, unsigned indent)
{
	json_auto_t *json = emit_json(fields, object);
	yaml_write(out, json, indent);
}
