/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/bound.h"

#include "reconcile/choose.h"

#include <string.h>

/* So many choices of GPUs are compared for one host; with more, only what all of them share is counted. */
enum { BOUND_CHOICES_MAX = 4096 };

/* ---- what is known of a VM ---- */

struct holder {
	uint32_t host;
	uint64_t adapters; /* it is not off, and an adapter could be on these */
	uint64_t devices;  /* it is not off, and a whole GPU of it could be one of these */
	bool stops;        /* its own parts change */
	bool is_fixed;     /* no plan may stop it */
	bool may_leave;    /* it can be moved while it runs */
	bool must_leave;   /* placement: Required, elsewhere */
	uint32_t has;      /* partitions, while it runs */
	uint32_t keeps;    /* partitions that it has at the end, at least */
};

static bool is_live_target(const struct world *world, uint32_t not_on)
{
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (world->gpus[g].host != not_on && world->gpus[g].incoming_live_migration == TRI_YES)
			return true;
	return false;
}

/* Everything that a live move needs says so (what is not known is a no: world.md decision 7); whether there is room for it
 * does not matter here. */
static bool may_move_live(const struct wants *wants, const struct vm *vm)
{
	const struct world *world = wants->input->observed;
	if (wants->input->cluster->type != CLUSTER_FAILOVER || !vm->n_adapters || vm->n_devices ||
		world->hosts[vm->host].can_command_moves != TRI_YES)
		return false;
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		if (vm->adapters[a].outgoing_live_migration != TRI_YES || vm->adapters[a].pin)
			return false;
	return is_live_target(world, vm->host);
}

static bool is_left_alone(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	if (want->frozen || want->excluded || want->debt == DEBT_IN_PROGRESS)
		return true;
	return (want->ownership == VM_UNMANAGED || want->ownership == VM_BYSTANDER) && want->debt != DEBT_OPEN &&
	       wants->input->cluster->unmanaged == UNMANAGED_REPORT;
}

/* How many whole GPUs of the group the VM could be said to have already. */
static uint32_t devices_of(const struct wants *wants, const struct gpu_group *group, const struct vm *vm)
{
	const struct world *world = wants->input->observed;
	const char *pool = group_pool_name(wants->arena, wants->input->cluster, group);
	uint32_t n = 0;
	for (uint32_t d = 0; d < vm->n_devices; d++) {
		const struct device *device = &vm->devices[d];
		uint32_t gpu = device->pool ? NO_INDEX : world_find_gpu(world, vm->host, device->location_path);
		n += device->pool ? strcmp(device->pool, pool) == 0
				  : gpu != NO_INDEX && group_selects(wants, group, gpu);
	}
	return n;
}

static bool owes_absent_parts(const struct wants *wants, uint32_t vm)
{
	const struct vm *it = &wants->input->observed->vms[vm];
	return wants_owed_parts(wants, vm) &&
	       ((it->debt->n_adapters && !it->n_adapters) || (it->debt->n_devices && !it->n_devices));
}

/* Does it have to gain or lose an adapter or device, whatever GPUs are chosen? ('vm-off': then it is off for a while.) */
static bool own_parts_change(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	const struct vm *it = &wants->input->observed->vms[vm];
	if (want->frozen || want->excluded || want->debt == DEBT_IN_PROGRESS)
		return false;
	if (want->refused || (want->ownership != VM_MANAGED && want->ownership != VM_OURS))
		return owes_absent_parts(wants, vm);
	if (want->ownership == VM_OURS)
		return it->n_adapters > 0;
	if (!want->group)
		return false;
	if (want->group->passthrough)
		return it->n_adapters || devices_of(wants, want->group, it) < want->assignment->count;
	return !it->n_adapters;
}

static uint32_t partitions_kept(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	uint32_t has = wants->input->observed->vms[vm].n_adapters;
	if (want->refused || want->frozen || want->excluded)
		return has;
	switch (want->ownership) {
	case VM_MANAGED:
		return want->group && !want->group->passthrough ? 1 : 0;
	case VM_UNMANAGED:
		return wants->input->cluster->unmanaged == UNMANAGED_REMOVE ? 0 : has;
	case VM_BYSTANDER:
		return has;
	default:
		return 0;
	}
}

