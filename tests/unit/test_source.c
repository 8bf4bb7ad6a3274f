/* SPDX-License-Identifier: Apache-2.0 */
/* Against real repositories, made by running git in a temporary folder. */
#include "providers/source/source.h"
#include "providers/source/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/needs.h"

/* libgit2 1.5 forgets, of each setting of a repository that has extensions, what it was matched with; not ours to free. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpcre2";
}

static char *root;

static void shell(const char *script)
{
	const char *const argv[] = { "sh", "-ec", script, NULL };
	int status = -1;
	g_autofree char *errors = NULL;
	assert_true(g_spawn_sync(root, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
		NULL, NULL, &errors, &status, NULL));
	if (status != 0)
		print_error("%s\n%s\n", script, errors);
	assert_int_equal(status, 0);
}

#define GIT "git -c user.name=T -c user.email=t@example.com -c init.defaultBranch=main "

struct fixture {
	struct arena *arena;
	struct diags *diags;
	struct source_tree tree;
};

static int setup(void **state)
{
	root = g_dir_make_tmp("source-XXXXXX", NULL);
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	*state = fixture;
	shell("mkdir -p repo/a/b && cd repo && printf one > a/1.yaml && printf two > a/b/2.yml && printf '{}' > 3.json "
	      "&&"
	      "printf x > README.md && printf x > a/kustomization.yaml && mkdir .hidden && printf x > .hidden/h.yaml "
	      "&&" GIT "init -q . &&" GIT "add -A . &&" GIT "commit -q -m first");
	return chdir(root);
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	shell("chmod -R u+rwX . && rm -rf ./* ./.[!.]*");
	rmdir(root);
	g_clear_pointer(&root, g_free);
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

static void read_ok(struct fixture *fixture, const char *given)
{
	fixture->tree = (struct source_tree){ 0 };
	int result = source_read(given, fixture->arena, &fixture->tree, fixture->diags);
	if (result != 0)
		print_error("%s\n", fixture->diags->last->message);
	assert_int_equal(result, 0);
}

static void read_refused(struct fixture *fixture, const char *given, enum diag_code code, const char *part)
{
	struct diags *diags = diags_new(fixture->arena);
	assert_int_equal(source_read(given, fixture->arena, &fixture->tree, diags), -1);
	assert_non_null(diags->first);
	if (diags->first->code != code || !strstr(diags->first->message, part))
		print_error("%s: %s\n", diag_codes[diags->first->code].id, diags->first->message);
	assert_int_equal(diags->first->code, code);
	assert_non_null(strstr(diags->first->message, part));
}

/* "a.yaml b.yaml": the names of the files, in order. */
static void expect_files(const struct fixture *fixture, const char *names)
{
	g_autoptr(GString) all = g_string_new(NULL);
	for (uint32_t i = 0; i < fixture->tree.n_files; i++)
		g_string_append_printf(all, "%s%s", i ? " " : "", fixture->tree.files[i].source.name);
	assert_string_equal(all->str, names);
}

static void folder_is_read_with_names_as_typed(void **state)
{
	struct fixture *fixture = *state;
	read_ok(fixture, "repo");
	expect_files(fixture, "repo/3.json repo/a/1.yaml repo/a/b/2.yml");
	assert_int_equal(fixture->tree.files[1].source.n_bytes, 3);
	assert_memory_equal(fixture->tree.files[1].source.bytes, "one", 3);
	read_ok(fixture, "./repo//a/");
	expect_files(fixture, "repo/a/1.yaml repo/a/b/2.yml");
	assert_int_equal(chdir("repo"), 0);
	read_ok(fixture, ".");
	expect_files(fixture, "3.json a/1.yaml a/b/2.yml");
	assert_false(fixture->tree.dirty);
	read_ok(fixture, "a/1.yaml");
	expect_files(fixture, "a/1.yaml");
	assert_false(fixture->tree.dirty);
	assert_string_equal(fixture->tree.path_in_repository, "a/1.yaml");
}

