/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/gitwalk.h"

#include <string.h>

int gitwalk_failed(struct diags *diags, enum diag_code code, const char *what)
{
	const git_error *error = git_error_last();
	return diag_add(diags, code, LOC_NONE, NULL, "%s: %s", what, error ? error->message : "unknown error");
}

/* What is done with each entry of a tree: a blob that is a manifest, or something that is refused. */
struct walk {
	git_repository *git;
	git_odb *odb;
	struct collect *collect;
	GHashTable *ids; /* comparing: path -> id, instead of reading; NULL when reading */
};

static int walk_tree(struct walk *walk, const git_tree *tree, const char *folder, unsigned depth);

static char *join(const char *folder, const char *name)
{
	return *folder ? g_strconcat(folder, "/", name, NULL) : g_strdup(name);
}

static int read_blob(struct walk *walk, const char *path, const git_oid *id)
{
	struct collect *collect = walk->collect;
	size_t size;
	git_object_t type;
	/* The size is asked for first, so that a huge blob is not unpacked to find that it is too large. */
	if (git_odb_read_header(&size, &type, walk->odb, id) < 0)
		return gitwalk_failed(collect->diags, D_SOURCE_GIT, path);
	if (collect_room(collect, path, size) < 0)
		return -1;
	g_autoptr(git_blob) blob = NULL;
	if (git_blob_lookup(&blob, walk->git, id) < 0)
		return gitwalk_failed(collect->diags, D_SOURCE_GIT, path);
	struct source source = { .name = arena_strdup(collect->arena, path),
		.n_bytes = (size_t)git_blob_rawsize(blob) };
	source.bytes = arena_strndup(collect->arena, git_blob_rawcontent(blob), source.n_bytes);
	return collect_add(collect, &source);
}

static int take_blob(struct walk *walk, const char *path, const git_oid *id)
{
	if (!walk->ids)
		return read_blob(walk, path, id);
	g_hash_table_insert(walk->ids, g_strdup(path), g_memdup2(id, sizeof(*id)));
	return 0;
}

static int take_subtree(struct walk *walk, const char *path, const git_oid *id, unsigned depth)
{
	g_autoptr(git_tree) tree = NULL;
	if (git_tree_lookup(&tree, walk->git, id) < 0)
		return gitwalk_failed(walk->collect->diags, D_SOURCE_GIT, path);
	return walk_tree(walk, tree, path, depth);
}

static int refuse(struct walk *walk, const char *path, const char *what)
{
	return diag_add(walk->collect->diags, D_SOURCE_SYMLINK, LOC_NONE, NULL,
		"'%s' is a %s; put the files themselves there", path, what);
}

static int walk_entry(struct walk *walk, const git_tree_entry *entry, const char *path, unsigned depth)
{
	const git_oid *id = git_tree_entry_id(entry);
	switch (git_tree_entry_filemode(entry)) {
	case GIT_FILEMODE_TREE:
		return take_subtree(walk, path, id, depth + 1);
	case GIT_FILEMODE_LINK:
		return refuse(walk, path, "symlink");
	case GIT_FILEMODE_COMMIT:
		return refuse(walk, path, "submodule");
	default:
		return collect_is_manifest(git_tree_entry_name(entry)) ? take_blob(walk, path, id) : 0;
	}
}

static int walk_tree(struct walk *walk, const git_tree *tree, const char *folder, unsigned depth)
{
	int result = 0;
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *entry = git_tree_entry_byindex(tree, i);
		if (collect_is_hidden(git_tree_entry_name(entry)))
			continue;
		g_autofree char *path = join(folder, git_tree_entry_name(entry));
		if (collect_enter(walk->collect, path, depth) < 0 || walk_entry(walk, entry, path, depth) < 0)
			result = -1;
		if (walk->collect->n_entries > COLLECT_ENTRIES_MAX)
			break;
	}
	return result;
}

/* 0, -1 with findings, or 1 when there is no such path. */
static int walk_path(struct walk *walk, const git_commit *commit, const char *path)
{
	struct diags *diags = walk->collect->diags;
	g_autoptr(git_tree) root = NULL;
	if (git_commit_tree(&root, commit) < 0 || git_repository_odb(&walk->odb, walk->git) < 0)
		return gitwalk_failed(diags, D_SOURCE_GIT, "the commit cannot be read");
	if (*path == '\0')
		return walk_tree(walk, root, "", 0);
	g_autoptr(git_tree_entry) entry = NULL;
	int found = git_tree_entry_bypath(&entry, root, path);
	if (found == GIT_ENOTFOUND)
		return 1;
	if (found < 0)
		return gitwalk_failed(diags, D_SOURCE_GIT, path);
	/* A file that is named is read, whatever it is called. */
	if (git_tree_entry_type(entry) == GIT_OBJECT_BLOB && git_tree_entry_filemode(entry) != GIT_FILEMODE_LINK)
		return take_blob(walk, path, git_tree_entry_id(entry));
	if (git_tree_entry_type(entry) == GIT_OBJECT_TREE)
		return take_subtree(walk, path, git_tree_entry_id(entry), 0);
	return walk_entry(walk, entry, path, 0);
}

int gitwalk_collect(git_repository *git, const git_commit *commit, const char *path, struct collect *collect)
{
	struct walk walk = { .git = git, .collect = collect };
	int result = walk_path(&walk, commit, path);
	git_odb_free(walk.odb);
	return result;
}

static bool same_files(GHashTable *ids, const struct source *files, uint32_t n_files)
{
	if (g_hash_table_size(ids) != n_files)
		return false;
	for (uint32_t i = 0; i < n_files; i++) {
		git_oid id;
		const git_oid *committed = g_hash_table_lookup(ids, files[i].name);
		if (!committed || git_odb_hash(&id, files[i].bytes, files[i].n_bytes, GIT_OBJECT_BLOB) < 0 ||
			!git_oid_equal(&id, committed))
			return false;
	}
	return true;
}

bool gitwalk_differs(
	git_repository *git, const git_commit *commit, const char *path, const struct source *files, uint32_t n_files)
{
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	struct collect collect;
	collect_init(&collect, arena, diags_new(arena));
	struct walk walk = { .git = git, .collect = &collect, .ids = ids };
	int result = walk_path(&walk, commit, path);
	git_odb_free(walk.odb);
	collect_done(&collect);
	return result != 0 || !same_files(ids, files, n_files);
}
