/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/exchange.h"

/* Not beside what it is owed already and is to get: a VM that is given back both would have one too many. */
static enum step_cause for_other_kind(bool gets_other, bool is_owed_other, enum step_cause own)
{
	return own == CAUSE_WANTED && gets_other && !is_owed_other ? CAUSE_EXCHANGE : own;
}

static bool is_owed_like(const struct vm *vm, const struct adapter *adapter)
{
	for (uint32_t i = 0; vm->debt && i < vm->debt->n_adapters; i++)
		if (adapter_same(&vm->debt->adapters[i], adapter))
			return true;
	return false;
}

static bool loses_its_pin(const struct vm *before, const struct vm *after, const struct adapter *adapter)
{
	struct adapter unpinned = *adapter;
	unpinned.pin = NULL;
	for (uint32_t i = 0; adapter->pin && i < after->n_adapters; i++)
		if (!after->adapters[i].id && adapter_same(&after->adapters[i], &unpinned))
			return !is_owed_like(before, &unpinned);
	return false;
}

enum step_cause exchange_of_adapter(
	const struct needs *needs, uint32_t vm, const struct adapter *adapter, enum step_cause own)
{
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	if (own == CAUSE_WANTED && loses_its_pin(before, after, adapter))
		return CAUSE_UNPIN;
	bool gets_other = !after->n_adapters && after->n_devices > before->n_devices;
	return for_other_kind(gets_other, before->debt && before->debt->n_devices, own);
}

enum step_cause exchange_of_device(const struct needs *needs, uint32_t vm, enum step_cause own)
{
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	bool gets_other = !before->n_adapters && after->n_adapters;
	return for_other_kind(gets_other, before->debt && before->debt->n_adapters, own);
}
