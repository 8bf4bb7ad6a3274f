/* SPDX-License-Identifier: Apache-2.0 */
#include "render/history_text.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <string.h>
#include <unistd.h>

static const GOptionEntry options[] = {
	OPTION_JOURNAL,
	OPTION_CLUSTER,
	OPTION_TEXT("since", 0, since,
		"Only runs that began then or later: 24h, 7d, 2026-01-15 or 2026-01-15T12:00:00Z", "TIME"),
	OPTION_TEXT("prune", 0, prune, "Forget runs that are older: 90d", "TIME"),
	OPTION_OUTPUT("text (default) or json"),
	OPTION_END,
};

static const char *const formats[] = { "text", "json", NULL };
enum { FORMAT_TEXT, FORMAT_JSON };

/* When --since is: an age, a day, or a moment. */
static int parse_since(int64_t *out, struct diags *diags)
{
	const char *text = arguments.since;
	uint32_t age_s;
	if (!text)
		return 0;
	g_autofree char *midnight = g_strconcat(text, "T00:00:00Z", NULL);
	if (clock_parse(text, out) || clock_parse(midnight, out))
		return 0;
	if (!options_is_age(text, &age_s))
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--since '%s' is no time; write an age, such as 24h or 7d, or a date, such as 2026-01-15 or "
			"2026-01-15T12:00:00Z",
			text);
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

static int show(const struct history_list *list, const char *id, int format)
{
	if (format == FORMAT_JSON)
		return output_json(render_history_json(list), EXIT_DONE);
	struct style style = output_style(STDOUT_FILENO);
	g_autoptr(GString) text = g_string_new(NULL);
	if (!id)
		render_history_text(text, list, &style);
	for (uint32_t i = 0; id && i < list->n_runs; i++)
		render_history_run_text(text, &list->runs[i], &style);
	return output_text(text, EXIT_DONE);
}

static int prune(const char *path, struct diags *diags)
{
	uint32_t age_s;
	if (options_age("--prune", arguments.prune, &age_s, diags) < 0)
		return output_findings(diags);
	int n = history_prune(path, clock_now() - age_s, diags);
	enum exit_code code = output_findings(diags);
	if (n < 0)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_printf(text, "%d run%s forgotten\n", n, n == 1 ? "" : "s");
	return output_text(text, code);
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
	if (format < 0 || parse_since(&since, diags) < 0 || diags->n_errors)
		return output_findings(diags);
	if (arguments.prune)
		return prune(path, diags);
	struct history_list all, wanted = { 0 };
	if (history_read(path, arena, &all, diags) < 0)
		return output_findings(diags);
	struct history_run *runs = arena_array(arena, struct history_run, all.n_runs);
	for (uint32_t i = 0; i < all.n_runs; i++)
		if (is_wanted(&all.runs[i], id, since))
			runs[wanted.n_runs++] = all.runs[i];
	wanted.runs = runs;
	if (id && !wanted.n_runs)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' has no run '%s'; 'hvgpu history' lists them", path, id);
	if (diags->n_errors)
		return output_findings(diags);
	return exit_worse(show(&wanted, id, format), output_findings(diags));
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
