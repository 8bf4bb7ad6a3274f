/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/settle.h"
#include "base/interrupt.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "render/render.h"

static const GOptionEntry options[] = {
	OPTION_SWITCH("start", start,
		"It is still owed: the next apply or restore starts the VM and gives back what was taken"),
	OPTION_SWITCH(
		"leave-off", leave_off, "Nothing is owed any more: the VM stays as it is, without what was taken"),
	OPTION_HOSTS,
	OPTION_JOURNAL,
	OPTION_END,
};

static int check(int argc, struct run_options *run_options, struct diags *diags)
{
	if (arguments.start == arguments.leave_off)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'settle' needs a decision: --start or --leave-off");
	if (argc < 2 && !run_options->hosts)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'settle' needs --hosts, or a SOURCE with a HostInventory");
	return diags->n_errors ? -1 : 0;
}

static int settle_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	if (options_run(argc > 1 ? argv[1] : NULL, &run_options, diags) < 0 || check(argc, &run_options, diags) < 0)
		return output_findings(diags);
	struct settle_options settle_options = {
		.run = run_options,
		.vm = argv[0],
		.mode = arguments.start ? SETTLE_RENEW : SETTLE_LEAVE_OFF,
		.journal = options_journal(arena),
		.count_interrupts = interrupt_count,
	};
	struct settled settled;
	int result = settle_vm(&settle_options, &settled, diags);
	enum exit_code code = output_findings(diags);
	if (result < 0)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	render_settled_text(text, &settled, settle_options.mode);
	return output_text(text, code);
}

const struct command command_settle = {
	.name = "settle",
	.group = "Plan and apply",
	.arguments = "VM [SOURCE]",
	.doc = "Decide whether a VM gets back what an old run owes it",
	.details = "What a run stopped or took more than a day ago, or what was changed since, is not started or given "
		   "back without a person's word: "
		   "somebody may have wanted it so. The VM itself is not touched by this.",
	.examples = "  hvgpu settle vdi-001 --start --hosts sim:world.yaml\n"
		    "  hvgpu settle vdi-001 --leave-off clusters/\n",
	.min_args = 1,
	.max_args = 2,
	.options = options,
	.run = settle_run,
};
