/* SPDX-License-Identifier: Apache-2.0 */
/* Saved plans: whatever the bytes, there is a run or a finding. */
#include "reconcile/planfile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct source source = { .name = "plan.json", .bytes = (const char *)bytes, .n_bytes = size };
	struct run *run = NULL;
	planfile_is(&source);
	int result = planfile_read(arena, &source, &run, diags);
	if ((result < 0) != (diags->n_errors > 0))
		BUG("result %d with %u errors", result, diags->n_errors);
	return 0;
}
