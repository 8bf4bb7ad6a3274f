/* SPDX-License-Identifier: Apache-2.0 */
/* What a walk over a folder or a git tree gathers: which names are manifests, and the limits of source.h. */
#pragma once
#include "providers/source/source.h"

#include <glib.h>

enum { COLLECT_DEPTH_MAX = 64, COLLECT_ENTRIES_MAX = 1000000 };

struct collect {
	struct arena *arena;
	struct diags *diags;
	GArray *files; /* of struct source_file */
	size_t total_bytes;
	uint32_t
		n_entries; /* looked at, manifests or not: a git tree can name itself more often than there are bytes */
};

void collect_init(struct collect *collect, struct arena *arena, struct diags *diags);
void collect_done(struct collect *collect);

/* A manifest by its name, case aside: *.yaml, *.yml, *.json, but no kustomization. */
bool collect_is_manifest(const char *name);
/* Passed over: hidden files and folders. */
bool collect_is_hidden(const char *name);

/* Counts an entry at a depth (0: in the given folder itself). 0, or -1 with HV405. */
int collect_enter(struct collect *collect, const char *path, unsigned depth);

/* May a file of that size still be read? 0, or -1 with HV405. */
int collect_room(struct collect *collect, const char *path, uint64_t n_bytes);

/* Keeps a source whose bytes live in the arena. 0, or -1 with HV405. */
int collect_add(struct collect *collect, const struct source *source);

/* Moves the files, sorted, into the tree. 0, or -1 with HV207 when there are none. */
int collect_finish(struct collect *collect, struct source_tree *tree);
