/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

static void fields_write(GString *out, const char *path, const struct field *fields);

static const char intro[] = "# Manifests\n"
			    "\n"
			    "Made from the field tables in `schema/kind_*.c`; do not edit by hand.\n"
			    "\n"
			    "A document has `apiVersion: " API_VERSION
			    "`, a `kind`, a `metadata.name` and a `spec`. Any number of documents\n"
			    "may stand in a file, separated by `---`, and any number of `*.yaml`, `*.yml` and `*.json` "
			    "files in a folder; their\n"
			    "order does not matter. Unknown and repeated keys, values of a wrong type, anchors, "
			    "aliases, tags and tabs are\n"
			    "refused. `null` means the same as leaving the field out.\n"
			    "\n"
			    "Sizes are bytes, alone or with a unit: `1024`, `512Mi`, `16Gi`, `3G`. Durations are a "
			    "number and a unit: `30s`,\n"
			    "`5m`, `4h`, `7d`. Times are RFC 3339 in UTC: `\"2026-11-24T01:00:00Z\"`.\n";

static void range_write(GString *out, const struct field *field)
{
	if (field->min == 0 && field->max == 0)
		return;
	if (field->max == 0 || field->max >= UINT32_MAX)
		g_string_append_printf(out, ", at least %" G_GUINT64_FORMAT, field->min);
	else
		g_string_append_printf(out, ", %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, field->min, field->max);
}

static void seconds_write(GString *out, uint64_t seconds)
{
	if (seconds && seconds % 86400 == 0)
		g_string_append_printf(out, "%" G_GUINT64_FORMAT "d", seconds / 86400);
	else if (seconds && seconds % 60 == 0)
		g_string_append_printf(out, "%" G_GUINT64_FORMAT "m", seconds / 60);
	else
		g_string_append_printf(out, "%" G_GUINT64_FORMAT "s", seconds);
}

static void words_write(GString *out, const char *before, const struct names *names)
{
	g_string_append(out, before);
	for (size_t i = 0; i < names->n; i++)
		g_string_append_printf(out, "%s`%s`", i ? ", " : "", names->names[i]);
}

static void type_write(GString *out, const struct field *field)
{
	switch (field->type) {
	case FIELD_BOOL:
	case FIELD_TRI:
		g_string_append(out, "true or false");
		break;
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_MAYBE:
		g_string_append(out, "number");
		range_write(out, field);
		break;
	case FIELD_SIZE:
		g_string_append(out, "size");
		break;
	case FIELD_TEXT:
		g_string_append(out, field->flags & FIELD_NAME ? "name" : "text");
		if (field->refers)
			g_string_append_printf(out, ", of a %s", field->refers);
		break;
	case FIELD_ENUM:
	case FIELD_MAYBE_ENUM:
		words_write(out, "", field->names);
		break;
	case FIELD_DURATION:
		g_string_append(out, "duration");
		if (field->max) {
			g_string_append(out, ", ");
			seconds_write(out, field->min);
			g_string_append(out, " to ");
			seconds_write(out, field->max);
		}
		break;
	case FIELD_TIME:
	case FIELD_MAYBE_TIME:
		g_string_append(out, "time");
		break;
	case FIELD_CLOCK:
		g_string_append(out, "`\"HH:MM\"`");
		break;
	case FIELD_SHARE:
		g_string_append(out, "number or percentage");
		break;
	case FIELD_LIST:
		g_string_append(out, "list");
		if (field->merge_key)
			g_string_append_printf(out, " by `%s`", field->merge_key);
		break;
	case FIELD_TEXTS:
		if (field->names)
			words_write(out, "list of ", field->names);
		else
			g_string_append(out, "list of texts");
		break;
	case FIELD_NUMBERS:
		g_string_append(out, "list of numbers");
		break;
	case FIELD_QUOTAS:
		words_write(out, "numbers by ", &quota_names);
		break;
	case FIELD_PATH_LISTS:
		g_string_append(out, "lists of location paths by host");
		break;
	default:
		g_string_append(out, "object");
	}
}

static void field_write(GString *out, const char *path, const struct field *field)
{
	g_string_append_printf(out, "| `%s%s` | ", path, field->key);
	type_write(out, field);
	if (field->flags & FIELD_REQUIRED)
		g_string_append(out, " | **required** | ");
	else if (field->preset)
		g_string_append_printf(out, " | `%s` | ", field->preset);
	else
		g_string_append(out, " | | ");
	for (const char *at = field->doc ? field->doc : ""; *at; at++) {
		if (*at == '|')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *at);
	}
	g_string_append(out, " |\n");
	if (!field->fields)
		return;
	g_autofree char *inner = g_strdup_printf("%s%s%s.", path, field->key, field->type == FIELD_LIST ? "[]" : "");
	fields_write(out, inner, field->fields);
}

static void fields_write(GString *out, const char *path, const struct field *fields)
{
	for (const struct field *field = fields; field->type != FIELD_END; field++)
		field_write(out, path, field);
}

void manual_write(GString *out)
{
	g_string_append(out, intro);
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		g_string_append_printf(out, "\n## %s\n\n%s\n\n", (*kind)->name, (*kind)->doc);
		g_string_append(out, "| field of `spec` | value | default | meaning |\n| --- | --- | --- | --- |\n");
		fields_write(out, "", (*kind)->fields);
	}
}
