/* SPDX-License-Identifier: Apache-2.0 */
/* HV650 says what the plan does about an open debt, and that follows from its steps. */
#include "reconcile/debts.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

/* One host, two GPUs at 4; vm-a is off, and a run of ten minutes ago owes it a start. */
struct fixture {
	struct scene *scene;
	struct vm *vm;
	struct debt *debt;
	struct adapter owed, has;
	struct device device;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->scene = scene_new(false, 1, 2, 4);
	fixture->vm = scene_vm(fixture->scene, "vm-a", 0, VM_OFF, -1);
	fixture->vm->state_change = KNOWN(SCENE_NOW - 590);
	fixture->debt = scene_owe_start(fixture->scene, fixture->vm, 600);
	fixture->has = (struct adapter){ .id = "h", .pinned = TRI_NO };
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

static void owe_adapter(struct fixture *fixture)
{
	fixture->owed = (struct adapter){ .id = "x", .pinned = TRI_NO };
	fixture->owed.quotas[QUOTA_MIN_VRAM] = KNOWN(1000);
	fixture->debt->adapters = &fixture->owed;
	fixture->debt->n_adapters = 1;
}

static void give_adapter(struct fixture *fixture)
{
	fixture->vm->adapters = &fixture->has;
	fixture->vm->n_adapters = 1;
}

/* The one HV650 of the plan, or of `restore`, ends so. */
static void assert_said(
	struct fixture *fixture, enum plan_mode mode, const char *pattern, const char *more, const char *end)
{
	struct scene *scene = fixture->scene;
	const struct plan *plan =
		scene_plan_as(scene, scene_manifests(scene, 4, pattern, more), (struct plan_input){ .mode = mode });
	const char *said = NULL;
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next) {
		if (diag->code != D_DEBT_OPEN)
			continue;
		assert_null(said);
		said = diag->message;
	}
	if (!end) {
		assert_null(said);
		return;
	}
	assert_non_null(said);
	if (!g_str_has_suffix(said, end))
		fail_msg("'%s' does not end with '%s'", said, end);
}

static void what_the_steps_pay_is_paid(void **state)
{
	struct fixture *fixture = *state;
	assert_said(fixture, PLAN_RESTORE, NULL, NULL, "owes VM 'vm-a' a start; this plan pays it");
	owe_adapter(fixture);
	assert_said(fixture, PLAN_RESTORE, NULL, NULL, "owes VM 'vm-a' a start and its GPU; this plan pays it");
	assert_said(fixture, PLAN_APPLY, "vm-*", NULL, "owes VM 'vm-a' a start and its GPU; this plan pays it");
	fixture->debt->power = DEBT_POWER_NONE;
	assert_said(fixture, PLAN_RESTORE, NULL, NULL, "owes VM 'vm-a' its GPU; this plan pays it");
}

static void adapter_that_was_half_made_is_replaced_and_so_paid(void **state)
{
	owe_adapter(*state);
	give_adapter(*state);
	assert_said(*state, PLAN_RESTORE, NULL, NULL, "this plan pays it");
}

static void part_that_somebody_gave_another_like_is_not_paid(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->state = VM_RUNNING;
	fixture->vm->state_change.value++;
	owe_adapter(fixture);
	give_adapter(fixture);
	assert_said(fixture, PLAN_RESTORE, NULL, NULL,
		"owes VM 'vm-a' its GPU, and this plan does not pay it: it has a partition already; 'hvgpu settle vm-a "
		"SOURCE --leave-off' ends the debt");
}

static void start_may_be_paid_and_the_part_not(void **state)
{
	struct fixture *fixture = *state;
	owe_adapter(fixture);
	give_adapter(fixture);
	fixture->has.quotas[QUOTA_MIN_VRAM] = KNOWN(2000); /* nobody's half-made one */
	assert_said(fixture, PLAN_RESTORE, NULL, NULL,
		"owes VM 'vm-a' a start, which this plan pays, and its GPU, and this plan does not pay that: it has a "
		"partition already; 'hvgpu settle vm-a SOURCE --leave-off' ends the debt");
}

static void vm_of_an_excluded_host_is_not_said_to_be_paid(void **state)
{
	struct fixture *fixture = *state;
	struct scene *scene = fixture->scene;
	char *manifests = scene_manifests(scene, 4, NULL, NULL);
	g_auto(GStrv) parts = g_strsplit(manifests, "name: hv01", 2);
	assert_non_null(parts[1]);
	const struct plan *plan = scene_plan(
		scene, arena_printf(scene->arena, "%sname: hv01, exclude: \"repair\"%s", parts[0], parts[1]));
	const struct diag *diag = plan->diags->first;
	while (diag && diag->code != D_DEBT_OPEN)
		diag = diag->next;
	assert_non_null(diag);
	assert_non_null(strstr(diag->message, "does not pay it: the manifests exclude its host"));
}

static void vm_that_is_never_touched_is_told_how_to_be(void **state)
{
	struct fixture *fixture = *state;
	fixture->vm->state = VM_SAVED;
	fixture->debt->power = DEBT_POWER_NONE;
	owe_adapter(fixture);
	assert_said(fixture, PLAN_RESTORE, NULL, NULL,
		"it is Saved and is left so; start it and shut it down, or delete its saved state");
}

static void start_that_is_refused_is_not_said_to_be_paid(void **state)
{
	struct fixture *fixture = *state;
	give_adapter(fixture);
	fixture->vm->generation = 1; /* does not start with a partition */
	assert_said(fixture, PLAN_APPLY, "vm-*", NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_steps_pay_is_paid),
		TEST(adapter_that_was_half_made_is_replaced_and_so_paid),
		TEST(part_that_somebody_gave_another_like_is_not_paid),
		TEST(start_may_be_paid_and_the_part_not),
		TEST(vm_of_an_excluded_host_is_not_said_to_be_paid),
		TEST(vm_that_is_never_touched_is_told_how_to_be),
		TEST(start_that_is_refused_is_not_said_to_be_paid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
