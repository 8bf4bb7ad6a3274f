/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of many steps, which are checked by parts: one wait taken away somewhere, and the check says what it breaks. */
#include "reconcile/check.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

enum { STATES_MAX = 4096 };

/* The step waits no longer for any of that kind on the host, nor for those who wait for them. */
static struct plan *without_waits(
	struct scene *scene, const struct plan *plan, uint32_t later, enum step_kind kind, const char *host)
{
	struct plan *copy = arena_copy(scene->arena, plan, sizeof(*plan));
	struct step *steps = arena_copy(scene->arena, plan->steps, plan->n_steps * sizeof(*steps));
	struct step *step = &steps[later - 1];
	uint32_t *after = arena_array(scene->arena, uint32_t, step->n_after + 1), n = 0;
	for (uint32_t i = 0; i < step->n_after; i++) {
		const struct step *sooner = &plan->steps[step->after[i] - 1];
		if (sooner->kind != kind || strcmp(sooner->host_name, host) != 0)
			after[n++] = step->after[i];
	}
	assert_int_not_equal(n, step->n_after);
	step->after = after;
	step->n_after = n;
	copy->steps = steps;
	return copy;
}

static uint32_t last_on(const struct plan *plan, enum step_kind kind, const char *host)
{
	uint32_t id = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == kind && strcmp(plan->steps[i].host_name, host) == 0)
			id = plan->steps[i].id;
	assert_int_not_equal(id, 0);
	return id;
}

static void assert_parts(struct scene *scene, const struct plan *plan, const char *words)
{
	struct diags *diags = diags_new(scene->arena);
	enum checked checked = check_by_parts(plan, STATES_MAX, diags);
	if (!words) {
		if (diags->first)
			fail_msg("%s", diags->first->message);
		assert_int_equal(checked, CHECKED_FINE);
		return;
	}
	assert_int_equal(checked, CHECKED_BROKEN);
	if (!strstr(diags->first->message, words))
		fail_msg("'%s' is not in '%s'", words, diags->first->message);
}

/* Four hosts, two GPUs each, sixteen VMs. */
static struct plan *count_change(struct scene **scene)
{
	*scene = scene_new(true, 4, 2, 4);
	scene_run(*scene, 16);
	struct plan *plan = scene_plan(*scene, scene_manifests(*scene, 8, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 16 * 4 + 8);
	return plan;
}

static void change_of_all_counts_is_fine_in_every_order(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = count_change(&scene);
	assert_parts(scene, plan, NULL);
	scene_free(scene);
}

static void count_that_does_not_wait_for_a_stop_on_another_host_is_found(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = count_change(&scene);
	uint32_t count = last_on(plan, STEP_SET_COUNT, "hv01");
	assert_parts(scene, without_waits(scene, plan, count, STEP_STOP_VM, "hv04"), "would break 'homogeneous'");
	scene_free(scene);
}

static void count_that_does_not_wait_for_a_remove_is_found(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = count_change(&scene);
	uint32_t count = last_on(plan, STEP_SET_COUNT, "hv03");
	assert_parts(scene, without_waits(scene, plan, count, STEP_REMOVE_ADAPTER, "hv03"), "would break 'drained'");
	scene_free(scene);
}

static void start_that_does_not_wait_for_a_count_on_another_host_is_found(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = count_change(&scene);
	uint32_t start = last_on(plan, STEP_START_VM, "hv02");
	assert_parts(scene, without_waits(scene, plan, start, STEP_SET_COUNT, "hv03"), "would break 'homogeneous'");
	scene_free(scene);
}

/* One of four twins adds before it is off: its own steps make it another. */
static void twin_whose_own_steps_are_out_of_order_is_found(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 1, 8);
	for (uint32_t v = 0; v < 5; v++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%u", v), 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_int_equal(plan->n_steps, 15);
	assert_parts(scene, plan, NULL);
	uint32_t add = last_on(plan, STEP_ADD_ADAPTER, "hv01");
	assert_parts(scene, without_waits(scene, plan, add, STEP_STOP_VM, "hv01"), "must be Off");
	scene_free(scene);
}

/* Two partitions, held by two VMs that are to lose them, and two others that are to have them: a sum over the host. */
static struct plan *exchange(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 1, 2);
	for (uint32_t v = 0; v < 2; v++) {
		struct vm *old = scene_vm(scene, arena_printf(scene->arena, "old-%u", v), 0, VM_RUNNING, 0);
		struct vm_record *record = arena_new_of(scene->arena, struct vm_record);
		*record = (struct vm_record){ "example.com/ops/gpu", "c", "vdi" };
		old->record = record;
		scene_vm(scene, arena_printf(scene->arena, "vm-%u", v), 0, VM_RUNNING, -1);
	}
	struct plan_input input = { .owner = "example.com/ops/gpu" };
	return scene_plan_as(scene, scene_manifests(scene, 2, "vm-*", NULL), input);
}

/* Each start waits for the stops of both that give up theirs, also by way of its add. */
static struct plan *starts_too_soon(struct scene *scene, const struct plan *plan)
{
	const struct step *add = scene_step(plan, STEP_ADD_ADAPTER, "vm-1");
	const struct step *start = scene_step(plan, STEP_START_VM, "vm-1");
	assert_non_null(add);
	assert_non_null(start);
	struct plan *bad = without_waits(scene, plan, add->id, STEP_REMOVE_ADAPTER, "hv01");
	return without_waits(scene, bad, start->id, STEP_STOP_VM, "hv01");
}

static void start_that_does_not_wait_for_room_is_found(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = exchange(&scene);
	assert_int_equal(plan->n_steps, 12);
	assert_parts(scene, plan, NULL);
	struct plan *bad = starts_too_soon(scene, plan);
	assert_parts(scene, bad, "has no partition free");
	scene_free(scene);
}

static void whole_and_parts_say_the_same(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = exchange(&scene);
	struct diags *diags = diags_new(scene->arena);
	assert_int_equal(check_whole(plan, STATES_MAX, diags), CHECKED_FINE);
	struct plan *bad = starts_too_soon(scene, plan);
	assert_int_equal(check_whole(bad, STATES_MAX, diags), CHECKED_BROKEN);
	scene_free(scene);
}

static void too_many_states_leave_it_unsure(void **state)
{
	(void)state;
	struct scene *scene = NULL;
	const struct plan *plan = count_change(&scene);
	struct diags *diags = diags_new(scene->arena);
	assert_int_equal(check_by_parts(plan, 3, diags), CHECKED_UNSURE);
	assert_int_equal(check_whole(plan, STATES_MAX, diags), CHECKED_UNSURE);
	assert_null(diags->first);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_of_all_counts_is_fine_in_every_order),
		cmocka_unit_test(count_that_does_not_wait_for_a_stop_on_another_host_is_found),
		cmocka_unit_test(count_that_does_not_wait_for_a_remove_is_found),
		cmocka_unit_test(start_that_does_not_wait_for_a_count_on_another_host_is_found),
		cmocka_unit_test(twin_whose_own_steps_are_out_of_order_is_found),
		cmocka_unit_test(start_that_does_not_wait_for_room_is_found),
		cmocka_unit_test(whole_and_parts_say_the_same),
		cmocka_unit_test(too_many_states_leave_it_unsure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
