/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/reasons.h"
#include "render/finding.h"
#include "render/outline.h"
#include "render/print.h"
#include "render/why.h"

#include <string.h>

enum { LABEL_COLUMNS = 11, CHANGES_MAX = 20, REDUCED_MAX = 500 };

struct teller {
	GString *out;
	const struct style *style;
	const struct run *run;
	struct arena *arena;
	const struct why *why;
	const struct reasons *reasons;
	bool told[INVARIANT_COUNT]; /* sentences that were printed already */
};

/* ---- the head ---- */

static void put_title(struct teller *teller)
{
	const struct why *why = teller->why;
	const struct world *world = why->plan->observed;
	const char *slash = strchr(strchr(why->address, '/') + 1, '/'); /* behind the cluster */
	const char *name = why->kind == WHY_REFUSED && slash ? slash + 1 : strrchr(why->address, '/') + 1;
	print_on(teller->out, teller->style, COLOUR_BOLD);
	if (why->kind == WHY_GPU) {
		g_string_append(teller->out, "GPU ");
		print_text(teller->out, world->gpus[why->gpu].location_path);
		g_string_append(teller->out, " (");
		print_text(teller->out, world->gpus[why->gpu].name);
		g_string_append_c(teller->out, ')');
	} else {
		const char *kind = why->kind == WHY_REFUSED ? "" : name_of(&why_kind_names, (int)why->kind);
		g_string_append_printf(teller->out, "%s%s", kind, *kind ? " " : "");
		print_text(teller->out, name);
	}
	if (why->kind != WHY_HOST && why->host != NO_INDEX) {
		g_string_append(teller->out, " on ");
		print_text(teller->out, world->hosts[why->host].name);
	}
	if (why->kind != WHY_CLUSTER && why->plan->cluster) {
		g_string_append(teller->out, ", cluster ");
		print_text(teller->out, why->plan->cluster);
	}
	print_off(teller->out, teller->style);
	g_string_append_c(teller->out, '\n');
}

static void put_line(struct teller *teller)
{
	struct loc loc = teller->why->loc;
	if (!loc.source)
		return;
	g_string_append(teller->out, "  manifest: ");
	print_place(teller->out, loc);
	g_string_append_c(teller->out, '\n');
	finding_write_excerpt(teller->out, loc, teller->style);
}

static const char *ownership_of(const struct why *why)
{
	static const char *const words[VM_OWNERSHIP_COUNT] = {
		[VM_BYSTANDER] = "no manifest names it, and it has none of the GPUs of a group",
		[VM_UNMANAGED] = "no manifest names it, and it has a GPU of a group",
		[VM_OURS] = "no manifest names it any more; what it has was assigned by an earlier commit",
	};
	return why->kind == WHY_VM && why->plan->rules ? words[why->plan->rules->vm_ownership[why->vm]] : NULL;
}

static const char *role_of(const struct why *why)
{
	static const char *const words[GPU_ROLE_COUNT] = { [ROLE_NONE] = "no GPU group selects it" };
	return why->kind == WHY_GPU && why->plan->rules ? words[why->plan->rules->gpu_role[why->gpu]] : NULL;
}

static void put_remark(struct teller *teller, const char *text)
{
	if (text)
		g_string_append_printf(teller->out, "  %s\n", text);
}

/* ---- changes and refusals ---- */

static bool is_own(const struct why *why, const struct change *change)
{
	return (why->kind != WHY_VM || change->vm == why->vm) &&
	       (why->kind != WHY_STEP || !why->steps[0]->vm_id || change->vm != NO_INDEX);
}

static void put_change(struct teller *teller, const struct change *change)
{
	const struct world *world = teller->why->plan->observed;
	char sign = outline_sign(change);
	g_string_append_printf(teller->out, "    %c ", sign);
	if (teller->why->host == NO_INDEX && change->host < world->n_hosts) {
		print_text(teller->out, world->hosts[change->host].name);
		g_string_append_c(teller->out, ' ');
	}
	outline_subject(teller->out, teller->why->plan, change);
	g_string_append(teller->out, sign == '~' ? ": " : " ");
	outline_change(teller->out, change, teller->style);
	if (change->loc.source) {
		g_string_append(teller->out, "  ");
		print_place(teller->out, change->loc);
	}
	g_string_append_c(teller->out, '\n');
}

