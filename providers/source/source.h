/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where manifests come from: a folder, a file, "-" (standard input), a git repository at a revision (read from its
 * object database, without a checkout), or a remote in kustomize's form URL//path?ref=REV (file, https, ssh).
 *
 * How SOURCE is read: "-"; then something with "://" or "?ref=" is a remote or a local repository at a revision
 * ("./repo//clusters?ref=main" too; a bare repository needs no ?ref and means HEAD); else a path; what is no path and
 * has "//" in it is a repository at HEAD. A folder that lies in a work tree is read as files, and its commit is marked
 * as dirty when the files differ from HEAD.
 *
 * Symlinks, and paths that leave the tree, are refused. Files: *.yaml, *.yml, *.json, case aside; kustomization files
 * are not manifests and are passed over; hidden files and folders too.
 */
#pragma once
#include "base/diag.h"
#include "base/loc.h"

struct source_file {
	struct source source; /* name: path relative to the given folder's parent as people would type it */
};

struct source_tree {
	const char *given;  /* SOURCE as the user wrote it */
	const char *commit; /* full id, or NULL */
	bool dirty;         /* files differ from that commit */
	const char *
		owner; /* origin reduced to host/path, plus the path in it; NULL without an origin (world.md decision 1) */
	const char *repository;          /* path of the git directory to ask about ancestry, or NULL */
	const char *path_in_repository;  /* "" for its root, or NULL */
	const struct source_file *files; /* sorted by name */
	uint32_t n_files;
	const char *digest; /* SHA-256 over the contents of the files, in hexadecimal; whatever they are called */
};

enum { SOURCE_FILE_MAX = 16 << 20, SOURCE_TOTAL_MAX = 256 << 20, SOURCE_FILES_MAX = 50000 };

/* Reads everything. 0, or -1 with findings (which name the path and what to do). Bytes live in 'arena'. */
int source_read(const char *given, struct arena *arena, struct source_tree *out, struct diags *diags);

/* The same tree at another commit, for comparing with what was applied last. 0, -1 with a finding, or
 * SOURCE_NO_COMMIT when the repository does not have it (no finding). */
enum { SOURCE_NO_COMMIT = 1 };
int source_read_commit(const struct source_tree *tree, const char *commit, struct arena *arena, struct source_tree *out,
	struct diags *diags);

/* The repository of a SOURCE that was read before, for a tree that knows its 'given' and 'commit' alone: fills in
 * 'repository' and 'path_in_repository'. A remote is fetched only with 'fetch'. 0, -1 with findings, or SOURCE_NO_COMMIT:
 * there is none, or it does not have the commit (no finding). */
int source_find_repository(struct source_tree *tree, bool fetch, struct arena *arena, struct diags *diags);

/* Are these the manifests of a commit, and is it signed by somebody who is trusted (signature.h)? 'allowed_signers': a file
 * instead of git's, or NULL. '*signer_out', in 'arena', says by whom. 0, or -1 with HV412, also for what kept it from being
 * found out. */
int source_verify(const struct source_tree *tree, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags);

/* Is 'older' a strict ancestor of 'newer' in that repository? */
enum ancestry { ANCESTRY_UNKNOWN, ANCESTRY_NO, ANCESTRY_SAME, ANCESTRY_STRICT };
enum ancestry source_ancestry(const struct source_tree *tree, const char *older, const char *newer);

/* "git@Example.com:ops/gpu.git", "clusters" -> "example.com/ops/gpu//clusters": no scheme, user, port or .git; host in
 * lower case. A repository on this machine keeps its path: "/srv/git/gpu". 'path' may be NULL or "". */
char *source_owner(struct arena *arena, const char *url, const char *path);

/* A single world file or plan file, with its own cap: 1 GiB. */
int source_read_file(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags);
