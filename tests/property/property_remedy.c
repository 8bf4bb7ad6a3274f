/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded worlds whose manifests ask for what cannot be. Every remedy that a plan names is written into the manifests by the
 * rules of this file, which know nothing of the planner, and planned again:
 *   - what was refused is refused no more, and nothing is refused that was not before;
 *   - a number that was raised is the least: one less does not help;
 *   - what a reason says by its own arithmetic ("raise it to 100%", "counts that would do: 4, 8") is true.
 * The facts of a refusal are taken away one by one: together they make the wish impossible, and without any one of them it is
 * possible, by a plan whose steps can be taken.
 * How many refusals had a remedy and facts is printed by code. Usage: property_remedy [CASES [FIRST_SEED]].
 */
#include "reconcile/check.h"
#include "reconcile/remedy_parts.h"
#include "tests/lib/random_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	uint64_t refusals[DIAG_CODE_COUNT], remedies[DIAG_CODE_COUNT], facts[DIAG_CODE_COUNT];
	uint64_t raised, raises_tested, rolling_tested, counts_tested;
};

/* ---- worlds that refuse more ---- */

static char *replaced(struct scene *scene, const char *text, const char *pattern, const char *by)
{
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
	g_autofree char *out = g_regex_replace(regex, text, -1, 0, by, 0, NULL);
	return arena_strdup(scene->arena, out);
}

static void spoil_gpus(struct scene *scene, struct random *random)
{
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		for (uint32_t g = 0; g < scene->hosts[h].n_gpus; g++) {
			struct gpu *gpu = scene_gpu(scene, h, g);
			if (random_chance(random, 30))
				gpu->mitigation_driver = TRI_NO;
			if (random_chance(random, 20))
				gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
		}
}

static const char *spoil(struct scene *scene, struct random *random, const char *text)
{
	spoil_gpus(scene, random);
	if (random_chance(random, 12))
		text = replaced(scene, text, "rollout: \\{ ", "rollout: { stop: { method: Never }, ");
	if (random_chance(random, 12))
		text = replaced(
			scene, text, "rollout: \\{ ", "rollout: { windows: [{ start: \"01:00\", duration: 4m }], ");
	if (random_chance(random, 12))
		text = replaced(scene, text, "partitionCount: \\d+", "partitionCount: 16");
	if (random_chance(random, 25))
		text = replaced(scene, text, "perHost: 1", "perHost: 3");
	if (random_chance(random, 12))
		text = replaced(scene, text, "gpus: vdi, match", "gpus: vdi, requires: { vram: 6Gi }, match");
	if (random_chance(random, 12))
		text = replaced(
			scene, text, "gpus: vdi, match", "gpus: vdi, virtualMachines: [{ name: ghost }], match");
	if (random_chance(random, 5))
		text = replaced(scene, text, "type: Failover", "type: Standalone");
	return text;
}

/* ---- remedies, as a person would write them ---- */

/* What a remedy says, how it is found in the manifests, and what stands there then. \1, \2: what the first one captured;
 * where the second does not occur the next row of the same remedy is tried. */
