/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile.h"
#include "render/render.h"

static int append(const char *bytes, size_t n, void *out)
{
	g_string_append_len(out, bytes, n);
	return 0;
}

void render_plan_json(GString *out, const struct run *run)
{
	json_auto_t *json = planfile_to_json(run);
	json_dump_callback(json, append, out, JSON_INDENT(2));
	g_string_append_c(out, '\n');
}
