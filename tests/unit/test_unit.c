/* SPDX-License-Identifier: Apache-2.0 */
/* Units, and what holds them back: compared with what every order of the steps does. */
#include "reconcile/unit.h"
#include "tests/lib/random_scene.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

struct sketch { /* steps and edges without a world */
	struct arena *arena;
	GArray *steps, *edges;
};

static struct sketch sketch_new(void)
{
	return (struct sketch){ arena_new(), g_array_new(FALSE, TRUE, sizeof(struct step)),
		g_array_new(FALSE, TRUE, sizeof(struct step_edge)) };
}

static void sketch_free(struct sketch *sketch)
{
	g_array_unref(sketch->steps);
	g_array_unref(sketch->edges);
	arena_free(sketch->arena);
}

static uint32_t add(struct sketch *sketch, enum step_kind kind, uint32_t host, uint32_t vm)
{
	struct step step = { .kind = kind, .host = host, .vm = vm, .gpu = NO_INDEX };
	g_array_append_val(sketch->steps, step);
	return sketch->steps->len - 1;
}

static void tie(struct sketch *sketch, uint32_t before, uint32_t after)
{
	struct step_edge edge = { before, after, "test" };
	g_array_append_val(sketch->edges, edge);
}

/* A VM that goes down and comes up again; gives the stop, the start is the next. */
static uint32_t add_vm(struct sketch *sketch, uint32_t host, uint32_t vm)
{
	uint32_t stop = add(sketch, STEP_STOP_VM, host, vm);
	tie(sketch, stop, add(sketch, STEP_START_VM, host, vm));
	return stop;
}

static uint32_t add_count(struct sketch *sketch, uint32_t host, const uint32_t *stops, uint32_t n)
{
	uint32_t count = add(sketch, STEP_SET_COUNT, host, NO_INDEX);
	for (uint32_t i = 0; i < n; i++) {
		tie(sketch, stops[i], count);
		tie(sketch, count, stops[i] + 1);
	}
	return count;
}

/* ---- every order ---- */

struct walk {
	const struct sketch *sketch;
	const struct limits *limits;
	GHashTable *seen; /* sets of steps that are done */
	uint32_t most_vms, most_hosts;
};

static bool is_ready(const struct sketch *sketch, uint64_t done, uint32_t step)
{
	for (guint e = 0; e < sketch->edges->len; e++) {
		const struct step_edge *edge = &g_array_index(sketch->edges, struct step_edge, e);
		if (edge->after == step && !(done >> edge->before & 1))
			return false;
	}
	return !(done >> step & 1);
}

static bool has_step(const struct sketch *sketch, enum step_kind kind, uint32_t vm)
{
	for (guint i = 0; i < sketch->steps->len; i++)
		if (g_array_index(sketch->steps, struct step, i).kind == kind &&
			g_array_index(sketch->steps, struct step, i).vm == vm)
			return true;
	return false;
}

/* VMs that are down when these steps are done, and the hosts of those. */
static void measure(struct walk *walk, uint64_t done)
{
	uint32_t vms = walk->limits->held;
	uint64_t hosts = 0;
	for (uint32_t i = 0; i < walk->sketch->steps->len; i++) {
		const struct step *step = &g_array_index(walk->sketch->steps, struct step, i);
		if (step->kind != STEP_START_VM || (done >> i & 1))
			continue;
		bool down = !has_step(walk->sketch, STEP_STOP_VM, step->vm);
		for (uint32_t k = 0; k < walk->sketch->steps->len; k++) {
			const struct step *stop = &g_array_index(walk->sketch->steps, struct step, k);
			down |= stop->kind == STEP_STOP_VM && stop->vm == step->vm && (done >> k & 1);
		}
		vms += down;
		hosts |= down ? 1ull << step->host : 0;
	}
	walk->most_vms = MAX(walk->most_vms, vms);
	uint32_t n_hosts = (uint32_t)__builtin_popcountll(hosts);
	walk->most_hosts = MAX(walk->most_hosts, n_hosts);
}

static void walk_from(struct walk *walk, uint64_t done)
{
	if (!g_hash_table_add(walk->seen, g_memdup2(&done, sizeof(done))))
		return;
	measure(walk, done);
	for (uint32_t i = 0; i < walk->sketch->steps->len; i++)
		if (is_ready(walk->sketch, done, i))
			walk_from(walk, done | 1ull << i);
}

static struct walk walk_all(const struct sketch *sketch, const struct limits *limits)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	struct walk walk = { sketch, limits, seen, 0, 0 };
	walk_from(&walk, 0);
	assert_true(g_hash_table_contains(seen, &(uint64_t){ (1ull << sketch->steps->len) - 1 })); /* no circle */
	return walk;
}

/* ---- tests ---- */

static void vms_of_one_count_are_one_unit_and_others_are_not(void **state)
{
	(void)state;
	struct sketch sketch = sketch_new();
	uint32_t stops[] = { add_vm(&sketch, 0, 0), add_vm(&sketch, 1, 1) };
	uint32_t alone = add_vm(&sketch, 0, 2), count = add_count(&sketch, 0, stops, 2);
	struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
	assert_int_equal(units.n, 2);
	assert_int_equal(units.of[stops[0]], units.of[stops[1]]);
	assert_int_equal(units.of[stops[0] + 1], units.of[count]);
	assert_int_not_equal(units.of[stops[0]], units.of[alone]);
	assert_int_equal(units.items[units.of[count]].n_stops, 2);
	assert_int_equal(units.items[units.of[alone]].n_steps, 2);
	sketch_free(&sketch);
}

