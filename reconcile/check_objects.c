/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/check_objects.h"

#include <string.h>

/* ---- descriptions ---- */

void put(struct picker *picker, uint64_t value)
{
	g_byte_array_append(picker->key, (const guint8 *)&value, sizeof(value));
}

void put_maybe(struct picker *picker, struct maybe_u64 value)
{
	put(picker, value.known);
	put(picker, value.known ? value.value : 0);
}

void put_text(struct picker *picker, const char *text)
{
	const char *it = text ? text : "\1";
	g_byte_array_append(picker->key, (const guint8 *)it, (guint)strlen(it) + 1);
}

static guint hash_bytes(gconstpointer bytes)
{
	gsize size = 0;
	const char *data = g_bytes_get_data((GBytes *)bytes, &size);
	uint64_t sum = size, word = 0;
	for (gsize at = 0; at < size; at += sizeof(word)) {
		word = 0;
		memcpy(&word, data + at, MIN(sizeof(word), size - at));
		sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
		sum ^= sum >> 32;
	}
	return (guint)sum;
}

/* The number of what was put since the last call: the same for the same. */
uint32_t number(struct picker *picker)
{
	g_autoptr(GBytes) bytes = g_bytes_new(picker->key->data, picker->key->len);
	gpointer known = g_hash_table_lookup(picker->numbers, bytes);
	g_byte_array_set_size(picker->key, 0);
	if (known)
		return GPOINTER_TO_UINT(known);
	uint32_t next = g_hash_table_size(picker->numbers) + 1;
	g_hash_table_insert(picker->numbers, g_steal_pointer(&bytes), GUINT_TO_POINTER(next));
	return next;
}

static const struct step *step_of(const struct picker *picker, const struct object *object, uint32_t nth)
{
	return &picker->plan->steps[object->steps[nth]];
}

static void put_steps(struct picker *picker, const struct object *object)
{
	for (uint32_t i = 0; i < object->n_steps; i++) {
		const struct step *step = step_of(picker, object, i);
		const struct vm_settings *settings = &step->settings;
		put(picker, step->kind);
		put(picker, (uint64_t)step->count << 8 | (unsigned)step->force << 1 | step->live);
		put(picker, step->offline_action);
		put_text(picker, step->pool);
		put_text(picker, step->device.pool);
		put(picker, (step->device.location_path != NULL) << 1 | (step->adapter.pin != NULL));
		if (step->kind == STEP_CONFIGURE_VM) {
			put(picker, settings->which << 8 | settings->stop_action << 2 | settings->cache_control << 1 |
					    settings->automatic_checkpoints);
			put(picker, settings->mmio_low_bytes);
			put(picker, settings->mmio_high_bytes);
		}
		if (step->kind != STEP_REMOVE_ADAPTER && step->kind != STEP_ADD_ADAPTER)
			continue;
		const struct vm *vm = &picker->world->vms[object->at];
		uint32_t same = 0; /* which one is removed */
		while (same < vm->n_adapters && g_strcmp0(vm->adapters[same].id, step->adapter.id) != 0)
			same++;
		put(picker, same);
		for (int q = 0; q < QUOTA_COUNT; q++)
			put_maybe(picker, step->adapter.quotas[q]);
	}
}

static void put_vm(struct picker *picker, const struct object *object)
{
	const struct vm *vm = &picker->world->vms[object->at];
	const struct rules *rules = picker->plan->rules;
	put(picker, (uint64_t)vm->state << 32 | vm->generation << 8 | (unsigned)vm->clustered << 4 |
			    (unsigned)vm->stop_action << 2 | (unsigned)vm->cache_control << 1 |
			    vm->automatic_checkpoints);
	put(picker, (unsigned)rules->vm_ownership[object->at] << 1 | vm->dynamic_memory);
	put_maybe(picker, rules->vm_mmio_low ? rules->vm_mmio_low[object->at] : UNKNOWN);
	put_maybe(picker, rules->vm_mmio_high ? rules->vm_mmio_high[object->at] : UNKNOWN);
	put_maybe(picker, vm->memory_bytes);
	put_maybe(picker, vm->memory_startup_bytes);
	put_maybe(picker, vm->memory_minimum_bytes);
	put_maybe(picker, vm->offline_action);
	put_maybe(picker, vm->mmio_low_bytes);
	put_maybe(picker, vm->mmio_high_bytes);
	for (uint32_t i = 0; i < vm->n_adapters; i++) {
		const struct adapter *adapter = &vm->adapters[i];
		put(picker, (unsigned)adapter->outgoing_live_migration << 4 | (unsigned)adapter->pinned << 2 |
				    (adapter->gpus != 0) << 1 | (adapter->pin != NULL));
		for (int q = 0; q < QUOTA_COUNT; q++)
			put_maybe(picker, adapter->quotas[q]);
	}
	for (uint32_t i = 0; i < vm->n_devices; i++)
		put_text(picker, vm->devices[i].pool);
	put(picker, vm->debt ? 1 + (uint64_t)vm->debt->power : 0);
	if (vm->debt && (vm->debt->n_adapters || vm->debt->n_devices))
		put(picker, object->at); /* what it is owed makes it one of its own */
}

