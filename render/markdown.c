/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as a comment on a pull request. The hidden marker lets a bot find its own comment and edit it in place; the
 * summary stands outside of <details>; a fence of language diff colours lines by their first column. Code hosts refuse
 * longer texts (65,536), so whole hosts are left out, the least disruptive last, and the counts stay those of all.
 */
#include "render/outline.h"
#include "render/print.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_POINTS_MAX = 65000, BYTES_MAX = 65536, TAIL_BYTES = 2000, FINDINGS_BYTES = 16000, NAMES_MAX = 20 };

static const struct style plain = { .unicode = true };

/* Text outside of code: nothing in it may be markup, a mention or a reference. */
static void put_text(GString *out, const char *text)
{
	g_autoptr(GString) safe = g_string_new(NULL);
	print_text(safe, text);
	for (const char *c = safe->str; *c; c++) {
		if (*c == '<')
			g_string_append(out, "&lt;");
		else if (*c == '>')
			g_string_append(out, "&gt;");
		else if (*c == '&')
			g_string_append(out, "&amp;");
		else if (*c == '@' || *c == '#') /* a zero-width space ends a mention or reference before it begins */
			g_string_append_printf(out, "%c\xe2\x80\x8b", *c);
		else if (strchr("\\`*_[]|~!", *c))
			g_string_append_printf(out, "\\%c", *c);
		else
			g_string_append_c(out, *c);
	}
}

/* A name in code. Backquotes would end it, bars a table's cell. */
static void put_name(GString *out, const char *text)
{
	g_autoptr(GString) safe = g_string_new(NULL);
	print_text(safe, text && *text ? text : "?");
	g_string_append_c(out, '`');
	for (const char *c = safe->str; *c; c++) {
		if (*c == '|')
			g_string_append(out, "\\|");
		else
			g_string_append_c(out, *c == '`' ? '\'' : *c);
	}
	g_string_append_c(out, '`');
}

static bool fits(const GString *out, const GString *more)
{
	glong points = g_utf8_strlen(out->str, (gssize)out->len) + g_utf8_strlen(more->str, (gssize)more->len);
	return out->len + more->len + TAIL_BYTES <= BYTES_MAX && points + TAIL_BYTES <= CODE_POINTS_MAX;
}

/* ---- head ---- */

static void put_marker(GString *out, const struct run *run)
{
	enum { NAMED_MAX = 8 };
	g_string_append(out, "<!-- hvgpu:plan:");
	for (uint32_t i = 0; i < run->n_plans && i < NAMED_MAX; i++) {
		const char *name = run->plans[i]->cluster ? run->plans[i]->cluster : "-";
		g_string_append(out, i ? "," : "");
		for (const char *c = name; *c; c++)
			g_string_append_c(
				out, g_ascii_isalnum(*c) || strchr("._", *c) || (*c == '-' && c[1] != '-') ? *c : '_');
	}
	if (run->n_plans > NAMED_MAX)
		g_string_append_printf(out, ",+%u", run->n_plans - NAMED_MAX);
	g_string_append(out, " -->\n");
}

/* What all clusters cost together. */
static struct cost sum_of_costs(const struct run *run)
{
	struct cost cost = { 0 };
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct plan *plan = run->plans[i];
		cost.vms_stopped += plan->cost.vms_stopped;
		cost.vms_moved += plan->cost.vms_moved;
		cost.role_changes += plan->cost.role_changes;
		cost.steps += plan->cost.steps;
		cost.seconds = MAX(cost.seconds, plan->cost.seconds);
	}
	return cost;
}

static void put_result(GString *out, const struct run *run, uint32_t n_todo)
{
	struct cost cost = sum_of_costs(run);
	uint32_t n_errors = run->diags ? run->diags->n_errors : 0;
	if (cost.steps)
		outline_cost(out, &cost);
	else if (!run->n_plans && n_errors) { /* not even planned */
		g_string_append(out, "no plan, ");
		print_n(out, n_errors, "error", "errors");
	} else if (!n_todo && !n_errors)
		g_string_append(out, "nothing to do, the hosts are as the manifests say");
	else
		g_string_append(out, "no steps");
}

static void put_summary(GString *out, const struct run *run)
{
	uint32_t n_refusals = 0, n_incomplete = 0, n_todo = 0;
	for (uint32_t i = 0; i < run->n_plans; i++) {
		n_refusals += run->plans[i]->n_refusals;
		n_incomplete += run->plans[i]->incomplete_hosts;
		n_todo += !outline_is_clean(run->plans[i]);
	}
	g_string_append(out, "**hvgpu plan");
	if (run->tree.commit) {
		g_string_append(out, " for ");
		print_commit(out, run);
	}
	g_string_append(out, ": ");
	put_result(out, run, n_todo);
	outline_refused(out, n_refusals);
	g_string_append(out, "**\n");
	if (n_incomplete) {
		g_string_append(out, "\n:warning: This plan is **incomplete, not clean**: in ");
		print_n(out, n_incomplete, "cluster", "clusters");
		g_string_append(out, " a host was not observed.\n");
	}
}

