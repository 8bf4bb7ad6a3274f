/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/interrupt.h"
#include "cmd/carry.h"
#include "cmd/commands.h"
#include "cmd/consent.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/saved.h"
#include "cmd/show.h"
#include "reconcile/present.h"

#include <string.h>

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_OUTPUT("text (default), or json: one event a line"),
	OPTION_SWITCH("auto-approve", auto_approve, "Do not ask at the terminal"),
	OPTION_ALLOW,
	OPTION_JOURNAL,
	OPTION_OWNER,
	OPTION_ADOPT,
	OPTION_SWITCH("wait-for-window", wait_for_window,
		"Wait for the next of rollout.windows where VMs must be stopped and none is open"),
	OPTION_SWITCH("allow-older", allow_older, "Apply a commit that is older than the one applied last"),
	OPTION_SWITCH("verify-commit", verify_commit, "Apply only a commit that is signed by somebody trusted"),
	OPTION_TEXT("allowed-signers", 0, allowed_signers,
		"Whose ssh keys may sign, instead of git's gpg.ssh.allowedSignersFile", "FILE"),
	OPTION_MAX_AGE,
	OPTION_END,
};

/* '*is_unread_out': 'source' is a saved plan that cannot be read. */
static struct run *make_run(const char *source, bool *is_unread_out, struct diags *diags)
{
	struct run_options run_options;
	*is_unread_out = false;
	if (options_run(source, &run_options, diags) < 0)
		return NULL;
	struct run *run = saved_read(source, diags);
	*is_unread_out = !run;
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
	saved_prepare(run, &run_options);
	if (run->n_plans && present_run(run) < 0)
		run->n_plans = 0;
	return run;
}

/* What may be disturbed was said with the plan, or now; where both, the less of each. */
static struct consent consent_of(const struct run *run, const struct consent *now)
{
	const struct cost *limits = run->options.limits;
	struct consent both = *now;
	if (!limits)
		return both;
	if (!both.has_limits)
		return (struct consent){ .has_limits = true, .limits = *limits };
	both.limits.vms_stopped = MIN(both.limits.vms_stopped, limits->vms_stopped);
	both.limits.vms_moved = MIN(both.limits.vms_moved, limits->vms_moved);
	both.limits.role_changes = MIN(both.limits.role_changes, limits->role_changes);
	return both;
}

static bool is_same_first(const struct diags *a, const struct diags *b)
{
	return a->first && b->first && a->first->code == b->first->code &&
	       strcmp(a->first->message, b->first->message) == 0;
}

static bool has_steps(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (plan_has_steps(run->plans[i]))
			return true;
	return false;
}

/* What is owed to VMs is paid though nobody agreed to anything new, and though the manifests are wrong. 'told': what was said
 * already. */
static enum exit_code pay_debts(
	struct run_options run_options, const struct diags *told, struct apply_options *how, enum carry_format format)
{
	run_options.mode = PLAN_RESTORE;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	if (!run->n_plans)
		return is_same_first(run->diags, told) ? EXIT_DONE : output_findings(run->diags);
	return has_steps(run) ? carry_out(run, how, format, "apply") : EXIT_DONE;
}

static struct run_options options_for_debts(const struct run *run)
{
	struct run_options run_options = run->options;
	if (run_options.hosts) /* then the manifests are not needed, and may be wrong */
		run_options.source = NULL;
	run_options.verify = false;
	return run_options;
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
	struct run_options run_options = options_for_debts(run);
	enum exit_code code = exit_worse(run_exit(run), output_findings(run->diags));
	carry_refused(run, "apply", code, run->diags);
	return run_options.hosts ? exit_worse(code, pay_debts(run_options, run->diags, how, format)) : code;
}

/* A saved plan does what it says and no more. What earlier runs owe besides is paid then, as with manifests: unless another run
 * has the hosts, or somebody wanted an end. */
static enum exit_code pay_rest(
	struct run *run, struct apply_options *how, enum carry_format format, enum exit_code code)
{
	bool may_go_on = code != EXIT_LOCKED && code != EXIT_INTERRUPTED;
	if (!run->from_file || !may_go_on || !has_debts(run) || present_run(run) < 0 || !has_steps(run->owed))
		return code;
	return exit_worse(code, carry_out(run->owed, how, format, "apply"));
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
	enum exit_code shown = EXIT_DONE;
	if (format == CARRY_TEXT)
		shown = show_plan(run, SHOW_TEXT, EXIT_DONE);
	else
		show_findings(run);
	if (consent_get(consent, run, arguments.auto_approve, apply_options.interrupts, diags) == 0)
		return pay_rest(run, &apply_options, format,
			exit_worse(shown, carry_out(run, &apply_options, format, "apply")));
	enum exit_code code = exit_worse(run_exit(run), output_findings(diags));
	carry_refused(run, "apply", code, diags);
	if (!has_debts(run) || (run->owed && !has_steps(run->owed)))
		return code;
	return exit_worse(code, run->owed ? carry_out(run->owed, &apply_options, format, "apply")
					  : pay_debts(run->options, run->diags, &apply_options, format));
}

/* A saved plan that cannot be read, for it was edited: where hosts are is known from the command line alone. */
static enum exit_code not_read(enum carry_format format, struct diags *diags)
{
	struct run_options run_options;
	struct apply_options apply_options = { .interrupts = interrupt_count() };
	enum exit_code code = output_findings(diags);
	g_autoptr(arena_auto) arena = arena_new();
	if (!arguments.hosts || options_run(NULL, &run_options, diags_new(arena)) < 0)
		return code;
	run_options.verify = false;
	return exit_worse(code, pay_debts(run_options, diags, &apply_options, format));
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
	if (format == CARRY_JSON)
		output_begin_lines();
	bool is_unread;
	g_autoptr(run_auto) run = make_run(argv[0], &is_unread, diags);
	if (!run)
		return is_unread ? not_read((enum carry_format)format, diags) : output_findings(diags);
	consent = consent_of(run, &consent);
	return apply_made(run, &consent, (enum carry_format)format, diags);
}

const struct command command_apply = {
	.name = "apply",
	.group = "Plan and apply",
	.arguments = "SOURCE|PLAN",
	.doc = "Carry out what the manifests, or a saved plan, ask for",
	.details =
		"Shows the plan, asks at a terminal, then takes the hosts for itself, looks again and carries the "
		"plan out. Where "
		"nobody can be asked, a plan that stops running VMs is refused unless the manifest sets "
		"rollout.maxUnavailable or "
		"rollout.windows, or --allow covers it. Outside of these windows no VM is stopped: apply does the "
		"rest, says when the next one opens and exits with 5, or waits with --wait-for-window. A saved plan is "
		"held against the hosts as they are before anybody is asked: with nothing left to do it changes "
		"nothing, and where it does not fit any more it is refused with 6. When a step "
		"fails, VMs are brought back. Ctrl-C once begins nothing new "
		"and brings back what is down; twice stops at once, and 'hvgpu restore' brings back the rest. "
		"With --verify-commit the commit must be signed with a key of the gpg keyring, or with an ssh key "
		"that is allowed to, as git verifies it; whom to trust is never read from the repository's own "
		"configuration. Otherwise no host is contacted, but that with --hosts what earlier runs owe is paid.",
	.examples = "  hvgpu apply clusters/\n"
		    "  hvgpu apply paris.plan --auto-approve\n"
		    "  hvgpu apply 'clusters?ref=main' --verify-commit --allowed-signers /etc/hvgpu/signers\n"
		    "  hvgpu apply 'https://git.example.com/ops/gpu//clusters?ref=main' --allow restarts=12\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = apply_run_command,
};
