/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/check.h"
#include "reconcile/remedy_parts.h"

#include <string.h>

enum {
	TRIALS_PER_PLAN = 64,
	TRIALS_PER_REFUSAL = 16,
	TRIALS_SIZE = 400, /* VMs and GPUs; in larger clusters there are fewer trials, as one costs more */
	TRIALS_LEAST = 4,
	FACTS_MAX = 8,
};

struct search {
	struct arena *arena; /* of texts that stay */
	struct plan *plan;
	struct refusal *refusals;
	const struct plan_input *input;
	uint32_t left;     /* trials of the plan */
	uint32_t for_this; /* of the refusal that is looked at */
};

/* ---- is it better? ---- */

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool same_wish(const struct refusal *a, const struct refusal *b)
{
	return same(a->subject, b->subject) && same(a->what, b->what);
}

static bool refuses(const struct plan *plan, const struct refusal *refusal)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (same_wish(&plan->refusals[i], refusal))
			return true;
	return false;
}

/* The refusal is gone, and whatever is refused was refused before. */
static bool refuses_less(const struct plan *before, const struct plan *then, const struct refusal *refusal)
{
	for (uint32_t i = 0; i < then->n_refusals; i++)
		if (!refuses(before, &then->refusals[i]))
			return false;
	return !refuses(then, refusal);
}

/* What was changed before is changed still; a count may become another one than before. */
static bool changes_as_much(const struct plan *before, const struct plan *then)
{
	g_autoptr(GHashTable) changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; i < then->changes.n; i++)
		g_hash_table_add(
			changed, g_strdup_printf("%d %s", then->changes.items[i].kind, then->changes.items[i].subject));
	for (uint32_t i = 0; i < before->changes.n; i++) {
		g_autofree char *key =
			g_strdup_printf("%d %s", before->changes.items[i].kind, before->changes.items[i].subject);
		if (!g_hash_table_contains(changed, key))
			return false;
	}
	return true;
}

/* One order that breaks nothing shows that it can be done; every order is checked once somebody plans that. */
static bool can_be_done(struct arena *arena, const struct plan *plan)
{
	bool is_ordered = plan->n_steps || !plan->changes.n;
	return is_ordered && check_own_order(plan, diags_new(arena)) == 0;
}

/* ---- changes of the manifest ---- */

enum outcome {
	OUTCOME_HELPS,
	OUTCOME_DOES_NOT,
	OUTCOME_NO_SUCH_WAY, /* the row has none of that number */
};

/* The cost of a remedy is part of it: it may be a lot of VMs. */
static const char *with_cost(struct arena *arena, const char *text, const struct plan *before, const struct plan *then)
{
	uint32_t stops = then->cost.vms_stopped;
	if (stops <= before->cost.vms_stopped)
		return arena_strdup(arena, text);
	return arena_printf(arena, "%s; the plan then restarts %u VM%s", text, stops, stops == 1 ? "" : "s");
}

/* Other parts that this very change helps, too, need no trials of their own. */
static void share_remedy(
	struct search *search, const struct plan *then, const struct refusal *refusal, const char *text)
{
	for (uint32_t i = 0; i < search->plan->n_refusals; i++) {
		struct refusal *other = &search->refusals[i];
		if (!other->remedy && other->code == refusal->code && !refuses(then, other))
			other->remedy = text;
	}
}

static bool may_try(struct search *search)
{
	if (!search->left || !search->for_this)
		return false;
	search->left--;
	search->for_this--;
	return true;
}

static enum outcome try_edit(
	struct search *search, struct refusal *refusal, const struct edit_row *row, uint32_t nth, bool *tired)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct draft draft = draft_new(scratch, search->input);
	const char *text = row->edit(&draft, &(struct asked){ search->plan, refusal }, nth);
	if (!text)
		return OUTCOME_NO_SUCH_WAY;
	*tired = !may_try(search);
	if (*tired)
		return OUTCOME_DOES_NOT;
	const struct plan *then = plan_cluster(scratch, &draft.input);
	if (!refuses_less(search->plan, then, refusal) || !changes_as_much(search->plan, then) ||
		!can_be_done(scratch, then))
		return OUTCOME_DOES_NOT;
	refusal->remedy = with_cost(search->arena, text, search->plan, then);
	if (!row->rises)
		share_remedy(search, then, refusal, refusal->remedy);
	return OUTCOME_HELPS;
}

static bool has_way(
	const struct search *search, const struct refusal *refusal, const struct edit_row *row, uint32_t nth)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct draft draft = draft_new(scratch, search->input);
	return row->edit(&draft, &(struct asked){ search->plan, refusal }, nth) != NULL;
}

/* How many ways a rising row has: they have no gaps. Asking costs no trial. */
static uint32_t ways_of(const struct search *search, const struct refusal *refusal, const struct edit_row *row)
{
	uint32_t from = 0, to = 1;
	while (has_way(search, refusal, row, to - 1))
		to *= 2;
	from = to / 2;
	while (from < to - 1) {
		uint32_t middle = from + (to - from) / 2;
		if (has_way(search, refusal, row, middle - 1))
			from = middle;
		else
			to = middle;
	}
	return from;
}

