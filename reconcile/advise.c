/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise.h"

#include "reconcile/headroom.h"
#include "reconcile/vram.h"

#include <string.h>

enum { BUILD_SERVER_2025 = 26100 }; /* facts/hyperv.md section 1.1 */

static void advise_hosts(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_hosts; i++) {
		const struct host *host = &world->hosts[i];
		const char *subject = arena_printf(wants->arena, "host/%s", host->name);
		if (host->os_build.known && host->os_build.value < BUILD_SERVER_2025)
			diag_add(wants->diags, D_PLATFORM, LOC_NONE, subject,
				"'%s' runs build %" G_GUINT64_FORMAT
				"; GPU partitioning needs Windows Server 2025 (build 26100) or later",
				host->name, host->os_build.value);
		if (host->cluster_name && host->edition && !strstr(host->edition, "Datacenter"))
			diag_add(wants->diags, D_PLATFORM, LOC_NONE, subject,
				"'%s' runs edition '%s'; partitions in failover clusters need the Datacenter edition",
				host->name, host->edition);
		if (host->sriov == TRI_NO)
			diag_add(wants->diags, D_PLATFORM, LOC_NONE, subject,
				"'%s' reports no SR-IOV (%s); enable it in the BIOS", host->name,
				host->sriov_reasons ? host->sriov_reasons : "no reason given");
	}
}

static void advise_gpu(const struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	const char *subject = subject_gpu(wants->arena, wants->input->observed, gpu);
	if (wants->gpus[gpu].group && it->state == GPU_FAILED)
		diag_add(wants->diags, D_GPU_FAILED, wants->gpus[gpu].group->head.loc, subject,
			"the GPU has failed and is in no rule; repair or replace it");
	if (!wants->gpus[gpu].group && !wants->gpus[gpu].excluded && it->state == GPU_DISMOUNTED && it->name)
		diag_add(wants->diags, D_GROUP_LEFT, LOC_NONE, subject,
			"the GPU is dismounted and no group selects it; it stays so");
}

static void advise_settings(const struct wants *wants, const struct vm *vm, struct loc loc, const char *subject)
{
	if (vm->dynamic_memory && vm->memory_startup_bytes.known && vm->memory_minimum_bytes.known &&
		vm->memory_startup_bytes.value != vm->memory_minimum_bytes.value)
		diag_add(wants->diags, D_MEMORY, loc, subject,
			"VM '%s' has dynamic memory with startup and minimum not equal, so it does not start with a "
			"GPU; set them equal "
			"while it has none",
			vm->name);
	if (vm->generation == 1 && vm->n_adapters)
		diag_add(wants->diags, D_PLATFORM, loc, subject,
			"VM '%s' is of generation 1; partitions need generation 2", vm->name);
	if (vm->n_adapters && vm->checkpoint_type != CHECKPOINT_DISABLED)
		diag_add(wants->diags, D_CHECKPOINTS, loc, subject,
			"VM '%s' has checkpoints of type %s; the host refuses them while it has a partition", vm->name,
			name_of(&checkpoint_type_names, vm->checkpoint_type));
	if (vm->clustered == TRI_YES && !vm->offline_action.known)
		diag_add(wants->diags, D_UNKNOWN_FACT, loc, subject,
			"the offline action of VM '%s' is not known; it must not be Save", vm->name);
}

static void advise_adapters(const struct wants *wants, const struct vm *vm, struct loc loc, const char *subject)
{
	if (vm->n_adapters > wants->input->cluster->max_partitions_per_vm)
		diag_add(wants->diags, D_SURPLUS, loc, subject, "VM '%s' has %u partition adapters, and %u is allowed",
			vm->name, vm->n_adapters, wants->input->cluster->max_partitions_per_vm);
	for (uint32_t a = 0; a < vm->n_adapters; a++) {
		if (!vm->adapters[a].pin)
			continue;
		if (vm->clustered == TRI_YES)
			diag_add(wants->diags, D_PIN_CLUSTERED, loc, subject,
				"VM '%s' is clustered and its partition is pinned to %s of '%s', so it cannot run on "
				"another host",
				vm->name, vm->adapters[a].pin, wants->input->observed->hosts[vm->host].name);
		else
			diag_add(wants->diags, D_PINNED_ADAPTER, loc, subject,
				"the partition of VM '%s' is pinned to %s and stays so", vm->name, vm->adapters[a].pin);
	}
}

static bool has_its_gpu(const struct vm_want *want, const struct vm *vm)
{
	return want->group && (want->group->passthrough ? vm->n_devices > 0 : vm->n_adapters > 0);
}

static uint32_t advise_vms(const struct wants *wants, const struct world *goal)
{
	const struct plan_input *input = wants->input;
	uint32_t n_to_adopt = 0;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct vm_want *want = &wants->vms[i];
		if (want->ownership != VM_MANAGED)
			continue;
		const struct vm *vm = &goal->vms[i], *now = &input->observed->vms[i];
		const char *subject = subject_vm(wants->arena, goal, i);
		advise_settings(wants, vm, want->loc, subject);
		advise_adapters(wants, now, want->loc, subject);
		bool recorded = now->record && input->owner && strcmp(now->record->owner, input->owner) == 0;
		if (input->owner && has_its_gpu(want, now) && !recorded)
			n_to_adopt++;
	}
	if (n_to_adopt)
		diag_add(wants->diags, D_TO_ADOPT, LOC_NONE, input->cluster->name,
			"managed VMs of cluster '%s' that had their GPU before: %u; deleting a line would not take it "
			"back "
			"until a run changes something there, or 'apply --adopt' records them as ours",
			input->cluster->name, n_to_adopt);
	return n_to_adopt;
}

uint32_t advise(struct arena *arena, const struct wants *wants, const struct world *goal)
{
	(void)arena;
	if (!wants->input->cluster)
		return 0;
	advise_hosts(wants);
	for (uint32_t g = 0; g < goal->n_gpus; g++)
		advise_gpu(wants, g);
	uint32_t n_to_adopt = advise_vms(wants, goal);
	headroom_advise(wants, goal);
	vram_advise(wants, goal);
	if (!wants->input->owner && wants->input->mode == PLAN_APPLY && wants->input->cluster->prune)
		diag_add(wants->diags, D_NO_OWNER, wants->input->cluster->name_loc, wants->input->cluster->name,
			"the source has neither an origin nor --owner, so GPUs of VMs that are no longer mentioned are "
			"not taken back");
	return n_to_adopt;
}
