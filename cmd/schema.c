/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

#include <string.h>

static const GOptionEntry options[] = {
	OPTION_TEXT("kustomize", 0, kustomize,
		"Print a file for kustomize instead: openapi (list merge keys) or configuration (name references)",
		"WHAT"),
	OPTION_END,
};

static int unknown_kind(const char *name, struct diags *diags)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (size_t i = 0; kinds[i]; i++)
		g_ptr_array_add(names, (gpointer)kinds[i]->name);
	const char *near = text_nearest(name, (const char *const *)names->pdata, names->len);
	if (near)
		return diag_add(
			diags, D_USAGE, LOC_NONE, NULL, "there is no kind '%s'; did you mean '%s'?", name, near);
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "there is no kind '%s'; 'hvgpu schema' lists them", name);
}

static enum exit_code write_kustomize(const char *what, struct diags *diags)
{
	if (strcmp(what, "openapi") == 0)
		return output_json(kustomize_openapi(), EXIT_DONE);
	g_autoptr(GString) text = g_string_new(NULL);
	if (strcmp(what, "configuration") == 0) {
		kustomize_configuration_write(text);
		return output_text(text, EXIT_DONE);
	}
	diag_add(diags, D_USAGE, LOC_NONE, NULL, "--kustomize '%s' is not known; write openapi or configuration", what);
	return output_findings(diags);
}

static int schema_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	if (arguments.kustomize)
		return write_kustomize(arguments.kustomize, diags);
	const struct kind *kind = argc ? kind_find(argv[0]) : NULL;
	if (kind)
		return output_json(jsonschema_of(kind), EXIT_DONE);
	if (argc) {
		unknown_kind(argv[0], diags);
		return output_findings(diags);
	}
	g_autoptr(GString) text = g_string_new(NULL);
	for (size_t i = 0; kinds[i]; i++)
		g_string_append_printf(text, "%-15s %s\n", kinds[i]->name, kinds[i]->doc);
	return output_text(text, EXIT_DONE);
}

static void complete(GString *words)
{
	for (size_t i = 0; kinds[i]; i++)
		g_string_append_printf(words, " %s", kinds[i]->name);
}

const struct command command_schema = {
	.name = "schema",
	.group = "Reference",
	.arguments = "[KIND]",
	.doc = "Print the JSON Schema of a kind of document, or list the kinds",
	.details =
		"Editors complete and check manifests with the schema; kustomize merges lists by name with its files.",
	.examples = "  hvgpu schema GpuCluster > gpucluster.json\n"
		    "  hvgpu schema --kustomize openapi > hvgpu-openapi.json\n",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.complete = complete,
	.run = schema_run,
};
