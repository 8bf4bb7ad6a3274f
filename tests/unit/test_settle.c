/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/settle.h"

#include "reconcile/history.h"
#include "schema/state.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>

struct fixture {
	char *folder, *world, *hosts;
	struct scene *scene;
	struct diags *diags;
	struct settle_options options;
};

/* One host, and a VM that a run of two days ago stopped and did not start again. */
static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("hvgpu-settle-XXXXXX", NULL);
	fixture->world = g_build_filename(fixture->folder, "world.yaml", NULL);
	fixture->hosts = g_strconcat("sim:", fixture->world, NULL);
	fixture->scene = scene_new(false, 1, 1, 4);
	fixture->diags = diags_new(fixture->scene->arena);
	struct vm *vm = scene_vm(fixture->scene, "vm-a", 0, VM_OFF, 0);
	struct debt *debt = arena_new_of(fixture->scene->arena, struct debt);
	*debt = (struct debt){ .run = "dead", .epoch = 1, .at = SCENE_NOW - 2 * 86400, .power = DEBT_POWER_STOPPED };
	debt->state_change = vm->state_change;
	vm->debt = debt;
	scene_vm(fixture->scene, "vm-b", 0, VM_OFF, -1);
	g_autoptr(GString) text = g_string_new(NULL);
	state_write_yaml(text, &fixture->scene->hosts[0]);
	g_file_set_contents(fixture->world, text->str, (gssize)text->len, NULL);
	fixture->options = (struct settle_options){
		.run = { .hosts = fixture->hosts, .now = SCENE_NOW, .max_age_s = 86400, .mode = PLAN_RESTORE },
		.vm = "VM-A",
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *lock = g_strconcat(fixture->world, ".lock", NULL);
	g_unlink(fixture->world);
	g_unlink(lock);
	g_rmdir(fixture->folder);
	scene_free(fixture->scene);
	g_free(fixture->folder);
	g_free(fixture->world);
	g_free(fixture->hosts);
	g_free(fixture);
	return 0;
}

static uint32_t restore_steps(const struct fixture *fixture)
{
	struct run_options options = fixture->options.run;
	options.until = STAGE_PLAN;
	struct run *run = run_pipeline(&options);
	uint32_t n = run->n_plans ? run->plans[0]->n_steps : 0;
	run_free(run);
	return n;
}

static void old_debt_waits_for_a_decision(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(restore_steps(fixture), 0);
}

static void debt_that_is_renewed_is_paid_by_the_next_run(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.mode = SETTLE_RENEW;
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), 0);
	assert_int_equal(restore_steps(fixture), 1);
}

static void debt_of_a_vm_that_stays_off_is_gone(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.mode = SETTLE_LEAVE_OFF;
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), 0);
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), SETTLE_NO_DEBT);
	assert_int_equal(restore_steps(fixture), 0);
}

static void decision_is_in_the_history(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *journal = g_build_filename(fixture->folder, "journal", NULL);
	g_autofree char *lock = g_strconcat(journal, ".lock", NULL);
	struct history_list list;
	fixture->options.journal = journal;
	fixture->options.mode = SETTLE_LEAVE_OFF;
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), 0);
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), SETTLE_NO_DEBT); /* which leaves nothing */
	assert_int_equal(history_read(journal, fixture->diags->arena, &list, fixture->diags), 0);
	assert_int_equal(list.n_runs, 1);
	assert_string_equal(list.runs[0].command, "settle");
	assert_true(list.runs[0].ended);
	assert_int_equal(list.runs[0].n_events, 1);
	assert_string_equal(list.runs[0].events[0].type, "decision");
	assert_string_equal(list.runs[0].events[0].host, "hv01");
	assert_string_equal(list.runs[0].events[0].what, "leave 'vm-a' off");
	g_unlink(journal);
	g_unlink(lock);
}

static void vm_without_debt_needs_no_decision(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.vm = "vm-b";
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), SETTLE_NO_DEBT);
	assert_int_equal(fixture->diags->n, 0);
}

static void vm_that_nobody_knows_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.vm = "vm-z";
	assert_int_equal(settle_vm(&fixture->options, fixture->diags), -1);
	assert_int_equal(fixture->diags->first->code, D_VM_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(old_debt_waits_for_a_decision),
		TEST(debt_that_is_renewed_is_paid_by_the_next_run),
		TEST(debt_of_a_vm_that_stays_off_is_gone),
		TEST(decision_is_in_the_history),
		TEST(vm_without_debt_needs_no_decision),
		TEST(vm_that_nobody_knows_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
