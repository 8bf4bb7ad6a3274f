/* SPDX-License-Identifier: Apache-2.0 */
#include "render/history_text.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "render/print.h"

#include <string.h>
#include <unistd.h>

static const GOptionEntry options[] = {
	OPTION_JOURNAL,
	OPTION_CLUSTER,
	OPTION_TEXT("since", 0, since,
		"Only runs that began then or later: 24h, 7d, 2026-01-15 or 2026-01-15T12:00:00Z", "TIME"),
	OPTION_TEXT("prune", 0, prune, "Show nothing, and forget runs that are older: 90d, or before a date as above",
		"TIME"),
	OPTION_OUTPUT("text (default) or json"),
	OPTION_END,
};

static const char *const formats[] = { "text", "json", NULL };
enum { FORMAT_TEXT, FORMAT_JSON };

/* An age, a day, or a moment. */
static int parse_time(const char *option, const char *text, int64_t *out, struct diags *diags)
{
	uint32_t age_s;
	if (!text)
		return 0;
	g_autofree char *midnight = g_strconcat(text, "T00:00:00Z", NULL);
	if (clock_parse(text, out) || clock_parse(midnight, out))
		return 0;
	if (!options_is_age(text, &age_s))
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"%s '%s' is no time; write an age, such as 24h or 7d, or a date, such as 2026-01-15 or "
			"2026-01-15T12:00:00Z",
			option, text);
	*out = clock_now() - age_s;
	return 0;
}

static bool is_about(const struct history_run *run, const char *cluster)
{
	for (uint32_t i = 0; i < run->n_plan_names; i++)
		if (text_equal_fold(run->plan_names[i], cluster))
			return true;
	for (uint32_t i = 0; i < run->n_clusters; i++)
		if (run->clusters[i].name && text_equal_fold(run->clusters[i].name, cluster))
			return true;
	return false;
}

static bool is_wanted(const struct history_run *run, const char *id, int64_t since)
{
	bool about = !arguments.clusters;
	for (char **cluster = arguments.clusters; cluster && *cluster; cluster++)
		about |= is_about(run, *cluster);
	bool named = !id || strcmp(run->id, id) == 0 || strcmp(history_short_id(run->id), id) == 0;
	return about && named && run->began >= since;
}

static int show_run(const struct history_list *list, int format)
{
	if (format == FORMAT_JSON)
		return output_json(render_history_json(list), EXIT_DONE);
	struct style style = output_style(STDOUT_FILENO);
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < list->n_runs; i++)
		render_history_run_text(text, &list->runs[i], &style);
	return output_text(text, EXIT_DONE);
}

/* Says where it looked: a journal that is missing may be another one than was meant. 'n_all' are there. */
static void tell_none(GString *text, const char *path, uint32_t n_all)
{
	g_string_append(text, n_all ? "No such runs in '" : "No runs in '");
	print_text(text, path);
	g_string_append(text, n_all ? "', which has " : "'.\n");
	if (n_all)
		g_string_append_printf(text, "%u.\n", n_all);
}

static int show(const char *path, const struct history_list *list, uint32_t n_all, int format)
{
	if (format == FORMAT_JSON)
		return output_json(render_history_json(list), EXIT_DONE);
	struct style style = output_style(STDOUT_FILENO);
	g_autoptr(GString) text = g_string_new(NULL);
	render_history_text(text, list, &style);
	if (!list->n_runs)
		tell_none(text, path, n_all);
	return output_text(text, EXIT_DONE);
}

static int prune(const char *path, int format, struct diags *diags)
{
	int64_t now = clock_now(), before = now;
	if (parse_time("--prune", arguments.prune, &before, diags) < 0)
		return output_findings(diags);
	if (before > now) {
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "--prune '%s' is yet to come", arguments.prune);
		return output_findings(diags);
	}
	int n = history_prune(path, before, diags);
	enum exit_code code = output_findings(diags);
	if (n < 0)
		return code;
	if (format == FORMAT_JSON)
		return output_json(render_history_pruned_json((uint32_t)n), code);
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_printf(text, "%d run%s forgotten\n", n, n == 1 ? "" : "s");
	return output_text(text, code);
}

static int list_runs(const char *path, const char *id, int64_t since, int format, struct diags *diags)
{
	struct arena *arena = diags->arena;
	struct history_list all;
	if (history_read(path, arena, &all, diags) < 0)
		return output_findings(diags);
	struct history_run *runs = arena_array(arena, struct history_run, all.n_runs);
	struct history_list wanted = { .runs = runs, .n_damaged = all.n_damaged };
	for (uint32_t i = 0; i < all.n_runs; i++)
		if (is_wanted(&all.runs[i], id, since))
			runs[wanted.n_runs++] = all.runs[i];
	if (id && !wanted.n_runs)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' has no run '%s'; 'hvgpu history' lists them", path, id);
	if (diags->n_errors)
		return output_findings(diags);
	int code = id ? show_run(&wanted, format) : show(path, &wanted, all.n_runs, format);
	return exit_worse(code, output_findings(diags));
}

static int history_run_command(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const char *id = argc ? argv[0] : NULL, *path = options_journal(arena);
	int64_t since = INT64_MIN;
	int format = options_format(formats, diags);
	if (!path)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'history' reads a journal; name it with --journal FILE");
	if (arguments.prune && (id || arguments.since || arguments.clusters))
		diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--prune forgets by age alone; leave out RUN, --since and --cluster");
	if (format < 0 || parse_time("--since", arguments.since, &since, diags) < 0 || diags->n_errors)
		return output_findings(diags);
	return arguments.prune ? prune(path, format, diags) : list_runs(path, id, since, format, diags);
}

const struct command command_history = {
	.name = "history",
	.group = "Plan and apply",
	.arguments = "[RUN]",
	.doc = "Tell what was applied from this machine, when, by whom, and how it ended",
	.details = "Lists runs of 'apply' and 'restore' that did something, or were refused, and what 'settle' and "
		   "'unlock' decided, the newest last; with a "
		   "RUN all of its "
		   "steps. What hosts owe and record does not depend on it: it is for people, and a run that cannot "
		   "write it goes "
		   "on with a warning. It holds names of users, machines, hosts and VMs, and no secret. Runs are "
		   "forgotten after "
		   "400 days.",
	.examples = "  hvgpu history --since 7d --cluster paris\n"
		    "  hvgpu history 0f6c2a9e41d3b857\n"
		    "  hvgpu history --journal /var/lib/hvgpu/journal -o json\n",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.run = history_run_command,
};
