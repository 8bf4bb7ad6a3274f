/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/yaml.h"

#include <stdbool.h>
#include <string.h>

static void write_member(GString *out, const json_t *value, unsigned indent);

static void spaces(GString *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		g_string_append_c(out, ' ');
}

/* Words that some version of YAML takes for a bool or null. */
static bool is_reserved(const char *text)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

/* Whether a block scalar without quotes stands for exactly this text. Anything that starts like a number is not. */
static bool is_plain(const char *text)
{
	if (!g_ascii_isalpha(text[0]) && !strchr("/\\_", text[0]))
		return false;
	if (!text[0] || is_reserved(text))
		return false;
	for (const char *at = text; *at; at++) {
		if (!g_ascii_isalnum(*at) && !strchr(" _./\\()#@&+-=,~%:", *at))
			return false;
		if (*at == ':' && (at[1] == ' ' || !at[1]))
			return false;
		if (*at == ' ' && (at[1] == '#' || !at[1]))
			return false;
	}
	return true;
}

/* Characters that libyaml refuses unescaped, or that some reader takes for a line break. */
static bool needs_escape(gunichar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
	       (c & 0xfffe) == 0xfffe;
}

static void write_escape(GString *out, gunichar c)
{
	if (c == '\n')
		g_string_append(out, "\\n");
	else if (c == '\t')
		g_string_append(out, "\\t");
	else if (c < 0x100)
		g_string_append_printf(out, "\\x%02X", c);
	else if (c < 0x10000)
		g_string_append_printf(out, "\\u%04X", c);
	else
		g_string_append_printf(out, "\\U%08X", c);
}

void yaml_write_text(GString *out, const char *text)
{
	if (is_plain(text)) {
		g_string_append(out, text);
		return;
	}
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_string_append_c(out, '"');
	for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (c == '"' || c == '\\') {
			g_string_append_c(out, '\\');
			g_string_append_c(out, (char)c);
		} else if (needs_escape(c)) {
			write_escape(out, c);
		} else {
			g_string_append_unichar(out, c);
		}
	}
	g_string_append_c(out, '"');
}

static void write_scalar(GString *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		yaml_write_text(out, json_string_value(value));
		break;
	case JSON_INTEGER:
		g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL: {
		char digits[G_ASCII_DTOSTR_BUF_SIZE];
		g_string_append(out, g_ascii_dtostr(digits, sizeof(digits), json_real_value(value)));
		break;
	}
	case JSON_TRUE:
		g_string_append(out, "true");
		break;
	case JSON_FALSE:
		g_string_append(out, "false");
		break;
	default:
		g_string_append(out, json_is_object(value) ? "{}" : json_is_array(value) ? "[]" : "null");
	}
}

static bool is_block(const json_t *value)
{
	return (json_is_object(value) && json_object_size(value) > 0) ||
	       (json_is_array(value) && json_array_size(value) > 0);
}

/* Lists of numbers stand on one line. */
static bool is_numbers(const json_t *value)
{
	if (!json_is_array(value) || json_array_size(value) == 0)
		return false;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_integer(json_array_get(value, i)))
			return false;
	return true;
}

static void write_numbers(GString *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		g_string_append(out, i == 0 ? "[" : ", ");
		write_scalar(out, json_array_get(list, i));
	}
	g_string_append_c(out, ']');
}

/* The members of a mapping; the first one goes on the current line, for it may follow "- ". */
static void write_map(GString *out, const json_t *map, unsigned indent)
{
	const char *key;
	json_t *value;
	bool first = true;
	json_object_foreach((json_t *)map, key, value)
	{
		if (!first)
			spaces(out, indent);
		first = false;
		yaml_write_text(out, key);
		g_string_append_c(out, ':');
		write_member(out, value, indent);
	}
}

/* The items of a list, the first one on the current line. */
static void write_list(GString *out, const json_t *list, unsigned indent)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);
		if (i > 0)
			spaces(out, indent);
		g_string_append(out, "- ");
		if (is_numbers(item)) {
			write_numbers(out, item);
			g_string_append_c(out, '\n');
		} else if (json_is_object(item) && is_block(item)) {
			write_map(out, item, indent + 2);
		} else if (is_block(item)) {
			write_list(out, item, indent + 2);
		} else {
			write_scalar(out, item);
			g_string_append_c(out, '\n');
		}
	}
}

/* What follows "key:". */
static void write_member(GString *out, const json_t *value, unsigned indent)
{
	if (is_numbers(value)) {
		g_string_append_c(out, ' ');
		write_numbers(out, value);
		g_string_append_c(out, '\n');
	} else if (is_block(value)) {
		g_string_append_c(out, '\n');
		yaml_write(out, value, indent + 2);
	} else {
		g_string_append_c(out, ' ');
		write_scalar(out, value);
		g_string_append_c(out, '\n');
	}
}

void yaml_write(GString *out, const json_t *value, unsigned indent)
{
	spaces(out, indent);
	if (json_is_object(value) && is_block(value)) {
		write_map(out, value, indent);
	} else if (is_block(value) && !is_numbers(value)) {
		write_list(out, value, indent);
	} else {
		if (is_numbers(value))
			write_numbers(out, value);
		else
			write_scalar(out, value);
		g_string_append_c(out, '\n');
	}
}
