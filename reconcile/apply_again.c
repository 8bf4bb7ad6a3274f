/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "reconcile/done.h"
#include "reconcile/observe.h"
#include "reconcile/planner.h"
#include "reconcile/present.h"
#include "reconcile/run_plan.h"

#include <string.h>

/* ---- observe ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct missing_host *)a)->name, ((const struct missing_host *)b)->name);
}

/* The hosts that were missing from the beginning still are; others may have come to it. */
static void set_missing(struct apply *apply, struct world *world, const struct observed *sum)
{
	const struct world *before = apply->approved->observed;
	struct missing_host *missing =
		arena_array(apply->arena, struct missing_host, before->n_missing + sum->n_missing);
	for (uint32_t i = 0; i < before->n_missing; i++)
		missing[world->n_missing++] = before->missing[i];
	for (uint32_t i = 0; i < sum->n_missing; i++)
		missing[world->n_missing++] = sum->missing[i];
	qsort(missing, world->n_missing, sizeof(*missing), by_name);
	world->missing = missing;
}

const struct world *again_observe(struct apply *apply)
{
	g_autofree struct look *looks = g_new0(struct look, apply->n_links + 1);
	uint32_t n_open = 0;
	for (uint32_t pass = 0, at = 0; pass < 2; pass++) { /* Lost hosts come last and are not asked. */
		for (uint32_t i = 0; i < apply->n_links; i++) {
			struct link *link = &apply->links[i];
			if ((link->session != NULL) != (pass == 0))
				continue;
			looks[at].session = link->session;
			looks[at].endpoint.host = link->host;
			looks[at].code = D_HOST_UNOBSERVED;
			looks[at++].reason = "the connection is lost";
			n_open += pass == 0;
		}
	}
	struct observe_options options = { .context = apply->context, .now = apply_now(apply), .run = apply->run_id };
	observe_looks(apply->arena, looks, n_open, &options);
	for (uint32_t i = 0; i < apply->n_links; i++) {
		struct link *link = link_find(apply, looks[i].endpoint.host);
		link->session = looks[i].session;
		link->leased = link->leased && link->session;
		if (!looks[i].state)
			observe_report(&looks[i], LOC_NONE, apply->diags);
	}
	struct observed sum = observe_sum(apply->arena, looks, apply->n_links);
	struct world *world = world_assemble(apply->arena, sum.states, sum.n_states);
	set_missing(apply, world, &sum);
	return world;
}

/* ---- plan ---- */

struct plan_input again_input(struct apply *apply, const struct world *world, enum plan_mode mode)
{
	bool is_saved = mode == PLAN_RESTORE && !apply->approved->spec;
	struct plan_input input =
		run_plan_input(apply->run, is_saved ? apply->approved->for_debts : apply->approved->spec, world);
	if (!input.spec && input.cluster)
		input.spec = arena_new_of(apply->arena, struct spec);
	input.mode = mode;
	input.adopt = apply->options->run.adopt;
	input.now = apply_now(apply);
	input.live_run = apply->run_id;
	input.frozen = (const char *const *)apply->frozen->pdata;
	input.n_frozen = apply->frozen->len;
	return input;
}

const struct plan *again_plan(struct apply *apply, const struct world *world, enum plan_mode mode)
{
	struct plan_input input = again_input(apply, world, mode);
	struct plan *plan = plan_cluster(apply->arena, &input);
	if (!plan->cluster) /* without manifests the approved plan alone knows it */
		plan->cluster = apply->approved->cluster;
	return plan;
}

const struct plan *again_saved(struct apply *apply, const struct world *world)
{
	return present_plan(apply->arena, apply->approved, world, apply->name, apply->diags);
}

const struct plan *again_rest_of_saved(struct apply *apply, const struct world *world)
{
	const struct change *which = NULL;
	if (done_of_plan(apply->approved, world, &which) == DONE_ALL) {
		struct plan *bound = arena_copy(apply->arena, apply->approved, sizeof(*bound));
		bound->n_steps = 0;
		return bound;
	}
	diag_add(apply->diags, D_STALE, LOC_NONE, NULL,
		"somebody else changed '%s' while the saved plan was carried out; what it held down is brought back, "
		"and the "
		"rest needs a new plan",
		apply->name);
	return NULL;
}

