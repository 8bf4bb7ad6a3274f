/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/settle.h"
#include "base/interrupt.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

static const GOptionEntry options[] = {
	OPTION_SWITCH("start", start, "It is still owed: the next apply or restore starts the VM"),
	OPTION_SWITCH("leave-off", leave_off, "Nothing is owed any more: the VM stays as it is"),
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
		.interrupts = interrupt_count(),
	};
	int result = settle_vm(&settle_options, diags);
	enum exit_code code = output_findings(diags);
	if (result < 0)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	if (result == SETTLE_NO_DEBT)
		g_string_printf(text, "nothing is owed to '%s'\n", argv[0]);
	else if (arguments.start)
		g_string_printf(text, "the next apply or restore starts '%s'\n", argv[0]);
	else
		g_string_printf(text, "'%s' stays as it is\n", argv[0]);
	return output_text(text, code);
}

const struct command command_settle = {
	.name = "settle",
	.group = "Plan and apply",
	.arguments = "VM [SOURCE]",
	.doc = "Decide whether a VM that an old run stopped is to be started",
	.details = "What a run stopped more than a day ago, or what was changed since, is not started without a "
		   "person's word: "
		   "somebody may have wanted the VM off.",
	.examples = "  hvgpu settle vdi-001 --start --hosts sim:world.yaml\n"
		    "  hvgpu settle vdi-001 --leave-off clusters/\n",
	.min_args = 1,
	.max_args = 2,
	.options = options,
	.run = settle_run,
};
