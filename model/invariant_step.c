/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants that a step keeps or breaks by what it changes. A step that changes nothing breaks none. */
#include "model/invariant_parts.h"
#include "model/subject.h"

#include <string.h>

struct context {
	struct findings findings;
	const struct world *before, *after;
	const struct rules *rules;
	const struct step *step;
};

static char *gpu_of(struct context *context)
{
	return subject_gpu(context->findings.arena, context->before, context->step->gpu);
}

static char *vm_of(struct context *context)
{
	return subject_vm(context->findings.arena, context->before, context->step->vm);
}

/* ---- steps on GPUs ---- */

/* The first VM (of those that are not Off, or of all) whose adapter could be on the GPU. */
static const struct vm *holder(const struct world *world, uint32_t gpu, bool off_too)
{
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (vm->n_adapters && (off_too || !vm_is_off(vm)) && vm_could_be_on(world, vm, gpu))
			return vm;
	}
	return NULL;
}

static const struct vm *pinned_holder(const struct world *world, uint32_t gpu)
{
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (vm->host != world->gpus[gpu].host)
			continue;
		for (uint32_t i = 0; i < vm->n_adapters; i++)
			if (adapter_pins(world, vm, &vm->adapters[i]) & gpu_bit(world, gpu))
				return vm;
	}
	return NULL;
}

static void check_drained(struct context *context)
{
	const struct vm *vm = holder(context->before, context->step->gpu, DRAINED_OF_OFF_VMS);

	if (vm)
		findings_add(&context->findings, INV_DRAINED, gpu_of(context),
			"VM '%s' has an adapter that could be on the GPU", vm->name);
}

/* A count goes only to the one that every GPU carrying a running VM has. */
static void check_common_count(struct context *context)
{
	const struct world *world = context->before;
	g_auto(loads_auto) loads = { 0 };

	if (context->rules->strategy != STRATEGY_HOMOGENEOUS)
		return;
	loads = loads_of(world);
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (g == context->step->gpu || !(loads.hosts[world->gpus[g].host].running & gpu_bit(world, g)) ||
			!rules_counts(context->rules, world, g) || maybe_is(world->gpus[g].count, context->step->count))
			continue;
		findings_add(&context->findings, INV_HOMOGENEOUS, gpu_of(context),
			"the count becomes %u, and another one is in use on %s", context->step->count,
			subject_gpu(context->findings.arena, world, g));
		return;
	}
}

static void check_dismount(struct context *context)
{
	const struct vm *vm = holder(context->before, context->step->gpu, false);

	if (vm)
		findings_add(&context->findings, INV_EXCLUSIVE, gpu_of(context),
			"the GPU is dismounted while an adapter of VM '%s', which is not Off, could be on it",
			vm->name);
	vm = pinned_holder(context->before, context->step->gpu);
	if (vm)
		findings_add(&context->findings, INV_EXCLUSIVE, gpu_of(context),
			"the GPU is dismounted while an adapter of VM '%s' is pinned to it, or could be", vm->name);
}

static uint32_t devices_of_pool(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vm->n_devices; i++)
		n += vm->devices[i].pool && !g_ascii_strcasecmp(vm->devices[i].pool, pool);
	return n;
}

static bool has_path(const struct vm *vm, const char *location_path)
{
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (!g_strcmp0(vm->devices[i].location_path, location_path))
			return true;
	return false;
}

/* The GPU is mounted or leaves its pool: no VM may count on it. */
static void check_release(struct context *context)
{
	const struct world *world = context->before;
	uint32_t gpu = context->step->gpu, wanted = 0;
	const struct gpu *it = &world->gpus[gpu];
	const struct pool *pool = gpu_pool(world, gpu);

	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];

		if (!vm->n_devices || vm->host != it->host)
			continue;
		wanted += pool ? devices_of_pool(vm, pool->name) : 0;
		if (has_path(vm, it->location_path) || (!vm_is_off(vm) && vm_device_could_be(world, vm, gpu)))
			findings_add(&context->findings, INV_EXCLUSIVE, gpu_of(context),
				"VM '%s' has the GPU as a whole, or could have", vm->name);
	}
	if (pool && wanted > pool->n_members - 1)
		findings_add(&context->findings, INV_EXCLUSIVE,
			subject_pool(context->findings.arena, world, it->host, pool->name),
			"the pool would have %u members, and VMs of the host have %u devices of it",
			pool->n_members - 1, wanted);
}

