/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does checking by parts say the same as taking every step at every prefix of the whole plan? Seeded plans of the
 * planner, each whole and with some of its dependencies dropped or pointed at other steps.
 * Usage: property_check [CASES [FIRST_SEED]]. A case in which they disagree prints its seed.
 */
#include "reconcile/check.h"
#include "tests/lib/random_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 40, STATES_MAX = 20000, DAMAGES = 6 };

struct tally {
	uint64_t plans, damaged, too_large; /* compared; of these with other dependencies; left out */
	uint64_t broken, agreed, unsure, missed;
	uint64_t sampling_missed;
};

/* A copy with one to three dependencies dropped or redirected. */
static struct plan *damage(struct scene *scene, const struct plan *plan, struct random *random)
{
	struct plan *copy = arena_copy(scene->arena, plan, sizeof(*plan));
	struct step *steps = arena_copy(scene->arena, plan->steps, plan->n_steps * sizeof(*steps));
	uint32_t times = 1 + random_below(random, 3);
	copy->steps = steps;
	for (uint32_t t = 0; t < times; t++) {
		struct step *step = &steps[random_below(random, plan->n_steps)];
		if (!step->n_after)
			continue;
		uint32_t *after = arena_copy(scene->arena, step->after, step->n_after * sizeof(*after));
		uint32_t at = random_below(random, step->n_after), how = random_below(random, 3);
		step->after = after;
		if (how == 0)
			after[at] = 1 + random_below(random, step->id - 1);
		else if (how == 1)
			step->n_after = at; /* all from here on */
		else
			after[at] = after[--step->n_after];
	}
	return copy;
}

static const char *verdict(enum checked checked)
{
	return checked == CHECKED_FINE ? "fine" : checked == CHECKED_BROKEN ? "broken" : "unsure";
}

static int complain(uint64_t seed, const struct plan *plan, enum checked whole, enum checked parts,
	const char *manifests, const struct diags *diags)
{
	g_autoptr(arena_auto) arena = arena_new();
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ": as a whole the plan is %s, by parts %s\n%s", seed, verdict(whole),
		verdict(parts), manifests);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		fprintf(stderr, "  %u %s %s, after", plan->steps[i].id, plan->steps[i].host_name,
			step_text(arena, &plan->steps[i]));
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++)
			fprintf(stderr, " %u", plan->steps[i].after[k]);
		fprintf(stderr, "\n");
	}
	for (const struct diag *it = diags->first; it; it = it->next)
		fprintf(stderr, "  %s: %s\n", it->subject ? it->subject : "", it->message);
	return 1;
}

static int compare(
	struct scene *scene, const struct plan *plan, uint64_t seed, const char *manifests, struct tally *tally)
{
	struct diags *diags = diags_new(scene->arena);
	enum checked whole = check_whole(plan, STATES_MAX, diags);
	if (whole == CHECKED_UNSURE) {
		tally->too_large++;
		return 0;
	}
	enum checked parts = check_by_parts(plan, STATES_MAX, diags);
	tally->plans++;
	tally->broken += whole == CHECKED_BROKEN;
	bool sampling_misses = whole == CHECKED_BROKEN && check_sampled(plan, diags_new(scene->arena)) == CHECKED_FINE;
	tally->sampling_missed += sampling_misses;
	tally->unsure += parts == CHECKED_UNSURE;
	tally->missed += parts == CHECKED_UNSURE && sampling_misses;
	tally->agreed += parts == whole;
	if (parts == whole || parts == CHECKED_UNSURE)
		return 0;
	return complain(seed, plan, whole, parts, manifests, diags);
}

static int run_case(uint64_t seed, struct tally *tally)
{
	struct random random = random_from(seed);
	struct scene *scene = random_scene(&random);
	char *other_order = NULL;
	const char *manifests = random_manifests(scene, &random, &other_order);
	const struct plan *plan = scene_plan(scene, manifests);
	int failed = 0;
	if (plan->n_steps > 1 && plan->n_steps <= STEPS_MAX) {
		failed = compare(scene, plan, seed, manifests, tally);
		for (int i = 0; i < DAMAGES && !failed; i++) {
			tally->damaged++;
			failed = compare(scene, damage(scene, plan, &random), seed, manifests, tally);
		}
	}
	scene_free(scene);
	return failed;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1200, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct tally tally = { 0 };
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++)
		failed += (uint64_t)run_case(seed, &tally);
	printf("%" G_GUINT64_FORMAT " plans compared, %" G_GUINT64_FORMAT " broken, %" G_GUINT64_FORMAT
	       " agreed, %" G_GUINT64_FORMAT " unsure (%" G_GUINT64_FORMAT
	       " of these broken and not found by some orders either), %" G_GUINT64_FORMAT " failed\n"
	       "%" G_GUINT64_FORMAT
	       " more were too large to explore; some orders alone would have missed %" G_GUINT64_FORMAT
	       " of the broken ones\n",
		tally.plans, tally.broken, tally.agreed, tally.unsure, tally.missed, failed, tally.too_large,
		tally.sampling_missed);
	return failed || !tally.broken ? 1 : 0;
}
