/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "reconcile/planfile.h"
#include "reconcile/planner.h"

static const GOptionEntry options[] = { OPTION_OUTPUT("text (default) or json"), OPTION_END };

enum { PLAN_FILE_MAX = 1 << 30 };

static int read_plans(const char *path, struct arena *arena, struct run **out, struct diags *diags)
{
	struct source *source = arena_new_of(arena, struct source); /* findings point into it */
	if (source_read_file(path, PLAN_FILE_MAX, arena, source, diags) < 0)
		return -1;
	return planfile_read(arena, source, out, diags);
}

static enum exit_code show(const struct run *run, struct diags *diags, bool as_json)
{
	uint32_t n_steps = 0;
	for (uint32_t i = 0; run && i < run->n_plans; i++)
		n_steps += run->plans[i]->n_steps;
	if (as_json)
		return output_json(json_pack("{s:b, s:i, s:o}", "sound", diags->n_errors == 0, "steps", (int)n_steps,
					   "diagnostics", render_diags_json(diags)),
			diags->exit);
	output_findings(diags);
	if (diags->n_errors)
		return diags->exit;
	g_autoptr(GString) text = g_string_new(NULL);
	g_string_printf(text, "sound: %u step%s of %u cluster%s keep every invariant and reach the goal\n", n_steps,
		n_steps == 1 ? "" : "s", run->n_plans, run->n_plans == 1 ? "" : "s");
	return output_text(text, diags->exit);
}

static int check_run(int argc, char **argv)
{
	(void)argc;
	static const char *const formats[] = { "text", "json", NULL };
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run *run = NULL;
	int format = options_format(formats, diags);
	if (format < 0)
		return output_findings(diags);
	if (read_plans(argv[0], arena, &run, diags) == 0)
		for (uint32_t i = 0; i < run->n_plans; i++)
			check_plan(arena, run->plans[i]->observed, run->plans[i], diags);
	return show(run, diags, format == 1);
}

const struct command command_check = {
	.name = "check",
	.group = "Plan and apply",
	.arguments = "PLAN",
	.doc = "Replay a saved plan and test every promise after every step",
	.details = "The check knows nothing of the planner: it replays the steps on the world that is in the file, in "
		   "the plan's "
		   "order and in others that the dependencies allow, and looks for a step after which an invariant "
		   "would be "
		   "broken. 'plan' and 'apply' run it too.",
	.examples = "  hvgpu plan clusters/ --out paris.plan && hvgpu check paris.plan\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = check_run,
};
