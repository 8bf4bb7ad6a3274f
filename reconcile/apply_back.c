/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

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
	for (uint32_t round = 0; round < n_rounds; round++) {
		const struct world *world = again_observe(apply);
		find_down(apply, world);
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

/* What the hosts say is truer than what we remember: a stop may have worked though its answer was lost, or somebody
 * started the VM. Of hosts that do not answer we remember. */
static void find_down(struct apply *apply, const struct world *world)
{
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		if (!vm->id)
			continue;
		bool ours = vm->debt && g_strcmp0(vm->debt->run, apply->run_id) == 0;
		bool owed = ours && (vm->debt->n_adapters || vm->debt->n_devices);
		owed |= ours && vm->debt->power != DEBT_POWER_NONE && vm_is_off(vm);
		g_hash_table_remove(apply->unsure, vm->id);
		if (owed)
			g_hash_table_insert(apply->down, (gpointer)vm->id, (gpointer)vm->name);
		else
			g_hash_table_remove(apply->down, vm->id);
	}
}

void back_note_down(struct apply *apply, const struct step *step, bool is_sure)
{
	g_hash_table_insert(apply->down, (gpointer)step->vm_id, (gpointer)(step->vm_name ? step->vm_name : ""));
	if (is_sure)
		g_hash_table_remove(apply->unsure, step->vm_id);
	else
		g_hash_table_add(apply->unsure, (gpointer)step->vm_id);
}

struct left {
	const char *name;
	bool is_sure;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct left *)a)->name, ((const struct left *)b)->name);
}

static const char *why_left(const struct apply *apply, bool is_sure)
{
	bool was_cut = apply_interrupts(apply) > 1;
	if (was_cut)
		return is_sure ? "is down" : "is down, or may be: nobody waited for it any more";
	return is_sure ? "could not be brought back; repair what failed"
		       : "is down, or may be: its host gave no certain answer; repair what failed";
}

void back_name_down(struct apply *apply)
{
	struct apply_result *result = apply->result;
	uint32_t n = 0, n_all = g_hash_table_size(apply->down);
	struct left *left = arena_array(apply->arena, struct left, n_all);
	const char **names = arena_array(apply->arena, const char *, n_all);
	GHashTableIter iter;
	gpointer id, name;
	g_hash_table_iter_init(&iter, apply->down);
	while (g_hash_table_iter_next(&iter, &id, &name))
		left[n++] = (struct left){ name, !g_hash_table_contains(apply->unsure, id) };
	qsort(left, n, sizeof(*left), by_name);
	for (uint32_t i = 0; i < n; i++) {
		g_autofree char *subject = g_strdup_printf("vm/%s", left[i].name);
		diag_add(apply->diags, D_STILL_OWED, LOC_NONE, subject, "VM '%s' %s%s", left[i].name,
			why_left(apply, left[i].is_sure),
			apply_interrupts(apply) > 1 ? "; run 'hvgpu restore'" : ", then run 'hvgpu restore'");
		result->is_owed_unsure |= !left[i].is_sure;
		names[i] = left[i].name;
	}
	result->still_owed = names;
	result->n_still_owed = n;
}