static bool is_required_elsewhere(const struct wants *wants, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	const struct world *world = wants->input->observed;
	return want->ownership == VM_MANAGED && !want->refused && !want->stays && want->host &&
	       want->assignment->placement == PLACEMENT_REQUIRED &&
	       g_ascii_strcasecmp(want->host, world->hosts[world->vms[vm].host].name) != 0;
}

static void add_holder(const struct wants *wants, GArray *holders, uint32_t vm)
{
	const struct world *world = wants->input->observed;
	const struct vm *it = &world->vms[vm];
	const struct host *host = &world->hosts[it->host];
	if (vm_is_off(it))
		return;
	struct holder holder = { .host = it->host };
	if (vm_is_running(it)) {
		holder.has = it->n_adapters;
		holder.keeps = partitions_kept(wants, vm);
	}
	for (uint32_t a = 0; a < it->n_adapters; a++)
		holder.adapters |= adapter_gpus(world, it, &it->adapters[a]);
	for (uint32_t g = host->first_gpu; it->n_devices && g < host->first_gpu + host->n_gpus; g++)
		holder.devices |= vm_device_could_be(world, it, g) ? gpu_bit(world, g) : 0;
	holder.is_fixed = is_left_alone(wants, vm) || !vm_can_stop(it);
	holder.stops = !holder.is_fixed && own_parts_change(wants, vm);
	holder.may_leave = !holder.is_fixed && may_move_live(wants, it);
	holder.must_leave = !holder.is_fixed && is_required_elsewhere(wants, vm);
	if (holder.adapters || holder.devices || holder.stops || holder.must_leave || holder.keeps)
		g_array_append_val(holders, holder);
}

static int by_host(const void *a, const void *b)
{
	uint32_t left = ((const struct holder *)a)->host, right = ((const struct holder *)b)->host;
	return left < right ? -1 : left > right;
}

/* ---- what is known of a host ---- */

enum { BOUND_GROUPS_MAX = 8 };

struct ground {
	const struct wants *wants;
	const struct holder *holders;
	uint32_t n_holders;
	uint32_t arrivals;    /* VMs that must come here, for whom others may have to leave */
	uint64_t given;       /* passed through, whatever is chosen: location paths */
	uint64_t dismounted;  /* now */
	uint64_t partitioned; /* the partitioned group would take these */
	uint64_t changing;    /* their count would have to change, were they partitioned */
	const struct host *host;
	uint64_t candidates[BOUND_GROUPS_MAX]; /* of each group that takes a number per host */
	uint32_t wanted[BOUND_GROUPS_MAX];
	uint32_t n_groups;
	bool is_whole; /* all groups and GPUs of the host are in this table */
};

static bool stays_as_it_is(const struct wants *wants, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	return want->frozen || want->excluded || wants->input->observed->gpus[gpu].state == GPU_FAILED ||
	       (want->refused && want->role == ROLE_PASSTHROUGH);
}

static bool count_differs(const struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	return it->state == GPU_PARTITIONABLE && wants->count.known && !wants->gpus[gpu].refused &&
	       gpu_lists_count(it, (uint32_t)wants->count.value) && !maybe_equal(it->count, wants->count);
}

static void see_gpu(struct ground *ground, uint32_t gpu)
{
	const struct wants *wants = ground->wants;
	uint64_t bit = gpu_bit(wants->input->observed, gpu);
	if (wants->input->observed->gpus[gpu].state == GPU_DISMOUNTED)
		ground->dismounted |= bit;
	if (stays_as_it_is(wants, gpu))
		return;
	const struct gpu_want *want = &wants->gpus[gpu];
	if (want->role == ROLE_PASSTHROUGH && want->group->passthrough->n_location_paths) {
		ground->given |= bit;
		return;
	}
	if (wants->partitioned && !want->refused && !wants->count_refused &&
		group_selects(wants, wants->partitioned, gpu))
		ground->partitioned |= bit;
	if (count_differs(wants, gpu))
		ground->changing |= bit;
}

static void see_group(struct ground *ground, const struct gpu_group *group)
{
	const struct wants *wants = ground->wants;
	uint32_t at = ground->n_groups;
	for (uint32_t g = ground->host->first_gpu; g < ground->host->first_gpu + ground->host->n_gpus; g++) {
		uint64_t bit = gpu_bit(wants->input->observed, g);
		if (stays_as_it_is(wants, g) || (ground->given & bit))
			continue;
		ground->wanted[at] += wants->gpus[g].group == group;
		ground->candidates[at] |= group_selects(wants, group, g) ? bit : 0;
	}
	ground->n_groups += ground->wanted[at] > 0;
}

