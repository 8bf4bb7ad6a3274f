/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "tests/lib/test.h"

struct fixture {
	struct arena *arena;
	struct diags *diags;
};

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

static void codes_are_unique_complete_and_ordered(void **state)
{
	(void)state;
	for (int code = 0; code < DIAG_CODE_COUNT; code++) {
		const struct diag_row *row = &diag_codes[code];
		assert_int_equal(strlen(row->id), strlen("HV101"));
		if (code > 0)
			assert_true(strcmp(diag_codes[code - 1].id, row->id) < 0);
		assert_true(strlen(row->title) > 5 && strlen(row->help) > 20);
		assert_int_not_equal(row->title[strlen(row->title) - 1], '.');
		assert_int_equal(row->help[strlen(row->help) - 1], '.');
		assert_int_equal(diag_code_find(row->id), code);
	}
}

static void codes_of_errors_alone_have_an_exit_code(void **state)
{
	(void)state;
	for (int code = 0; code < DIAG_CODE_COUNT; code++)
		assert_int_equal(diag_codes[code].severity == DIAG_ERROR, diag_codes[code].exit != EXIT_DONE);
	for (int code = D_DEBT_OPEN; code <= D_PINNED_ADAPTER; code++)
		assert_int_not_equal(diag_codes[code].severity, DIAG_ERROR);
}

static void code_is_found_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(diag_code_find("hv302"), D_VM_TWICE);
	assert_int_equal(diag_code_find("HV999"), -1);
	assert_int_equal(diag_code_find(""), -1);
}

static void worse_exit_code_wins(void **state)
{
	(void)state;
	static const enum exit_code order[] = { 130, 8, 1, 3, 6, 7, 5, 4, 2, 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		for (size_t j = i; j < G_N_ELEMENTS(order); j++) {
			assert_int_equal(exit_worse(order[i], order[j]), order[i]);
			assert_int_equal(exit_worse(order[j], order[i]), order[i]);
		}
}

static void add_returns_and_counts_by_severity(void **state)
{
	struct fixture *fixture = *state;
	struct diags *diags = fixture->diags;
	assert_int_equal(diag_add(diags, D_SURPLUS, LOC_NONE, "vm/a", "has %d", 2), 0);
	assert_int_equal(diag_add(diags, D_NO_OWNER, LOC_NONE, NULL, "none"), 0);
	assert_int_equal(diags->exit, EXIT_DONE);
	assert_int_equal(diag_add(diags, D_CAPACITY, LOC_NONE, NULL, "full"), -1);
	assert_int_equal(diag_add(diags, D_FIELD_TYPE, LOC_NONE, NULL, "wrong"), -1);
	assert_int_equal(diags->n, 4);
	assert_int_equal(diags->n_errors, 2);
	assert_int_equal(diags->n_warnings, 1);
	assert_int_equal(diags->exit, EXIT_BAD_INPUT);
	assert_string_equal(diags->first->subject, "vm/a");
	assert_string_equal(diags->first->message, "has 2");
}

static void add_beyond_the_cap_is_counted_alone(void **state)
{
	struct fixture *fixture = *state;
	struct diags *diags = fixture->diags;
	for (int i = 0; i < DIAGS_MAX; i++)
		diag_add(diags, D_SURPLUS, LOC_NONE, NULL, "%d", i);
	size_t used = arena_used(fixture->arena);
	assert_int_equal(diag_add(diags, D_FIELD_TYPE, LOC_NONE, NULL, "lost"), -1);
	diag_also(diags, LOC_NONE, "not of the last one");
	assert_int_equal(arena_used(fixture->arena), used);
	assert_int_equal(diags->n, DIAGS_MAX);
	assert_int_equal(diags->n_dropped, 1);
	assert_int_equal(diags->n_errors, 1);
	assert_int_equal(diags->exit, EXIT_BAD_INPUT);
	assert_null(diags->last->also_message);
}

static void append_copies_and_outlives(void **state)
{
	struct fixture *fixture = *state;
	struct arena *arena = arena_new();
	struct diags *from = diags_new(arena);
	diag_add(from, D_VM_TWICE, LOC_NONE, "vm/a", "twice");
	diag_also(from, (struct loc){ .line = 3 }, "first here");
	diag_add(fixture->diags, D_SURPLUS, LOC_NONE, NULL, "before");
	diags_append(fixture->diags, from);
	arena_free(arena);
	assert_int_equal(fixture->diags->n, 2);
	assert_int_equal(fixture->diags->n_errors, 1);
	assert_int_equal(fixture->diags->exit, EXIT_BAD_INPUT);
	const struct diag *last = fixture->diags->last;
	assert_ptr_equal(fixture->diags->first->next, last);
	assert_string_equal(last->subject, "vm/a");
	assert_string_equal(last->message, "twice");
	assert_string_equal(last->also_message, "first here");
	assert_int_equal(last->also.line, 3);
	assert_null(last->next);
}

static void sort_is_by_place_and_stable(void **state)
{
	struct fixture *fixture = *state;
	struct diags *diags = fixture->diags;
	const struct source a = { .name = "a.yaml" }, b = { .name = "b.yaml" };
	diag_add(diags, D_FIELD_TYPE, LOC_NONE, NULL, "7");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &b, 1, 1, 1 }, NULL, "6");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &a, 10, 1, 1 }, NULL, "5");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &a, 2, 9, 1 }, NULL, "3");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &a, 2, 9, 1 }, NULL, "4");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &a, 2, 3, 1 }, NULL, "2");
	diag_add(diags, D_FIELD_TYPE, (struct loc){ &a, 0, 0, 1 }, NULL, "1");
	diag_add(diags, D_FIELD_TYPE, LOC_NONE, NULL, "8");
	diags_sort(diags);
	int expected = 1;
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		assert_int_equal(diag->message[0], '0' + expected++);
	assert_int_equal(expected, 9);
	assert_string_equal(diags->last->message, "8");
}

