/* SPDX-License-Identifier: Apache-2.0 */
/* What GPU-P and DDA demand of a VM before it starts. */
#include "model/invariant_parts.h"
#include "model/subject.h"

static void unfit(
	struct findings *findings, const struct world *world, uint32_t vm, const char *setting, const char *message)
{
	const char *subject = arena_printf(findings->arena, "%s/%s", subject_vm(findings->arena, world, vm), setting);

	findings_add(findings, INV_FIT_TO_START, subject, "%s", message);
}

static void check_both(struct findings *findings, const struct world *world, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	if (it->dynamic_memory && it->memory_startup_bytes.known && it->memory_minimum_bytes.known &&
		it->memory_startup_bytes.value != it->memory_minimum_bytes.value)
		unfit(findings, world, vm, "memory", "with dynamic memory, startup and minimum must be equal");
	if (it->clustered == TRI_YES && maybe_is(it->offline_action, OFFLINE_SAVE))
		unfit(findings, world, vm, "offline-action", "the offline action of a VM with a GPU must not be Save");
}

static void check_partition(struct findings *findings, const struct world *world, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	if (it->generation && it->generation != 2)
		unfit(findings, world, vm, "generation", "a partition needs a VM of generation 2");
	if (it->automatic_checkpoints)
		unfit(findings, world, vm, "automatic-checkpoints",
			"automatic checkpoints break the start of a VM with a partition");
}

static bool is_below(struct maybe_u64 value, const struct maybe_u64 *needed, uint32_t vm)
{
	return needed && needed[vm].known && value.known && value.value < needed[vm].value;
}

static void check_whole(struct findings *findings, const struct world *world, const struct rules *rules, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	if (it->stop_action == STOP_ACTION_SAVE)
		unfit(findings, world, vm, "stop-action",
			"the automatic stop action of a VM with a whole GPU must not be Save");
	if (!it->cache_control)
		unfit(findings, world, vm, "cache-control", "a VM with a whole GPU needs guest-controlled cache types");
	if (is_below(it->mmio_low_bytes, rules->vm_mmio_low, vm))
		unfit(findings, world, vm, "mmio-low", "the low MMIO space is smaller than its GPUs need");
	if (is_below(it->mmio_high_bytes, rules->vm_mmio_high, vm))
		unfit(findings, world, vm, "mmio-high", "the high MMIO space is smaller than its GPUs need");
}

void fit_check(struct findings *findings, const struct world *world, const struct rules *rules, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	if (it->n_adapters || it->n_devices)
		check_both(findings, world, vm);
	if (it->n_adapters)
		check_partition(findings, world, vm);
	if (it->n_devices)
		check_whole(findings, world, rules, vm);
}

struct violations invariant_fit(struct arena *arena, const struct world *world, const struct rules *rules, uint32_t vm)
{
	struct findings findings = { .arena = arena };

	fit_check(&findings, world, rules, vm);
	return findings_take(&findings);
}
