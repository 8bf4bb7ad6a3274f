/* SPDX-License-Identifier: Apache-2.0 */
/* Running VMs fit the partitions of their host, and the devices of a pool its members. */
#include "reconcile/counts.h"
#include "reconcile/debts.h"
#include "reconcile/refuse.h"

#include <string.h>

struct room {
	uint64_t offered; /* partitions of all GPUs of the host */
	uint64_t needed;  /* by VMs that run in the goal */
	uint64_t gained;  /* of these, by VMs that have none now */
	bool known;       /* all counts are */
};

static struct room room_of(const struct wants *wants, const struct world *goal, uint32_t host, uint64_t count)
{
	struct room room = { .known = true };
	room.offered = counts_offered(wants, goal, host, count, &room.known);
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		if (goal->vms[i].host != host || !vm_is_running(&goal->vms[i]))
			continue;
		room.needed += goal->vms[i].n_adapters;
		if (!wants->input->observed->vms[i].n_adapters)
			room.gained += goal->vms[i].n_adapters;
	}
	return room;
}

static bool all_hosts_fit(const struct wants *wants, const struct world *goal, uint64_t count)
{
	for (uint32_t host = 0; host < goal->n_hosts; host++) {
		struct room room = room_of(wants, goal, host, count);
		if (room.known && room.needed - room.gained > room.offered)
			return false;
	}
	return true;
}

struct room_asked {
	const struct wants *wants;
	const struct world *goal;
};

static bool count_fits(uint32_t count, const void *user)
{
	const struct room_asked *asked = user;
	return all_hosts_fit(asked->wants, asked->goal, count);
}

static const char *counts_that_would_do(struct wants *wants, const struct world *goal)
{
	return counts_that(wants, count_fits, &(struct room_asked){ wants, goal });
}

static bool host_count_changes(const struct wants *wants, const struct world *goal, uint32_t host)
{
	const struct host *it = &goal->hosts[host];
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		if (gpu_offers_partitions(&goal->gpus[g]) &&
			!maybe_equal(goal->gpus[g].count, wants->input->observed->gpus[g].count))
			return true;
	return false;
}

static bool refuse_dismounts(struct wants *wants, const struct world *goal, uint32_t host, uint64_t short_of)
{
	const struct host *it = &goal->hosts[host];
	bool any = false;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		if (goal->gpus[g].state != GPU_DISMOUNTED || wants->input->observed->gpus[g].state == GPU_DISMOUNTED ||
			!gpu_offers_partitions(&wants->input->observed->gpus[g]))
			continue;
		refuse_role(wants, g, D_CAPACITY,
			"without this GPU, %" G_GUINT64_FORMAT
			" running VMs on '%s' would have no partition; raise the partition count "
			"or stop VMs there",
			short_of, it->name);
		any = true;
	}
	return any;
}

static void refuse_count_for_room(struct wants *wants, const struct world *goal)
{
	uint64_t needed = 0, offered = 0;
	for (uint32_t host = 0; host < goal->n_hosts; host++) {
		struct room room = room_of(wants, goal, host, 0);
		needed += room.needed - room.gained;
		offered += room.offered;
	}
	refuse_count(wants, D_CAPACITY,
		"%" G_GUINT64_FORMAT " VMs run with a partition, and there would be %" G_GUINT64_FORMAT
		" partitions; counts that would do: %s",
		needed, offered, counts_that_would_do(wants, goal));
}

static uint32_t parts_of(const struct vm *vm, bool devices)
{
	return devices ? vm->n_devices : vm->n_adapters;
}

static bool gains(const struct wants *wants, const struct world *goal, uint32_t vm, bool devices)
{
	const struct vm *now = &wants->input->observed->vms[vm], *then = &goal->vms[vm];
	return parts_of(then, devices) > parts_of(now, devices);
}

/* Who gains something here, and runs. What is owed along with a start is not new. */
static bool is_new(const struct wants *wants, const struct world *goal, uint32_t vm, bool devices)
{
	return gains(wants, goal, vm, devices) && !wants->vms[vm].refused && wants->vms[vm].ownership == VM_MANAGED &&
	       !(wants_owed_power(wants, vm) && wants_owed_parts(wants, vm));
}

static bool is_owed_here(const struct wants *wants, const struct world *goal, uint32_t vm, bool devices)
{
	return wants_owed_power(wants, vm) && parts_of(&goal->vms[vm], devices);
}

/* Is owed the part along with its start, and so can start without. */
static bool is_owed_both(const struct wants *wants, const struct world *goal, uint32_t vm, bool devices)
{
	return is_owed_here(wants, goal, vm, devices) && gains(wants, goal, vm, devices) && wants_owed_parts(wants, vm);
}

struct room_sought {
	const struct wants *wants;
	const struct world *goal;
	const bool *is_out; /* per VM: was refused already */
	uint32_t host;
	bool devices; /* else partitions */
};

