/* SPDX-License-Identifier: Apache-2.0 */
#include "render/outline.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { STEPS_MAX = 9 };

struct row {
	enum step_kind kind;
	uint32_t from, to; /* what it waits for; 0: nothing */
};

static struct plan *plan_of(struct arena *arena, const struct row *rows, uint32_t n)
{
	struct plan *plan = sample_plan_empty(arena);
	struct step *steps = arena_array(arena, struct step, STEPS_MAX);
	for (uint32_t i = 0; i < n; i++) {
		steps[i] = sample_step(rows[i].kind, i + 1, "hv01", CAUSE_WANTED, "why");
		if (rows[i].from)
			sample_after(arena, &steps[i], rows[i].from, rows[i].to);
	}
	plan->steps = steps;
	plan->n_steps = n;
	return plan;
}

/* "1-2 3-4": the groups of these steps as they are shown, by their numbers. */
static char *groups_of(struct arena *arena, const struct row *rows, uint32_t n)
{
	const struct outline *outline = outline_of(arena, plan_of(arena, rows, n));
	g_autoptr(GString) out = g_string_new(NULL);
	for (uint32_t i = 0; i < outline->n_groups; i++) {
		for (uint32_t k = 0; k < outline->groups[i].n_after; k++)
			assert_true(outline->groups[i].after[k].group < i);
		g_string_append(out, i ? " " : "");
		outline_group_ids(out, &outline->groups[i]);
	}
	return arena_strdup(arena, out->str);
}

/* A VM that is off gets its partition as early as others are stopped, and is shown where its number is. */
static void groups_stand_in_the_order_of_their_numbers(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	static const struct row rows[] = {
		{ STEP_SET_COUNT, 0, 0 },
		{ STEP_SET_COUNT, 0, 0 },
		{ STEP_STOP_VM, 1, 2 },
		{ STEP_STOP_VM, 1, 2 },
		{ STEP_ADD_ADAPTER, 3, 3 },
		{ STEP_ADD_ADAPTER, 4, 4 },
		{ STEP_ADD_ADAPTER, 1, 2 },
		{ STEP_START_VM, 5, 5 },
		{ STEP_START_VM, 6, 6 },
	};
	assert_string_equal(groups_of(arena, rows, G_N_ELEMENTS(rows)), "1-2 3-4 5-6 7 8-9");
}

static void no_group_is_shown_before_one_that_it_waits_for(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	static const struct row rows[] = {
		{ STEP_STOP_VM, 0, 0 },
		{ STEP_REMOVE_ADAPTER, 1, 1 },
		{ STEP_START_VM, 2, 2 },
		{ STEP_SET_COUNT, 0, 0 },
		{ STEP_REMOVE_ADAPTER, 4, 4 },
	};
	assert_string_equal(groups_of(arena, rows, G_N_ELEMENTS(rows)), "1 4 2,5 3");
}

/* 4 waits for 1 and 2 though 3 waits for 2 alone; in the second plan 3 waits for both, which says it all. */
static void what_a_group_waits_for_is_left_out_only_where_others_imply_it(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct row rows[] = {
		{ STEP_STOP_VM, 0, 0 },
		{ STEP_STOP_VM, 0, 0 },
		{ STEP_REMOVE_ADAPTER, 2, 2 },
		{ STEP_DISMOUNT_GPU, 1, 3 },
	};
	const struct outline *outline = outline_of(arena, plan_of(arena, rows, G_N_ELEMENTS(rows)));
	assert_int_equal(outline->n_groups, 3);
	assert_int_equal(outline->groups[2].n_after, 2);
	rows[2].from = 1;
	outline = outline_of(arena, plan_of(arena, rows, G_N_ELEMENTS(rows)));
	assert_int_equal(outline->groups[2].n_after, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_stand_in_the_order_of_their_numbers),
		cmocka_unit_test(no_group_is_shown_before_one_that_it_waits_for),
		cmocka_unit_test(what_a_group_waits_for_is_left_out_only_where_others_imply_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
