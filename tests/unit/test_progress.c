/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct style plain = { 0 };
static const struct style live = { .live = true, .width = 30 };

static struct apply_event event_of(struct arena *arena, enum apply_event_kind kind, enum step_outcome outcome)
{
	const struct plan *plan = sample_plan(arena, 12);
	return (struct apply_event){ .kind = kind,
		.plan = plan,
		.step = &plan->steps[0],
		.outcome = outcome,
		.done = 3,
		.total = 54,
		.permille = 400 };
}

static void text_is(const struct apply_event *event, const struct style *style, const char *wanted)
{
	g_autoptr(GString) out = g_string_new(NULL);
	render_apply_event_text(out, event, style);
	assert_string_equal(out->str, wanted);
}

static void plain_lines_name_host_and_step(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct apply_event start = event_of(arena, APPLY_STEP_START, OUTCOME_RUNNING);
	struct apply_event progress = event_of(arena, APPLY_STEP_PROGRESS, OUTCOME_RUNNING);
	struct apply_event done = event_of(arena, APPLY_STEP_DONE, OUTCOME_CHANGED);
	struct apply_event failed = event_of(arena, APPLY_STEP_FAILED, OUTCOME_FAILED);
	failed.message = "access denied\033[2J";
	text_is(&start, &plain, "[ 3/54] hv01: stop vdi-001 ...\n");
	text_is(&progress, &plain, "");
	text_is(&done, &plain, "[ 3/54] hv01: stop vdi-001 changed\n");
	text_is(&failed, &plain, "[ 3/54] hv01: stop vdi-001 failed: access denied\\x1b[2J\n");
}

static void live_line_is_rewritten_and_never_wraps(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct apply_event progress = event_of(arena, APPLY_STEP_PROGRESS, OUTCOME_RUNNING);
	struct apply_event done = event_of(arena, APPLY_STEP_DONE, OUTCOME_UNCHANGED);
	text_is(&progress, &live, "\r\033[K[ 3/54] hv01: stop vdi-001 ..");
	text_is(&done, &live, "\r\033[K[ 3/54] hv01: stop vdi-001 unchanged\n");
}

static void json_lines_have_level_type_and_step(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct apply_event failed = event_of(arena, APPLY_STEP_FAILED, OUTCOME_FAILED);
	g_autoptr(GString) out = g_string_new(NULL);
	failed.message = "access\ndenied";
	render_version_json(out, SAMPLE_NOW);
	render_apply_event_json(out, &failed, SAMPLE_NOW);
	g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
	assert_int_equal(g_strv_length(lines), 3);
	json_auto_t *version = json_loads(lines[0], 0, NULL), *json = json_loads(lines[1], 0, NULL);
	assert_string_equal(json_string_value(json_object_get(version, "type")), "version");
	assert_string_equal(json_string_value(json_object_get(json, "type")), "apply_errored");
	assert_string_equal(json_string_value(json_object_get(json, "@level")), "error");
	assert_string_equal(json_string_value(json_object_get(json, "@timestamp")), "2026-01-01T00:00:00Z");
	assert_string_equal(json_string_value(json_object_get(json, "cluster")), "paris");
	json_t *hook = json_object_get(json, "hook");
	assert_string_equal(json_string_value(json_object_get(hook, "vm")), "vdi-001");
	assert_string_equal(json_string_value(json_object_get(hook, "reason")), "access\ndenied");
}

static void results_name_vms_that_are_still_down(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	const char *const owed[] = { "vdi-001", "vdi-002" };
	struct apply_result results[] = {
		{ .cluster = "lyon", .exit = EXIT_DONE, .n_changed = 54, .diags = diags_new(arena) },
		{ .cluster = "paris",
			.exit = EXIT_PARTIAL,
			.n_changed = 30,
			.n_failed = 1,
			.n_skipped = 23,
			.still_owed = owed,
			.n_still_owed = 2,
			.diags = diags_new(arena) },
		{ .cluster = "rome", .exit = EXIT_DONE },
	};
	g_autoptr(GString) out = g_string_new(NULL);
	render_apply_results_text(out, results, G_N_ELEMENTS(results), &plain);
	assert_string_equal(out->str, "lyon: 54 changed, 0 unchanged\n"
				      "paris: 30 changed, 0 unchanged, 1 failed, 23 skipped\n"
				      "  2 VMs are still down: vdi-001, vdi-002\n"
				      "  `hvgpu restore` tries again.\n"
				      "rome: nothing to do\n");
}

/* What was refused is not said to be done. */
static void a_cluster_without_steps_is_told_by_its_result_alone(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct apply_event start = { .kind = APPLY_CLUSTER_START, .plan = sample_plan_empty(arena) };
	struct apply_event end = { .kind = APPLY_CLUSTER_DONE, .plan = start.plan };
	text_is(&start, &plain, "");
	text_is(&end, &plain, "");
	text_is(&end, &live, "\r\033[K");
	start.total = 54;
	text_is(&start, &plain, "paris: 54 steps\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines_name_host_and_step),
		cmocka_unit_test(live_line_is_rewritten_and_never_wraps),
		cmocka_unit_test(json_lines_have_level_type_and_step),
		cmocka_unit_test(a_cluster_without_steps_is_told_by_its_result_alone),
		cmocka_unit_test(results_name_vms_that_are_still_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
