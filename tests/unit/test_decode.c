/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"

#include "tests/lib/findings.h"

struct item {
	struct head head;
	const char *name;
	uint32_t size;
};

struct whole {
	struct head head;
	const char *name;
	struct item one;
	const struct item *maybe;
	const struct item *items;
	uint32_t n_items;
	const char *const *words;
	uint32_t n_words;
	const uint32_t *numbers;
	uint32_t n_numbers;
	const struct location_list *paths;
	uint32_t n_paths;
	struct maybe_u64 quotas[QUOTA_COUNT];
	uint32_t count;
};

static const struct field item_rows[] = {
	{ "name", F_TEXT(struct item, name), .flags = FIELD_REQUIRED },
	{ "size", F_U32(struct item, size), .preset = "7" },
	{ 0 },
};

static const struct field one_rows[] = {
	{ "name", F_TEXT(struct item, name), .preset = "none" },
	{ "size", F_U32(struct item, size), .preset = "7" },
	{ 0 },
};

static const struct field whole_rows[] = {
	{ "name", F_TEXT(struct whole, name) },
	{ "one", F_OBJECT(struct whole, one, struct item, one_rows), .flags = FIELD_HAS_HEAD },
	{ "maybe", F_POINTER(struct whole, maybe, struct item, item_rows), .flags = FIELD_HAS_HEAD },
	{ "items", F_LIST(struct whole, items, struct item, item_rows), .flags = FIELD_HAS_HEAD, .merge_key = "name" },
	{ "words", F_TEXTS(struct whole, words), .names = &day_names, .flags = FIELD_NOT_EMPTY },
	{ "numbers", F_NUMBERS(struct whole, numbers), .max = 100 },
	{ "paths", F_PATH_LISTS(struct whole, paths), .flags = FIELD_NOT_EMPTY },
	{ "quotas", .type = FIELD_QUOTAS, .at = AT(struct whole, quotas, struct maybe_u64 *) },
	{ "partitionCount", F_U32(struct whole, count), .preset = "3" },
	{ 0 },
};

static struct arena *arena;
static struct source source;

static int take(const struct document *document, void *user, struct diags *diags)
{
	return decode_object(arena, document, document->root, whole_rows, true, user, diags);
}

