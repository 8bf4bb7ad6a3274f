/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/meddle.h"

#include "model/step.h"
#include "providers/host/sim_file.h"
#include "tests/torture/decide.h"
#include "tests/torture/memory.h"
#include "tests/torture/monitor.h"

#include <string.h>

enum { LATER_S = 7 }; /* a time of its own for what changes a VM's state */

struct target {
	struct sim_world *world;
	const struct spec *spec;
	const struct step *step;
	struct host_state *host;
	struct vm *vm;
	const char *what; /* is wrong */
};

typedef bool fits_fn(const struct target *target);

static bool try_vm(struct target *target, uint32_t h, uint32_t v, fits_fn *fits)
{
	target->host = target->world->states[h];
	target->vm = &target->host->vms[v];
	return fits(target);
}

/* The step's VM where it fits, else the first that does. */
static bool find_vm(struct target *target, fits_fn *fits)
{
	const char *wanted = target->step ? target->step->vm_id : NULL;
	for (int round = wanted ? 0 : 1; round < 2; round++)
		for (uint32_t h = 0; h < target->world->n_states; h++)
			for (uint32_t v = 0; v < target->world->states[h]->n_vms; v++)
				if ((round || strcmp(target->world->states[h]->vms[v].id, wanted) == 0) &&
					try_vm(target, h, v, fits))
					return true;
	return false;
}

static bool is_managed(const struct target *target)
{
	return spec_manages(target->spec, target->vm->name);
}

static bool is_held(const struct target *target)
{
	return target->vm->state == VM_OFF && target->vm->debt && target->vm->debt->power != DEBT_POWER_NONE;
}

static bool runs(const struct target *target)
{
	return target->vm->state == VM_RUNNING && is_managed(target);
}

static bool is_off(const struct target *target)
{
	return target->vm->state == VM_OFF && (is_managed(target) || target->vm->debt);
}

static bool is_off_with_adapter(const struct target *target)
{
	return is_off(target) && target->vm->n_adapters;
}

static bool is_owed(const struct target *target)
{
	return target->vm->debt;
}

static bool is_mobile(const struct target *target)
{
	const struct vm *vm = target->vm;
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		if (vm->adapters[a].pin)
			return false;
	return vm->clustered == TRI_YES && target->world->n_states > 1 && !vm->n_devices &&
	       (vm->state == VM_OFF || vm->state == VM_RUNNING) && (is_managed(target) || vm->debt);
}

