/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/drift.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <unistd.h>

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_OWNER,
	OPTION_MAX_AGE,
	OPTION_END,
};

static int drift_run(int argc, char **argv)
{
	(void)argc;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	if (options_run(argv[0], &run_options, diags) < 0)
		return output_findings(diags);
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	enum exit_code code = run_exit(run);
	if (!run->n_plans) {
		output_findings(run->diags);
		return code;
	}
	drift_find(run);
	g_autoptr(GString) text = g_string_new(NULL);
	struct style style = output_style(STDOUT_FILENO);
	render_drift_text(text, run, &style);
	return output_text(text, run->drift->n_drift ? exit_worse(code, EXIT_CHANGES) : code);
}

const struct command command_drift = {
	.name = "drift",
	.group = "Plan and apply",
	.arguments = "SOURCE",
	.doc = "Show what on the hosts is not as it was applied",
	.details =
		"Each difference between the hosts and SOURCE is drift, when the commit applied last does not want it "
		"that way either: the hosts were changed since, or the run that applied it did not get so far. The "
		"others are pending: SOURCE has something new, or an earlier run owes it, and an apply carries it "
		"out. Exits with 2 when there is drift.",
	.examples = "  hvgpu drift clusters/ --hosts snapshot:paris.yaml\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = drift_run,
};
