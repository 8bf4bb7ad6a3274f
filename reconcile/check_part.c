/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a part: a small world of some objects, and the plan's steps on them in the order that the whole plan forces. */
#include "reconcile/check_parts.h"

enum { ELSEWHERE_ROOM = 1000000 };
#define ELSEWHERE "~" /* no location path looks like this */

struct maker {
	struct arena *arena;
	const struct part_of *of;
	const struct world *from;
	struct world *world;
	struct rules *rules;
	uint32_t *host_at, *gpu_at, *vm_at; /* per object of the whole world its index here, or NO_INDEX */
	GArray *steps;                      /* uint32_t: kept steps of the plan */
};

static uint32_t *no_indices(uint32_t n)
{
	uint32_t *indices = g_new(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++)
		indices[i] = NO_INDEX;
	return indices;
}

static bool is_few(const struct maker *maker)
{
	return maker->of->host == NO_INDEX;
}

static bool has_device(enum step_kind kind)
{
	return kind == STEP_ADD_DEVICE || kind == STEP_REMOVE_DEVICE;
}

static bool is_kept(const struct maker *maker, const struct step *step)
{
	if (step->kind <= STEP_ADD_DEVICE)
		return maker->vm_at[step->vm] != NO_INDEX &&
		       (!has_device(step->kind) || is_few(maker) != (step->device.pool != NULL));
	if (step->kind == STEP_CREATE_POOL)
		return step->host == maker->of->host;
	bool of_pool = step->kind == STEP_ADD_TO_POOL || step->kind == STEP_REMOVE_FROM_POOL;
	return maker->gpu_at[step->gpu] != NO_INDEX && !(of_pool && is_few(maker));
}

/* ---- the world ---- */

static void keep_steps(struct maker *maker)
{
	for (guint i = 0; i < maker->of->vms->len; i++)
		maker->vm_at[g_array_index(maker->of->vms, uint32_t, i)] = i;
	for (guint i = 0; i < maker->of->gpus->len; i++)
		maker->gpu_at[g_array_index(maker->of->gpus, uint32_t, i)] = 0; /* until they are placed */
	for (uint32_t i = 0; i < maker->of->plan->n_steps; i++)
		if (is_kept(maker, &maker->of->plan->steps[i]))
			g_array_append_val(maker->steps, i);
}

static void keep_hosts(struct maker *maker)
{
	const struct world *from = maker->from;
	uint32_t n = 0;
	for (guint i = 0; i < maker->of->vms->len; i++)
		maker->host_at[from->vms[g_array_index(maker->of->vms, uint32_t, i)].host] = 0;
	for (guint i = 0; i < maker->of->gpus->len; i++)
		maker->host_at[from->gpus[g_array_index(maker->of->gpus, uint32_t, i)].host] = 0;
	for (guint i = 0; i < maker->steps->len; i++) {
		const struct step *step = &maker->of->plan->steps[g_array_index(maker->steps, uint32_t, i)];
		uint32_t to = step->kind == STEP_MOVE_VM ? world_find_host(from, step->to_host) : NO_INDEX;
		if (step->host != NO_INDEX)
			maker->host_at[step->host] = 0;
		if (to != NO_INDEX)
			maker->host_at[to] = 0;
	}
	maker->world->hosts = arena_array(maker->arena, struct host, from->n_hosts);
	for (uint32_t h = 0; h < from->n_hosts; h++) {
		if (maker->host_at[h] == NO_INDEX)
			continue;
		maker->host_at[h] = n;
		maker->world->hosts[n] = from->hosts[h];
		if (is_few(maker))
			maker->world->hosts[n].n_pools = 0;
		if (h != maker->of->host)
			maker->world->hosts[n].memory_free_bytes = UNKNOWN; /* a sum over all its VMs */
		n++;
	}
	maker->world->n_hosts = n;
}

static void keep_gpu(struct maker *maker, uint32_t host, const struct gpu *gpu, uint32_t from)
{
	const struct rules *rules = maker->of->plan->rules;
	struct rules *kept = maker->rules;
	uint32_t at = maker->world->n_gpus++;
	maker->world->gpus[at] = *gpu;
	maker->world->gpus[at].host = host;
	maker->world->hosts[host].n_gpus++;
	((enum gpu_role *)kept->gpu_role)[at] = from == NO_INDEX ? ROLE_NONE : rules->gpu_role[from];
	((bool *)kept->gpu_refused)[at] = from != NO_INDEX && rules->gpu_refused && rules->gpu_refused[from];
	((bool *)kept->gpu_excluded)[at] = from != NO_INDEX && rules->gpu_excluded && rules->gpu_excluded[from];
	if (from != NO_INDEX)
		maker->gpu_at[from] = at;
}

