/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/rebind.h"

static uint32_t find_gpu(const struct world *from, uint32_t gpu, const struct world *to)
{
	uint32_t host = world_find_host(to, from->hosts[from->gpus[gpu].host].name);
	return host == NO_INDEX ? NO_INDEX : world_find_gpu(to, host, from->gpus[gpu].location_path);
}

static struct rules *rebind_rules(struct arena *arena, const struct plan *plan, const struct world *to)
{
	const struct rules *old = plan->rules;
	const struct world *from = plan->observed;
	enum gpu_role *roles = arena_array(arena, enum gpu_role, to->n_gpus);
	bool *refused = arena_array(arena, bool, to->n_gpus), *excluded = arena_array(arena, bool, to->n_gpus);
	enum vm_ownership *ownership = arena_array(arena, enum vm_ownership, to->n_vms);
	struct maybe_u64 *low = arena_array(arena, struct maybe_u64, to->n_vms);
	struct maybe_u64 *high = arena_array(arena, struct maybe_u64, to->n_vms);
	for (uint32_t g = 0; g < from->n_gpus; g++) {
		uint32_t here = find_gpu(from, g, to);
		if (here == NO_INDEX)
			continue;
		roles[here] = old->gpu_role[g];
		refused[here] = old->gpu_refused[g];
		excluded[here] = old->gpu_excluded[g];
	}
	for (uint32_t i = 0; i < from->n_vms; i++) {
		uint32_t here = world_find_vm(to, from->vms[i].id);
		if (here == NO_INDEX)
			continue;
		ownership[here] = old->vm_ownership[i];
		low[here] = old->vm_mmio_low[i];
		high[here] = old->vm_mmio_high[i];
	}
	struct rules *rules = arena_copy(arena, old, sizeof(*old));
	rules->gpu_role = roles;
	rules->gpu_refused = refused;
	rules->gpu_excluded = excluded;
	rules->vm_ownership = ownership;
	rules->vm_mmio_low = low;
	rules->vm_mmio_high = high;
	return rules;
}

static int rebind_change(const struct plan *plan, const struct world *to, struct change *change, struct diags *diags)
{
	const struct world *from = plan->observed;
	bool found = true;
	if (change->host != NO_INDEX) {
		change->host = world_find_host(to, from->hosts[change->host].name);
		found &= change->host != NO_INDEX;
	}
	if (change->gpu != NO_INDEX) {
		change->gpu = find_gpu(from, change->gpu, to);
		found &= change->gpu != NO_INDEX;
	}
	if (change->vm != NO_INDEX) {
		change->vm = world_find_vm(to, from->vms[change->vm].id);
		found &= change->vm != NO_INDEX;
	}
	if (found)
		return 0;
	return diag_add(diags, D_STALE, change->loc, change->subject, "'%s' is not there any more", change->subject);
}

int plan_rebind(
	struct arena *arena, const struct plan *plan, const struct world *world, struct plan **out, struct diags *diags)
{
	struct change *changes = arena_copy(arena, plan->changes.items, plan->changes.n * sizeof(*changes));
	int result = 0;
	for (uint32_t i = 0; i < plan->changes.n; i++)
		if (rebind_change(plan, world, &changes[i], diags) < 0)
			result = -1;
	if (result < 0)
		return result;
	struct plan *copy = arena_copy(arena, plan, sizeof(*plan));
	copy->rules = rebind_rules(arena, plan, world);
	copy->changes.items = changes;
	copy->observed = world;
	copy->goal = NULL;
	*out = copy;
	return 0;
}
