/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/expects.h"

struct expected expects_of_step(const struct step *step)
{
	struct expected expected = { 0 };
	if (step->kind == STEP_STOP_VM || step->kind == STEP_START_VM) {
		expected.has_vm_state = true;
		expected.vm_state = step->kind == STEP_STOP_VM ? VM_RUNNING : VM_OFF;
	} else if (step_rows[step->kind].needs & STEP_NEEDS_VM_OFF) {
		expected.has_vm_state = true;
		expected.vm_state = VM_OFF;
	} else if (step->kind == STEP_MOVE_VM) {
		expected.has_vm_state = true;
		expected.vm_state = step->live ? VM_RUNNING : VM_OFF;
	}
	if (step->kind == STEP_SET_COUNT && step->count_before) {
		expected.has_count = true;
		expected.count = KNOWN(step->count_before);
	}
	return expected;
}
