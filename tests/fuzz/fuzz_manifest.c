/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: whatever the bytes, there is a spec or a finding. */
#include "schema/load.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct source source = { .name = "fuzz.yaml", .bytes = (const char *)bytes, .n_bytes = size };
	const struct source *const sources[] = { &source };
	struct spec *spec = NULL;
	int result = spec_load(arena, sources, 1, &spec, diags);
	if ((result < 0) != (diags->n_errors > 0))
		BUG("result %d with %u errors", result, diags->n_errors);
	return 0;
}
