/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/drift.h"
#include "render/render.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/expected.h"

static const struct style plain = { 0 };

static void differences_are_drift_or_pending(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 3));
	static const bool is_drift[6] = { true };
	static const struct drift_cluster cluster = { DRIFT_COMPARED, "0123456789abcdef", is_drift, 1, 5 };
	static const struct drift drift = { &cluster, 1, 5 };
	run->drift = &drift;
	g_autoptr(GString) out = g_string_new(NULL);
	render_drift_text(out, run, &plain);
	expected_is("drift.txt", out->str);
}

static void no_difference_is_one_line(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = g_string_new(NULL);
	render_drift_text(out, sample_run(arena, sample_plan_empty(arena)), &plain);
	assert_string_equal(out->str, "No drift. The hosts are as commit 936fee7 says.\n");
}

static void missing_host_never_reads_as_no_drift(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan_empty(arena);
	plan->incomplete_hosts = true;
	g_autoptr(GString) out = g_string_new(NULL);
	render_drift_text(out, sample_run(arena, plan), &plain);
	assert_null(strstr(out->str, "No drift"));
	assert_non_null(strstr(out->str, "incomplete, not clean"));
}

static void record_without_a_commit_is_a_record(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 3));
	static const bool is_drift[6] = { false };
	static const struct drift_cluster cluster = { DRIFT_NO_COMMIT, NULL, is_drift, 0, 6 };
	static const struct drift drift = { &cluster, 0, 6 };
	run->drift = &drift;
	g_autoptr(GString) out = g_string_new(NULL);
	render_drift_text(out, run, &plain);
	assert_null(strstr(out->str, "no record"));
	assert_non_null(strstr(out->str, "The last apply was of a source without a commit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(differences_are_drift_or_pending),
		cmocka_unit_test(no_difference_is_one_line),
		cmocka_unit_test(missing_host_never_reads_as_no_drift),
		cmocka_unit_test(record_without_a_commit_is_a_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
