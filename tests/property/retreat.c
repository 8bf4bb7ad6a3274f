/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a way back known wherever a plan can stop? Seeded small worlds are planned, and the question is asked everywhere:
 * at every set of steps that the dependencies allow to be done, of every step that could come next, failing before and
 * after its effect. The few places that stand for all (reconcile/retreat.h) must find every plan for which that finds
 * a gap. How many plans have one is limited, too: the rules of the order that serve the way back keep it down.
 * Usage: retreat [CASES [FIRST_SEED]]. Failing cases are printed as tests/lib/small.h writes them.
 */
#include "reconcile/retreat.h"
#include "tests/lib/random_small.h"

#include <stdio.h>
#include <stdlib.h>

enum { CASES = 300, STEPS_MAX = 24, PLACES_MAX = 3000, GAPS_PER_CENT = 5 };

struct sum {
	uint64_t n_plans, n_places, n_with_gap, n_missed, n_cut;
};

struct search { /* of one plan */
	const struct plan *plan;
	const struct retreat *retreat;
	GHashTable *seen; /* sets of steps, as bits */
	GQueue queue;     /* of these, still to be looked at; owned by 'seen' */
	uint64_t n_places;
};

static bool is_ready(const struct step *step, uint64_t done)
{
	for (uint32_t i = 0; i < step->n_after; i++)
		if (!(done >> (step->after[i] - 1) & 1))
			return false;
	return !(done >> (step->id - 1) & 1);
}

static void reach_set(struct search *search, uint64_t done)
{
	if (g_hash_table_contains(search->seen, &done))
		return;
	uint64_t *copy = g_memdup2(&done, sizeof(done));
	g_hash_table_add(search->seen, copy);
	g_queue_push_tail(&search->queue, copy);
}

static bool known_after(struct search *search, const bool *done, uint32_t step)
{
	struct retreat_gap gap;
	for (int took_effect = 0; took_effect < 2; took_effect++) {
		g_autoptr(arena_auto) scratch = arena_new();
		search->n_places++;
		if (!retreat_at(search->retreat, scratch, done, step, took_effect, &gap))
			return false;
	}
	return true;
}

/* False: somewhere no way back is known. '*cut': there were too many places, and not all were looked at. */
static bool known_everywhere(struct search *search, bool *cut)
{
	bool done[STEPS_MAX + 1];
	reach_set(search, 0);
	for (const uint64_t *set; (set = g_queue_pop_head(&search->queue));) {
		*cut = g_hash_table_size(search->seen) > PLACES_MAX;
		if (*cut)
			return true;
		for (uint32_t i = 0; i < search->plan->n_steps; i++)
			done[i] = *set >> i & 1;
		for (uint32_t i = 0; i < search->plan->n_steps; i++) {
			if (!is_ready(&search->plan->steps[i], *set))
				continue;
			if (!known_after(search, done, i))
				return false;
			reach_set(search, *set | (uint64_t)1 << i);
		}
	}
	return true;
}

static void compare(struct sum *sum, struct arena *arena, const struct small *small, uint64_t seed)
{
	struct plan_input input = small_input(arena, small);
	input.live_run = "this";
	const struct plan *plan = plan_cluster(arena, &input);
	if (!plan->n_steps || plan->n_steps > STEPS_MAX)
		return;
	struct search search = { plan, retreat_new(arena, plan, &input),
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL), G_QUEUE_INIT, 0 };
	struct retreat_gap gap;
	bool cut = false, everywhere = known_everywhere(&search, &cut);
	sum->n_plans++;
	sum->n_places += search.n_places;
	sum->n_cut += cut;
	sum->n_with_gap += !everywhere;
	if (!everywhere && retreat_everywhere(search.retreat, arena, &gap)) {
		sum->n_missed++;
		fprintf(stderr,
			"seed %" G_GUINT64_FORMAT ": the places that stand for all find no gap, and there is one: %s\n",
			seed, small_text(arena, small));
	}
	g_queue_clear(&search.queue);
	g_hash_table_unref(search.seen);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : CASES;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct sum sum = { 0 };
	for (uint64_t seed = first; seed < first + n; seed++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct random random = random_from(seed);
		struct small small = random_small(&random);
		compare(&sum, arena, &small, seed);
	}
	printf("%" G_GUINT64_FORMAT " plans, %" G_GUINT64_FORMAT
	       " places: no way back is known from somewhere in %" G_GUINT64_FORMAT " plans, %" G_GUINT64_FORMAT
	       " of them missed; %" G_GUINT64_FORMAT " plans not looked at to the end\n",
		sum.n_plans, sum.n_places, sum.n_with_gap, sum.n_missed, sum.n_cut);
	bool too_many = sum.n_with_gap * 100 > sum.n_plans * GAPS_PER_CENT;
	if (too_many)
		fprintf(stderr, "more than %d %% of the plans have a place without a way back\n", GAPS_PER_CENT);
	return sum.n_missed || too_many || !sum.n_with_gap;
}
