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
	struct settled settled;
};

static void write_world(struct fixture *fixture)
{
	g_autoptr(GString) text = g_string_new(NULL);
	state_write_yaml(text, &fixture->scene->hosts[0]);
	g_file_set_contents(fixture->world, text->str, (gssize)text->len, NULL);
}

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
	write_world(fixture);
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

static int settle(struct fixture *fixture, enum settle_mode mode)
{
	fixture->options.mode = mode;
	return settle_vm(&fixture->options, &fixture->settled, fixture->diags);
}

/* The adapter of vm-a was taken, too, and it had quotas. */
static struct vm *owe_an_adapter(struct fixture *fixture)
{
	struct vm *vm = &fixture->scene->vms[0][0];
	static struct adapter owed = { .id = "x" };
	struct debt *debt = arena_copy(fixture->scene->arena, vm->debt, sizeof(*debt));
	owed.quotas[QUOTA_MIN_VRAM] = KNOWN(1000);
	debt->adapters = &owed;
	debt->n_adapters = 1;
	vm->debt = debt;
	vm->n_adapters = 0;
	return vm;
}

static void old_debt_waits_for_a_decision(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(restore_steps(fixture), 0);
}

static void debt_that_is_renewed_is_paid_by_the_next_run(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(settle(fixture, SETTLE_RENEW), 0);
	assert_true(fixture->settled.start);
	assert_int_equal(restore_steps(fixture), 1);
}

static void debt_of_a_vm_that_stays_off_is_gone(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_true(fixture->settled.start);
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_null(fixture->settled.debt);
	assert_int_equal(restore_steps(fixture), 0);
}

static void vm_that_is_left_off_gets_no_part_back_either(void **state)
{
	struct fixture *fixture = *state;
	owe_an_adapter(fixture);
	write_world(fixture);
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_int_equal(fixture->settled.debt->n_adapters, 1); /* what was dropped can be said */
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_null(fixture->settled.debt);
}

static void vm_that_runs_and_is_left_as_it_is_is_not_restarted(void **state)
{
	struct fixture *fixture = *state;
	owe_an_adapter(fixture)->state = VM_RUNNING;
	write_world(fixture);
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_false(fixture->settled.start);
	assert_int_equal(restore_steps(fixture), 0);
}

static void vm_that_runs_is_owed_no_start(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene->vms[0][0].state = VM_RUNNING;
	write_world(fixture);
	assert_int_equal(settle(fixture, SETTLE_RENEW), 0);
	assert_false(fixture->settled.start);
	assert_int_equal(settle(fixture, SETTLE_RENEW), 0);
	assert_null(fixture->settled.debt);
}

static void vm_that_runs_gets_its_parts_back(void **state)
{
	struct fixture *fixture = *state;
	owe_an_adapter(fixture)->state = VM_RUNNING;
	write_world(fixture);
	assert_int_equal(settle(fixture, SETTLE_RENEW), 0);
	assert_false(fixture->settled.start);
	assert_int_equal(fixture->settled.debt->n_adapters, 1);
	assert_int_equal(restore_steps(fixture), 0); /* which stops nobody */
}

static void decision_is_in_the_history(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *journal = g_build_filename(fixture->folder, "journal", NULL);
	g_autofree char *lock = g_strconcat(journal, ".lock", NULL);
	struct history_list list;
	fixture->options.journal = journal;
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0); /* which leaves nothing */
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
	assert_int_equal(settle(fixture, SETTLE_LEAVE_OFF), 0);
	assert_null(fixture->settled.debt);
	assert_string_equal(fixture->settled.vm->name, "vm-b");
	assert_int_equal(fixture->diags->n, 0);
}

static void vm_that_nobody_knows_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.vm = "vm-z";
	assert_int_equal(settle(fixture, SETTLE_RENEW), -1);
	assert_int_equal(fixture->diags->first->code, D_VM_NOT_FOUND);
}

static void vm_that_nobody_knows_may_be_where_nobody_answered(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) text = g_string_new(NULL);
	static const char *const gone[] = { "hv01" };
	const struct simulation simulation = { .clock = SCENE_NOW, .unreachable = gone, .n_unreachable = 1 };
	simulation_write_yaml(text, &simulation);
	g_string_append(text, "---\n");
	state_write_yaml(text, &fixture->scene->hosts[0]);
	g_file_set_contents(fixture->world, text->str, (gssize)text->len, NULL);
	assert_int_equal(settle(fixture, SETTLE_RENEW), -1);
	assert_int_equal(fixture->diags->exit, EXIT_INCOMPLETE);
	for (const struct diag *diag = fixture->diags->first; diag; diag = diag->next)
		assert_int_not_equal(diag->code, D_VM_NOT_FOUND);
}

static uint32_t n_counted;
static const volatile int *count_interrupts(void)
{
	static const int twice = 2;
	n_counted++;
	return &twice;
}

/* While hosts are asked nothing is at stake, and a signal ends the program as any other. */
static void interruptions_count_from_the_first_lease_on(void **state)
{
	struct fixture *fixture = *state;
	n_counted = 0;
	fixture->options.count_interrupts = count_interrupts;
	fixture->options.vm = "vm-b"; /* nothing is owed to it: no host is held */
	assert_int_equal(settle(fixture, SETTLE_RENEW), 0);
	assert_int_equal(n_counted, 0);
	fixture->options.vm = "vm-a";
	assert_int_equal(settle(fixture, SETTLE_RENEW), -1);
	assert_int_equal(n_counted, 1);
	assert_int_equal(restore_steps(fixture), 0); /* nobody has decided */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(old_debt_waits_for_a_decision),
		TEST(debt_that_is_renewed_is_paid_by_the_next_run),
		TEST(debt_of_a_vm_that_stays_off_is_gone),
		TEST(vm_that_is_left_off_gets_no_part_back_either),
		TEST(vm_that_runs_and_is_left_as_it_is_is_not_restarted),
		TEST(vm_that_runs_is_owed_no_start),
		TEST(vm_that_runs_gets_its_parts_back),
		TEST(decision_is_in_the_history),
		TEST(vm_without_debt_needs_no_decision),
		TEST(interruptions_count_from_the_first_lease_on),
		TEST(vm_that_nobody_knows_is_an_error),
		TEST(vm_that_nobody_knows_may_be_where_nobody_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