static void folder_in_a_work_tree_knows_its_commit(void **state)
{
	struct fixture *fixture = *state;
	read_ok(fixture, "repo/a");
	assert_int_equal(strlen(fixture->tree.commit), 40);
	assert_false(fixture->tree.dirty);
	assert_string_equal(fixture->tree.path_in_repository, "a");
	assert_null(fixture->tree.owner);
	shell("printf x >> repo/README.md");
	read_ok(fixture, "repo/a");
	assert_false(fixture->tree.dirty);
}

static void changed_added_or_deleted_manifest_is_dirty(void **state)
{
	struct fixture *fixture = *state;
	static const char *const changes[] = { "printf x >> repo/a/1.yaml", "printf x > repo/a/new.yaml",
		"rm repo/a/1.yaml" };
	for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
		shell(changes[i]);
		read_ok(fixture, "repo/a");
		assert_true(fixture->tree.dirty);
		shell("cd repo && git checkout -q . && git clean -qfd");
	}
	read_ok(fixture, "repo/a");
	assert_false(fixture->tree.dirty);
}

static void revision_is_read_from_the_object_database(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo && printf two > a/1.yaml && rm -r a/b &&" GIT "commit -qam second");
	read_ok(fixture, "repo//a?ref=HEAD~1");
	expect_files(fixture, "a/1.yaml a/b/2.yml");
	assert_memory_equal(fixture->tree.files[0].source.bytes, "one", 3);
	assert_string_equal(fixture->tree.path_in_repository, "a");
	read_ok(fixture, "repo/a?ref=main");
	expect_files(fixture, "a/1.yaml");
	read_ok(fixture, "repo//a/1.yaml?ref=HEAD~1");
	expect_files(fixture, "a/1.yaml");
	g_autofree char *url = g_strdup_printf("file://%s/repo//a?ref=main", root);
	read_ok(fixture, url);
	expect_files(fixture, "a/1.yaml");
}

static void bare_repository_means_its_head(void **state)
{
	struct fixture *fixture = *state;
	shell("git clone -q --bare repo bare.git");
	read_ok(fixture, "bare.git");
	expect_files(fixture, "3.json a/1.yaml a/b/2.yml");
	read_ok(fixture, "bare.git//a/b");
	expect_files(fixture, "a/b/2.yml");
	read_refused(fixture, "bare.git//c", D_SOURCE_NOT_FOUND, "has no 'c'");
}

/* A commit of "repo" that holds, as plain files, a bare repository with another commit; its settings are 'config'. */
static void embed(const char *config)
{
	shell("git init -q other && cd other && printf evil > evil.yaml &&" GIT "add -A . &&" GIT "commit -qm evil");
	g_autofree char *script = g_strdup_printf(
		"rm -rf repo/a && git clone -q --bare other repo/a && cd repo/a && rm -rf hooks && mkdir -p refs/heads "
		"&& "
		"git rev-parse HEAD > refs/heads/main && echo ref: refs/heads/main > HEAD && printf '%s' > config && "
		"printf two > 2.yaml && cd .. &&" GIT "add -A . &&" GIT "commit -qm embedded",
		config);
	shell(script);
}

