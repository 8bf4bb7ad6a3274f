/* SPDX-License-Identifier: Apache-2.0 */
/* The plan on a terminal: what goes down, what changes, in which order, why, and which line asked for it. */
#include "render/finding.h"
#include "render/outline.h"
#include "render/print.h"

#include <string.h>

enum { NAMES_MAX = 20, TARGETS_MAX = 8, CLEAN_NAMED_MAX = 5, PLACE_COLUMN = 78 };

struct page {
	GString *out;
	const struct style *style;
	const struct run *run;
	struct arena *arena;
};

static void heading(struct page *page, const char *text)
{
	g_string_append(page->out, "\n  ");
	print_on(page->out, page->style, COLOUR_BOLD);
	g_string_append(page->out, text);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

static void dim(struct page *page, const char *text)
{
	print_on(page->out, page->style, COLOUR_DIM);
	g_string_append(page->out, text);
	print_off(page->out, page->style);
}

/* ---- the head ---- */

static void put_head(struct page *page)
{
	const struct run *run = page->run;
	g_string_append(page->out, run->options.mode == PLAN_RESTORE ? "Restore" : "Plan");
	if (run->tree.given) {
		g_string_append(page->out, " for ");
		print_text(page->out, run->tree.given);
		if (run->tree.commit) {
			g_string_append(page->out, " at ");
			print_commit(page->out, run);
		}
	}
	if (run->owner) {
		g_string_append(page->out, ", owner ");
		print_text(page->out, run->owner);
	}
	g_string_append_c(page->out, '\n');
}

/* "3 hosts observed 4 min ago" */
static void put_hosts(struct page *page, const struct plan *plan)
{
	const struct world *world = plan->observed;
	int64_t oldest = page->run->now;
	for (uint32_t i = 0; i < world->n_hosts; i++)
		oldest = MIN(oldest, world->hosts[i].observed_at);
	g_string_append(page->out, "  ");
	print_n(page->out, world->n_hosts, "host", "hosts");
	g_string_append(page->out, " observed");
	if (world->n_hosts && page->run->now - oldest > 0) {
		g_string_append(page->out, world->n_hosts > 1 ? ", the oldest " : " ");
		print_duration(page->out, (uint32_t)MIN(page->run->now - oldest, UINT32_MAX));
		g_string_append(page->out, " ago");
	}
	for (uint32_t i = 0; i < world->n_missing; i++) {
		g_string_append(page->out, i ? ", " : "; not observed: ");
		print_text(page->out, world->missing[i].name);
	}
	g_string_append_c(page->out, '\n');
}

static void put_cluster_line(struct page *page, const struct plan *plan)
{
	g_string_append_c(page->out, '\n');
	print_on(page->out, page->style, COLOUR_BOLD);
	g_string_append(page->out, plan->cluster ? "Cluster " : "All hosts");
	if (plan->cluster)
		print_text(page->out, plan->cluster);
	g_string_append(page->out, ": ");
	if (plan->n_steps)
		outline_cost(page->out, &plan->cost);
	else if (plan->n_refusals)
		g_string_append(page->out, "nothing can be done");
	else
		g_string_append(page->out, "nothing to do");
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
	put_hosts(page, plan);
}

/* What a reader must not miss: a plan that looks clean and is not, or that will not be applied as it is. */
static void put_caution(struct page *page, const char *text)
{
	g_string_append(page->out, "  ");
	print_on(page->out, page->style, COLOUR_YELLOW);
	g_string_append(page->out, text);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

static void put_cautions(struct page *page, const struct plan *plan)
{
	const struct world *world = plan->observed;
	if (plan->incomplete_hosts) {
		g_autoptr(GString) text = g_string_new("This plan is incomplete, not clean: ");
		for (uint32_t i = 0; i < world->n_missing; i++) {
			g_string_append(text, i ? ", " : "");
			print_text(text, world->missing[i].name);
		}
		g_string_append(text, world->n_missing == 0   ? "a host was not observed"
				      : world->n_missing == 1 ? " was not observed"
							      : " were not observed");
		put_caution(page, text->str);
	}
	if (!plan->complete)
		put_caution(page, "After these steps more will be known; apply looks again and plans the rest.");
	if (plan->suspended)
		put_caution(page, "The cluster is suspended: apply pays open debts and does nothing else.");
	if (plan->foreign_owner)
		put_caution(page, "The cluster belongs to another repository: apply needs --adopt.");
}

/* ---- what goes down, what changes ---- */

static bool comes_back(const struct plan *plan, const struct step *stop)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_START_VM && g_strcmp0(plan->steps[i].vm_id, stop->vm_id) == 0)
			return true;
	return false;
}

