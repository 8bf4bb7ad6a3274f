/* SPDX-License-Identifier: Apache-2.0 */
/* What must be so when all steps are done: the changes are there, every VM has its power back and was stopped once at most. */
#include "reconcile/check_parts.h"

#include <string.h>

static bool has_change(const struct world *end, const struct change *change)
{
	const struct gpu *gpu = change->gpu != NO_INDEX ? &end->gpus[change->gpu] : NULL;
	const struct vm *vm = change->vm != NO_INDEX ? &end->vms[change->vm] : NULL;
	const struct pool *pool = gpu ? gpu_pool(end, change->gpu) : NULL;
	switch (change->kind) {
	case CHANGE_COUNT:
		return maybe_equal(gpu->count, change->number);
	case CHANGE_GPU_STATE:
		return maybe_is(change->number, gpu->state);
	case CHANGE_POOL:
		return host_find_pool(&end->hosts[change->host], change->pool) != NULL;
	case CHANGE_POOL_MEMBER:
		return change->pool ? pool && strcmp(pool->name, change->pool) == 0 : pool == NULL;
	case CHANGE_OFFLINE_ACTION:
		return maybe_equal(vm->offline_action, change->number);
	case CHANGE_AUTOMATIC_CHECKPOINTS:
		return maybe_is(change->number, vm->automatic_checkpoints);
	case CHANGE_STOP_ACTION:
		return maybe_is(change->number, vm->stop_action);
	case CHANGE_CACHE_CONTROL:
		return maybe_is(change->number, vm->cache_control);
	case CHANGE_MMIO_LOW:
		return vm->mmio_low_bytes.known && vm->mmio_low_bytes.value >= change->number.value;
	case CHANGE_MMIO_HIGH:
		return vm->mmio_high_bytes.known && vm->mmio_high_bytes.value >= change->number.value;
	case CHANGE_POWER:
		return maybe_is(change->number, vm->state);
	case CHANGE_HOST:
		return g_ascii_strcasecmp(end->hosts[vm->host].name, change->after) == 0;
	default:
		return true; /* parts are counted in parts_are_there */
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_quotas(const struct adapter *a, const struct adapter *b)
{
	for (int q = 0; q < QUOTA_COUNT; q++)
		if (!maybe_equal(a->quotas[q], b->quotas[q]))
			return false;
	return true;
}

static bool same_adapter(const struct adapter *a, const struct adapter *b)
{
	return same_text(a->pin, b->pin) && same_quotas(a, b);
}

static bool same_device(const struct device *a, const struct device *b)
{
	return same_text(a->location_path, b->location_path) && same_text(a->pool, b->pool);
}

static int64_t count_adapters(const struct vm *vm, const struct adapter *like)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		n += same_adapter(&vm->adapters[i], like);
	return n;
}

static int64_t count_devices(const struct vm *vm, const struct device *like)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += same_device(&vm->devices[i], like);
	return n;
}

/* By how many the changes say that the VM has more of these at the end; 'like' NULL: of any sort. */
static int64_t adapters_gained(const struct plan *plan, uint32_t vm, const struct adapter *like)
{
	int64_t n = 0;
	for (uint32_t c = 0; c < plan->changes.n; c++) {
		const struct change *change = &plan->changes.items[c];
		if (change->vm == vm && (!like || same_adapter(&change->adapter, like)))
			n += (change->kind == CHANGE_ADAPTER_ADDED) - (change->kind == CHANGE_ADAPTER_REMOVED);
	}
	return n;
}

static int64_t devices_gained(const struct plan *plan, uint32_t vm, const struct device *like)
{
	int64_t n = 0;
	for (uint32_t c = 0; c < plan->changes.n; c++) {
		const struct change *change = &plan->changes.items[c];
		if (change->vm == vm && (!like || same_device(&change->device, like)))
			n += (change->kind == CHANGE_DEVICE_ADDED) - (change->kind == CHANGE_DEVICE_REMOVED);
	}
	return n;
}

/* At the end every VM has as many adapters and devices of each sort as it had and as the changes say. */
static bool parts_are_there(const struct plan *plan, const struct world *end, uint32_t index)
{
	const struct vm *before = &plan->observed->vms[index], *after = &end->vms[index];
	if (after->n_adapters != before->n_adapters + adapters_gained(plan, index, NULL) ||
		after->n_devices != before->n_devices + devices_gained(plan, index, NULL))
		return false;
	for (uint32_t i = 0; i < after->n_adapters; i++) {
		const struct adapter *it = &after->adapters[i];
		if (count_adapters(after, it) != count_adapters(before, it) + adapters_gained(plan, index, it))
			return false;
	}
	for (uint32_t i = 0; i < after->n_devices; i++) {
		const struct device *it = &after->devices[i];
		if (count_devices(after, it) != count_devices(before, it) + devices_gained(plan, index, it))
			return false;
	}
	return true;
}

static bool is_to_change(const struct plan *plan, uint32_t vm, enum change_kind kind)
{
	for (uint32_t c = 0; c < plan->changes.n; c++)
		if (plan->changes.items[c].kind == kind && plan->changes.items[c].vm == vm)
			return true;
	return false;
}

int check_end(const struct plan *plan, const struct world *end, struct diags *diags)
{
	const struct changes *changes = &plan->changes;
	for (uint32_t c = 0; c < changes->n; c++)
		if (!has_change(end, &changes->items[c]))
			return diag_add(diags, D_GOAL_NOT_REACHED, changes->items[c].loc, changes->items[c].subject,
				"after all steps %s would not be '%s'",
				name_of(&change_kind_names, changes->items[c].kind),
				changes->items[c].after ? changes->items[c].after : "gone");
	for (uint32_t i = 0; i < end->n_vms; i++) {
		const char *subject = arena_printf(
			diags->arena, "host/%s/vm/%s", end->hosts[end->vms[i].host].name, end->vms[i].name);
		if (!parts_are_there(plan, end, i))
			return diag_add(diags, D_GOAL_NOT_REACHED, LOC_NONE, subject,
				"after all steps VM '%s' would not have the partitions and GPUs that it should have",
				end->vms[i].name);
		if (end->vms[i].host != plan->observed->vms[i].host && !is_to_change(plan, i, CHANGE_HOST))
			return diag_add(diags, D_GOAL_NOT_REACHED, LOC_NONE, subject,
				"after all steps VM '%s' would be on '%s', and no change says so", end->vms[i].name,
				end->hosts[end->vms[i].host].name);
		if (end->vms[i].state != plan->observed->vms[i].state && !is_to_change(plan, i, CHANGE_POWER))
			return diag_add(diags, D_INVARIANT, LOC_NONE, subject,
				"the plan would break 'restored': VM '%s' was %s and would be %s", end->vms[i].name,
				name_of(&vm_state_names, plan->observed->vms[i].state),
				name_of(&vm_state_names, end->vms[i].state));
	}
	return 0;
}

int check_once(const struct plan *plan, struct diags *diags)
{
	g_autofree uint32_t *stop = g_new0(uint32_t, plan->observed->n_vms + 1);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		if (step->kind != STEP_STOP_VM)
			continue;
		if (stop[step->vm])
			return diag_add(diags, D_INVARIANT, step->loc, step->vm_name,
				"the plan would break 'once': VM '%s' is stopped by step %u and by step %u",
				step->vm_name, stop[step->vm], step->id);
		stop[step->vm] = step->id;
	}
	return 0;
}
