/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/worktree.h"
#include "base/file.h"

#include <string.h>

enum { SYMLINKS_MAX = 40 }; /* as Linux follows */

const char *worktree_above(const char *real, struct arena *arena)
{
	g_autofree char *parent = g_path_get_dirname(real);
	return strcmp(parent, real) == 0 ? NULL : worktree_top(parent, arena);
}

const char *worktree_top(const char *real, struct arena *arena)
{
	g_autofree char *name = g_path_get_basename(real);
	if (strcmp(name, ".git") == 0)
		return NULL;
	g_autofree char *git = g_build_filename(real, ".git", NULL);
	if (file_kind(git, false) != FILE_MISSING)
		return arena_strdup(arena, real);
	return worktree_above(real, arena);
}

/* A path that is walked along. */
struct walk {
	char *at;   /* so far, without symlinks */
	char *rest; /* still to go */
};

/* Takes the next name off the rest, or NULL. */
static char *next_name(struct walk *walk)
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t len = strcspn(start, "/");
	char *name = len ? g_strndup(start, len) : NULL;
	char *rest = g_strdup(start + len);
	g_free(walk->rest);
	walk->rest = rest;
	return name;
}

static void move_to(struct walk *walk, char *at)
{
	g_free(walk->at);
	walk->at = at;
}

static void follow(struct walk *walk, const char *link)
{
	g_autofree char *target = g_file_read_link(link, NULL);
	char *rest = g_strconcat(target ? target : "", "/", walk->rest, NULL);
	g_free(walk->rest);
	walk->rest = rest;
	if (target && g_path_is_absolute(target))
		move_to(walk, g_strdup("/"));
}

static const char *walk_on(struct walk *walk, struct arena *arena)
{
	for (unsigned n_links = 0; n_links <= SYMLINKS_MAX;) {
		g_autofree char *name = next_name(walk);
		if (!name)
			return NULL;
		g_autofree char *path = g_build_filename(walk->at, name, NULL);
		if (strcmp(name, "..") == 0) {
			move_to(walk, g_path_get_dirname(walk->at));
		} else if (file_kind(path, false) != FILE_SYMLINK) {
			if (strcmp(name, ".") != 0)
				move_to(walk, g_steal_pointer(&path));
		} else if (worktree_top(walk->at, arena)) {
			return arena_strdup(arena, path);
		} else {
			follow(walk, path);
			n_links++;
		}
	}
	return NULL;
}

const char *worktree_symlink(const char *path, struct arena *arena)
{
	struct walk walk = { .at = g_path_is_absolute(path) ? g_strdup("/") : g_get_current_dir(),
		.rest = g_strdup(path) };
	/* The name of the current folder may be one that a shell remembers, with symlinks in it. */
	const char *real = file_real_path(walk.at, arena);
	if (real)
		move_to(&walk, g_strdup(real));
	const char *found = walk_on(&walk, arena);
	g_free(walk.at);
	g_free(walk.rest);
	return found;
}