static bool is_managed(const struct plan *plan, const struct step *stop)
{
	uint32_t vm = stop->vm_id ? world_find_vm(plan->observed, stop->vm_id) : NO_INDEX;
	return vm == NO_INDEX || !plan->rules || plan->rules->vm_ownership[vm] != VM_UNMANAGED;
}

static const char *stop_name(struct page *page, const struct plan *plan, const struct step *stop)
{
	const char *name = outline_target(stop);
	if (!is_managed(plan, stop))
		name = arena_printf(page->arena, "%s (in no manifest)", name);
	return comes_back(plan, stop) ? name : arena_printf(page->arena, "%s (stays off)", name);
}

static unsigned host_column(const struct outline *outline)
{
	enum { COLUMN_MIN = 6, COLUMN_MAX = 24 };
	unsigned width = COLUMN_MIN;
	for (uint32_t i = 0; i < outline->n_hosts; i++) {
		g_autoptr(GString) name = g_string_new(NULL);
		print_text(name, outline->hosts[i].name);
		width = MAX(width, print_width(name->str));
	}
	return MIN(width, COLUMN_MAX);
}

static void put_down_host(struct page *page, const struct plan *plan, const struct outline_host *host, unsigned column)
{
	const char **names = arena_array(page->arena, const char *, host->n_stops);
	uint32_t n = MIN(host->n_stops, (uint32_t)NAMES_MAX);
	for (uint32_t k = 0; k < n; k++)
		names[k] = stop_name(page, plan, host->stops[k]);
	g_autoptr(GString) name = g_string_new(NULL);
	print_text(name, host->name);
	unsigned width = print_width(name->str);
	g_string_append_printf(page->out, "    %s%*s  ", name->str, (int)(column > width ? column - width : 0), "");
	print_names(page->out, names, host->n_stops, NAMES_MAX, 4 + MAX(column, width) + 2, page->style->width);
	g_string_append_c(page->out, '\n');
}

static void put_down(struct page *page, const struct plan *plan, const struct outline *outline)
{
	if (!outline->n_down)
		return;
	bool all_back = true;
	for (uint32_t i = 0; i < plan->n_steps && all_back; i++)
		all_back = plan->steps[i].kind != STEP_STOP_VM || comes_back(plan, &plan->steps[i]);
	g_autoptr(GString) title = g_string_new(NULL);
	print_n(title, outline->n_down, "running VM goes down", "running VMs go down");
	if (all_back)
		g_string_append(title, outline->n_down == 1 ? " and is started again" : " and are started again");
	g_string_append_c(title, ':');
	heading(page, title->str);
	unsigned column = host_column(outline);
	for (uint32_t i = 0; i < outline->n_hosts; i++)
		if (outline->hosts[i].n_stops)
			put_down_host(page, plan, &outline->hosts[i], column);
}

/* The place in a column of its own, where the line is short enough. */
static void put_place(struct page *page, size_t line_start, struct loc loc, uint32_t last_line)
{
	g_autoptr(GString) place = g_string_new(NULL);
	print_place(place, loc);
	if (!place->len)
		return;
	if (last_line > loc.line)
		g_string_append_printf(place, "-%u", last_line);
	unsigned at = 0;
	bool escape = false; /* colours have no width */
	for (const char *c = page->out->str + line_start; *c; c = g_utf8_next_char(c)) {
		if (*c == '\033')
			escape = true;
		else if (escape)
			escape = *c != 'm';
		else
			at += print_char_width(g_utf8_get_char(c));
	}
	g_string_append_printf(page->out, "%*s", (int)(at < PLACE_COLUMN ? PLACE_COLUMN - at : 2), "");
	dim(page, place->str);
}

