/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/exchange.h"

/* Not beside what it is owed already: who is given back both would have one too many. */
static bool is_owed_a_part(const struct vm *vm)
{
	return vm->debt && (vm->debt->n_adapters || vm->debt->n_devices);
}

static bool loses_its_pin(const struct vm *after, const struct adapter *adapter)
{
	struct adapter unpinned = *adapter;
	unpinned.pin = NULL;
	for (uint32_t i = 0; adapter->pin && i < after->n_adapters; i++)
		if (!after->adapters[i].id && adapter_same(&after->adapters[i], &unpinned))
			return true;
	return false;
}

enum step_cause exchange_of_adapter(
	const struct needs *needs, uint32_t vm, const struct adapter *adapter, enum step_cause own)
{
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	if (own != CAUSE_WANTED || is_owed_a_part(before))
		return own;
	if (loses_its_pin(after, adapter))
		return CAUSE_UNPIN;
	return !after->n_adapters && after->n_devices > before->n_devices ? CAUSE_EXCHANGE : own;
}

enum step_cause exchange_of_device(const struct needs *needs, uint32_t vm, enum step_cause own)
{
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	if (own != CAUSE_WANTED || is_owed_a_part(before))
		return own;
	return !before->n_adapters && after->n_adapters ? CAUSE_EXCHANGE : own;
}