/* A waits for B's stop only: they need not be down together. */
static void vm_that_makes_room_for_another_is_a_unit_before_it(void **state)
{
	(void)state;
	struct sketch sketch = sketch_new();
	uint32_t taker = add_vm(&sketch, 0, 0), giver = add_vm(&sketch, 0, 1);
	tie(&sketch, giver, taker + 1);
	struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
	assert_int_equal(units.n, 2);
	assert_int_equal(units.of[giver], 0);
	struct limits limits = { .by_vms = true, .allowed = 1 };
	units_limit(&units, sketch.steps, &limits, sketch.edges);
	assert_int_equal(walk_all(&sketch, &limits).most_vms, 1);
	sketch_free(&sketch);
}

static void what_earlier_runs_owe_is_paid_first_and_counts(void **state)
{
	(void)state;
	struct sketch sketch = sketch_new();
	add_vm(&sketch, 0, 0);
	uint32_t owed = add(&sketch, STEP_START_VM, 1, 1);
	struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
	assert_int_equal(units.of[owed], 0);
	assert_int_equal(units.items[0].n_debts, 1);
	struct limits limits = { .by_vms = true, .allowed = 1 };
	units_limit(&units, sketch.steps, &limits, sketch.edges);
	assert_int_equal(walk_all(&sketch, &limits).most_vms, 1);
	uint32_t down = 0;
	assert_int_equal(units_too_large(&units, &limits, &down), NO_INDEX);
	limits.held = 1;
	assert_int_equal(units_too_large(&units, &limits, &down), 1);
	assert_int_equal(down, 2);
	sketch_free(&sketch);
}

static void limit_must_allow_the_largest_unit(void **state)
{
	(void)state;
	struct sketch sketch = sketch_new();
	add_vm(&sketch, 0, 0);
	uint32_t stops[] = { add_vm(&sketch, 1, 1), add_vm(&sketch, 1, 2), add_vm(&sketch, 1, 3) };
	uint32_t count = add_count(&sketch, 1, stops, 3), down = 0;
	struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
	struct limits limits = { .by_vms = true, .allowed = 0 };
	assert_int_equal(units.of[count], 1);
	assert_int_equal(units_too_large(&units, &limits, &down), 1);
	assert_int_equal(down, 3);
	sketch_free(&sketch);
}

static struct sketch random_sketch(struct random *random)
{
	struct sketch sketch = sketch_new();
	uint32_t n_vms = 1 + random_below(random, 5), stops[8], n_stops = 0;
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		uint32_t host = random_below(random, 3);
		if (random_chance(random, 20))
			add(&sketch, STEP_START_VM, host, vm);
		else
			stops[n_stops++] = add_vm(&sketch, host, vm);
	}
	for (uint32_t n = random_below(random, 3); n > 0; n--) {
		uint32_t mine[8], n_mine = 0;
		for (uint32_t i = 0; i < n_stops; i++)
			if (random_chance(random, 40))
				mine[n_mine++] = stops[i];
		add_count(&sketch, random_below(random, 3), mine, n_mine);
	}
	for (uint32_t i = 0; i + 1 < n_stops; i++)
		if (random_chance(random, 25))
			tie(&sketch, stops[i], stops[i + 1] + 1);
	return sketch;
}

/* What no order may exceed is not exceeded, as far as each unit alone allows it; and no circle comes of it. */
static void no_order_holds_down_more_than_allowed(void **state)
{
	(void)state;
	uint32_t n_held_back = 0;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct random random = random_from(seed);
		struct sketch sketch = random_sketch(&random);
		struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
		struct limits limits = { .by_vms = true, .allowed = 1 + random_below(&random, 3) };
		uint32_t down = 0;
		if (units_too_large(&units, &limits, &down) == NO_INDEX) {
			struct walk before = walk_all(&sketch, &limits);
			units_limit(&units, sketch.steps, &limits, sketch.edges);
			struct walk after = walk_all(&sketch, &limits);
			uint32_t debts = 0; /* they are down before we do anything */
			for (uint32_t u = 0; u < units.n; u++)
				debts += units.items[u].n_debts;
			uint32_t most = MAX(limits.allowed, debts);
			assert_true(after.most_vms <= most);
			assert_true(after.most_vms <= before.most_vms);
			n_held_back += after.most_vms < before.most_vms;
		}
		sketch_free(&sketch);
	}
	assert_true(n_held_back > 200);
}

static void no_order_changes_more_hosts_than_allowed(void **state)
{
	(void)state;
	static const bool changing[3] = { false };
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct random random = random_from(seed);
		struct sketch sketch = sketch_new();
		for (uint32_t host = 0; host < 3; host++) {
			uint32_t stops[3], n = random_below(&random, 3);
			for (uint32_t i = 0; i < n; i++)
				stops[i] = add_vm(&sketch, host, host * 3 + i);
			if (random_chance(&random, 70))
				add_count(&sketch, host, stops, n);
		}
		struct units units = units_of(sketch.arena, sketch.steps, sketch.edges, NULL);
		struct limits limits = { .by_hosts = true,
			.max_hosts = 1 + random_below(&random, 2),
			.host_is_changing = changing,
			.n_hosts = 3 };
		units_limit(&units, sketch.steps, &limits, sketch.edges);
		assert_true(walk_all(&sketch, &limits).most_hosts <= limits.max_hosts);
		sketch_free(&sketch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vms_of_one_count_are_one_unit_and_others_are_not),
		cmocka_unit_test(vm_that_makes_room_for_another_is_a_unit_before_it),
		cmocka_unit_test(what_earlier_runs_owe_is_paid_first_and_counts),
		cmocka_unit_test(limit_must_allow_the_largest_unit),
		cmocka_unit_test(no_order_holds_down_more_than_allowed),
		cmocka_unit_test(no_order_changes_more_hosts_than_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
