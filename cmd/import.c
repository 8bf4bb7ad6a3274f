/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/import.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

static const GOptionEntry options[] = { OPTION_HOSTS, OPTION_MAX_AGE, OPTION_END };

static int import_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	if (options_run(argc ? argv[0] : NULL, &run_options, diags) < 0)
		return output_findings(diags);
	if (!argc && !run_options.hosts) {
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'import' needs --hosts, or a SOURCE with a HostInventory");
		return output_findings(diags);
	}
	run_options.until = STAGE_OBSERVE;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	g_autoptr(GString) text = g_string_new(NULL);
	import_write(text, run->states, run->n_states, run->diags);
	output_findings(run->diags);
	return output_text(text, run_exit(run));
}

const struct command command_import = {
	.name = "import",
	.group = "Hosts",
	.arguments = "[SOURCE]",
	.doc = "Write manifests for what the hosts have now, to start a repository from",
	.details = "A plan from what is written changes nothing. What manifests cannot express (mixed partition "
		   "counts, surplus "
		   "or pinned adapters, a second partitioned model) is listed on standard error. Each standalone host "
		   "becomes "
		   "a cluster of its own; merge those that are to be alike.",
	.examples = "  hvgpu import --hosts sim:world.yaml > clusters/paris.yaml\n",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.run = import_run,
};