static void keep_gpus(struct maker *maker)
{
	const struct world *from = maker->from;
	uint32_t most = from->n_gpus + maker->world->n_hosts;
	maker->world->gpus = arena_array(maker->arena, struct gpu, most);
	maker->rules->gpu_role = arena_array(maker->arena, enum gpu_role, most);
	maker->rules->gpu_refused = arena_array(maker->arena, bool, most);
	maker->rules->gpu_excluded = arena_array(maker->arena, bool, most);
	for (uint32_t h = 0; h < from->n_hosts; h++) {
		uint32_t here = maker->host_at[h];
		const struct host *host = &from->hosts[h];
		if (here == NO_INDEX)
			continue;
		maker->world->hosts[here].first_gpu = maker->world->n_gpus;
		maker->world->hosts[here].n_gpus = 0;
		for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++)
			if (maker->gpu_at[g] != NO_INDEX)
				keep_gpu(maker, here, &from->gpus[g], g);
		struct gpu elsewhere = { .location_path = ELSEWHERE,
			.state = GPU_PARTITIONABLE,
			.count = KNOWN(ELSEWHERE_ROOM),
			.incoming_live_migration = TRI_YES };
		if (h != maker->of->host)
			keep_gpu(maker, here, &elsewhere, NO_INDEX);
	}
}

/* The same set of GPUs, as this world numbers them. */
static uint64_t gpus_here(const struct maker *maker, uint32_t host, uint64_t gpus)
{
	const struct host *from = &maker->from->hosts[host], *here = &maker->world->hosts[maker->host_at[host]];
	uint64_t set = 0;
	for (; gpus; gpus &= gpus - 1) {
		uint32_t g = from->first_gpu + (uint32_t)__builtin_ctzll(gpus);
		uint32_t at = g < maker->from->n_gpus && maker->gpu_at[g] != NO_INDEX
				      ? maker->gpu_at[g]
				      : here->first_gpu + here->n_gpus - 1;
		set |= (uint64_t)1 << (at - here->first_gpu);
	}
	return set;
}

static void keep_vm(struct maker *maker, uint32_t from, uint32_t at)
{
	struct vm *vm = &maker->world->vms[at];
	*vm = maker->from->vms[from];
	struct adapter *adapters = arena_copy(maker->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
	struct device *devices = arena_array(maker->arena, struct device, vm->n_devices);
	uint32_t n_devices = 0;
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		adapters[i].gpus = gpus_here(maker, vm->host, adapters[i].gpus);
	for (uint32_t i = 0; i < vm->n_devices; i++)
		if (is_few(maker) != (vm->devices[i].pool != NULL))
			devices[n_devices++] = vm->devices[i];
	vm->host = maker->host_at[vm->host];
	vm->adapters = adapters;
	vm->devices = devices;
	vm->n_devices = n_devices;
}

static void keep_vms(struct maker *maker)
{
	const struct rules *rules = maker->of->plan->rules;
	uint32_t n = maker->of->vms->len;
	enum vm_ownership *ownership = arena_array(maker->arena, enum vm_ownership, n);
	struct maybe_u64 *low = arena_array(maker->arena, struct maybe_u64, n);
	struct maybe_u64 *high = arena_array(maker->arena, struct maybe_u64, n);
	maker->world->vms = arena_array(maker->arena, struct vm, n);
	maker->world->n_vms = n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = g_array_index(maker->of->vms, uint32_t, i);
		keep_vm(maker, from, i);
		ownership[i] = rules->vm_ownership[from];
		low[i] = rules->vm_mmio_low ? rules->vm_mmio_low[from] : UNKNOWN;
		high[i] = rules->vm_mmio_high ? rules->vm_mmio_high[from] : UNKNOWN;
	}
	maker->rules->vm_ownership = ownership;
	maker->rules->vm_mmio_low = low;
	maker->rules->vm_mmio_high = high;
}

/* ---- the steps ---- */

/* Who leads the object of the step: objects are numbered VMs first, then GPUs, then hosts. */
static uint32_t leader_of(const struct maker *maker, const struct step *step)
{
	uint32_t n_vms = maker->from->n_vms, n_gpus = maker->from->n_gpus;
	if (step->kind <= STEP_ADD_DEVICE)
		return maker->of->vm_leads ? maker->of->vm_leads[step->vm] : step->vm;
	if (step->kind == STEP_CREATE_POOL)
		return n_vms + n_gpus + step->host;
	return n_vms + (maker->of->gpu_leads ? maker->of->gpu_leads[step->gpu] : step->gpu);
}

