/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/debts.h"
#include "tests/lib/scene.h"
#include "tests/lib/scene_wants.h"
#include "tests/lib/test.h"

struct fixture {
	struct scene *scene;
	struct vm *vm;
	struct debt *debt;
};

/* A VM that run 'dead' stopped ten minutes ago. */
static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->scene = scene_new(false, 1, 1, 4);
	fixture->vm = scene_vm(fixture->scene, "vm-a", 0, VM_OFF, 0);
	fixture->vm->state_change = KNOWN(SCENE_NOW - 590);
	fixture->debt = scene_owe_start(fixture->scene, fixture->vm, 600);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	scene_free(fixture->scene);
	g_free(fixture);
	return 0;
}

static void assert_debt(struct fixture *fixture, const char *live_run, enum debt_state expected)
{
	struct scene *scene = fixture->scene;
	struct wants *wants =
		scene_wants(scene, scene_manifests(scene, 4, NULL, NULL), (struct plan_input){ .live_run = live_run });
	assert_int_equal(wants->vms[0].debt, expected);
	wants_done(wants);
}

static void stop_that_was_completed_is_owed_until_the_vm_changes(void **state)
{
	struct fixture *fixture = *state;
	assert_debt(fixture, NULL, DEBT_OPEN);
	fixture->vm->state_change = KNOWN(SCENE_NOW - 589);
	assert_debt(fixture, NULL, DEBT_VOID);
}

static void vm_without_a_debt_owes_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->debt = NULL;
	assert_debt(fixture, NULL, DEBT_NONE);
}

/* The two parts of a debt are independent: who was started and shut down again keeps to that, and gets its adapter back. */
static void void_start_is_not_owed_beside_parts(void **state)
{
	struct fixture *fixture = *state;
	struct scene *scene = fixture->scene;
	static const struct adapter taken = { .pinned = TRI_NO };
	fixture->vm->n_adapters = 0;
	fixture->debt->adapters = &taken;
	fixture->debt->n_adapters = 1;
	for (int is_void = 0; is_void < 2; is_void++) {
		fixture->debt->state_change = KNOWN(fixture->vm->state_change.value - is_void);
		const struct plan *plan = scene_plan_as(
			scene, scene_manifests(scene, 4, NULL, NULL), (struct plan_input){ .mode = PLAN_RESTORE });
		assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1);
		assert_int_equal(scene_count(plan, STEP_START_VM), !is_void);
	}
}

static void debt_is_old_after_a_day(void **state)
{
	struct fixture *fixture = *state;
	fixture->debt->at = SCENE_NOW - DEBT_OLD_AFTER_S;
	assert_debt(fixture, NULL, DEBT_OPEN);
	fixture->debt->at--;
	assert_debt(fixture, NULL, DEBT_OLD);
}

static void age_counts_from_when_the_host_was_observed(void **state)
{
	struct fixture *fixture = *state;
	fixture->debt->at = SCENE_NOW - DEBT_OLD_AFTER_S - 1;
	fixture->scene->hosts[0].host.observed_at = SCENE_NOW - 1;
	assert_debt(fixture, NULL, DEBT_OPEN);
}

static void stop_of_which_the_time_is_unknown_is_for_a_person(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->state_change = UNKNOWN;
	assert_debt(fixture, NULL, DEBT_OLD);
	fixture->vm->state_change = KNOWN(5);
	fixture->debt->state_change = UNKNOWN;
	assert_debt(fixture, NULL, DEBT_OLD);
}

static void stop_that_was_not_completed_is_owed_when_the_vm_went_off_after_it(void **state)
{
	struct fixture *fixture = *state;
	fixture->debt->power = DEBT_POWER_STOPPING;
	fixture->vm->state_change = KNOWN((uint64_t)fixture->debt->at);
	assert_debt(fixture, NULL, DEBT_OPEN);
	fixture->vm->state_change = KNOWN((uint64_t)fixture->debt->at - 1);
	assert_debt(fixture, NULL, DEBT_OLD);
	fixture->vm->state = VM_RUNNING;
	assert_debt(fixture, NULL, DEBT_VOID);
}

static void parts_are_owed_whatever_the_power(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->n_adapters = 0;
	fixture->debt->adapters = fixture->vm->adapters;
	fixture->debt->n_adapters = 1;
	fixture->debt->power = DEBT_POWER_NONE;
	assert_debt(fixture, NULL, DEBT_OPEN);
}

static void debt_of_a_run_that_holds_a_lease_is_in_progress(void **state)
{
	struct fixture *fixture = *state;
	static const struct lease other = { "bob@laptop", "other", SCENE_NOW }, dead = { "eve@laptop", "dead", 0 };
	fixture->scene->hosts[0].host.lease = &other;
	assert_debt(fixture, NULL, DEBT_OPEN);
	fixture->scene->hosts[0].host.lease = &dead;
	assert_debt(fixture, NULL, DEBT_IN_PROGRESS);
	assert_debt(fixture, "dead", DEBT_OPEN); /* to the run itself */
}

static void own_debt_is_open_to_its_run_however_old(void **state)
{
	struct fixture *fixture = *state;
	fixture->debt->at = 0;
	assert_debt(fixture, "other", DEBT_OLD);
	assert_debt(fixture, "dead", DEBT_OPEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stop_that_was_completed_is_owed_until_the_vm_changes),
		TEST(vm_without_a_debt_owes_nothing),
		TEST(void_start_is_not_owed_beside_parts),
		TEST(debt_is_old_after_a_day),
		TEST(age_counts_from_when_the_host_was_observed),
		TEST(stop_of_which_the_time_is_unknown_is_for_a_person),
		TEST(stop_that_was_not_completed_is_owed_when_the_vm_went_off_after_it),
		TEST(parts_are_owed_whatever_the_power),
		TEST(debt_of_a_run_that_holds_a_lease_is_in_progress),
		TEST(own_debt_is_open_to_its_run_however_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