static void set_state(struct target *target, enum vm_state state)
{
	struct vm *vm = target->vm;
	struct adapter *adapters = arena_copy(target->world->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		adapters[a].gpus = 0;
	vm->adapters = adapters;
	vm->state = state;
	vm->state_change = KNOWN((uint64_t)target->world->simulation->clock + LATER_S);
}

static uint32_t used(const struct host_state *host, uint32_t gpu)
{
	uint32_t n = 0;
	for (uint32_t v = 0; v < host->n_vms; v++)
		for (uint32_t a = 0; a < host->vms[v].n_adapters && vm_is_running(&host->vms[v]); a++)
			n += host->vms[v].adapters[a].gpus >> gpu & 1;
	return n;
}

/* The host puts each partition on its first GPU with room, or the VM does not start. */
static bool place(struct target *target, const struct host_state *host)
{
	struct vm *vm = target->vm;
	struct adapter *adapters = arena_copy(target->world->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
	for (uint32_t a = 0; a < vm->n_adapters; a++) {
		adapters[a].gpus = 0;
		for (uint32_t g = 0; g < host->n_gpus && !adapters[a].gpus; g++) {
			const struct gpu *gpu = &host->gpus[g];
			bool has_pin = !adapters[a].pin || strcmp(adapters[a].pin, gpu->location_path) == 0;
			if (gpu_offers_partitions(gpu) && has_pin && used(host, g) + a < gpu->count.value)
				adapters[a].gpus = (uint64_t)1 << g;
		}
		if (!adapters[a].gpus)
			return false;
	}
	vm->adapters = adapters;
	return true;
}

static bool start(struct target *target)
{
	if (!find_vm(target, is_held) || target->vm->n_devices || !place(target, target->host))
		return false;
	const struct adapter *placed = target->vm->adapters;
	set_state(target, VM_RUNNING);
	target->vm->adapters = placed;
	return true;
}

static bool stop(struct target *target)
{
	if (!find_vm(target, runs))
		return false;
	set_state(target, VM_OFF);
	return true;
}

static bool fail_over(struct target *target)
{
	if (!find_vm(target, is_mobile))
		return false;
	struct sim_world *world = target->world;
	struct host_state *from = target->host, *to = NULL;
	for (uint32_t h = 0; h < world->n_states; h++)
		if (world->states[h] == from)
			to = world->states[(h + 1) % world->n_states];
	if (target->vm->state == VM_RUNNING && !place(target, to))
		return false;
	struct vm *vms = arena_array(world->arena, struct vm, to->n_vms + 1);
	if (to->n_vms)
		memcpy(vms, to->vms, to->n_vms * sizeof(*vms));
	vms[to->n_vms++] = *target->vm;
	to->vms = vms;
	uint32_t at = (uint32_t)(target->vm - from->vms);
	struct vm *left = arena_array(world->arena, struct vm, from->n_vms);
	memcpy(left, from->vms, at * sizeof(*left));
	memcpy(left + at, from->vms + at + 1, (from->n_vms - at - 1) * sizeof(*left));
	from->vms = left;
	from->n_vms--;
	target->vm = &vms[to->n_vms - 1];
	return true;
}

static bool gpu_is_free(const struct host_state *host, uint32_t gpu)
{
	for (uint32_t v = 0; v < host->n_vms; v++) {
		const struct vm *vm = &host->vms[v];
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			if (vm->state == VM_OFF || !vm->adapters[a].gpus || vm->adapters[a].gpus >> gpu & 1)
				return false;
	}
	return host->gpus[gpu].state == GPU_PARTITIONABLE && host->gpus[gpu].n_valid_counts > 1;
}

static bool set_count(struct target *target)
{
	const char *wanted = target->step ? target->step->location_path : NULL;
	for (int round = wanted ? 0 : 1; round < 2; round++)
		for (uint32_t h = 0; h < target->world->n_states; h++)
			for (uint32_t g = 0; g < target->world->states[h]->n_gpus; g++) {
				struct host_state *host = target->world->states[h];
				struct gpu *gpu = &host->gpus[g];
				bool is_it = round || (strcmp(host->host.name, target->step->host_name) == 0 &&
							      strcmp(gpu->location_path, wanted) == 0);
				if (!is_it || !gpu_is_free(host, g))
					continue;
				gpu->count = KNOWN(gpu->valid_counts[maybe_is(gpu->count, gpu->valid_counts[0])]);
				return true;
			}
	return false;
}

static bool give(struct target *target)
{
	if (!find_vm(target, is_off) || target->vm->n_devices)
		return false;
	struct vm *vm = target->vm;
	struct adapter *adapters = arena_array(target->world->arena, struct adapter, vm->n_adapters + 1);
	if (vm->n_adapters)
		memcpy(adapters, vm->adapters, vm->n_adapters * sizeof(*adapters));
	adapters[vm->n_adapters++] = (struct adapter){ .id = "somebody's", .pinned = TRI_NO };
	vm->adapters = adapters;
	return true;
}

static bool take(struct target *target)
{
	if (!find_vm(target, is_off_with_adapter))
		return false;
	target->vm->n_adapters--;
	return true;
}

static bool settle(struct target *target)
{
	if (!find_vm(target, is_owed))
		return false;
	target->vm->debt = NULL;
	return true;
}

/* The person's command itself, with the locks that hosts have. */
static bool decide(struct target *target)
{
	if (!find_vm(target, is_owed))
		return false;
	target->what = decide_vm(target->world, target->host, target->vm);
	return true;
}

static bool delete_vm(struct target *target)
{
	if (!find_vm(target, is_owed) && !find_vm(target, runs))
		return false;
	struct host_state *host = target->host;
	uint32_t at = (uint32_t)(target->vm - host->vms);
	const struct vm deleted = *target->vm;
	struct vm *left = arena_array(target->world->arena, struct vm, host->n_vms);
	memcpy(left, host->vms, at * sizeof(*left));
	memcpy(left + at, host->vms + at + 1, (host->n_vms - at - 1) * sizeof(*left));
	host->vms = left;
	host->n_vms--;
	target->vm = arena_copy(target->world->arena, &deleted, sizeof(deleted));
	return true;
}

/* Like one that a manifest manages, off and with nothing. */
static bool add_vm(struct target *target)
{
	if (!find_vm(target, runs) && !find_vm(target, is_off))
		return false;
	struct host_state *host = target->host;
	struct vm *vms = arena_array(target->world->arena, struct vm, host->n_vms + 1);
	struct vm added = *target->vm;
	if (host->n_vms)
		memcpy(vms, host->vms, host->n_vms * sizeof(*vms));
	added.id = "id-new";
	added.name = arena_printf(target->world->arena, "%s-new", added.name);
	added.group = added.group ? added.name : NULL;
	added.state = VM_OFF;
	added.n_adapters = added.n_devices = 0;
	added.debt = NULL;
	added.record = NULL;
	vms[host->n_vms++] = added;
	host->vms = vms;
	target->vm = &vms[host->n_vms - 1];
	return true;
}

bool meddle_unlock(void)
{
	struct sim_world *world = memory_world();
	bool has_any = false;
	for (uint32_t h = 0; h < world->n_states; h++) {
		has_any |= world->states[h]->host.lease != NULL;
		world->states[h]->host.lease = NULL;
	}
	return has_any;
}

bool meddle(enum fault_kind kind, const struct spec *spec, const struct step *step, const char **vm_out,
	const char **wrong_out)
{
	static bool (*const how[FAULT_COUNT])(struct target *) = {
		[FAULT_SOMEBODY_STARTS] = start,
		[FAULT_SOMEBODY_STOPS] = stop,
		[FAULT_SOMEBODY_MOVES] = fail_over,
		[FAULT_SOMEBODY_COUNTS] = set_count,
		[FAULT_SOMEBODY_GIVES] = give,
		[FAULT_SOMEBODY_TAKES] = take,
		[FAULT_SOMEBODY_SETTLES] = settle,
		[FAULT_SOMEBODY_DECIDES] = decide,
		[FAULT_SOMEBODY_ADDS_VM] = add_vm,
		[FAULT_SOMEBODY_DELETES_VM] = delete_vm,
	};
	struct target target = { .world = memory_world(), .spec = spec, .step = step };
	if (!how[kind](&target))
		return false;
	*vm_out = target.vm ? target.vm->id : NULL;
	*wrong_out = target.what;
	return true;
}
