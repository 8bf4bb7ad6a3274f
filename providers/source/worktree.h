/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work trees of git, as the file system shows them; git itself is not asked, and no repository is opened.
 *
 * What lies in a work tree came from a commit, and a commit may hold a bare repository as plain files, settings and all
 * (git speaks of an "embedded bare repository"; its safe.bareRepository is against them). Who may push would say with one
 * what our commit is. No commit holds anything called ".git", so that alone makes a repository of a folder there. For the
 * same reason a symlink in a work tree is the word of whoever made the commit, and not of who typed its name.
 */
#pragma once
#include "base/arena.h"

/* The nearest folder that has a ".git", from 'real' itself upwards: the top of the work tree that it lies in. NULL: there
 * is none, or 'real' lies in a git directory. 'real': without symlinks, as file_real_path() gives it. */
const char *worktree_top(const char *real, struct arena *arena);

/* The same from the folder above 'real' on. */
const char *worktree_above(const char *real, struct arena *arena);

/* The first symlink that 'path' leads through which lies in a work tree, at its real path, or NULL. What leads nowhere is
 * followed as far as it goes. */
const char *worktree_symlink(const char *path, struct arena *arena);
