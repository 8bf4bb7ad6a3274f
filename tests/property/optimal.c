/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans cost as little as can be: seeded worlds of up to three hosts, two GPUs each and six VMs, planner against judge
 * (tests/lib/judge.h); before them the kept cases, each of which once went wrong (tests/property/kept.txt). Those marked
 * with '!' there still fall short of the best, and are known to: when one does not any more, the mark has to go.
 * Usage: optimal [CASES [FIRST_SEED]] | optimal CASE...
 */
#include "tests/lib/judge.h"
#include "tests/lib/random_small.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MAX = 5 };

struct sum {
	struct arena *arena;
	struct exact *exact;
	uint64_t n_steps, n_states, most_states, by_result[CASE_RESULT_COUNT];
	uint64_t n_known, n_mended;
	GHashTable *known; /* texts of small worlds */
	bool tells_all;
};

static void judge_one(struct sum *sum, const struct small *small, const char *which)
{
	arena_clear(sum->arena);
	struct judged judged = judge_case(sum->arena, sum->exact, small);
	uint32_t n_states = exact_n_states(sum->exact);
	sum->n_steps += judged.n_steps;
	sum->n_states += n_states;
	sum->most_states = MAX(sum->most_states, n_states);
	bool is_known = g_hash_table_contains(sum->known, small_text(sum->arena, small));
	if (is_known && case_falls_short(judged.result)) {
		sum->n_known++;
		return;
	}
	if (is_known) {
		fprintf(stderr, "holds now, so take its mark away: %s\n", small_text(sum->arena, small));
		sum->n_mended++;
	}
	bool shown = sum->by_result[judged.result]++ < SHOWN_MAX && case_fails(judged.result);
	if (shown)
		fprintf(stderr, "%s ", which);
	if (shown || sum->tells_all)
		judge_tell(sum->arena, sum->exact, small, &judged);
}

static void judge_line(struct sum *sum, const char *line)
{
	struct small small;
	if (!small_parse(line, &small))
		g_error("not a small world: %s", line);
	judge_one(sum, &small, "kept case");
}

static void judge_kept(struct sum *sum)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents(TESTS_DIR "/property/kept.txt", &text, NULL, NULL))
		g_error("cannot read the kept cases");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (**line == '!')
			g_hash_table_add(sum->known, g_strdup(*line + 1));
	for (char **line = lines; *line; line++)
		if (**line && **line != '#')
			judge_line(sum, **line == '!' ? *line + 1 : *line);
}

static void judge_seeds(struct sum *sum, uint64_t n, uint64_t first)
{
	for (uint64_t seed = first; seed < first + n; seed++) {
		g_autofree char *which = g_strdup_printf("seed %" G_GUINT64_FORMAT, seed);
		struct random random = random_from(seed);
		struct small small = random_small(&random);
		judge_one(sum, &small, which);
	}
}

int main(int argc, char **argv)
{
	struct sum sum = { .arena = arena_new(), .exact = exact_new() };
	uint64_t failed = 0;
	sum.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (argc > 1 && !g_ascii_isdigit(argv[1][0])) {
		sum.tells_all = true;
		for (int i = 1; i < argc; i++)
			judge_line(&sum, argv[i]);
	} else {
		judge_kept(&sum);
		judge_seeds(&sum, argc > 1 ? strtoull(argv[1], NULL, 10) : 1000,
			argc > 2 ? strtoull(argv[2], NULL, 10) : 1);
	}
	printf("%" G_GUINT64_FORMAT " steps planned; the judge looked at %" G_GUINT64_FORMAT
	       " states, %" G_GUINT64_FORMAT " for the hardest case\n",
		sum.n_steps, sum.n_states, sum.most_states);
	for (int r = 0; r < CASE_RESULT_COUNT; r++) {
		if (sum.by_result[r])
			printf("  %" G_GUINT64_FORMAT " %s\n", sum.by_result[r], name_of(&case_result_names, r));
		failed += case_fails(r) ? sum.by_result[r] : 0;
	}
	printf("  %" G_GUINT64_FORMAT " times one that is known to fall short\n", sum.n_known);
	failed += sum.n_mended;
	g_hash_table_unref(sum.known);
	exact_free(sum.exact);
	arena_free(sum.arena);
	return failed ? 1 : 0;
}
