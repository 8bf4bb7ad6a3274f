/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node_json.h"

#include "tests/lib/findings.h"

static int take(const struct document *document, void *user, struct diags *diags)
{
	(void)diags;
	assert_true(document->json);
	GString *out = user;
	for (const struct node *value = document->root->first; value; value = value->next)
		g_string_append_printf(out, "%u:%u %s=%u:%u+%u %s\n", value->key->line, value->key->col,
			value->key->text, value->line, value->col, value->len,
			value->kind == NODE_SCALAR ? value->text : "…");
	return 0;
}

static void check(const char *json, const char *values, const char *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	g_autoptr(GString) out = g_string_new(NULL);
	struct source source = source_of("a.json", json);
	int result = node_json_parse(&source, take, out, diags);
	assert_findings(diags, findings);
	assert_string_equal(out->str, values);
	assert_int_equal(result, *findings ? -1 : 0);
}

static void parse_values_have_their_places(void **state)
{
	(void)state;
	check("{ \"z\": \"a\\\"b, \\\\\",\n  \"é\": [1, {\"x\": [true]}], \"b\": -12,\n\"c\":null ,\"d\" : {} , "
	      "\"e\":1.5e3}",
		"1:3 z=1:8+10 a\"b, \\\n"
		"2:3 é=2:8+1 …\n"
		"2:28 b=2:33+3 -12\n"
		"3:1 c=3:5+4 null\n"
		"3:11 d=3:17+1 …\n"
		"3:22 e=3:26+5 1500\n",
		"");
}

static void parse_duplicate_key_is_refused(void **state)
{
	(void)state;
	check("{\"a\": 1,\n \"a\": 2}", "", "HV103 2:4+1 duplicate object key near '\"a\"'\n");
}

static void parse_syntax_error_has_a_place(void **state)
{
	(void)state;
	check("{\"a\": }", "", "HV101 1:7+1 unexpected token near '}'\n");
	check("{\"a\": \"\\u0000\"}", "", "HV106 1:14+1 text holds a NUL character; remove it\n");
}

static void parse_depth_beyond_the_limit_is_refused(void **state)
{
	(void)state;
	g_autofree char *open = g_strnfill(70, '['), *close = g_strnfill(70, ']');
	g_autofree char *json = g_strconcat(open, close, NULL);
	check(json, "", "HV105 1:65+1 more than 64 levels of lists and mappings\n");
	g_autofree char *deep = g_strnfill(10000, '[');
	check(deep, "", "HV105 1:2049+1 more than 64 levels of lists and mappings\n");
}

static void from_json_gives_a_tree_without_places(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct source source = source_of("plan", "");
	json_auto_t *json = json_pack("{s:[i,b,n]}", "a", 5, 1);
	const struct node *root = NULL;
	assert_int_equal(node_from_json(arena, json, &source, &root, diags), 0);
	const struct node *list = node_get(root, "a");
	assert_int_equal(list->n, 3);
	assert_int_equal(list->line, 0);
	assert_string_equal(list->first->text, "5");
	assert_string_equal(list->first->next->text, "true");
	assert_true(node_is_null(list->first->next->next));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_values_have_their_places),
		cmocka_unit_test(parse_duplicate_key_is_refused),
		cmocka_unit_test(parse_syntax_error_has_a_place),
		cmocka_unit_test(parse_depth_beyond_the_limit_is_refused),
		cmocka_unit_test(from_json_gives_a_tree_without_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