static void put_changes(struct teller *teller)
{
	const struct why *why = teller->why;
	if (!why->n_changes)
		return;
	g_string_append(
		teller->out, is_own(why, why->changes[0]) ? "\n  What changes:\n" : "\n  It must make way for:\n");
	for (uint32_t i = 0; i < MIN(why->n_changes, (uint32_t)CHANGES_MAX); i++)
		put_change(teller, why->changes[i]);
	if (why->n_changes > CHANGES_MAX)
		g_string_append_printf(teller->out, "    and %u more\n", why->n_changes - CHANGES_MAX);
}

static void put_refusals(struct teller *teller)
{
	const struct why *why = teller->why;
	for (uint32_t i = 0; i < why->n_refusals; i++) {
		g_string_append(teller->out, i ? "" : "\n  Refused:\n");
		g_string_append(teller->out, "    x ");
		print_text(teller->out, why->refusals[i]->subject);
		g_string_append(teller->out, ": ");
		print_text(teller->out, why->refusals[i]->what);
		if (why->refusals[i]->loc.source) {
			g_string_append(teller->out, "  ");
			print_place(teller->out, why->refusals[i]->loc);
		}
		g_string_append_c(teller->out, '\n');
		outline_refusal(teller->out, why->refusals[i], teller->style);
	}
}

static void put_findings(struct teller *teller)
{
	for (uint32_t i = 0; i < teller->why->n_findings; i++) {
		g_string_append(teller->out, i ? "" : "\n");
		finding_write(teller->out, teller->why->findings[i], teller->style);
	}
}

/* ---- steps ---- */

static void put_label(struct teller *teller, const char *label)
{
	print_on(teller->out, teller->style, COLOUR_DIM);
	g_string_append_printf(teller->out, "      %-*s", LABEL_COLUMNS, label);
	print_off(teller->out, teller->style);
}

/* "1-12, stop 12 VMs" */
static void put_steps_named(struct teller *teller, const uint32_t *ids, uint32_t n)
{
	const struct step **steps = arena_array(teller->arena, const struct step *, n);
	bool alike = true;
	for (uint32_t i = 0; i < n; i++) {
		steps[i] = &teller->why->plan->steps[ids[i] - 1];
		alike &= steps[i]->kind == steps[0]->kind;
	}
	struct outline_group group = { .steps = steps, .n = n };
	outline_group_ids(teller->out, &group);
	g_string_append(teller->out, ", ");
	if (n == 1)
		print_text(teller->out, step_text(teller->arena, steps[0]));
	else if (alike)
		outline_group_title(teller->out, &group);
	else
		print_n(teller->out, n, "step", "steps");
}

/* The rule, and once what it is for. */
static void put_rule(struct teller *teller, const struct reason *reason)
{
	if (!reason->rule)
		return;
	g_string_append(teller->out, ": ");
	print_text(teller->out, reason->rule);
	if (!reason->because)
		return;
	g_autofree char *first = g_strndup(reason->because, strcspn(reason->because, ","));
	int invariant = name_find(&invariant_names, first);
	g_string_append(teller->out, " (");
	print_text(teller->out, reason->because);
	g_string_append_c(teller->out, ')');
	if (invariant >= 0)
		teller->told[invariant] = true;
}

/* Steps of one row of the plan: what rules tie to all of them together. */
struct bundle {
	const struct step *const *steps;
	uint32_t n;
};

struct tie { /* a rule, and the other steps that it ties to those of a bundle */
	struct reason reason;
	GArray *ids;
	uint32_t n_edges;
};