static void put_change(struct page *page, const struct plan *plan, const struct change *change)
{
	char sign = outline_sign(change);
	size_t start = page->out->len;
	g_string_append(page->out, "      ");
	print_on(page->out, page->style, sign == '+' ? COLOUR_GREEN : sign == '-' ? COLOUR_RED : COLOUR_YELLOW);
	g_string_append_printf(page->out, "%c ", sign);
	print_off(page->out, page->style);
	outline_subject(page->out, plan, change);
	g_string_append(page->out, sign == '~' ? ": " : " ");
	outline_change(page->out, change, page->style);
	put_place(page, start, change->loc, 0);
	g_string_append_c(page->out, '\n');
}

static void put_reason(struct page *page, const char *label, const char *why)
{
	print_on(page->out, page->style, COLOUR_DIM);
	g_string_append(page->out, label);
	print_text(page->out, why);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

/* The reason that all changes share, or NULL. */
static const char *common_why(const struct changes *changes)
{
	for (uint32_t i = 1; i < changes->n; i++)
		if (g_strcmp0(changes->items[i].why, changes->items[0].why) != 0)
			return NULL;
	return changes->items[0].why;
}

static void put_changes(struct page *page, const struct plan *plan, const struct outline *outline)
{
	if (!plan->changes.n || !plan->n_steps)
		return;
	heading(page, "What changes:");
	const char *common = common_why(&plan->changes);
	for (uint32_t i = 0; i < outline->n_hosts; i++) {
		const struct outline_host *host = &outline->hosts[i];
		if (!host->n_changes)
			continue;
		g_string_append(page->out, "    ");
		print_text(page->out, host->name);
		g_string_append_c(page->out, '\n');
		for (uint32_t k = 0; k < host->n_changes; k++) {
			const char *why = host->changes[k]->why;
			put_change(page, plan, host->changes[k]);
			/* Once, after the last of those in a row that share it. */
			if (why && !common &&
				(k + 1 == host->n_changes || g_strcmp0(host->changes[k + 1]->why, why) != 0))
				put_reason(page, "        asked for by ", why);
		}
	}
	if (common)
		put_reason(page, "    asked for by ", common);
}

/* ---- steps ---- */

static void put_targets(struct page *page, const struct outline_group *group)
{
	for (uint32_t i = 0; i < group->n;) {
		const char *host = group->steps[i]->host_name ? group->steps[i]->host_name : "?";
		uint32_t n = 0;
		const char **names = arena_array(page->arena, const char *, group->n - i);
		for (; i < group->n && g_strcmp0(group->steps[i]->host_name, host) == 0; i++)
			names[n++] = outline_target(group->steps[i]);
		g_autoptr(GString) name = g_string_new(NULL);
		print_text(name, host);
		g_string_append_printf(page->out, "             %s: ", name->str);
		print_names(page->out, names, n, TARGETS_MAX, 15 + print_width(name->str), page->style->width);
		g_string_append_c(page->out, '\n');
	}
}

static void put_after(struct page *page, const struct outline *outline, const struct outline_group *group)
{
	enum { AFTER_MAX = 3 };
	if (!group->n_after)
		return;
	g_string_append(page->out, "             ");
	print_on(page->out, page->style, COLOUR_DIM);
	for (uint32_t i = 0; i < MIN(group->n_after, (uint32_t)AFTER_MAX); i++) {
		const struct outline_after *after = &group->after[i];
		const struct outline_group *other = &outline->groups[after->group];
		g_string_append(page->out, i ? "; " : "after: ");
		if (!after->all)
			g_string_append(page->out, group->n > 1 ? "each its own of " : "its own of ");
		else if (other->n > 1)
			g_string_append(page->out, "all of ");
		outline_group_ids(page->out, other);
	}
	if (group->n_after > AFTER_MAX)
		g_string_append_printf(page->out, "; and %u others", group->n_after - AFTER_MAX);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

/* "clusters/paris.yaml:16-18": where the steps were asked for, when that is one file. */
static void put_group_place(struct page *page, size_t line_start, const struct outline_group *group)
{
	struct loc loc = group->steps[0]->loc;
	uint32_t last = loc.line;
	for (uint32_t i = 1; i < group->n; i++) {
		if (group->steps[i]->loc.source != loc.source)
			return;
		loc.line = MIN(loc.line, group->steps[i]->loc.line);
		last = MAX(last, group->steps[i]->loc.line);
	}
	put_place(page, line_start, loc, last);
}

/* The earlier group that works on the very same VMs or GPUs, or NULL. */
static const struct outline_group *same_targets(const struct outline *outline, const struct outline_group *group)
{
	for (const struct outline_group *other = outline->groups; other < group; other++) {
		uint32_t i = 0;
		if (other->n != group->n)
			continue;
		while (i < group->n && g_strcmp0(other->steps[i]->vm_id, group->steps[i]->vm_id) == 0 &&
			g_strcmp0(other->steps[i]->host_name, group->steps[i]->host_name) == 0 &&
			g_strcmp0(other->steps[i]->location_path, group->steps[i]->location_path) == 0)
			i++;
		if (i == group->n)
			return other;
	}
	return NULL;
}

static void put_group(struct page *page, const struct outline *outline, const struct outline_group *group)
{
	g_autoptr(GString) ids = g_string_new(NULL);
	const struct outline_group *same = group->n > 1 ? same_targets(outline, group) : NULL;
	outline_group_ids(ids, group);
	size_t start = page->out->len;
	g_string_append_printf(page->out, "    %7s  ", ids->str);
	if (group->n == 1) {
		print_text(page->out, step_text(page->arena, group->steps[0]));
		if (group->steps[0]->kind <= STEP_ADD_DEVICE && group->steps[0]->kind != STEP_MOVE_VM) {
			g_string_append(page->out, " on ");
			print_text(page->out, group->steps[0]->host_name);
		}
	} else {
		outline_group_title(page->out, group);
		if (same) {
			g_string_append(page->out, ", those of ");
			outline_group_ids(page->out, same);
		}
	}
	put_group_place(page, start, group);
	g_string_append_c(page->out, '\n');
	if (group->n > 1 && !same)
		put_targets(page, group);
	put_after(page, outline, group);
	put_reason(page, "             why: ", outline_group_why(group));
}

static void put_steps(struct page *page, const struct plan *plan, const struct outline *outline)
{
	if (!plan->n_steps)
		return;
	heading(page, "In this order (what does not wait runs side by side):");
	for (uint32_t i = 0; i < outline->n_groups; i++)
		put_group(page, outline, &outline->groups[i]);
}

/* Rolling accepts that GPUs of a cluster differ for a while; the plan says from when to when. */
static void put_mixed(struct page *page, const struct plan *plan)
{
	uint32_t first = 0, last = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_SET_COUNT) {
			first = first ? first : plan->steps[i].id;
			last = plan->steps[i].id;
		}
	if (!plan->rules || plan->rules->strategy != STRATEGY_ROLLING || first == last)
		return;
	g_autofree char *text = g_strdup_printf(
		"Rolling: from step %u to step %u the GPUs of this cluster have different partition counts.", first,
		last);
	put_caution(page, text);
}

/* ---- refusals and findings ---- */

static void put_refusals(struct page *page, const struct plan *plan)
{
	if (!plan->n_refusals)
		return;
	heading(page, "Refused:");
	for (uint32_t i = 0; i < plan->n_refusals; i++) {
		const struct refusal *refusal = &plan->refusals[i];
		size_t start = page->out->len;
		g_string_append(page->out, "    ");
		print_on(page->out, page->style, COLOUR_RED);
		g_string_append(page->out, "x ");
		print_off(page->out, page->style);
		print_text(page->out, refusal->subject);
		g_string_append(page->out, ": ");
		print_text(page->out, refusal->what);
		put_place(page, start, refusal->loc, 0);
		g_string_append(page->out, "\n      ");
		print_text(page->out, refusal->reason);
		g_string_append_printf(page->out, " [%s]\n", diag_codes[refusal->code].id);
	}
}

static bool is_refusal(const struct plan *plan, const struct diag *diag)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (plan->refusals[i].code == diag->code && g_strcmp0(plan->refusals[i].reason, diag->message) == 0)
			return true;
	return false;
}