static struct ground look(const struct wants *wants, uint32_t host)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	struct ground ground = { .wants = wants, .host = &wants->input->observed->hosts[host] };
	ground.is_whole = ground.host->n_gpus <= GPUS_PER_HOST_MAX;
	for (uint32_t g = ground.host->first_gpu; g < ground.host->first_gpu + ground.host->n_gpus; g++)
		see_gpu(&ground, g);
	for (uint32_t i = 0; i < cluster->n_gpus && ground.is_whole; i++) {
		const struct gpu_group *group = &cluster->gpus[i];
		ground.is_whole = ground.n_groups < BOUND_GROUPS_MAX;
		if (ground.is_whole && group->passthrough && !group->passthrough->n_location_paths)
			see_group(&ground, group);
	}
	return ground;
}

/* ---- one choice ---- */

struct tally {
	bool impossible; /* it needs a VM that no plan may stop, or leaves no room where nobody can be moved */
	uint32_t stops, moves, roles;
};

/* Partitions on the host once 'passed' are passed through; UINT64_MAX: not known. */
static uint64_t offered_after(const struct ground *ground, uint64_t passed, bool now)
{
	const struct world *world = ground->wants->input->observed;
	uint64_t sum = 0;
	for (uint32_t g = ground->host->first_gpu; g < ground->host->first_gpu + ground->host->n_gpus; g++) {
		uint64_t bit = gpu_bit(world, g);
		bool comes = !now && (ground->dismounted & ground->partitioned & bit);
		if ((!now && (passed & bit)) || !(comes || gpu_offers_partitions(&world->gpus[g])))
			continue;
		struct maybe_u64 count = comes || (!now && (ground->changing & ground->partitioned & bit))
						 ? ground->wants->count
						 : world->gpus[g].count;
		if (!count.known)
			return UINT64_MAX;
		sum += count.value;
	}
	return sum;
}

/* VMs that the host is to keep and that do not fit it: they must leave. */
static uint32_t too_many(const struct ground *ground, uint64_t passed)
{
	uint64_t kept = 0, offered = offered_after(ground, passed, false);
	for (uint32_t i = 0; i < ground->n_holders; i++)
		kept += ground->holders[i].keeps;
	return kept > offered ? (uint32_t)(kept - offered) : 0;
}

static bool is_too_full_now(const struct ground *ground)
{
	uint64_t has = 0;
	for (uint32_t i = 0; i < ground->n_holders; i++)
		has += ground->holders[i].has;
	return has > offered_after(ground, 0, true);
}

static void tally_room(const struct ground *ground, uint32_t excess, struct tally *tally)
{
	if (!excess || is_too_full_now(ground))
		return; /* it fits, or the host breaks the rule already */
	tally->impossible |= ground->wants->input->cluster->type == CLUSTER_STANDALONE;
	tally->moves = MAX(tally->moves, excess);
}

static struct tally tally_of(const struct ground *ground, uint64_t passed)
{
	uint64_t entering = passed & ~ground->dismounted;
	uint64_t leaving = ground->dismounted & ground->partitioned & ~passed;
	uint64_t changing = ground->changing & ground->partitioned & ~passed;
	struct tally tally = { .roles = (uint32_t)(__builtin_popcountll(entering) + __builtin_popcountll(leaving)) };
	uint32_t spared = 0; /* stops that a live move could make needless */
	for (uint32_t i = 0; i < ground->n_holders; i++) {
		const struct holder *holder = &ground->holders[i];
		bool lets_go = (holder->adapters & (entering | changing)) != 0, gives_back = holder->devices & leaving;
		tally.impossible |= holder->is_fixed && (lets_go || gives_back);
		tally.moves += holder->must_leave;
		if (holder->is_fixed)
			continue;
		if (holder->stops || gives_back || (holder->must_leave ? !holder->may_leave : lets_go))
			tally.stops++;
		spared += !holder->stops && !gives_back && !holder->must_leave && lets_go && holder->may_leave;
	}
	uint32_t excess = too_many(ground, passed);
	tally.stops -= MIN(spared, excess + ground->arrivals);
	tally_room(ground, excess, &tally);
	return tally;
}

/* ---- all choices ---- */