static void check_gpu_ownership(struct context *context)
{
	const struct rules *rules = context->rules;
	uint32_t gpu = context->step->gpu;

	if (rules->debts_only)
		return;
	if (rules->gpu_excluded && rules->gpu_excluded[gpu])
		findings_add(
			&context->findings, INV_OWNERSHIP, gpu_of(context), "the GPU is on a host that is left alone");
	else if (rules->gpu_role[gpu] == ROLE_NONE)
		findings_add(&context->findings, INV_OWNERSHIP, gpu_of(context), "no manifest selects the GPU");
}

static void check_gpu_step(struct context *context)
{
	const struct gpu *before = &context->before->gpus[context->step->gpu];
	const struct gpu *after = &context->after->gpus[context->step->gpu];
	bool moved_pool = context->step->kind == STEP_ADD_TO_POOL || context->step->kind == STEP_REMOVE_FROM_POOL;
	bool was_member = gpu_pool(context->before, context->step->gpu);
	bool is_member = gpu_pool(context->after, context->step->gpu);

	if (before->state == after->state && maybe_equal(before->count, after->count) && was_member == is_member)
		return;
	check_gpu_ownership(context);
	if (before->state == after->state && !maybe_equal(before->count, after->count)) {
		check_drained(context);
		check_common_count(context);
	}
	if (before->state != after->state && after->state == GPU_DISMOUNTED)
		check_dismount(context);
	if ((before->state == GPU_DISMOUNTED && after->state != GPU_DISMOUNTED) ||
		(was_member && !is_member && moved_pool))
		check_release(context);
}

/* ---- steps on VMs ---- */

/* A debt gives the right to bring back; and who starts a VM takes nothing ('restored' sees to the rest). */
static void check_vm_ownership(struct context *context)
{
	const struct vm *vm = &context->before->vms[context->step->vm];
	enum vm_ownership ownership = context->rules->vm_ownership[context->step->vm];

	if (vm->debt || context->step->kind == STEP_START_VM)
		return;
	if (ownership == VM_BYSTANDER)
		findings_add(&context->findings, INV_OWNERSHIP, vm_of(context), "no manifest has to do with the VM");
	else if (ownership == VM_UNMANAGED && context->rules->unmanaged == UNMANAGED_REPORT)
		findings_add(&context->findings, INV_OWNERSHIP, vm_of(context), "no manifest manages the VM");
	else if (ownership < VM_MANAGED && context->step->kind == STEP_MOVE_VM)
		findings_add(&context->findings, INV_OWNERSHIP, vm_of(context),
			"a VM that no manifest manages is moved under no policy");
}

static bool host_is_excluded(const struct rules *rules, const struct world *world, uint32_t host)
{
	const struct host *it = &world->hosts[host];

	for (uint32_t g = it->first_gpu; rules->gpu_excluded && g < it->first_gpu + it->n_gpus; g++)
		if (rules->gpu_excluded[g])
			return true;
	return false;
}

static void check_vm_host(struct context *context)
{
	uint32_t vm = context->step->vm;

	if (context->rules->debts_only || context->before->vms[vm].debt || context->step->kind == STEP_START_VM)
		return;
	if (host_is_excluded(context->rules, context->before, context->before->vms[vm].host) ||
		host_is_excluded(context->rules, context->after, context->after->vms[vm].host))
		findings_add(
			&context->findings, INV_OWNERSHIP, vm_of(context), "the VM is on a host that is left alone");
}

/* Do the GPUs of one host that must be alike differ among themselves? */
static bool host_is_mixed(const struct rules *rules, const struct world *world, uint32_t host)
{
	const struct host *it = &world->hosts[host];
	const struct gpu *first = NULL;
	uint32_t n = 0;
	bool unknown = false;

	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		const struct gpu *gpu = &world->gpus[g];

		if (!rules_counts(rules, world, g))
			continue;
		if (first && !maybe_equal(first->count, gpu->count))
			return true;
		first = gpu;
		unknown = unknown || !gpu->count.known;
		n++;
	}
	return unknown && n > 1;
}

