/* SPDX-License-Identifier: Apache-2.0 */
/* Trees of a git repository: gathering the manifests in one, and comparing them with files. Part of gitrepo.h. */
#pragma once
#include "providers/source/collect.h"

#include <git2.h>

/* The three as in gitrepo.h. */
int gitwalk_collect(git_repository *git, const git_commit *commit, const char *path, struct collect *collect);
bool gitwalk_differs(
	git_repository *git, const git_commit *commit, const char *path, const struct source *files, uint32_t n_files);

/* Turns libgit2's error into a finding: "<what>: <why>". Returns -1. */
int gitwalk_failed(struct diags *diags, enum diag_code code, const char *what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_repository, git_repository_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_commit, git_commit_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_tree, git_tree_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_tree_entry, git_tree_entry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_object, git_object_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_blob, git_blob_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_odb, git_odb_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_config, git_config_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(git_branch_iterator, git_branch_iterator_free)
