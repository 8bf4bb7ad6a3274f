/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode_value.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

enum { SHOWN_LENGTH_MAX = 40, MINUTE = 60, HOUR = 3600, DAY = 86400 };

static void put(void *object, size_t at, const void *value, size_t size)
{
	memcpy((char *)object + at, value, size);
}

const char *decode_path(struct decoder *decoder)
{
	g_autoptr(GString) path = g_string_new(NULL);
	for (const struct place *place = decoder->place; place; place = place->up) {
		g_autofree char *index = place->key ? NULL : g_strdup_printf("[%u]", place->index);
		if (path->len && path->str[0] != '[')
			g_string_prepend_c(path, '.');
		g_string_prepend(path, place->key ? place->key : index);
	}
	return arena_strdup(decoder->arena, path->str);
}

int decode_fail(struct decoder *decoder, enum diag_code code, struct loc loc, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	g_autofree char *message = g_strdup_vprintf(fmt, args);
	va_end(args);
	if (loc.line)
		return diag_add(decoder->diags, code, loc, NULL, "%s", message);
	const char *path = decode_path(decoder);
	return diag_add(decoder->diags, code, loc, NULL, "%s%s%s", message, *path ? ", at " : "", path);
}

static struct loc loc_of(struct decoder *decoder, const struct node *node)
{
	return node_loc(decoder->document, node);
}

/* ---- what a scalar looks like ---- */

static bool is_number(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	if (*digits != '.' && !g_ascii_isdigit(*digits))
		return false;
	if (strcmp(digits, ".inf") == 0 || strcmp(text, ".nan") == 0)
		return true;
	if (g_str_has_prefix(digits, "0o"))
		return digits[2] && strspn(digits + 2, "01234567") == strlen(digits + 2);
	char *end;
	g_ascii_strtod(digits, &end);
	return end > digits && !*end;
}

static int boolean_of(const char *text)
{
	static const char *const words[] = { "false", "true", "False", "True", "FALSE", "TRUE" };
	for (int i = 0; i < (int)G_N_ELEMENTS(words); i++)
		if (strcmp(words[i], text) == 0)
			return i % 2;
	return -1;
}

static char *shorten(const char *text)
{
	if (g_utf8_strlen(text, -1) <= SHOWN_LENGTH_MAX)
		return g_strdup(text);
	g_autofree char *start = g_utf8_substring(text, 0, SHOWN_LENGTH_MAX);
	return g_strconcat(start, "…", NULL);
}

static char *describe(const struct node *node)
{
	if (node->kind == NODE_LIST)
		return g_strdup("a list");
	if (node->kind == NODE_MAP)
		return g_strdup("a mapping");
	if (node_is_null(node))
		return g_strdup("nothing");
	g_autofree char *text = shorten(node->text);
	if (!node->quoted && is_number(node->text))
		return g_strdup_printf("the number %s", text);
	if (!node->quoted && boolean_of(node->text) >= 0)
		return g_strdup(text);
	return g_strdup_printf("text '%s'", text);
}

/* What YAML 1.1 took for a boolean, and people still write. */
static const char *meant_boolean(const char *text)
{
	static const struct {
		const char *word, *hint;
	} words[] = { { "yes", "; write true" }, { "on", "; write true" }, { "no", "; write false" },
		{ "off", "; write false" } };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_ascii_strcasecmp(words[i].word, text) == 0)
			return words[i].hint;
	return "";
}

int decode_wrong_type(struct decoder *decoder, const struct field *field, const struct node *node, const char *what)
{
	g_autofree char *found = describe(node);
	bool wants_number = field->type == FIELD_U32 || field->type == FIELD_U64 || field->type == FIELD_MAYBE;
	bool wants_boolean = field->type == FIELD_BOOL || field->type == FIELD_TRI;
	const char *hint = "";
	if (node->kind != NODE_SCALAR)
		hint = "";
	else if (node->quoted &&
		 ((wants_number && is_number(node->text)) || (wants_boolean && boolean_of(node->text) >= 0)))
		hint = "; remove the quotes";
	else if (wants_boolean)
		hint = meant_boolean(node->text);
	return decode_fail(decoder, D_FIELD_TYPE, loc_of(decoder, node), "expected %s for '%s', found %s%s", what,
		field->key, found, hint);
}

static bool is_scalar(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node_is_null(node);
}

/* ---- numbers and what is made of them ---- */

static uint64_t largest_of(const struct field *field, uint64_t type_largest)
{
	return field->max ? MIN(field->max, type_largest) : type_largest;
}

/* 'most' may be NULL: as much as the type can hold. */
static int out_of_range(struct decoder *decoder, const struct field *field, const struct node *node, const char *least,
	const char *most)
{
	g_autofree char *shown = shorten(node->text);
	return decode_fail(decoder, D_FIELD_RANGE, loc_of(decoder, node), "'%s' is %s; allowed is %s %s%s", field->key,
		shown, least, most ? "to " : "or more", most ? most : "");
}