static const struct {
	const char *remedy, *manifest, *then;
} ways[] = {
	{ "rollout\\.(maxUnavailable|strategy|maxHosts): ([^;]+)", "(rollout: .*)@1: [^, ]+", "\\g<1>@1: @2" },
	{ "rollout\\.(maxUnavailable|strategy|maxHosts): ([^;]+)", "rollout: \\{ ", "rollout: { @1: @2, " },
	{ "rollout\\.(stop)\\.method: (\\w+)", "method: Never", "method: @2" },
	{ "rollout\\.(windows)\\[0\\]\\.duration: (\\w+)", "duration: \\w+", "duration: @2" },
	{ "(unmanaged|vmSettings|type): (\\w+)", "^  @1: \\w+", "  @1: @2" },
	{ "hosts\\[(\\w+)\\]\\.(maintenance): true", "\\{ name: @1 \\}", "{ name: @1, maintenance: true }" },
	{ "gpus\\[(\\w+)\\]\\.partitionCount: (\\d+)", "(name: @1, .*)partitionCount: \\d+",
		"\\g<1>partitionCount: @2" },
	{ "gpus\\[(\\w+)\\]\\.passthrough\\.perHost: (\\d+)", "(name: @1, .*)perHost: \\d+", "\\g<1>perHost: @2" },
	{ "gpus\\[(\\w+)\\]\\.passthrough\\.(mmio)", "(name: @1, .*)passthrough: \\{ ",
		"\\g<1>passthrough: { mmio: { low: 2Gi, high: 40Gi }, " },
	{ "gpus\\[(\\w+)\\]\\.passthrough\\.(dismount): Force", "(name: @1, .*)passthrough: \\{ ",
		"\\g<1>passthrough: { dismount: Force, " },
	{ "virtualMachines\\[([-\\w]+)\\]\\.(optional): true", "\\{ name: @1", "{ name: @1, optional: true" },
	{ "virtualMachines\\[([-\\w]+)\\]\\.host: (\\w+)", "\\{ name: @1, host: \\w+", "{ name: @1, host: @2" },
	{ "virtualMachines: add \\{ name: ([-\\w]+) \\} to assignment '([-\\w]+)'",
		"(name: @2 \\}\\n.*virtualMachines: \\[)", "\\g<1>{ name: @1 }, " },
	{ "virtualMachines: add \\{ name: ([-\\w]+) \\} to assignment '([-\\w]+)'", "(name: @2 \\}\\nspec: \\{ )",
		"\\g<1>virtualMachines: [{ name: @1 }], " },
	{ "placement: (\\w+) in assignment '([-\\w]+)'", "(name: @2 \\}\\n.*placement: )\\w+", "\\g<1>@1" },
	{ "requires\\.vram: (\\w+) in assignment '([-\\w]+)'", "(name: @2 \\}\\n.*vram: )\\w+", "\\g<1>@1" },
};

/* '@1' and '@2' of a template are what the remedy's own text has. */
static char *filled(struct scene *scene, const char *template, const char *first, const char *second)
{
	g_autoptr(GString) text = g_string_new(template);
	g_string_replace(text, "@1", first, 0);
	g_string_replace(text, "@2", second, 0);
	return arena_strdup(scene->arena, text->str);
}

/* NULL when the remedy is another one, or the manifests have no such place. */
static char *written_as(struct scene *scene, const char *manifests, const char *remedy, size_t way)
{
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree char *whole = g_strdup_printf("^%s", ways[way].remedy);
	g_autoptr(GRegex) regex = g_regex_new(whole, 0, 0, NULL);
	if (!g_regex_match(regex, remedy, 0, &match))
		return NULL;
	g_autofree char *first = g_match_info_fetch(match, 1), *second = g_match_info_fetch(match, 2);
	const char *place = filled(scene, ways[way].manifest, first, second);
	if (!g_regex_match_simple(place, manifests, G_REGEX_MULTILINE, 0))
		return NULL;
	return replaced(scene, manifests, place, filled(scene, ways[way].then, first, second));
}

static char *written(struct scene *scene, const char *manifests, const char *remedy)
{
	const char *more = strstr(remedy, " and hosts[");
	char *then = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(ways) && !then; i++)
		then = written_as(scene, manifests, remedy, i);
	return then && more ? written(scene, then, more + strlen(" and ")) : then;
}

/* ---- one case ---- */

static bool same_wish(const struct refusal *a, const struct refusal *b)
{
	return strcmp(a->subject, b->subject) == 0 && strcmp(a->what, b->what) == 0;
}

static const struct refusal *find(const struct plan *plan, const struct refusal *wish)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (same_wish(&plan->refusals[i], wish))
			return &plan->refusals[i];
	return NULL;
}

static bool is_better(const struct plan *before, const struct plan *then, const struct refusal *refusal)
{
	for (uint32_t i = 0; i < then->n_refusals; i++)
		if (!find(before, &then->refusals[i]))
			return false;
	return !find(then, refusal);
}

static int complain(uint64_t seed, const char *what, const struct refusal *refusal, const char *manifests)
{
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ": %s\n  %s, %s: %s [%s]\n  remedy: %s\n%s", seed, what,
		refusal->subject, refusal->what, refusal->reason, diag_codes[refusal->code].id,
		refusal->remedy ? refusal->remedy : "-", manifests);
	return 1;
}

/* "rollout.maxUnavailable: 12; ...", one less; NULL where it is no number or would be nothing. */
static char *one_less(struct scene *scene, const char *remedy)
{
	unsigned value = 0;
	int from = 0, to = 0;
	if (sscanf(remedy, "rollout.maxUnavailable: %n%u%n", &from, &value, &to) < 1 || value < 2)
		return NULL;
	return arena_printf(scene->arena, "rollout.maxUnavailable: %u%s", value - 1, remedy[to] == '%' ? "%" : "");
}