static void add_reason(GArray *ties, const struct reason *reason)
{
	struct tie *tie = NULL;
	for (guint i = 0; i < ties->len && !tie; i++)
		if (g_strcmp0(g_array_index(ties, struct tie, i).reason.rule, reason->rule) == 0)
			tie = &g_array_index(ties, struct tie, i);
	if (!tie) {
		struct tie new = { *reason, g_array_new(FALSE, FALSE, sizeof(uint32_t)), 0 };
		g_array_append_val(ties, new);
		tie = &g_array_index(ties, struct tie, ties->len - 1);
	}
	g_array_append_vals(tie->ids, reason->steps, reason->n_steps);
	tie->n_edges += reason->n_steps;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void sort_ids(GArray *ids)
{
	guint kept = 0;
	g_array_sort(ids, compare_ids);
	for (guint i = 0; i < ids->len; i++)
		if (i == 0 || g_array_index(ids, uint32_t, i) != g_array_index(ids, uint32_t, kept - 1))
			g_array_index(ids, uint32_t, kept++) = g_array_index(ids, uint32_t, i);
	g_array_set_size(ids, kept);
}

typedef uint32_t ties_fn(const struct reasons *reasons, uint32_t id, const struct reason **out);

/* Marks all that 'id' waits for through others, or (forward) all that waits for it through others. */
static void mark_beyond(
	const struct plan *plan, const struct reasons *reasons, uint32_t id, ties_fn *ties_of, bool *marks)
{
	g_autoptr(GArray) todo = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	bool direct = true;
	for (uint32_t at = id;;) {
		const struct reason *items;
		uint32_t n = ties_of(reasons, at, &items);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < items[i].n_steps; k++) {
				uint32_t other = items[i].steps[k];
				if (other < 1 || other > plan->n_steps || (!direct && marks[other]))
					continue;
				marks[other] |= !direct;
				g_array_append_val(todo, other);
			}
		direct = false;
		if (!todo->len)
			return;
		at = g_array_index(todo, uint32_t, todo->len - 1);
		g_array_set_size(todo, todo->len - 1);
	}
}

/* Everything of it is tied through others anyway. */
static bool is_implied(const struct reason *reason, const bool *marks)
{
	for (uint32_t k = 0; k < reason->n_steps; k++)
		if (!marks[reason->steps[k]])
			return false;
	return true;
}

static void put_ties(struct teller *teller, const struct bundle *bundle, const char *label, ties_fn *ties_of)
{
	const struct plan *plan = teller->why->plan;
	g_autoptr(GArray) ties = g_array_new(FALSE, FALSE, sizeof(struct tie));
	for (uint32_t i = 0; i < bundle->n; i++) {
		const struct reason *items;
		uint32_t n = ties_of(teller->reasons, bundle->steps[i]->id, &items);
		g_autofree bool *marks = g_new0(bool, plan->n_steps + 1);
		if (plan->n_steps <= REDUCED_MAX)
			mark_beyond(plan, teller->reasons, bundle->steps[i]->id, ties_of, marks);
		for (uint32_t k = 0; k < n; k++)
			if (!is_implied(&items[k], marks))
				add_reason(ties, &items[k]);
	}
	for (guint i = 0; i < ties->len; i++) {
		struct tie *tie = &g_array_index(ties, struct tie, i);
		sort_ids(tie->ids);
		put_label(teller, i ? "" : label);
		if (bundle->n > 1 && tie->n_edges < bundle->n * tie->ids->len)
			g_string_append(teller->out, "each its own of ");
		put_steps_named(teller, (const uint32_t *)tie->ids->data, tie->ids->len);
		if (ties_of == reasons_before)
			put_rule(teller, &tie->reason);
		g_string_append_c(teller->out, '\n');
		g_array_unref(tie->ids);
	}
}

static void put_consent(struct teller *teller)
{
	const struct plan *plan = teller->why->plan;
	if (outline_window(teller->out, plan))
		return;
	g_string_append(teller->out, plan->consents ? "at any time: the manifest has no windows"
						    : "by a person, or --allow: the manifest sets neither "
						      "maxUnavailable nor windows");
}

