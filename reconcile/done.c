/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/done.h"

#include <stdlib.h>
#include <string.h>

struct place { /* where a change's object is in one world */
	const struct world *world;
	uint32_t host, gpu, vm;
};

static bool find_place(const struct world *from, const struct change *change, const struct world *to, struct place *out)
{
	*out = (struct place){ to, NO_INDEX, NO_INDEX, NO_INDEX };
	if (change->host != NO_INDEX)
		out->host = world_find_host(to, from->hosts[change->host].name);
	if (change->vm != NO_INDEX)
		out->vm = world_find_vm(to, from->vms[change->vm].id);
	if (change->gpu != NO_INDEX && out->host != NO_INDEX)
		out->gpu = world_find_gpu(to, out->host, from->gpus[change->gpu].location_path);
	return (change->vm == NO_INDEX || out->vm != NO_INDEX) && (change->gpu == NO_INDEX || out->gpu != NO_INDEX) &&
	       (change->host == NO_INDEX || out->host != NO_INDEX);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The pins of all adapters, or the places of all devices, in no matter which order. */
static char *parts_text(const struct vm *vm, bool devices)
{
	uint32_t n = devices ? vm->n_devices : vm->n_adapters;
	g_autofree const char **texts = g_new0(const char *, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		const char *text = devices ? vm->devices[i].pool : vm->adapters[i].pin;
		if (devices && !text)
			text = vm->devices[i].location_path;
		texts[i] = text ? text : "-";
	}
	qsort(texts, n, sizeof(*texts), by_text);
	return g_strjoinv("|", (char **)texts);
}

static char *maybe_text(struct maybe_u64 value)
{
	return value.known ? g_strdup_printf("%" G_GUINT64_FORMAT, value.value) : g_strdup("unknown");
}

static char *vm_text(const struct vm *vm, enum change_kind kind)
{
	switch (kind) {
	case CHANGE_ADAPTER_ADDED:
	case CHANGE_ADAPTER_REMOVED:
		return parts_text(vm, false);
	case CHANGE_DEVICE_ADDED:
	case CHANGE_DEVICE_REMOVED:
		return parts_text(vm, true);
	case CHANGE_OFFLINE_ACTION:
		return maybe_text(vm->offline_action);
	case CHANGE_AUTOMATIC_CHECKPOINTS:
		return g_strdup_printf("%d", vm->automatic_checkpoints);
	case CHANGE_STOP_ACTION:
		return g_strdup(name_of(&stop_action_names, (int)vm->stop_action));
	case CHANGE_CACHE_CONTROL:
		return g_strdup_printf("%d", vm->cache_control);
	case CHANGE_MMIO_LOW:
		return maybe_text(vm->mmio_low_bytes);
	case CHANGE_MMIO_HIGH:
		return maybe_text(vm->mmio_high_bytes);
	default:
		return g_strdup(name_of(&vm_state_names, (int)vm->state));
	}
}

/* What the change is about, as it is in one world. */
static char *value_at(const struct place *place, const struct change *change)
{
	const struct world *world = place->world;
	if (change->kind == CHANGE_HOST)
		return g_strdup(world->hosts[world->vms[place->vm].host].name);
	if (place->vm != NO_INDEX)
		return vm_text(&world->vms[place->vm], change->kind);
	if (change->kind == CHANGE_COUNT)
		return maybe_text(world->gpus[place->gpu].count);
	if (change->kind == CHANGE_GPU_STATE)
		return g_strdup(name_of(&gpu_state_names, (int)world->gpus[place->gpu].state));
	if (change->kind == CHANGE_POOL)
		return g_strdup(host_find_pool(&world->hosts[place->host], change->pool) ? "there" : "missing");
	const struct pool *pool = gpu_pool(world, place->gpu);
	return g_strdup(pool ? pool->name : "-");
}

static bool is_done(const struct plan *plan, const struct world *world, const struct change *change)
{
	struct place before, after, now;
	if (!find_place(plan->observed, change, plan->observed, &before) ||
		!find_place(plan->observed, change, plan->goal, &after) ||
		!find_place(plan->observed, change, world, &now))
		return false;
	g_autofree char *was = value_at(&before, change), *wanted = value_at(&after, change),
			*is = value_at(&now, change);
	return strcmp(is, wanted) == 0 && strcmp(was, wanted) != 0;
}

enum done done_of_plan(const struct plan *plan, const struct world *world, const struct change **which_out)
{
	uint32_t n = 0;
	*which_out = NULL;
	for (uint32_t i = 0; i < plan->changes.n; i++) {
		if (!is_done(plan, world, &plan->changes.items[i]))
			continue;
		n++;
		if (!*which_out)
			*which_out = &plan->changes.items[i];
	}
	if (n == 0)
		return DONE_NOTHING;
	return n == plan->changes.n ? DONE_ALL : DONE_PARTLY;
}
