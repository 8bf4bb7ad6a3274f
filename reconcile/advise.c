/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"
#include "reconcile/headroom.h"
#include "reconcile/vram.h"

#include <string.h>

void advise_by(const struct advice *advice, const struct advice_rule *rules, size_t n_rules, uint32_t index,
	struct loc loc, subject_fn *subject)
{
	for (size_t i = 0; i < n_rules; i++) {
		const char *text = rules[i].tells(advice, index);
		if (text)
			diag_add(advice->wants->diags, rules[i].code, loc,
				subject(advice->wants->arena, advice->goal, index), "%s", text);
	}
}

static bool has_its_gpu(const struct vm_want *want, const struct vm *vm)
{
	return want->group && (want->group->passthrough ? vm->n_devices > 0 : vm->n_adapters > 0);
}

/* How many managed VMs have their GPU and no record of ours. */
static uint32_t advise_records(const struct wants *wants)
{
	const struct plan_input *input = wants->input;
	uint32_t n_to_adopt = 0;
	for (uint32_t i = 0; i < input->observed->n_vms && input->owner; i++) {
		const struct vm *vm = &input->observed->vms[i];
		bool recorded = vm->record && strcmp(vm->record->owner, input->owner) == 0;
		n_to_adopt += wants->vms[i].ownership == VM_MANAGED && has_its_gpu(&wants->vms[i], vm) && !recorded;
	}
	if (n_to_adopt)
		diag_add(wants->diags, D_TO_ADOPT, LOC_NONE, input->cluster->name,
			"managed VMs of cluster '%s' that had their GPU before: %u; deleting a line would not take it "
			"back until a run changes something there, or 'apply --adopt' records them as ours",
			input->cluster->name, n_to_adopt);
	return n_to_adopt;
}

uint32_t advise(const struct wants *wants, const struct world *goal)
{
	if (!wants->input->cluster)
		return 0;
	const struct advice advice = { wants, goal };
	for (uint32_t h = 0; h < goal->n_hosts; h++)
		advise_host(&advice, h);
	for (uint32_t g = 0; g < goal->n_gpus; g++)
		advise_gpu(&advice, g);
	for (uint32_t i = 0; i < goal->n_vms; i++)
		advise_vm(&advice, i);
	uint32_t n_to_adopt = advise_records(wants);
	headroom_advise(wants, goal);
	vram_advise(wants, goal);
	if (!wants->input->owner && wants->input->mode == PLAN_APPLY && wants->input->cluster->prune)
		diag_add(wants->diags, D_NO_OWNER, wants->input->cluster->name_loc, wants->input->cluster->name,
			"the source has neither an origin nor --owner, so GPUs of VMs that are no longer mentioned are "
			"not taken back");
	return n_to_adopt;
}
