/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node.h"
#include "tests/lib/findings.h"

/* The tree as text: scalars in 'single quotes' when quoted, "!" for broken ones, and each with its position. */
static void write_node(GString *out, const struct node *node, bool with_places)
{
	if (with_places)
		g_string_append_printf(out, "%u:%u+%u ", node->line, node->col, node->len);
	if (node->broken)
		g_string_append_c(out, '!');
	if (node->kind == NODE_SCALAR) {
		g_string_append_printf(out, node->quoted ? "'%s'" : "%s", node->text);
		return;
	}
	g_string_append_c(out, node->kind == NODE_LIST ? '[' : '{');
	uint32_t n = 0;
	for (const struct node *child = node->first; child; child = child->next, n++) {
		if (n)
			g_string_append(out, ", ");
		if (node->kind == NODE_MAP) {
			write_node(out, child->key, with_places);
			g_string_append(out, ": ");
		}
		write_node(out, child, with_places);
	}
	assert_int_equal(n, node->n);
	g_string_append_c(out, node->kind == NODE_LIST ? ']' : '}');
}

struct reading {
	GString *text; /* documents, one a line */
	bool with_places;
	int answer;
};

static int take(const struct document *document, void *user, struct diags *diags)
{
	(void)diags;
	struct reading *reading = user;
	write_node(reading->text, document->root, reading->with_places);
	g_string_append_c(reading->text, '\n');
	return reading->answer;
}

static void check_source(const struct source *source, bool with_places, const char *tree, const char *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	g_autoptr(GString) text = g_string_new(NULL);
	struct reading reading = { .text = text, .with_places = with_places };
	int result = node_parse(source, take, &reading, diags);
	assert_findings(diags, findings);
	if (tree)
		assert_string_equal(text->str, tree);
	assert_int_equal(result, diags->n_errors ? -1 : 0);
}

static void check(const char *yaml, const char *tree, const char *findings)
{
	struct source source = source_of("a.yaml", yaml);
	check_source(&source, false, tree, findings);
}

static void check_places(const char *name, const char *text, const char *tree)
{
	struct source source = source_of(name, text);
	check_source(&source, true, tree, "");
}

static void parse_documents_gives_one_tree_each(void **state)
{
	(void)state;
	check("a: 1\nb: [x, 'y', {}]\n---\n- \"1\"\n- |\n  text\n", "{a: 1, b: [x, 'y', {}]}\n['1', 'text\n']\n", "");
}

static void parse_empty_documents_are_passed_over(void **state)
{
	(void)state;
	check("---\n---\na: 1\n---\n# nothing\n---\n", "{a: 1}\n", "");
	check("", "", "");
	check("# only a comment\n", "", "");
}

static void parse_places_count_characters_from_one(void **state)
{
	(void)state;
	check_places(
		"a.yaml", "héllo: x\nb:\n  - 'yz'\n", "1:1+5 {1:1+5 héllo: 1:8+1 x, 2:1+1 b: 3:3+1 [3:5+4 'yz']}\n");
	check_places("a.yaml", "a:\n  key: {b: c}\n  d:\n",
		"1:1+1 {1:1+1 a: 2:3+3 {2:3+3 key: 2:8+1 {2:9+1 b: 2:12+1 c}, "
		"3:3+1 d: 3:5+1 }}\n");
}

static void parse_byte_order_mark_is_no_column(void **state)
{
	(void)state;
	check_places("a.yaml",
		"\xEF\xBB\xBF"
		"a: b\n",
		"1:1+1 {1:1+1 a: 1:4+1 b}\n");
	check_places("a.json",
		"\xEF\xBB\xBF"
		"{\"a\": 1}",
		"1:1+1 {1:2+3 'a': 1:7+1 1}\n");
}