static void kept_source_outlives_its_reader(void **state)
{
	struct fixture *fixture = *state;
	struct source *read = g_new(struct source, 1);
	struct source other = { "other.yaml", "b", 1 };
	*read = (struct source){ g_strdup("a.yaml"), g_strdup("bytes"), strlen("bytes") };
	diag_add(fixture->diags, D_YAML_SYNTAX, (struct loc){ read, 1, 1, 1 }, NULL, "first");
	diag_also(fixture->diags, (struct loc){ read, 1, 2, 1 }, "besides");
	diag_add(fixture->diags, D_YAML_SYNTAX, (struct loc){ &other, 1, 1, 1 }, NULL, "second");
	diags_keep(fixture->diags, read);
	g_free((char *)read->name);
	g_free((char *)read->bytes);
	g_free(read);
	const struct diag *diag = fixture->diags->first;
	assert_string_equal(diag->loc.source->name, "a.yaml");
	assert_memory_equal(diag->loc.source->bytes, "bytes", diag->loc.source->n_bytes);
	assert_ptr_equal(diag->also.source, diag->loc.source);
	assert_ptr_equal(diag->next->loc.source, &other);
}

static void sort_of_nothing_is_nothing(void **state)
{
	struct fixture *fixture = *state;
	diags_sort(fixture->diags);
	assert_null(fixture->diags->first);
	assert_null(fixture->diags->last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_unique_complete_and_ordered),
		cmocka_unit_test(codes_of_errors_alone_have_an_exit_code),
		cmocka_unit_test(code_is_found_in_any_case),
		cmocka_unit_test(worse_exit_code_wins),
		cmocka_unit_test_setup_teardown(add_returns_and_counts_by_severity, set_up, tear_down),
		cmocka_unit_test_setup_teardown(add_beyond_the_cap_is_counted_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(append_copies_and_outlives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sort_is_by_place_and_stable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sort_of_nothing_is_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept_source_outlives_its_reader, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
