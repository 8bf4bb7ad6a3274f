/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode_value.h"

#include "tests/lib/findings.h"

#define WORDS(X) X(WORD_ONE, "One") X(WORD_TWO, "Two")
enum word { WORDS(NAMES_ENUM) WORD_COUNT };
NAMES_DEFINE(word_names, WORDS);

struct values {
	bool boolean;
	enum tristate tri;
	uint32_t u32;
	uint64_t u64;
	struct maybe_u64 maybe;
	const char *text;
	enum word word;
	uint32_t seconds;
	int64_t time;
	struct share share;
};

static const struct field rows[] = {
	{ "boolean", F_BOOL(struct values, boolean) },
	{ "tri", F_TRI(struct values, tri) },
	{ "u32", F_U32(struct values, u32), .min = 1, .max = 64 },
	{ "u64", F_U64(struct values, u64) },
	{ "maybe", F_MAYBE(struct values, maybe), .min = 1, .max = 64 },
	{ "size", F_SIZE(struct values, maybe), .min = 1024 },
	{ "mmio", F_SIZE(struct values, maybe), .min = 1 << 20, .max = 3ull << 30 },
	{ "text", F_TEXT(struct values, text), .max = 5, .flags = FIELD_NOT_EMPTY },
	{ "name", F_TEXT(struct values, text), .flags = FIELD_NAME | FIELD_REQUIRED },
	{ "word", F_ENUM(struct values, word, enum word, word_names) },
	{ "maybeWord", F_MAYBE_ENUM(struct values, maybe, word_names) },
	{ "duration", F_DURATION(struct values, seconds), .min = 1, .max = 7 * 86400 },
	{ "time", F_TIME(struct values, time) },
	{ "maybeTime", F_MAYBE_TIME(struct values, maybe) },
	{ "clock", F_CLOCK(struct values, u32) },
	{ "share", F_SHARE(struct values, share) },
	{ 0 },
};

static const struct field *row(const char *key)
{
	for (const struct field *field = rows; field->key; field++)
		if (strcmp(field->key, key) == 0)
			return field;
	fail_msg("no row %s", key);
	return NULL;
}

/* 'text' with a leading ' is quoted. The arena lives as long as the test. */
static struct arena *arena;

static struct values decode(const char *key, const char *text, const char *findings)
{
	struct diags *diags = diags_new(arena);
	struct source source = source_of("a.yaml", "");
	struct document document = { .source = &source };
	struct decoder decoder = { .arena = arena, .document = &document, .diags = diags };
	struct node node = { .kind = NODE_SCALAR,
		.text = text + (*text == '\''),
		.quoted = *text == '\'',
		.line = 1,
		.col = 1,
		.len = 1 };
	struct values values = { 0 };
	int result = decode_scalar(&decoder, row(key), &node, &values);
	g_autofree char *expected =
		*findings ? g_strdup_printf("HV%.3s 1:1+1 %s\n", findings, findings + 4) : g_strdup("");
	assert_findings(diags, expected);
	assert_int_equal(result, *findings ? -1 : 0);
	return values;
}

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void number_in_range_is_taken(void **state)
{
	(void)state;
	assert_int_equal(decode("u32", "64", "").u32, 64);
	assert_int_equal(decode("u32", "1", "").u32, 1);
	assert_true(decode("u64", "18446744073709551615", "").u64 == UINT64_MAX);
	assert_true(maybe_is(decode("maybe", "8", "").maybe, 8));
}

static void number_out_of_range_is_refused(void **state)
{
	(void)state;
	decode("u32", "65", "203 'u32' is 65; allowed is 1 to 64");
	decode("u32", "0", "203 'u32' is 0; allowed is 1 to 64");
	decode("u32", "-1", "203 'u32' is -1; allowed is 1 to 64");
	decode("u64", "18446744073709551616",
		"203 'u64' is 18446744073709551616; allowed is 0 to 18446744073709551615");
}

static void number_of_another_type_is_refused(void **state)
{
	(void)state;
	decode("u32", "eight", "202 expected a number for 'u32', found text 'eight'");
	decode("u32", "'8", "202 expected a number for 'u32', found text '8'; remove the quotes");
	decode("u32", "true", "202 expected a number for 'u32', found true");
	decode("u32", "", "202 expected a number for 'u32', found nothing");
	decode("u32", "8.0", "202 expected a whole number without leading zeros for 'u32', found the number 8.0");
	decode("u32", "010", "202 expected a whole number without leading zeros for 'u32', found the number 010");
	decode("u32", "0x10", "202 expected a whole number without leading zeros for 'u32', found the number 0x10");
}

