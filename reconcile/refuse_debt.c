/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debts that this plan must leave to others: to a person, or to the run at work that made them.
 *
 * What an old run took and nobody decided about yet: the manifests may give the VM the very same; anything else would stand beside what it is
 * still owed, and break the rules as soon as a person decides that it gets that back.
 *
 * And parts of which the host has no more: they stay owed, and keep nobody from anything else.
 */
#include "base/clock.h"
#include "base/text.h"
#include "model/step.h"
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

/* ---- parts that are not there ---- */

static const struct vm *who_has(const struct world *goal, uint32_t vm, const char *path)
{
	for (uint32_t i = 0; i < goal->n_vms; i++)
		for (uint32_t d = 0; i != vm && goal->vms[i].host == goal->vms[vm].host && d < goal->vms[i].n_devices;
			d++)
			if (g_strcmp0(goal->vms[i].devices[d].location_path, path) == 0)
				return &goal->vms[i];
	return NULL;
}

static uint32_t count_of_pool(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += g_strcmp0(vm->devices[i].pool, pool) == 0;
	return n;
}

/* Who has one keeps it, and of those who are to get one the first come first. */
static const char *why_not_of_pool(struct wants *wants, const struct world *goal, uint32_t vm, const char *name)
{
	const struct host *host = &goal->hosts[goal->vms[vm].host];
	const struct pool *pool = host_find_pool(host, name);
	if (!pool)
		return arena_printf(wants->arena, "'%s' has no pool '%s' any more", host->name, name);
	uint32_t n = 0;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		uint32_t has = count_of_pool(&wants->input->observed->vms[i], name),
			 gets = count_of_pool(&goal->vms[i], name);
		if (goal->vms[i].host == goal->vms[vm].host)
			n += i <= vm ? gets : MIN(has, gets);
	}
	return n > pool->n_members ? arena_printf(wants->arena, "pool '%s' of '%s' has no GPU left", name, host->name)
				   : NULL;
}

static const char *why_no_device(
	struct wants *wants, const struct world *goal, uint32_t vm, const struct device *device)
{
	struct arena *arena = wants->arena;
	const struct host *host = &goal->hosts[goal->vms[vm].host];
	if (device->pool)
		return why_not_of_pool(wants, goal, vm, device->pool);
	uint32_t gpu = world_find_gpu(goal, goal->vms[vm].host, device->location_path);
	if (gpu == NO_INDEX)
		return arena_printf(arena, "'%s' has no GPU at %s any more", host->name, device->location_path);
	if (goal->gpus[gpu].state != GPU_DISMOUNTED)
		return arena_printf(arena, "the GPU at %s of '%s' is %s, and not dismounted any more",
			device->location_path, host->name, name_of(&gpu_state_names, goal->gpus[gpu].state));
	const struct vm *other = who_has(goal, vm, device->location_path);
	return other ? arena_printf(arena, "VM '%s' has the GPU at %s of '%s' now", other->name, device->location_path,
			       host->name)
		     : NULL;
}

/* One that is not pinned can always be given; whether it can be started with is asked elsewhere (refuse_capacity.c). */
static const char *why_no_adapter(
	struct arena *arena, const struct world *goal, uint32_t vm, const struct adapter *adapter)
{
	uint32_t gpu = adapter->pin ? world_find_gpu(goal, goal->vms[vm].host, adapter->pin) : NO_INDEX;
	if (!adapter->pin || (gpu != NO_INDEX && gpu_offers_partitions(&goal->gpus[gpu])))
		return NULL;
	return arena_printf(arena, "the GPU at %s of '%s', to which its partition is pinned, offers none any more",
		adapter->pin, goal->hosts[goal->vms[vm].host].name);
}

static bool is_owed_device(const struct debt *debt, const struct device *device)
{
	for (uint32_t i = 0; i < debt->n_devices; i++)
		if (device_same(&debt->devices[i], device))
			return true;
	return false;
}

static bool is_owed_adapter(const struct debt *debt, const struct adapter *adapter)
{
	for (uint32_t i = 0; i < debt->n_adapters; i++)
		if (adapter_same(&debt->adapters[i], adapter))
			return true;
	return false;
}

static const char *why_not_there(struct wants *wants, const struct world *goal, uint32_t vm)
{
	const struct vm *now = &wants->input->observed->vms[vm], *then = &goal->vms[vm];
	const char *why = NULL;
	for (uint32_t i = now->n_devices; i < then->n_devices && !why; i++) /* new ones come last */
		if (is_owed_device(now->debt, &then->devices[i]))
			why = why_no_device(wants, goal, vm, &then->devices[i]);
	for (uint32_t i = 0; i < then->n_adapters && !why; i++)
		if (!then->adapters[i].id && is_owed_adapter(now->debt, &then->adapters[i]))
			why = why_no_adapter(wants->arena, goal, vm, &then->adapters[i]);
	return why;
}

/* The wish of a manifest has refusals of its own. */
static bool has_wish(const struct wants *wants, uint32_t vm)
{
	return wants->input->mode == PLAN_APPLY && wants->vms[vm].ownership == VM_MANAGED && !wants->vms[vm].refused;
}

bool refuse_not_there(struct wants *wants, const struct world *goal)
{
	bool any = false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const char *why =
			wants_owed_parts(wants, i) && !has_wish(wants, i) ? why_not_there(wants, goal, i) : NULL;
		if (!why)
			continue;
		refuse_parts(wants, i, D_NO_GPU,
			arena_printf(wants->arena,
				"%s; it gets that back once it is there again, or 'hvgpu settle %s SOURCE --leave-off' "
				"forgets it",
				why, text_shell_word(wants->arena, goal->vms[i].name)));
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
