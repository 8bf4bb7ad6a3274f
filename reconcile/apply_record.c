/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "model/subject.h"
#include "reconcile/debts.h"

#include <string.h>

enum { RECORD_DEADLINE_S = 60 };

static bool has_step(const struct plan *plan, const char *vm_id)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (g_strcmp0(plan->steps[i].vm_id, vm_id) == 0)
			return true;
	}
	return false;
}

static bool gains(const struct plan *plan, const char *vm_id)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		bool adds = step->kind == STEP_ADD_ADAPTER || step->kind == STEP_ADD_DEVICE;
		if (adds && g_strcmp0(step->vm_id, vm_id) == 0)
			return true;
	}
	return false;
}

static struct link *link_of_vm(struct apply *apply, const struct plan *plan, uint32_t vm)
{
	const struct world *world = plan->goal && vm < plan->goal->n_vms ? plan->goal : plan->observed;
	return link_find(apply, world->hosts[world->vms[vm].host].name);
}

static void report(struct apply *apply, const struct link *link, const char *what, const struct answer *answer)
{
	g_autofree char *subject = g_strdup_printf("host/%s", link->host);
	if (apply_interrupts(apply) > 1) /* that is said, and explains it */
		return;
	diag_add(apply->diags, D_STEP_FAILED, LOC_NONE, subject,
		"%s on '%s' failed: %s; the next run that changes something here writes it, or 'hvgpu apply --adopt'",
		what, link->host, answer_text(apply->arena, answer));
}

/* A managed VM that had its adapter already: ours from now on. */
static bool is_to_record(struct apply *apply, const struct plan *plan, uint32_t vm)
{
	const struct vm *was = &plan->observed->vms[vm];
	if (!was->id || (!was->n_adapters && !was->n_devices) || gains(plan, was->id))
		return false;
	return !was->record || g_strcmp0(was->record->owner, apply->run->owner) != 0;
}

/* 'what': VMs or hosts of which a record was written. */
static void take_answer(
	struct apply *apply, struct link *link, const char *writing, const struct answer *answer, uint32_t *what)
{
	if (answer->error != HOST_OK) {
		report(apply, link, writing, answer);
		return;
	}
	link->recorded = true;
	*what += answer->changed;
}

static void record_vm(struct apply *apply, const struct plan *plan, uint32_t vm, uint32_t *n_vms)
{
	struct link *link = link_of_vm(apply, plan, vm);
	const struct vm_record *record = request_vm_record(apply, plan, plan->observed->vms[vm].id);
	if (!link || !record)
		return;
	struct request request = {
		.kind = REQUEST_RECORD,
		.epoch = apply->epoch,
		.deadline_s = RECORD_DEADLINE_S,
		.cluster_record = request_cluster_record(apply, link),
		.vm_record = record,
		.vm_id = plan->observed->vms[vm].id,
	};
	struct answer answer = link_ask_wait(link, &request);
	take_answer(apply, link, "writing a record", &answer, n_vms);
}

/* On the hosts where no step wrote it. Where nothing at all was done, only `--adopt` does so, and only where there is none
 * of ours. */
static void record_cluster(struct apply *apply, const struct plan *plan, uint32_t *n_hosts)
{
	for (uint32_t i = 0; i < plan->observed->n_hosts && apply_interrupts(apply) < 2; i++) {
		const struct host *host = &plan->observed->hosts[i];
		struct link *link = link_find(apply, host->name);
		const struct cluster_record *record = link && link->leased ? request_cluster_record(apply, link) : NULL;
		if (!record ||
			(!apply->performed && host->record && g_strcmp0(host->record->owner, record->owner) == 0))
			continue;
		struct request request = {
			.kind = REQUEST_RECORD,
			.epoch = apply->epoch,
			.deadline_s = RECORD_DEADLINE_S,
			.cluster_record = record,
		};
		struct answer answer = link_ask_wait(link, &request);
		take_answer(apply, link, "writing the cluster's record", &answer, n_hosts);
	}
}

/* Who writes records alone has done something, and whoever reads of it later is to know what. */
static void tell_adopted(struct apply *apply, const struct plan *plan, uint32_t n_vms, uint32_t n_hosts)
{
	if (apply->performed || n_vms + n_hosts == 0)
		return;
	g_autoptr(GString) text = g_string_new(NULL);
	if (n_vms)
		g_string_append_printf(text, "%u VM%s", n_vms, n_vms == 1 ? "" : "s");
	if (n_hosts)
		g_string_append_printf(text, "%sthe cluster's record on %u host%s", n_vms ? ", " : "", n_hosts,
			n_hosts == 1 ? "" : "s");
	apply->result->n_adopted = n_vms + n_hosts;
	apply_tell(
		apply, (struct apply_event){
			       .kind = APPLY_ADOPTED, .plan = plan, .message = arena_strdup(apply->arena, text->str) });
}

