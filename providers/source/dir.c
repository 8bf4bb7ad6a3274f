/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/dir.h"
#include "base/file.h"

#include <string.h>

/* "./examples/x//" -> "examples/x", "." -> "", "/" -> "/" */
static char *tidy(const char *path)
{
	g_autoptr(GString) out = g_string_new(g_path_is_absolute(path) ? "/" : NULL);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (char **part = parts; *part; part++) {
		if (**part == '\0' || strcmp(*part, ".") == 0)
			continue;
		if (out->len && out->str[out->len - 1] != '/')
			g_string_append_c(out, '/');
		g_string_append(out, *part);
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *join(const char *folder, const char *name)
{
	if (*folder == '\0')
		return g_strdup(name);
	return g_strconcat(folder, g_str_has_suffix(folder, "/") ? "" : "/", name, NULL);
}

size_t dir_prefix_len(const char *path)
{
	g_autofree char *folder = tidy(path);
	g_autofree char *joined = join(folder, "");
	return strlen(joined);
}

static int collect_folder(const char *folder, unsigned depth, struct collect *collect);

static int collect_file(const char *path, struct collect *collect)
{
	struct source source;
	if (file_read_regular(path, SOURCE_FILE_MAX, collect->arena, &source, collect->diags) < 0)
		return -1;
	return collect_add(collect, &source);
}

static int collect_entry(const char *path, const char *name, unsigned depth, struct collect *collect)
{
	if (collect_enter(collect, path, depth) < 0)
		return -1;
	switch (file_kind(path, false)) {
	case FILE_SYMLINK:
		return diag_add(collect->diags, D_SOURCE_SYMLINK, LOC_NONE, NULL,
			"'%s' is a symlink; put what it points to there, or give a folder without it", path);
	case FILE_FOLDER:
		return collect_folder(path, depth + 1, collect);
	default:
		return collect_is_manifest(name) ? collect_file(path, collect) : 0;
	}
}

/* A repository within the tree is not part of its commit, so at a revision it would not be there. */
static bool is_nested_repository(const char *folder)
{
	g_autofree char *git = join(folder, ".git");
	return file_kind(git, false) != FILE_MISSING;
}

static int collect_folder(const char *folder, unsigned depth, struct collect *collect)
{
	if (depth > 0 && is_nested_repository(folder))
		return diag_add(collect->diags, D_SOURCE_SYMLINK, LOC_NONE, NULL,
			"'%s' is a git repository of its own (a submodule?); give it as a source by itself", folder);
	const char *const *names;
	uint32_t n;
	if (file_list(*folder ? folder : ".", collect->arena, &names, &n, collect->diags) < 0)
		return -1;
	int result = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (collect_is_hidden(names[i]))
			continue;
		g_autofree char *path = join(folder, names[i]);
		if (collect_entry(path, names[i], depth, collect) < 0)
			result = -1;
		if (collect->n_entries > COLLECT_ENTRIES_MAX)
			break;
	}
	return result;
}

int dir_collect(const char *path, struct collect *collect)
{
	/* What the user names is the user's choice: a symlink there is followed. */
	if (strcmp(path, "-") != 0 && file_kind(path, true) == FILE_FOLDER) {
		g_autofree char *folder = tidy(path);
		return collect_folder(folder, 0, collect);
	}
	struct source source;
	if (file_read(path, SOURCE_FILE_MAX, collect->arena, &source, collect->diags) < 0)
		return -1;
	return collect_add(collect, &source);
}
