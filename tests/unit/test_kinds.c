/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every row of every table, whoever wrote it. */
#include "schema/kinds.h"

#include "schema/decode.h"
#include "tests/lib/test.h"

#include <ctype.h>

static void check_row(const struct kind *kind, const struct field *row)
{
	if (!row->doc || !row->doc[0] || row->doc[strlen(row->doc) - 1] != '.')
		fail_msg("%s: row '%s' has no sentence that describes it", kind->name, row->key);
	if (!islower((unsigned char)row->key[0]))
		fail_msg("%s: key '%s' does not begin with a small letter", kind->name, row->key);
	if (row->max && row->min > row->max)
		fail_msg("%s: row '%s' has an empty range", kind->name, row->key);
	bool needs_names = row->type == FIELD_ENUM || row->type == FIELD_MAYBE_ENUM;
	if (needs_names && !row->names)
		fail_msg("%s: row '%s' has no names", kind->name, row->key);
	bool needs_rows = row->type == FIELD_OBJECT || row->type == FIELD_POINTER || row->type == FIELD_LIST;
	if (needs_rows && (!row->fields || !row->size))
		fail_msg("%s: row '%s' has no inner rows", kind->name, row->key);
	if (row->refers && !kind_find(row->refers))
		fail_msg("%s: row '%s' refers to no kind", kind->name, row->key);
}

static void check_rows(const struct kind *kind, const struct field *rows)
{
	for (const struct field *row = rows; row->key; row++) {
		check_row(kind, row);
		for (const struct field *other = rows; other < row; other++)
			assert_string_not_equal(other->key, row->key);
		if (!row->fields)
			continue;
		check_rows(kind, row->fields);
		bool found = !row->merge_key;
		for (const struct field *inner = row->fields; inner->key && !found; inner++)
			found = strcmp(inner->key, row->merge_key) == 0;
		if (!found)
			fail_msg("%s: the merge key of '%s' is no field of its items", kind->name, row->key);
	}
}

static void rows_are_sound(void **state)
{
	(void)state;
	for (const struct kind *const *kind = kinds; *kind; kind++)
		check_rows(*kind, (*kind)->fields);
}

static void defaults_are_values_of_their_fields(void **state)
{
	(void)state;
	/* A default that is none aborts. */
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		g_autoptr(arena_auto) arena = arena_new();
		void *object = arena_alloc(arena, (*kind)->size);
		decode_defaults(arena, (*kind)->fields, (*kind)->manifest, LOC_NONE, object);
	}
}

static void lists_of_named_objects_in_manifests_have_a_merge_key(void **state)
{
	(void)state;
	for (const struct kind *const *kind = kinds; *kind; kind++)
		for (const struct field *row = (*kind)->fields; (*kind)->manifest && row->key; row++)
			if (row->type == FIELD_LIST)
				assert_string_equal(row->merge_key, "name");
}

static void find_does_not_mind_case(void **state)
{
	(void)state;
	assert_ptr_equal(kind_find("gpucluster"), &kind_gpu_cluster);
	assert_ptr_equal(kind_find("HostState"), &kind_host_state);
	assert_null(kind_find("Pod"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(defaults_are_values_of_their_fields),
		cmocka_unit_test(lists_of_named_objects_in_manifests_have_a_merge_key),
		cmocka_unit_test(find_does_not_mind_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
