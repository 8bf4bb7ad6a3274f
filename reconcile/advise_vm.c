/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"
#include "reconcile/debts.h"

#include <string.h>

static const struct vm *then(const struct advice *advice, uint32_t vm)
{
	return &advice->goal->vms[vm];
}

static const struct vm *now(const struct advice *advice, uint32_t vm)
{
	return &advice->wants->input->observed->vms[vm];
}

/* ---- settings ---- */

static const char *unequal_memory(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (!it->dynamic_memory || !it->memory_startup_bytes.known || !it->memory_minimum_bytes.known ||
		it->memory_startup_bytes.value == it->memory_minimum_bytes.value)
		return NULL;
	return arena_printf(advice->wants->arena,
		"VM '%s' has dynamic memory with startup and minimum not equal, so it does not start with a GPU; set "
		"them equal "
		"while it has none",
		it->name);
}

static const char *generation_1(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (it->generation != 1 || !it->n_adapters)
		return NULL;
	return arena_printf(advice->wants->arena, "VM '%s' is of generation 1; partitions need generation 2", it->name);
}

static const char *checkpoints(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (!it->n_adapters || it->checkpoint_type == CHECKPOINT_DISABLED)
		return NULL;
	return arena_printf(advice->wants->arena,
		"VM '%s' has checkpoints of type %s; the host refuses them while it has a partition", it->name,
		name_of(&checkpoint_type_names, it->checkpoint_type));
}

static const char *unknown_offline_action(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (it->clustered != TRI_YES || it->offline_action.known)
		return NULL;
	return arena_printf(
		advice->wants->arena, "the offline action of VM '%s' is not known; it must not be Save", it->name);
}

/* What is still so in the goal is changed by nobody. */
static const char *offline_save(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if ((!it->n_adapters && !it->n_devices) || it->clustered != TRI_YES ||
		!maybe_is(it->offline_action, OFFLINE_SAVE))
		return NULL;
	return arena_printf(advice->wants->arena,
		"the offline action of VM '%s' is Save, which a VM with a GPU cannot do: it fails when its host "
		"drains; set it to "
		"Shutdown or ForcedShutdown",
		it->name);
}

static const char *automatic_checkpoints(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (!it->n_adapters || !it->automatic_checkpoints)
		return NULL;
	return arena_printf(advice->wants->arena,
		"VM '%s' makes automatic checkpoints, which break its next start with a partition; switch them off",
		it->name);
}

static const char *stop_action_save(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	if (!it->n_devices || it->stop_action != STOP_ACTION_SAVE)
		return NULL;
	return arena_printf(advice->wants->arena,
		"the automatic stop action of VM '%s' is Save, which a VM with a whole GPU cannot do; set it to "
		"TurnOff or "
		"ShutDown",
		it->name);
}

/* ---- the guest ---- */

/* The number behind 'word' in 'text', or -1. */
static long number_behind(const char *text, const char *word)
{
	g_autofree char *folded = g_ascii_strdown(text, -1);
	const char *at = strstr(folded, word);
	if (!at)
		return -1;
	at += strcspn(at, "0123456789");
	return *at ? strtol(at, NULL, 10) : -1;
}

enum { OLDEST_SERVER_PARTITION = 2019, OLDEST_SERVER_WHOLE = 2016, OLDEST_CLIENT = 10 };

static bool is_supported_guest(const char *guest, bool whole)
{
	long server = number_behind(guest, "windows server");
	if (server >= 0)
		return server >= (whole ? OLDEST_SERVER_WHOLE : OLDEST_SERVER_PARTITION);
	long client = number_behind(guest, "windows");
	if (client >= 0)
		return client >= OLDEST_CLIENT;
	if (whole)
		return true; /* any Linux */
	return strstr(guest, "18.04") || strstr(guest, "20.04") || strstr(guest, "22.04");
}

static const char *unsupported_guest(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	bool whole = it->n_devices > 0;
	if (!it->guest_os || (!whole && !it->n_adapters) || is_supported_guest(it->guest_os, whole))
		return NULL;
	return arena_printf(advice->wants->arena, "VM '%s' runs '%s', and %s", it->name, it->guest_os,
		whole ? "whole GPUs are supported with Windows 10 and Windows Server 2016 or later, and Linux"
		      : "partitions are supported with Windows 10 and Windows Server 2019 or later, Ubuntu 18.04, "
			"20.04 and "
			"22.04 LTS");
}

/* ---- adapters ---- */

