/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile.h"
#include "render/render.h"

static int append(const char *bytes, size_t n, void *out)
{
	g_string_append_len(out, bytes, (gssize)n);
	return 0;
}

void render_plan_json(GString *out, const struct run *run)
{
	struct planfile_writer *writer = planfile_writer_new(append, out);
	planfile_writer_end(writer, run);
	planfile_writer_free(writer);
}
