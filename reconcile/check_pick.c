/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of a plan are explored, so that nothing that an order could break is missed. Why these are enough is in
 * docs/decisions/0003-checking-every-order.md: what an invariant says is about two VMs and two GPUs at most, or a sum
 * over one host. Parts that are the same but for names are explored once.
 */
#include "reconcile/check_objects.h"

enum { ALIKE_KEPT = 2 };

static bool matters_vm(const struct picker *picker, const struct object *vm)
{
	const struct vm *it = &picker->world->vms[vm->at];
	return vm->n_steps || it->n_adapters || it->n_devices;
}

static bool matters_gpu(const struct picker *picker, const struct object *gpu)
{
	return gpu->n_steps || picker->plan->rules->gpu_role[gpu->at] != ROLE_NONE;
}

/* ---- exploring ---- */

static enum checked explore_part(struct picker *picker, const struct part_of *of)
{
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) path = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct part part;
	if (!part_make(arena, of, &part, steps))
		return CHECKED_UNSURE;
	enum checked result = explore(&part, picker->states_max, path);
	if (result != CHECKED_BROKEN)
		return result;
	for (guint i = 0; i < path->len; i++)
		g_array_index(path, uint32_t, i) = g_array_index(steps, uint32_t, g_array_index(path, uint32_t, i));
	result = check_path(picker->plan, picker->reach, path, picker->diags);
	return result == CHECKED_BROKEN ? result : CHECKED_UNSURE;
}

/* Explores on; false when the search is over because something is broken. */
static bool go_on(struct picker *picker, enum checked result)
{
	picker->unsure |= result == CHECKED_UNSURE;
	return result != CHECKED_BROKEN;
}

static void insert(GArray *set, uint32_t item)
{
	guint at = 0;
	while (at < set->len && g_array_index(set, uint32_t, at) < item)
		at++;
	if (at == set->len || g_array_index(set, uint32_t, at) != item)
		g_array_insert_val(set, at, item);
}

/* Is it the first of its like? */
static bool is_first(struct picker *picker, uint32_t what)
{
	return g_hash_table_add(picker->seen, GUINT_TO_POINTER(what));
}

/* Two VMs and two GPUs at most, and the GPUs that the VMs name; NO_INDEX where there is none. */
static bool explore_few(struct picker *picker, const uint32_t vms[2], const uint32_t gpus[2])
{
	g_autoptr(GArray) of_vms = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) of_gpus = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (int i = 0; i < 2; i++) {
		if (gpus[i] != NO_INDEX)
			insert(of_gpus, gpus[i]);
		if (vms[i] == NO_INDEX)
			continue;
		insert(of_vms, vms[i]);
		for (uint32_t k = 0; k < picker->vms[vms[i]].n_named; k++)
			insert(of_gpus, picker->vms[vms[i]].named[k]);
	}
	if (!is_first(picker, describe(picker, of_vms, of_gpus)))
		return true;
	struct part_of of = { picker->plan, picker->reach, picker->at_start, of_vms, of_gpus, NO_INDEX, NULL, NULL };
	return go_on(picker, explore_part(picker, &of));
}

/* ---- one host ---- */

struct pair { /* a VM with a partition, or none, and a GPU of one host */
	uint32_t vm, gpu;
};

struct on_host {
	GArray *vms, *gpus; /* uint32_t: that have something to do with the host, and matter */
	uint32_t like;      /* the same number: a host with the same in it, in the same order */
	GArray *pairs;      /* struct pair */
	GArray *classes;    /* const struct object *: one of each kind of twins, in order */
	bool moves;         /* a VM comes or goes */
};

static bool visits(const struct object *object, uint32_t host)
{
	return object->hosts[0] == host || (object->n_hosts == 2 && object->hosts[1] == host);
}