static uint32_t object_of(const struct maker *maker, const struct step *step)
{
	if (step->kind <= STEP_ADD_DEVICE)
		return step->vm;
	return maker->from->n_vms + (step->kind == STEP_CREATE_POOL ? maker->from->n_gpus + step->host : step->gpu);
}

/* The number of the step's node: the how manieth step of its leader it is like. False: there are too many. */
static bool number_nodes(const struct maker *maker, uint32_t *node_of, struct part *out)
{
	uint32_t n_objects = maker->from->n_vms + maker->from->n_gpus + maker->from->n_hosts;
	g_autofree uint32_t *rank = g_new0(uint32_t, n_objects + 1);
	g_autoptr(GHashTable) nodes = g_hash_table_new(g_direct_hash, g_direct_equal);
	for (guint i = 0; i < maker->steps->len; i++) {
		const struct step *step = &maker->of->plan->steps[g_array_index(maker->steps, uint32_t, i)];
		uint32_t nth = rank[object_of(maker, step)]++;
		gpointer key = GSIZE_TO_POINTER((gsize)leader_of(maker, step) * 256 + MIN(nth, 255));
		gpointer known = NULL;
		if (!g_hash_table_lookup_extended(nodes, key, NULL, &known)) {
			if (out->n_nodes == PART_NODES_MAX)
				return false;
			known = GUINT_TO_POINTER(out->n_nodes++);
			g_hash_table_insert(nodes, key, known);
		}
		node_of[i] = GPOINTER_TO_UINT(known);
		out->nodes[node_of[i]].n++;
	}
	return true;
}

static struct step step_here(const struct maker *maker, const struct step *step)
{
	struct step here = *step;
	here.host = step->host == NO_INDEX ? NO_INDEX : maker->host_at[step->host];
	here.vm = step->vm == NO_INDEX ? NO_INDEX : maker->vm_at[step->vm];
	here.gpu = step->gpu == NO_INDEX ? NO_INDEX : maker->gpu_at[step->gpu];
	return here;
}

/* Puts the steps node by node. What comes before what is the order of the whole plan. */
static void place_steps(struct maker *maker, const uint32_t *node_of, struct part *out, GArray *steps_out)
{
	uint32_t n = maker->steps->len, first = 0;
	struct step *steps = arena_array(maker->arena, struct step, n);
	g_autofree uint32_t *filled = g_new0(uint32_t, out->n_nodes + 1);
	for (uint32_t node = 0; node < out->n_nodes; node++) {
		out->nodes[node].first = first;
		first += out->nodes[node].n;
	}
	g_array_set_size(steps_out, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = g_array_index(maker->steps, uint32_t, i);
		uint32_t at = out->nodes[node_of[i]].first + filled[node_of[i]]++;
		steps[at] = step_here(maker, &maker->of->plan->steps[from]);
		g_array_index(steps_out, uint32_t, at) = from;
	}
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (node_of[i] != node_of[k] &&
				reach_before(maker->of->reach, g_array_index(maker->steps, uint32_t, k),
					g_array_index(maker->steps, uint32_t, i)))
				out->nodes[node_of[i]].before |= (uint64_t)1 << node_of[k];
	out->steps = steps;
}

bool part_make(struct arena *arena, const struct part_of *of, struct part *out, GArray *steps_out)
{
	const struct world *from = of->plan->observed;
	g_autofree uint32_t *host_at = no_indices(from->n_hosts), *gpu_at = no_indices(from->n_gpus);
	g_autofree uint32_t *vm_at = no_indices(from->n_vms);
	g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct maker maker = {
		.arena = arena,
		.of = of,
		.from = from,
		.world = arena_new_of(arena, struct world),
		.rules = arena_copy(arena, of->plan->rules, sizeof(struct rules)),
		.host_at = host_at,
		.gpu_at = gpu_at,
		.vm_at = vm_at,
		.steps = steps,
	};
	keep_steps(&maker);
	keep_hosts(&maker);
	keep_gpus(&maker);
	keep_vms(&maker);
	*out = (struct part){ .world = maker.world, .rules = maker.rules, .at_start = of->at_start };
	g_autofree uint32_t *node_of = g_new0(uint32_t, steps->len + 1);
	if (!number_nodes(&maker, node_of, out))
		return false;
	place_steps(&maker, node_of, out, steps_out);
	return true;
}
