/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/steps.h"

#include "reconcile/debts.h"
#include "reconcile/exchange.h"

#include <string.h>

struct maker {
	struct arena *arena;
	const struct needs *needs;
	GArray *steps;
};

static struct step *add_step(
	struct maker *maker, enum step_kind kind, enum step_cause cause, const char *why, struct loc loc)
{
	struct step step = {
		.kind = kind,
		.cause = cause,
		.why = why,
		.loc = loc,
		.host = NO_INDEX,
		.vm = NO_INDEX,
		.gpu = NO_INDEX,
	};
	g_array_append_val(maker->steps, step);
	return &g_array_index(maker->steps, struct step, maker->steps->len - 1);
}

static void set_host(struct maker *maker, struct step *step, uint32_t host)
{
	step->host = host;
	step->host_name = maker->needs->observed->hosts[host].name;
}

static struct step *add_vm_step(
	struct maker *maker, enum step_kind kind, uint32_t vm, enum step_cause cause, const char *why)
{
	struct step *step = add_step(maker, kind, cause, why, maker->needs->wants->vms[vm].loc);
	const struct vm *it = &maker->needs->observed->vms[vm];
	/* what a VM that moves gets, it gets where it goes; all else is done where it was */
	bool is_there = kind == STEP_START_VM || kind == STEP_ADD_ADAPTER || kind == STEP_ADD_DEVICE;
	set_host(maker, step, is_there ? maker->needs->goal->vms[vm].host : it->host);
	step->vm = vm;
	step->vm_id = it->id;
	step->vm_name = it->name;
	return step;
}

static struct step *add_gpu_step(
	struct maker *maker, enum step_kind kind, uint32_t gpu, enum step_cause cause, const char *why, struct loc loc)
{
	struct step *step = add_step(maker, kind, cause, why, loc);
	const struct gpu *it = &maker->needs->observed->gpus[gpu];
	set_host(maker, step, it->host);
	step->gpu = gpu;
	step->location_path = it->location_path;
	return step;
}

bool needs_rolls(const struct needs *needs)
{
	const struct spec_cluster *cluster = needs->wants->input->cluster;
	return cluster && needs->wants->input->mode == PLAN_APPLY && cluster->rollout.strategy == STRATEGY_ROLLING;
}

/* ---- reasons ---- */

static const char *gpu_text(struct maker *maker, uint32_t gpu)
{
	const struct world *world = maker->needs->observed;
	return arena_printf(
		maker->arena, "%s on %s", world->gpus[gpu].location_path, world->hosts[world->gpus[gpu].host].name);
}

static enum step_cause own_cause(struct maker *maker, uint32_t vm)
{
	if (maker->needs->wants->vms[vm].ownership == VM_OURS)
		return CAUSE_PRUNE;
	if (maker->needs->wants->vms[vm].stripped)
		return CAUSE_UNMANAGED;
	const struct vm_want *want = &maker->needs->wants->vms[vm];
	return want->ownership != VM_MANAGED || debts_pay_parts(maker->needs->wants, vm) ? CAUSE_DEBT : CAUSE_WANTED;
}

static const char *own_why(struct maker *maker, uint32_t vm)
{
	const struct vm_want *want = &maker->needs->wants->vms[vm];
	switch (own_cause(maker, vm)) {
	case CAUSE_PRUNE:
		return "no manifest mentions the VM any more, and its GPU was assigned by us";
	case CAUSE_UNMANAGED:
		return "no manifest mentions the VM, it is in the way of a change, and 'unmanaged: Remove' is set";
	case CAUSE_DEBT:
		return arena_printf(maker->arena, "run '%s' took it and owes it",
			maker->needs->observed->vms[vm].debt->run ? maker->needs->observed->vms[vm].debt->run : "?");
	default:
		return arena_printf(maker->arena, "assignment '%s' gives it GPU group '%s'", want->assignment->name,
			want->assignment->gpus);
	}
}

static enum step_cause move_cause(enum move_reason reason)
{
	return reason == MOVE_ROOM || reason == MOVE_NODE ? CAUSE_ROOM : CAUSE_WANTED;
}