/* The last way allows most: when it does not help none does. Then the least that helps is between. */
static void try_rising(struct search *search, struct refusal *refusal, const struct edit_row *row)
{
	uint32_t from = 0, to = ways_of(search, refusal, row);
	bool tired = false;
	if (!to || try_edit(search, refusal, row, --to, &tired) != OUTCOME_HELPS)
		return;
	while (from < to && !tired) {
		uint32_t middle = from + (to - from) / 2;
		if (try_edit(search, refusal, row, middle, &tired) == OUTCOME_HELPS)
			to = middle;
		else
			from = middle + 1;
	}
}

static void try_each(struct search *search, struct refusal *refusal, const struct edit_row *row)
{
	bool tired = false;
	for (uint32_t nth = 0; !tired; nth++)
		if (try_edit(search, refusal, row, nth, &tired) != OUTCOME_DOES_NOT)
			return;
}

static bool can_help(const struct edit_row *row, const struct refusal *refusal)
{
	return codes_have(row->codes, refusal->code) || (row->what && same(row->what, refusal->what));
}

static void find_remedy(struct search *search, struct refusal *refusal)
{
	search->for_this = TRIALS_PER_REFUSAL;
	for (const struct edit_row *row = edit_rows; row->edit && !refusal->remedy; row++) {
		if (!can_help(row, refusal))
			continue;
		if (row->rises)
			try_rising(search, refusal, row);
		else
			try_each(search, refusal, row);
	}
}

/* ---- facts ---- */

/* Planned without the facts of 'relaxed': is it refused still? */
static bool is_refused_without(
	struct search *search, const struct refusal *refusal, const struct fact_row *const *relaxed, uint32_t n)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct draft draft = draft_new(scratch, search->input);
	struct asked asked = { search->plan, refusal };
	for (uint32_t i = 0; i < n; i++)
		relaxed[i]->relax(&draft, &asked);
	const struct plan *then = plan_cluster(scratch, &draft.input);
	for (uint32_t i = 0; i < then->n_refusals; i++)
		if (same(then->refusals[i].subject, refusal->subject))
			return true;
	return !can_be_done(scratch, then);
}

static uint32_t holding(struct search *search, const struct refusal *refusal, const struct fact_row **rows)
{
	uint32_t n = 0;
	for (const struct fact_row *row = fact_rows; row->relax && n < FACTS_MAX; row++) {
		g_autoptr(arena_auto) scratch = arena_new();
		struct draft draft = draft_new(scratch, search->input);
		if (codes_have(row->codes, refusal->code) &&
			row->relax(&draft, &(struct asked){ search->plan, refusal }))
			rows[n++] = row;
	}
	return n;
}

static void keep_facts(struct search *search, struct refusal *refusal, const struct fact_row *const *needed, uint32_t n)
{
	const char **texts = arena_array(search->arena, const char *, n);
	for (uint32_t i = 0; i < n; i++) {
		g_autoptr(arena_auto) scratch = arena_new();
		struct draft draft = draft_new(scratch, search->input);
		texts[i] =
			arena_strdup(search->arena, needed[i]->relax(&draft, &(struct asked){ search->plan, refusal }));
	}
	refusal->facts = texts;
	refusal->n_facts = n;
}

/* A fact that was found to be needed may not have been so without those that went after it: to take one away can be in the
 * way of something else. */
static bool is_confirmed(struct search *search, const struct refusal *refusal, const struct fact_row **gone,
	uint32_t n_gone, const struct fact_row *const *needed, uint32_t n_needed)
{
	for (uint32_t i = 0; i < n_needed; i++) {
		gone[n_gone] = needed[i];
		if (is_refused_without(search, refusal, gone, n_gone + 1))
			return false;
	}
	return true;
}

/* Takes facts away one after the other: one without which it is refused all the same is not needed and stays away. What
 * is left is impossible together, and possible without any one of them. */
static void find_facts(struct search *search, struct refusal *refusal)
{
	const struct fact_row *rows[FACTS_MAX], *gone[FACTS_MAX], *needed[FACTS_MAX];
	uint32_t n = holding(search, refusal, rows), n_gone = 0, n_needed = 0;
	if (!n || n > search->left)
		return;
	for (uint32_t i = 0; i < n; i++) {
		search->left--;
		gone[n_gone] = rows[i];
		if (is_refused_without(search, refusal, gone, n_gone + 1))
			n_gone++;
		else
			needed[n_needed++] = rows[i];
	}
	if (is_confirmed(search, refusal, gone, n_gone, needed, n_needed))
		keep_facts(search, refusal, needed, n_needed);
}

void remedy_find(struct arena *arena, struct plan *plan, const struct plan_input *input)
{
	if (!plan->n_refusals || input->is_trial || !input->cluster || input->mode != PLAN_APPLY || input->n_frozen)
		return;
	uint32_t size = plan->observed->n_vms + plan->observed->n_gpus + 1;
	struct search search = { .arena = arena, .plan = plan, .input = input };
	search.refusals = arena_copy(arena, plan->refusals, plan->n_refusals * sizeof(*search.refusals));
	search.left = CLAMP(TRIALS_PER_PLAN * TRIALS_SIZE / size, TRIALS_LEAST, TRIALS_PER_PLAN);
	for (uint32_t i = 0; i < plan->n_refusals && search.left; i++)
		if (!search.refusals[i].remedy)
			find_remedy(&search, &search.refusals[i]);
	for (uint32_t i = 0; i < plan->n_refusals && search.left; i++)
		find_facts(&search, &search.refusals[i]);
	plan->refusals = search.refusals;
}