static const char *surplus(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = now(advice, vm);
	uint32_t allowed = advice->wants->input->cluster->max_partitions_per_vm;
	if (it->n_adapters <= allowed)
		return NULL;
	return arena_printf(advice->wants->arena, "VM '%s' has %u partition adapters, and %u is allowed", it->name,
		it->n_adapters, allowed);
}

static const struct adapter *pinned_adapter(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = now(advice, vm);
	for (uint32_t a = 0; a < it->n_adapters; a++)
		if (it->adapters[a].pin)
			return &it->adapters[a];
	return NULL;
}

static const char *pinned(const struct advice *advice, uint32_t vm)
{
	const struct adapter *adapter = pinned_adapter(advice, vm);
	if (!adapter || now(advice, vm)->clustered == TRI_YES)
		return NULL;
	return arena_printf(advice->wants->arena, "the partition of VM '%s' is pinned to %s and stays so",
		now(advice, vm)->name, adapter->pin);
}

static const char *pinned_in_cluster(const struct advice *advice, uint32_t vm)
{
	const struct adapter *adapter = pinned_adapter(advice, vm);
	const struct vm *it = now(advice, vm);
	if (!adapter || it->clustered != TRI_YES)
		return NULL;
	return arena_printf(advice->wants->arena,
		"VM '%s' is clustered and its partition is pinned to %s of '%s', so it cannot run on another host",
		it->name, adapter->pin, advice->wants->input->observed->hosts[it->host].name);
}

/* It fails at its next start; unpinning is a wish that no manifest can tell. */
static const char *pinned_to_nothing(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = then(advice, vm);
	for (uint32_t a = 0; a < it->n_adapters; a++) {
		const char *pin = it->adapters[a].pin;
		uint32_t gpu = pin ? world_find_gpu(advice->goal, it->host, pin) : NO_INDEX;
		if (!pin || (gpu != NO_INDEX && gpu_offers_partitions(&advice->goal->gpus[gpu])))
			continue;
		return arena_printf(advice->wants->arena,
			"the partition of VM '%s' is pinned to %s, which %s: the VM does not start with it; remove the "
			"adapter, and "
			"the next run gives it one that is not pinned",
			it->name, pin,
			gpu == NO_INDEX ? "is not there"
					: arena_printf(advice->wants->arena, "has state '%s'",
						  name_of(&gpu_state_names, advice->goal->gpus[gpu].state)));
	}
	return NULL;
}

static const struct advice_rule vm_rules[] = {
	{ D_MEMORY, unequal_memory },
	{ D_GENERATION, generation_1 },
	{ D_CHECKPOINTS, checkpoints },
	{ D_UNKNOWN_FACT, unknown_offline_action },
	{ D_VM_SETTING, offline_save },
	{ D_VM_SETTING, automatic_checkpoints },
	{ D_VM_SETTING, stop_action_save },
	{ D_GUEST, unsupported_guest },
	{ D_SURPLUS, surplus },
	{ D_PINNED_ADAPTER, pinned },
	{ D_PIN_CLUSTERED, pinned_in_cluster },
	{ D_PIN_DEAD, pinned_to_nothing },
};

/* An earlier run took more than this one gives back: resolve.c, pay_parts. */
static const char *not_given_back(const struct advice *advice, uint32_t vm)
{
	const struct vm *it = now(advice, vm);
	const struct vm_want *want = &advice->wants->vms[vm];
	if (!wants_owed_parts(advice->wants, vm) || want->ownership == VM_OURS ||
		debts_wanted_otherwise(want, it->debt))
		return NULL;
	const struct debt *left = debts_left(advice->wants->arena, it, then(advice, vm));
	if (!left || !left->n_adapters)
		return NULL;
	return arena_printf(advice->wants->arena,
		"an earlier run owes VM '%s' %u partitions, and it has %u; it gets %u, for more is not allowed",
		it->name, it->debt->n_adapters, it->n_adapters, it->debt->n_adapters - left->n_adapters);
}

static const struct advice_rule owed_rules[] = { { D_SURPLUS, not_given_back } };

void advise_vm(const struct advice *advice, uint32_t vm)
{
	const struct vm_want *want = &advice->wants->vms[vm];
	if (want->ownership == VM_MANAGED)
		advise_by(advice, vm_rules, G_N_ELEMENTS(vm_rules), vm, want->loc, subject_vm);
	if (!want->excluded && !want->frozen)
		advise_by(advice, owed_rules, G_N_ELEMENTS(owed_rules), vm, want->loc, subject_vm);
}
