/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/consent.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "cmd/show.h"
#include "render/why.h"

#include <string.h>
#include <unistd.h>

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_OUTPUT("text (default), json, yaml or markdown"),
	OPTION_ALLOW,
	OPTION_TEXT("out", 0, out, "Save the plan, to be carried out by 'apply FILE'", "FILE"),
	OPTION_TEXT("why", 0, why,
		"Tell why one thing is in the plan, or is not: a VM, host, GPU, group, or a step's number", "ADDRESS"),
	OPTION_SWITCH("detailed-exitcode", detailed_exitcode, "Exit with 2 when there is something to change"),
	OPTION_OWNER,
	OPTION_ADOPT,
	OPTION_MAX_AGE,
	OPTION_END,
};

static bool has_changes(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_plans; i++)
		if (plan_has_steps(run->plans[i]))
			return true;
	return false;
}

static enum exit_code tell_why(const struct run *run, enum show_format format, enum exit_code code, struct diags *diags)
{
	const struct why *const *whys;
	uint32_t n = 0;
	if (why_find(run->arena, run, arguments.why, &whys, &n, diags) < 0)
		return exit_worse(code, output_findings(diags));
	if (format == SHOW_JSON)
		return output_json(render_why_json(whys, n), code);
	g_autoptr(GString) text = g_string_new(NULL);
	struct style style = output_style(STDOUT_FILENO);
	render_why_text(text, run, whys, n, &style);
	return output_text(text, code);
}

/* What the plan may disturb is kept with it; one that would disturb more is not saved. */
static enum exit_code save(const struct run *run, const struct consent *consent, struct diags *diags)
{
	struct cost cost = consent_cost(run);
	/* A plan of manifests that are wrong would be carried out without what they meant to say. */
	if (run->n_plans && consent_covers(consent, &cost, diags) == 0 && arguments.out)
		(void)!show_save(run, arguments.out, diags);
	return output_findings(diags);
}

/* Standard output has what is shown: 'plan -o json' shows what would be saved. */
static void check_out(struct diags *diags)
{
	if (arguments.out && (!*arguments.out || strcmp(arguments.out, "-") == 0))
		diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--out '%s' names no file; name one, or write '-o json' for a plan on standard output, which "
			"'apply' takes from a file",
			arguments.out);
}

static int plan_run(int argc, char **argv)
{
	(void)argc;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	struct consent consent;
	int format = options_format(show_formats, diags);
	if (arguments.why && format > SHOW_JSON)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "--why is written as text or json, not as %s",
			show_formats[format]);
	check_out(diags);
	if (options_run(argv[0], &run_options, diags) < 0 || format < 0 ||
		consent_parse(arguments.allow, &consent, diags) < 0 || diags->n_errors)
		return output_findings(diags);
	struct show_stream *stream = arguments.why ? NULL : show_begin((enum show_format)format);
	run_options.limits = consent.has_limits ? &consent.limits : NULL;
	run_options.watch = stream ? show_watch(stream) : NULL;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	enum exit_code code = run_exit(run);
	if (arguments.detailed_exitcode && has_changes(run))
		code = exit_worse(code, EXIT_CHANGES);
	code = exit_worse(code, save(run, &consent, diags));
	if (stream)
		return show_end(stream, run, code);
	return run->n_plans ? tell_why(run, (enum show_format)format, code, diags) : output_findings(run->diags);
}

const struct command command_plan = {
	.name = "plan",
	.group = "Plan and apply",
	.arguments = "SOURCE",
	.doc = "Show what would change, in which order, and what it costs in stopped VMs",
	.details =
		"Compares the manifests of SOURCE with the hosts and shows the ordered plan. Changes nothing and takes "
		"no "
		"lock. The plan has been checked by an independent replay, in every order that its dependencies allow. "
		"A "
		"plan that --allow does not cover is refused and not saved; one that it covers carries it along, and "
		"'apply FILE' keeps to it.",
	.examples = "  hvgpu plan clusters/ --hosts snapshot:paris.yaml\n"
		    "  hvgpu plan 'clusters?ref=origin/main' --detailed-exitcode\n"
		    "  hvgpu plan clusters/ --cluster paris --out paris.plan --allow restarts=12\n"
		    "  hvgpu plan clusters/ --why vm/vdi-001\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = plan_run,
};