static void parse_answer_of_each_is_returned(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) text = g_string_new(NULL);
	struct reading reading = { .text = text, .answer = -1 };
	struct source source = source_of("a.yaml", "a: 1\n---\nb: 2\n");
	assert_int_equal(node_parse(&source, take, &reading, diags_new(arena)), -1);
	assert_string_equal(text->str, "{a: 1}\n{b: 2}\n");
}

static void duplicate_key_is_refused_with_both_places(void **state)
{
	(void)state;
	check("a: 1\nb: 2\n'a': 3\n", "{a: 1, b: 2, !'a': 3}\n",
		"HV103 3:1+3 key 'a' is given twice; remove one\n  also 1:1+1 first given here\n");
	check("x: {a: 1}\ny: {a: 1}\n", NULL, "");
}

static void duplicate_key_among_many_is_found(void **state)
{
	(void)state;
	g_autoptr(GString) yaml = g_string_new(NULL);
	for (int i = 0; i < 40; i++)
		g_string_append_printf(yaml, "k%d: 1\n", i);
	g_string_append(yaml, "k3: 2\nk39: 2\n");
	check(yaml->str, NULL,
		"HV103 41:1+2 key 'k3' is given twice; remove one\n  also 4:1+2 first given here\n"
		"HV103 42:1+3 key 'k39' is given twice; remove one\n  also 40:1+3 first given here\n");
}

static void anchor_alias_and_tag_are_refused(void **state)
{
	(void)state;
	check("a: &x 1\nb: *x\nc: !!str 2\nd: !e [1]\nf: &y {g: 1}\n", "{a: 1, b: !, c: 2, d: [1], f: {g: 1}}\n",
		"HV104 1:4+4 anchor '&x' is not allowed; remove it\n"
		"HV104 2:4+2 alias '*x' is not allowed; write the value out, or put text that begins with '*' in "
		"quotes\n"
		"HV104 3:4+7 tag '!!str' is not allowed; remove it\n"
		"HV104 4:4+4 tag '!e' is not allowed; remove it\n"
		"HV104 5:4+4 anchor '&y' is not allowed; remove it\n");
	check("a: ! x\n", NULL, "HV104 1:4+3 tag '!' is not allowed; remove it\n");
	check("%TAG ! tag:a,2000:\n--- {}\n", NULL, "HV104 1:1+1 %TAG is not allowed; remove it\n");
}

static void star_without_quotes_says_so(void **state)
{
	(void)state;
	check("namePattern: *-x\n", NULL,
		"HV104 1:14+3 alias '*-x' is not allowed; write the value out, or put text that "
		"begins with '*' in quotes\n");
	check("namePattern: *.x\n", "", "HV104 1:15+1 text that begins with '*' or '&' must be in quotes\n");
}

static void key_that_is_no_text_is_refused(void **state)
{
	(void)state;
	check("{a: 1}: 2\n", NULL,
		"HV101 1:1+1 a key must be text, not a list or mapping; is a template not filled in?\n");
	check("a: {{ b }}\n", NULL,
		"HV101 1:5+1 a key must be text, not a list or mapping; is a template not filled in?\n");
}

static void merge_key_is_an_ordinary_key(void **state)
{
	(void)state;
	check("<<: {a: 1}\n", "{<<: {a: 1}}\n", "");
}

static char *repeat(const char *text, size_t n)
{
	GString *all = g_string_new(NULL);
	for (size_t i = 0; i < n; i++)
		g_string_append(all, text);
	return g_string_free(all, false);
}

static void depth_beyond_the_limit_is_refused(void **state)
{
	(void)state;
	g_autofree char *good_open = repeat("[", 64), *good_close = repeat("]", 64);
	g_autofree char *good = g_strconcat(good_open, good_close, NULL);
	check(good, NULL, "");
	g_autofree char *deep = repeat("[", 10000), *many = repeat("- ", 100000);
	check(deep, "", "HV105 1:65+1 more than 64 levels of lists and mappings\n");
	check(many, "", "HV105 1:129+1 more than 64 levels of lists and mappings\n");
	g_autofree char *maps = repeat("{a: ", 10000);
	check(maps, "", "HV105 1:257+1 more than 64 levels of lists and mappings\n");
}