static void put_findings(struct page *page, const struct plan *plan)
{
	bool any = false;
	for (const struct diag *diag = plan->diags ? plan->diags->first : NULL; diag; diag = diag->next) {
		if (is_refusal(plan, diag))
			continue;
		if (!any)
			g_string_append_c(page->out, '\n');
		any = true;
		finding_write(page->out, diag, page->style);
	}
	if (plan->diags && plan->diags->n_dropped)
		g_string_append_printf(page->out, "%u more findings are not shown.\n", plan->diags->n_dropped);
}

/* ---- clusters ---- */

static void put_plan(struct page *page, const struct plan *plan)
{
	struct outline *outline = outline_of(page->arena, plan);
	put_cluster_line(page, plan);
	put_cautions(page, plan);
	put_mixed(page, plan);
	put_down(page, plan, outline);
	put_changes(page, plan, outline);
	put_steps(page, plan, outline);
	put_refusals(page, plan);
	put_findings(page, plan);
}

static void put_clean(struct page *page, uint32_t n_clean)
{
	const struct run *run = page->run;
	const char **names = arena_array(page->arena, const char *, n_clean);
	uint32_t n = 0;
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (outline_is_clean(run->plans[i]))
			names[n++] = run->plans[i]->cluster ? run->plans[i]->cluster : "all hosts";
	g_string_append_c(page->out, '\n');
	print_on(page->out, page->style, COLOUR_GREEN);
	g_string_append(page->out, "Nothing to do");
	print_off(page->out, page->style);
	if (n_clean < run->n_plans) {
		g_string_append(page->out, " in ");
		print_n(page->out, n, "cluster: ", "clusters: ");
		print_names(page->out, names, n, CLEAN_NAMED_MAX, 4, 0);
	}
	if (run->options.mode == PLAN_RESTORE) {
		g_string_append(page->out, ". Nothing is owed.\n");
		return;
	}
	g_string_append(page->out, ". The hosts are as ");
	print_commit(page->out, run);
	g_string_append(page->out, run->tree.commit ? " says.\n" : " say.\n");
}