static void on_host_fill(const struct picker *picker, uint32_t host, struct on_host *on)
{
	const struct host *it = &picker->world->hosts[host];
	on->vms = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	on->gpus = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	on->pairs = g_array_new(FALSE, FALSE, sizeof(struct pair));
	on->classes = g_array_new(FALSE, FALSE, sizeof(const struct object *));
	for (uint32_t v = 0; v < picker->world->n_vms; v++)
		if (visits(&picker->vms[v], host) && matters_vm(picker, &picker->vms[v]))
			g_array_append_val(on->vms, v);
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		if (matters_gpu(picker, &picker->gpus[g]))
			g_array_append_val(on->gpus, g);
}

static bool same_places(const struct picker *picker, uint32_t a, uint32_t b)
{
	const struct vm *left = &picker->world->vms[a], *right = &picker->world->vms[b];
	if (picker->vms[a].twins != picker->vms[b].twins || picker->vms[a].n_named != picker->vms[b].n_named)
		return false;
	for (uint32_t i = 0; i < picker->vms[a].n_named; i++)
		if (picker->vms[a].named[i] != picker->vms[b].named[i])
			return false;
	for (uint32_t i = 0; i < left->n_adapters; i++)
		if (left->adapters[i].gpus != right->adapters[i].gpus)
			return false;
	return true;
}

/* Of VMs that only their names tell apart, two are enough: no more occur together. */
static GArray *some_of_each(const struct picker *picker, const GArray *vms)
{
	GArray *kept = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (guint i = 0; i < vms->len; i++) {
		uint32_t vm = g_array_index(vms, uint32_t, i);
		uint32_t alike = 0;
		for (guint k = 0; k < kept->len; k++)
			alike += same_places(picker, vm, g_array_index(kept, uint32_t, k));
		if (alike < ALIKE_KEPT)
			g_array_append_val(kept, vm);
	}
	return kept;
}

static uint32_t item_or_none(const GArray *items, guint i)
{
	return i < items->len ? g_array_index(items, uint32_t, i) : NO_INDEX;
}

/* All pairs of VMs with all pairs of GPUs; where there is one, it alone. */
static bool explore_pairs(struct picker *picker, const GArray *vms, const GArray *gpus)
{
	guint n_vms = MAX(vms->len, 2), n_gpus = MAX(gpus->len, 2);
	for (guint v = 0; v < n_vms; v++)
		for (guint w = v + 1; w < n_vms; w++)
			for (guint g = 0; g < n_gpus; g++)
				for (guint c = g + 1; c < n_gpus; c++)
					if (!explore_few(picker,
						    (uint32_t[]){ item_or_none(vms, v), item_or_none(vms, w) },
						    (uint32_t[]){ item_or_none(gpus, g), item_or_none(gpus, c) }))
						return false;
	return true;
}

/* Per object of the list who leads it: the first of its twins that is not 'alone'. True when someone is led. */
static uint32_t *leads_of(const struct object *objects, uint32_t n, const GArray *list, uint32_t alone, GArray *classes)
{
	uint32_t *leads = g_new(uint32_t, n + 1);
	for (uint32_t i = 0; i < n; i++)
		leads[i] = i;
	for (guint i = 0; i < list->len; i++) {
		uint32_t it = g_array_index(list, uint32_t, i);
		for (guint k = 0; k < i && it != alone; k++) {
			uint32_t other = g_array_index(list, uint32_t, k);
			if (other == alone || objects[other].twins != objects[it].twins)
				continue;
			leads[it] = leads[other];
			break;
		}
		if (leads[it] == it && objects[it].n_steps && it != alone && classes)
			g_array_append_val(classes, it);
	}
	return leads;
}

