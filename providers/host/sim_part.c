/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM has of GPUs: partition adapters and whole devices. */
#include "providers/host/sim_act.h"

#include <string.h>

/* ---- adapters ---- */

static uint32_t find_adapter(const struct vm *vm, const struct adapter *want)
{
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		if (want->id ? !g_strcmp0(vm->adapters[i].id, want->id) : sim_same_adapter(&vm->adapters[i], want))
			return i;
	return NO_INDEX;
}

enum host_error sim_remove_adapter(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	struct vm *vm = act->vm;
	uint32_t at = find_adapter(vm, &act->step->adapter);
	if (at == NO_INDEX)
		return HOST_OK;
	error = sim_check_expected(act);
	if (!error)
		error = sim_check_off(act);
	if (error)
		return error;
	sim_debt_owe(act, &vm->adapters[at], NULL);
	vm->adapters = sim_without(act->world->arena, vm->adapters, vm->n_adapters, at, sizeof(*vm->adapters));
	vm->n_adapters--;
	sim_unrecord_vm(act);
	sim_changed(act);
	return HOST_OK;
}

/* Ids look like Hyper-V's and follow from the VM, the time and a counter, so that a simulated run can be repeated. */
static const char *new_id(struct sim_act *act)
{
	for (uint32_t i = 0;; i++) {
		g_autofree char *seed = g_strdup_printf("%s/%lld/%u", act->vm->id, (long long)act->now, i);
		g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_MD5, seed, -1);
		g_autofree char *hex = g_ascii_strup(hash, -1);
		const char *id = arena_printf(act->world->arena, "Microsoft:%s\\%.8s-%.4s-%.4s-%.4s-%.12s", act->vm->id,
			hex, hex + 8, hex + 12, hex + 16, hex + 20);
		if (find_adapter(act->vm, &(struct adapter){ .id = id }) == NO_INDEX)
			return id;
	}
}

static uint32_t adapters_serving(const struct vm *vm, const struct adapter *want)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		n += !want->pin || !g_strcmp0(vm->adapters[i].pin, want->pin);
	return n;
}

enum host_error sim_add_adapter(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	struct vm *vm = act->vm;
	const struct adapter *want = &act->step->adapter;
	if (adapters_serving(vm, want) >= MAX(act->step->count, 1)) {
		sim_debt_pay(act, want, NULL);
		sim_record_vm(act);
		return HOST_OK;
	}
	error = sim_check_expected(act);
	if (!error)
		error = sim_check_off(act);
	if (error)
		return error;
	uint32_t gpu = want->pin ? sim_gpu_at(act->self, want->pin) : 0;
	if (want->pin && (gpu == NO_INDEX || !gpu_offers_partitions(&act->self->gpus[gpu])))
		return sim_refuse(act, HOST_NOT_FOUND, "No partitionable GPU '%s' was found on '%s'.", want->pin,
			act->self->host.name);
	struct adapter added = sim_copy_adapter(act->world->arena, want);
	added.id = new_id(act);
	vm->adapters = sim_with(act->world->arena, vm->adapters, vm->n_adapters, vm->n_adapters, &added, sizeof(added));
	vm->n_adapters++;
	sim_debt_pay(act, want, NULL);
	sim_record_vm(act);
	sim_changed(act);
	return HOST_OK;
}

/* ---- devices ---- */

enum host_error sim_remove_device(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	struct vm *vm = act->vm;
	uint32_t at = 0;
	while (at < vm->n_devices && !sim_same_device(&vm->devices[at], &act->step->device))
		at++;
	if (at == vm->n_devices)
		return HOST_OK;
	error = sim_check_expected(act);
	if (!error)
		error = sim_check_off(act);
	if (error)
		return error;
	sim_debt_owe(act, NULL, &vm->devices[at]);
	vm->devices = sim_without(act->world->arena, vm->devices, vm->n_devices, at, sizeof(*vm->devices));
	vm->n_devices--;
	sim_unrecord_vm(act);
	sim_changed(act);
	return HOST_OK;
}

static enum host_error check_assignable(struct sim_act *act, const struct device *want)
{
	if (want->pool) {
		if (host_find_pool(&act->self->host, want->pool))
			return HOST_OK;
		return sim_refuse(act, HOST_NOT_FOUND, "Resource pool '%s' was not found on '%s'.", want->pool,
			act->self->host.name);
	}
	uint32_t gpu = want->location_path ? sim_gpu_at(act->self, want->location_path) : NO_INDEX;
	if (gpu == NO_INDEX || act->self->gpus[gpu].state != GPU_DISMOUNTED)
		return sim_refuse(act, HOST_NOT_FOUND, "The specified device '%s' was not found on server '%s'.",
			want->location_path ? want->location_path : "", act->self->host.name);
	return HOST_OK;
}

enum host_error sim_add_device(struct sim_act *act)
{
	enum host_error error = sim_find_vm(act);
	if (error)
		return error;
	struct vm *vm = act->vm;
	const struct device *want = &act->step->device;
	uint32_t have = 0;
	for (uint32_t i = 0; i < vm->n_devices; i++)
		have += sim_same_device(&vm->devices[i], want);
	if (have >= (want->pool ? MAX(act->step->count, 1) : 1)) {
		sim_debt_pay(act, NULL, want);
		sim_record_vm(act);
		return HOST_OK;
	}
	error = sim_check_expected(act);
	if (!error)
		error = sim_check_off(act);
	if (!error)
		error = check_assignable(act, want);
	if (error)
		return error;
	struct device added = sim_copy_device(act->world->arena, want);
	vm->devices = sim_with(act->world->arena, vm->devices, vm->n_devices, vm->n_devices, &added, sizeof(added));
	vm->n_devices++;
	sim_debt_pay(act, NULL, want);
	sim_record_vm(act);
	sim_changed(act);
	return HOST_OK;
}