static void null_means_unknown_where_that_exists(void **state)
{
	(void)state;
	assert_false(decode("maybe", "null", "").maybe.known);
	assert_false(decode("size", "", "").maybe.known);
	assert_int_equal(decode("tri", "null", "").tri, TRI_UNKNOWN);
	assert_null(decode("text", "~", "").text);
	decode("name", "", "202 expected text for 'name', found nothing");
	decode("boolean", "", "202 expected true or false for 'boolean', found nothing");
}

static void boolean_is_one_of_two_words(void **state)
{
	(void)state;
	assert_true(decode("boolean", "true", "").boolean);
	assert_false(decode("boolean", "False", "").boolean);
	assert_int_equal(decode("tri", "true", "").tri, TRI_YES);
	assert_int_equal(decode("tri", "false", "").tri, TRI_NO);
	decode("boolean", "yes", "202 expected true or false for 'boolean', found text 'yes'; write true");
	decode("tri", "Off", "202 expected true or false for 'tri', found text 'Off'; write false");
	decode("boolean", "'true", "202 expected true or false for 'boolean', found text 'true'; remove the quotes");
	decode("boolean", "1", "202 expected true or false for 'boolean', found the number 1");
}

static void text_that_other_parsers_read_otherwise_wants_quotes(void **state)
{
	(void)state;
	assert_string_equal(decode("text", "hv01", "").text, "hv01");
	assert_string_equal(decode("text", "'007", "").text, "007");
	assert_string_equal(decode("text", "-a", "").text, "-a");
	assert_string_equal(decode("text", "1.2.3", "").text, "1.2.3");
	decode("text", "007", "202 expected text for 'text', found the number 007; put it in quotes");
	decode("text", "1e3", "202 expected text for 'text', found the number 1e3; put it in quotes");
	decode("text", ".inf", "202 expected text for 'text', found the number .inf; put it in quotes");
	decode("text", "True", "202 expected text for 'text', found True; put it in quotes");
}

static void text_length_counts_characters(void **state)
{
	(void)state;
	assert_string_equal(decode("text", "ééééé", "").text, "ééééé");
	decode("text", "éééééé", "203 'text' has 6 characters; allowed is 0 to 5");
	decode("text", "'", "203 'text' is empty");
}

static void text_of_a_name_has_a_form(void **state)
{
	(void)state;
	assert_string_equal(decode("name", "vdi-2", "").text, "vdi-2");
	decode("name", "Vdi",
		"203 'Vdi' is not a name; use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and last");
}

static void word_unknown_names_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(decode("word", "Two", "").word, WORD_TWO);
	assert_true(maybe_is(decode("maybeWord", "Two", "").maybe, WORD_TWO));
	decode("word", "two", "203 'word' is 'two'; allowed is one of One, Two; did you mean 'Two'?");
	decode("maybeWord", "Seventeen", "203 'maybeWord' is 'Seventeen'; allowed is one of One, Two");
}

static void size_knows_units(void **state)
{
	(void)state;
	assert_true(maybe_is(decode("size", "1024", "").maybe, 1024));
	assert_true(maybe_is(decode("size", "'16Gi", "").maybe, 16ull << 30));
	assert_true(maybe_is(decode("size", "3G", "").maybe, 3000000000));
	assert_true(maybe_is(decode("size", "512Mi", "").maybe, 512ull << 20));
	decode("size", "16GB", "202 expected a size like 512Mi or 16Gi for 'size', found text '16GB'");
	decode("size", "16 Gi", "202 expected a size like 512Mi or 16Gi for 'size', found text '16 Gi'");
	decode("size", "-1", "202 expected a size like 512Mi or 16Gi for 'size', found the number -1");
	decode("size", "99999999999Ti",
		"202 expected a size like 512Mi or 16Gi for 'size', found text '99999999999Ti'");
	decode("size", "1", "203 'size' is 1; allowed is 1Ki or more");
	decode("mmio", "128", "203 'mmio' is 128; allowed is 1Mi to 3Gi");
	decode("mmio", "4G", "203 'mmio' is 4G; allowed is 1Mi to 3Gi");
}

