/* SPDX-License-Identifier: Apache-2.0 */
/* World files: whatever the bytes, there are states or a finding; and what is written is read back as the same. */
#include "schema/state.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static int read_bytes(struct arena *arena, const char *bytes, size_t size, struct state_file *out, struct diags *diags)
{
	struct source *source = arena_new_of(arena, struct source);
	*source = (struct source){ .name = "fuzz.yaml", .bytes = arena_strndup(arena, bytes, size), .n_bytes = size };
	return state_read(arena, source, out, diags);
}

static void write_all(GString *out, const struct state_file *file)
{
	for (uint32_t i = 0; i < file->n_states; i++)
		state_write_yaml(out, file->states[i]);
	if (file->simulation)
		simulation_write_yaml(out, file->simulation);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct source source = { .name = "fuzz.yaml", .bytes = (const char *)bytes, .n_bytes = size };
	struct state_file file = { 0 }, again = { 0 };
	int result = state_read(arena, &source, &file, diags);
	if ((result < 0) != (diags->n_errors > 0))
		BUG("result %d with %u errors", result, diags->n_errors);
	if (result < 0)
		return 0;
	g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
	write_all(first, &file);
	if (read_bytes(arena, first->str, first->len, &again, diags) < 0)
		BUG("what was written cannot be read: %s\n%s", diags->first->message, first->str);
	write_all(second, &again);
	if (strcmp(first->str, second->str) != 0)
		BUG("what was read back is not the same:\n%s\n%s", first->str, second->str);
	return 0;
}