static const char *move_why(struct maker *maker, uint32_t vm)
{
	const struct needs *needs = maker->needs;
	const struct vm_want *want = &needs->wants->vms[vm];
	const char *from = needs->observed->hosts[needs->observed->vms[vm].host].name;
	switch (needs->touch->vms[vm].move) {
	case MOVE_REQUIRED:
		return arena_printf(maker->arena, "assignment '%s' requires it there", want->assignment->name);
	case MOVE_PREFERRED:
		return arena_printf(
			maker->arena, "assignment '%s' prefers it there, and it starts anyway", want->assignment->name);
	case MOVE_NODE:
		return arena_printf(maker->arena, "it starts anyway, and '%s' takes no VM now", from);
	default:
		return arena_printf(maker->arena, "'%s' would have no partition for it", from);
	}
}

static const char *touch_why(struct maker *maker, uint32_t vm)
{
	const struct vm_touch *touch = &maker->needs->touch->vms[vm];
	if (touch->causes & TOUCH_COUNT)
		return arena_printf(maker->arena, "the partition count of %s changes", gpu_text(maker, touch->gpu));
	if ((touch->causes & TOUCH_ROLE) && touch->gpu != NO_INDEX)
		return arena_printf(maker->arena, "%s changes its role", gpu_text(maker, touch->gpu));
	if ((touch->causes & TOUCH_MOVE) && !(touch->causes & TOUCH_OWN))
		return arena_printf(maker->arena, "it restarts on '%s': %s",
			maker->needs->goal->hosts[maker->needs->goal->vms[vm].host].name, move_why(maker, vm));
	return own_why(maker, vm);
}

static enum step_cause touch_cause_of(struct maker *maker, uint32_t vm)
{
	unsigned causes = maker->needs->touch->vms[vm].causes;
	if (causes & (TOUCH_COUNT | TOUCH_ROLE))
		return CAUSE_DRAIN;
	return own_cause(maker, vm) == CAUSE_PRUNE ? CAUSE_PRUNE : CAUSE_VM_OFF;
}

/* ---- GPUs ---- */

static struct loc role_loc(struct maker *maker, uint32_t gpu)
{
	const struct gpu_group *group = maker->needs->wants->gpus[gpu].group;
	if (!group)
		return LOC_NONE;
	return head_loc(&group->head, group->passthrough ? "passthrough" : "partitionCount");
}

static const char *role_why(struct maker *maker, uint32_t gpu)
{
	const struct gpu_group *group = maker->needs->wants->gpus[gpu].group;
	if (!group)
		return "GPUs must have one count before VMs start";
	return group->passthrough ? arena_printf(maker->arena, "group '%s' passes it through", group->name)
				  : arena_printf(maker->arena, "group '%s' offers %" G_GUINT64_FORMAT " partitions",
					    group->name, maker->needs->wants->count.value);
}

static void add_role_steps(struct maker *maker, uint32_t gpu)
{
	const struct needs *needs = maker->needs;
	const struct gpu *before = &needs->observed->gpus[gpu], *after = &needs->goal->gpus[gpu];
	const struct pool *from = gpu_pool(needs->observed, gpu), *to = gpu_pool(needs->goal, gpu);
	struct loc loc = role_loc(maker, gpu);
	const char *why = role_why(maker, gpu);
	if (from && !(to && strcmp(from->name, to->name) == 0))
		add_gpu_step(maker, STEP_REMOVE_FROM_POOL, gpu, CAUSE_WANTED, why, loc)->pool = from->name;
	if (before->state == GPU_DISMOUNTED && after->state != GPU_DISMOUNTED)
		add_gpu_step(maker, STEP_MOUNT_GPU, gpu, CAUSE_WANTED, why, loc);
	if (before->state != GPU_DISMOUNTED && after->state == GPU_DISMOUNTED)
		add_gpu_step(maker, STEP_DISMOUNT_GPU, gpu, CAUSE_WANTED, why, loc)->force =
			needs->wants->gpus[gpu].group->passthrough->dismount == DISMOUNT_FORCE;
	if (to && !(from && strcmp(from->name, to->name) == 0))
		add_gpu_step(maker, STEP_ADD_TO_POOL, gpu, CAUSE_WANTED, why, loc)->pool = to->name;
}

