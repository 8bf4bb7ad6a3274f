/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <unistd.h>

static const GOptionEntry options[] = { OPTION_CLUSTER, OPTION_OUTPUT("text (default) or json"), OPTION_END };

static void count(GString *out, uint32_t n, const char *one, const char *many)
{
	g_string_append_printf(out, "%u %s", n, n == 1 ? one : many);
}

static void write_text(GString *out, const struct run *run)
{
	uint32_t n_hosts = 0;
	for (uint32_t i = 0; i < run->spec->n_clusters; i++)
		n_hosts += run->spec->clusters[i].n_hosts;
	g_string_append(out, "valid: ");
	count(out, run->tree.n_files, "file", "files");
	g_string_append(out, ", ");
	count(out, run->spec->n_clusters, "cluster", "clusters");
	g_string_append(out, " with ");
	count(out, n_hosts, "host", "hosts");
	g_string_append(out, ", ");
	count(out, run->spec->n_assignments, "assignment", "assignments");
	g_string_append_c(out, '\n');
}

static int validate_run(int argc, char **argv)
{
	(void)argc;
	static const char *const formats[] = { "text", "json", NULL };
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	int format = options_format(formats, diags);
	if (options_run(argv[0], &run_options, diags) < 0 || format < 0)
		return output_findings(diags);
	run_options.until = STAGE_LOAD;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	enum exit_code code = run_exit(run);
	if (format == 1) {
		diags_sort(run->diags);
		return output_json(json_pack("{s:b, s:o}", "valid", run->diags->n_errors == 0, "diagnostics",
					   render_diags_json(run->diags)),
			code);
	}
	output_findings(run->diags);
	if (run->diags->n_errors)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	write_text(text, run);
	return output_text(text, code);
}

const struct command command_validate = {
	.name = "validate",
	.group = "Manifests",
	.arguments = "SOURCE",
	.doc = "Check manifests alone, without looking at any host",
	.details = "Reads all manifests of SOURCE and reports everything that is wrong with them, each with file, line "
		   "and "
		   "column. Needs no hosts and no credentials, so it fits a pre-commit hook or the first step of a "
		   "pipeline.",
	.examples = "  hvgpu validate clusters/\n"
		    "  kustomize build overlays/paris | hvgpu validate -\n"
		    "  hvgpu validate -o json 'https://git.example.com/ops/gpu//clusters?ref=main'\n",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = validate_run,
};