static void repository_that_a_commit_holds_is_none(void **state)
{
	static const char *const configs[] = { "[core]\n\tbare = true\n", "[core]\n\tbare = false\n\tworktree = .\n",
		"[core]\n\tbare = false\n\tworktree = ..\n", "[core]\n\trepositoryformatversion = 9\n" };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < G_N_ELEMENTS(configs); i++) {
		if (i > 0)
			shell("rm -rf other");
		embed(configs[i]);
		read_ok(fixture, "repo");
		const char *commit = fixture->tree.commit, *repository = fixture->tree.repository;
		static const char *const given[] = { "repo/a", "repo/a/../a/", "repo/a?ref=HEAD", "repo//a?ref=HEAD",
			"repo/a//?ref=main", "repo/a/2.yaml" };
		for (size_t j = 0; j < G_N_ELEMENTS(given); j++) {
			read_ok(fixture, given[j]);
			assert_int_equal(fixture->tree.n_files, 1);
			assert_memory_equal(fixture->tree.files[0].source.bytes, "two", 3);
			assert_string_equal(fixture->tree.commit, commit);
			assert_string_equal(fixture->tree.repository, repository);
			assert_false(fixture->tree.dirty);
			struct source_tree later = { .given = given[j], .commit = commit };
			assert_int_equal(source_find_repository(&later, false, fixture->arena, fixture->diags), 0);
			assert_string_equal(later.repository, repository);
		}
		shell("printf x > repo/a/refs/x.yaml");
		read_ok(fixture, "repo/a/refs");
		assert_string_equal(fixture->tree.commit, commit);
		assert_true(fixture->tree.dirty);
		shell("rm repo/a/refs/x.yaml repo/a/2.yaml");
		read_refused(fixture, "repo/a", D_NO_DOCUMENTS, "holds no manifest");
	}
	struct diags *diags = diags_new(fixture->arena);
	assert_int_equal(source_read("repo/a", fixture->arena, &fixture->tree, diags), -1);
	assert_int_equal(diags->last->code, D_SOURCE_NOT_REPOSITORY);
	assert_non_null(strstr(diags->last->message, "'repo/a' looks like a bare repository"));
}

static void repository_that_a_commit_holds_is_none_by_a_symlink(void **state)
{
	struct fixture *fixture = *state;
	embed("[core]\n\tbare = true\n");
	shell("ln -s a repo/link && ln -s repo/a link");
	read_ok(fixture, "repo/a");
	const char *commit = fixture->tree.commit;
	static const char *const given[] = { "repo/link", "link", "repo/link?ref=HEAD", "link?ref=HEAD" };
	for (size_t i = 0; i < G_N_ELEMENTS(given); i++) {
		read_ok(fixture, given[i]);
		assert_string_equal(fixture->tree.commit, commit);
		assert_memory_equal(fixture->tree.files[0].source.bytes, "two", 3);
	}
}

/* Even where git's own folder is broken, or far away. */
static void repository_that_a_commit_holds_is_none_in_a_broken_work_tree(void **state)
{
	struct fixture *fixture = *state;
	embed("[core]\n\tbare = true\n");
	shell("rm -rf repo/.git && mkdir repo/.git");
	read_ok(fixture, "repo/a");
	assert_null(fixture->tree.commit);
	read_refused(fixture, "repo/a?ref=HEAD", D_SOURCE_NOT_REPOSITORY, "is not in a git repository");
	shell("rmdir repo/.git && echo gitdir: /nowhere > repo/.git");
	read_ok(fixture, "repo/a");
	assert_null(fixture->tree.commit);
}

/* A ".git" is nothing that a commit holds. */
static void nested_repositories_with_a_git_are_their_own(void **state)
{
	struct fixture *fixture = *state;
	shell("git clone -q repo nested && cd nested && printf nested > a/1.yaml &&" GIT
	      "commit -qam nested && cd .. && git clone -q --separate-git-dir=repo/away nested repo/far && mv nested "
	      "repo/ && "
	      "cd repo && git branch side && git worktree add -q tree side &&" GIT
	      "-c protocol.file.allow=always submodule --quiet add ./nested sub");
	static const char *const own[] = { "repo/nested/a", "repo/far/a", "repo/sub/a", "repo/nested/a?ref=HEAD",
		"repo/far//a?ref=HEAD", "repo/sub//a?ref=HEAD" };
	for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
		read_ok(fixture, own[i]);
		assert_memory_equal(fixture->tree.files[0].source.bytes, "nested", 6);
		assert_int_equal(strlen(fixture->tree.commit), 40);
		assert_false(fixture->tree.dirty);
		assert_int_equal(
			source_ancestry(&fixture->tree, fixture->tree.commit, fixture->tree.commit), ANCESTRY_SAME);
		struct source_tree then;
		assert_int_equal(
			source_read_commit(&fixture->tree, fixture->tree.commit, fixture->arena, &then, fixture->diags),
			0);
	}
	static const char *const whole[] = { "repo/tree/a", "repo/tree//a?ref=HEAD" };
	for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) {
		read_ok(fixture, whole[i]);
		assert_memory_equal(fixture->tree.files[0].source.bytes, "one", 3);
		struct source_tree then;
		assert_int_equal(
			source_read_commit(&fixture->tree, fixture->tree.commit, fixture->arena, &then, fixture->diags),
			0);
	}
}

