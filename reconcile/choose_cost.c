/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/choose_cost.h"

#include "reconcile/choose.h"

#include <string.h>

/* ---- looking at GPUs ---- */

static uint64_t gpus_where(const struct wants *wants, const struct gpu_group *group, const struct host *host,
	bool (*is)(const struct wants *wants, const struct gpu_group *group, uint32_t gpu))
{
	uint64_t mask = 0;
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++)
		if (is(wants, group, g))
			mask |= gpu_bit(wants->input->observed, g);
	return mask;
}

static bool is_given(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	(void)group;
	return wants->gpus[gpu].group != NULL;
}

static bool is_dismounted(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	(void)group;
	return wants->input->observed->gpus[gpu].state == GPU_DISMOUNTED;
}

static bool is_failed(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	(void)group;
	return wants->input->observed->gpus[gpu].state == GPU_FAILED;
}

static bool is_member(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct pool *pool = gpu_pool(wants->input->observed, gpu);
	return pool && (!group || strcmp(pool->name, group_pool_name(wants->arena, wants->input->cluster, group)) == 0);
}

static bool cannot_be_passed(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	if (it->state == GPU_DISMOUNTED)
		return false;
	return wants->gpus[gpu].frozen ||
	       (it->mitigation_driver == TRI_NO && group->passthrough->dismount != DISMOUNT_FORCE);
}

static bool stays_itself(const struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	return wants->gpus[gpu].frozen || (it->state != GPU_PARTITIONABLE && it->state != GPU_DISMOUNTED);
}

static bool is_left_for_partitions(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	return group && choose_is_free(wants, group, gpu) && !stays_itself(wants, gpu);
}

static bool has_another_count(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	return is_left_for_partitions(wants, group, gpu) && it->state == GPU_PARTITIONABLE &&
	       gpu_lists_count(it, (uint32_t)group->partition_count.value) &&
	       !maybe_equal(it->count, group->partition_count);
}

static bool does_not_list(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	return is_left_for_partitions(wants, group, gpu) && it->n_valid_counts &&
	       !gpu_lists_count(it, (uint32_t)group->partition_count.value);
}

static void look_at_groups(const struct wants *wants, struct choice_host *look)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	for (uint32_t i = 0; i < cluster->n_gpus && look->n_groups < CHOICE_GROUPS_MAX; i++) {
		const struct gpu_group *group = &cluster->gpus[i];
		if (!group->passthrough || group->passthrough->n_location_paths)
			continue;
		uint32_t at = look->n_groups++;
		look->groups[at] = group;
		look->candidates[at] = gpus_where(wants, group, look->host, choose_is_free);
		look->forbidden[at] = gpus_where(wants, group, look->host, cannot_be_passed);
		look->pooled[at] = gpus_where(wants, group, look->host, is_member);
	}
}

static struct choice_host look_at_host(const struct wants *wants, uint32_t host)
{
	const struct gpu_group *rest = wants->partitioned;
	struct choice_host look = {
		.world = wants->input->observed,
		.host = &wants->input->observed->hosts[host],
		.has_pools = wants->input->cluster->type == CLUSTER_FAILOVER,
		.count = rest ? rest->partition_count : UNKNOWN,
	};
	look_at_groups(wants, &look);
	look.given = gpus_where(wants, NULL, look.host, is_given);
	look.failed = gpus_where(wants, NULL, look.host, is_failed);
	look.dismounted = gpus_where(wants, NULL, look.host, is_dismounted);
	look.in_pool = gpus_where(wants, NULL, look.host, is_member);
	look.partitioned = gpus_where(wants, rest, look.host, is_left_for_partitions);
	look.unlisted = gpus_where(wants, rest, look.host, does_not_list);
	look.differing = gpus_where(wants, rest, look.host, has_another_count);
	return look;
}

/* ---- looking at VMs ---- */

static uint32_t group_index(const struct choice_host *look, const struct gpu_group *group)
{
	for (uint32_t i = 0; i < look->n_groups; i++)
		if (look->groups[i] == group)
			return i;
	return NO_INDEX;
}

static bool is_managed(const struct vm_want *want)
{
	return want->ownership == VM_MANAGED && want->group && !want->refused;
}

/* Who is neither managed nor ours, nor owed anything, is unmanaged: that is told only after GPUs are chosen. */
static bool is_unmanaged(const struct vm_want *want)
{
	return want->ownership != VM_MANAGED && want->ownership != VM_OURS && want->debt != DEBT_OPEN;
}

static bool loses_adapters(const struct vm_want *want)
{
	return want->ownership == VM_OURS || (is_managed(want) && want->group->passthrough);
}