static uint64_t by_rank(const struct room_sought *sought, uint32_t vm)
{
	return sought->wants->vms[vm].rank;
}

/* The most weight yields: whom another run left down; then who can start without its part, for availability comes first
 * (docs/decisions/0016, 10); and first of those whoever is to get a GPU of the other kind anyway. */
static uint64_t by_what_it_costs(const struct room_sought *sought, uint32_t vm)
{
	const struct wants *wants = sought->wants;
	uint64_t is_of_another = refuse_is_of_another_run(wants, vm);
	uint64_t starts_without = is_owed_both(wants, sought->goal, vm, sought->devices);
	uint64_t is_exchanged =
		starts_without && debts_wanted_otherwise(&wants->vms[vm], wants->input->observed->vms[vm].debt);
	return is_of_another << 34 | starts_without << 33 | is_exchanged << 32 | wants->vms[vm].rank;
}

/* The one with the most weight, such as the last in the manifests; or NO_INDEX. */
static uint32_t last_of(const struct room_sought *sought,
	bool (*is_one)(const struct wants *wants, const struct world *goal, uint32_t vm, bool devices),
	uint64_t (*weight_of)(const struct room_sought *sought, uint32_t vm))
{
	const struct world *goal = sought->goal;
	uint32_t last = NO_INDEX;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (!sought->is_out[i] && goal->vms[i].host == sought->host && vm_is_running(&goal->vms[i]) &&
			is_one(sought->wants, goal, i, sought->devices) &&
			(last == NO_INDEX || weight_of(sought, i) > weight_of(sought, last)))
			last = i;
	return last;
}

/* A wish comes before what is owed, which may be another part. */
static void refuse_to_gain(struct wants *wants, uint32_t vm, const char *reason)
{
	if (wants_has_wish(wants, vm))
		refuse_vm(wants, vm, D_CAPACITY, "%s", reason);
	else
		refuse_parts(wants, vm, D_CAPACITY, reason);
}

/* As few VMs as possible, so that those 'needed' fit those 'offered': first who is new, then whoever is owed a start, for where not all can come back the others shall. */
static bool refuse_gainers(
	struct wants *wants, const struct world *goal, uint32_t host, uint64_t needed, uint64_t offered, bool devices)
{
	uint64_t n = needed - offered;
	g_autofree bool *is_out = g_new0(bool, goal->n_vms + 1);
	struct room_sought sought = { wants, goal, is_out, host, devices };
	bool any = false;
	while (n > 0) {
		uint32_t fresh = last_of(&sought, is_new, by_rank);
		uint32_t last = fresh != NO_INDEX ? fresh : last_of(&sought, is_owed_here, by_what_it_costs);
		if (last == NO_INDEX)
			return any;
		bool starts_without = fresh == NO_INDEX && is_owed_both(wants, goal, last, devices);
		const char *what = devices ? "whole GPUs" : "partitions";
		const char *why =
			offered ? arena_printf(wants->arena, "all %s of '%s' are taken by running VMs; free one", what,
					  goal->hosts[host].name)
				: arena_printf(wants->arena, "'%s' has no %s; make some", goal->hosts[host].name, what);
		const char *reason =
			arena_printf(wants->arena, "%s, or run VM '%s' on another host", why, goal->vms[last].name);
		if (fresh != NO_INDEX)
			refuse_vm(wants, last, D_CAPACITY, "%s", reason);
		else if (starts_without)
			refuse_to_gain(wants, last, reason);
		else
			refuse_owed_start(wants, last, D_CAPACITY, reason);
		any = is_out[last] = true;
		/* who starts without, or does not get one more, keeps what it has */
		bool keeps = fresh != NO_INDEX || starts_without;
		uint32_t kept = keeps ? parts_of(&wants->input->observed->vms[last], devices) : 0;
		n -= MIN(n, parts_of(&goal->vms[last], devices) - kept);
	}
	return any;
}

static bool refuse_host(struct wants *wants, const struct world *goal, uint32_t host)
{
	struct room room = room_of(wants, goal, host, 0);
	if (!room.known || room.needed <= room.offered)
		return false;
	/* VMs that run with a partition today keep it; who is new has to wait */
	if (room.needed - room.gained <= room.offered)
		return refuse_gainers(wants, goal, host, room.needed, room.offered, false);
	if (refuse_dismounts(wants, goal, host, room.needed - room.gained - room.offered))
		return true;
	if (host_count_changes(wants, goal, host) && !wants->count_refused) {
		refuse_count_for_room(wants, goal);
		return true;
	}
	return refuse_gainers(wants, goal, host, room.needed, room.offered, false);
}

