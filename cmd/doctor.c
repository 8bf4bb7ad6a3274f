/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "reconcile/endpoints.h"
#include "reconcile/examine.h"

#include <string.h>
#include <unistd.h>

static const GOptionEntry options[] = {
	OPTION_HOSTS,
	OPTION_OUTPUT("text (default) or json"),
	OPTION_SWITCH("checks", checks, "List what can be found and what to do about it, as Markdown, and ask no host"),
	OPTION_END,
};

/* HOST is an address itself: the one host behind it, whatever it calls itself. */
static int from_address(struct arena *arena, const char *address, struct endpoint *out, struct diags *diags)
{
	struct endpoints endpoints;
	if (endpoints_make(arena, address, NULL, &endpoints, diags) < 0)
		return -1;
	if (endpoints.n != 1)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"'%s' has %u hosts; write 'hvgpu doctor NAME --hosts %s'", address, endpoints.n, address);
	*out = endpoints.items[0];
	out->any_name = true;
	return 0;
}

static int from_name(
	struct arena *arena, const char *host, const struct spec *spec, struct endpoint *out, struct diags *diags)
{
	struct endpoints endpoints;
	if (endpoints_make(arena, arguments.hosts, spec, &endpoints, diags) < 0)
		return -1;
	const struct endpoint *found = endpoints_find(&endpoints, host);
	if (!found) {
		const char *meant = endpoints_meant(arena, &endpoints, host, NULL);
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "host '%s' cannot be found: %s%s", host,
			endpoints.reason, *meant ? meant : "; write another name, or an address");
	}
	*out = *found;
	return 0;
}

static int find_host(struct run *run, const char *host, bool has_source, struct endpoint *out)
{
	if (strchr(host, ':') && !has_source && !arguments.hosts)
		return from_address(run->arena, host, out, run->diags);
	if (!has_source && !arguments.hosts)
		return diag_add(run->diags, D_USAGE, LOC_NONE, NULL,
			"'%s' is a name: give the SOURCE whose HostInventory has it, --hosts, or an address like "
			"ssh://USER@HOST",
			host);
	return from_name(run->arena, host, run->spec, out, run->diags);
}

static int show(const struct doctor_report *report, int format)
{
	if (format == 1)
		return output_json(render_doctor_json(report), report->exit);
	struct style style = output_style(STDOUT_FILENO);
	g_autoptr(GString) text = g_string_new(NULL);
	render_doctor_text(text, report, &style);
	return output_text(text, report->exit);
}

static int list_checks(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	render_doctor_checks(text);
	return output_text(text, EXIT_DONE);
}

static int doctor_run(int argc, char **argv)
{
	static const char *const formats[] = { "text", "json", NULL };
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	struct endpoint endpoint;
	int format = options_format(formats, diags);
	if (arguments.checks)
		return list_checks();
	if (argc == 0)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'doctor' needs HOST; see 'hvgpu help doctor'");
	if (diags->n_errors)
		return output_findings(diags);
	if (options_run(argc > 1 ? argv[1] : NULL, &run_options, diags) < 0 || format < 0)
		return output_findings(diags);
	run_options.until = STAGE_LOAD;
	g_autoptr(run_auto) run = run_pipeline(&run_options);
	if (run->diags->n_errors || find_host(run, argv[0], argc > 1, &endpoint) < 0)
		return output_findings(run->diags);
	struct examination *examination = examine(&endpoint, diags);
	if (!examination)
		return output_findings(diags);
	int code = show(doctor_judge(arena, examination_facts(examination)), format);
	examination_free(examination);
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.group = "Hosts",
	.arguments = "HOST [SOURCE]",
	.doc = "Tell what would keep a host from being managed, and what to do about it",
	.details =
		"HOST is an address, or a name that the HostInventory of SOURCE has. Nothing is written on the host. "
		"Exit code 0: it can be managed; 5: something that failed keeps it from that; 4: it is not reached.",
	.examples = "  hvgpu doctor ssh://svc-hvgpu@hv01.example.net\n"
		    "  hvgpu doctor hv01 clusters/\n"
		    "  hvgpu doctor hv01 clusters/ -o json\n"
		    "  hvgpu doctor --checks\n",
	.min_args = 0,
	.max_args = 2,
	.options = options,
	.run = doctor_run,
};