static void look_at_adapters(const struct wants *wants, const struct vm *it, bool stays, struct choice_vm *look)
{
	struct vm off = *it;
	off.state = VM_OFF;
	look->n_adapters = it->n_adapters;
	for (uint32_t a = 0; a < it->n_adapters; a++) {
		const struct adapter *adapter = &it->adapters[a];
		look->adapters |= look->is_off ? 0 : adapter_gpus(wants->input->observed, it, adapter);
		if (!stays)
			continue;
		look->pins |= adapter_pins(wants->input->observed, it, adapter);
		/* unpinned, it could be on a GPU that is mounted on the way, too */
		look->in_the_way |= adapter->pin ? adapter_gpus(wants->input->observed, &off, adapter) : UINT64_MAX;
	}
}

static void look_at_devices(const struct choice_host *host, const struct vm *it, struct choice_vm *look)
{
	for (uint32_t d = 0; d < it->n_devices; d++) {
		struct vm probe = *it;
		if (look->is_off && it->devices[d].pool)
			continue; /* an off VM keeps from its role only what it names */
		probe.devices = &it->devices[d];
		probe.n_devices = 1;
		for (uint32_t g = host->host->first_gpu; g < host->host->first_gpu + host->host->n_gpus; g++) {
			uint64_t bit = gpu_bit(host->world, g);
			if (!vm_device_could_be(host->world, &probe, g))
				continue;
			look->devices |= bit;
			look->paths |= it->devices[d].location_path ? bit : 0;
			if (it->devices[d].location_path && look->group != NO_INDEX)
				look->named |= host->candidates[look->group] & bit;
		}
	}
}

static uint32_t devices_of_pool(const struct wants *wants, const struct vm *it, const struct gpu_group *group)
{
	const char *pool = group_pool_name(wants->arena, wants->input->cluster, group);
	uint32_t n = 0;
	for (uint32_t d = 0; d < it->n_devices; d++)
		n += it->devices[d].pool && strcmp(it->devices[d].pool, pool) == 0;
	return n;
}

/* Nobody stops a VM that would not start again ('fit-to-start'). What is not told here is set before the start. */
static bool would_not_start(const struct vm *vm)
{
	bool unequal = vm->memory_startup_bytes.known && vm->memory_minimum_bytes.known &&
		       vm->memory_startup_bytes.value != vm->memory_minimum_bytes.value;
	return vm->n_adapters && ((vm->generation && vm->generation != 2) || (vm->dynamic_memory && unequal));
}

/* Its own parts change, whatever is chosen. */
static bool is_off_anyway(const struct wants *wants, const struct vm_want *want, const struct vm *it)
{
	if (want->ownership == VM_OURS)
		return it->n_adapters || it->n_devices;
	if (it->n_adapters && loses_adapters(want))
		return true;
	if (!is_managed(want))
		return false;
	if (!want->group->passthrough)
		return !it->n_adapters || it->n_devices;
	return wants->input->cluster->type == CLUSTER_FAILOVER &&
	       devices_of_pool(wants, it, want->group) < want->assignment->count;
}

static struct choice_vm look_at_vm(const struct wants *wants, const struct choice_host *host, uint32_t vm)
{
	const struct vm_want *want = &wants->vms[vm];
	const struct vm *it = &wants->input->observed->vms[vm];
	enum unmanaged_mode mode = wants->input->cluster->unmanaged;
	bool loses = loses_adapters(want), partition = is_managed(want) && !want->group->passthrough;
	struct choice_vm look = {
		.is_off = vm_is_off(it),
		.is_fixed = want->frozen || want->excluded || want->debt == DEBT_IN_PROGRESS ||
			    (is_unmanaged(want) && mode == UNMANAGED_REPORT) ||
			    (!vm_is_off(it) && (!vm_can_stop(it) || (!loses && would_not_start(it)))),
		.pins_are_fixed = want->ownership != VM_MANAGED && !loses && mode != UNMANAGED_REMOVE,
		.is_stripped = is_unmanaged(want) && mode == UNMANAGED_REMOVE,
		.group = is_managed(want) ? group_index(host, want->group) : NO_INDEX,
		.keeps = vm_is_running(it) && !loses ? it->n_adapters : 0,
		.gains = vm_is_running(it) && partition && !it->n_adapters,
	};
	if (look.group != NO_INDEX && (!host->has_pools || !look.is_off))
		look.wants = want->assignment->count;
	look_at_adapters(wants, it, !loses, &look);
	look_at_devices(host, it, &look);
	look.stops_anyway = !look.is_fixed && !look.is_off && is_off_anyway(wants, want, it);
	return look;
}

