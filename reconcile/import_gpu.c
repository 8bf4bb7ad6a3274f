/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/import_gpu.h"

#include <string.h>

static bool is_like(const struct gpu *a, const struct gpu *b)
{
	return g_strcmp0(a->device, b->device) == 0 && g_strcmp0(a->subsystem, b->subsystem) == 0 &&
	       (a->device || g_strcmp0(a->name, b->name) == 0);
}

/* ---- the partitioned group ---- */

static uint32_t count_like(const struct world *world, const struct gpu *like)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		n += gpu_offers_partitions(&world->gpus[i]) && is_like(&world->gpus[i], like);
	return n;
}

/* The model that most partitionable GPUs are of; the first of equals. */
static const struct gpu *partitioned_model(const struct world *world)
{
	const struct gpu *best = NULL;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		if (gpu_offers_partitions(&world->gpus[i]) &&
			(!best || count_like(world, &world->gpus[i]) > count_like(world, best)))
			best = &world->gpus[i];
	return best;
}

static uint32_t count_with(const struct world *world, const struct gpu *like, struct maybe_u64 count)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		n += gpu_offers_partitions(&world->gpus[i]) && is_like(&world->gpus[i], like) &&
		     maybe_equal(world->gpus[i].count, count);
	return n;
}

/* The count that most of them offer. */
static struct maybe_u64 common_count(const struct world *world, const struct gpu *like)
{
	struct maybe_u64 best = UNKNOWN;
	for (uint32_t i = 0; i < world->n_gpus; i++) {
		const struct gpu *gpu = &world->gpus[i];
		if (gpu_offers_partitions(gpu) && is_like(gpu, like) && gpu->count.known &&
			(!best.known || count_with(world, like, gpu->count) > count_with(world, like, best)))
			best = gpu->count;
	}
	return best;
}

static void leave_gpu(const struct importing *in, const struct gpu *gpu, const char *why)
{
	diag_add(in->diags, D_IMPORT_LEFT, LOC_NONE, NULL, "GPU '%s' of '%s' %s", gpu->location_path,
		in->world->hosts[gpu->host].name, why);
}

static void note_partitioned(const struct importing *in, const struct import_group *group)
{
	for (uint32_t i = 0; i < in->world->n_gpus; i++) {
		const struct gpu *gpu = &in->world->gpus[i];
		bool alike = is_like(gpu, group->like);
		if (gpu_offers_partitions(gpu) && !alike)
			leave_gpu(in, gpu,
				"is partitionable and of another model; a cluster partitions one, so it is in no "
				"group");
		else if (gpu_offers_partitions(gpu) && !maybe_equal(gpu->count, group->count))
			leave_gpu(in, gpu, "offers another count than most of its cluster; the manifest has one count");
		else if (alike && !gpu_offers_partitions(gpu) && gpu->state != GPU_DISMOUNTED)
			leave_gpu(in, gpu, "is selected by its model and cannot be partitioned now");
	}
}

static void add_partitioned(struct importing *in)
{
	const struct gpu *like = partitioned_model(in->world);
	if (!like)
		return;
	struct import_group group = { .name = "partitions", .like = like, .count = common_count(in->world, like) };
	if (!group.count.known) {
		leave_gpu(in, like, "does not tell how many partitions it offers; its model is in no group");
		return;
	}
	note_partitioned(in, &group);
	g_array_append_val(in->groups, group);
}

/* ---- passthrough groups ---- */

static const char *pool_name(const struct importing *in, uint32_t gpu)
{
	const struct pool *pool = in->failover ? gpu_pool(in->world, gpu) : NULL;
	return pool ? pool->name : NULL;
}

static bool is_same_group(const struct importing *in, uint32_t a, uint32_t b)
{
	return is_like(&in->world->gpus[a], &in->world->gpus[b]) && g_strcmp0(pool_name(in, a), pool_name(in, b)) == 0;
}

