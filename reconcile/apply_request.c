/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "reconcile/expects.h"
#include "reconcile/run_plan.h"

#include <string.h>

enum { STEP_DEADLINE_S = 300, STOP_EXTRA_S = 60 };

const struct cluster_record *request_cluster_record(struct apply *apply, const struct link *link)
{
	const struct plan *plan = apply->approved;
	if (link->recorded || !apply->run->owner || !plan->cluster || apply->mode != PLAN_APPLY)
		return NULL;
	struct cluster_record *record = arena_new_of(apply->arena, struct cluster_record);
	*record = (struct cluster_record){
		.owner = apply->run->owner,
		.cluster = plan->cluster,
		.commit = run_commit(apply->run, apply->arena),
		.epoch = apply->epoch,
	};
	return record;
}

const struct vm_record *request_vm_record(struct apply *apply, const struct plan *plan, const char *vm_id)
{
	uint32_t vm = vm_id && plan->observed ? world_find_vm(plan->observed, vm_id) : NO_INDEX;
	if (vm == NO_INDEX || !apply->run->owner || !plan->cluster || apply->mode != PLAN_APPLY)
		return NULL;
	if (!plan->rules || plan->rules->vm_ownership[vm] != VM_MANAGED)
		return NULL;
	const struct spec *spec = apply->run->spec;
	const struct spec_assignment *assignment =
		spec ? spec_find_assignment_of_vm(spec, plan->cluster, plan->observed->vms[vm].name, NULL) : NULL;
	struct vm_record *record = arena_new_of(apply->arena, struct vm_record);
	*record = (struct vm_record){
		.owner = apply->run->owner,
		.cluster = plan->cluster,
		.group = assignment && assignment->gpus ? assignment->gpus : "",
	};
	return record;
}

static bool is_add(const struct step *step)
{
	return step->kind == STEP_ADD_ADAPTER || step->kind == STEP_ADD_DEVICE;
}

struct request request_of_step(struct apply *apply, struct link *link, const struct step *step)
{
	return (struct request){
		.kind = REQUEST_STEP,
		.epoch = apply->epoch,
		.step = step,
		.expected = expects_of_step(step),
		.deadline_s = step->kind == STEP_STOP_VM ? step->stop_timeout_s + STOP_EXTRA_S : STEP_DEADLINE_S,
		.cluster_record = request_cluster_record(apply, link),
		.vm_record = is_add(step) ? request_vm_record(apply, apply->plan, step->vm_id) : NULL,
		.owes_parts = step_cause_owes(step->cause),
		.owes_unpinned = step->cause == CAUSE_UNPIN,
		.owes_power = true,
	};
}
