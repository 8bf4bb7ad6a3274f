/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/collect.h"

#include <string.h>

void collect_init(struct collect *collect, struct arena *arena, struct diags *diags)
{
	*collect = (struct collect){
		.arena = arena, .diags = diags, .files = g_array_new(FALSE, FALSE, sizeof(struct source_file))
	};
}

void collect_done(struct collect *collect)
{
	g_clear_pointer(&collect->files, g_array_unref);
}

bool collect_is_manifest(const char *name)
{
	/* Case aside: a file that is left out unnoticed reads like deleted lines. */
	g_autofree char *folded = g_ascii_strdown(name, -1);
	if (g_str_has_suffix(folded, ".json"))
		return true;
	if (!g_str_has_suffix(folded, ".yaml") && !g_str_has_suffix(folded, ".yml"))
		return false;
	return strcmp(folded, "kustomization.yaml") != 0 && strcmp(folded, "kustomization.yml") != 0;
}

bool collect_is_hidden(const char *name)
{
	return name[0] == '.';
}

int collect_enter(struct collect *collect, const char *path, unsigned depth)
{
	if (depth > COLLECT_DEPTH_MAX)
		return diag_add(collect->diags, D_SOURCE_LIMIT, LOC_NONE, NULL,
			"'%s' lies more than %d folders deep; move it up", path, COLLECT_DEPTH_MAX);
	if (++collect->n_entries > COLLECT_ENTRIES_MAX)
		return diag_add(collect->diags, D_SOURCE_LIMIT, LOC_NONE, NULL,
			"more than %d files and folders; give the folder that holds the manifests",
			COLLECT_ENTRIES_MAX);
	return 0;
}

int collect_room(struct collect *collect, const char *path, uint64_t n_bytes)
{
	if (n_bytes > SOURCE_FILE_MAX)
		return diag_add(collect->diags, D_SOURCE_LIMIT, LOC_NONE, NULL, "'%s' is larger than %d MiB", path,
			SOURCE_FILE_MAX >> 20);
	if (collect->total_bytes + n_bytes > SOURCE_TOTAL_MAX)
		return diag_add(collect->diags, D_SOURCE_LIMIT, LOC_NONE, NULL,
			"the manifests up to '%s' are larger than %d MiB in all; split them over several runs", path,
			SOURCE_TOTAL_MAX >> 20);
	if (collect->files->len >= SOURCE_FILES_MAX)
		return diag_add(collect->diags, D_SOURCE_LIMIT, LOC_NONE, NULL,
			"more than %d manifest files; split them over several runs", SOURCE_FILES_MAX);
	return 0;
}

int collect_add(struct collect *collect, const struct source *source)
{
	if (collect_room(collect, source->name, source->n_bytes) < 0)
		return -1;
	collect->total_bytes += source->n_bytes;
	struct source_file file = { .source = *source };
	g_array_append_val(collect->files, file);
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct source_file *)a)->source.name, ((const struct source_file *)b)->source.name);
}

/* Not their names, which depend on where they are looked at from; the order does not. */
static const char *digest_of(const struct source_tree *tree, struct arena *arena)
{
	GChecksum *digest = g_checksum_new(G_CHECKSUM_SHA256);
	for (uint32_t i = 0; i < tree->n_files; i++) {
		const struct source *file = &tree->files[i].source;
		uint64_t size = GUINT64_TO_LE((uint64_t)file->n_bytes); /* so that no two lists look alike */
		g_checksum_update(digest, (const guchar *)&size, sizeof(size));
		g_checksum_update(digest, (const guchar *)file->bytes, (gssize)file->n_bytes);
	}
	const char *text = arena_strdup(arena, g_checksum_get_string(digest));
	g_checksum_free(digest);
	return text;
}

int collect_finish(struct collect *collect, struct source_tree *tree)
{
	if (collect->files->len == 0)
		return diag_add(collect->diags, D_NO_DOCUMENTS, LOC_NONE, NULL,
			"'%s' holds no manifest file (*.yaml, *.yml or *.json)", tree->given);
	g_array_sort(collect->files, compare_files);
	tree->files = arena_take_array(collect->arena, g_steal_pointer(&collect->files), &tree->n_files);
	tree->digest = digest_of(tree, collect->arena);
	return 0;
}
