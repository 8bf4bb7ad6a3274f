/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/drift.h"
#include "reconcile/run_plan.h"

#include <string.h>

NAMES_DEFINE(drift_basis_names, DRIFT_BASES);

/* The manifests of that commit. NULL: not to be had, or not valid today. */
static struct spec *load_commit(const struct run *run, const char *commit)
{
	/* What was applied with local changes is in no commit. */
	if (strchr(commit, '+'))
		return NULL;
	struct diags *diags = diags_new(run->arena); /* about manifests that are no longer ours to judge */
	struct source_tree *tree = arena_new_of(run->arena, struct source_tree);
	if (source_read_commit(&run->tree, commit, run->arena, tree, diags) != 0)
		return NULL;
	const struct source **sources = arena_array(run->arena, const struct source *, tree->n_files);
	for (uint32_t i = 0; i < tree->n_files; i++)
		sources[i] = &tree->files[i].source;
	struct spec *spec = NULL;
	return spec_load(run->arena, sources, tree->n_files, &spec, diags) == 0 ? spec : NULL;
}

/* Clusters of one repository mostly record one commit, which is loaded once. */
static struct spec *commit_spec(const struct run *run, const char *commit, GHashTable *loaded)
{
	gpointer known;
	if (g_hash_table_lookup_extended(loaded, commit, NULL, &known))
		return known;
	struct spec *spec = load_commit(run, commit);
	g_hash_table_insert(loaded, (gpointer)commit, spec);
	return spec;
}

static bool has_change(const struct changes *changes, const struct change *change)
{
	for (uint32_t i = 0; i < changes->n; i++)
		if (changes->items[i].kind == change->kind &&
			g_strcmp0(changes->items[i].subject, change->subject) == 0)
			return true;
	return false;
}

static struct drift_cluster find_in_cluster(const struct run *run, const struct plan *plan, GHashTable *loaded)
{
	const struct cluster_record *record = world_newest_record(plan->observed);
	struct drift_cluster found = { .basis = record ? DRIFT_NO_COMMIT : DRIFT_NEVER_APPLIED,
		.commit = record ? record->commit : NULL };
	struct spec *then = found.commit ? commit_spec(run, found.commit, loaded) : NULL;
	const struct plan *then_plan = NULL;
	if (found.commit)
		found.basis = then ? DRIFT_COMPARED : DRIFT_COMMIT_UNREADABLE;
	const struct spec_cluster *cluster = then && plan->cluster ? spec_find_cluster(then, plan->cluster) : NULL;
	if (cluster) {
		struct plan_input input = run_plan_input(run, cluster, plan->observed);
		input.spec = then;
		input.commit = found.commit;
		then_plan = plan_cluster(run->arena, &input);
	}
	bool *is_drift = arena_array(run->arena, bool, plan->changes.n);
	for (uint32_t i = 0; i < plan->changes.n; i++) {
		const struct change *change = &plan->changes.items[i];
		bool differs = found.basis == DRIFT_COMMIT_UNREADABLE ||
			       (then_plan && has_change(&then_plan->changes, change));
		is_drift[i] = differs && change->cause != CAUSE_DEBT; /* that was us, and the next run makes it good */
		found.n_drift += is_drift[i];
		found.n_pending += !is_drift[i];
	}
	found.is_drift = is_drift;
	return found;
}

void drift_find(struct run *run)
{
	g_autoptr(GHashTable) loaded = g_hash_table_new(g_str_hash, g_str_equal);
	struct drift *drift = arena_new_of(run->arena, struct drift);
	struct drift_cluster *clusters = arena_array(run->arena, struct drift_cluster, run->n_plans);
	for (uint32_t i = 0; i < run->n_plans; i++) {
		clusters[i] = find_in_cluster(run, run->plans[i], loaded);
		drift->n_drift += clusters[i].n_drift;
		drift->n_pending += clusters[i].n_pending;
	}
	drift->clusters = clusters;
	run->drift = drift;
}
