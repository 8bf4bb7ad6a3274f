/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saved plans: whatever the bytes, there is a run or a finding; and a run that was read can be written. No search finds
 * the digest of what it made up, so the input is read once more with the digest that fits.
 */
#include "reconcile/planfile_parts.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void read_bytes(const char *bytes, size_t size)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct source source = { .name = "plan.json", .bytes = bytes, .n_bytes = size };
	struct run *run = NULL;
	planfile_is(&source);
	int result = planfile_read(arena, &source, &run, diags);
	if ((result < 0) != (diags->n_errors > 0))
		BUG("result %d with %u errors", result, diags->n_errors);
	if (result == 0)
		json_decref(planfile_to_json(run));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	read_bytes((const char *)bytes, size);
	json_auto_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json))
		return 0;
	g_autofree char *digest = planfile_digest(json);
	json_object_set_new(json, "digest", json_string(digest));
	char *sealed = json_dumps(json, JSON_COMPACT);
	if (sealed)
		read_bytes(sealed, strlen(sealed));
	free(sealed);
	return 0;
}
