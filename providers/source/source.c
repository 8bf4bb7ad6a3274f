/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/source.h"
#include "base/file.h"
#include "providers/source/dir.h"
#include "providers/source/gitrepo.h"
#include "providers/source/reference.h"
#include "providers/source/remote.h"
#include "providers/source/signature.h"
#include "providers/source/worktree.h"

#include <string.h>

int source_read_file(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags)
{
	return file_read(path, max_bytes, arena, out, diags);
}

/* The files under the names that they have in the repository: 'given_len' bytes of a name stand for its path there. */
static struct source *as_in_repository(const struct source_tree *tree, size_t given_len, struct arena *arena)
{
	struct source *files = arena_array(arena, struct source, tree->n_files);
	const char *path = tree->path_in_repository;
	for (uint32_t i = 0; i < tree->n_files; i++) {
		files[i] = tree->files[i].source;
		const char *rest = given_len <= strlen(files[i].name) ? files[i].name + given_len : "";
		files[i].name = arena_printf(arena, "%s%s%s", path, *path && *rest ? "/" : "", rest);
	}
	return files;
}

static void set_repository(
	struct source_tree *tree, const struct gitrepo *repo, const char *path, const char *url, struct arena *arena)
{
	tree->repository = arena_strdup(arena, gitrepo_path(repo));
	tree->path_in_repository = path;
	if (!url)
		url = gitrepo_origin(repo, arena);
	tree->owner = url ? source_owner(arena, url, path) : NULL;
}

/* A folder in a work tree is read as files; git only tells whose it is and which commit it comes from. A repository
 * that cannot be opened takes nothing from the files, so it is a warning. */
static void describe_work_tree(struct source_tree *tree, const char *path, struct arena *arena, struct diags *diags)
{
	bool folder = file_kind(path, true) == FILE_FOLDER;
	g_autofree char *parent = folder ? g_strdup(path) : g_path_get_dirname(path);
	g_autoptr(gitrepo_auto) repo = NULL;
	struct diags *found = diags_new(arena);
	if (gitrepo_open(parent, GITREPO_SEARCH | GITREPO_QUIET, &repo, found) != 0) {
		if (found->first)
			diag_add(diags, D_SOURCE_UNKNOWN_COMMIT, LOC_NONE, NULL, "%s", found->first->message);
		return;
	}
	const char *within = gitrepo_path_within(repo, path, arena);
	if (!within)
		return;
	set_repository(tree, repo, within, NULL, arena);
	/* A repository without a commit is no error here. */
	if (gitrepo_resolve(repo, "HEAD", arena, &tree->commit, found) < 0)
		return;
	size_t given_len = folder ? dir_prefix_len(path) : strlen(path);
	const struct source *files = as_in_repository(tree, given_len, arena);
	tree->dirty = gitrepo_differs(repo, tree->commit, within, files, tree->n_files);
}

static int collect_commit(const struct gitrepo *repo, struct collect *collect, struct source_tree *tree)
{
	int result = gitrepo_collect(repo, tree->commit, tree->path_in_repository, collect);
	if (result == GITREPO_NONE)
		return diag_add(collect->diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "commit %.12s has no '%s'",
			tree->commit, tree->path_in_repository);
	return result < 0 ? -1 : collect_finish(collect, tree);
}

static int read_commit(const struct gitrepo *repo, struct arena *arena, struct source_tree *tree, struct diags *diags)
{
	struct collect collect;
	collect_init(&collect, arena, diags);
	int result = collect_commit(repo, &collect, tree);
	collect_done(&collect);
	return result;
}

static int read_revision(const struct gitrepo *repo, const char *path, const char *revision, const char *url,
	struct arena *arena, struct source_tree *tree, struct diags *diags)
{
	set_repository(tree, repo, path, url, arena);
	if (gitrepo_resolve(repo, revision, arena, &tree->commit, diags) < 0)
		return -1;
	return read_commit(repo, arena, tree, diags);
}

/* Where in the repository the manifests of a local reference lie. */
static const char *path_within(const struct gitrepo *repo, const struct reference *reference, struct arena *arena)
{
	const char *within = gitrepo_path_within(repo, reference->root, arena);
	if (within && *within && *reference->path)
		return arena_printf(arena, "%s/%s", within, reference->path);
	return !within || *reference->path ? reference->path : within;
}

