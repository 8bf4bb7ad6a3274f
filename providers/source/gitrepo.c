/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/gitrepo.h"
#include "base/file.h"
#include "base/text.h"
#include "providers/source/gitwalk.h"
#include "providers/source/worktree.h"

#include <string.h>

struct gitrepo {
	git_repository *git;
};

void gitrepo_free(struct gitrepo *repo)
{
	if (!repo)
		return;
	git_repository_free(repo->git);
	g_free(repo);
	git_libgit2_shutdown();
}

/* libgit2 1.5 says "not found" of a repository of another user where no safe.directory is set: what it did not find is
 * that setting. */
static bool is_foreign(int error)
{
	const git_error *last = git_error_last();
	return error == GIT_EOWNER || (error == GIT_ENOTFOUND && last && last->klass == GIT_ERROR_CONFIG);
}

static int open_failed(int error, const char *path, struct diags *diags)
{
	const git_error *last = git_error_last();
	if (is_foreign(error)) {
		g_autofree char *full = g_canonicalize_filename(path, NULL);
		return diag_add(diags, D_SOURCE_GIT, LOC_NONE, NULL,
			"repository '%s' belongs to another user; where you trust it, run git config --global --add "
			"safe.directory '%s'",
			path, full);
	}
	if (last && last->message && strstr(last->message, "extensions.objectformat"))
		return diag_add(diags, D_SOURCE_GIT, LOC_NONE, NULL,
			"repository '%s' is one of SHA-256 objects, which cannot be read yet; give a work tree of it "
			"as "
			"a folder, or use a repository of SHA-1 objects",
			path);
	if (error == GIT_ENOTFOUND)
		return diag_add(diags, D_SOURCE_NOT_REPOSITORY, LOC_NONE, NULL,
			"'%s' is not in a git repository, so it has no revisions; leave '?ref=' away or name a "
			"repository",
			path);
	g_autofree char *what = g_strdup_printf("repository '%s' cannot be opened", path);
	return gitwalk_failed(diags, D_SOURCE_GIT, what);
}