void record_ours(struct apply *apply)
{
	const struct plan *plan = apply->plan;
	bool adopt = apply->options->run.adopt;
	if (!plan || !plan->observed || apply->mode != PLAN_APPLY || (!apply->performed && !adopt))
		return;
	uint32_t n_vms = 0, n_hosts = 0;
	for (uint32_t i = 0; i < plan->observed->n_vms && apply_interrupts(apply) < 2; i++) {
		if (is_to_record(apply, plan, i))
			record_vm(apply, plan, i, &n_vms);
	}
	record_cluster(apply, plan, &n_hosts);
	tell_adopted(apply, plan, n_vms, n_hosts);
}

/* The VM was started, and nothing else was done to it: its start is owed no more. */
static bool was_only_started(const struct plan *plan, const char *vm_id)
{
	bool started = false;
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (g_strcmp0(plan->steps[i].vm_id, vm_id) != 0)
			continue;
		if (plan->steps[i].kind != STEP_START_VM)
			return false;
		started = true;
	}
	return started;
}

static bool stays_owed(const struct plan *plan, uint32_t vm)
{
	g_autoptr(arena_auto) scratch = arena_new();
	const char *subject = subject_vm(scratch, plan->observed, vm);
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (plan->refusals[i].stays_owed && strcmp(plan->refusals[i].subject, subject) == 0)
			return true;
	return false;
}

/* It has a GPU of the other kind alone: with that, what is owed would be one too many. */
static bool has_other_gpu(const struct plan *plan, const struct debt *debt, const struct vm *goal)
{
	bool has_whole = vm_has_whole_gpu(plan->goal, goal);
	return (debt->n_adapters && has_whole && !goal->n_adapters) ||
	       (debt->n_devices && goal->n_adapters && !has_whole);
}

/* Nothing is owed any more: somebody changed the VM's power since, or it was started, and the parts are not wanted or there already. */
static bool is_void(const struct plan *plan, const struct vm *vm, const struct vm *goal)
{
	const struct debt *debt = vm->debt;
	bool started = was_only_started(plan, vm->id);
	if (has_other_gpu(plan, debt, goal)) /* the step that gave it that GPU ended the debt */
		return !gains(plan, vm->id) && (vm_is_running(goal) || debt->power == DEBT_POWER_NONE);
	if (has_step(plan, vm->id) && (!started || (!debt->n_adapters && !debt->n_devices)))
		return false;
	bool power = debt->power == DEBT_POWER_STOPPING && vm_is_running(vm);
	power |= debt->power == DEBT_POWER_STOPPED && debt->state_change.known && vm->state_change.known &&
		 debt->state_change.value != vm->state_change.value;
	power |= debt->power == DEBT_POWER_NONE || started;
	bool parts = goal->n_adapters <= vm->n_adapters && goal->n_devices <= vm->n_devices;
	return power && parts;
}

/* A person decides about it, or the run at work that made it. */
static bool is_for_others(const struct apply *apply, const struct plan *plan, const struct vm *vm)
{
	enum debt_state state = debts_state(plan->observed, vm, apply->run_id);
	return state == DEBT_OLD || state == DEBT_IN_PROGRESS;
}

void record_clear_void(struct apply *apply)
{
	const struct plan *plan = apply->plan;
	if (!apply->performed || !plan || !plan->goal || !plan->observed || plan->goal->n_vms != plan->observed->n_vms)
		return;
	for (uint32_t i = 0; i < plan->observed->n_vms && apply_interrupts(apply) < 2; i++) {
		const struct vm *vm = &plan->observed->vms[i];
		struct link *link = link_of_vm(apply, plan, i);
		if (!vm->debt || !vm->id || !link || is_for_others(apply, plan, vm) ||
			!is_void(plan, vm, &plan->goal->vms[i]) || stays_owed(plan, i))
			continue;
		struct request request = {
			.kind = REQUEST_SETTLE,
			.epoch = apply->epoch,
			.deadline_s = RECORD_DEADLINE_S,
			.vm_id = vm->id,
			.settle = SETTLE_LEAVE_OFF,
		};
		link_ask_wait(link, &request); /* A debt that stays is void all the same. */
	}
}
