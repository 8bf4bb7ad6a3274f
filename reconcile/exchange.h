/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VM gives up for something else of its own. What goes for good is not owed (design.md section 8, "or when the goal wants none"); what
 * makes way for another part is, until that one is there: where the run ends between the two, the VM comes back as it was
 * (docs/decisions/0016, 13).
 */
#pragma once
#include "reconcile/steps.h"

/* Why the adapter, which the goal does not have, or a device, is taken: CAUSE_EXCHANGE, CAUSE_UNPIN, or 'own', which is the cause of what the
 * VM is to get. */
enum step_cause exchange_of_adapter(
	const struct needs *needs, uint32_t vm, const struct adapter *adapter, enum step_cause own);
enum step_cause exchange_of_device(const struct needs *needs, uint32_t vm, enum step_cause own);