static int exceeds(struct apply *apply, const char *what, uint32_t spent, uint32_t now, uint32_t limit)
{
	if (spent + now <= limit)
		return 0;
	g_autofree char *before = spent ? g_strdup_printf(" after %u done already", spent) : NULL;
	return diag_add(apply->diags, D_STALE, LOC_NONE, NULL,
		"the world changed: '%s' would now need %u %s%s, and %u were approved; make the plan again",
		apply->name, now, what, before ? before : "", limit);
}

int again_within(struct apply *apply, const struct plan *plan)
{
	const struct cost *limits = apply->options->has_limits ? &apply->options->limits : &apply->approved->cost;
	const struct cost *spent = &apply->spent;
	int result = exceeds(apply, "stops of VMs", spent->vms_stopped, plan->cost.vms_stopped,
		limits->vms_stopped + apply->extra_stops);
	if (exceeds(apply, "moves", spent->vms_moved, plan->cost.vms_moved, limits->vms_moved) < 0)
		result = -1;
	if (exceeds(apply, "changes of role", spent->role_changes, plan->cost.role_changes, limits->role_changes) < 0)
		result = -1;
	return result;
}

/* ---- may we? ---- */

static int check_commit(struct apply *apply, const struct world *world)
{
	const struct cluster_record *record = world_newest_record(world);
	const struct source_tree *tree = &apply->run->tree;
	if (apply->options->allow_older || !tree->commit || !record || !record->commit)
		return 0;
	g_autofree char *recorded = g_strndup(record->commit, strcspn(record->commit, "+"));
	g_autofree char *ours = g_strndup(tree->commit, strcspn(tree->commit, "+"));
	if (strcmp(recorded, ours) == 0)
		return 0;
	enum ancestry ancestry = tree->repository ? source_ancestry(tree, ours, recorded) : ANCESTRY_UNKNOWN;
	if (ancestry == ANCESTRY_STRICT)
		return diag_add(apply->diags, D_OLDER_COMMIT, LOC_NONE, NULL,
			"commit %.12s is older than %.12s, which was applied to '%s' last; --allow-older applies it "
			"all the same",
			ours, recorded, apply->name);
	if (ancestry == ANCESTRY_UNKNOWN && !apply->told_ancestry)
		diag_add(apply->diags, D_UNKNOWN_FACT, LOC_NONE, NULL,
			"whether commit %.12s is older than %.12s, which was applied to '%s' last, cannot be told; "
			"fetch the "
			"whole history",
			ours, recorded, apply->name);
	apply->told_ancestry |= ancestry == ANCESTRY_UNKNOWN;
	return 0;
}

/* A saved plan does not know who took the cluster over since. */
static bool is_of_others(const struct apply *apply, const struct plan *plan, const struct world *world)
{
	return plan->foreign_owner || (world && world_is_of_others(world, apply->run->owner));
}

enum plan_mode again_mode(struct apply *apply, const struct plan *plan, const struct world *world)
{
	if (apply->mode == PLAN_RESTORE || plan->mode == PLAN_RESTORE)
		return PLAN_RESTORE;
	int result = 0;
	if (!apply->options->run.adopt && is_of_others(apply, plan, world))
		result = diag_add(apply->diags, D_OWNER, plan->spec ? plan->spec->name_loc : LOC_NONE, NULL,
			"cluster '%s' belongs to another repository; 'apply --adopt' takes it over", plan->cluster);
	if (plan->suspended && plan->n_steps)
		result = diag_add(apply->diags, D_SUSPENDED,
			plan->spec ? head_loc(&plan->spec->head, "suspend") : LOC_NONE, NULL,
			"cluster '%s' is suspended, so nothing is applied; remove 'suspend: true'", plan->cluster);
	if (world && check_commit(apply, world) < 0)
		result = -1;
	return result < 0 ? PLAN_RESTORE : PLAN_APPLY;
}