/* The host with all it has: twins move together, but for one VM or GPU in turn, one of each class. */
static bool explore_host(struct picker *picker, uint32_t host, const struct on_host *on)
{
	const struct host *it = &picker->world->hosts[host];
	g_autoptr(GArray) gpus = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) vm_classes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	g_autoptr(GArray) gpu_classes = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		g_array_append_val(gpus, g);
	uint32_t n_vms = picker->world->n_vms, n_gpus = picker->world->n_gpus;
	g_free(leads_of(picker->vms, n_vms, on->vms, NO_INDEX, vm_classes));
	g_free(leads_of(picker->gpus, n_gpus, gpus, NO_INDEX, gpu_classes));
	for (guint i = 0; i < vm_classes->len + gpu_classes->len; i++) {
		bool is_vm = i < vm_classes->len;
		uint32_t vm = is_vm ? g_array_index(vm_classes, uint32_t, i) : NO_INDEX;
		uint32_t gpu = is_vm ? NO_INDEX : g_array_index(gpu_classes, uint32_t, i - vm_classes->len);
		g_autofree uint32_t *vm_leads = leads_of(picker->vms, n_vms, on->vms, vm, NULL);
		g_autofree uint32_t *gpu_leads = leads_of(picker->gpus, n_gpus, gpus, gpu, NULL);
		struct part_of of = { picker->plan, picker->reach, picker->at_start, on->vms, gpus, host, vm_leads,
			gpu_leads };
		if (!go_on(picker, explore_part(picker, &of)))
			return false;
	}
	return true;
}

/* How many of each sort there are, and what the host's pools are: sums depend on it. */
static uint32_t describe_host(struct picker *picker, uint32_t host, const struct on_host *on)
{
	const struct host *it = &picker->world->hosts[host];
	put_text(picker, "host");
	put(picker, on->like);
	for (guint i = 0; i < on->vms->len; i++)
		put(picker, picker->vms[g_array_index(on->vms, uint32_t, i)].sort);
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		put(picker, picker->gpus[g].sort);
	for (uint32_t i = 0; i < it->n_pools; i++) {
		put_text(picker, it->pools[i].name);
		put(picker, it->pools[i].n_members);
	}
	put_maybe(picker, it->memory_free_bytes);
	for (uint32_t i = 0; i < picker->plan->n_steps; i++)
		if (picker->plan->steps[i].kind == STEP_CREATE_POOL && picker->plan->steps[i].host == host)
			put_text(picker, picker->plan->steps[i].pool);
	return number(picker);
}

static bool check_one_host(struct picker *picker, uint32_t host, struct on_host *on)
{
	g_autoptr(GArray) some = some_of_each(picker, on->vms);
	on->like = describe(picker, some, on->gpus);
	if (!is_first(picker, describe_host(picker, host, on)))
		return true;
	return explore_host(picker, host, on) && explore_pairs(picker, some, on->gpus);
}

/* ---- two hosts ---- */

/* Has, or comes to have, a partition. */
static bool has_partition(const struct picker *picker, const struct object *vm)
{
	bool has = picker->world->vms[vm->at].n_adapters > 0;
	for (uint32_t i = 0; i < vm->n_steps; i++)
		has |= picker->plan->steps[vm->steps[i]].kind == STEP_ADD_ADAPTER;
	return has;
}

/* One pair of each sort. */
static void fill_pairs(struct picker *picker, struct on_host *on)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
	for (guint g = 0; g < on->gpus->len; g++) {
		uint32_t gpu = g_array_index(on->gpus, uint32_t, g);
		bool alone = true;
		for (guint v = 0; v < on->vms->len; v++) {
			struct pair pair = { g_array_index(on->vms, uint32_t, v), gpu };
			if (!has_partition(picker, &picker->vms[pair.vm]))
				continue;
			alone = false;
			put(picker, picker->vms[pair.vm].twins);
			put(picker, picker->gpus[gpu].twins);
			put(picker, ties(picker, &picker->vms[pair.vm], &picker->gpus[gpu]));
			if (g_hash_table_add(seen, GUINT_TO_POINTER(number(picker))))
				g_array_append_val(on->pairs, pair);
		}
		struct pair pair = { NO_INDEX, gpu };
		if (alone && g_hash_table_add(seen, GUINT_TO_POINTER(picker->gpus[gpu].twins)))
			g_array_append_val(on->pairs, pair);
	}
}

static void add_class(struct on_host *on, const struct object *object)
{
	on->moves |= object->n_hosts > 1;
	for (guint i = 0; i < on->classes->len; i++)
		if (g_array_index(on->classes, const struct object *, i)->twins == object->twins)
			return;
	g_array_append_val(on->classes, object);
}

