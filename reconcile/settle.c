/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/settle.h"

#include "base/text.h"
#include "reconcile/apply_parts.h"
#include "reconcile/history.h"

#include <string.h>

enum { SETTLE_DEADLINE_S = 60 };

struct found {
	const struct host_state *state;
	const struct vm *vm;
};

static bool is_meant(const struct vm *vm, const char *name)
{
	return (vm->id && strcmp(vm->id, name) == 0) || g_ascii_strcasecmp(vm->name, name) == 0;
}

static const char *vm_meant(const struct run *run, const char *name, struct arena *arena)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (uint32_t i = 0; i < run->n_states; i++)
		for (uint32_t k = 0; k < run->states[i]->n_vms; k++)
			g_ptr_array_add(names, (gpointer)run->states[i]->vms[k].name);
	return text_meant(arena, name, (const char *const *)names->pdata, names->len);
}

static int find_vm(const struct run *run, const char *name, struct found *out, struct diags *diags)
{
	*out = (struct found){ 0 };
	g_autofree char *subject = g_strdup_printf("vm/%s", name);
	for (uint32_t i = 0; i < run->n_states; i++) {
		for (uint32_t k = 0; k < run->states[i]->n_vms; k++) {
			const struct vm *vm = &run->states[i]->vms[k];
			if (!is_meant(vm, name))
				continue;
			if (out->vm)
				return diag_add(diags, D_VM_AMBIGUOUS, LOC_NONE, subject,
					"there are two VMs '%s', on '%s' and '%s'; give the id of the one that is "
					"meant",
					name, out->state->host.name, run->states[i]->host.name);
			*out = (struct found){ run->states[i], vm };
		}
	}
	if (out->vm)
		return 0;
	if (run->n_missing)
		return diag_add(diags, D_HOST_UNOBSERVED, LOC_NONE, subject,
			"no host that was observed has a VM '%s'; it may be on '%s', which did not answer", name,
			run->missing[0].name);
	return diag_add(diags, D_VM_NOT_FOUND, LOC_NONE, subject, "no host has a VM '%s'%s", name,
		vm_meant(run, name, diags->arena));
}

static int decide(struct apply *apply, const struct settle_options *options, const struct found *found)
{
	struct request request = {
		.kind = REQUEST_SETTLE,
		.epoch = apply->epoch,
		.deadline_s = SETTLE_DEADLINE_S,
		.vm_id = found->vm->id,
		.settle = options->mode,
	};
	struct answer answer = link_ask_wait(&apply->links[0], &request);
	if (answer.error == HOST_OK)
		return 0;
	g_autofree char *subject = g_strdup_printf("host/%s/vm/%s", found->state->host.name, found->vm->name);
	return diag_add(apply->diags, D_STEP_FAILED, LOC_NONE, subject,
		"the debt of VM '%s' could not be decided: %s; try again", found->vm->name,
		answer_text(apply->arena, &answer));
}

static const char *decision(struct arena *arena, enum settle_mode mode, const struct settled *settled)
{
	const char *name = settled->vm->name;
	if (mode == SETTLE_RENEW)
		return arena_printf(
			arena, settled->start ? "let '%s' be started" : "give '%s' back what was taken", name);
	return arena_printf(arena, settled->start ? "leave '%s' off" : "leave '%s' as it is", name);
}

static const char *cluster_of(const struct run *run, const struct host *host)
{
	for (uint32_t i = 0; run->spec && i < run->spec->n_clusters; i++)
		if (cluster_find_host(&run->spec->clusters[i], host->name))
			return run->spec->clusters[i].name;
	return host_cluster(host);
}

static void write_down(struct apply *apply, const struct run *run, const struct settle_options *options,
	const struct found *found, const struct settled *settled)
{
	const struct history_decision what = {
		.host = found->state->host.name,
		.vm = found->vm->name,
		.what = decision(apply->arena, options->mode, settled),
	};
	history_decided(options->journal, "settle", apply->run_id, run, cluster_of(run, &found->state->host), &what, 1,
		run->options.now, apply->diags);
}

static int settle(struct run *run, const struct settle_options *options, struct settled *out, struct diags *diags)
{
	struct found found;
	if (find_vm(run, options->vm, &found, diags) < 0) {
		diags_append(diags, run->diags); /* Perhaps its host did not answer. */
		return -1;
	}
	*out = (struct settled){ .vm = found.vm, .debt = found.vm->debt };
	if (!out->debt)
		return 0;
	out->start = out->debt->power != DEBT_POWER_NONE && vm_is_off(out->vm);
	struct apply_options with = {
		.run = options->run,
		.interrupts = options->count_interrupts ? options->count_interrupts() : NULL,
		.run_id = options->run_id,
		.holder = options->holder,
	};
	struct apply apply;
	apply_start(&apply, run, &with, NULL);
	int result = leases_take_of(&apply, &found.state->host.name, 1);
	if (result == 0)
		result = decide(&apply, options, &found);
	if (result == 0)
		write_down(&apply, run, options, &found, out);
	leases_release(&apply);
	diags_append(diags, apply.diags);
	apply_end(&apply);
	return result;
}

int settle_vm(const struct settle_options *options, struct settled *out, struct diags *diags)
{
	struct run_options observe = options->run;
	observe.until = STAGE_OBSERVE;
	struct run *run = run_pipeline(&observe);
	int result = settle(run, options, out, diags);
	arena_adopt(diags->arena, run->arena); /* Findings point into the manifests. */
	return result;
}
