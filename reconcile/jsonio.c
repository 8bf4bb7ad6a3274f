/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/jsonio.h"

#include <stdarg.h>
#include <string.h>

json_t *jsonio_text(const char *text)
{
	if (!text)
		return json_null();
	json_t *json = json_string(text);
	if (json)
		return json;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

json_t *jsonio_u64(uint64_t value)
{
	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	char text[24];
	g_snprintf(text, sizeof(text), "%" G_GUINT64_FORMAT, value);
	return json_string(text);
}

json_t *jsonio_maybe(struct maybe_u64 value)
{
	return value.known ? jsonio_u64(value.value) : json_null();
}

json_t *jsonio_time(int64_t seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
	if (!time)
		return json_integer(seconds);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	return jsonio_text(text);
}

json_t *jsonio_loc(struct loc loc)
{
	if (!loc.source)
		return json_null();
	json_t *json = json_object();
	json_object_set_new(json, "file", jsonio_text(loc.source->name));
	json_object_set_new(json, "line", json_integer(loc.line));
	json_object_set_new(json, "col", json_integer(loc.col));
	json_object_set_new(json, "len", json_integer(loc.len));
	return json;
}

/* ---- reading ---- */

void jsonio_fail(struct jsonio_reader *reader, const char *fmt, ...)
{
	if (reader->failed)
		return;
	reader->failed = true;
	va_list args;
	va_start(args, fmt);
	g_autofree char *message = g_strdup_vprintf(fmt, args);
	va_end(args);
	diag_add(reader->diags, D_PLAN_FILE, (struct loc){ .source = reader->source }, NULL, "%s", message);
}

static json_t *get(
	struct jsonio_reader *reader, json_t *in, const char *key, bool (*is)(const json_t *), const char *what)
{
	json_t *value = json_object_get(in, key);
	if (!value)
		jsonio_fail(reader, "'%s' is missing in the plan", key);
	else if (!is(value))
		jsonio_fail(reader, "'%s' of the plan must be %s", key, what);
	else
		return value;
	return NULL;
}

#define IS(name, test) \
	static bool name(const json_t *json) \
	{ \
		return test(json); \
	}
IS(is_object, json_is_object)
IS(is_array, json_is_array)
IS(is_text, json_is_string)
IS(is_integer, json_is_integer)
IS(is_bool, json_is_boolean)

json_t *jsonio_get_object(struct jsonio_reader *reader, json_t *in, const char *key)
{
	return get(reader, in, key, is_object, "an object");
}

json_t *jsonio_get_array(struct jsonio_reader *reader, json_t *in, const char *key)
{
	return get(reader, in, key, is_array, "a list");
}

const char *jsonio_get_text(struct jsonio_reader *reader, json_t *in, const char *key)
{
	json_t *value = get(reader, in, key, is_text, "text");
	return value ? arena_strdup(reader->arena, json_string_value(value)) : NULL;
}

static bool is_absent(json_t *in, const char *key)
{
	json_t *value = json_object_get(in, key);
	return !value || json_is_null(value);
}

const char *jsonio_get_optional(struct jsonio_reader *reader, json_t *in, const char *key)
{
	return is_absent(in, key) ? NULL : jsonio_get_text(reader, in, key);
}

uint64_t jsonio_get_u64(struct jsonio_reader *reader, json_t *in, const char *key)
{
	json_t *value = json_object_get(in, key);
	guint64 number = 0;
	if (json_is_string(value)) {
		if (!g_ascii_string_to_unsigned(json_string_value(value), 10, 0, G_MAXUINT64, &number, NULL))
			jsonio_fail(reader, "'%s' of the plan is not a number", key);
		return number;
	}
	value = get(reader, in, key, is_integer, "a number");
	if (value && json_integer_value(value) < 0)
		jsonio_fail(reader, "'%s' of the plan is negative", key);
	return value && json_integer_value(value) >= 0 ? (uint64_t)json_integer_value(value) : 0;
}

uint32_t jsonio_get_u32(struct jsonio_reader *reader, json_t *in, const char *key)
{
	uint64_t value = jsonio_get_u64(reader, in, key);
	if (value <= UINT32_MAX)
		return (uint32_t)value;
	jsonio_fail(reader, "'%s' of the plan is too large", key);
	return 0;
}

struct maybe_u64 jsonio_get_maybe(struct jsonio_reader *reader, json_t *in, const char *key)
{
	return is_absent(in, key) ? UNKNOWN : KNOWN(jsonio_get_u64(reader, in, key));
}

bool jsonio_get_bool(struct jsonio_reader *reader, json_t *in, const char *key)
{
	json_t *value = get(reader, in, key, is_bool, "true or false");
	return value && json_is_true(value);
}

int64_t jsonio_get_time(struct jsonio_reader *reader, json_t *in, const char *key)
{
	json_t *value = json_object_get(in, key);
	if (json_is_integer(value))
		return json_integer_value(value);
	const char *text = jsonio_get_text(reader, in, key);
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, utc) : NULL;
	if (text && !time)
		jsonio_fail(reader, "'%s' of the plan is not a time", key);
	return time ? g_date_time_to_unix(time) : 0;
}

int jsonio_get_enum(struct jsonio_reader *reader, json_t *in, const char *key, const struct names *names)
{
	const char *text = jsonio_get_text(reader, in, key);
	if (!text)
		return 0;
	int value = name_find(names, text);
	if (value < 0)
		jsonio_fail(reader, "'%s' of the plan is '%s', which this version does not know", key, text);
	return value < 0 ? 0 : value;
}

static const struct source *file_named(struct jsonio_reader *reader, const char *name)
{
	struct source *file = g_hash_table_lookup(reader->files, name);
	if (file)
		return file;
	file = arena_new_of(reader->arena, struct source);
	file->name = name;
	file->bytes = "";
	g_hash_table_insert(reader->files, (gpointer)name, file);
	return file;
}

struct loc jsonio_get_loc(struct jsonio_reader *reader, json_t *in, const char *key)
{
	if (is_absent(in, key))
		return LOC_NONE;
	json_t *object = jsonio_get_object(reader, in, key);
	const char *name = object ? jsonio_get_text(reader, object, "file") : NULL;
	if (!name)
		return LOC_NONE;
	return (struct loc){
		.source = file_named(reader, name),
		.line = jsonio_get_u32(reader, object, "line"),
		.col = jsonio_get_u32(reader, object, "col"),
		.len = jsonio_get_u32(reader, object, "len"),
	};
}