static void put_gpu(struct picker *picker, const struct object *object)
{
	const struct gpu *gpu = &picker->world->gpus[object->at];
	const struct rules *rules = picker->plan->rules;
	const struct pool *pool = gpu_pool(picker->world, object->at);
	put(picker, (uint64_t)gpu->state << 8 | (unsigned)gpu->mitigation_driver << 4 |
			    (unsigned)gpu->incoming_live_migration);
	put(picker, (uint64_t)rules->gpu_role[object->at] << 2 |
			    (unsigned)(rules->gpu_refused && rules->gpu_refused[object->at]) << 1 |
			    (rules->gpu_excluded && rules->gpu_excluded[object->at]));
	put_maybe(picker, gpu->count);
	put(picker, gpu->n_valid_counts);
	for (uint32_t i = 0; i < gpu->n_valid_counts; i++)
		put(picker, gpu->valid_counts[i]);
	put(picker, gpu->mmio_low_bytes.known && gpu->mmio_high_bytes.known);
	put_text(picker, gpu->device);
	put_text(picker, gpu->subsystem);
	put_text(picker, pool ? pool->name : NULL);
}

/* Which of one's steps come before which of the other's. */
void put_order(struct picker *picker, const struct object *a, const struct object *b)
{
	uint64_t sooner = 0, later = 0;
	for (uint32_t i = 0; i < a->n_steps; i++)
		for (uint32_t k = 0; k < b->n_steps; k++) {
			sooner = sooner << 1 | reach_before(picker->reach, a->steps[i], b->steps[k]);
			later = later << 1 | reach_before(picker->reach, b->steps[k], a->steps[i]);
		}
	put(picker, sooner);
	put(picker, later);
}

/* What comes before or after the object's steps: others, and its own among themselves. */
static void put_rows(struct picker *picker, const struct object *object)
{
	const struct reach *reach = picker->reach;
	put_order(picker, object, object);
	for (uint32_t i = 0; i < object->n_steps; i++) {
		guint at = picker->key->len;
		size_t bytes = reach->words * sizeof(uint64_t), row = (size_t)object->steps[i] * reach->words;
		g_byte_array_append(picker->key, (const guint8 *)&reach->before[row], (guint)bytes);
		g_byte_array_append(picker->key, (const guint8 *)&reach->after[row], (guint)bytes);
		for (uint32_t k = 0; k < object->n_steps; k++) {
			uint32_t own = object->steps[k];
			picker->key->data[at + own / 8] &= (guint8) ~(1u << own % 8);
			picker->key->data[at + bytes + own / 8] &= (guint8) ~(1u << own % 8);
		}
	}
}

static bool same_path(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/* What the VM has to do with the GPU before the first step, and what its steps name. */
uint64_t ties(const struct picker *picker, const struct object *vm, const struct object *gpu)
{
	const struct vm *it = &picker->world->vms[vm->at];
	const char *path = picker->world->gpus[gpu->at].location_path;
	uint64_t ties = it->host == gpu->host, bit = gpu_bit(picker->world, gpu->at);
	for (uint32_t i = 0; i < it->n_adapters; i++)
		ties = ties << 2 | (it->host == gpu->host && it->adapters[i].gpus & bit) << 1 |
		       same_path(it->adapters[i].pin, path);
	for (uint32_t i = 0; i < it->n_devices; i++)
		ties = ties << 1 | same_path(it->devices[i].location_path, path);
	for (uint32_t i = 0; i < vm->n_steps; i++) {
		const struct step *step = step_of(picker, vm, i);
		ties = ties << 2 | same_path(step->adapter.pin, path) << 1 |
		       same_path(step->device.location_path, path);
	}
	return ties;
}

/* ---- objects ---- */

static void add_named(struct picker *picker, struct object *vm, const char *path)
{
	for (uint32_t h = 0; path && h < vm->n_hosts; h++) {
		uint32_t gpu = world_find_gpu(picker->world, vm->hosts[h], path);
		bool known = gpu == NO_INDEX;
		for (uint32_t i = 0; i < vm->n_named; i++)
			known |= vm->named[i] == gpu;
		if (known)
			continue;
		if (vm->n_named == NAMED_MAX)
			picker->unsure = true;
		else
			vm->named[vm->n_named++] = gpu;
	}
}

static void name_gpus(struct picker *picker, struct object *object)
{
	const struct vm *vm = &picker->world->vms[object->at];
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		add_named(picker, object, vm->adapters[i].pin);
	for (uint32_t i = 0; i < vm->n_devices; i++)
		add_named(picker, object, vm->devices[i].location_path);
	for (uint32_t i = 0; i < object->n_steps; i++) {
		add_named(picker, object, step_of(picker, object, i)->adapter.pin);
		add_named(picker, object, step_of(picker, object, i)->device.location_path);
	}
}

static void add_step(struct picker *picker, struct object *object, uint32_t step)
{
	const struct step *it = &picker->plan->steps[step];
	if (object->n_steps == OBJECT_STEPS_MAX) {
		picker->unsure = true;
		return;
	}
	object->steps[object->n_steps++] = step;
	uint32_t to = it->kind == STEP_MOVE_VM ? world_find_host(picker->world, it->to_host) : NO_INDEX;
	if (to == NO_INDEX || to == object->hosts[0])
		return;
	picker->unsure |= object->n_hosts == 2 && object->hosts[1] != to;
	object->hosts[1] = to;
	object->n_hosts = 2;
}

static void sort_objects(struct picker *picker)
{
	const struct world *world = picker->world;
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		struct object *gpu = &picker->gpus[g];
		put_gpu(picker, gpu);
		put_steps(picker, gpu);
		gpu->sort = number(picker);
		put(picker, gpu->sort);
		put(picker, gpu->host);
		put_rows(picker, gpu);
		gpu->twins = number(picker);
	}
	for (uint32_t v = 0; v < world->n_vms; v++) {
		struct object *vm = &picker->vms[v];
		name_gpus(picker, vm);
		put_vm(picker, vm);
		put_steps(picker, vm);
		vm->sort = number(picker);
		put(picker, vm->sort);
		put(picker, (uint64_t)vm->host << 32 | vm->hosts[vm->n_hosts - 1]);
		for (uint32_t i = 0; i < vm->n_named; i++)
			put(picker, picker->gpus[vm->named[i]].twins);
		put_rows(picker, vm);
		vm->twins = number(picker);
	}
}

