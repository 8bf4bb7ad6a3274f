/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/needs.h"

#define EXAMPLE TESTS_DIR "/../examples/overlays"

static void assert_file_is(const char *path, const char *made)
{
	if (g_getenv("UPDATE_DOCS"))
		assert_true(g_file_set_contents(path, made, -1, NULL));
	g_autofree char *written = NULL;
	assert_true(g_file_get_contents(path, &written, NULL, NULL));
	assert_string_equal(written, made);
}

static void kustomize_files_of_the_example_are_up_to_date(void **state)
{
	(void)state;
	g_autoptr(GString) configuration = g_string_new(NULL);
	kustomize_configuration_write(configuration);
	assert_file_is(EXAMPLE "/base/hvgpu-names.yaml", configuration->str);
	json_auto_t *openapi = kustomize_openapi();
	g_autofree char *text = json_dumps(openapi, JSON_INDENT(2));
	g_autofree char *lines = g_strconcat(text, "\n", NULL);
	assert_file_is(EXAMPLE "/lyon/hvgpu-openapi.json", lines);
}

/* What `kubectl kustomize` makes of an overlay; skips the test where there is no kubectl. */
static char *build(const char *overlay)
{
	g_autofree char *kubectl = g_find_program_in_path("kubectl");
	if (!kubectl)
		test_lacks("kubectl");
	const char *argv[] = { kubectl, "kustomize", overlay, NULL };
	char *output = NULL;
	g_autofree char *errors = NULL;
	int status = -1;
	assert_true(
		g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors, &status, NULL));
	if (status != 0)
		fail_msg("%s", errors);
	return output;
}

static void kustomize_json_patches_and_prefix_give_one_cluster(void **state)
{
	(void)state;
	g_autofree char *built = build(EXAMPLE "/paris");
	assert_non_null(strstr(built, "  name: paris-desktops\n"));
	assert_non_null(strstr(built, "  cluster: paris-desktops\n"));
	assert_non_null(strstr(built, "partitionCount: 8\n"));
	assert_non_null(strstr(built, "- name: par-hv03\n"));
	assert_null(strstr(built, "name: hv01"));
}

static void kustomize_lists_merge_by_name(void **state)
{
	(void)state;
	g_autofree char *built = build(EXAMPLE "/lyon");
	assert_non_null(strstr(built, "  cluster: lyon-desktops\n"));
	assert_non_null(strstr(built, "model: NVIDIA A2\n      subsystem: 10DE:157E\n"));
	assert_non_null(strstr(built, "partitionCount: 4\n"));
	assert_non_null(strstr(built, "- name: lyo-hv02\n"));
	assert_null(strstr(built, "name: hv01"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kustomize_files_of_the_example_are_up_to_date),
		cmocka_unit_test(kustomize_json_patches_and_prefix_give_one_cluster),
		cmocka_unit_test(kustomize_lists_merge_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
