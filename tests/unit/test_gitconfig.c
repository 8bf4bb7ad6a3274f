/* SPDX-License-Identifier: Apache-2.0 */
/* Against the real git, with a home folder and a repository of its own. */
#include "providers/source/gitconfig.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

struct fixture {
	struct arena *arena;
	struct diags *diags;
	char *root;
	struct gitconfig config;
};

static const char *path_of(const struct fixture *fixture, const char *name)
{
	return arena_printf(fixture->arena, "%s/%s", fixture->root, name);
}

static void write_to(const struct fixture *fixture, const char *name, const char *text)
{
	assert_true(g_file_set_contents(path_of(fixture, name), text, -1, NULL));
}

static void run_git(const struct fixture *fixture, const char *const *argv)
{
	int status = -1;
	assert_true(g_spawn_sync(
		fixture->root, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
	assert_int_equal(status, 0);
}

static const char *const variables[] = { "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_COUNT", "GIT_CONFIG",
	"GIT_DIR", "GIT_CONFIG_PARAMETERS" };

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	fixture->root = g_dir_make_tmp("gitconfig-XXXXXX", NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("HOME", fixture->root, TRUE);
	g_unsetenv("XDG_CONFIG_HOME");
	const char *const init[] = { "git", "init", "-q", "repo", NULL };
	run_git(fixture, init);
	*state = fixture;
	return 0;
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

static int read_config(struct fixture *fixture)
{
	return gitconfig_read(
		path_of(fixture, "repo/.git"), "gpg", D_SIGNATURE, fixture->arena, &fixture->config, fixture->diags);
}

static void read_ok(struct fixture *fixture)
{
	assert_int_equal(read_config(fixture), 0);
	assert_int_equal(fixture->diags->n, 0);
}

static void read_fails(struct fixture *fixture, const char *why)
{
	fixture->diags = diags_new(fixture->arena);
	assert_int_equal(read_config(fixture), -1);
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->first->code, D_SIGNATURE);
	if (!strstr(fixture->diags->first->message, why))
		fail_msg("%s", fixture->diags->first->message);
}

static void expect(const struct fixture *fixture, bool is_protected, const char *key, const char *value)
{
	const char *found = gitconfig_get(&fixture->config, key, NULL, is_protected);
	if (!value || !found)
		assert_ptr_equal(found, value);
	else
		assert_string_equal(found, value);
}

static void without_settings_there_are_none(void **state)
{
	struct fixture *fixture = *state;
	read_ok(fixture);
	assert_int_equal(fixture->config.n_values, 0);
	expect(fixture, true, "gpg.program", NULL);
}

static void settings_of_the_user_are_told_from_the_repositorys(void **state)
{
	struct fixture *fixture = *state;
	write_to(fixture, ".gitconfig",
		"[gpg]\n\tminTrustLevel = fully\n\tprogram = gpg2\n[gpg \"ssh\"]\n\trevocationFile = ~/r\n");
	write_to(fixture, "included", "[gpg \"ssh\"]\n\tallowedSignersFile = /mine\n");
	write_to(fixture, "repo/.git/config",
		"[core]\n\trepositoryformatversion = 0\n\tbare = false\n[extensions]\n\tworktreeConfig = "
		"true\n[gpg]\n\tprogram = evil\n"
		"[include]\n\tpath = ../../included\n");
	write_to(fixture, "repo/.git/config.worktree", "[gpg \"ssh\"]\n\tprogram = worse\n");
	read_ok(fixture);
	expect(fixture, true, "gpg.program", "gpg2");
	expect(fixture, true, "gpg.minTrustLevel", "fully");
	expect(fixture, true, "gpg.ssh.revocationFile", path_of(fixture, "r"));
	expect(fixture, true, "gpg.ssh.allowedSignersFile", NULL);
	expect(fixture, true, "gpg.ssh.program", NULL);
	expect(fixture, false, "gpg.program", "evil");
	expect(fixture, false, "gpg.ssh.program", "worse");
	expect(fixture, false, "gpg.ssh.allowedSignersFile", "/mine");
	assert_int_equal(fixture->config.n_values, 6);
}

static void variables_of_git_count(void **state)
{
	struct fixture *fixture = *state;
	write_to(fixture, "global", "[gpg]\n\tprogram = of-global\n[gpg \"ssh\"]\n\tprogram = of-global\n");
	write_to(fixture, "system", "[gpg]\n\tprogram = of-system\n[gpg \"openpgp\"]\n\tprogram = of-system\n");
	write_to(fixture, ".gitconfig", "[gpg]\n\tprogram = of-home\n");
	g_setenv("GIT_CONFIG_GLOBAL", path_of(fixture, "global"), TRUE);
	g_setenv("GIT_CONFIG_SYSTEM", path_of(fixture, "system"), TRUE);
	g_setenv("GIT_CONFIG_COUNT", "1", TRUE);
	g_setenv("GIT_CONFIG_KEY_0", "gpg.ssh.program", TRUE);
	g_setenv("GIT_CONFIG_VALUE_0", "of-command", TRUE);
	read_ok(fixture);
	expect(fixture, true, "gpg.program", "of-global");
	expect(fixture, true, "gpg.ssh.program", "of-command");
	expect(fixture, true, "gpg.openpgp.program", NULL);
	g_unsetenv("GIT_CONFIG_NOSYSTEM");
	read_ok(fixture);
	expect(fixture, true, "gpg.openpgp.program", "of-system");
	expect(fixture, true, "gpg.program", "of-global");
}

/* As it is when a hook of another repository runs us. */
static void variables_that_mean_another_repository_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	const char *const init[] = { "git", "init", "-q", "other", NULL };
	run_git(fixture, init);
	write_to(fixture, "other/.git/config", "[gpg]\n\tprogram = of-other\n");
	write_to(fixture, "repo/.git/config", "[gpg]\n\tprogram = own\n");
	g_setenv("GIT_DIR", path_of(fixture, "other/.git"), TRUE);
	g_setenv("GIT_CONFIG", path_of(fixture, "other/.git/config"), TRUE);
	read_ok(fixture);
	expect(fixture, false, "gpg.program", "own");
	expect(fixture, true, "gpg.program", NULL);
}

/* The text of a value never passes for another setting. */
static void values_are_any_text(void **state)
{
	struct fixture *fixture = *state;
	write_to(fixture, "repo/.git/config",
		"[gpg]\n\tprogram = \"a\\nglobal\\ngpg.program\\nb\"\n[gpg \"x\\n\"]\n\ty = \"\xff\xef\xbf\xbd\"\n");
	read_ok(fixture);
	assert_int_equal(fixture->config.n_values, 2);
	expect(fixture, true, "gpg.program", NULL);
	expect(fixture, false, "gpg.program", "a\nglobal\ngpg.program\nb");
}

static void last_value_wins_and_an_empty_one_is_none(void **state)
{
	struct fixture *fixture = *state;
	write_to(fixture, ".gitconfig",
		"[gpg]\n\tprogram = one\n[gpg \"openpgp\"]\n\tprogram = two\n[gpg \"ssh\"]\n\tprogram = x\n\tprogram "
		"=\n");
	read_ok(fixture);
	assert_string_equal(gitconfig_get(&fixture->config, "gpg.program", "gpg.openpgp.program", true), "two");
	expect(fixture, true, "gpg.program", "one");
	expect(fixture, true, "gpg.ssh.program", NULL);
}

static void what_git_cannot_read_is_said(void **state)
{
	struct fixture *fixture = *state;
	write_to(fixture, ".gitconfig", "[gpg\n");
	read_fails(fixture, "bad config line");
	write_to(fixture, ".gitconfig", "[gpg]\n\tprogram\n");
	read_fails(fixture, "missing value");
	g_setenv("GIT_CONFIG_GLOBAL", fixture->root, TRUE);
	read_fails(fixture, "unable to access");
}

/* Of too much git's first words would be lost, which are the system's. */
static void too_many_settings_are_refused(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) text = g_string_new("[gpg]\n");
	for (unsigned i = 0; i < 4000; i++)
		g_string_append(text, "\tprogram = xxxxxxxx\n");
	write_to(fixture, "repo/.git/config", text->str);
	read_fails(fixture, "more than 64 KiB");
}