static void classify(const struct picker *picker, struct on_host *on)
{
	for (guint i = 0; i < on->vms->len; i++)
		add_class(on, &picker->vms[g_array_index(on->vms, uint32_t, i)]);
	for (guint i = 0; i < on->gpus->len; i++)
		add_class(on, &picker->gpus[g_array_index(on->gpus, uint32_t, i)]);
}

static void put_classes(struct picker *picker, const struct on_host *on)
{
	put(picker, on->like);
	for (guint c = 0; c < on->classes->len; c++) {
		const struct object *object = g_array_index(on->classes, const struct object *, c);
		put(picker, object->sort);
		for (guint v = 0; v < on->vms->len; v++)
			put(picker, picker->vms[g_array_index(on->vms, uint32_t, v)].twins == object->twins);
		for (guint g = 0; g < on->gpus->len; g++)
			put(picker, picker->gpus[g_array_index(on->gpus, uint32_t, g)].twins == object->twins);
	}
}

/* Two hosts with the same in them, whose objects wait for each other in the same way, are the same as two others. */
static bool are_first(struct picker *picker, const struct on_host *a, const struct on_host *b)
{
	if (a->moves || b->moves)
		return true;
	put_text(picker, "two hosts");
	put_classes(picker, a);
	put_classes(picker, b);
	for (guint i = 0; i < a->classes->len; i++)
		for (guint k = 0; k < b->classes->len; k++)
			put_order(picker, g_array_index(a->classes, const struct object *, i),
				g_array_index(b->classes, const struct object *, k));
	return is_first(picker, number(picker));
}

static bool check_two_hosts(struct picker *picker, const struct on_host *a, const struct on_host *b)
{
	if (!are_first(picker, a, b))
		return true;
	for (guint i = 0; i < a->pairs->len; i++)
		for (guint k = 0; k < b->pairs->len; k++) {
			const struct pair *x = &g_array_index(a->pairs, struct pair, i);
			const struct pair *y = &g_array_index(b->pairs, struct pair, k);
			if (!explore_few(picker, (uint32_t[]){ x->vm, y->vm }, (uint32_t[]){ x->gpu, y->gpu }))
				return false;
		}
	return true;
}

/* Only how GPUs of a cluster are alike concerns two hosts. */
static bool crosses_hosts(const struct picker *picker)
{
	return picker->plan->rules->strategy == STRATEGY_HOMOGENEOUS;
}

static bool check_hosts_and_pairs(struct picker *picker, struct on_host *on)
{
	uint32_t n = picker->world->n_hosts;
	for (uint32_t h = 0; h < n; h++)
		if (!check_one_host(picker, h, &on[h]))
			return false;
	for (uint32_t h = 0; h < n && crosses_hosts(picker); h++) {
		fill_pairs(picker, &on[h]);
		classify(picker, &on[h]);
		for (uint32_t k = 0; k < h; k++)
			if (!check_two_hosts(picker, &on[k], &on[h]))
				return false;
	}
	return true;
}

enum checked check_by_parts(const struct plan *plan, uint32_t states_max, struct diags *diags)
{
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
	struct picker picker = { .plan = plan,
		.world = plan->observed,
		.reach = reach,
		.at_start = invariant_state(arena, plan->observed, plan->rules),
		.seen = seen,
		.states_max = states_max,
		.diags = diags };
	uint32_t n = plan->observed->n_hosts;
	g_autofree struct on_host *on = g_new0(struct on_host, n + 1);
	objects_make(&picker);
	for (uint32_t h = 0; h < n; h++)
		on_host_fill(&picker, h, &on[h]);
	bool fine = picker.unsure || check_hosts_and_pairs(&picker, on);
	for (uint32_t h = 0; h < n; h++) {
		g_array_unref(on[h].vms);
		g_array_unref(on[h].gpus);
		g_array_unref(on[h].pairs);
		g_array_unref(on[h].classes);
	}
	objects_done(&picker);
	return !fine ? CHECKED_BROKEN : picker.unsure ? CHECKED_UNSURE : CHECKED_FINE;
}
