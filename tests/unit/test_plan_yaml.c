/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void yaml_has_the_keys_of_the_json(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	const struct run *run = sample_run(arena, sample_plan(arena, 1));
	g_autoptr(GString) yaml = g_string_new(NULL);
	g_autoptr(GString) json = g_string_new(NULL);
	render_plan_yaml(yaml, run);
	render_plan_json(json, run);
	json_auto_t *document = json_loads(json->str, 0, NULL);
	assert_non_null(document);
	const char *key, *at = yaml->str;
	json_t *value;
	json_object_foreach(document, key, value)
	{
		g_autofree char *line = g_strdup_printf("\n%s:", key);       /* a key at the top, not one deeper down */
		at = g_str_has_prefix(at, line + 1) ? at : strstr(at, line); /* in the same order */
		assert_non_null(at);
	}
}

static void same_run_gives_the_same_bytes(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) first = g_string_new(NULL);
	g_autoptr(GString) second = g_string_new(NULL);
	render_plan_json(first, sample_run(arena, sample_plan(arena, 12)));
	render_plan_json(second, sample_run(arena, sample_plan(arena, 12)));
	assert_string_equal(first->str, second->str);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_has_the_keys_of_the_json),
		cmocka_unit_test(same_run_gives_the_same_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