static void owner_comes_from_origin_and_path(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo && git remote add origin git@Example.com:ops/gpu.git");
	read_ok(fixture, "repo/a");
	assert_string_equal(fixture->tree.owner, "example.com/ops/gpu//a");
	read_ok(fixture, "repo//a?ref=main");
	assert_string_equal(fixture->tree.owner, "example.com/ops/gpu//a");
	read_ok(fixture, "repo");
	assert_string_equal(fixture->tree.owner, "example.com/ops/gpu");
}

static void folder_outside_of_git_has_no_commit_and_no_owner(void **state)
{
	struct fixture *fixture = *state;
	shell("mkdir plain && printf x > plain/a.yaml");
	read_ok(fixture, "plain");
	assert_null(fixture->tree.commit);
	assert_null(fixture->tree.owner);
	assert_null(fixture->tree.repository);
	assert_int_equal(fixture->diags->n, 0);
	read_refused(fixture, "plain?ref=main", D_SOURCE_NOT_REPOSITORY, "not in a git repository");
}

static void new_repository_without_commit_is_read(void **state)
{
	struct fixture *fixture = *state;
	shell("mkdir new && cd new && git init -q . && printf x > a.yaml");
	read_ok(fixture, "new");
	assert_null(fixture->tree.commit);
	assert_int_equal(fixture->diags->n, 0);
}

static void missing_things_are_named(void **state)
{
	struct fixture *fixture = *state;
	read_refused(fixture, "nowhere", D_SOURCE_NOT_FOUND, "'nowhere' cannot be read");
	read_refused(fixture, "nowhere?ref=main", D_SOURCE_NOT_FOUND, "'nowhere' does not exist");
	read_refused(fixture, "repo?ref=mian", D_SOURCE_REVISION, "did you mean 'main'");
	read_refused(fixture, "repo?ref=0123456789012345678901234567890123456789", D_SOURCE_REVISION, "no commit");
	shell("git clone -q repo clone && cd repo && git branch next && cd ../clone && git fetch -q");
	read_refused(fixture, "clone?ref=next", D_SOURCE_REVISION, "did you mean 'origin/next'");
	shell("mkdir empty");
	read_refused(fixture, "empty", D_NO_DOCUMENTS, "'empty' holds no manifest");
}

static void what_is_no_single_commit_is_said(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo &&" GIT "commit -q --allow-empty -m second && git tag v1 && cd .. && git init -q new");
	read_refused(fixture, "repo?ref=v1..main", D_SOURCE_REVISION, "'v1..main' is a range of commits");
	read_refused(fixture, "new?ref=HEAD", D_SOURCE_REVISION, "the repository has no commit yet");
}

/* Of 2000 objects some share their first four digits. */
static void short_id_of_two_objects_is_not_guessed(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo && seq 2000 | while read -r n; do echo $n > f$n; done &&" GIT "add . &&" GIT "commit -qm many &&"
	      "git rev-list --objects --all | cut -c1-4 | sort | uniq -d | head -n 1 > ../short");
	g_autofree char *short_id = NULL;
	assert_true(g_file_get_contents("short", &short_id, NULL, NULL));
	g_autofree char *given = g_strdup_printf("repo?ref=%s", g_strchomp(short_id));
	read_refused(fixture, given, D_SOURCE_REVISION, "is short for more than one");
}

/* A file that is left out unnoticed reads like deleted lines. */
static void manifests_are_known_by_their_ending_case_aside(void **state)
{
	struct fixture *fixture = *state;
	shell("mkdir w && printf x > w/A.YAML && printf x > w/B.Yml && printf x > w/Kustomization.yaml && printf x > "
	      "w/c.txt");
	read_ok(fixture, "w");
	expect_files(fixture, "w/A.YAML w/B.Yml");
}

