/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/saved.h"
#include "base/file.h"
#include "providers/source/reference.h"
#include "reconcile/planfile.h"
#include "reconcile/prove.h"

#include <string.h>

enum { PLAN_FILE_MAX = 1 << 30 };

struct run *saved_read(const char *path, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct source *source = arena_new_of(arena, struct source); /* findings point into it */
	struct run *run = NULL;
	if (file_kind(path, true) == FILE_REGULAR && source_read_file(path, PLAN_FILE_MAX, arena, source, diags) == 0 &&
		planfile_is(source))
		planfile_read(arena, source, &run, diags);
	if (!run) {
		diags_keep(diags, source);
		arena_free(arena);
	}
	return run;
}

/* Nothing but the addresses of hosts is used of manifests that are read now; and, where debts are paid, what they say of hosts. */
static void use_addresses(struct run *run, struct spec *spec)
{
	run->spec_now = spec;
	if (run->options.hosts)
		return;
	struct spec *addresses = arena_new_of(run->arena, struct spec);
	addresses->inventories = spec->inventories;
	addresses->n_inventories = spec->n_inventories;
	run->spec = addresses;
}

static void say_changed(struct run *run, const struct source_tree *now)
{
	if (run->tree.digest && now->digest && strcmp(run->tree.digest, now->digest) != 0)
		diag_add(run->diags, D_MANIFESTS_CHANGED, LOC_NONE, NULL,
			"the manifests of '%s' are not those that the plan was made from; what changed in them is in "
			"the next plan, and not in this one",
			run->options.source);
}

/* Read without waiting for anybody: no network, no pipe, and not standard input, from which an answer may be awaited. */
static bool is_at_hand(const char *source)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct reference reference;
	if (reference_parse(source, scratch, &reference, diags_new(scratch)) < 0 || reference.kind == REFERENCE_REMOTE)
		return false;
	return reference.kind == REFERENCE_LOCAL || file_kind(source, true) == FILE_REGULAR ||
	       file_kind(source, true) == FILE_FOLDER;
}

/* A saved plan does not hold addresses: without --hosts they are those of the inventories in its source, as they are
 * now. With --hosts the manifests are not needed: they may be wrong, or not be there at all. */
static int read_source_again(struct run *run)
{
	if (!run->options.source || (run->options.hosts && !is_at_hand(run->options.source)))
		return 0;
	struct run_options load = run->options;
	load.until = STAGE_LOAD;
	load.clusters = NULL;
	load.n_clusters = 0;
	struct run *now = run_pipeline(&load);
	int result = 0;
	say_changed(run, &now->tree);
	if (!run->options.hosts && now->diags->n_errors) {
		diags_append(run->diags, now->diags);
		result = -1;
	} else if (!now->diags->n_errors) {
		use_addresses(run, now->spec);
	}
	arena_adopt(run->arena, now->arena);
	return result;
}

/* The commit that the plan names, as it is in its repository: signed, and asking for this plan. Its inventory tells where the
 * hosts are. */
static int verify(struct run *run)
{
	struct diags *diags = run->diags;
	struct arena *arena = run->arena;
	struct source_tree commit = run->tree;
	if (commit.commit && !commit.dirty) {
		int result = source_find_repository(&commit, true, arena, diags);
		if (result == 0)
			result = source_read_commit(&commit, run->tree.commit, arena, &commit, diags);
		if (result < 0)
			return -1;
		if (result == SOURCE_NO_COMMIT)
			return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
				"commit %.12s, which the plan was made from, is not in the repository of '%s'; fetch "
				"it",
				run->tree.commit, run->tree.given ? run->tree.given : "-");
	}
	if (source_verify(&commit, run->options.allowed_signers, arena, &run->signer, diags) < 0)
		return -1;
	const struct source **sources = arena_array(arena, const struct source *, commit.n_files);
	for (uint32_t i = 0; i < commit.n_files; i++)
		sources[i] = &commit.files[i].source;
	struct spec *spec = NULL;
	if (spec_load(arena, sources, commit.n_files, &spec, diags) < 0)
		return -1;
	if (g_strcmp0(run->tree.digest, commit.digest) != 0)
		return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
			"the plan was made from other manifests than those of commit %.12s; make it again",
			run->tree.commit);
	if (prove_saved(run, spec, diags) < 0)
		return -1;
	run->tree.repository = commit.repository;
	run->tree.path_in_repository = commit.path_in_repository;
	use_addresses(run, spec);
	return 0;
}

static int check_version(struct run *run)
{
	if (g_strcmp0(run->tool_version, HVGPU_VERSION) == 0)
		return 0;
	return diag_add(run->diags, D_STALE, LOC_NONE, NULL,
		"the plan was made by version '%s' of hvgpu, and this is version '%s', which may mean something else "
		"by it; "
		"make the plan again",
		run->tool_version, HVGPU_VERSION);
}

void saved_prepare(struct run *run, const struct run_options *how)
{
	struct run_options options = *how;
	bool adopted = run->options.adopt;
	options.source = run->options.source;
	options.owner = run->options.owner;
	options.mode = run->options.mode;
	options.limits = run->options.limits;
	options.adopt = adopted; /* as it was planned, for verify() */
	run->options = options;
	int result = check_version(run);
	if (result == 0 && options.verify)
		result = verify(run);
	else if (result == 0)
		result = read_source_again(run);
	run->options.adopt = how->adopt;
	if (result < 0)
		run->n_plans = 0;
	if (result < 0 || options.verify)
		return;
	/* So that it can be told whether the hosts have a later commit already. */
	g_autoptr(arena_auto) scratch = arena_new();
	(void)source_find_repository(&run->tree, false, run->arena, diags_new(scratch));
}