static uint32_t sort_host(const struct host *host)
{
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (g_ascii_strcasecmp(host->nodes[i].name, host->name) == 0)
			return (uint32_t)host->nodes[i].state << 2 | host->can_command_moves;
	return host->can_command_moves;
}

void objects_make(struct picker *picker)
{
	const struct world *world = picker->world;
	picker->numbers = g_hash_table_new_full(hash_bytes, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
	picker->key = g_byte_array_new();
	picker->host_sorts = g_new0(uint32_t, world->n_hosts + 1);
	for (uint32_t h = 0; h < world->n_hosts; h++)
		picker->host_sorts[h] = sort_host(&world->hosts[h]);
	picker->vms = g_new0(struct object, world->n_vms + 1);
	picker->gpus = g_new0(struct object, world->n_gpus + 1);
	for (uint32_t v = 0; v < world->n_vms; v++)
		picker->vms[v] = (struct object){
			.at = v, .host = world->vms[v].host, .hosts = { world->vms[v].host }, .n_hosts = 1
		};
	for (uint32_t g = 0; g < world->n_gpus; g++)
		picker->gpus[g] = (struct object){
			.at = g, .host = world->gpus[g].host, .hosts = { world->gpus[g].host }, .n_hosts = 1
		};
	for (uint32_t i = 0; i < picker->plan->n_steps; i++) {
		const struct step *step = &picker->plan->steps[i];
		if (step->kind <= STEP_ADD_DEVICE)
			add_step(picker, &picker->vms[step->vm], i);
		else if (step->kind != STEP_CREATE_POOL)
			add_step(picker, &picker->gpus[step->gpu], i);
	}
	sort_objects(picker);
}

/* The host as the how manieth one that occurs, and what it is. */
static uint64_t local_host(const struct picker *picker, GArray *hosts, uint32_t host)
{
	guint at = 0;
	while (at < hosts->len && g_array_index(hosts, uint32_t, at) != host)
		at++;
	if (at == hosts->len)
		g_array_append_val(hosts, host);
	return (uint64_t)at << 32 | picker->host_sorts[host];
}

/* The objects' number: the same for others that are alike, in the same relations. */
uint32_t describe(struct picker *picker, const GArray *vms, const GArray *gpus)
{
	g_autoptr(GArray) hosts = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	guint n = vms->len + gpus->len;
	g_autofree const struct object **objects = g_new(const struct object *, n + 1);
	for (guint i = 0; i < n; i++)
		objects[i] = i < vms->len ? &picker->vms[g_array_index(vms, uint32_t, i)]
					  : &picker->gpus[g_array_index(gpus, uint32_t, i - vms->len)];
	put(picker, vms->len);
	for (guint i = 0; i < n; i++) {
		put(picker, objects[i]->sort);
		for (uint32_t h = 0; h < objects[i]->n_hosts; h++)
			put(picker, local_host(picker, hosts, objects[i]->hosts[h]));
		for (guint k = 0; k <= i; k++)
			put_order(picker, objects[i], objects[k]);
		for (guint v = 0; v < vms->len && i >= vms->len; v++)
			put(picker, ties(picker, objects[v], objects[i]));
	}
	return number(picker);
}

void objects_done(struct picker *picker)
{
	g_hash_table_unref(picker->numbers);
	g_byte_array_unref(picker->key);
	g_free(picker->host_sorts);
	g_free(picker->vms);
	g_free(picker->gpus);
}