/* The folder has a ".git". Where that is no repository, libgit2 would take the folder itself for one. */
static int open_top(git_repository **out, const char *top, struct arena *arena)
{
	int error = git_repository_open_ext(out, top, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
	if (error < 0 || g_strcmp0(file_real_path(git_repository_path(*out), arena), top) != 0)
		return error;
	git_repository_free(*out);
	*out = NULL;
	return GIT_ENOTFOUND;
}

/* In a work tree: never what libgit2's own search may find there, a bare repository that a commit holds. */
static int open_in_work_tree(
	git_repository **out, const char *real, const char *top, unsigned flags, struct arena *arena)
{
	int error = GIT_ENOTFOUND;
	while (top && (flags & GITREPO_SEARCH || strcmp(top, real) == 0)) {
		error = open_top(out, top, arena);
		if (error != GIT_ENOTFOUND || is_foreign(error))
			break;
		top = worktree_above(top, arena);
	}
	return error;
}

static int open_any(git_repository **out, const char *path, unsigned flags)
{
	g_autoptr(arena_auto) arena = arena_new();
	git_error_clear();
	if (flags & GITREPO_DIRECTORY)
		return git_repository_open_ext(
			out, path, GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT, NULL);
	const char *real = file_real_path(path, arena);
	const char *top = real ? worktree_top(real, arena) : NULL;
	if (top)
		return open_in_work_tree(out, real, top, flags, arena);
	return git_repository_open_ext(out, path, flags & GITREPO_SEARCH ? 0 : GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
}

int gitrepo_open(const char *path, unsigned flags, struct gitrepo **out, struct diags *diags)
{
	git_libgit2_init();
	git_repository *git = NULL;
	int error = open_any(&git, path, flags);
	int result = 0;
	if (error == GIT_ENOTFOUND && (flags & GITREPO_QUIET) && !is_foreign(error))
		result = GITREPO_NONE;
	else if (error < 0)
		result = open_failed(error, path, diags);
	if (result != 0) {
		git_libgit2_shutdown();
		return result;
	}
	*out = g_new0(struct gitrepo, 1);
	(*out)->git = git;
	return 0;
}

bool gitrepo_is_bare(const struct gitrepo *repo)
{
	return git_repository_is_bare(repo->git);
}

const char *gitrepo_path(const struct gitrepo *repo)
{
	return git_repository_path(repo->git);
}

const char *gitrepo_path_within(const struct gitrepo *repo, const char *path, struct arena *arena)
{
	const char *workdir = git_repository_workdir(repo->git);
	const char *real = file_real_path(path, arena);
	const char *root = workdir ? file_real_path(workdir, arena) : NULL;
	if (!real || !root || !g_str_has_prefix(real, root))
		return NULL;
	const char *rest = real + strlen(root);
	if (*rest == '\0')
		return "";
	if (strcmp(root, "/") == 0)
		return rest;
	return *rest == '/' ? rest + 1 : NULL;
}

/* The URL as it is written in the configuration: the same for everybody, whatever `insteadOf` a user has. */
const char *gitrepo_origin(const struct gitrepo *repo, struct arena *arena)
{
	g_autoptr(git_config) config = NULL;
	git_buf url = { 0 };
	if (git_repository_config_snapshot(&config, repo->git) < 0 ||
		git_config_get_string_buf(&url, config, "remote.origin.url") < 0)
		return NULL;
	const char *kept = arena_strndup(arena, url.ptr, url.size);
	git_buf_dispose(&url);
	return kept;
}

/* The branch that was probably meant: a typing mistake, or one that only the remote has. */
static char *near_branch(const struct gitrepo *repo, const char *revision)
{
	g_autoptr(git_branch_iterator) branches = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (git_branch_iterator_new(&branches, repo->git, GIT_BRANCH_ALL) < 0)
		return NULL;
	git_reference *branch;
	git_branch_t type;
	const char *near = NULL;
	while (git_branch_next(&branch, &type, branches) == 0) {
		g_ptr_array_add(names, g_strdup(git_reference_shorthand(branch)));
		git_reference_free(branch);
		const char *name = g_ptr_array_index(names, names->len - 1);
		const char *slash = strchr(name, '/');
		if (type == GIT_BRANCH_REMOTE && slash && strcmp(slash + 1, revision) == 0)
			near = name;
	}
	if (!near)
		near = text_nearest(revision, (const char *const *)names->pdata, names->len);
	return g_strdup(near);
}

static int no_revision(const struct gitrepo *repo, const char *revision, struct diags *diags)
{
	if (strstr(revision, ".."))
		return diag_add(diags, D_SOURCE_REVISION, LOC_NONE, NULL,
			"'%s' is a range of commits; name one commit, branch or tag", revision);
	if (strcmp(revision, "HEAD") == 0 && git_repository_head_unborn(repo->git) == 1)
		return diag_add(diags, D_SOURCE_REVISION, LOC_NONE, NULL, "the repository has no commit yet");
	g_autofree char *near = near_branch(repo, revision);
	if (near)
		return diag_add(diags, D_SOURCE_REVISION, LOC_NONE, NULL,
			"the repository has no commit, branch or tag '%s'; did you mean '%s'?", revision, near);
	return diag_add(diags, D_SOURCE_REVISION, LOC_NONE, NULL,
		"the repository has no commit, branch or tag '%s'; fetch it, or correct the name", revision);
}

int gitrepo_resolve(const struct gitrepo *repo, const char *revision, struct arena *arena, const char **commit_out,
	struct diags *diags)
{
	g_autoptr(git_object) object = NULL, commit = NULL;
	int error = git_revparse_single(&object, repo->git, revision);
	if (error == GIT_EAMBIGUOUS)
		return diag_add(diags, D_SOURCE_REVISION, LOC_NONE, NULL,
			"'%s' is short for more than one commit; write more of it", revision);
	if (error < 0 || git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		return no_revision(repo, revision, diags);
	char id[GIT_OID_HEXSZ + 1];
	git_oid_tostr(id, sizeof(id), git_object_id(commit));
	*commit_out = arena_strdup(arena, id);
	return 0;
}

static git_commit *find_commit(const struct gitrepo *repo, const char *id)
{
	git_oid oid;
	git_commit *commit = NULL;
	if (git_oid_fromstr(&oid, id) == 0 && git_commit_lookup(&commit, repo->git, &oid) == 0)
		return commit;
	return NULL;
}

bool gitrepo_has_commit(const struct gitrepo *repo, const char *commit)
{
	g_autoptr(git_commit) found = find_commit(repo, commit);
	return found != NULL;
}

int gitrepo_collect(const struct gitrepo *repo, const char *commit, const char *path, struct collect *collect)
{
	g_autoptr(git_commit) found = find_commit(repo, commit);
	if (!found)
		return gitwalk_failed(collect->diags, D_SOURCE_GIT, commit);
	return gitwalk_collect(repo->git, found, path, collect);
}

bool gitrepo_differs(
	const struct gitrepo *repo, const char *commit, const char *path, const struct source *files, uint32_t n_files)
{
	g_autoptr(git_commit) found = find_commit(repo, commit);
	return !found || gitwalk_differs(repo->git, found, path, files, n_files);
}

int gitrepo_signature(const struct gitrepo *repo, const char *commit, struct arena *arena,
	struct gitrepo_signature *out, struct diags *diags)
{
	g_autoptr(git_commit) found = find_commit(repo, commit);
	if (!found)
		return gitwalk_failed(diags, D_SOURCE_GIT, commit);
	git_oid id = *git_commit_id(found);
	git_buf text = { 0 }, payload = { 0 };
	int error = git_commit_extract_signature(&text, &payload, repo->git, &id, NULL);
	if (error == 0)
		*out = (struct gitrepo_signature){
			.text = arena_strndup(arena, text.ptr, text.size),
			.payload = arena_strndup(arena, payload.ptr, payload.size),
			.n_payload = payload.size,
			.committed = git_commit_time(found),
		};
	git_buf_dispose(&text);
	git_buf_dispose(&payload);
	if (error == GIT_ENOTFOUND)
		return GITREPO_NONE;
	return error < 0 ? gitwalk_failed(diags, D_SOURCE_GIT, commit) : 0;
}

enum ancestry gitrepo_ancestry(const struct gitrepo *repo, const char *older, const char *newer)
{
	git_oid old_id, new_id;
	if (git_oid_fromstr(&old_id, older) < 0 || git_oid_fromstr(&new_id, newer) < 0)
		return ANCESTRY_UNKNOWN;
	if (git_oid_equal(&old_id, &new_id))
		return ANCESTRY_SAME;
	if (!gitrepo_has_commit(repo, older) || !gitrepo_has_commit(repo, newer))
		return ANCESTRY_UNKNOWN;
	/* In a shallow clone the way between the two may be cut off, and libgit2 fails where it is. */
	if (git_repository_is_shallow(repo->git))
		return ANCESTRY_UNKNOWN;
	int answer = git_graph_descendant_of(repo->git, &new_id, &old_id);
	if (answer < 0)
		return ANCESTRY_UNKNOWN;
	return answer ? ANCESTRY_STRICT : ANCESTRY_NO;
}