static int number_out_of_range(
	struct decoder *decoder, const struct field *field, const struct node *node, uint64_t largest)
{
	g_autofree char *least = g_strdup_printf("%" G_GUINT64_FORMAT, field->min);
	g_autofree char *most = g_strdup_printf("%" G_GUINT64_FORMAT, largest);
	return out_of_range(decoder, field, node, least, most);
}

static bool is_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* JSON integers are signed in many a reader, so emit.c writes larger ones as text. */
static bool is_beyond_json(const char *text)
{
	return is_digits(text) && !g_ascii_string_to_unsigned(text, 10, 0, INT64_MAX, NULL, NULL);
}

int decode_number(
	struct decoder *decoder, const struct field *field, const struct node *node, uint64_t largest, uint64_t *out)
{
	if (!is_scalar(node) || (node->quoted && !is_beyond_json(node->text)) || !is_number(node->text))
		return decode_wrong_type(decoder, field, node, "a number");
	const char *digits = node->text + (*node->text == '-' || *node->text == '+');
	if (!is_digits(digits) || (digits[0] == '0' && digits[1]))
		return decode_wrong_type(decoder, field, node, "a whole number without leading zeros");
	uint64_t value;
	largest = largest_of(field, largest);
	if (*node->text == '-' || !g_ascii_string_to_unsigned(digits, 10, field->min, largest, &value, NULL))
		return number_out_of_range(decoder, field, node, largest);
	*out = value;
	return 0;
}

static const struct unit {
	const char *suffix;
	uint64_t factor;
} size_units[] = {
	{ "", 1 }, { "Ki", 1ull << 10 }, { "Mi", 1ull << 20 }, { "Gi", 1ull << 30 }, { "Ti", 1ull << 40 },
	{ "K", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { "T", 1000000000000 },
}, time_units[] = { { "s", 1 }, { "m", MINUTE }, { "h", HOUR }, { "d", DAY } };

/* Reads digits and one of the units and moves behind them; false where that is not what stands there. */
static bool take_quantity(const char **text, const struct unit *units, size_t n_units, uint64_t *out)
{
	size_t n_digits = strspn(*text, "0123456789");
	size_t n_letters = strspn(*text + n_digits, "KMGTismhd");
	if (!n_digits || n_digits > 20)
		return false;
	g_autofree char *digits = g_strndup(*text, n_digits);
	g_autofree char *suffix = g_strndup(*text + n_digits, n_letters);
	uint64_t value;
	if (!g_ascii_string_to_unsigned(digits, 10, 0, UINT64_MAX, &value, NULL))
		return false;
	for (size_t i = 0; i < n_units; i++) {
		if (strcmp(units[i].suffix, suffix) != 0)
			continue;
		*text += n_digits + n_letters;
		*out = value;
		return !__builtin_mul_overflow(value, units[i].factor, out);
	}
	return false;
}

/* "512Mi", "4Gi": bytes in the largest unit that divides them. */
static char *size_text(uint64_t bytes)
{
	size_t best = 0; /* the row of plain bytes */
	for (size_t i = 0; i < G_N_ELEMENTS(size_units); i++)
		if (bytes && bytes % size_units[i].factor == 0 && size_units[i].factor > size_units[best].factor)
			best = i;
	return g_strdup_printf("%" G_GUINT64_FORMAT "%s", bytes / size_units[best].factor, size_units[best].suffix);
}

static int decode_size(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	uint64_t bytes = 0;
	const char *text = node->text;
	if (node->kind != NODE_SCALAR || !take_quantity(&text, size_units, G_N_ELEMENTS(size_units), &bytes) || *text)
		return decode_wrong_type(decoder, field, node, "a size like 512Mi or 16Gi");
	uint64_t largest = largest_of(field, UINT64_MAX);
	if (bytes < field->min || bytes > largest) {
		g_autofree char *least = size_text(field->min), *most = size_text(largest);
		return out_of_range(decoder, field, node, least, field->max ? most : NULL);
	}
	put(object, field->at, &KNOWN(bytes), sizeof(struct maybe_u64));
	return 0;
}

/* "4h", "90s": seconds in the largest unit that divides them. */
static char *duration_text(uint64_t seconds)
{
	size_t i = G_N_ELEMENTS(time_units) - 1;
	while (i && (seconds == 0 || seconds % time_units[i].factor))
		i--;
	return g_strdup_printf("%" G_GUINT64_FORMAT "%s", seconds / time_units[i].factor, time_units[i].suffix);
}

static int decode_duration(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	uint64_t seconds = 0, part = 0;
	const char *text = node->kind == NODE_SCALAR ? node->text : "";
	bool good = *text != '\0';
	while (good && *text) {
		good = take_quantity(&text, time_units, G_N_ELEMENTS(time_units), &part) && part <= UINT32_MAX;
		seconds += part;
	}
	if (!good)
		return decode_wrong_type(decoder, field, node, "a duration like 30s, 5m, 4h or 7d");
	uint64_t largest = largest_of(field, UINT32_MAX);
	if (seconds < field->min || seconds > largest) {
		g_autofree char *least = duration_text(field->min), *most = duration_text(largest);
		return out_of_range(decoder, field, node, least, most);
	}
	put(object, field->at, &(uint32_t){ (uint32_t)seconds }, sizeof(uint32_t));
	return 0;
}

static int decode_share(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	struct share share = { .set = true };
	g_autofree char *digits = node->kind == NODE_SCALAR ? g_strdup(node->text) : g_strdup("");
	size_t len = strlen(digits);
	if (len && digits[len - 1] == '%') {
		share.percent = true;
		digits[len - 1] = '\0';
	}
	if (!is_digits(digits))
		return decode_wrong_type(decoder, field, node, "a number or a percentage like \"50%\"");
	uint64_t value, largest = share.percent ? 100 : largest_of(field, UINT32_MAX);
	if (!g_ascii_string_to_unsigned(digits, 10, share.percent ? 0 : field->min, largest, &value, NULL)) {
		if (share.percent)
			return out_of_range(decoder, field, node, "0%", "100%");
		return number_out_of_range(decoder, field, node, largest);
	}
	share.value = (uint32_t)value;
	put(object, field->at, &share, sizeof(share));
	return 0;
}

/* ---- times ---- */

static int decode_clock(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	const char *text = node->kind == NODE_SCALAR ? node->text : "";
	if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789") != 2 ||
		strspn(text + 3, "0123456789") != 2)
		return decode_wrong_type(decoder, field, node, "a time of the day like \"01:00\"");
	uint32_t hour = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
	uint32_t minute = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');
	if (hour > 23 || minute > 59)
		return out_of_range(decoder, field, node, "00:00", "23:59");
	put(object, field->at, &(uint32_t){ hour * 60 + minute }, sizeof(uint32_t));
	return 0;
}

