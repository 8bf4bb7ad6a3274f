/* SPDX-License-Identifier: Apache-2.0 */
/* The widest moment of plans that are written by hand: who is down, and which hosts are being changed, at once. */
#include "reconcile/check.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

enum { STEPS_MAX = 16 };

/* A plan on a world of three hosts with two VMs each, vm-00 and vm-01 on the first, and so on. */
struct draft {
	struct scene *scene;
	struct plan plan;
	struct rules rules;
	struct step steps[STEPS_MAX];
	uint32_t after[STEPS_MAX][2];
	struct diags *diags;
};

static struct draft *draft_new(void)
{
	struct draft *draft = g_new0(struct draft, 1);
	draft->scene = scene_new(true, 3, 2, 4);
	for (uint32_t v = 0; v < 6; v++)
		scene_vm(draft->scene, arena_printf(draft->scene->arena, "vm-%02u", v), v / 2, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(draft->scene, scene_manifests(draft->scene, 4, "vm-*", NULL));
	draft->rules = *plan->rules;
	draft->plan = *plan;
	draft->plan.rules = &draft->rules;
	draft->plan.steps = draft->steps;
	draft->plan.n_steps = 0;
	draft->diags = diags_new(draft->scene->arena);
	return draft;
}

static void draft_free(struct draft *draft)
{
	scene_free(draft->scene);
	g_free(draft);
}

/* Adds a step that waits for 'sooner' and 'also' (0: for none), and gives its number. */
static uint32_t add(struct draft *draft, struct step step, uint32_t sooner, uint32_t also)
{
	uint32_t at = draft->plan.n_steps++, n = 0;
	if (sooner)
		draft->after[at][n++] = sooner;
	if (also)
		draft->after[at][n++] = also;
	step.id = at + 1;
	step.after = draft->after[at];
	step.n_after = n;
	draft->steps[at] = step;
	return at + 1;
}

static uint32_t add_vm(struct draft *draft, enum step_kind kind, uint32_t vm, uint32_t sooner, uint32_t also)
{
	const struct world *world = draft->plan.observed;
	struct step step = { .kind = kind, .vm = vm, .gpu = NO_INDEX, .host = world->vms[vm].host };
	step.vm_name = world->vms[vm].name;
	return add(draft, step, sooner, also);
}

static uint32_t add_count(struct draft *draft, uint32_t gpu, uint32_t sooner, uint32_t also)
{
	struct step step = { .kind = STEP_SET_COUNT, .vm = NO_INDEX, .gpu = gpu, .count = 8 };
	step.host = draft->plan.observed->gpus[gpu].host;
	return add(draft, step, sooner, also);
}

/* ---- VMs ---- */

static void no_stop_holds_nobody_down(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	assert_int_equal(check_peak(&draft->plan), 0);
	draft_free(draft);
}

static void vms_that_wait_for_each_other_are_down_one_by_one(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	for (uint32_t v = 0, last = 0; v < 4; v++)
		last = add_vm(draft, STEP_START_VM, v, add_vm(draft, STEP_STOP_VM, v, last, 0), 0);
	assert_int_equal(check_peak(&draft->plan), 1);
	draft_free(draft);
}

static void vms_that_wait_for_none_are_all_down(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	for (uint32_t v = 0; v < 4; v++)
		add_vm(draft, STEP_START_VM, v, add_vm(draft, STEP_STOP_VM, v, 0, 0), 0);
	assert_int_equal(check_peak(&draft->plan), 4);
	draft_free(draft);
}

/* The plan's own order holds one down at a time; another one holds two. */
static void order_that_holds_most_counts_and_not_the_plans_own(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t a = add_vm(draft, STEP_START_VM, 0, add_vm(draft, STEP_STOP_VM, 0, 0, 0), 0);
	add_vm(draft, STEP_START_VM, 1, add_vm(draft, STEP_STOP_VM, 1, 0, 0), 0);
	add_vm(draft, STEP_START_VM, 2, add_vm(draft, STEP_STOP_VM, 2, a, 0), 0);
	assert_int_equal(check_peak(&draft->plan), 2);
	draft_free(draft);
}

/* Two at a time: each waits for the one before the last. A greedy matching would say three. */
static void window_of_two_is_two_wide(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t ends[6];
	for (uint32_t v = 0; v < 6; v++) {
		uint32_t first = v < 2 ? 0 : ends[v - 2], also = v < 3 ? 0 : ends[v - 3];
		ends[v] = add_vm(draft, STEP_START_VM, v, add_vm(draft, STEP_STOP_VM, v, first, also), 0);
	}
	assert_int_equal(check_peak(&draft->plan), 2);
	draft_free(draft);
}

static void vm_that_is_owed_a_start_is_down_until_then(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t start = add_vm(draft, STEP_START_VM, 0, 0, 0);
	add_vm(draft, STEP_START_VM, 1, add_vm(draft, STEP_STOP_VM, 1, 0, 0), 0);
	assert_int_equal(check_peak(&draft->plan), 2);
	draft->after[1][0] = start;
	draft->steps[1].n_after = 1;
	assert_int_equal(check_peak(&draft->plan), 1);
	draft_free(draft);
}

static void assert_budget(struct draft *draft, uint32_t allowed, int result)
{
	draft->plan.budget = (struct plan_budget){ .set = true, .of = 6, .allowed = allowed };
	draft->diags = diags_new(draft->scene->arena);
	assert_int_equal(check_budget(&draft->plan, draft->diags), result);
	assert_int_equal(draft->diags->first != NULL, result < 0);
}

static void stop_beyond_the_budget_is_rejected(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	for (uint32_t v = 0; v < 3; v++)
		add_vm(draft, STEP_START_VM, v, add_vm(draft, STEP_STOP_VM, v, 0, 0), 0);
	assert_budget(draft, 3, 0);
	assert_budget(draft, 2, -1);
	assert_non_null(strstr(draft->diags->first->message, "would break 'budget': 3 VMs"));
	draft->plan.mode = PLAN_RESTORE;
	assert_budget(draft, 2, 0);
	draft_free(draft);
}

static void debts_beyond_the_budget_are_no_fault_until_one_more_is_stopped(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	add_vm(draft, STEP_START_VM, 0, 0, 0);
	add_vm(draft, STEP_START_VM, 1, 0, 0);
	assert_budget(draft, 1, 0);
	add_vm(draft, STEP_START_VM, 2, add_vm(draft, STEP_STOP_VM, 2, 1, 0), 0);
	assert_budget(draft, 1, -1);
	draft->after[2][1] = 2;
	draft->steps[2].n_after = 2;
	assert_budget(draft, 1, 0);
	draft_free(draft);
}

/* ---- hosts ---- */

static void assert_hosts(struct draft *draft, uint32_t max_hosts, int result)
{
	draft->rules.strategy = STRATEGY_ROLLING;
	draft->rules.max_hosts = max_hosts;
	draft->diags = diags_new(draft->scene->arena);
	assert_int_equal(check_hosts(&draft->plan, draft->diags), result);
	assert_int_equal(draft->diags->first != NULL, result < 0);
}

static void hosts_with_vms_down_at_once_are_too_many(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t end = add_vm(draft, STEP_START_VM, 0, add_vm(draft, STEP_STOP_VM, 0, 0, 0), 0);
	uint32_t stop = add_vm(draft, STEP_STOP_VM, 2, 0, 0);
	add_vm(draft, STEP_START_VM, 2, stop, 0);
	assert_hosts(draft, 1, -1);
	assert_hosts(draft, 2, 0);
	draft->after[stop - 1][0] = end;
	draft->steps[stop - 1].n_after = 1;
	assert_hosts(draft, 1, 0);
	draft->after[stop - 1][0] = end - 1;
	draft->plan.mode = PLAN_RESTORE;
	assert_hosts(draft, 1, 0);
	draft_free(draft);
}

static void host_is_being_changed_between_its_counts(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t first = add_count(draft, 0, 0, 0), second = add_count(draft, 1, 0, 0);
	uint32_t other = add_count(draft, 2, first, 0);
	assert_hosts(draft, 1, 0); /* the other host's one count leaves it as it is or makes it whole */
	add_count(draft, 3, 0, 0);
	assert_hosts(draft, 1, -1);
	draft->after[other - 1][1] = second;
	draft->steps[other - 1].n_after = 2;
	draft->after[other][0] = first;
	draft->after[other][1] = second;
	draft->steps[other].n_after = 2;
	assert_hosts(draft, 1, 0);
	draft_free(draft);
}

/* The first and the third host are changed at once, then the first and the second, and never all three. */
static void hosts_of_which_every_two_meet_need_not_meet_together(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	uint32_t second = add_vm(draft, STEP_START_VM, 2, add_vm(draft, STEP_STOP_VM, 2, 0, 0), 0);
	uint32_t first = add_vm(draft, STEP_START_VM, 0, add_vm(draft, STEP_STOP_VM, 0, 0, 0), 0);
	uint32_t third = add_vm(draft, STEP_START_VM, 4, add_vm(draft, STEP_STOP_VM, 4, first, 0), 0);
	add_vm(draft, STEP_START_VM, 1, add_vm(draft, STEP_STOP_VM, 1, second, 0), 0);
	assert_hosts(draft, 1, -1);
	assert_hosts(draft, 2, 0);
	draft->after[third - 2][0] = 0;
	draft->steps[third - 2].n_after = 0;
	assert_hosts(draft, 2, -1);
	draft_free(draft);
}

static void host_that_owes_a_start_counts_and_alone_is_no_fault(void **state)
{
	(void)state;
	struct draft *draft = draft_new();
	add_vm(draft, STEP_START_VM, 0, 0, 0);
	add_vm(draft, STEP_START_VM, 2, 0, 0);
	assert_hosts(draft, 1, 0);
	add_vm(draft, STEP_START_VM, 4, add_vm(draft, STEP_STOP_VM, 4, 1, 0), 0);
	assert_hosts(draft, 1, -1);
	draft->after[2][1] = 2;
	draft->steps[2].n_after = 2;
	assert_hosts(draft, 1, 0);
	draft_free(draft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_stop_holds_nobody_down),
		cmocka_unit_test(vms_that_wait_for_each_other_are_down_one_by_one),
		cmocka_unit_test(vms_that_wait_for_none_are_all_down),
		cmocka_unit_test(order_that_holds_most_counts_and_not_the_plans_own),
		cmocka_unit_test(window_of_two_is_two_wide),
		cmocka_unit_test(vm_that_is_owed_a_start_is_down_until_then),
		cmocka_unit_test(stop_beyond_the_budget_is_rejected),
		cmocka_unit_test(debts_beyond_the_budget_are_no_fault_until_one_more_is_stopped),
		cmocka_unit_test(hosts_with_vms_down_at_once_are_too_many),
		cmocka_unit_test(host_is_being_changed_between_its_counts),
		cmocka_unit_test(hosts_of_which_every_two_meet_need_not_meet_together),
		cmocka_unit_test(host_that_owes_a_start_counts_and_alone_is_no_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
