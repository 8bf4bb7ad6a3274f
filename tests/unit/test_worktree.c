/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/worktree.h"
#include "base/file.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

struct fixture {
	struct arena *arena;
	char *root; /* real */
};

static void make_folder(const struct fixture *fixture, const char *name)
{
	assert_int_equal(g_mkdir_with_parents(arena_printf(fixture->arena, "%s/%s", fixture->root, name), 0700), 0);
}

static void make_link(const struct fixture *fixture, const char *target, const char *name)
{
	assert_int_equal(symlink(target, arena_printf(fixture->arena, "%s/%s", fixture->root, name)), 0);
}

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	g_autofree char *made = g_dir_make_tmp("worktree-XXXXXX", NULL);
	fixture->root = g_strdup(file_real_path(made, fixture->arena));
	static const char *const folders[] = { "tree/.git/modules/sub", "tree/a/b", "tree/sub", "plain/c" };
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
		make_folder(fixture, folders[i]);
	assert_true(g_file_set_contents(
		arena_printf(fixture->arena, "%s/tree/sub/.git", fixture->root), "gitdir: x\n", -1, NULL));
	*state = fixture;
	return chdir(fixture->root);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	const char *const argv[] = { "rm", "-rf", fixture->root, NULL };
	assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
	arena_free(fixture->arena);
	g_free(fixture->root);
	g_free(fixture);
	return 0;
}

/* Both below the root; NULL: none. */
static void expect_top(const struct fixture *fixture, const char *name, const char *top)
{
	struct arena *arena = fixture->arena;
	const char *found = worktree_top(arena_printf(arena, "%s/%s", fixture->root, name), arena);
	if (!top)
		assert_null(found);
	else
		assert_string_equal(found, arena_printf(arena, "%s/%s", fixture->root, top));
}

static void nearest_folder_with_a_git_is_the_top(void **state)
{
	const struct fixture *fixture = *state;
	expect_top(fixture, "tree", "tree");
	expect_top(fixture, "tree/a/b", "tree");
	expect_top(fixture, "tree/sub", "tree/sub");
	expect_top(fixture, "plain/c", NULL);
	const char *sub = arena_printf(fixture->arena, "%s/tree/sub", fixture->root);
	assert_true(g_str_has_suffix(worktree_above(sub, fixture->arena), "/tree"));
	assert_null(worktree_above("/", fixture->arena));
}

static void git_directory_is_in_no_work_tree(void **state)
{
	const struct fixture *fixture = *state;
	expect_top(fixture, "tree/.git", NULL);
	expect_top(fixture, "tree/.git/modules/sub", NULL);
}

static void expect_symlink(const struct fixture *fixture, const char *path, const char *link)
{
	const char *found = worktree_symlink(path, fixture->arena);
	if (!link)
		assert_null(found);
	else
		assert_string_equal(found, arena_printf(fixture->arena, "%s/%s", fixture->root, link));
}

static void symlinks_of_a_work_tree_are_found(void **state)
{
	const struct fixture *fixture = *state;
	make_link(fixture, "../plain", "tree/out");
	make_link(fixture, "a", "tree/within");
	make_link(fixture, "tree", "into");
	make_link(fixture, "tree/out/c", "through");
	make_link(fixture, "loop", "loop");
	make_link(fixture, fixture->root, "absolute");
	expect_symlink(fixture, "tree/out", "tree/out");
	expect_symlink(fixture, "tree/out/c", "tree/out");
	expect_symlink(fixture, "tree/within/../a", "tree/within");
	expect_symlink(fixture, "./tree//within/", "tree/within");
	expect_symlink(fixture, arena_printf(fixture->arena, "%s/tree/out", fixture->root), "tree/out");
	/* By way of a symlink that is nobody's commit. */
	expect_symlink(fixture, "into/out", "tree/out");
	expect_symlink(fixture, "through", "tree/out");
	expect_symlink(fixture, "absolute/tree/out", "tree/out");
}

static void other_symlinks_are_the_users_own(void **state)
{
	const struct fixture *fixture = *state;
	make_link(fixture, "tree", "into");
	make_link(fixture, "loop", "loop");
	make_link(fixture, "nowhere", "broken");
	static const char *const paths[] = { "tree/a", "into/a/b", "plain", ".", "..", "loop", "broken/x", "missing/y",
		"tree/a/../../into" };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		expect_symlink(fixture, paths[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nearest_folder_with_a_git_is_the_top),
		TEST(git_directory_is_in_no_work_tree),
		TEST(symlinks_of_a_work_tree_are_found),
		TEST(other_symlinks_are_the_users_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