static int decode_time(struct decoder *decoder, const struct field *field, const struct node *node, int64_t *out)
{
	const char *text = node->kind == NODE_SCALAR ? node->text : "";
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) time = strchr(text, 'T') ? g_date_time_new_from_iso8601(text, utc) : NULL;
	if (!time)
		return decode_wrong_type(decoder, field, node, "a time like 2026-03-01T12:00:00Z");
	*out = g_date_time_to_unix(time);
	return 0;
}

static int decode_maybe_time(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	int64_t time = 0;
	if (decode_time(decoder, field, node, &time) < 0)
		return -1;
	if (time < 0)
		return out_of_range(decoder, field, node, "1970-01-01T00:00:00Z", "now");
	put(object, field->at, &KNOWN((uint64_t)time), sizeof(struct maybe_u64));
	return 0;
}

/* ---- text ---- */

static int not_one_of(struct decoder *decoder, const struct field *field, const struct node *node)
{
	g_autoptr(GString) allowed = g_string_new(NULL);
	for (size_t i = 0; i < field->names->n; i++)
		g_string_append_printf(allowed, "%s%s", allowed->len ? ", " : "", field->names->names[i]);
	g_autofree char *shown = shorten(node->text);
	const char *near = text_nearest_name(node->text, field->names);
	return decode_fail(decoder, D_FIELD_RANGE, loc_of(decoder, node), "'%s' is '%s'; allowed is one of %s%s%s%s",
		field->key, shown, allowed->str, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int check_length(struct decoder *decoder, const struct field *field, const struct node *node)
{
	if ((field->flags & FIELD_NOT_EMPTY) && !*node->text)
		return decode_fail(decoder, D_FIELD_RANGE, loc_of(decoder, node), "'%s' is empty", field->key);
	if (!field->min && !field->max)
		return 0; /* counting characters costs, and most texts may have any number */
	uint64_t len = (uint64_t)g_utf8_strlen(node->text, -1);
	if (len < field->min || (field->max && len > field->max))
		return decode_fail(decoder, D_FIELD_RANGE, loc_of(decoder, node),
			"'%s' has %" G_GUINT64_FORMAT " characters; allowed is %" G_GUINT64_FORMAT
			" to %" G_GUINT64_FORMAT,
			field->key, len, field->min, field->max);
	return 0;
}

int decode_text(struct decoder *decoder, const struct field *field, const struct node *node, const char **out)
{
	if (!is_scalar(node))
		return decode_wrong_type(decoder, field, node, "text");
	if (!node->quoted && (boolean_of(node->text) >= 0 || is_number(node->text))) {
		g_autofree char *found = describe(node);
		return decode_fail(decoder, D_FIELD_TYPE, loc_of(decoder, node),
			"expected text for '%s', found %s; put it in quotes", field->key, found);
	}
	if (check_length(decoder, field, node) < 0)
		return -1;
	if ((field->flags & FIELD_NAME) && !text_is_name(node->text)) {
		g_autofree char *shown = shorten(node->text);
		return decode_fail(decoder, D_FIELD_RANGE, loc_of(decoder, node),
			"'%s' is not a name; use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and last",
			shown);
	}
	if (field->names && name_find(field->names, node->text) < 0)
		return not_one_of(decoder, field, node);
	*out = arena_strdup(decoder->arena, node->text);
	return 0;
}

static int decode_enum(struct decoder *decoder, const struct field *field, const struct node *node, int *out)
{
	if (!is_scalar(node))
		return decode_wrong_type(decoder, field, node, "a word");
	int value = name_find(field->names, node->text);
	if (value < 0)
		return not_one_of(decoder, field, node);
	*out = value;
	return 0;
}

static int decode_boolean(struct decoder *decoder, const struct field *field, const struct node *node, bool *out)
{
	int value = is_scalar(node) && !node->quoted ? boolean_of(node->text) : -1;
	if (value < 0)
		return decode_wrong_type(decoder, field, node, "true or false");
	*out = value;
	return 0;
}

/* ---- one scalar by its row ---- */

bool decode_takes_null(const struct field *field)
{
	switch (field->type) {
	case FIELD_TRI:
	case FIELD_MAYBE:
	case FIELD_SIZE:
	case FIELD_MAYBE_ENUM:
	case FIELD_MAYBE_TIME:
	case FIELD_POINTER:
	case FIELD_QUOTAS:
		return true;
	case FIELD_TEXT:
		return !(field->flags & FIELD_REQUIRED);
	default:
		return false;
	}
}

#define STORE(type, decode) \
	{ \
		type value = 0; \
		if ((decode) < 0) \
			return -1; \
		put(object, field->at, &value, sizeof(value)); \
		return 0; \
	}

static int decode_maybe(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	uint64_t value = 0;
	int word = 0;
	int result = field->type == FIELD_MAYBE ? decode_number(decoder, field, node, UINT64_MAX, &value)
						: decode_enum(decoder, field, node, &word);
	if (result < 0)
		return -1;
	struct maybe_u64 maybe = KNOWN(field->type == FIELD_MAYBE ? value : (uint64_t)word);
	put(object, field->at, &maybe, sizeof(maybe));
	return 0;
}

static int decode_u32(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	uint64_t value;
	if (decode_number(decoder, field, node, UINT32_MAX, &value) < 0)
		return -1;
	put(object, field->at, &(uint32_t){ (uint32_t)value }, sizeof(uint32_t));
	return 0;
}

static int decode_tristate(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	bool value = false;
	if (decode_boolean(decoder, field, node, &value) < 0)
		return -1;
	put(object, field->at, &(enum tristate){ value ? TRI_YES : TRI_NO }, sizeof(enum tristate));
	return 0;
}

int decode_scalar(struct decoder *decoder, const struct field *field, const struct node *node, void *object)
{
	if (node_is_null(node) && decode_takes_null(field))
		return 0;
	switch (field->type) {
	case FIELD_BOOL:
		STORE(bool, decode_boolean(decoder, field, node, &value))
	case FIELD_TRI:
		return decode_tristate(decoder, field, node, object);
	case FIELD_U32:
		return decode_u32(decoder, field, node, object);
	case FIELD_U64:
		STORE(uint64_t, decode_number(decoder, field, node, UINT64_MAX, &value))
	case FIELD_MAYBE:
	case FIELD_MAYBE_ENUM:
		return decode_maybe(decoder, field, node, object);
	case FIELD_SIZE:
		return decode_size(decoder, field, node, object);
	case FIELD_TEXT:
		STORE(const char *, decode_text(decoder, field, node, &value))
	case FIELD_ENUM:
		STORE(int, decode_enum(decoder, field, node, &value))
	case FIELD_DURATION:
		return decode_duration(decoder, field, node, object);
	case FIELD_TIME:
		STORE(int64_t, decode_time(decoder, field, node, &value))
	case FIELD_MAYBE_TIME:
		return decode_maybe_time(decoder, field, node, object);
	case FIELD_CLOCK:
		return decode_clock(decoder, field, node, object);
	case FIELD_SHARE:
		return decode_share(decoder, field, node, object);
	default:
		BUG("field '%s' is no scalar", field->key);
	}
}
