/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A git repository on this machine, read from its object database: no checkout, no index, no hooks, no filters.
 *
 * git's check of who owns a repository stays on; a foreign one is refused with the command that allows it.
 */
#pragma once
#include "providers/source/collect.h"

struct gitrepo;

/* The repository that 'path' is in, or is. A folder in a work tree is one of its own only with its own ".git", whatever else
 * it holds (worktree.h). 'search': parents are looked at too. 'directory': 'path' is a git directory that we made, or that
 * gitrepo_path() gave, and no other. 0; -1 with HV403 or HV407; or GITREPO_NONE when there is none and 'quiet' (no
 * finding). */
enum { GITREPO_NONE = 1 };
enum gitrepo_flags { GITREPO_SEARCH = 1 << 0, GITREPO_QUIET = 1 << 1, GITREPO_DIRECTORY = 1 << 2 };
int gitrepo_open(const char *path, unsigned flags, struct gitrepo **out, struct diags *diags);
void gitrepo_free(struct gitrepo *repo); /* NULL is accepted */
typedef struct gitrepo gitrepo_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(gitrepo_auto, gitrepo_free)

bool gitrepo_is_bare(const struct gitrepo *repo);
/* Of the git directory: what asks about it again later. */
const char *gitrepo_path(const struct gitrepo *repo);
/* Where 'path' lies in the work tree ("" for its root), or NULL when outside of it. */
const char *gitrepo_path_within(const struct gitrepo *repo, const char *path, struct arena *arena);
/* The URL of remote "origin", or NULL. */
const char *gitrepo_origin(const struct gitrepo *repo, struct arena *arena);

/* The full id of the commit that 'revision' names. 0, or -1 with HV402: there is none (a similar branch is named), it is
 * short for more than one, or a range. */
int gitrepo_resolve(const struct gitrepo *repo, const char *revision, struct arena *arena, const char **commit_out,
	struct diags *diags);
bool gitrepo_has_commit(const struct gitrepo *repo, const char *commit);

/* Gathers the manifests at 'path' (tidy, "" for the root) in that commit; names are paths in the repository. 0, or -1
 * with findings; GITREPO_NONE when the commit has no such path (no finding). */
int gitrepo_collect(const struct gitrepo *repo, const char *commit, const char *path, struct collect *collect);

/* Do these files (sorted, names as paths in the repository) differ from what the commit has at 'path'? */
bool gitrepo_differs(
	const struct gitrepo *repo, const char *commit, const char *path, const struct source *files, uint32_t n_files);

/* What a commit is signed with. */
struct gitrepo_signature {
	const char *text;    /* as git keeps it: armoured */
	const char *payload; /* what was signed: the commit without it */
	size_t n_payload;
	int64_t committed; /* the committer's date */
};

/* In 'arena'. 0; -1 with HV407; or GITREPO_NONE when the commit has none (no finding). */
int gitrepo_signature(const struct gitrepo *repo, const char *commit, struct arena *arena,
	struct gitrepo_signature *out, struct diags *diags);

enum ancestry gitrepo_ancestry(const struct gitrepo *repo, const char *older, const char *newer);
