/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host keeps for us and cannot be observed: debts and records. They are written in the calls that make them, so
 * that a crash leaves either both the change and its note, or neither.
 */
#include "providers/host/sim_act.h"

#include <string.h>

/* The VM's debt as this run's, to be changed: power and parts of an older one stay. So does its date where a part is added, for what a
 * person has to decide about must not look fresh; a stop dates it anew, for who runs is to come back. */
static struct debt *debt_of_run(struct sim_act *act, bool stops)
{
	struct arena *arena = act->world->arena;
	const struct debt *old = act->vm->debt;
	struct debt *debt = arena_new_of(arena, struct debt);
	if (old)
		*debt = *old;
	if (!old || stops)
		debt->at = act->now;
	debt->run = arena_strdup(arena, act->request->run ? act->request->run : "");
	debt->epoch = act->request->epoch;
	act->vm->debt = debt;
	act->world->changed = true;
	return debt;
}

/* The same debt, whoever's it is, with a part of it gone; NULL when nothing of it is left. */
static void settle_with(struct sim_act *act, struct debt left)
{
	bool empty = left.power == DEBT_POWER_NONE && !left.n_adapters && !left.n_devices;
	act->vm->debt = empty ? NULL : arena_copy(act->world->arena, &left, sizeof(left));
	act->world->changed = true;
}

void sim_debt_stopping(struct sim_act *act)
{
	if (!act->request->owes_power)
		return;
	struct debt *debt = debt_of_run(act, true);
	debt->power = DEBT_POWER_STOPPING;
	debt->state_change = UNKNOWN;
}

void sim_debt_stopped(struct sim_act *act)
{
	if (!act->request->owes_power)
		return;
	struct debt *debt = debt_of_run(act, true);
	debt->power = DEBT_POWER_STOPPED;
	debt->state_change = act->vm->state_change;
}

bool sim_debt_is_ours(const struct sim_act *act)
{
	const struct debt *debt = act->vm->debt;
	return debt && debt->power != DEBT_POWER_NONE && !g_strcmp0(debt->run, act->request->run);
}

void sim_debt_started(struct sim_act *act)
{
	if (!act->vm->debt || act->vm->debt->power == DEBT_POWER_NONE)
		return;
	struct debt left = *act->vm->debt;
	left.power = DEBT_POWER_NONE;
	left.state_change = UNKNOWN;
	settle_with(act, left);
}

void sim_debt_owe(struct sim_act *act, const struct adapter *adapter, const struct device *device)
{
	struct arena *arena = act->world->arena;
	if (!act->request->owes_parts)
		return;
	struct debt *debt = debt_of_run(act, false);
	if (adapter) {
		struct adapter copy = sim_copy_adapter(arena, adapter);
		if (act->request->owes_unpinned) {
			copy.pin = NULL;
			copy.pinned = TRI_NO;
		}
		debt->adapters =
			sim_with(arena, debt->adapters, debt->n_adapters, debt->n_adapters, &copy, sizeof(copy));
		debt->n_adapters++;
	} else {
		struct device copy = sim_copy_device(arena, device);
		debt->devices = sim_with(arena, debt->devices, debt->n_devices, debt->n_devices, &copy, sizeof(copy));
		debt->n_devices++;
	}
}

static void pay_adapter(struct sim_act *act, struct debt *left, const struct adapter *adapter)
{
	left->n_devices = 0;
	for (uint32_t i = 0; i < left->n_adapters; i++)
		if (sim_same_adapter(&left->adapters[i], adapter)) {
			left->adapters =
				sim_without(act->world->arena, left->adapters, left->n_adapters--, i, sizeof(*adapter));
			return;
		}
}

static void pay_device(struct sim_act *act, struct debt *left, const struct device *device)
{
	left->n_adapters = 0;
	for (uint32_t i = 0; i < left->n_devices; i++)
		if (sim_same_device(&left->devices[i], device)) {
			left->devices =
				sim_without(act->world->arena, left->devices, left->n_devices--, i, sizeof(*device));
			return;
		}
}

void sim_debt_pay(struct sim_act *act, const struct adapter *adapter, const struct device *device)
{
	const struct debt *owed = act->vm->debt;
	if (!owed)
		return;
	struct debt left = *owed;
	if (adapter)
		pay_adapter(act, &left, adapter);
	else
		pay_device(act, &left, device);
	if (left.n_adapters != owed->n_adapters || left.n_devices != owed->n_devices)
		settle_with(act, left);
}

/* ---- records ---- */

void sim_record_vm(struct sim_act *act)
{
	struct arena *arena = act->world->arena;
	const struct vm_record *want = act->request->vm_record, *have = act->vm->record;
	if (!want || (have && !g_strcmp0(have->owner, want->owner) && !g_strcmp0(have->cluster, want->cluster) &&
			     !g_strcmp0(have->group, want->group)))
		return;
	struct vm_record *record = arena_new_of(arena, struct vm_record);
	record->owner = arena_strdup(arena, want->owner);
	record->cluster = arena_strdup(arena, want->cluster);
	record->group = arena_strdup(arena, want->group);
	act->vm->record = record;
	act->world->changed = true;
}

void sim_unrecord_vm(struct sim_act *act)
{
	const struct debt *debt = act->vm->debt;
	bool owed = debt && (debt->n_adapters || debt->n_devices);
	if (act->vm->record && !act->vm->n_adapters && !act->vm->n_devices && !owed) {
		act->vm->record = NULL;
		act->world->changed = true;
	}
}

void sim_record_cluster(struct sim_act *act)
{
	struct arena *arena = act->world->arena;
	const struct cluster_record *want = act->request->cluster_record, *have = act->self->host.record;
	if (!want || (have && have->epoch > want->epoch))
		return;
	if (have && have->epoch == want->epoch && !g_strcmp0(have->owner, want->owner) &&
		!g_strcmp0(have->cluster, want->cluster) && !g_strcmp0(have->commit, want->commit))
		return;
	struct cluster_record *record = arena_new_of(arena, struct cluster_record);
	record->owner = arena_strdup(arena, want->owner);
	record->cluster = arena_strdup(arena, want->cluster);
	record->commit = arena_strdup(arena, want->commit);
	record->epoch = want->epoch;
	act->self->host.record = record;
	act->world->changed = true;
}

enum host_error sim_record(struct sim_act *act)
{
	if (act->request->vm_id) {
		enum host_error error = sim_find_vm(act);
		if (error)
			return error;
		sim_record_vm(act);
	}
	sim_record_cluster(act);
	act->reply.changed = act->world->changed;
	return HOST_OK;
}

/* Of a VM that somebody started meanwhile, no start is owed. */
static void renew(const struct sim_act *act, struct debt *debt)
{
	debt->at = act->now;
	if (!vm_is_off(act->vm)) {
		debt->power = DEBT_POWER_NONE;
		debt->state_change = UNKNOWN;
	} else if (debt->power != DEBT_POWER_NONE) {
		debt->power = DEBT_POWER_STOPPED;
		debt->state_change = act->vm->state_change;
	}
}

enum host_error sim_settle(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error || !act->vm->debt)
		return error;
	struct debt debt = { .power = DEBT_POWER_NONE }; /* left as it is: nothing is owed */
	if (act->request->settle == SETTLE_RENEW) {
		debt = *act->vm->debt;
		renew(act, &debt);
	}
	settle_with(act, debt);
	sim_unrecord_vm(act);
	sim_changed(act);
	return HOST_OK;
}