static void a_repository_of_sha256_is_told_from_a_broken_one(void **state)
{
	struct fixture *fixture = *state;
	shell("git init -q --object-format=sha256 new && cd new && printf x > a.yaml &&" GIT "add . &&" GIT
	      "commit -qm first && cd .. && git clone -q --bare new bare");
	read_refused(fixture, "new?ref=HEAD", D_SOURCE_GIT, "one of SHA-256 objects");
	read_refused(fixture, "bare", D_SOURCE_GIT, "one of SHA-256 objects");
	read_ok(fixture, "new");
	assert_int_equal(fixture->diags->last->code, D_SOURCE_UNKNOWN_COMMIT);
}

/* Only root can give a repository to somebody else; others cannot try this. */
static void a_repository_of_another_user_is_told_from_none(void **state)
{
	struct fixture *fixture = *state;
	if (geteuid() != 0)
		test_lacks("root");
	shell("git clone -q --bare repo bare && chown -R 12345 repo bare");
	read_refused(fixture, "repo?ref=main", D_SOURCE_GIT, "belongs to another user");
	read_refused(fixture, "bare", D_SOURCE_GIT, "belongs to another user");
	read_ok(fixture, "repo");
	assert_null(fixture->tree.commit);
	assert_int_equal(fixture->diags->last->code, D_SOURCE_UNKNOWN_COMMIT);
	assert_non_null(strstr(fixture->diags->last->message, "safe.directory"));
}

static void symlink_is_refused_in_folder_and_commit(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo && ln -s /etc a/link &&" GIT "add -A . &&" GIT "commit -qm link");
	read_refused(fixture, "repo", D_SOURCE_SYMLINK, "'repo/a/link' is a symlink");
	read_refused(fixture, "repo?ref=main", D_SOURCE_SYMLINK, "'a/link' is a symlink");
	read_refused(fixture, "repo//a/link?ref=main", D_SOURCE_SYMLINK, "'a/link' is a symlink");
	read_ok(fixture, "repo?ref=main~1");
}

static void submodule_is_refused_in_folder_and_commit(void **state)
{
	struct fixture *fixture = *state;
	shell("git clone -q repo other && cd repo &&" GIT
	      "-c protocol.file.allow=always submodule --quiet add ../other sub &&" GIT "commit -qm sub");
	read_refused(fixture, "repo", D_SOURCE_SYMLINK, "'repo/sub' is a git repository of its own");
	read_refused(fixture, "repo?ref=main", D_SOURCE_SYMLINK, "'sub' is a submodule");
}

static void pipes_and_large_files_are_refused(void **state)
{
	struct fixture *fixture = *state;
	shell("mkdir x && mkfifo x/a.yaml && truncate -s 17M x/b.yaml");
	read_refused(fixture, "x", D_SOURCE_NOT_FOUND, "'x/a.yaml' is not a regular file");
	read_refused(fixture, "x/b.yaml", D_SOURCE_LIMIT, "larger than 16 MiB");
	shell("cd repo && truncate -s 17M b.yaml &&" GIT "add b.yaml &&" GIT "commit -qm large");
	read_refused(fixture, "repo?ref=main", D_SOURCE_LIMIT, "'b.yaml' is larger than 16 MiB");
}

static void deep_folders_are_refused(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) path = g_string_new("repo");
	for (int i = 0; i < 70; i++)
		g_string_append(path, "/d");
	g_autofree char *script = g_strdup_printf("mkdir -p %s && printf x > %s/x.yaml && cd repo &&" GIT
						  "add -A . &&" GIT "commit -qm deep",
		path->str, path->str);
	shell(script);
	read_refused(fixture, "repo", D_SOURCE_LIMIT, "folders deep");
	read_refused(fixture, "repo?ref=main", D_SOURCE_LIMIT, "folders deep");
}

