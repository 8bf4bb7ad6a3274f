/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void exit_is_the_worst_of_findings_refusals_and_missing_hosts(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan plan = { .diags = diags_new(arena) };
	assert_int_equal(plan_exit(&plan), EXIT_DONE);
	plan.incomplete_hosts = true;
	assert_int_equal(plan_exit(&plan), EXIT_INCOMPLETE);
	plan.n_refusals = 1;
	assert_int_equal(plan_exit(&plan), EXIT_REFUSED);
	(void)!diag_add(plan.diags, D_INVARIANT, LOC_NONE, NULL, "broken");
	assert_int_equal(plan_exit(&plan), EXIT_STALE);
}

static void steps_alone_do_not_change_the_exit(void **state)
{
	(void)state;
	struct plan plan = { .n_steps = 3 };
	assert_true(plan_has_steps(&plan));
	assert_int_equal(plan_exit(&plan), EXIT_DONE);
}

static void every_change_kind_has_a_name(void **state)
{
	(void)state;
	for (int kind = 0; kind < CHANGE_KIND_COUNT; kind++)
		assert_int_equal(name_find(&change_kind_names, name_of(&change_kind_names, kind)), kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_is_the_worst_of_findings_refusals_and_missing_hosts),
		cmocka_unit_test(steps_alone_do_not_change_the_exit),
		cmocka_unit_test(every_change_kind_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