/* All dismounted GPUs of the first one's model and pool; marks them as done. */
static void add_passthrough(struct importing *in, uint32_t first, bool *done)
{
	GArray *gpus = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = first; i < in->world->n_gpus; i++) {
		if (done[i] || in->world->gpus[i].state != GPU_DISMOUNTED || !is_same_group(in, first, i))
			continue;
		done[i] = true;
		g_array_append_val(gpus, i);
		if (in->failover && !pool_name(in, i))
			leave_gpu(
				in, &in->world->gpus[i], "is dismounted and in no pool; the manifest puts it into one");
	}
	struct import_group group = { .like = &in->world->gpus[first], .pool = pool_name(in, first) };
	uint32_t n_before = 0;
	for (guint i = 0; i < in->groups->len; i++)
		n_before += g_array_index(in->groups, struct import_group, i).n_gpus > 0;
	group.name = n_before ? arena_printf(in->arena, "whole-%u", n_before + 1) : "whole";
	group.gpus = arena_take_array(in->arena, gpus, &group.n_gpus);
	g_array_append_val(in->groups, group);
}

void import_groups(struct importing *in)
{
	g_autofree bool *done = g_new0(bool, in->world->n_gpus + 1);
	add_partitioned(in);
	for (uint32_t i = 0; i < in->world->n_gpus; i++)
		if (!done[i] && in->world->gpus[i].state == GPU_DISMOUNTED)
			add_passthrough(in, i, done);
}

/* ---- questions and writing ---- */

static bool has_gpu(const struct import_group *group, uint32_t gpu)
{
	for (uint32_t i = 0; i < group->n_gpus; i++)
		if (group->gpus[i] == gpu)
			return true;
	return false;
}

static bool device_fits(
	const struct importing *in, const struct import_group *group, const struct vm *vm, const struct device *device)
{
	if (device->pool)
		return g_strcmp0(device->pool, group->pool) == 0;
	return has_gpu(group, world_find_gpu(in->world, vm->host, device->location_path));
}

bool import_group_fits(const struct importing *in, const struct import_group *group, const struct vm *vm)
{
	bool fits = group->count.known ? vm->n_adapters && !vm->n_devices : vm->n_devices && !vm->n_adapters;
	for (uint32_t i = 0; i < vm->n_devices && fits; i++)
		fits = device_fits(in, group, vm, &vm->devices[i]);
	if (!fits || !group->count.known)
		return fits;
	const struct host *host = &in->world->hosts[vm->host];
	for (uint32_t i = host->first_gpu; i < host->first_gpu + host->n_gpus; i++)
		if (is_like(&in->world->gpus[i], group->like) && vm_could_be_on(in->world, vm, i))
			return true;
	return false;
}

static json_t *match_of(const struct gpu *like)
{
	json_t *match = json_object();
	if (like->device)
		json_object_set_new(match, "device", json_string(like->device));
	if (like->subsystem)
		json_object_set_new(match, "subsystem", json_string(like->subsystem));
	if (!like->device && like->name)
		json_object_set_new(match, "model", json_string(like->name));
	return match;
}

static json_t *paths_of(const struct importing *in, const struct import_group *group)
{
	json_t *hosts = json_object();
	for (uint32_t i = 0; i < group->n_gpus; i++) {
		const struct gpu *gpu = &in->world->gpus[group->gpus[i]];
		const char *host = in->world->hosts[gpu->host].name;
		if (!json_object_get(hosts, host))
			json_object_set_new(hosts, host, json_array());
		json_array_append_new(json_object_get(hosts, host), json_string(gpu->location_path));
	}
	return hosts;
}

json_t *import_group_json(const struct importing *in, const struct import_group *group)
{
	json_t *json = json_pack("{s:s, s:o}", "name", group->name, "match", match_of(group->like));
	if (group->count.known) {
		json_object_set_new(json, "partitionCount", json_integer((json_int_t)group->count.value));
		return json;
	}
	json_t *passthrough = json_pack("{s:o}", "locationPaths", paths_of(in, group));
	if (group->pool)
		json_object_set_new(passthrough, "pool", json_string(group->pool));
	json_object_set_new(json, "passthrough", passthrough);
	return json;
}