static int read_local(
	const struct reference *reference, struct arena *arena, struct source_tree *tree, struct diags *diags)
{
	if (file_kind(reference->root, true) == FILE_MISSING)
		return diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL,
			"'%s' does not exist; a path that only the revision has is written REPOSITORY//PATH?ref=REV",
			reference->root);
	g_autoptr(gitrepo_auto) repo = NULL;
	if (gitrepo_open(reference->root, GITREPO_SEARCH, &repo, diags) < 0)
		return -1;
	const char *within = path_within(repo, reference, arena);
	const char *url = reference->is_url ? reference->root : NULL;
	return read_revision(repo, within, reference->revision ?: "HEAD", url, arena, tree, diags);
}

static int read_remote(
	const struct reference *reference, struct arena *arena, struct source_tree *tree, struct diags *diags)
{
	const char *path;
	if (remote_fetch(reference->root, arena, &path, diags) < 0)
		return -1;
	g_autoptr(gitrepo_auto) repo = NULL;
	if (gitrepo_open(path, GITREPO_DIRECTORY, &repo, diags) < 0)
		return -1;
	const char *revision = reference->revision ?: REMOTE_HEAD;
	return read_revision(repo, reference->path, revision, reference->root, arena, tree, diags);
}

static int read_files(const char *path, struct arena *arena, struct source_tree *tree, struct diags *diags)
{
	struct collect collect;
	collect_init(&collect, arena, diags);
	int result = dir_collect(path, &collect);
	if (result == 0)
		result = collect_finish(&collect, tree);
	collect_done(&collect);
	if (result == 0 && strcmp(path, "-") != 0)
		describe_work_tree(tree, path, arena, diags);
	return result;
}

/* A bare repository has no files to read, so its path alone means its HEAD. One that cannot be opened is meant, too,
 * so that its error is told; a work tree can be read all the same. */
static bool is_bare_repository(const char *path)
{
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(gitrepo_auto) repo = NULL;
	if (strcmp(path, "-") == 0 || file_kind(path, true) != FILE_FOLDER)
		return false;
	int result = gitrepo_open(path, GITREPO_QUIET, &repo, diags_new(arena));
	if (result == 0)
		return gitrepo_is_bare(repo);
	return result < 0 && file_kind(arena_printf(arena, "%s/.git", path), true) == FILE_MISSING;
}

/* Why there was nothing to read in what looks like a bare repository. */
static void tell_embedded(const struct reference *reference, struct arena *arena, struct diags *diags)
{
	const char *real = reference->kind == REFERENCE_REMOTE ? NULL : file_real_path(reference->root, arena);
	const char *top = real ? worktree_top(real, arena) : NULL;
	if (!top || strcmp(top, real) == 0 || file_kind(arena_printf(arena, "%s/HEAD", real), false) == FILE_MISSING ||
		file_kind(arena_printf(arena, "%s/objects", real), false) == FILE_MISSING)
		return;
	diag_add(diags, D_SOURCE_NOT_REPOSITORY, LOC_NONE, NULL,
		"'%s' looks like a bare repository, but lies in the work tree of '%s', whose commits can hold such "
		"files, so it does not count as one; give a clone of it, or move it out",
		reference->root, top);
}

int source_read(const char *given, struct arena *arena, struct source_tree *out, struct diags *diags)
{
	struct source_tree tree = { .given = reference_censored(arena, given) };
	struct reference reference;
	if (reference_parse(given, arena, &reference, diags) < 0)
		return -1;
	int result;
	if (reference.kind == REFERENCE_REMOTE)
		result = read_remote(&reference, arena, &tree, diags);
	else if (reference.kind == REFERENCE_LOCAL || is_bare_repository(reference.root))
		result = read_local(&reference, arena, &tree, diags);
	else
		result = read_files(reference.root, arena, &tree, diags);
	if (result == 0)
		*out = tree;
	else
		tell_embedded(&reference, arena, diags);
	return result;
}

int source_read_commit(const struct source_tree *tree, const char *commit, struct arena *arena, struct source_tree *out,
	struct diags *diags)
{
	g_autoptr(gitrepo_auto) repo = NULL;
	if (!tree->repository || gitrepo_open(tree->repository, GITREPO_DIRECTORY | GITREPO_QUIET, &repo, diags) != 0)
		return SOURCE_NO_COMMIT;
	if (!gitrepo_has_commit(repo, commit))
		return SOURCE_NO_COMMIT;
	struct source_tree then = *tree;
	then.commit = arena_strdup(arena, commit);
	then.dirty = false;
	if (read_commit(repo, arena, &then, diags) < 0)
		return -1;
	*out = then;
	return 0;
}

