/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "schema/state.h"

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_CLUSTER,
	OPTION_OUTPUT("yaml (default) or json"),
	OPTION_MAX_AGE,
	OPTION_END,
};

static enum exit_code write_yaml(const struct run *run, enum exit_code code)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < run->n_states; i++)
		state_write_yaml(text, run->states[i]);
	return output_text(text, code);
}

static enum exit_code write_json(const struct run *run, enum exit_code code)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < run->n_states; i++)
		json_array_append_new(list, state_to_json(run->states[i]));
	return output_json(list, code);
}

static int observe_run(int argc, char **argv)
{
	static const char *const formats[] = { "yaml", "json", NULL };
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	int format = options_format(formats, diags);
	if (options_run(argc ? argv[0] : NULL, &run_options, diags) < 0 || format < 0)
		return output_findings(diags);
	if (!argc && !run_options.hosts)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'observe' needs --hosts, or a SOURCE with a HostInventory");
	if (diags->n_errors)
		return output_findings(diags);
	run_options.until = STAGE_OBSERVE;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	output_findings(run->diags);
	return format == 1 ? write_json(run, run_exit(run)) : write_yaml(run, run_exit(run));
}

const struct command command_observe = {
	.name = "observe",
	.group = "Hosts",
	.arguments = "[SOURCE]",
	.doc = "Print the state of the hosts as HostState documents",
	.details = "What is printed can be kept as a snapshot: a pipeline without access to hosts plans against it "
		   "(--hosts snapshot:FILE), and the simulator starts from it (--hosts sim:FILE).",
	.examples = "  hvgpu observe clusters/ > paris.yaml\n"
		    "  hvgpu observe --hosts sim:world.yaml -o json\n",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.run = observe_run,
};