static bool host_has_mixed(struct context *context, uint32_t host)
{
	const struct world *world = context->after;
	const struct host *it = &world->hosts[host];
	bool *mixed = NULL;

	if (context->rules->strategy == STRATEGY_ROLLING)
		return host_is_mixed(context->rules, world, host);
	mixed = invariant_mixed(context->findings.arena, world, context->rules);
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		if (mixed[g])
			return true;
	return false;
}

static void check_aligned(struct context *context)
{
	const struct vm *vm = &context->after->vms[context->step->vm];

	if (context->rules->debts_only || !vm->n_adapters || !host_has_mixed(context, vm->host))
		return;
	findings_add(&context->findings, INV_ALIGNED_START, vm_of(context),
		"the VM comes to host '%s' while GPUs there have a partition count of their own",
		context->after->hosts[vm->host].name);
}

static void check_off(struct context *context)
{
	const struct vm *before = &context->before->vms[context->step->vm];
	const struct vm *after = &context->after->vms[context->step->vm];

	if (vm_is_off(before))
		return;
	if (before->n_adapters != after->n_adapters || before->n_devices != after->n_devices ||
		before->cache_control != after->cache_control ||
		!maybe_equal(before->mmio_low_bytes, after->mmio_low_bytes) ||
		!maybe_equal(before->mmio_high_bytes, after->mmio_high_bytes))
		findings_add(&context->findings, INV_VM_OFF, vm_of(context), "the VM is %s, and must be Off",
			name_of(&vm_state_names, (int)before->state));
}

/* An unmanaged VM gets back what it had, and so does one to which we owe it: the state's own set tells if more. */
static void check_gain(struct context *context)
{
	const struct vm *before = &context->before->vms[context->step->vm];
	const struct vm *after = &context->after->vms[context->step->vm];
	const struct rules *rules = context->rules;
	bool gains = after->n_adapters > before->n_adapters || after->n_devices > before->n_devices;

	if (!gains || rules->debts_only || rules->vm_ownership[context->step->vm] != VM_MANAGED)
		return;
	if (after->n_adapters > before->n_adapters && after->n_adapters > rules->max_partitions_per_vm)
		findings_add(&context->findings, INV_ONE_PARTITION, vm_of(context),
			"the VM gains partition adapter number %u, %u allowed", after->n_adapters,
			rules->max_partitions_per_vm);
	if (after->n_adapters && vm_has_whole_gpu(context->after, after))
		findings_add(&context->findings, INV_ONE_PARTITION,
			arena_printf(context->findings.arena, "%s/device", vm_of(context)),
			"the VM comes to have a partition and a whole GPU");
}

/* A start that we owe is tried with whatever settings the VM has. */
static void check_fit(struct context *context)
{
	const struct debt *debt = context->before->vms[context->step->vm].debt;

	if (context->rules->debts_only || (debt && debt->power != DEBT_POWER_NONE))
		return;
	fit_check(&context->findings, context->after, context->rules, context->step->vm);
}

static void check_vm_step(struct context *context)
{
	const struct vm *before = &context->before->vms[context->step->vm];
	const struct vm *after = &context->after->vms[context->step->vm];

	if (!memcmp(before, after, sizeof(*before)))
		return;
	check_vm_ownership(context);
	check_vm_host(context);
	check_off(context);
	check_gain(context);
	if (context->step->kind == STEP_START_VM)
		check_fit(context);
	if (context->step->kind == STEP_START_VM || context->step->kind == STEP_MOVE_VM)
		check_aligned(context);
}

struct violations invariant_step(struct arena *arena, const struct world *before, const struct world *after,
	const struct rules *rules, const struct step *step)
{
	struct context context = { { .arena = arena }, before, after, rules, step };

	if (step->kind <= STEP_ADD_DEVICE)
		check_vm_step(&context);
	else if (step->kind != STEP_CREATE_POOL)
		check_gpu_step(&context);
	return findings_take(&context.findings);
}