/* Where the repository is that a reference means; '*within_out' is its path there, or NULL: to be looked up. NULL: none. */
static const char *place_of(const struct reference *reference, bool fetch, struct arena *arena, const char **within_out,
	struct diags *diags)
{
	const char *path = NULL;
	*within_out = NULL;
	if (reference->kind == REFERENCE_REMOTE) {
		*within_out = reference->path;
		if (!fetch)
			return remote_cached(reference->root, arena);
		return remote_fetch(reference->root, arena, &path, diags) < 0 ? NULL : path;
	}
	if (strcmp(reference->root, "-") == 0 || file_kind(reference->root, true) == FILE_MISSING)
		return NULL;
	if (file_kind(reference->root, true) == FILE_FOLDER)
		return reference->root;
	g_autofree char *parent = g_path_get_dirname(reference->root);
	return arena_strdup(arena, parent);
}

int source_find_repository(struct source_tree *tree, bool fetch, struct arena *arena, struct diags *diags)
{
	struct reference reference;
	if (!tree->given || !tree->commit)
		return SOURCE_NO_COMMIT;
	if (reference_parse(tree->given, arena, &reference, diags) < 0)
		return -1;
	uint32_t n_errors = diags->n_errors;
	const char *within;
	const char *place = place_of(&reference, fetch, arena, &within, diags);
	if (!place)
		return diags->n_errors > n_errors ? -1 : SOURCE_NO_COMMIT;
	g_autoptr(gitrepo_auto) repo = NULL;
	unsigned how = reference.kind == REFERENCE_REMOTE ? GITREPO_DIRECTORY : GITREPO_SEARCH;
	int result = gitrepo_open(place, how | GITREPO_QUIET, &repo, diags);
	if (result < 0)
		return -1;
	if (result == GITREPO_NONE || !gitrepo_has_commit(repo, tree->commit))
		return SOURCE_NO_COMMIT;
	tree->repository = arena_strdup(arena, gitrepo_path(repo));
	tree->path_in_repository = within ? within : path_within(repo, &reference, arena);
	return 0;
}

/* Who changes a symlink in a work tree says what is applied, be the commit that it leads to signed or not. */
static int check_way(const struct source_tree *tree, struct arena *arena, struct diags *diags)
{
	struct reference reference;
	if (reference_parse(tree->given, arena, &reference, diags) < 0)
		return -1;
	if (reference.kind == REFERENCE_REMOTE)
		return 0;
	const char *link = worktree_symlink(reference.root, arena);
	if (!link)
		return 0;
	return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
		"'%s' leads through '%s', a symlink in a work tree, and where that points to is signed by nobody; give "
		"what it points to",
		tree->given, link);
}

static int verify(const struct source_tree *tree, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags)
{
	if (!tree->commit || !tree->repository)
		return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
			"'%s' is no commit of a git repository, so nobody has signed it", tree->given);
	if (tree->dirty)
		return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
			"the files of '%s' are not those of commit %.12s, and changes are not signed; commit them, or "
			"apply "
			"'%s?ref=HEAD'",
			tree->given, tree->commit, tree->given);
	if (check_way(tree, arena, diags) < 0)
		return -1;
	g_autoptr(gitrepo_auto) repo = NULL;
	if (gitrepo_open(tree->repository, GITREPO_DIRECTORY, &repo, diags) < 0)
		return -1;
	return signature_verify(repo, tree->commit, allowed_signers, arena, signer_out, diags);
}

int source_verify(const struct source_tree *tree, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags)
{
	struct diags *found = diags_new(arena);
	int result = verify(tree, allowed_signers, arena, signer_out, found);
	/* Whatever keeps a commit from being verified, be it a full disk, is a refusal. */
	if (result < 0 && found->first->code != D_SIGNATURE)
		return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL, "commit %.12s cannot be verified: %s", tree->commit,
			found->first->message);
	diags_append(diags, found);
	return result;
}

enum ancestry source_ancestry(const struct source_tree *tree, const char *older, const char *newer)
{
	if (strcmp(older, newer) == 0)
		return ANCESTRY_SAME;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(gitrepo_auto) repo = NULL;
	if (!tree->repository ||
		gitrepo_open(tree->repository, GITREPO_DIRECTORY | GITREPO_QUIET, &repo, diags_new(arena)) != 0)
		return ANCESTRY_UNKNOWN;
	return gitrepo_ancestry(repo, older, newer);
}