/* Planned as a person would, but without a search for remedies. */
static const struct plan *trial_of(struct scene *scene, const char *manifests)
{
	return scene_plan_as(scene, manifests, (struct plan_input){ .owner = "example.com/ops/gpu", .is_trial = true });
}

static bool can_be_done(struct scene *scene, const struct plan *plan)
{
	return (plan->n_steps || !plan->changes.n) && check_own_order(plan, diags_new(scene->arena)) == 0;
}

static bool passes_its_check(struct scene *scene, const struct plan *plan)
{
	return can_be_done(scene, plan) && check_plan(scene->arena, plan->observed, plan, diags_new(scene->arena)) == 0;
}

static int check_remedy(struct scene *scene, const struct plan *plan, const struct refusal *refusal,
	const char *manifests, uint64_t seed, struct tally *tally)
{
	char *then = written(scene, manifests, refusal->remedy);
	if (!then)
		return complain(seed, "nobody knows how to write this remedy", refusal, manifests);
	const struct plan *remedied = trial_of(scene, then);
	if (!is_better(plan, remedied, refusal))
		return complain(seed, "the remedy does not help", refusal, then);
	if (!passes_its_check(scene, remedied))
		return complain(seed, "the remedied plan does not pass its check", refusal, then);
	const char *less = one_less(scene, refusal->remedy);
	char *weaker = less ? written(scene, manifests, less) : NULL;
	tally->raised += weaker != NULL;
	if (weaker && is_better(plan, trial_of(scene, weaker), refusal))
		return complain(seed, "one less would do", refusal, weaker);
	return 0;
}

/* The same part is not refused because of maxUnavailable; it may be because of maxHosts, or of something else. */
static bool is_gone(struct scene *scene, const char *manifests, const struct refusal *refusal)
{
	const struct refusal *still = find(trial_of(scene, manifests), refusal);
	return !still || still->code != refusal->code || !strstr(still->reason, "must be down at once");
}

static int check_raise(
	struct scene *scene, const struct refusal *refusal, const char *manifests, uint64_t seed, struct tally *tally)
{
	const char *raise = strstr(refusal->reason, "raise it to "), *rolling = strstr(refusal->reason, "which needs ");
	if (refusal->code != D_BUDGET || !raise)
		return 0;
	raise += strlen("raise it to ");
	char *setting = arena_strndup(scene->arena, raise, strspn(raise, "0123456789%"));
	char *then = written(scene, manifests, arena_printf(scene->arena, "rollout.maxUnavailable: %s", setting));
	tally->raises_tested++;
	if (then && !is_gone(scene, then, refusal))
		return complain(seed, "raising it as the reason says does not help", refusal, then);
	if (!rolling)
		return 0;
	unsigned needs = (unsigned)g_ascii_strtoull(rolling + strlen("which needs "), NULL, 10);
	then = written(scene, manifests, "rollout.strategy: Rolling");
	char *with = arena_printf(scene->arena, "rollout.maxUnavailable: %u", needs);
	then = written(scene, then, with) ? written(scene, then, with) : then;
	tally->rolling_tested++;
	return is_gone(scene, then, refusal) ? 0 : complain(seed, "Rolling needs more", refusal, then);
}

static int check_counts(
	struct scene *scene, const struct refusal *refusal, const char *manifests, uint64_t seed, struct tally *tally)
{
	const char *list = strstr(refusal->reason, "counts that would do: ");
	if (!list || strcmp(refusal->subject, "group/vdi") != 0)
		return 0;
	g_auto(GStrv) counts = g_strsplit(list + strlen("counts that would do: "), ", ", -1);
	for (guint i = 0; counts[i] && strcmp(counts[i], "none") != 0; i++) {
		char *then = written(
			scene, manifests, arena_printf(scene->arena, "gpus[vdi].partitionCount: %s", counts[i]));
		const struct plan *plan = trial_of(scene, then);
		tally->counts_tested++;
		for (uint32_t k = 0; k < plan->n_refusals; k++)
			if (strcmp(plan->refusals[k].subject, refusal->subject) == 0 &&
				plan->refusals[k].code == refusal->code)
				return complain(seed, "a count that would do does not", &plan->refusals[k], then);
	}
	return 0;
}

/* ---- facts ---- */