static void long_value_is_refused(void **state)
{
	(void)state;
	g_autofree char *most = repeat("x", NODE_TEXT_MAX), *more = repeat("x", NODE_TEXT_MAX + 1);
	g_autofree char *good = g_strconcat("a: ", most, "\n", NULL), *bad = g_strconcat("a: ", more, "\n", NULL);
	check(good, NULL, "");
	check(bad, "{a: !}\n", "HV105 1:4+65537 value is longer than 65536 bytes\n");
}

static void documents_beyond_the_limit_are_refused(void **state)
{
	(void)state;
	g_autofree char *most = repeat("---\n", NODE_DOCUMENTS_MAX), *more = repeat("---\n", NODE_DOCUMENTS_MAX + 1);
	check(most, "", "");
	check(more, "", "HV105 100001:1+3 more than 100000 documents in one file; split it\n");
}

static void null_is_unquoted_only(void **state)
{
	(void)state;
	struct node node = { .kind = NODE_SCALAR, .text = "" };
	assert_true(node_is_null(&node));
	node.text = "null";
	assert_true(node_is_null(&node));
	node.text = "~";
	assert_true(node_is_null(&node));
	node.quoted = true;
	assert_false(node_is_null(&node));
	node = (struct node){ .kind = NODE_SCALAR, .text = "nul" };
	assert_false(node_is_null(&node));
	node = (struct node){ .kind = NODE_LIST };
	assert_false(node_is_null(&node));
}

static int take_values(const struct document *document, void *user, struct diags *diags)
{
	(void)diags;
	const struct node **out = user;
	assert_null(node_get(document->root, "none"));
	const struct node *b = node_get(document->root, "b");
	assert_string_equal(b->text, "2");
	assert_int_equal(node_key_loc(document, b).col, 7);
	assert_int_equal(node_loc(document, b).col, 10);
	assert_null(node_get(b, "x"));
	assert_null(node_get(NULL, "x"));
	*out = b;
	return 0;
}

static void get_finds_the_value_of_a_key(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct source source = source_of("a.yaml", "{a: 1,b: 2}");
	const struct node *found = NULL;
	assert_int_equal(node_parse(&source, take_values, &found, diags_new(arena)), 0);
	assert_non_null(found);
}

static void json_is_known_by_name_or_first_character(void **state)
{
	(void)state;
	check_places("a.json", "[1, \"\\uD83D\\uDE00\"]", "1:1+1 [1:2+1 1, 1:5+14 '😀']\n");
	check_places("-", " {\"a\": 1}", "1:2+1 {1:3+3 'a': 1:8+1 1}\n");
	check_places("a.yaml", "{a: 1}", "1:1+1 {1:2+1 a: 1:5+1 1}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_documents_gives_one_tree_each),
		cmocka_unit_test(parse_empty_documents_are_passed_over),
		cmocka_unit_test(parse_places_count_characters_from_one),
		cmocka_unit_test(parse_byte_order_mark_is_no_column),
		cmocka_unit_test(parse_answer_of_each_is_returned),
		cmocka_unit_test(duplicate_key_is_refused_with_both_places),
		cmocka_unit_test(duplicate_key_among_many_is_found),
		cmocka_unit_test(anchor_alias_and_tag_are_refused),
		cmocka_unit_test(star_without_quotes_says_so),
		cmocka_unit_test(key_that_is_no_text_is_refused),
		cmocka_unit_test(merge_key_is_an_ordinary_key),
		cmocka_unit_test(depth_beyond_the_limit_is_refused),
		cmocka_unit_test(long_value_is_refused),
		cmocka_unit_test(documents_beyond_the_limit_are_refused),
		cmocka_unit_test(null_is_unquoted_only),
		cmocka_unit_test(get_finds_the_value_of_a_key),
		cmocka_unit_test(json_is_known_by_name_or_first_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
