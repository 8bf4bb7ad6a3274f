/* SPDX-License-Identifier: Apache-2.0 */
/* The plan on a terminal: what goes down, what changes, in which order, why, and which line asked for it. */
#include "render/finding.h"
#include "render/outline.h"
#include "render/page.h"
#include "render/print.h"

#include <string.h>

enum { NAMES_MAX = 20, CLEAN_NAMED_MAX = 5 };

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

static const struct spec_host *line_of(const struct plan *plan, const char *host)
{
	return plan->spec ? cluster_find_host(plan->spec, host) : NULL;
}

static void put_missing(struct page *page, const struct plan *plan)
{
	const struct world *world = plan->observed;
	for (uint32_t i = 0; i < world->n_missing; i++) {
		const struct spec_host *line = line_of(plan, world->missing[i].name);
		g_string_append(page->out, i ? ", " : "; not observed: ");
		print_text(page->out, world->missing[i].name);
		if (line && line->maintenance && !line->exclude)
			g_string_append(page->out, " (in maintenance)");
	}
}

/* "; left alone: hv03 (memory fault)": observed or not, and why is what the manifest says. */
static void put_excluded(struct page *page, const struct plan *plan)
{
	bool any = false;
	for (uint32_t i = 0; plan->spec && i < plan->spec->n_hosts; i++) {
		const struct spec_host *line = &plan->spec->hosts[i];
		if (!line->exclude)
			continue;
		g_string_append(page->out, any ? ", " : "; left alone: ");
		print_text(page->out, line->name);
		g_string_append(page->out, " (");
		print_text(page->out, line->exclude);
		g_string_append_c(page->out, ')');
		any = true;
	}
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
	put_missing(page, plan);
	put_excluded(page, plan);
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
	outline_headline(page->out, plan);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
	put_hosts(page, plan);
}

/* How many VMs are down at once, and that Rolling lets hosts differ for a while. */
static void put_rollout(struct page *page, const struct plan *plan)
{
	g_autoptr(GString) mixed = g_string_new(NULL);
	if (plan->budget.peak) {
		g_string_append(page->out, "  ");
		outline_budget(page->out, &plan->budget);
		g_string_append_c(page->out, '\n');
	}
	if (outline_mixed(mixed, plan))
		g_string_append_printf(page->out, "  %s\n", mixed->str);
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
	g_autoptr(GString) window = g_string_new(NULL);
	if (outline_window(window, plan))
		put_caution(page, window->str);
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
	page_heading(page, title->str);
	unsigned column = host_column(outline);
	for (uint32_t i = 0; i < outline->n_hosts; i++)
		if (outline->hosts[i].n_stops)
			put_down_host(page, plan, &outline->hosts[i], column);
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
	page_place(page, start, change->loc, 0);
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
	page_heading(page, "What changes:");
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
				page_reason(page, "        asked for by ", why);
		}
	}
	if (common)
		page_reason(page, "    asked for by ", common);
}

static const char *move_how(const struct plan *plan, const struct step *move)
{
	if (move->live)
		return "live";
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_STOP_VM && g_strcmp0(plan->steps[i].vm_id, move->vm_id) == 0)
			return "as a restart on another host";
	return "while it is off";
}

static void put_moves(struct page *page, const struct plan *plan)
{
	enum { MOVES_MAX = 40 };
	uint32_t n = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		n += plan->steps[i].kind == STEP_MOVE_VM;
	if (!n)
		return;
	g_autoptr(GString) title = g_string_new(NULL);
	print_n(title, n, "VM moves to another host:", "VMs move to another host:");
	page_heading(page, title->str);
	for (uint32_t i = 0, shown = 0; i < plan->n_steps && shown < MOVES_MAX; i++) {
		const struct step *step = &plan->steps[i];
		if (step->kind != STEP_MOVE_VM)
			continue;
		shown++;
		g_string_append(page->out, "    ");
		print_text(page->out, step->vm_name);
		g_string_append(page->out, "  ");
		print_text(page->out, step->host_name);
		g_string_append_printf(page->out, " %s ", print_arrow(page->style));
		print_text(page->out, step->to_host);
		g_string_append_printf(page->out, ", %s\n", move_how(plan, step));
	}
	if (n > MOVES_MAX)
		g_string_append_printf(page->out, "    and %u more\n", n - MOVES_MAX);
}

/* ---- refusals and findings ---- */

static void put_refusals(struct page *page, const struct plan *plan)
{
	if (!plan->n_refusals)
		return;
	page_heading(page, "Refused:");
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
		page_place(page, start, refusal->loc, 0);
		g_string_append_c(page->out, '\n');
		outline_refusal(page->out, refusal, page->style);
	}
}

static void put_findings(struct page *page, const struct plan *plan)
{
	bool any = false;
	for (const struct diag *diag = plan->diags ? plan->diags->first : NULL; diag; diag = diag->next) {
		if (outline_is_refusal(plan, diag))
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
	put_rollout(page, plan);
	put_cautions(page, plan);
	put_down(page, plan, outline);
	put_moves(page, plan);
	put_changes(page, plan, outline);
	page_steps(page, plan, outline);
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
	if (run->from_file) {
		g_string_append(page->out, ". All that the saved plan asks for is there.\n");
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

void render_plan_text_head(GString *out, const struct run *run, const struct style *style)
{
	struct page page = { out, style, run, NULL };
	put_head(&page);
}

void render_plan_text_cluster(GString *out, const struct run *run, const struct plan *plan, const struct style *style)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct page page = { out, style, run, arena };
	if (outline_is_clean(plan))
		put_findings(&page, plan); /* notes at most */
	else
		put_plan(&page, plan);
}

void render_plan_text_end(GString *out, const struct run *run, const struct style *style)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct page page = { out, style, run, arena };
	uint32_t n_clean = 0;
	for (uint32_t i = 0; i < run->n_plans; i++)
		n_clean += outline_is_clean(run->plans[i]);
	for (const struct diag *diag = run->diags ? run->diags->first : NULL; diag; diag = diag->next) {
		if (diag == run->diags->first)
			g_string_append_c(out, '\n');
		finding_write(out, diag, style);
	}
	if (n_clean)
		put_clean(&page, n_clean);
	put_codes(&page);
}

void render_plan_text(GString *out, const struct run *run, const struct style *style)
{
	render_plan_text_head(out, run, style);
	for (uint32_t i = 0; i < run->n_plans; i++)
		render_plan_text_cluster(out, run, run->plans[i], style);
	render_plan_text_end(out, run, style);
}
