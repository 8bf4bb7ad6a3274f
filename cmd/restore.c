/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"
#include "cmd/carry.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/show.h"

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_JOURNAL,
	OPTION_OUTPUT("text (default), or json: one event a line"),
	OPTION_END,
};

static int carry(struct run *run, enum carry_format format)
{
	/* from here on: a signal that comes while hosts are looked at ends the program, for nothing has begun */
	struct apply_options apply_options = { .interrupts = run->n_plans ? interrupt_count() : NULL };
	enum exit_code shown = run_exit(run);
	if (format == CARRY_TEXT || !run->n_plans)
		shown = show_plan(run, SHOW_TEXT, shown);
	else
		show_findings(run);
	return run->n_plans ? (int)exit_worse(shown, carry_out(run, &apply_options, format, "restore")) : (int)shown;
}

static int restore_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	int format = options_format(carry_formats, diags);
	if (format < 0)
		return output_findings(diags);
	if (format == CARRY_JSON)
		output_begin_lines();
	if (options_run(argc ? argv[0] : NULL, &run_options, diags) < 0)
		return output_findings(diags);
	if (!argc && !run_options.hosts)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'restore' needs --hosts, or a SOURCE with a HostInventory");
	if (diags->n_errors)
		return output_findings(diags);
	run_options.mode = PLAN_RESTORE;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	int code = carry(run, (enum carry_format)format);
	if (run->n_plans || !argc || !run_options.hosts)
		return code;
	/* the manifests cannot be read, and what is owed does not depend on them */
	run_options.source = NULL;
	g_autoptr(run_auto) bare = run_pipeline(&run_options);
	if (!bare->n_plans) /* it was the hosts, and that is told */
		return code;
	return (int)exit_worse((enum exit_code)code, (enum exit_code)carry(bare, (enum carry_format)format));
}

const struct command command_restore = {
	.name = "restore",
	.group = "Plan and apply",
	.arguments = "[SOURCE]",
	.doc = "Bring back what an earlier run left down",
	.details = "A run that died may have stopped VMs or taken their partitions; the hosts remember. This starts "
		   "those VMs and "
		   "gives back what was taken, and does nothing else, so it asks nobody. 'apply' does the same first.",
	.examples = "  hvgpu restore --hosts sim:world.yaml\n"
		    "  hvgpu restore clusters/\n",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.run = restore_run,
};
