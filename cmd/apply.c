/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "cmd/carry.h"
#include "cmd/commands.h"
#include "cmd/consent.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/show.h"
#include "reconcile/planfile.h"

#include <string.h>

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_OUTPUT("text (default), or json: one event a line"),
	OPTION_SWITCH("auto-approve", auto_approve, "Do not ask at the terminal"),
	OPTION_TEXT("allow", 0, allow, "How much may be disturbed where nobody is asked; what is not named is 0",
		"restarts=N,moves=N,role-changes=N"),
	OPTION_OWNER,
	OPTION_ADOPT,
	OPTION_SWITCH("wait-for-window", wait_for_window,
		"Wait for the next of rollout.windows where VMs must be stopped and none is open"),
	OPTION_SWITCH("allow-older", allow_older, "Apply a commit that is older than the one applied last"),
	OPTION_MAX_AGE,
	OPTION_END,
};

enum { PLAN_FILE_MAX = 1 << 30 };

/* A saved plan, or NULL: SOURCE is not one. */
static struct run *read_saved(const char *path, struct diags *diags)
{
	struct arena *arena = arena_new();
	struct source *source = arena_new_of(arena, struct source); /* findings point into it */
	struct run *run = NULL;
	if (file_kind(path, true) == FILE_REGULAR && source_read_file(path, PLAN_FILE_MAX, arena, source, diags) == 0 &&
		planfile_is(source))
		planfile_read(arena, source, &run, diags);
	if (!run) {
		diags_keep(diags, source);
		arena_free(arena);
	}
	return run;
}

/* A saved plan does not hold addresses: without --hosts they are those of the inventories in its source, as they are
 * now. Nothing else of today's manifests is used. */
static void add_addresses(struct run *run, const struct run_options *run_options)
{
	if (run_options->hosts || !run_options->source)
		return;
	struct run_options load = *run_options;
	load.until = STAGE_LOAD;
	load.clusters = NULL;
	load.n_clusters = 0;
	struct run *now = run_pipeline(&load);
	if (now->spec && !now->diags->n_errors) {
		struct spec *addresses = arena_new_of(run->arena, struct spec);
		addresses->inventories = now->spec->inventories;
		addresses->n_inventories = now->spec->n_inventories;
		run->spec = addresses;
	}
	arena_adopt(run->arena, now->arena);
}

static struct run *make_run(const char *source, struct diags *diags)
{
	struct run_options run_options;
	if (options_run(source, &run_options, diags) < 0)
		return NULL;
	struct run *run = read_saved(source, diags);
	if (!run && !diags->n_errors)
		return run_pipeline(&run_options);
	if (!run)
		return NULL;
	if (arguments.clusters) {
		diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--cluster does not go with a saved plan; plan that cluster alone");
		run_free(run);
		return NULL;
	}
	/* What was planned is in the file; where and how to act is said now. */
	run_options.source = run->options.source;
	run_options.owner = run->options.owner;
	run_options.mode = run->options.mode;
	run->options = run_options;
	if (!run->spec)
		add_addresses(run, &run_options);
	return run;
}

/* What is owed to VMs is paid though nobody agreed to anything new, and though the manifests are wrong. */
static enum exit_code pay_debts(struct run_options run_options, struct apply_options *how, enum carry_format format)
{
	run_options.mode = PLAN_RESTORE;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	bool owes = false;
	for (uint32_t i = 0; i < run->n_plans; i++)
		owes |= plan_has_steps(run->plans[i]);
	return owes ? carry_out(run, how, format) : EXIT_DONE;
}

static bool has_debts(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (run->plans[i]->n_debts_open)
			return true;
	return false;
}

static enum exit_code not_planned(struct run *run, struct apply_options *how, enum carry_format format)
{
	struct run_options run_options = run->options;
	run_options.source = NULL;
	enum exit_code code = exit_worse(run_exit(run), output_findings(run->diags));
	return run_options.hosts ? exit_worse(code, pay_debts(run_options, how, format)) : code;
}

static enum exit_code apply_made(
	struct run *run, const struct consent *consent, enum carry_format format, struct diags *diags)
{
	struct apply_options apply_options = {
		.interrupts = interrupt_count(),
		.allow_older = arguments.allow_older,
		.wait_for_window = arguments.wait_for_window,
		.clock_stands = clock_stands(),
	};
	/* --allow is for all clusters together; with several each keeps to what its own plan said. */
	apply_options.has_limits = consent->has_limits && run->n_plans == 1;
	apply_options.limits = consent->limits;
	if (!run->n_plans)
		return not_planned(run, &apply_options, format);
	enum exit_code shown = format == CARRY_TEXT ? show_plan(run, SHOW_TEXT, EXIT_DONE) : EXIT_DONE;
	if (consent_get(consent, run, arguments.auto_approve, apply_options.interrupts, diags) == 0)
		return exit_worse(shown, carry_out(run, &apply_options, format));
	enum exit_code code = exit_worse(run_exit(run), output_findings(diags));
	if (has_debts(run) && !run->from_file)
		code = exit_worse(code, pay_debts(run->options, &apply_options, format));
	return code;
}

static int apply_run_command(int argc, char **argv)
{
	(void)argc;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct consent consent;
	int format = options_format(carry_formats, diags);
	if (format < 0 || consent_parse(arguments.allow, &consent, diags) < 0)
		return output_findings(diags);
	g_autoptr(run_auto) run = make_run(argv[0], diags);
	if (!run)
		return output_findings(diags);
	return apply_made(run, &consent, (enum carry_format)format, diags);
}

const struct command command_apply = {
	.name = "apply",
	.group = "Plan and apply",
	.arguments = "SOURCE|PLAN",
	.doc = "Carry out what the manifests, or a saved plan, ask for",
	.details = "Shows the plan, asks at a terminal, then takes the hosts for itself, looks again and carries the "
		   "plan out. Where "
		   "nobody can be asked, a plan that stops running VMs is refused unless the manifest sets "
		   "rollout.maxUnavailable or "
		   "rollout.windows, or --allow covers it. Outside of these windows no VM is stopped: apply does the "
		   "rest, says when the next one opens and exits with 5, or waits with --wait-for-window. When a step "
		   "fails, VMs are brought back. Ctrl-C once begins nothing new "
		   "and brings back what is down; twice stops at once, and 'hvgpu restore' brings back the rest.",
	.examples = "  hvgpu apply clusters/\n"
		    "  hvgpu apply paris.plan --auto-approve\n"
		    "  hvgpu apply 'https://git.example.com/ops/gpu//clusters?ref=main' --allow restarts=12\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = apply_run_command,
};