static const struct plan *without(struct scene *scene, const struct plan_input *input, const struct asked *asked,
	const struct fact_row *const *gone, guint n)
{
	struct draft draft = draft_new(scene->arena, input);
	for (guint i = 0; i < n; i++)
		gone[i]->relax(&draft, asked);
	return plan_cluster(scene->arena, &draft.input);
}

static bool is_refused(const struct plan *plan, const struct refusal *refusal)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (strcmp(plan->refusals[i].subject, refusal->subject) == 0)
			return true;
	return false;
}

static bool is_told(const struct refusal *refusal, const char *fact)
{
	for (uint32_t i = 0; i < refusal->n_facts; i++)
		if (strcmp(refusal->facts[i], fact) == 0)
			return true;
	return false;
}

/* What is told makes it impossible even when all else that could be told is away. */
static int check_facts(struct scene *scene, const struct plan_input *input, const struct plan *plan,
	const struct refusal *refusal, const char *manifests, uint64_t seed)
{
	const struct asked asked = { plan, refusal };
	g_autoptr(GPtrArray) gone = g_ptr_array_new(), told = g_ptr_array_new();
	for (const struct fact_row *row = fact_rows; row->relax; row++) {
		struct draft draft = draft_new(scene->arena, input);
		const char *fact = codes_have(row->codes, refusal->code) ? row->relax(&draft, &asked) : NULL;
		if (fact)
			g_ptr_array_add(is_told(refusal, fact) ? told : gone, (gpointer)row);
	}
	if (told->len != refusal->n_facts)
		return complain(seed, "a fact does not hold", refusal, manifests);
	const struct fact_row *const *rows = (const struct fact_row *const *)gone->pdata;
	if (!is_refused(without(scene, input, &asked, rows, gone->len), refusal))
		return complain(seed, "the facts do not make it impossible", refusal, manifests);
	for (guint i = 0; i < told->len; i++) {
		g_ptr_array_add(gone, told->pdata[i]);
		rows = (const struct fact_row *const *)gone->pdata;
		const struct plan *then = without(scene, input, &asked, rows, gone->len);
		if (is_refused(then, refusal))
			return complain(seed, "it is impossible without one of the facts", refusal, manifests);
		if (!can_be_done(scene, then))
			return complain(seed, "without a fact the plan breaks a rule", refusal, manifests);
		g_ptr_array_set_size(gone, (gint)gone->len - 1);
	}
	return 0;
}

static int run_case(uint64_t seed, struct tally *tally)
{
	struct random random = random_from(seed);
	struct scene *scene = random_scene(&random);
	char *other_order = NULL;
	const char *manifests = spoil(scene, &random, random_manifests(scene, &random, &other_order));
	const struct plan *plan = scene_plan(scene, manifests);
	const struct plan_input input = { .spec = scene->spec,
		.cluster = scene->spec->clusters,
		.observed = scene->world,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW };
	int failed = 0;
	for (uint32_t i = 0; i < plan->n_refusals && !failed; i++) {
		const struct refusal *refusal = &plan->refusals[i];
		tally->refusals[refusal->code]++;
		tally->remedies[refusal->code] += refusal->remedy != NULL;
		tally->facts[refusal->code] += refusal->n_facts > 0;
		if (refusal->remedy)
			failed = check_remedy(scene, plan, refusal, manifests, seed, tally);
		failed += check_raise(scene, refusal, manifests, seed, tally);
		failed += check_counts(scene, refusal, manifests, seed, tally);
		if (refusal->n_facts)
			failed += check_facts(scene, &input, plan, refusal, manifests, seed);
	}
	scene_free(scene);
	return failed;
}

static void print(const struct tally *tally)
{
	for (int code = 0; code < DIAG_CODE_COUNT; code++)
		if (tally->refusals[code])
			printf("%s: %" G_GUINT64_FORMAT " refusals, %" G_GUINT64_FORMAT
			       " with a remedy, %" G_GUINT64_FORMAT " with facts\n",
				diag_codes[code].id, tally->refusals[code], tally->remedies[code], tally->facts[code]);
	printf("least numbers %" G_GUINT64_FORMAT "; claims of reasons: raise %" G_GUINT64_FORMAT
	       ", Rolling %" G_GUINT64_FORMAT ", counts %" G_GUINT64_FORMAT "\n",
		tally->raised, tally->raises_tested, tally->rolling_tested, tally->counts_tested);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct tally tally = { 0 };
	int failed = 0;
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++)
		failed += run_case(seed, &tally) != 0;
	print(&tally);
	printf("%" G_GUINT64_FORMAT " cases, %d failed\n", n, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
