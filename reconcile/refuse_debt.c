/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debts that this plan must leave to others: to a person, or to the run at work that made them.
 *
 * What an old run took and nobody decided about yet: the manifests may give the VM the very same; anything else would stand beside what it is
 * still owed, and break the rules as soon as a person decides that it gets that back.
 */
#include "base/clock.h"
#include "base/text.h"
#include "reconcile/debts.h"
#include "reconcile/refuse.h"

static bool would_be_too_much(const struct wants *wants, uint32_t vm, const struct vm *goal)
{
	const struct vm *now = &wants->input->observed->vms[vm];
	const struct debt *left = debts_left(wants->arena, now, goal);
	if (!left)
		return false;
	if (goal->n_adapters > now->n_adapters)
		return left->n_devices ||
		       goal->n_adapters + left->n_adapters > wants->input->cluster->max_partitions_per_vm;
	return goal->n_devices > now->n_devices && left->n_adapters;
}

static const char *what_was_taken(struct arena *arena, const struct debt *debt)
{
	if (debt->n_devices)
		return "a whole GPU";
	if (debt->n_adapters > 1)
		return arena_printf(arena, "%u partitions", debt->n_adapters);
	return debt->adapters[0].pin ? "a pinned partition" : "a partition with quotas of its own";
}

bool refuse_undecided(struct wants *wants, const struct world *goal)
{
	const struct world *world = wants->input->observed;
	bool any = false;
	for (uint32_t i = 0; i < world->n_vms && wants->input->mode == PLAN_APPLY; i++) {
		const struct vm *vm = &world->vms[i];
		if (wants->vms[i].debt != DEBT_OLD || wants->vms[i].refused || wants->vms[i].ownership != VM_MANAGED ||
			!would_be_too_much(wants, i, &goal->vms[i]))
			continue;
		refuse_vm(wants, i, D_DEBT_UNDECIDED,
			"on %s run '%s' took %s from VM '%s', and nobody has decided yet whether it gets that back: "
			"'hvgpu settle %s SOURCE --start' gives it back, '--leave-off' forgets it",
			clock_print(wants->arena, vm->debt->at), vm->debt->run ? vm->debt->run : "?",
			what_was_taken(wants->arena, vm->debt), vm->name, text_shell_word(wants->arena, vm->name));
		any = true;
	}
	return any;
}

/* What `unlock` is to be told: the cluster as manifests call it, as its hosts recorded it, or as the failover cluster is called. */
static const char *cluster_of(const struct wants *wants, uint32_t vm)
{
	const struct host *host = &wants->input->observed->hosts[wants->input->observed->vms[vm].host];
	if (wants->input->cluster)
		return wants->input->cluster->name;
	const char *name = host_cluster(host);
	return name ? name : "CLUSTER";
}

void refuse_held(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_vms && !wants->input->live_run; i++) {
		if (wants->vms[i].debt != DEBT_IN_PROGRESS)
			continue;
		const struct vm *vm = &world->vms[i];
		const struct lease *lease = debts_held_by(world, vm->debt);
		const char *owed = debts_text(debts_not_void(wants->arena, vm));
		wants_refuse(wants, D_LEASE, LOC_NONE, subject_vm(wants->arena, world, i), owed,
			"run '%s' of %s holds the hosts since %s and owes VM '%s' %s, which it pays itself; wait for "
			"it, or, "
			"where it hangs, end its lease with 'hvgpu unlock %s SOURCE --run %s'",
			lease->run, lease->holder ? lease->holder : "?", clock_print(wants->arena, lease->since),
			vm->name, owed, cluster_of(wants, i), lease->run);
	}
}
