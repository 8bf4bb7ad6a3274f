/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/expected.h"

static GString *render(struct arena *arena, struct plan *plan)
{
	GString *out = g_string_new(NULL);
	render_plan_markdown(out, sample_run(arena, plan));
	return out;
}

static void count_change_is_a_comment(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan(arena, 12));
	assert_true(g_str_has_prefix(out->str, "<!-- hvgpu:plan:paris -->\n**hvgpu plan"));
	expected_is("plan-count-change.md", out->str);
}

static void nothing_to_do_is_one_line(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan_empty(arena));
	assert_non_null(strstr(out->str, "nothing to do"));
	assert_null(strstr(out->str, "<details>"));
}

static void rollout_shows_bound_budget_and_remedies(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	g_autoptr(GString) out = render(arena, plan);
	expected_is("plan-rollout.md", out->str);
}

static void manifests_that_are_wrong_give_no_plan(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan_empty(arena));
	run->n_plans = 0;
	(void)!diag_add(run->diags, D_FIELD_TYPE, SAMPLE_LOC, NULL, "'partitionCount' must be a number");
	g_autoptr(GString) out = g_string_new(NULL);
	render_plan_markdown(out, run);
	assert_non_null(strstr(out->str, "**hvgpu plan for commit 936fee7: no plan, 1 error**\n"));
	assert_null(strstr(out->str, "no steps"));
	assert_null(strstr(out->str, "nothing to do"));
}

static void incomplete_plan_never_reads_as_clean(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan_empty(arena);
	plan->incomplete_hosts = true;
	g_autoptr(GString) out = render(arena, plan);
	assert_null(strstr(out->str, "nothing to do"));
	assert_non_null(strstr(out->str, "incomplete, not clean"));
}

static void long_plan_is_cut_by_whole_hosts(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 0));
	enum { CLUSTERS = 400 };
	struct plan **plans = arena_array(arena, struct plan *, CLUSTERS);
	for (uint32_t i = 0; i < CLUSTERS; i++) {
		plans[i] = sample_plan(arena, 40);
		plans[i]->cluster = arena_printf(arena, "cluster-\xe2\x82\xac-%u", i);
	}
	run->plans = plans;
	run->n_plans = CLUSTERS;
	g_autoptr(GString) out = g_string_new(NULL);
	render_plan_markdown(out, run);
	assert_true(out->len <= 65536);
	assert_true(out->len > 40000);
	assert_true(g_utf8_strlen(out->str, -1) <= 65000);
	assert_non_null(strstr(out->str, "16000 restarts"));
	assert_non_null(strstr(out->str, "do not fit here"));
}

static void hostile_texts_stay_text(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 1);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm_name)
			((struct step *)plan->steps)[i].vm_name = "a|b`c\n```\n<b>";
	(void)!diag_add(plan->diags, D_VM_STATE, LOC_NONE, NULL, "ask @admins <script> `x` see #1\n</details>");
	g_autoptr(GString) out = render(arena, plan);
	assert_null(strstr(out->str, "@admins"));
	assert_null(strstr(out->str, "<script>"));
	assert_null(strstr(out->str, "#1"));
	assert_null(strstr(out->str, "\n```\n<b>"));
	assert_non_null(strstr(out->str, "`a\\|b'c\\n'''\\n<b>`"));
	assert_non_null(strstr(out->str, "&lt;script&gt;"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_change_is_a_comment),
		cmocka_unit_test(nothing_to_do_is_one_line),
		cmocka_unit_test(rollout_shows_bound_budget_and_remedies),
		cmocka_unit_test(manifests_that_are_wrong_give_no_plan),
		cmocka_unit_test(incomplete_plan_never_reads_as_clean),
		cmocka_unit_test(long_plan_is_cut_by_whole_hosts),
		cmocka_unit_test(hostile_texts_stay_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