static void recorded_commit_is_read_again(void **state)
{
	struct fixture *fixture = *state;
	read_ok(fixture, "repo/a");
	const char *first = fixture->tree.commit;
	shell("cd repo && printf changed > a/1.yaml &&" GIT "commit -qam second && printf again > a/1.yaml");
	read_ok(fixture, "repo/a");
	assert_true(fixture->tree.dirty);
	struct source_tree then;
	assert_int_equal(source_read_commit(&fixture->tree, first, fixture->arena, &then, fixture->diags), 0);
	assert_memory_equal(then.files[0].source.bytes, "one", 3);
	assert_string_equal(then.commit, first);
	assert_false(then.dirty);
	static const char none[] = "0123456789012345678901234567890123456789";
	assert_int_equal(
		source_read_commit(&fixture->tree, none, fixture->arena, &then, fixture->diags), SOURCE_NO_COMMIT);
	assert_int_equal(fixture->diags->n, 0);
}

static void ancestry_is_known_within_one_repository(void **state)
{
	struct fixture *fixture = *state;
	read_ok(fixture, "repo");
	const char *first = fixture->tree.commit;
	shell("cd repo &&" GIT "commit -q --allow-empty -m second");
	read_ok(fixture, "repo");
	const char *second = fixture->tree.commit;
	assert_int_equal(source_ancestry(&fixture->tree, first, second), ANCESTRY_STRICT);
	assert_int_equal(source_ancestry(&fixture->tree, second, first), ANCESTRY_NO);
	assert_int_equal(source_ancestry(&fixture->tree, first, first), ANCESTRY_SAME);
	static const char none[] = "0123456789012345678901234567890123456789";
	assert_int_equal(source_ancestry(&fixture->tree, none, second), ANCESTRY_UNKNOWN);
	assert_int_equal(source_ancestry(&fixture->tree, "not an id", second), ANCESTRY_UNKNOWN);
}

static void cut_off_history_gives_no_answer_about_ancestry(void **state)
{
	struct fixture *fixture = *state;
	shell("cd repo &&" GIT "commit -q --allow-empty -m second && git checkout -q -b side HEAD~1 &&" GIT
	      "commit -q --allow-empty -m third && cd .. && git clone -q --depth 1 --no-single-branch file://$PWD/repo "
	      "shallow");
	read_ok(fixture, "shallow?ref=origin/main");
	const char *main = fixture->tree.commit;
	read_ok(fixture, "shallow?ref=origin/side");
	assert_int_equal(source_ancestry(&fixture->tree, main, fixture->tree.commit), ANCESTRY_UNKNOWN);
}

static void remote_is_fetched_into_the_cache_and_again(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *url = g_strdup_printf("file://%s/repo", root);
	const char *path = NULL, *again = NULL;
	assert_int_equal(remote_fetch(url, fixture->arena, &path, fixture->diags), 0);
	g_autofree char *head = g_strdup_printf("%s?ref=" REMOTE_HEAD, path);
	read_ok(fixture, head);
	assert_int_equal(fixture->tree.n_files, 3);
	shell("cd repo && git checkout -q -b next && printf x > new.yaml &&" GIT "add new.yaml &&" GIT
	      "commit -qm new");
	assert_int_equal(remote_fetch(url, fixture->arena, &again, fixture->diags), 0);
	assert_string_equal(path, again);
	g_autofree char *next = g_strdup_printf("%s?ref=next", path);
	read_ok(fixture, next);
	assert_int_equal(fixture->tree.n_files, 4);
	read_ok(fixture, head);
	assert_int_equal(fixture->tree.n_files, 4);
}

/* The cache is our own, wherever the home folder lies, and git may be told to take no bare repository that it finds. */
static void remote_is_read_from_a_cache_within_a_work_tree(void **state)
{
	struct fixture *fixture = *state;
	shell("printf '#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n' > ssh && chmod +x ssh && "
	      "git init -q \"$HOME\" && git config --global safe.bareRepository explicit");
	g_autofree char *ssh = g_strdup_printf("%s/ssh", root);
	g_setenv("GIT_SSH", ssh, TRUE);
	g_autofree char *url = g_strdup_printf("ssh://127.0.0.1%s/repo//a?ref=main", root);
	read_ok(fixture, url);
	expect_files(fixture, "a/1.yaml a/b/2.yml");
	struct source_tree then, later = { .given = url, .commit = fixture->tree.commit };
	const char *commit = fixture->tree.commit;
	assert_int_equal(source_read_commit(&fixture->tree, commit, fixture->arena, &then, fixture->diags), 0);
	assert_int_equal(source_find_repository(&later, false, fixture->arena, fixture->diags), 0);
	assert_string_equal(later.repository, fixture->tree.repository);
	g_unsetenv("GIT_SSH");
	shell("rm -rf \"$HOME/.git\" \"$HOME/.gitconfig\"");
}

