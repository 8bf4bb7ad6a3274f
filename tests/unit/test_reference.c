/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/reference.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect(
	const char *given, enum reference_kind kind, const char *root, const char *path, const char *revision)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct reference reference;
	assert_int_equal(reference_parse(given, arena, &reference, diags), 0);
	assert_int_equal(reference.kind, kind);
	assert_string_equal(reference.root, root);
	assert_string_equal(reference.path, path);
	if (revision)
		assert_string_equal(reference.revision, revision);
	else
		assert_null(reference.revision);
}

static void expect_refused(const char *given, enum diag_code code)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct reference reference;
	assert_int_equal(reference_parse(given, arena, &reference, diags), -1);
	assert_int_equal(diags->n_errors, 1);
	assert_int_equal(diags->first->code, code);
}

static void urls_are_taken_apart(void **state)
{
	(void)state;
	expect("https://example.com/ops/gpu//clusters/paris?ref=v1", REFERENCE_REMOTE, "https://example.com/ops/gpu",
		"clusters/paris", "v1");
	expect("https://example.com/ops/gpu.git", REFERENCE_REMOTE, "https://example.com/ops/gpu.git", "", NULL);
	expect("ssh://git@example.com:2222/ops/gpu//a", REFERENCE_REMOTE, "ssh://git@example.com:2222/ops/gpu", "a",
		NULL);
	expect("git@example.com:ops/gpu//./a//b/?ref=main", REFERENCE_REMOTE, "git@example.com:ops/gpu", "a/b", "main");
}

static void file_url_is_a_local_repository(void **state)
{
	(void)state;
	expect("file:///srv/git/gpu%20x.git//a?ref=main", REFERENCE_LOCAL, "/srv/git/gpu x.git", "a", "main");
	expect("file:///srv/gpu", REFERENCE_LOCAL, "/srv/gpu", "", NULL);
	expect_refused("file://server/srv/gpu", D_SOURCE_NOT_FOUND);
}

static void path_with_revision_is_a_local_repository(void **state)
{
	(void)state;
	expect("./repo//clusters?ref=main", REFERENCE_LOCAL, "./repo", "clusters", "main");
	expect("clusters?ref=HEAD~1", REFERENCE_LOCAL, "clusters", "", "HEAD~1");
	expect("?ref=main", REFERENCE_LOCAL, ".", "", "main");
	expect("nowhere.git//clusters", REFERENCE_LOCAL, "nowhere.git", "clusters", NULL);
}

static void existing_path_is_files_whatever_it_looks_like(void **state)
{
	(void)state;
	expect("-", REFERENCE_FILES, "-", "", NULL);
	expect("/tmp//", REFERENCE_FILES, "/tmp//", "", NULL);
	expect("no/such/path", REFERENCE_FILES, "no/such/path", "", NULL);
}

static void path_that_leaves_the_tree_is_refused(void **state)
{
	(void)state;
	expect_refused("https://example.com/ops/gpu//../x", D_SOURCE_SYMLINK);
	expect_refused("./repo//a/../../x?ref=main", D_SOURCE_SYMLINK);
	expect_refused("https://example.com/ops/gpu///etc", D_SOURCE_SYMLINK);
}

static void other_schemes_and_parameters_are_refused(void **state)
{
	(void)state;
	expect_refused("http://example.com/ops/gpu", D_SOURCE_NOT_FOUND);
	expect_refused("ext::sh -c x://y", D_SOURCE_NOT_FOUND);
	expect_refused("https://example.com/ops/gpu?timeout=5", D_USAGE);
	expect_refused("https://example.com/ops/gpu?ref=", D_USAGE);
	expect_refused("repo//clusters?rev=main", D_USAGE);
}

static void password_is_censored(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(reference_censored(arena, "https://me:pa@ss@example.com/x?ref=a@b"),
		"https://me:***@example.com/x?ref=a@b");
	assert_string_equal(reference_censored(arena, "https://example.com/x//a@b:c"), "https://example.com/x//a@b:c");
	assert_string_equal(reference_censored(arena, "git@example.com:x"), "git@example.com:x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(file_url_is_a_local_repository),
		cmocka_unit_test(path_with_revision_is_a_local_repository),
		cmocka_unit_test(existing_path_is_files_whatever_it_looks_like),
		cmocka_unit_test(path_that_leaves_the_tree_is_refused),
		cmocka_unit_test(other_schemes_and_parameters_are_refused),
		cmocka_unit_test(password_is_censored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
