/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/sim_act.h"

#include <string.h>

/* How long each takes on the virtual clock; a stop that waits in vain takes its time-out instead. */
static const struct {
	sim_step_fn *act;
	uint32_t seconds;
} actions[STEP_KIND_COUNT] = {
	[STEP_STOP_VM] = { sim_stop_vm, 30 },
	[STEP_START_VM] = { sim_start_vm, 20 },
	[STEP_MOVE_VM] = { sim_move_vm, 45 },
	[STEP_SET_OFFLINE_ACTION] = { sim_set_offline_action, 1 },
	[STEP_CONFIGURE_VM] = { sim_configure_vm, 2 },
	[STEP_REMOVE_ADAPTER] = { sim_remove_adapter, 2 },
	[STEP_ADD_ADAPTER] = { sim_add_adapter, 3 },
	[STEP_REMOVE_DEVICE] = { sim_remove_device, 2 },
	[STEP_ADD_DEVICE] = { sim_add_device, 3 },
	[STEP_SET_COUNT] = { sim_set_count, 5 },
	[STEP_DISMOUNT_GPU] = { sim_dismount, 15 },
	[STEP_MOUNT_GPU] = { sim_mount, 15 },
	[STEP_CREATE_POOL] = { sim_create_pool, 1 },
	[STEP_ADD_TO_POOL] = { sim_add_to_pool, 2 },
	[STEP_REMOVE_FROM_POOL] = { sim_remove_from_pool, 2 },
};

void sim_step(struct sim_act *act)
{
	act->step = act->request->step;
	if (!act->step || act->step->kind >= STEP_KIND_COUNT) {
		act->reply.error = sim_refuse(act, HOST_PROTOCOL, "no such step");
		return;
	}
	act->seconds = actions[act->step->kind].seconds;
	act->reply.error = actions[act->step->kind].act(act);
	if (!act->reply.error)
		sim_record_cluster(act);
	if (!act->reply.changed && !act->reply.error)
		act->seconds = 0;
}

enum host_error sim_refuse(struct sim_act *act, enum host_error error, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	act->reply.message = arena_strdup(act->world->arena, text);
	return error;
}

void sim_changed(struct sim_act *act)
{
	act->reply.changed = true;
	act->world->changed = true;
}

enum host_error sim_find_vm(struct sim_act *act)
{
	const char *id = act->step ? act->step->vm_id : act->request->vm_id;
	for (uint32_t i = 0; id && i < act->self->n_vms; i++)
		if (!strcmp(act->self->vms[i].id, id)) {
			act->vm = &act->self->vms[i];
			return HOST_OK;
		}
	return sim_refuse(
		act, HOST_NOT_FOUND, "Hyper-V was unable to find a virtual machine with id \"%s\".", id ? id : "");
}

enum host_error sim_find_gpu(struct sim_act *act)
{
	const char *path = act->step->location_path;
	uint32_t at = path ? sim_gpu_at(act->self, path) : NO_INDEX;
	if (at == NO_INDEX)
		return sim_refuse(act, HOST_NOT_FOUND, "The specified device '%s' was not found on server '%s'.",
			path ? path : "", act->self->host.name);
	act->gpu = &act->self->gpus[at];
	return HOST_OK;
}

enum host_error sim_check_expected(struct sim_act *act)
{
	const struct expected *want = &act->request->expected;
	if (want->has_vm_state && act->vm && act->vm->state != want->vm_state)
		return sim_refuse(act, HOST_UNEXPECTED_FACTS, "'%s' was expected to be %s and is %s", act->vm->name,
			name_of(&vm_state_names, want->vm_state), name_of(&vm_state_names, act->vm->state));
	if (want->has_count && act->gpu && !maybe_equal(act->gpu->count, want->count))
		return sim_refuse(act, HOST_UNEXPECTED_FACTS,
			"'%s' was expected to offer %lld partitions and offers %lld", act->gpu->location_path,
			want->count.known ? (long long)want->count.value : -1,
			act->gpu->count.known ? (long long)act->gpu->count.value : -1);
	return HOST_OK;
}

enum host_error sim_check_off(struct sim_act *act)
{
	if (vm_is_off(act->vm))
		return HOST_OK;
	return sim_refuse(act, HOST_INVALID_STATE,
		"The operation cannot be performed while the object is in its current state. '%s' is %s.",
		act->vm->name, name_of(&vm_state_names, act->vm->state));
}

struct host_state *sim_host(const struct sim_world *world, const char *name)
{
	for (uint32_t i = 0; i < world->n_states; i++)
		if (!g_ascii_strcasecmp(world->states[i]->host.name, name))
			return world->states[i];
	return NULL;
}

uint32_t sim_gpu_at(const struct host_state *host, const char *location_path)
{
	for (uint32_t i = 0; i < host->n_gpus; i++)
		if (!strcmp(host->gpus[i].location_path, location_path))
			return i;
	return NO_INDEX;
}

void *sim_without(struct arena *arena, const void *items, uint32_t n, uint32_t at, size_t size)
{
	char *out = arena_alloc(arena, size * (n - 1));
	if (at)
		memcpy(out, items, size * at);
	if (at + 1 < n)
		memcpy(out + size * at, (const char *)items + size * (at + 1), size * (n - at - 1));
	return out;
}

void *sim_with(struct arena *arena, const void *items, uint32_t n, uint32_t at, const void *item, size_t size)
{
	char *out = arena_alloc(arena, size * (n + 1));
	if (at)
		memcpy(out, items, size * at);
	memcpy(out + size * at, item, size);
	if (at < n)
		memcpy(out + size * (at + 1), (const char *)items + size * at, size * (n - at));
	return out;
}

struct adapter sim_copy_adapter(struct arena *arena, const struct adapter *adapter)
{
	struct adapter copy = *adapter;
	copy.id = NULL;
	copy.pin = arena_strdup(arena, adapter->pin);
	copy.pinned = adapter->pin ? TRI_YES : TRI_NO;
	copy.gpus = 0;
	copy.gpu_paths = NULL;
	copy.n_gpu_paths = 0;
	return copy;
}

struct device sim_copy_device(struct arena *arena, const struct device *device)
{
	return (struct device){ arena_strdup(arena, device->location_path), arena_strdup(arena, device->pool) };
}

bool sim_same_adapter(const struct adapter *a, const struct adapter *b)
{
	if (g_strcmp0(a->pin, b->pin))
		return false;
	for (uint32_t i = 0; i < QUOTA_COUNT; i++)
		if (!maybe_equal(a->quotas[i], b->quotas[i]))
			return false;
	return true;
}

bool sim_same_device(const struct device *a, const struct device *b)
{
	if (a->pool || b->pool)
		return a->pool && b->pool && !g_ascii_strcasecmp(a->pool, b->pool);
	return !g_strcmp0(a->location_path, b->location_path);
}