static double choices(uint32_t n, uint32_t k)
{
	double product = 1;
	for (uint32_t i = 0; i < k && i < n; i++)
		product = product * (n - i) / (i + 1);
	return product;
}

static bool is_enumerable(const struct ground *ground)
{
	double product = ground->is_whole ? 1 : 2.0 * BOUND_CHOICES_MAX;
	for (uint32_t i = 0; i < ground->n_groups; i++)
		product *= choices((uint32_t)__builtin_popcountll(ground->candidates[i]), ground->wanted[i]);
	return product <= BOUND_CHOICES_MAX;
}

static void least_of(struct tally *least, struct tally other)
{
	if (other.impossible)
		return;
	if (least->impossible) {
		*least = other;
		return;
	}
	least->stops = MIN(least->stops, other.stops);
	least->moves = MIN(least->moves, other.moves);
	least->roles = MIN(least->roles, other.roles);
}

/* Every way to take what group 'at' and those after it still want. 'left': candidates not yet decided upon. */
static void enumerate(
	const struct ground *ground, uint32_t at, uint64_t left, uint32_t more, uint64_t passed, struct tally *least)
{
	if (more == 0 && at + 1 == ground->n_groups) {
		least_of(least, tally_of(ground, passed));
		return;
	}
	if (more == 0) {
		at++;
		enumerate(ground, at, ground->candidates[at] & ~passed, ground->wanted[at], passed, least);
		return;
	}
	if ((uint32_t)__builtin_popcountll(left) < more)
		return;
	uint64_t one = left & -left;
	enumerate(ground, at, left & ~one, more - 1, passed | one, least);
	enumerate(ground, at, left & ~one, more, passed, least);
}

/* What every choice shares. */
static struct tally floor_of(const struct ground *ground)
{
	struct tally tally = { 0 };
	uint64_t candidates = 0;
	uint32_t wanted = 0;
	for (uint32_t i = 0; i < ground->n_groups; i++) {
		candidates |= ground->candidates[i];
		wanted += ground->wanted[i];
	}
	uint32_t there = (uint32_t)__builtin_popcountll(candidates & ground->dismounted);
	if (ground->is_whole)
		tally.roles = (wanted > there ? wanted - there : 0) +
			      (uint32_t)__builtin_popcountll(ground->given & ~ground->dismounted);
	for (uint32_t i = 0; i < ground->n_holders; i++)
		tally.stops += ground->holders[i].stops;
	return tally;
}

static struct tally least_on_host(const struct ground *ground)
{
	struct tally least = { .impossible = true };
	if (is_enumerable(ground) && ground->n_groups)
		enumerate(ground, 0, ground->candidates[0], ground->wanted[0], ground->given, &least);
	else if (is_enumerable(ground))
		least = tally_of(ground, ground->given);
	return least.impossible ? floor_of(ground) : least;
}

/* Per host: how many VMs 'placement: Required' brings there. */
static uint32_t *count_arrivals(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	uint32_t *arrivals = g_new0(uint32_t, world->n_hosts + 1);
	for (uint32_t i = 0; i < world->n_vms; i++) {
		uint32_t host = is_required_elsewhere(wants, i) ? world_find_host(world, wants->vms[i].host) : NO_INDEX;
		if (host != NO_INDEX)
			arrivals[host]++;
	}
	return arrivals;
}

struct plan_least bound_of(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	struct plan_least least = { .known = true };
	if (!wants->input->cluster || wants->input->mode != PLAN_APPLY)
		return least;
	g_autoptr(GArray) holders = g_array_new(FALSE, TRUE, sizeof(struct holder));
	for (uint32_t i = 0; i < world->n_vms; i++)
		add_holder(wants, holders, i);
	g_array_sort(holders, by_host);
	g_autofree uint32_t *arrivals = count_arrivals(wants);
	for (uint32_t host = 0, at = 0; host < world->n_hosts; host++) {
		struct ground ground = look(wants, host);
		ground.arrivals = arrivals[host];
		ground.holders = holders->len ? &g_array_index(holders, struct holder, at) : NULL;
		while (at < holders->len && g_array_index(holders, struct holder, at).host == host) {
			ground.n_holders++;
			at++;
		}
		struct tally tally = least_on_host(&ground);
		least.vms_stopped += tally.stops;
		least.vms_moved += tally.moves;
		least.role_changes += tally.roles;
	}
	return least;
}
