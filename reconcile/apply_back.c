/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include <string.h>

static void find_down(struct apply *apply, const struct world *world);
static void name_owed(struct apply *apply);

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
	name_owed(apply);
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
		if (owed)
			g_hash_table_insert(apply->down, (gpointer)vm->id, (gpointer)vm->name);
		else
			g_hash_table_remove(apply->down, vm->id);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void name_owed(struct apply *apply)
{
	struct apply_result *result = apply->result;
	const char **names = arena_array(apply->arena, const char *, g_hash_table_size(apply->down));
	GHashTableIter iter;
	gpointer name;
	g_hash_table_iter_init(&iter, apply->down);
	while (g_hash_table_iter_next(&iter, NULL, &name))
		names[result->n_still_owed++] = name;
	qsort(names, result->n_still_owed, sizeof(*names), by_text);
	result->still_owed = names;
	for (uint32_t i = 0; i < result->n_still_owed; i++) {
		g_autofree char *subject = g_strdup_printf("vm/%s", names[i]);
		diag_add(apply->diags, D_STILL_OWED, LOC_NONE, subject,
			"VM '%s' could not be brought back; repair what failed, then run 'hvgpu restore'", names[i]);
	}
}