/* A pinned VM needs room on its very GPU. */
static bool refuse_pinned(struct wants *wants, const struct world *goal, uint32_t gpu)
{
	const struct gpu *it = &goal->gpus[gpu];
	uint64_t needed = 0;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		for (uint32_t a = 0;
			goal->vms[i].host == it->host && vm_is_running(&goal->vms[i]) && a < goal->vms[i].n_adapters;
			a++)
			needed += goal->vms[i].adapters[a].pin &&
				  strcmp(goal->vms[i].adapters[a].pin, it->location_path) == 0;
	if (wants->count_refused || !it->count.known || needed <= it->count.value ||
		maybe_equal(it->count, wants->input->observed->gpus[gpu].count))
		return false;
	refuse_count(wants, D_CAPACITY,
		"%" G_GUINT64_FORMAT " running VMs are pinned to %s, which would have %" G_GUINT64_FORMAT
		" partitions; unpin some of them",
		needed, subject_gpu(wants->arena, goal, gpu), it->count.value);
	return true;
}

static uint32_t devices_of(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;
	for (uint32_t d = 0; d < vm->n_devices; d++)
		n += vm->devices[d].pool && strcmp(vm->devices[d].pool, pool) == 0;
	return n;
}

static bool leaves_pool(const struct wants *wants, const struct world *goal, uint32_t gpu, const struct pool *pool)
{
	const struct pool *then = gpu_pool(goal, gpu);
	return gpu_pool(wants->input->observed, gpu) == pool && !(then && strcmp(then->name, pool->name) == 0);
}

/* A GPU leaves its pool only when the rest covers all VMs that have one of it, off ones too ('exclusive'). Others may join
 * the pool later: nothing says that they come first. */
static bool refuse_leaving(struct wants *wants, const struct world *goal, uint32_t host, const char *name)
{
	const struct pool *pool = host_find_pool(&wants->input->observed->hosts[host], name);
	uint32_t held = 0, staying = pool ? pool->n_members : 0;
	bool any = false;
	for (uint32_t i = 0; pool && i < goal->n_vms; i++) /* whoever is to gain one gets it afterwards */
		if (goal->vms[i].host == host)
			held += MIN(devices_of(&goal->vms[i], name), devices_of(&wants->input->observed->vms[i], name));
	for (uint32_t g = 0; pool && g < goal->n_gpus; g++)
		staying -= leaves_pool(wants, goal, g, pool);
	for (uint32_t g = 0; held > staying && g < goal->n_gpus; g++) {
		if (!leaves_pool(wants, goal, g, pool))
			continue;
		refuse_role(wants, g, D_CAPACITY,
			"without this GPU, pool '%s' of '%s' has %u, and VMs there, off ones too, have %u of it", name,
			goal->hosts[host].name, staying, held);
		any = true;
	}
	return any;
}

/* A saved VM keeps its whole GPU. */
static bool refuse_pool(struct wants *wants, const struct world *goal, uint32_t host, const char *name)
{
	const struct pool *pool = host_find_pool(&goal->hosts[host], name);
	uint32_t needed = 0, members = pool ? pool->n_members : 0;
	if (refuse_leaving(wants, goal, host, name))
		return true;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		if (goal->vms[i].host == host && !vm_is_off(&goal->vms[i]))
			needed += devices_of(&goal->vms[i], name);
	return needed > members && refuse_gainers(wants, goal, host, needed, members, true);
}

/* A VM, off ones too, takes its whole GPU from a pool that must exist on its host. */
static bool refuse_without_pool(struct wants *wants, const struct world *goal, const char *name)
{
	bool any = false;
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		const struct vm *now = &wants->input->observed->vms[i], *then = &goal->vms[i];
		if (then->n_devices <= now->n_devices || wants->vms[i].refused ||
			wants->vms[i].ownership != VM_MANAGED || !then->devices[then->n_devices - 1].pool ||
			strcmp(then->devices[then->n_devices - 1].pool, name) != 0 ||
			host_find_pool(&goal->hosts[then->host], name))
			continue;
		refuse_vm(wants, i, D_NO_GPU, "'%s' has no GPU to pass through, so it has no pool '%s'",
			goal->hosts[then->host].name, name);
		any = true;
	}
	return any;
}

bool refuse_capacity(struct arena *arena, struct wants *wants, const struct world *goal)
{
	for (uint32_t host = 0; host < goal->n_hosts; host++)
		if (refuse_host(wants, goal, host))
			return true;
	for (uint32_t gpu = 0; gpu < goal->n_gpus; gpu++)
		if (refuse_pinned(wants, goal, gpu))
			return true;
	const struct spec_cluster *cluster = wants->input->cluster;
	for (uint32_t i = 0; cluster && i < cluster->n_gpus; i++) {
		if (!cluster->gpus[i].passthrough || cluster->type != CLUSTER_FAILOVER)
			continue;
		const char *pool = group_pool_name(arena, cluster, &cluster->gpus[i]);
		if (refuse_without_pool(wants, goal, pool))
			return true;
		for (uint32_t host = 0; host < goal->n_hosts; host++)
			if (refuse_pool(wants, goal, host, pool))
				return true;
	}
	return false;
}
