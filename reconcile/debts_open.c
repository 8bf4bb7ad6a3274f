/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan does about open debts, as its steps say: paid, or why not and what to do. */
#include "base/text.h"
#include "model/step.h"
#include "reconcile/debts.h"

static const struct debt *after_step(struct arena *arena, const struct debt *debt, const struct step *step)
{
	switch (step->kind) {
	case STEP_START_VM:
		return debt_without_power(arena, debt);
	case STEP_ADD_ADAPTER:
		return debt_without_adapter(arena, debt, &step->adapter);
	case STEP_ADD_DEVICE:
		return debt_without_device(arena, debt, &step->device);
	default:
		return debt;
	}
}

/* Per VM with an open debt: what the plan leaves of it. */
static const struct debt **left_by(const struct wants *wants, const struct plan *plan)
{
	const struct world *world = plan->observed;
	const struct debt **left = arena_array(wants->arena, const struct debt *, world->n_vms);
	for (uint32_t i = 0; i < world->n_vms; i++)
		if (wants->vms[i].debt == DEBT_OPEN)
			left[i] = debts_not_void(wants->arena, &world->vms[i]);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm < world->n_vms)
			left[plan->steps[i].vm] = after_step(wants->arena, left[plan->steps[i].vm], &plan->steps[i]);
	return left;
}

static const char *why_not(const struct wants *wants, const struct plan *plan, uint32_t vm, const struct debt *left)
{
	const struct vm *it = &plan->observed->vms[vm];
	const struct vm_want *want = &wants->vms[vm];
	bool parts = left->n_adapters || left->n_devices;
	if (want->excluded)
		return "the manifests exclude its host";
	if (!vm_is_off(it) && !vm_can_stop(it))
		return arena_printf(wants->arena,
			"it is %s and is left so; start it and shut it down, or delete its saved state",
			name_of(&vm_state_names, (int)it->state));
	if (plan->diags->n_errors && !plan->n_steps)
		return "nothing can be done before the errors are mended";
	if (parts && want->ownership == VM_OURS)
		return "no manifest mentions the VM any more";
	const struct vm *then = plan->goal && vm < plan->goal->n_vms ? &plan->goal->vms[vm] : it;
	bool gets_other = (!it->n_devices && then->n_devices) || (!it->n_adapters && then->n_adapters);
	if (parts && debts_wanted_otherwise(want, left) && gets_other)
		return "it gets another GPU instead, as the manifests say";
	if (parts && debts_wanted_otherwise(want, left))
		return arena_printf(wants->arena,
			"the manifests give it another GPU; 'hvgpu settle %s SOURCE --leave-off' ends the debt",
			text_shell_word(wants->arena, it->name));
	if ((left->n_adapters && it->n_adapters) || (left->n_devices && it->n_devices))
		return arena_printf(wants->arena,
			"it has %s already; 'hvgpu settle %s SOURCE --leave-off' ends the debt",
			left->n_adapters ? "a partition" : "a whole GPU", text_shell_word(wants->arena, it->name));
	return "the other findings about it say why";
}

static void tell(struct wants *wants, const struct plan *plan, uint32_t vm, const struct debt *left)
{
	const struct vm *it = &plan->observed->vms[vm];
	const char *run = it->debt->run ? it->debt->run : "?", *subject = subject_vm(wants->arena, plan->observed, vm);
	const struct debt *all = debts_not_void(wants->arena, it);
	if (!left) {
		diag_add(wants->diags, D_DEBT_OPEN, LOC_NONE, subject, "run '%s' owes VM '%s' %s; this plan pays it",
			run, it->name, debts_text(all));
		return;
	}
	bool starts = all->power != DEBT_POWER_NONE && left->power == DEBT_POWER_NONE;
	diag_add(wants->diags, D_DEBT_OPEN, LOC_NONE, subject,
		"run '%s' owes VM '%s' %s%s, and this plan does not pay %s: %s", run, it->name,
		starts ? "a start, which this plan pays, and " : "", debts_text(left), starts ? "that" : "it",
		why_not(wants, plan, vm, left));
}

void debts_tell_open(struct wants *wants, const struct plan *plan)
{
	if (wants->input->live_run) /* it knows what it owes */
		return;
	const struct debt **left = left_by(wants, plan);
	for (uint32_t i = 0; i < plan->observed->n_vms; i++)
		if (wants->vms[i].debt == DEBT_OPEN)
			tell(wants, plan, i, left[i]);
}