static void duration_knows_units_and_range(void **state)
{
	(void)state;
	assert_int_equal(decode("duration", "30s", "").seconds, 30);
	assert_int_equal(decode("duration", "5m", "").seconds, 300);
	assert_int_equal(decode("duration", "1h30m", "").seconds, 5400);
	assert_int_equal(decode("duration", "7d", "").seconds, 604800);
	decode("duration", "8d", "203 'duration' is 8d; allowed is 1s to 7d");
	decode("duration", "0s", "203 'duration' is 0s; allowed is 1s to 7d");
	decode("duration", "30", "202 expected a duration like 30s, 5m, 4h or 7d for 'duration', found the number 30");
	decode("duration", "5 m", "202 expected a duration like 30s, 5m, 4h or 7d for 'duration', found text '5 m'");
	decode("duration", "99999999999d",
		"202 expected a duration like 30s, 5m, 4h or 7d for 'duration', found text "
		"'99999999999d'");
	decode("duration", "49710d49710d", "203 'duration' is 49710d49710d; allowed is 1s to 7d");
}

static void time_is_rfc_3339(void **state)
{
	(void)state;
	assert_true(decode("time", "2026-01-15T12:00:00Z", "").time == 1768478400);
	assert_true(decode("time", "2026-01-15T13:00:00+01:00", "").time == 1768478400);
	assert_true(maybe_is(decode("maybeTime", "1970-01-01T00:00:01Z", "").maybe, 1));
	decode("time", "2026-01-15",
		"202 expected a time like 2026-03-01T12:00:00Z for 'time', found text '2026-01-15'");
	decode("time", "2026-13-15T12:00:00Z",
		"202 expected a time like 2026-03-01T12:00:00Z for 'time', found text '2026-13-15T12:00:00Z'");
	decode("maybeTime", "1969-12-31T23:59:59Z",
		"203 'maybeTime' is 1969-12-31T23:59:59Z; allowed is 1970-01-01T00:00:00Z to now");
}

static void clock_is_hours_and_minutes(void **state)
{
	(void)state;
	assert_int_equal(decode("clock", "01:30", "").u32, 90);
	assert_int_equal(decode("clock", "'23:59", "").u32, 23 * 60 + 59);
	decode("clock", "24:00", "203 'clock' is 24:00; allowed is 00:00 to 23:59");
	decode("clock", "1:30", "202 expected a time of the day like \"01:00\" for 'clock', found text '1:30'");
	decode("clock", "90", "202 expected a time of the day like \"01:00\" for 'clock', found the number 90");
}

static void share_is_a_number_or_a_percentage(void **state)
{
	(void)state;
	struct share share = decode("share", "6", "").share;
	assert_true(share.set && !share.percent && share.value == 6);
	share = decode("share", "50%", "").share;
	assert_true(share.set && share.percent && share.value == 50);
	share = decode("share", "'0", "").share;
	assert_true(share.set && share.value == 0);
	decode("share", "101%", "203 'share' is 101%; allowed is 0% to 100%");
	decode("share", "half", "202 expected a number or a percentage like \"50%\" for 'share', found text 'half'");
	decode("share", "%", "202 expected a number or a percentage like \"50%\" for 'share', found text '%'");
}

static void message_long_text_is_shortened(void **state)
{
	(void)state;
	decode("u32", "éééééééééééééééééééééééééééééééééééééééééééééé",
		"202 expected a number for 'u32', found text 'éééééééééééééééééééééééééééééééééééééééé…'");
}

static void fail_without_a_place_names_the_path(void **state)
{
	(void)state;
	struct diags *diags = diags_new(arena);
	struct place top = { .key = "spec" }, list = { .up = &top, .key = "gpus" }, item = { .up = &list, .index = 2 };
	struct place field = { .up = &item, .key = "count" };
	struct document document = { 0 };
	struct decoder decoder = { .arena = arena, .document = &document, .diags = diags, .place = &field };
	decode_fail(&decoder, D_FIELD_TYPE, LOC_NONE, "wrong");
	assert_findings(diags, "HV202 0:0+0 wrong, at spec.gpus[2].count\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_in_range_is_taken),
		cmocka_unit_test(number_out_of_range_is_refused),
		cmocka_unit_test(number_of_another_type_is_refused),
		cmocka_unit_test(null_means_unknown_where_that_exists),
		cmocka_unit_test(boolean_is_one_of_two_words),
		cmocka_unit_test(text_that_other_parsers_read_otherwise_wants_quotes),
		cmocka_unit_test(text_length_counts_characters),
		cmocka_unit_test(text_of_a_name_has_a_form),
		cmocka_unit_test(word_unknown_names_the_nearest),
		cmocka_unit_test(size_knows_units),
		cmocka_unit_test(duration_knows_units_and_range),
		cmocka_unit_test(time_is_rfc_3339),
		cmocka_unit_test(clock_is_hours_and_minutes),
		cmocka_unit_test(share_is_a_number_or_a_percentage),
		cmocka_unit_test(message_long_text_is_shortened),
		cmocka_unit_test(fail_without_a_place_names_the_path),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
