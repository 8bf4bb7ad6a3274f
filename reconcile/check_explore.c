/* SPDX-License-Identifier: Apache-2.0 */
/* Walks through orders of steps: back and forth by deltas, so that no world is copied on the way. */
#include "reconcile/check_parts.h"

/* ---- one step ---- */

struct walk walk_from(struct arena *arena, struct arena *scratch, const struct world *world, const struct rules *rules)
{
	return (struct walk){
		.arena = arena,
		.scratch = scratch,
		.rules = rules,
		.before = world_copy(arena, world),
		.world = world_copy(arena, world),
	};
}

int walk_step(
	struct walk *walk, const struct step *step, struct delta *delta, struct violation *broken, struct diags *diags)
{
	struct arena *scratch = walk->scratch;
	*broken = (struct violation){ 0 };
	arena_clear(scratch);
	if (step_simulate(walk->arena, walk->world, step, delta, diags) < 0)
		return -1;
	if (!delta->n)
		return 0; /* what changes nothing breaks nothing */
	delta_apply(walk->world, delta);
	struct violations found = invariant_step(scratch, walk->before, walk->world, walk->rules, step);
	delta_apply(walk->before, delta);
	if (!found.n)
		found = violations_added(scratch, walk->at_start, invariant_state(scratch, walk->world, walk->rules));
	if (!found.n)
		return 0;
	*broken = found.items[0];
	return -1;
}

void walk_back(struct walk *walk, const struct delta *delta)
{
	delta_undo(walk->world, delta);
	delta_undo(walk->before, delta);
}

/* ---- all prefixes ---- */

/* A state of the walk: which nodes are done and, as it may depend on their order, what VMs came to be and where. */
struct state {
	uint64_t done, places;
};

struct explorer {
	const struct part *part;
	struct walk walk;
	GHashTable *seen; /* struct state */
	struct arena *states;
	uint32_t states_max;
	uint64_t all;      /* nodes */
	GArray *trail;     /* struct delta */
	GArray *path;      /* indices of steps, beside 'trail' */
	struct world *end; /* of the first order, which is the plan's own; NULL before it */
};

static guint state_hash(gconstpointer key)
{
	const struct state *state = key;
	uint64_t mixed = (state->done ^ state->places * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
	return (guint)(mixed >> 32);
}

static gboolean state_equal(gconstpointer a, gconstpointer b)
{
	const struct state *left = a, *right = b;
	return left->done == right->done && left->places == right->places;
}

static uint64_t fold(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * 0x9E3779B97F4A7C15u + (sum >> 29) + 1;
}

static uint64_t places_of(const struct world *world)
{
	uint64_t places = 1;
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const struct vm *vm = &world->vms[v];
		places = fold(places, (uint64_t)vm->state << 32 | vm->n_adapters << 16 | vm->n_devices);
		for (uint32_t i = 0; i < vm->n_adapters && !vm_is_off(vm); i++)
			places = fold(places, vm->adapters[i].gpus);
	}
	return places;
}

/* Is the state a new one? */
static bool is_new(struct explorer *explorer, uint64_t done)
{
	struct state state = { done, places_of(explorer->walk.world) };
	if (g_hash_table_contains(explorer->seen, &state))
		return false;
	return g_hash_table_add(explorer->seen, arena_copy(explorer->states, &state, sizeof(state)));
}

static bool same_vm(const struct vm *a, const struct vm *b)
{
	return a->host == b->host && a->state == b->state && a->n_adapters == b->n_adapters &&
	       a->n_devices == b->n_devices && maybe_equal(a->offline_action, b->offline_action) &&
	       a->automatic_checkpoints == b->automatic_checkpoints && a->stop_action == b->stop_action &&
	       a->cache_control == b->cache_control && maybe_equal(a->mmio_low_bytes, b->mmio_low_bytes) &&
	       maybe_equal(a->mmio_high_bytes, b->mmio_high_bytes);
}

static bool same_pools(const struct host *a, const struct host *b)
{
	bool same = a->n_pools == b->n_pools;
	for (uint32_t i = 0; same && i < a->n_pools; i++)
		same = a->pools[i].n_members == b->pools[i].n_members;
	return same;
}

/* Does this order end as the others do? What an object becomes may depend on the order of its own steps. */
static bool ends_alike(struct explorer *explorer)
{
	const struct world *world = explorer->walk.world, *end = explorer->end;
	bool same = true;
	if (!end)
		explorer->end = world_copy(explorer->states, world);
	for (uint32_t v = 0; end && same && v < world->n_vms; v++)
		same = same_vm(&world->vms[v], &end->vms[v]);
	for (uint32_t g = 0; end && same && g < world->n_gpus; g++)
		same = world->gpus[g].state == end->gpus[g].state &&
		       maybe_equal(world->gpus[g].count, end->gpus[g].count);
	for (uint32_t h = 0; end && same && h < world->n_hosts; h++)
		same = same_pools(&world->hosts[h], &end->hosts[h]);
	return same;
}

static bool take(struct explorer *explorer, const struct part_node *node)
{
	for (uint32_t i = node->first; i < node->first + node->n; i++) {
		struct delta delta;
		struct violation broken;
		g_array_append_val(explorer->path, i);
		if (walk_step(&explorer->walk, &explorer->part->steps[i], &delta, &broken, NULL) < 0)
			return false;
		g_array_append_val(explorer->trail, delta);
	}
	return true;
}

static void go_back(struct explorer *explorer, guint to)
{
	while (explorer->trail->len > to) {
		guint last = explorer->trail->len - 1;
		walk_back(&explorer->walk, &g_array_index(explorer->trail, struct delta, last));
		g_array_set_size(explorer->trail, last);
		g_array_set_size(explorer->path, last);
	}
}

static enum checked visit(struct explorer *explorer, uint64_t done)
{
	const struct part *part = explorer->part;
	if (!is_new(explorer, done))
		return CHECKED_FINE;
	if (g_hash_table_size(explorer->seen) > explorer->states_max)
		return CHECKED_UNSURE;
	if (done == explorer->all)
		return ends_alike(explorer) ? CHECKED_FINE : CHECKED_BROKEN;
	for (uint32_t i = 0; i < part->n_nodes; i++) {
		uint64_t bit = (uint64_t)1 << i;
		if (done & bit || part->nodes[i].before & ~done)
			continue;
		guint here = explorer->trail->len;
		if (!take(explorer, &part->nodes[i]))
			return CHECKED_BROKEN;
		enum checked result = visit(explorer, done | bit);
		if (result != CHECKED_FINE)
			return result;
		go_back(explorer, here);
	}
	return CHECKED_FINE;
}

enum checked explore(const struct part *part, uint32_t states_max, GArray *path)
{
	g_autoptr(arena_auto) of_walk = arena_new(), of_step = arena_new();
	g_autoptr(GHashTable) seen = g_hash_table_new(state_hash, state_equal);
	g_autoptr(GArray) trail = g_array_new(FALSE, FALSE, sizeof(struct delta));
	struct explorer explorer = {
		.part = part,
		.walk = walk_from(of_walk, of_step, part->world, part->rules),
		.seen = seen,
		.states = of_walk,
		.states_max = states_max,
		.all = part->n_nodes == PART_NODES_MAX ? UINT64_MAX : ((uint64_t)1 << part->n_nodes) - 1,
		.trail = trail,
		.path = path,
	};
	explorer.walk.at_start = part->at_start;
	g_array_set_size(path, 0);
	return visit(&explorer, 0);
}