static void git_that_is_missing_or_answers_nonsense_is_told(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *path = g_strdup(g_getenv("PATH"));
	assert_int_equal(g_mkdir(path_of(fixture, "bin"), 0700), 0);
	g_setenv("PATH", path_of(fixture, "bin"), TRUE);
	read_fails(fixture, "'git' cannot be run");
	write_to(fixture, "bin/git", "#!/bin/sh\necho global\n");
	assert_int_equal(g_chmod(path_of(fixture, "bin/git"), 0700), 0);
	read_fails(fixture, "breaks off");
	write_to(fixture, "bin/git", "#!/bin/sh\necho 'fatal: one' >&2\necho ' two' >&2\nexit 128\n");
	assert_int_equal(g_chmod(path_of(fixture, "bin/git"), 0700), 0);
	read_fails(fixture, "git's settings cannot be read: fatal: one two");
	g_setenv("PATH", path, TRUE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_settings_there_are_none),
		TEST(settings_of_the_user_are_told_from_the_repositorys),
		TEST(variables_of_git_count),
		TEST(variables_that_mean_another_repository_do_not_count),
		TEST(values_are_any_text),
		TEST(last_value_wins_and_an_empty_one_is_none),
		TEST(what_git_cannot_read_is_said),
		TEST(too_many_settings_are_refused),
		TEST(git_that_is_missing_or_answers_nonsense_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