static struct whole decode(const char *yaml, const char *findings)
{
	struct whole whole = { 0 };
	struct diags *diags = diags_new(arena);
	source = source_of("a.yaml", yaml);
	int result = node_parse(&source, take, &whole, diags);
	assert_findings(diags, findings);
	assert_int_equal(result, *findings ? -1 : 0);
	return whole;
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

static void object_every_type_is_filled(void **state)
{
	(void)state;
	struct whole whole =
		decode("partitionCount: 8\nname: x\none: {size: 2}\nmaybe: {name: m}\n"
		       "items: [{name: a}, {name: b, size: 9}]\nwords: [Mon, Sun]\nnumbers: [1, 100]\n"
		       "paths: {hv01: [p, q], hv02: [r]}\nquotas: {maxPartitionVRAM: 5, minPartitionVRAM: null}\n",
			"");
	assert_string_equal(whole.name, "x");
	assert_int_equal(whole.count, 8);
	assert_string_equal(whole.one.name, "none");
	assert_int_equal(whole.one.size, 2);
	assert_string_equal(whole.maybe->name, "m");
	assert_int_equal(whole.maybe->size, 7);
	assert_int_equal(whole.n_items, 2);
	assert_string_equal(whole.items[1].name, "b");
	assert_int_equal(whole.items[1].size, 9);
	assert_string_equal(whole.words[1], "Sun");
	assert_int_equal(whole.numbers[1], 100);
	assert_int_equal(whole.n_paths, 2);
	assert_string_equal(whole.paths[0].host, "hv01");
	assert_string_equal(whole.paths[0].paths[1], "q");
	assert_true(maybe_is(whole.quotas[QUOTA_MAX_VRAM], 5));
	assert_false(whole.quotas[QUOTA_MIN_VRAM].known);
}

static void object_absent_fields_have_defaults(void **state)
{
	(void)state;
	struct whole whole = decode("name: x\n", "");
	assert_int_equal(whole.count, 3);
	assert_int_equal(whole.one.size, 7);
	assert_null(whole.maybe);
	assert_int_equal(whole.n_items, 0);
	assert_int_equal(decode("{}", "").one.size, 7);
}

static void defaults_alone_are_the_same(void **state)
{
	(void)state;
	struct whole whole = { 0 };
	struct loc loc = { .line = 4, .col = 2, .len = 1 };
	decode_defaults(arena, whole_rows, true, loc, &whole);
	assert_int_equal(whole.count, 3);
	assert_string_equal(whole.one.name, "none");
	assert_int_equal(head_loc(&whole.one.head, "size").line, 4);
	assert_false(head_has(&whole.head, "partitionCount"));
}

static void head_knows_places_and_presence(void **state)
{
	(void)state;
	struct whole whole = decode("name: x\nitems:\n- name: a\n  size: 3\n", "");
	assert_true(head_has(&whole.head, "name"));
	assert_false(head_has(&whole.head, "partitionCount"));
	assert_false(head_has(&whole.head, "nonsense"));
	assert_int_equal(head_loc(&whole.head, "name").col, 7);
	assert_int_equal(whole.items[0].head.loc.line, 3);
	assert_int_equal(whole.items[0].head.loc.col, 3);
	assert_int_equal(head_loc(&whole.items[0].head, "size").line, 4);
	assert_int_equal(head_loc(&whole.head, "partitionCount").line, 1);
	assert_int_equal(head_loc(&whole.one.head, "size").line, 1);
	whole = decode("maybe: null\n", "");
	assert_false(head_has(&whole.head, "maybe"));
}

static void unknown_field_names_the_nearest_and_where(void **state)
{
	(void)state;
	decode("partitonCount: 3\nitems: [{name: a, siez: 1}]\nxyzzy: 1\n",
		"HV201 1:1+13 unknown field 'partitonCount'; did you mean 'partitionCount'?\n"
		"HV201 2:19+4 unknown field 'siez' in 'items[0]'; did you mean 'size'?\n"
		"HV201 3:1+5 unknown field 'xyzzy'\n");
	decode("<<: {a: 1}\n", "HV104 1:1+2 merge key '<<' is not allowed; write the fields out\n");
}

static void all_findings_of_an_object_are_reported(void **state)
{
	(void)state;
	struct whole whole = decode("partitionCount: x\nitems:\n- size: 1\n- {name: 5}\n- text\n- {name: good}\n",
		"HV202 1:17+1 expected a number for 'partitionCount', found text 'x'\n"
		"HV204 3:3+4 'name' is missing in 'items[0]'\n"
		"HV202 4:10+1 expected text for 'name', found the number 5; put it in quotes\n"
		"HV202 5:3+4 expected a mapping as each item for 'items', found text 'text'\n");
	/* What could be understood is there, and wrong values are the default. */
	assert_int_equal(whole.count, 3);
	assert_int_equal(whole.n_items, 3);
	assert_int_equal(whole.items[0].size, 1);
	assert_null(whole.items[1].name);
	assert_string_equal(whole.items[2].name, "good");
}

static void wrong_kinds_of_values_are_reported(void **state)
{
	(void)state;
	decode("one: 5\nmaybe: [x]\nitems: {a: 1}\nwords: Mon\nnumbers: 5\npaths: [a]\nquotas: 3\n",
		"HV202 1:6+1 expected a mapping for 'one', found the number 5\n"
		"HV202 2:8+1 expected a mapping for 'maybe', found a list\n"
		"HV202 3:8+1 expected a list for 'items', found a mapping\n"
		"HV202 4:8+3 expected a list for 'words', found text 'Mon'\n"
		"HV202 5:10+1 expected a list for 'numbers', found the number 5\n"
		"HV202 6:8+1 expected a mapping of hosts to lists for 'paths', found a list\n"
		"HV202 7:9+1 expected a mapping of quotas for 'quotas', found the number 3\n");
	decode("items:\n", "HV202 1:7+1 expected a list for 'items', found nothing\n");
	decode("- a\n", "HV202 1:1+1 expected a mapping for 'document', found a list\n");
}

static void wrong_items_are_reported(void **state)
{
	(void)state;
	struct whole whole =
		decode("words: [Mon, Monday]\nnumbers: [101, -1, 2]\npaths: {hv01: []}\nquotas: {maxVRAM: 1, "
		       "maxPartitionVRAM: x}\n",
			"HV203 1:14+6 'words' is 'Monday'; allowed is one of Mon, Tue, Wed, Thu, Fri, Sat, Sun\n"
			"HV203 2:11+3 'numbers' is 101; allowed is 0 to 100\n"
			"HV203 2:16+2 'numbers' is -1; allowed is 0 to 100\n"
			"HV203 3:15+1 'locationPaths' is empty; list at least one\n"
			"HV201 4:10+7 unknown quota 'maxVRAM'\n"
			"HV202 4:40+1 expected a number for 'maxPartitionVRAM', found text 'x'\n");
	assert_int_equal(whole.n_words, 1);
	assert_int_equal(whole.n_numbers, 1);
	assert_int_equal(whole.numbers[0], 2);
	decode("words: []\npaths: {}\n", "HV203 1:8+1 'words' is empty; list at least one\n"
					 "HV203 2:8+1 'paths' is empty; name at least one host\n");
}

static void items_of_one_name_are_refused(void **state)
{
	(void)state;
	decode("items: [{name: a}, {name: b}, {name: A}]\n",
		"HV307 1:38+1 name 'A' is twice in 'items'; remove one\n  also 1:16+1 first given here\n");
	g_autoptr(GString) many = g_string_new("items:\n");
	for (int i = 0; i < 30; i++)
		g_string_append_printf(many, "- name: vm%d\n", i);
	g_string_append(many, "- name: VM7\n");
	decode(many->str, "HV307 32:9+3 name 'VM7' is twice in 'items'; remove one\n  also 9:9+3 first given here\n");
}

static void broken_nodes_are_passed_over_in_silence(void **state)
{
	(void)state;
	struct whole whole = decode("name: x\nname: y\npartitionCount: *a\none: *b\nitems: [*c]\n",
		"HV103 2:1+4 key 'name' is given twice; remove one\n  also 1:1+4 first given here\n"
		"HV104 3:17+2 alias '*a' is not allowed; write the value out, or put text that begins with '*' in "
		"quotes\n"
		"HV104 4:6+2 alias '*b' is not allowed; write the value out, or put text that begins with '*' in "
		"quotes\n"
		"HV104 5:9+2 alias '*c' is not allowed; write the value out, or put text that begins with '*' in "
		"quotes\n");
	assert_string_equal(whole.name, "x");
	assert_int_equal(whole.count, 3);
	assert_int_equal(whole.one.size, 7);
	assert_int_equal(whole.n_items, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_every_type_is_filled),
		cmocka_unit_test(object_absent_fields_have_defaults),
		cmocka_unit_test(defaults_alone_are_the_same),
		cmocka_unit_test(head_knows_places_and_presence),
		cmocka_unit_test(unknown_field_names_the_nearest_and_where),
		cmocka_unit_test(all_findings_of_an_object_are_reported),
		cmocka_unit_test(wrong_kinds_of_values_are_reported),
		cmocka_unit_test(wrong_items_are_reported),
		cmocka_unit_test(items_of_one_name_are_refused),
		cmocka_unit_test(broken_nodes_are_passed_over_in_silence),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
