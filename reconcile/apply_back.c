/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "reconcile/debts.h"

#include <string.h>

static void find_down(struct apply *apply, const struct world *world);

void back_go(struct apply *apply)
{
	bool was_apply = apply->mode == PLAN_APPLY;
	const char *why = apply->frozen->len        ? "a step failed"
			  : apply_interrupts(apply) ? "interrupted"
						    : "what is owed comes first";
	/* each round that fails has a failure of some host more */
	uint32_t n_rounds = MAX(APPLY_ROUNDS_MAX, HOST_FAILURES_MAX * apply->n_links + 1);
	for (uint32_t round = 0; round < n_rounds && apply_interrupts(apply) < 2; round++) {
		const struct world *world = again_observe(apply);
		find_down(apply, world);
		if (apply_interrupts(apply) > 1)
			break;
		const struct plan *plan = again_plan(apply, world, PLAN_RESTORE);
		apply_tell(
			apply, (struct apply_event){
				       .kind = APPLY_WAY_BACK, .plan = plan, .total = plan->n_steps, .message = why });
		if (!plan->n_steps)
			break;
		enum drive_end end = drive_plan(apply, plan, true);
		if (end == DRIVE_FINISHED) /* a VM that is off and has its parts again is not down any more */
			find_down(apply, again_observe(apply));
		if (end == DRIVE_FINISHED || end == DRIVE_STOPPED)
			break;
	}
	apply->mode = was_apply ? PLAN_APPLY : PLAN_RESTORE;
	back_name_down(apply);
}

static void note(struct apply *apply, const char *id, const char *name, enum left_how how)
{
	struct left *left = arena_new_of(apply->arena, struct left);
	*left = (struct left){ name ? name : "", how };
	g_hash_table_insert(apply->down, (gpointer)id, left);
}

void back_note_down(struct apply *apply, const struct step *step, enum left_how how)
{
	note(apply, step->vm_id, step->vm_name, how);
}

static enum left_how how_left(const struct vm *vm)
{
	if (!vm_is_off(vm))
		return LEFT_BARE;
	return vm->debt->power == DEBT_POWER_NONE ? LEFT_LACKING : LEFT_DOWN;
}

/* What the hosts say is truer than what we remember: a stop may have worked though its answer was lost, or somebody
 * started the VM. Of hosts that do not answer we remember. */
static void find_down(struct apply *apply, const struct world *world)
{
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		if (!vm->id)
			continue;
		bool ours = vm->debt && (g_strcmp0(vm->debt->run, apply->run_id) == 0 ||
						g_hash_table_contains(apply->down, vm->id));
		bool owed = ours && (vm->debt->n_adapters || vm->debt->n_devices);
		owed |= ours && !debts_power_is_void(vm) && vm_is_off(vm);
		if (owed)
			note(apply, vm->id, vm->name, how_left(vm));
		else
			g_hash_table_remove(apply->down, vm->id);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct left *const *)a)->name, (*(const struct left *const *)b)->name);
}

static const char *why_left(const struct apply *apply, enum left_how how)
{
	bool was_cut = apply_interrupts(apply) > 1;
	switch (how) {
	case LEFT_DOWN:
		return was_cut ? "is down; run 'hvgpu restore'"
			       : "could not be brought back; repair what failed, then run 'hvgpu restore'";
	case LEFT_UNSURE:
		return was_cut ? "is down, or may be: nobody waited for it any more; run 'hvgpu restore'"
			       : "is down, or may be: its host gave no certain answer; repair what failed, then run "
				 "'hvgpu restore'";
	case LEFT_BARE:
		return was_cut ? "runs without the GPU that was taken from it; apply again, or shut it down and run "
				 "'hvgpu restore'"
			       : "runs without the GPU that was taken from it; repair what failed and apply again, or "
				 "shut it down and run 'hvgpu restore'";
	case LEFT_LACKING:
		return was_cut ? "is off, as it was, without the GPU that was taken from it; run 'hvgpu restore'"
			       : "is off, as it was, without the GPU that was taken from it; repair what failed, then "
				 "run 'hvgpu restore'";
	}
	return "is not as it was";
}

void back_name_down(struct apply *apply)
{
	struct apply_result *result = apply->result;
	uint32_t n = 0, n_all = g_hash_table_size(apply->down);
	const struct left **all = arena_array(apply->arena, const struct left *, n_all);
	const char **names = arena_array(apply->arena, const char *, n_all);
	GHashTableIter iter;
	gpointer left;
	g_hash_table_iter_init(&iter, apply->down);
	while (g_hash_table_iter_next(&iter, NULL, &left))
		all[n++] = left;
	qsort(all, n, sizeof(*all), by_name);
	result->n_still_owed = 0;
	for (uint32_t i = 0; i < n; i++) {
		g_autofree char *subject = g_strdup_printf("vm/%s", all[i]->name);
		diag_add(apply->diags, D_STILL_OWED, LOC_NONE, subject, "VM '%s' %s", all[i]->name,
			why_left(apply, all[i]->how));
		result->is_owed_unsure |= all[i]->how == LEFT_UNSURE;
		if (all[i]->how == LEFT_DOWN || all[i]->how == LEFT_UNSURE)
			names[result->n_still_owed++] = all[i]->name;
	}
	result->still_owed = names;
}

void back_name_rest(struct apply *apply)
{
	bool is_told = apply->result->still_owed != NULL;
	if (is_told || !g_hash_table_size(apply->down) || apply_interrupts(apply) > 1)
		return;
	find_down(apply, again_observe(apply));
	back_name_down(apply);
}