static void remote_that_cannot_be_fetched_gives_the_cause_without_the_password(void **state)
{
	struct fixture *fixture = *state;
	read_refused(fixture, "https://me:secret@127.0.0.1:1/ops/gpu", D_SOURCE_REMOTE,
		"https://me:***@127.0.0.1:1/ops/gpu");
	assert_int_equal(fixture->tree.n_files, 0);
	struct diags *diags = diags_new(fixture->arena);
	const char *path;
	assert_int_equal(remote_fetch("https://me:secret@127.0.0.1:1/ops/gpu", fixture->arena, &path, diags), -1);
	assert_null(strstr(diags->first->message, "secret"));
}

/* git itself says no more than that it could not read. */
static void ssh_is_quoted_where_it_fails(void **state)
{
	struct fixture *fixture = *state;
	shell("printf '#!/bin/sh\\necho ops@host: Permission denied >&2; exit 255' > ssh && chmod +x ssh");
	g_autofree char *ssh = g_strdup_printf("%s/ssh", root);
	g_setenv("GIT_SSH", ssh, TRUE);
	read_refused(fixture, "ssh://ops@127.0.0.1:1/gpu", D_SOURCE_REMOTE,
		"cannot be fetched: ops@host: Permission denied");
	g_unsetenv("GIT_SSH");
}

int main(void)
{
	g_autofree char *home = g_dir_make_tmp("source-home-XXXXXX", NULL);
	g_setenv("HOME", home, TRUE);
	g_setenv("XDG_CACHE_HOME", home, TRUE);
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(folder_is_read_with_names_as_typed),
		TEST(folder_in_a_work_tree_knows_its_commit),
		TEST(changed_added_or_deleted_manifest_is_dirty),
		TEST(revision_is_read_from_the_object_database),
		TEST(bare_repository_means_its_head),
		TEST(repository_that_a_commit_holds_is_none),
		TEST(repository_that_a_commit_holds_is_none_by_a_symlink),
		TEST(repository_that_a_commit_holds_is_none_in_a_broken_work_tree),
		TEST(nested_repositories_with_a_git_are_their_own),
		TEST(owner_comes_from_origin_and_path),
		TEST(folder_outside_of_git_has_no_commit_and_no_owner),
		TEST(new_repository_without_commit_is_read),
		TEST(missing_things_are_named),
		TEST(what_is_no_single_commit_is_said),
		TEST(short_id_of_two_objects_is_not_guessed),
		TEST(manifests_are_known_by_their_ending_case_aside),
		TEST(a_repository_of_sha256_is_told_from_a_broken_one),
		TEST(a_repository_of_another_user_is_told_from_none),
		TEST(ssh_is_quoted_where_it_fails),
		TEST(symlink_is_refused_in_folder_and_commit),
		TEST(submodule_is_refused_in_folder_and_commit),
		TEST(pipes_and_large_files_are_refused),
		TEST(deep_folders_are_refused),
		TEST(recorded_commit_is_read_again),
		TEST(ancestry_is_known_within_one_repository),
		TEST(cut_off_history_gives_no_answer_about_ancestry),
		TEST(remote_is_fetched_into_the_cache_and_again),
		TEST(remote_is_read_from_a_cache_within_a_work_tree),
		TEST(remote_that_cannot_be_fetched_gives_the_cause_without_the_password),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	root = home;
	shell("rm -rf ./*");
	rmdir(home);
	return failed;
}