/* ---- clusters ---- */

static void put_down(GString *out, const struct outline *outline)
{
	if (!outline->n_down)
		return;
	g_string_append_printf(out, "\n| Host | Running VMs that go down (%u) |\n| --- | --- |\n", outline->n_down);
}

static void put_down_host(GString *out, const struct outline_host *host)
{
	g_string_append(out, "| ");
	put_name(out, host->name);
	g_string_append_printf(out, " (%u) | ", host->n_stops);
	for (uint32_t i = 0; i < host->n_stops && i < NAMES_MAX; i++) {
		g_string_append(out, i ? ", " : "");
		put_name(out, outline_target(host->stops[i]));
	}
	if (host->n_stops > NAMES_MAX)
		g_string_append_printf(out, " and %u more", host->n_stops - NAMES_MAX);
	g_string_append(out, " |\n");
}

static void put_host_changes(GString *out, const struct plan *plan, const struct outline_host *host)
{
	g_string_append(out, "# ");
	print_text(out, host->name);
	g_string_append_c(out, '\n');
	for (uint32_t i = 0; i < host->n_changes; i++) {
		const struct change *change = host->changes[i];
		char sign = outline_sign(change);
		g_string_append_printf(out, "%c ", sign == '~' ? '!' : sign);
		outline_subject(out, plan, change);
		g_string_append(out, sign == '~' ? ": " : " ");
		outline_change(out, change, &plain);
		if (change->loc.source) {
			g_string_append(out, "   ");
			print_place(out, change->loc);
		}
		g_string_append_c(out, '\n');
	}
}

static int compare_disruption(const void *a_at, const void *b_at)
{
	const struct outline_host *a = *(const struct outline_host *const *)a_at;
	const struct outline_host *b = *(const struct outline_host *const *)b_at;
	if (a->n_stops != b->n_stops)
		return a->n_stops > b->n_stops ? -1 : 1;
	return g_strcmp0(a->name, b->name);
}

/* One host in both parts, or in neither: returns how many hosts did not fit. */
static uint32_t put_hosts(GString *out, const struct plan *plan, const struct outline *outline, struct arena *arena)
{
	const struct outline_host **hosts = arena_array(arena, const struct outline_host *, outline->n_hosts);
	g_autoptr(GString) table = g_string_new(NULL);
	g_autoptr(GString) fence = g_string_new(NULL);
	uint32_t n_left = 0;
	for (uint32_t i = 0; i < outline->n_hosts; i++)
		hosts[i] = &outline->hosts[i];
	qsort(hosts, outline->n_hosts, sizeof(*hosts), compare_disruption);
	put_down(table, outline);
	for (uint32_t i = 0; i < outline->n_hosts; i++) {
		g_autoptr(GString) row = g_string_new(NULL);
		g_autoptr(GString) lines = g_string_new(NULL);
		g_autoptr(GString) both = g_string_new(NULL);
		if (hosts[i]->n_stops)
			put_down_host(row, hosts[i]);
		if (hosts[i]->n_changes)
			put_host_changes(lines, plan, hosts[i]);
		g_string_append_printf(both, "%s%s%s%s", table->str, fence->str, row->str, lines->str);
		if (!fits(out, both)) {
			n_left++;
			continue;
		}
		g_string_append(table, row->str);
		g_string_append(fence, lines->str);
	}
	g_string_append(out, table->str);
	if (fence->len)
		g_string_append_printf(out, "\n```diff\n%s```\n", fence->str);
	return n_left;
}

static void put_steps(GString *out, const struct outline *outline)
{
	g_autoptr(GString) text = g_string_new("\nIn this order:\n\n");
	for (uint32_t i = 0; i < outline->n_groups; i++) {
		const struct outline_group *group = &outline->groups[i];
		g_string_append(text, "- ");
		outline_group_ids(text, group);
		g_string_append(text, ": ");
		outline_group_title(text, group);
		if (group->n == 1) {
			g_string_append(text, ", ");
			put_name(text, outline_target(group->steps[0]));
		}
		g_string_append(text, ": ");
		put_text(text, outline_group_why(group));
		g_string_append_c(text, '\n');
		if (!fits(out, text)) {
			g_string_append_printf(out, "\nThe order of the steps does not fit here.\n");
			return;
		}
	}
	if (outline->n_groups)
		g_string_append(out, text->str);
}

