/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/expected.h"

static const struct style plain = { .width = 100 };

static GString *render(struct arena *arena, struct plan *plan)
{
	GString *out = g_string_new(NULL);
	render_plan_text(out, sample_run(arena, plan), &plain);
	return out;
}

static void count_change_shows_vms_changes_and_steps(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan(arena, 12));
	expected_is("plan-count-change.txt", out->str);
}

static void one_vm_reads_well(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan(arena, 1));
	expected_is("plan-one-vm.txt", out->str);
}

static void many_vms_are_cut_with_a_count(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan(arena, 300));
	assert_non_null(strstr(out->str, "300 running VMs go down"));
	assert_non_null(strstr(out->str, " and 80 more"));
	assert_true(out->len < 12000);
}

static void hosts_that_are_away_or_left_alone_are_told_with_the_reason(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 1);
	static const struct missing_host missing[] = { { "hv08", "no answer" }, { "hv09", "no answer" } };
	struct world *world = world_copy(arena, plan->observed);
	world->missing = missing;
	world->n_missing = G_N_ELEMENTS(missing);
	plan->observed = world;
	static struct spec_host lines[] = { { .name = "hv07", .exclude = "memory fault" },
		{ .name = "hv08", .maintenance = true }, { .name = "hv09" } };
	static const struct spec_cluster cluster = { .name = "paris", .hosts = lines, .n_hosts = 3 };
	plan->spec = &cluster;
	g_autoptr(GString) out = render(arena, plan);
	assert_non_null(
		strstr(out->str, "; not observed: hv08 (in maintenance), hv09; left alone: hv07 (memory fault)\n"));
}

static void nothing_to_do_says_so(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = render(arena, sample_plan_empty(arena));
	assert_non_null(strstr(out->str, "Nothing to do. The hosts are as commit 936fee7 says.\n"));
}

static void a_note_does_not_hide_that_nothing_is_to_do(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan_empty(arena);
	(void)!diag_add(plan->diags, D_NO_OWNER, SAMPLE_LOC, NULL, "nobody owns this");
	g_autoptr(GString) out = render(arena, plan);
	assert_non_null(strstr(out->str, "note HV658: nobody owns this"));
	assert_non_null(strstr(out->str, "\nNothing to do. The hosts are as commit 936fee7 says.\n"));
}

static void missing_host_never_reads_as_clean(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan_empty(arena);
	static const struct missing_host missing = { "hv04", "no answer" };
	((struct world *)plan->observed)->missing = &missing;
	((struct world *)plan->observed)->n_missing = 1;
	plan->incomplete_hosts = true;
	(void)!diag_add(plan->diags, D_HOST_UNOBSERVED, LOC_NONE, "host/hv04", "'hv04' did not answer within 30 s");
	g_autoptr(GString) out = render(arena, plan);
	assert_null(strstr(out->str, "Nothing to do"));
	assert_non_null(strstr(out->str, "This plan is incomplete, not clean: hv04 was not observed"));
	expected_is("plan-incomplete.txt", out->str);
}

static void refusal_names_its_reason_once(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan_empty(arena);
	static const struct refusal refusal = { "group/vdi", "partition count 8",
		"12 VMs must be down at once and maxUnavailable allows 6; raise it to 100%, or choose strategy Rolling",
		D_CAPACITY, { &sample_source, 8, 23, 1 } };
	plan->refusals = &refusal;
	plan->n_refusals = 1;
	(void)!diag_add(plan->diags, refusal.code, refusal.loc, refusal.subject, "%s", refusal.reason);
	(void)!diag_add(plan->diags, D_CAPACITY_OFF, SAMPLE_LOC, NULL, "2 partitions are missing for VMs that are off");
	g_autoptr(GString) out = render(arena, plan);
	const char *first = strstr(out->str, "maxUnavailable");
	assert_non_null(first);
	assert_null(strstr(first + 1, "maxUnavailable"));
	expected_is("plan-refused.txt", out->str);
}

static void rolling_names_the_mixed_window(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	plan->mixed = (struct plan_mixed){ true, 720, "hv01", "hv03" };
	g_autoptr(GString) out = render(arena, plan);
	assert_non_null(
		strstr(out->str, "the hosts differ in their partition counts from hv01 to hv03 for about 12 min"));
}

static void rollout_shows_bound_budget_moves_and_remedies(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	g_autoptr(GString) out = render(arena, plan);
	assert_non_null(
		strstr(out->str, "12 restarts (least possible at least 11), 1 move (least possible at least 0)"));
	assert_non_null(strstr(out->str, "  down at once: 4 of 12, 6 allowed\n"));
	expected_is("plan-rollout.txt", out->str);
}

static void a_reached_bound_is_said_to_be_least(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	plan->least = (struct plan_least){ .known = true, .vms_stopped = 12 };
	g_autoptr(GString) out = render(arena, plan);
	assert_non_null(strstr(out->str, ": 12 restarts (least possible 12), 0 moves, 0 role changes, 54 steps"));
}

static void hostile_names_cannot_move_the_cursor(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 3);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm_name)
			((struct step *)plan->steps)[i].vm_name = "evil\033[2J\nNothing to do\xe2\x80\xae";
	g_autoptr(GString) out = render(arena, plan);
	assert_null(strchr(out->str, '\033'));
	assert_null(strstr(out->str, "\nNothing to do"));
	assert_null(strstr(out->str, "\xe2\x80\xae"));
	assert_non_null(strstr(out->str, "evil\\x1b[2J\\nNothing to do\\u202e"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_change_shows_vms_changes_and_steps),
		cmocka_unit_test(one_vm_reads_well),
		cmocka_unit_test(many_vms_are_cut_with_a_count),
		cmocka_unit_test(hosts_that_are_away_or_left_alone_are_told_with_the_reason),
		cmocka_unit_test(nothing_to_do_says_so),
		cmocka_unit_test(a_note_does_not_hide_that_nothing_is_to_do),
		cmocka_unit_test(missing_host_never_reads_as_clean),
		cmocka_unit_test(refusal_names_its_reason_once),
		cmocka_unit_test(rolling_names_the_mixed_window),
		cmocka_unit_test(rollout_shows_bound_budget_moves_and_remedies),
		cmocka_unit_test(a_reached_bound_is_said_to_be_least),
		cmocka_unit_test(hostile_names_cannot_move_the_cursor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