static void add_count_step(struct maker *maker, uint32_t gpu)
{
	const struct needs *needs = maker->needs;
	if (!needs->touch->count_changes[gpu])
		return;
	enum step_cause cause = needs->wants->input->mode == PLAN_APPLY ? CAUSE_WANTED : CAUSE_DEBT;
	struct step *step = add_gpu_step(maker, STEP_SET_COUNT, gpu, cause, role_why(maker, gpu), role_loc(maker, gpu));
	step->count = (uint32_t)needs->goal->gpus[gpu].count.value;
	step->count_before =
		needs->observed->gpus[gpu].count.known ? (uint32_t)needs->observed->gpus[gpu].count.value : 0;
}

static void add_pool_steps(struct maker *maker, uint32_t host)
{
	const struct host *before = &maker->needs->observed->hosts[host], *after = &maker->needs->goal->hosts[host];
	for (uint32_t i = 0; i < after->n_pools; i++) {
		if (host_find_pool(before, after->pools[i].name))
			continue;
		struct loc loc = LOC_NONE;
		for (uint32_t g = before->first_gpu; g < before->first_gpu + before->n_gpus; g++)
			if (gpu_pool(maker->needs->goal, g) == &after->pools[i])
				loc = role_loc(maker, g);
		struct step *step = add_step(maker, STEP_CREATE_POOL, CAUSE_WANTED,
			"clustered VMs take passthrough GPUs from a pool of one name on every host", loc);
		set_host(maker, step, host);
		step->pool = after->pools[i].name;
	}
}

/* ---- VMs ---- */

static void add_configure_steps(struct maker *maker, uint32_t vm)
{
	const struct vm *before = &maker->needs->observed->vms[vm], *after = &maker->needs->goal->vms[vm];
	struct vm_settings live = { 0 }, off = { 0 };
	if (before->automatic_checkpoints != after->automatic_checkpoints)
		live.which |= SETTING_AUTOMATIC_CHECKPOINTS;
	if (before->stop_action != after->stop_action)
		live.which |= SETTING_STOP_ACTION;
	live.automatic_checkpoints = after->automatic_checkpoints;
	live.stop_action = after->stop_action;
	if (before->cache_control != after->cache_control)
		off.which |= SETTING_CACHE_CONTROL;
	if (!maybe_equal(before->mmio_low_bytes, after->mmio_low_bytes))
		off.which |= SETTING_MMIO_LOW;
	if (!maybe_equal(before->mmio_high_bytes, after->mmio_high_bytes))
		off.which |= SETTING_MMIO_HIGH;
	off.cache_control = after->cache_control;
	off.mmio_low_bytes = after->mmio_low_bytes.value;
	off.mmio_high_bytes = after->mmio_high_bytes.value;
	if (live.which)
		add_vm_step(maker, STEP_CONFIGURE_VM, vm, CAUSE_PLATFORM, "a VM with a GPU does not start otherwise")
			->settings = live;
	if (off.which)
		add_vm_step(maker, STEP_CONFIGURE_VM, vm, CAUSE_PLATFORM, "a whole GPU needs this of its VM")
			->settings = off;
}

