/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/debts.h"

#include "base/text.h"
#include "model/step.h"

#include <string.h>

const struct lease *debts_held_by(const struct world *world, const struct debt *debt)
{
	for (uint32_t i = 0; i < world->n_hosts; i++) {
		const struct lease *lease = world->hosts[i].lease;
		if (lease && debt->run && strcmp(lease->run, debt->run) == 0)
			return lease;
	}
	return NULL;
}

bool debts_power_is_void(const struct vm *vm)
{
	const struct debt *debt = vm->debt;
	if (debt->power == DEBT_POWER_STOPPING)
		return vm_is_running(vm);
	if (debt->power == DEBT_POWER_STOPPED && debt->state_change.known && vm->state_change.known)
		return debt->state_change.value != vm->state_change.value;
	return debt->power == DEBT_POWER_NONE || !vm_is_off(vm);
}

/* Somebody may have wanted the VM off since: a person decides. */
static bool is_old(const struct vm *vm, int64_t observed_at)
{
	const struct debt *debt = vm->debt;
	if (debt->at + DEBT_OLD_AFTER_S < observed_at)
		return true;
	if (debt->power == DEBT_POWER_STOPPED)
		return !debt->state_change.known || !vm->state_change.known;
	if (debt->power == DEBT_POWER_STOPPING) /* not completed: the stop is ours when it is not older than the debt */
		return !vm->state_change.known || (int64_t)vm->state_change.value < debt->at;
	return false;
}

enum debt_state debts_state(const struct world *world, const struct vm *vm, const char *live_run)
{
	const struct debt *debt = vm->debt;
	if (!debt)
		return DEBT_NONE;
	bool has_parts = debt->n_adapters || debt->n_devices;
	if (debts_power_is_void(vm) && !has_parts)
		return DEBT_VOID;
	if (live_run && debt->run && strcmp(live_run, debt->run) == 0)
		return DEBT_OPEN;
	if (debts_held_by(world, debt))
		return DEBT_IN_PROGRESS;
	return is_old(vm, world->hosts[vm->host].observed_at) ? DEBT_OLD : DEBT_OPEN;
}

const struct debt *debts_not_void(struct arena *arena, const struct vm *vm)
{
	return vm->debt && debts_power_is_void(vm) ? debt_without_power(arena, vm->debt) : vm->debt;
}

const char *debts_text(const struct debt *debt)
{
	bool parts = debt->n_adapters || debt->n_devices;
	if (debt->power == DEBT_POWER_NONE)
		return "its GPU";
	return parts ? "a start and its GPU" : "a start";
}

static void report(struct wants *wants, uint32_t vm)
{
	const struct world *world = wants->input->observed;
	const struct debt *debt = world->vms[vm].debt;
	if (wants->vms[vm].debt == DEBT_NONE || wants->vms[vm].debt == DEBT_VOID)
		return;
	const char *subject = subject_vm(wants->arena, world, vm);
	const char *owed = debts_text(debts_not_void(wants->arena, &world->vms[vm]));
	if (wants->vms[vm].debt == DEBT_IN_PROGRESS && wants->input->mode == PLAN_APPLY) { /* else refuse_held() */
		const char *holder = debts_held_by(world, debt)->holder;
		diag_add(wants->diags, D_DEBT_IN_PROGRESS, LOC_NONE, subject,
			"run '%s' of %s holds the hosts; it owes VM '%s' %s and pays it itself", debt->run,
			holder ? holder : "?", world->vms[vm].name, owed);
	}
	if (wants->vms[vm].debt == DEBT_OLD)
		diag_add(wants->diags, D_DEBT_OLD, LOC_NONE, subject,
			"run '%s' owes VM '%s' %s, and that is too long ago or not certain; decide with 'hvgpu settle "
			"%s SOURCE --start' or '--leave-off'",
			debt->run ? debt->run : "?", world->vms[vm].name, owed,
			text_shell_word(wants->arena, world->vms[vm].name));
}

bool debts_wanted_otherwise(const struct vm_want *want, const struct debt *debt)
{
	return want->ownership == VM_MANAGED && want->group &&
	       (want->group->passthrough ? debt->n_adapters : debt->n_devices);
}

bool debts_pay_parts(const struct wants *wants, uint32_t vm)
{
	return wants_owed_parts(wants, vm) &&
	       !(wants_has_wish(wants, vm) &&
		       debts_wanted_otherwise(&wants->vms[vm], wants->input->observed->vms[vm].debt));
}

void debts_judge(struct wants *wants)
{
	for (uint32_t i = 0; i < wants->input->observed->n_vms; i++) {
		const struct plan_input *input = wants->input;
		wants->vms[i].debt = debts_state(input->observed, &input->observed->vms[i], input->live_run);
		report(wants, i);
	}
}

/* ---- what is left ---- */

static uint32_t count_same(const struct device *devices, uint32_t n, const struct device *device)
{
	uint32_t n_same = 0;
	for (uint32_t i = 0; i < n; i++)
		n_same += device_same(&devices[i], device);
	return n_same;
}

const struct debt *debts_left(struct arena *arena, const struct vm *vm, const struct vm *goal)
{
	const struct debt *left = vm->debt;
	for (uint32_t i = 0; i < goal->n_adapters; i++)
		if (!goal->adapters[i].id)
			left = debt_without_adapter(arena, left, &goal->adapters[i]);
	for (uint32_t i = 0; i < goal->n_devices; i++) {
		const struct device *device = &goal->devices[i];
		if (count_same(goal->devices, i + 1, device) > count_same(vm->devices, vm->n_devices, device))
			left = debt_without_device(arena, left, device);
	}
	return left;
}
