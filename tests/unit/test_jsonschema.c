/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/lib/needs.h"
#include <glib/gstdio.h>

/* Debian's python3-jsonschema belongs to the system's own interpreter. */
#define PYTHON "/usr/bin/python3"

static int write_schemas(void **state)
{
	char *folder = g_dir_make_tmp("hvgpu-schema-XXXXXX", NULL);
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		g_autofree char *path = g_strdup_printf("%s/%s.json", folder, (*kind)->name);
		json_auto_t *schema = jsonschema_of(*kind);
		if (json_dump_file(schema, path, JSON_INDENT(2)) < 0)
			return -1;
	}
	*state = folder;
	return 0;
}

static int remove_schemas(void **state)
{
	g_autofree char *folder = *state;
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		g_autofree char *path = g_strdup_printf("%s/%s.json", folder, (*kind)->name);
		g_remove(path);
	}
	return g_rmdir(folder);
}

static void skip_without_validator(void)
{
	const char *argv[] = { PYTHON, "-c", "import jsonschema, yaml", NULL };
	int status = -1;
	if (!g_spawn_sync(
		    NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status, NULL) ||
		status != 0)
		test_lacks("python3-jsonschema and python3-yaml");
}

static void check(const char *folder, const char *path, const char *option)
{
	const char *argv[] = { PYTHON, TESTS_DIR "/lib/check_schema.py", folder, path, option, NULL };
	g_autofree char *output = NULL, *errors = NULL;
	int status = -1;
	assert_true(
		g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors, &status, NULL));
	if (status != 0)
		print_message("%s%s", output, errors);
	assert_int_equal(status, 0);
}

static void check_text(const char *folder, const char *text, const char *option)
{
	g_autofree char *path = g_build_filename(folder, "document.yaml", NULL);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	check(folder, path, option);
	g_remove(path);
}

static void jsonschema_of_every_kind_accepts_the_examples(void **state)
{
	skip_without_validator();
	check(*state, TESTS_DIR "/../examples", NULL);
}

#define CLUSTER(spec) "---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: {name: a}\nspec: {" spec "}\n"
#define GOOD "type: Failover, hosts: [{name: a}]"

static void jsonschema_accepts_what_the_decoder_accepts(void **state)
{
	skip_without_validator();
	check_text(*state,
		CLUSTER(GOOD) CLUSTER(GOOD ", rollout: {maxUnavailable: 50%, stop: {timeout: 1h30m}}")
			CLUSTER(GOOD ", rollout: {maxUnavailable: 6, windows: [{start: \"01:00\", duration: 7d}]}")
				CLUSTER(GOOD ", gpus: [{name: a, match: {model: A2}, passthrough: {perHost: 1, mmio: "
					     "{low: 16Mi, high: 34359738368}}}]"),
		NULL);
}

static void jsonschema_refuses_what_the_decoder_refuses(void **state)
{
	skip_without_validator();
	check_text(*state,
		CLUSTER("") CLUSTER("type: failover, hosts: [{name: a}]") CLUSTER("type: Failover, hosts: []")
			CLUSTER(GOOD ", hots: 1") CLUSTER(GOOD ", prune: 1") CLUSTER(GOOD ", maxPartitionsPerVM: 0")
				CLUSTER(GOOD ", gpus: [{name: A, match: {}}]")
					CLUSTER(GOOD ", gpus: [{name: a, match: {}, partitionCount: 65}]")
						CLUSTER(GOOD ", rollout: {maxUnavailable: 101%}")
							CLUSTER(GOOD ", rollout: {stop: {timeout: 5 minutes}}")
								CLUSTER(GOOD ", rollout: {windows: [{start: \"24:00\", "
									     "duration: 1h}]}"),
		"--invalid");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jsonschema_of_every_kind_accepts_the_examples),
		cmocka_unit_test(jsonschema_accepts_what_the_decoder_accepts),
		cmocka_unit_test(jsonschema_refuses_what_the_decoder_refuses),
	};
	return cmocka_run_group_tests(tests, write_schemas, remove_schemas);
}