static void add_power_steps(struct maker *maker, uint32_t vm)
{
	const struct needs *needs = maker->needs;
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	if (!maybe_equal(before->offline_action, after->offline_action))
		add_vm_step(maker, STEP_SET_OFFLINE_ACTION, vm, CAUSE_PLATFORM,
			"stopping a clustered VM applies its offline action, and a VM with a GPU cannot be saved")
			->offline_action = (enum offline_action)after->offline_action.value;
	if (needs->touch->vms[vm].stop) {
		struct step *stop =
			add_vm_step(maker, STEP_STOP_VM, vm, touch_cause_of(maker, vm), touch_why(maker, vm));
		const struct spec_cluster *cluster = needs->wants->input->cluster;
		/* Never refuses all stops but those that a debt needs (refuse.c). */
		bool may_choose = cluster && cluster->rollout.stop.method != STOP_NEVER;
		stop->stop_method = may_choose ? cluster->rollout.stop.method : STOP_SHUTDOWN;
		stop->stop_timeout_s = cluster ? cluster->rollout.stop.timeout_s : 300;
		stop->on_timeout = cluster ? cluster->rollout.stop.on_timeout : ON_TIMEOUT_FAIL;
		add_vm_step(maker, STEP_START_VM, vm, CAUSE_RETURN, "it ran before");
	} else if (!vm_is_running(before) && vm_is_running(after)) {
		add_vm_step(maker, STEP_START_VM, vm, CAUSE_DEBT,
			arena_printf(maker->arena, "it ran before run '%s' stopped it",
				before->debt->run ? before->debt->run : "?"));
	}
}

static void add_move_step(struct maker *maker, uint32_t vm)
{
	const struct vm_touch *touch = &maker->needs->touch->vms[vm];
	if (touch->move == MOVE_NONE)
		return;
	const char *why = move_why(maker, vm);
	if (touch->live) /* facts/hyperv.md section 1.4 */
		why = arena_printf(maker->arena, "%s; with a GPU it goes over TCP/IP with compression", why);
	struct step *step = add_vm_step(maker, STEP_MOVE_VM, vm, move_cause(touch->move), why);
	step->to_host = maker->needs->goal->hosts[maker->needs->goal->vms[vm].host].name;
	step->live = touch->live;
}

static void add_remove(
	struct maker *maker, uint32_t vm, const struct adapter *adapter, enum step_cause cause, const char *why)
{
	add_vm_step(maker, STEP_REMOVE_ADAPTER, vm, cause, why)->adapter = *adapter;
}

static void add_add(
	struct maker *maker, uint32_t vm, const struct adapter *adapter, enum step_cause cause, const char *why)
{
	struct step *step = add_vm_step(maker, STEP_ADD_ADAPTER, vm, cause, why);
	step->adapter = *adapter;
	step->adapter.id = NULL;
	step->adapter.gpus = 0;
	step->adapter.gpu_paths = NULL;
	step->adapter.n_gpu_paths = 0;
	step->adapter.outgoing_live_migration = TRI_UNKNOWN;
}

static void add_adapter_steps(struct maker *maker, uint32_t vm)
{
	const struct needs *needs = maker->needs;
	const struct vm *before = &needs->observed->vms[vm], *after = &needs->goal->vms[vm];
	for (uint32_t i = 0; i < before->n_adapters; i++) {
		const struct adapter *adapter = &before->adapters[i];
		if (!touch_has_adapter(after, adapter)) {
			add_remove(maker, vm, adapter, exchange_of_adapter(needs, vm, adapter, own_cause(maker, vm)),
				own_why(maker, vm));
		} else if (needs->touch->vms[vm].cycle &&
			   touch_adapter_is_in_the_way(needs->touch, needs->observed, needs->goal, vm, adapter)) {
			add_remove(maker, vm, adapter, CAUSE_DRAIN, touch_why(maker, vm));
			add_add(maker, vm, adapter, CAUSE_RETURN, "it had this partition before");
		}
	}
	for (uint32_t i = 0; i < after->n_adapters; i++)
		if (!touch_has_adapter(before, &after->adapters[i]))
			add_add(maker, vm, &after->adapters[i], own_cause(maker, vm), own_why(maker, vm));
}

static uint32_t equal_before(const struct vm *vm, uint32_t device)
{
	uint32_t n = 0;
	struct vm only = *vm;
	for (uint32_t i = 0; i < device; i++) {
		only.devices = &vm->devices[i];
		only.n_devices = 1;
		n += touch_has_device(&only, &vm->devices[device], 0);
	}
	return n;
}