static void put_codes(struct page *page)
{
	const struct run *run = page->run;
	const struct diags **lists = arena_array(page->arena, const struct diags *, run->n_plans + 1);
	lists[0] = run->diags;
	for (uint32_t i = 0; i < run->n_plans; i++)
		lists[i + 1] = run->plans[i]->diags;
	g_autoptr(GString) line = g_string_new(NULL);
	finding_write_codes(line, lists, run->n_plans + 1);
	if (line->len)
		g_string_append_printf(page->out, "\n%s", line->str);
}

void render_plan_text(GString *out, const struct run *run, const struct style *style)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct page page = { out, style, run, arena };
	uint32_t n_clean = 0;
	put_head(&page);
	for (uint32_t i = 0; i < run->n_plans; i++) {
		if (!outline_is_clean(run->plans[i])) {
			put_plan(&page, run->plans[i]);
			continue;
		}
		n_clean++;
		put_findings(&page, run->plans[i]); /* notes at most */
	}
	for (const struct diag *diag = run->diags ? run->diags->first : NULL; diag; diag = diag->next) {
		if (diag == run->diags->first)
			g_string_append_c(out, '\n');
		finding_write(out, diag, style);
	}
	if (n_clean)
		put_clean(&page, n_clean);
	put_codes(&page);
}