static void put_refusals(GString *out, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++) {
		const struct refusal *refusal = &plan->refusals[i];
		g_autoptr(GString) text = g_string_new(i ? "" : "\nRefused:\n\n");
		g_string_append(text, "- ");
		put_name(text, refusal->subject);
		g_string_append(text, ", ");
		put_text(text, refusal->what);
		g_string_append(text, ": ");
		put_text(text, refusal->reason);
		g_string_append_printf(text, " (%s)\n", diag_codes[refusal->code].id);
		for (uint32_t k = 0; k < refusal->n_facts; k++) {
			g_string_append(text, "  - because: ");
			put_text(text, refusal->facts[k]);
			g_string_append_c(text, '\n');
		}
		if (refusal->remedy) {
			g_string_append(text, "  - would do: ");
			put_text(text, refusal->remedy);
			g_string_append_c(text, '\n');
		}
		if (!fits(out, text) || out->len > FINDINGS_BYTES) {
			g_string_append_printf(out, "- and %u more\n", plan->n_refusals - i);
			return;
		}
		g_string_append(out, text->str);
	}
}

/* 'plan': of a cluster, whose refusals are said already; or NULL. */
static void put_findings(GString *out, const struct diags *diags, const struct plan *plan)
{
	uint32_t i = 0, n = diags ? diags->n_dropped : 0;
	for (const struct diag *diag = diags ? diags->first : NULL; diag; diag = diag->next)
		n += !plan || !outline_is_refusal(plan, diag);
	for (const struct diag *diag = diags ? diags->first : NULL; diag; diag = diag->next) {
		if (plan && outline_is_refusal(plan, diag))
			continue;
		const struct diag_row *row = &diag_codes[diag->code];
		g_autoptr(GString) text = g_string_new(i ? "" : "\nFindings:\n\n");
		g_string_append_printf(text, "- %s %s: ", name_of(&diag_severity_names, row->severity), row->id);
		put_text(text, diag->message);
		if (diag->loc.source) {
			g_autoptr(GString) place = g_string_new(NULL);
			print_place(place, diag->loc);
			g_string_append(text, " (");
			put_name(text, place->str);
			g_string_append_c(text, ')');
		}
		g_string_append_c(text, '\n');
		if (!fits(out, text) || out->len > FINDINGS_BYTES) {
			g_string_append_printf(out, "- and %u more\n", n - i);
			return;
		}
		g_string_append(out, text->str);
		i++;
	}
}

static void put_rollout(GString *out, const struct plan *plan)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (plan->budget.peak) {
		outline_budget(text, &plan->budget);
		g_string_append_printf(out, "\n%s\n", text->str);
	}
	g_string_truncate(text, 0);
	if (!outline_mixed(text, plan))
		return;
	g_string_append_c(out, '\n');
	put_text(out, text->str);
	g_string_append_c(out, '\n');
}

/* Returns false when not even the cluster's line fits. */
static bool put_cluster(GString *out, const struct plan *plan)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct outline *outline = outline_of(arena, plan);
	g_autoptr(GString) head = g_string_new("\n### ");
	put_text(head, plan->cluster ? plan->cluster : "all hosts");
	g_string_append(head, "\n\n");
	outline_headline(head, plan);
	g_string_append_c(head, '\n');
	put_rollout(head, plan);
	g_autoptr(GString) window = g_string_new(NULL);
	if (outline_window(window, plan)) {
		g_string_append_c(head, '\n');
		put_text(head, window->str);
		g_string_append_c(head, '\n');
	}
	if (!fits(out, head))
		return false;
	g_string_append(out, head->str);
	put_refusals(out, plan);
	put_findings(out, plan->diags, plan);
	if (!plan->n_steps)
		return true;
	g_string_append(out, "\n<details><summary>What changes, and in which order</summary>\n");
	uint32_t n_left = put_hosts(out, plan, outline, arena);
	if (n_left) {
		g_string_append(out, "\n");
		print_n(out, n_left, "more host is", "more hosts are");
		g_string_append(out, " left out here; the counts above are of all. `hvgpu plan` shows everything.\n");
	}
	put_steps(out, outline);
	g_string_append(out, "\n</details>\n");
	return true;
}

void render_plan_markdown(GString *out, const struct run *run)
{
	uint32_t n_left = 0;
	g_autoptr(GString) page = g_string_new(NULL);
	put_marker(page, run);
	put_summary(page, run);
	put_findings(page, run->diags, NULL);
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct plan *plan = run->plans[i];
		if (!outline_is_clean(plan) || (plan->diags && plan->diags->n))
			n_left += n_left || !put_cluster(page, plan);
	}
	if (n_left) {
		g_string_append_c(page, '\n');
		print_n(page, n_left, "more cluster does", "more clusters do");
		g_string_append(page, " not fit here; `hvgpu plan` shows everything.\n");
	}
	g_string_append_len(out, page->str, (gssize)page->len);
}