static void add_device_steps(struct maker *maker, uint32_t vm)
{
	const struct vm *before = &maker->needs->observed->vms[vm], *after = &maker->needs->goal->vms[vm];
	for (uint32_t i = 0; i < before->n_devices; i++)
		if (!touch_has_device(after, &before->devices[i], equal_before(before, i)))
			add_vm_step(maker, STEP_REMOVE_DEVICE, vm,
				exchange_of_device(maker->needs, vm, own_cause(maker, vm)), own_why(maker, vm))
				->device = before->devices[i];
	for (uint32_t i = 0; i < after->n_devices; i++)
		if (!touch_has_device(before, &after->devices[i], equal_before(after, i)))
			add_vm_step(maker, STEP_ADD_DEVICE, vm, own_cause(maker, vm), own_why(maker, vm))->device =
				after->devices[i];
}

/* ---- how many an add ensures ---- */

static bool serves(const struct adapter *adapter, const struct adapter *wanted)
{
	return !wanted->pin || (adapter->pin && strcmp(adapter->pin, wanted->pin) == 0);
}

static bool same_device(const struct device *a, const struct device *b)
{
	return g_strcmp0(a->location_path, b->location_path) == 0 && g_strcmp0(a->pool, b->pool) == 0;
}

/* How many of the VM's parts would serve as this one before any step. */
static int64_t served_before(const struct vm *vm, const struct step *add)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < vm->n_adapters && add->kind == STEP_ADD_ADAPTER; i++)
		n += serves(&vm->adapters[i], &add->adapter);
	for (uint32_t i = 0; i < vm->n_devices && add->kind == STEP_ADD_DEVICE; i++)
		n += same_device(&vm->devices[i], &add->device);
	return n;
}

/* What 'other', a step on the same VM that comes before 'add', changes in that number. */
static int64_t served_by(const struct step *other, const struct step *add, bool is_earlier)
{
	if (add->kind == STEP_ADD_ADAPTER && other->kind == STEP_REMOVE_ADAPTER)
		return -(int64_t)serves(&other->adapter, &add->adapter);
	if (add->kind == STEP_ADD_DEVICE && other->kind == STEP_REMOVE_DEVICE)
		return -(int64_t)same_device(&other->device, &add->device);
	if (other->kind != add->kind || !is_earlier)
		return 0;
	return add->kind == STEP_ADD_ADAPTER ? serves(&other->adapter, &add->adapter)
					     : same_device(&other->device, &add->device);
}

/* An add ensures that the VM has at least 'count' that serve (model/step.h): all removes of the VM come before it, and
 * the adds one after the other. */
static void count_adds(struct maker *maker, guint first)
{
	for (guint i = first; i < maker->steps->len; i++) {
		struct step *add = &g_array_index(maker->steps, struct step, i);
		if (add->kind != STEP_ADD_ADAPTER && add->kind != STEP_ADD_DEVICE)
			continue;
		int64_t n = 1 + served_before(&maker->needs->observed->vms[add->vm], add);
		for (guint k = first; k < maker->steps->len; k++)
			n += served_by(&g_array_index(maker->steps, struct step, k), add, k < i);
		add->count = (uint32_t)MAX(n, 1);
	}
}

GArray *steps_make(struct arena *arena, const struct needs *needs)
{
	struct maker maker = { arena, needs, g_array_new(FALSE, TRUE, sizeof(struct step)) };
	for (uint32_t host = 0; host < needs->observed->n_hosts; host++)
		add_pool_steps(&maker, host);
	for (uint32_t gpu = 0; gpu < needs->observed->n_gpus; gpu++) {
		add_role_steps(&maker, gpu);
		add_count_step(&maker, gpu);
	}
	for (uint32_t vm = 0; vm < needs->observed->n_vms; vm++) {
		guint first = maker.steps->len;
		add_configure_steps(&maker, vm);
		add_power_steps(&maker, vm);
		add_move_step(&maker, vm);
		add_adapter_steps(&maker, vm);
		add_device_steps(&maker, vm);
		count_adds(&maker, first);
	}
	return maker.steps;
}
