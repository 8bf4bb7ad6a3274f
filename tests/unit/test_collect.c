/* SPDX-License-Identifier: Apache-2.0 */
/* The limits, without the gigabytes that reach them. */
#include "providers/source/collect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct collect collect;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	collect_init(&fixture->collect, fixture->arena, diags_new(fixture->arena));
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	collect_done(&fixture->collect);
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

static void assert_limit(const struct fixture *fixture, const char *part)
{
	const struct diag *said = fixture->collect.diags->last;
	assert_non_null(said);
	assert_int_equal(said->code, D_SOURCE_LIMIT);
	assert_non_null(strstr(said->message, part));
}

static void one_file_has_a_limit(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(collect_room(&fixture->collect, "a.yaml", SOURCE_FILE_MAX), 0);
	assert_int_equal(collect_room(&fixture->collect, "a.yaml", SOURCE_FILE_MAX + 1), -1);
	assert_limit(fixture, "'a.yaml' is larger than 16 MiB");
}

static void all_files_together_have_a_limit(void **state)
{
	struct fixture *fixture = *state;
	fixture->collect.total_bytes = SOURCE_TOTAL_MAX - 10;
	assert_int_equal(collect_room(&fixture->collect, "a.yaml", 10), 0);
	assert_int_equal(collect_room(&fixture->collect, "a.yaml", 11), -1);
	assert_limit(fixture, "the manifests up to 'a.yaml' are larger than 256 MiB in all");
}

static void their_number_has_a_limit(void **state)
{
	struct fixture *fixture = *state;
	const struct source source = { "a.yaml", "x", 1 };
	g_array_set_size(fixture->collect.files, SOURCE_FILES_MAX - 1);
	assert_int_equal(collect_add(&fixture->collect, &source), 0);
	assert_int_equal(collect_add(&fixture->collect, &source), -1);
	assert_limit(fixture, "more than 50000 manifest files");
}

static void entries_and_depth_have_a_limit(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(collect_enter(&fixture->collect, "a", COLLECT_DEPTH_MAX), 0);
	assert_int_equal(collect_enter(&fixture->collect, "a", COLLECT_DEPTH_MAX + 1), -1);
	assert_limit(fixture, "more than 64 folders deep");
	fixture->collect.n_entries = COLLECT_ENTRIES_MAX;
	assert_int_equal(collect_enter(&fixture->collect, "a", 0), -1);
	assert_limit(fixture, "more than 1000000 files and folders");
}

static void manifests_are_known_by_their_names(void **state)
{
	(void)state;
	static const char *const yes[] = { "a.yaml", "a.yml", "a.json", "A.YAML", "kustomization.json" };
	static const char *const no[] = { "a.txt", "yaml", "a.yaml~", "kustomization.yaml", "Kustomization.YML" };
	for (size_t i = 0; i < G_N_ELEMENTS(yes); i++)
		assert_true(collect_is_manifest(yes[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(no); i++)
		assert_false(collect_is_manifest(no[i]));
	assert_true(collect_is_hidden(".git"));
	assert_false(collect_is_hidden("git"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(one_file_has_a_limit),
		TEST(all_files_together_have_a_limit),
		TEST(their_number_has_a_limit),
		TEST(entries_and_depth_have_a_limit),
		TEST(manifests_are_known_by_their_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