static void look_at_vms(const struct wants *wants, GArray *hosts)
{
	const struct world *world = wants->input->observed;
	g_autofree uint32_t *n = g_new0(uint32_t, world->n_hosts);
	for (uint32_t i = 0; i < world->n_vms; i++)
		n[world->vms[i].host]++;
	for (uint32_t host = 0; host < world->n_hosts; host++)
		g_array_index(hosts, struct choice_host, host).vms =
			arena_array(wants->arena, struct choice_vm, n[host]);
	for (uint32_t i = 0; i < world->n_vms; i++) {
		struct choice_host *host = &g_array_index(hosts, struct choice_host, world->vms[i].host);
		struct choice_vm look = look_at_vm(wants, host, i);
		if (look.n_adapters || look.devices || look.gains || look.wants)
			host->vms[host->n_vms++] = look;
	}
}

GArray *choice_look(const struct wants *wants)
{
	GArray *hosts = g_array_new(FALSE, TRUE, sizeof(struct choice_host));
	for (uint32_t host = 0; host < wants->input->observed->n_hosts; host++) {
		struct choice_host look = look_at_host(wants, host);
		g_array_append_val(hosts, look);
	}
	look_at_vms(wants, hosts);
	return hosts;
}

/* ---- the cost of a choice ---- */

struct effect { /* of a choice, on GPUs; what would be refused is taken out again */
	uint64_t passed, entering, leaving, changing;
	uint64_t shifting; /* stays dismounted, in another pool than its group's */
	uint32_t barred, refused;
	bool refuses_count;
};

static uint32_t bits(uint64_t mask)
{
	return (uint32_t)__builtin_popcountll(mask);
}

static struct effect effect_of(const struct choice_host *host, const uint64_t *passed)
{
	struct effect effect = { .passed = host->given };
	for (uint32_t i = 0; i < host->n_groups; i++) {
		effect.passed |= passed[i];
		effect.shifting |= host->has_pools ? passed[i] & host->in_pool & ~host->pooled[i] : 0;
	}
	effect.entering = effect.passed & ~host->dismounted & ~host->failed;
	effect.leaving = host->dismounted & host->partitioned & ~effect.passed;
	effect.changing = host->differing & ~effect.passed;
	return effect;
}

static void refuse_roles(struct effect *effect, uint64_t gpus)
{
	effect->barred += bits((effect->entering | effect->shifting) & gpus);
	effect->refused += bits(effect->leaving & gpus);
	effect->entering &= ~gpus;
	effect->leaving &= ~gpus;
	effect->shifting &= ~gpus;
}

/* A GPU does not come back without its count (resolve_gpu.c). */
static void refuse_counts(struct effect *effect)
{
	effect->refused += MAX(1, bits(effect->changing | effect->leaving));
	effect->changing = effect->leaving = 0;
	effect->refuses_count = true;
}

/* What VMs that nobody may touch, and missing drivers, keep from changing. */
static void leave_out_barred(const struct choice_host *host, const uint64_t *passed, struct effect *effect)
{
	uint64_t enters = 0, leaves = 0;
	bool count = (host->unlisted & ~effect->passed) != 0;
	for (uint32_t i = 0; i < host->n_groups; i++)
		enters |= passed[i] & host->forbidden[i];
	for (uint32_t i = 0; i < host->n_vms; i++) {
		const struct choice_vm *vm = &host->vms[i];
		if (vm->is_fixed || vm->pins_are_fixed) {
			enters |= vm->pins;
			leaves |= vm->paths;
		}
		if (!vm->is_fixed)
			continue;
		enters |= vm->adapters;
		leaves |= vm->devices;
		count |= (vm->adapters & effect->changing) ||
			 (vm->is_off && (vm->in_the_way & (effect->changing | effect->leaving)));
	}
	refuse_roles(effect, (effect->entering & enters) | ((effect->leaving | effect->shifting) & leaves));
	if (count)
		refuse_counts(effect);
}

static uint64_t offered(const struct choice_host *host, const struct effect *effect)
{
	uint64_t sum = 0;
	for (uint32_t g = host->host->first_gpu; g < host->host->first_gpu + host->host->n_gpus; g++) {
		uint64_t bit = gpu_bit(host->world, g);
		const struct gpu *it = &host->world->gpus[g];
		bool comes = (effect->leaving & bit) != 0;
		if ((effect->entering & bit) || !(comes || gpu_offers_partitions(it)))
			continue;
		struct maybe_u64 count = comes || (effect->changing & bit) ? host->count : it->count;
		if (!count.known)
			return UINT64_MAX;
		sum += count.value;
	}
	return sum;
}

static bool lets_go(const struct choice_vm *vm, const struct effect *effect)
{
	return (vm->adapters & (effect->entering | effect->changing)) || (vm->pins & effect->entering) ||
	       (vm->is_off && vm->in_the_way & (effect->changing | effect->leaving)) ||
	       (vm->devices & (effect->leaving | effect->shifting));
}