static void put_permits(struct teller *teller, const struct step *step)
{
	const struct plan *plan = teller->why->plan;
	bool stops = step_rows[step->kind].needs & STEP_IS_STOP;
	if (!stops && !(step->kind == STEP_MOVE_VM && step->live))
		return;
	put_label(teller, "permitted");
	outline_budget(teller->out, &plan->budget);
	g_string_append_c(teller->out, '\n');
	put_label(teller, "");
	put_consent(teller);
	g_string_append_c(teller->out, '\n');
}

static void put_bundle(struct teller *teller, const struct bundle *bundle)
{
	struct outline_group group = { .steps = bundle->steps, .n = bundle->n };
	g_autoptr(GString) ids = g_string_new(NULL);
	outline_group_ids(ids, &group);
	g_string_append_printf(teller->out, "    %s  ", ids->str);
	if (bundle->n == 1)
		print_text(teller->out, step_text(teller->arena, bundle->steps[0]));
	else
		outline_group_title(teller->out, &group);
	g_string_append_c(teller->out, '\n');
	put_label(teller, "why");
	print_text(teller->out, outline_group_why(&group));
	g_string_append_c(teller->out, '\n');
	put_ties(teller, bundle, "waits for", reasons_before);
	put_permits(teller, bundle->steps[0]);
	put_ties(teller, bundle, "before", reasons_behind);
}

/* The rows of the plan as far as they are about it. */
static void put_steps(struct teller *teller)
{
	const struct why *why = teller->why;
	const struct outline *outline = outline_of(teller->arena, why->plan);
	g_autoptr(GHashTable) mine = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < why->n_steps; i++)
		g_hash_table_add(mine, (gpointer)why->steps[i]);
	g_string_append(teller->out, why->n_steps == 1 ? "\n  The step:\n" : "\n  The steps:\n");
	for (uint32_t i = 0; i < outline->n_groups; i++) {
		const struct outline_group *group = &outline->groups[i];
		const struct step **steps = arena_array(teller->arena, const struct step *, group->n);
		struct bundle bundle = { steps, 0 };
		for (uint32_t k = 0; k < group->n; k++)
			if (g_hash_table_contains(mine, group->steps[k]))
				steps[bundle.n++] = group->steps[k];
		if (bundle.n)
			put_bundle(teller, &bundle);
	}
}

static void put_promises(struct teller *teller)
{
	bool any = false;
	for (int i = 0; i < INVARIANT_COUNT; i++) {
		if (!teller->told[i])
			continue;
		g_string_append(teller->out, any ? "" : "\n  What the rules are for:\n");
		g_string_append_printf(teller->out, "    %-14s %s\n", name_of(&invariant_names, i), invariant_docs[i]);
		any = true;
	}
}

static void put_why(struct teller *teller)
{
	const struct why *why = teller->why;
	put_title(teller);
	put_line(teller);
	put_remark(teller, ownership_of(why));
	put_remark(teller, role_of(why));
	if (why->kind == WHY_HOST && why->host == NO_INDEX)
		put_remark(teller, "It was not observed, so nothing is known of it.");
	put_changes(teller);
	if (why->n_steps)
		put_steps(teller);
	else if (!why->n_refusals && !why->n_changes)
		g_string_append(teller->out, "  Nothing happens to it: it is as wanted.\n");
	else if (!why->n_steps && why->n_changes)
		g_string_append(teller->out, "  No step leads there: the plan did not pass its check.\n");
	put_promises(teller);
	put_refusals(teller);
	put_findings(teller);
}

void render_why_text(
	GString *out, const struct run *run, const struct why *const *whys, uint32_t n, const struct style *style)
{
	enum { WHYS_MAX = 20 };
	g_autoptr(arena_auto) arena = arena_new();
	for (uint32_t i = 0; i < MIN(n, (uint32_t)WHYS_MAX); i++) {
		struct teller teller = { out, style, run, arena, whys[i], reasons_of(arena, whys[i]->plan) };
		g_string_append(out, i ? "\n" : "");
		put_why(&teller);
	}
	if (n > WHYS_MAX)
		g_string_append_printf(out, "\n%u more have that address; write more of it.\n", n - WHYS_MAX);
}
