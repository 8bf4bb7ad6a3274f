/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/show.h"
#include "base/file.h"
#include "cmd/output.h"

#include <unistd.h>

const char *const show_formats[] = { "text", "json", "yaml", "markdown", NULL };

int show_plan(const struct run *run, enum show_format format, enum exit_code code)
{
	g_autoptr(GString) out = g_string_new(NULL);
	if (format == SHOW_TEXT && !run->n_plans) {
		output_findings(run->diags);
		return code;
	}
	struct style style = output_style(STDOUT_FILENO);
	switch (format) {
	case SHOW_TEXT:
		render_plan_text(out, run, &style);
		break;
	case SHOW_JSON:
		render_plan_json(out, run);
		break;
	case SHOW_YAML:
		render_plan_yaml(out, run);
		break;
	case SHOW_MARKDOWN:
		render_plan_markdown(out, run);
		break;
	}
	return output_text(out, code);
}

int show_save(const struct run *run, const char *path, struct diags *diags)
{
	g_autoptr(GString) out = g_string_new(NULL);
	render_plan_json(out, run);
	return file_write(path, out->str, out->len, diags);
}