/* Running VMs must fit; what gives way when they do not is the same as in refuse_capacity.c. */
static void leave_out_unroomy(const struct choice_host *host, struct effect *effect)
{
	uint64_t kept = 0, gained = 0;
	for (uint32_t i = 0; i < host->n_vms; i++) {
		if (!host->vms[i].is_stripped || !lets_go(&host->vms[i], effect))
			kept += host->vms[i].keeps;
		gained += host->vms[i].gains;
	}
	if (kept > offered(host, effect))
		refuse_roles(effect, effect->entering);
	if (kept > offered(host, effect) && (effect->changing | effect->leaving))
		refuse_counts(effect);
	uint64_t room = offered(host, effect);
	if (kept + gained > room)
		effect->refused += (uint32_t)MIN(gained, kept + gained - room);
}

/* VMs of a group that find all of its GPUs taken: by others of them, or by VMs that keep what they have. */
static void leave_out_unserved(const struct choice_host *host, const uint64_t *passed, struct effect *effect)
{
	for (uint32_t group = 0; group < host->n_groups; group++) {
		uint64_t free = passed[group] & ~host->failed;
		uint32_t wanted = 0;
		for (uint32_t i = 0; i < host->n_vms; i++) {
			const struct choice_vm *vm = &host->vms[i];
			bool stays = vm->is_fixed || vm->pins_are_fixed || (vm->is_stripped && !lets_go(vm, effect));
			uint32_t has = vm->group == group ? bits(vm->paths & free) : 0;
			if (host->has_pools) { /* any of the pool's: who keeps one takes one, whichever */
				wanted += stays && vm->group != group && (vm->devices & host->pooled[group]);
				wanted += vm->group == group ? vm->wants : 0;
				continue;
			}
			wanted += vm->group == group && vm->wants > has ? vm->wants - has : 0;
			if (stays || has)
				free &= ~vm->paths;
		}
		effect->refused += wanted > bits(free) ? wanted - bits(free) : 0;
	}
}

static uint32_t gpu_steps(const struct choice_host *host, const struct effect *effect, const uint64_t *passed)
{
	uint64_t joining = 0;
	for (uint32_t i = 0; i < host->n_groups && host->has_pools; i++)
		joining |= passed[i] & ~host->pooled[i] & (effect->entering | effect->shifting | host->dismounted);
	return bits(effect->entering) + bits(joining) + bits(effect->shifting) + bits(effect->leaving & host->in_pool) +
	       2 * bits(effect->leaving) + bits(effect->changing);
}

static void add_vm(
	const struct choice_vm *vm, const struct effect *effect, const uint64_t *passed, struct choice_cost *cost)
{
	uint64_t renamed = vm->group != NO_INDEX ? vm->named & ~passed[vm->group] : 0;
	bool goes = lets_go(vm, effect), stripped = vm->is_stripped && goes;
	bool cycles = vm->is_off ? vm->in_the_way & (effect->changing | effect->leaving)
				 : vm->in_the_way && (vm->adapters & effect->changing);
	bool unpins = vm->pins & effect->entering;
	if (!vm->is_off && !vm->stops_anyway && (goes || renamed)) {
		cost->stops++;
		cost->steps += 2;
	}
	if (stripped)
		cost->steps += vm->n_adapters + bits(vm->paths);
	else if (cycles || unpins)
		cost->steps += 2 * vm->n_adapters;
	cost->steps += 2 * bits(renamed); /* it gets another one */
}

struct choice_cost choice_cost(const struct choice_host *host, const uint64_t *passed)
{
	struct effect effect = effect_of(host, passed);
	leave_out_barred(host, passed, &effect);
	leave_out_unroomy(host, &effect);
	leave_out_unserved(host, passed, &effect);
	struct choice_cost cost = {
		.failed = bits(effect.passed & host->failed),
		.barred = effect.barred,
		.refused = effect.refused,
		.roles = bits(effect.entering) + bits(effect.leaving),
		.steps = gpu_steps(host, &effect, passed),
		.refuses_count = effect.refuses_count,
	};
	for (uint32_t i = 0; i < host->n_vms; i++)
		if (!host->vms[i].is_fixed)
			add_vm(&host->vms[i], &effect, passed, &cost);
	return cost;
}

void choice_keep_counts(struct choice_host *host)
{
	host->differing = host->partitioned = host->unlisted = 0;
}

bool choice_is_less(struct choice_cost a, struct choice_cost b)
{
	if (a.failed != b.failed)
		return a.failed < b.failed;
	if (a.barred != b.barred)
		return a.barred < b.barred;
	if (a.refused != b.refused)
		return a.refused < b.refused;
	if (a.stops != b.stops)
		return a.stops < b.stops;
	if (a.roles != b.roles)
		return a.roles < b.roles;
	return a.steps < b.steps;
}
