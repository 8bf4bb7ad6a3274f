/* SPDX-License-Identifier: Apache-2.0 */
/* The plans worked by hand in world.md section 3: steps and costs as written there. */
#include "tests/lib/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void print_plan(const struct plan *plan)
{
	g_autoptr(arena_auto) arena = arena_new();
	for (uint32_t i = 0; i < plan->n_steps; i++)
		fprintf(stderr, "  %u %s\n", plan->steps[i].id, step_text(arena, &plan->steps[i]));
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		fprintf(stderr, "  %s %s\n", diag_codes[d->code].id, d->message);
}

static void assert_cost(const struct plan *plan, uint32_t stops, uint32_t roles, uint32_t steps)
{
	if (plan->cost.vms_stopped != stops || plan->cost.role_changes != roles || plan->cost.steps != steps ||
		plan->n_steps != steps)
		print_plan(plan);
	assert_int_equal(plan->n_steps, steps);
	assert_int_equal(plan->cost.vms_stopped, stops);
	assert_int_equal(plan->cost.vms_moved, 0);
	assert_int_equal(plan->cost.role_changes, roles);
	assert_int_equal(plan->cost.steps, steps);
}

static void assert_kinds(const struct plan *plan, const enum step_kind *kinds, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < plan->n_steps; i++)
		assert_string_equal(
			name_of(&step_kind_names, plan->steps[i].kind), name_of(&step_kind_names, kinds[i]));
	assert_int_equal(plan->n_steps, n);
}
#define KINDS(...) ((const enum step_kind[]){ __VA_ARGS__ }), G_N_ELEMENTS(((const enum step_kind[]){ __VA_ARGS__ }))

/* No step of kind 'later' may come before all of kind 'sooner': as dependencies, not as an accident of numbering. */
static void assert_all_before(const struct plan *plan, enum step_kind sooner, enum step_kind later)
{
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		if (plan->steps[i].kind != later)
			continue;
		g_autofree bool *reached = g_new0(bool, plan->n_steps + 1);
		reached[i] = true;
		for (uint32_t k = i + 1; k-- > 0;)
			for (uint32_t a = 0; reached[k] && a < plan->steps[k].n_after; a++)
				reached[plan->steps[k].after[a] - 1] = true;
		for (uint32_t k = 0; k < plan->n_steps; k++)
			if (plan->steps[k].kind == sooner)
				assert_true(reached[k]);
	}
}

#define SCENE(name, ...) struct scene *name = scene_new(__VA_ARGS__)

static void row_1_two_gpus_without_vms_change_in_two_steps(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, NULL, NULL));
	assert_cost(plan, 0, 0, 2);
	assert_int_equal(plan->steps[0].n_after + plan->steps[1].n_after, 0);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

static void row_2_running_vm_is_stopped_given_a_partition_and_started(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-a", NULL));
	assert_cost(plan, 1, 0, 3);
	assert_kinds(plan, KINDS(STEP_STOP_VM, STEP_ADD_ADAPTER, STEP_START_VM));
	assert_string_equal(plan->steps[1].loc.source->name, "manifests.yaml");
	scene_free(scene);
}

static void row_3_off_vm_gets_a_partition_and_stays_off(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-a", NULL));
	assert_cost(plan, 0, 0, 1);
	assert_kinds(plan, KINDS(STEP_ADD_ADAPTER));
	scene_free(scene);
}

static void row_4_automatic_checkpoints_are_switched_off_before_the_start(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1)->automatic_checkpoints = true;
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-a", NULL));
	assert_cost(plan, 1, 0, 4);
	assert_all_before(plan, STEP_CONFIGURE_VM, STEP_START_VM);
	scene_free(scene);
}

static void row_5_whole_cluster_changes_its_count(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_cost(plan, 12, 0, 54);
	assert_int_equal(scene_count(plan, STEP_REMOVE_ADAPTER), 12);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 6);
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 12);
	assert_int_equal(scene_count(plan, STEP_START_VM), 12);
	assert_all_before(plan, STEP_STOP_VM, STEP_SET_COUNT);
	assert_all_before(plan, STEP_SET_COUNT, STEP_START_VM);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

/* Does step 'a' wait for step 'b', by whichever way? Numbers from 1. */
static bool waits_for(const struct plan *plan, uint32_t a, uint32_t b)
{
	g_autofree bool *reached = g_new0(bool, plan->n_steps + 1);
	reached[a] = true;
	for (uint32_t k = a; k > b; k--)
		for (uint32_t i = 0; reached[k] && i < plan->steps[k - 1].n_after; i++)
			reached[plan->steps[k - 1].after[i]] = true;
	return reached[b];
}

/* Whatever the order: the VMs of one host are all up again before one of another host goes down. */
static void assert_hosts_go_down_in_turn(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		for (uint32_t k = 0; k < i; k++)
			if (plan->steps[i].kind == STEP_STOP_VM && plan->steps[k].kind == STEP_START_VM &&
				plan->steps[i].host != plan->steps[k].host)
				assert_true(waits_for(plan, i + 1, k + 1));
	for (uint32_t i = 0; i < plan->n_steps; i++)
		for (uint32_t k = i + 1; k < plan->n_steps; k++)
			if (plan->steps[i].kind == STEP_STOP_VM && plan->steps[k].kind == STEP_START_VM)
				assert_true(plan->steps[i].host <= plan->steps[k].host);
}

static void row_6_rolling_changes_one_host_after_the_other(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(
		scene, scene_manifests(scene, 8, "vm-*", "  rollout: { strategy: Rolling, maxUnavailable: 4 }\n"));
	assert_cost(plan, 12, 0, 54);
	assert_hosts_go_down_in_turn(plan);
	assert_int_equal(plan->budget.allowed, 4);
	assert_int_equal(plan->budget.of, 12);
	assert_true(plan->mixed.set);
	assert_string_equal(plan->mixed.first_host, "hv01");
	assert_string_equal(plan->mixed.last_host, "hv03");
	assert_true(plan->mixed.seconds > 0 && plan->mixed.seconds < plan->cost.seconds);
	plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { strategy: Rolling }\n"));
	assert_cost(plan, 12, 0, 54);
	assert_hosts_go_down_in_turn(plan); /* maxHosts is 1 */
	plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { strategy: Rolling, maxHosts: 3 }\n"));
	assert_cost(plan, 12, 0, 54);
	scene_free(scene);
}

static void row_7_budget_below_what_must_be_down_is_refused_with_numbers(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan =
		scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 50% }\n"));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_BUDGET);
	assert_string_equal(plan->refusals[0].reason, "12 VMs must be down at once, and 'maxUnavailable' allows 6 of "
						      "12; raise it to 100%, or choose strategy "
						      "Rolling, which needs 4");
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", "  rollout: { maxUnavailable: 100% }\n"));
	assert_cost(plan, 12, 0, 54);
	scene_free(scene);
}

static void row_8_full_cluster_refuses_a_smaller_count_and_names_others(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 24);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_non_null(strstr(plan->refusals[0].reason, "24 VMs run"));
	assert_non_null(strstr(plan->refusals[0].reason, "12 partitions"));
	assert_non_null(strstr(plan->refusals[0].reason, "would do: 4, 8, 16"));
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	scene_free(scene);
}

/* Rows 9 and 10: C at 4 but hv02's second GPU at 8; 'on_second' of hv02's four VMs are on it. */
static struct scene *mixed_scene(bool on_second)
{
	SCENE(scene, true, 3, 2, 4);
	scene_gpu(scene, 1, 1)->count = KNOWN(8);
	for (uint32_t i = 0; i < 12; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		int gpu = i % 3 == 1 ? (on_second && i == 1) : (int)(i / 3 % 2);
		scene_vm(scene, name, i % 3, VM_RUNNING, gpu);
	}
	return scene;
}

static void row_9_stranded_gpu_is_mended_and_nobody_stops(void **state)
{
	(void)state;
	struct scene *scene = mixed_scene(false);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 1);
	assert_kinds(plan, KINDS(STEP_SET_COUNT));
	scene_free(scene);
}

static void row_10_only_the_vm_on_the_stranded_gpu_stops(void **state)
{
	(void)state;
	struct scene *scene = mixed_scene(true);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 1, 0, 5);
	assert_kinds(plan, KINDS(STEP_STOP_VM, STEP_REMOVE_ADAPTER, STEP_SET_COUNT, STEP_ADD_ADAPTER, STEP_START_VM));
	assert_string_equal(plan->steps[0].vm_name, "vm-01");
	scene_free(scene);
}

static const char *with_passthrough(struct scene *scene)
{
	const char *text = scene_manifests(scene, 4, "vm-*", NULL);
	g_auto(GStrv) parts = g_strsplit(text, "    - { name: vdi", 2);
	return arena_printf(scene->arena,
		"%s    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p } }\n    - { "
		"name: vdi%s",
		parts[0], parts[1]);
}

static void row_11_one_gpu_per_host_is_passed_through(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	for (uint32_t i = 0; i < 6; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		scene_vm(scene, name, i % 3, VM_RUNNING, 0);
	}
	struct plan *plan = scene_plan(scene, with_passthrough(scene));
	assert_cost(plan, 0, 3, 9);
	assert_int_equal(scene_count(plan, STEP_CREATE_POOL), 3);
	assert_int_equal(scene_count(plan, STEP_DISMOUNT_GPU), 3);
	assert_int_equal(scene_count(plan, STEP_ADD_TO_POOL), 3);
	const struct step *first = scene_step(plan, STEP_DISMOUNT_GPU, NULL);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_DISMOUNT_GPU) {
			assert_string_equal(plan->steps[i].location_path, scene_path(1));
			assert_true(&plan->steps[i] == first ||
				    (plan->steps[i].n_after == 1 && plan->steps[i].after[0] == first->id));
		}
	scene_free(scene);
}

static void row_12_unmanaged_vm_in_the_way_is_named(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene_run(scene, 12);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_UNMANAGED);
	assert_non_null(strstr(plan->refusals[0].reason, "'stranger' on 'hv01'"));
	scene_free(scene);
}

static void row_12_unmanaged_vm_is_cycled_or_stripped_as_the_manifest_says(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene_run(scene, 12);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  unmanaged: Cycle\n"));
	assert_cost(plan, 13, 0, 58);
	assert_int_equal(scene_step(plan, STEP_ADD_ADAPTER, "stranger")->cause, CAUSE_RETURN);
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  unmanaged: Remove\n"));
	assert_cost(plan, 13, 0, 57);
	assert_int_equal(scene_step(plan, STEP_REMOVE_ADAPTER, "stranger")->cause, CAUSE_UNMANAGED);
	assert_null(scene_step(plan, STEP_ADD_ADAPTER, "stranger"));
	assert_non_null(scene_step(plan, STEP_START_VM, "stranger"));
	scene_free(scene);
}

/* `Cycle` and `Remove` are what may happen to such a VM when a change needs it to let go, not wishes of their own. */
static void unmanaged_vm_that_is_in_nobodys_way_is_left_alone(void **state)
{
	(void)state;
	static const char *const modes[] = { NULL, "  unmanaged: Cycle\n", "  unmanaged: Remove\n" };
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	scene_vm(scene, "stranger", 0, VM_RUNNING, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
		assert_cost(scene_plan(scene, scene_manifests(scene, 4, "vm-*", modes[i])), 0, 0, 0);
	scene_free(scene);
}

static void dismount(struct gpu *gpu)
{
	gpu->state = GPU_DISMOUNTED;
	gpu->count = UNKNOWN;
	gpu->n_valid_counts = 0;
	gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
}

static void row_13_dismounted_gpu_comes_back(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	dismount(scene_gpu(scene, 0, 0));
	for (uint32_t i = 0; i < 4; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		scene_vm(scene, name, 1 + i % 2, VM_RUNNING, (int)(i / 2));
	}
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 1, 2);
	assert_kinds(plan, KINDS(STEP_MOUNT_GPU, STEP_SET_COUNT));
	assert_true(plan->complete);
	scene_free(scene);
}

static void row_14_saved_vm_is_refused_and_the_other_served(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_SAVED, -1);
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 1);
	assert_string_equal(plan->steps[0].vm_name, "vm-b");
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_VM_STATE);
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	scene_free(scene);
}

static void row_15_vm_that_a_dead_run_stopped_is_started(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0), 600);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 1);
	assert_kinds(plan, KINDS(STEP_START_VM));
	assert_int_equal(plan->n_debts_open, 1);
	scene_free(scene);
}

static void old_and_void_debts_start_nothing(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	scene_owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0), 25 * 3600);
	scene_owe_start(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), 600)->state_change = KNOWN(5);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->n_debts_old, 1);
	assert_true(scene_has(plan, D_DEBT_OLD));
	scene_free(scene);
}

static void row_16_satisfied_cluster_plans_nothing(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->changes.n, 0);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene_free(scene);
}

static void row_17_off_vms_lose_their_adapters_and_get_them_back(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_run(scene, 12);
	scene_vm(scene, "vm-off-1", 0, VM_OFF, 0);
	scene_vm(scene, "vm-off-2", 0, VM_OFF, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_cost(plan, 12, 0, 58);
	assert_null(scene_step(plan, STEP_START_VM, "vm-off-1"));
	assert_non_null(scene_step(plan, STEP_ADD_ADAPTER, "vm-off-2"));
	scene_free(scene);
}

static void row_18_host_back_from_repair_is_aligned(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	scene_gpu(scene, 2, 0)->count = KNOWN(1);
	scene_gpu(scene, 2, 1)->count = KNOWN(1);
	for (uint32_t i = 0; i < 12; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		scene_vm(scene, name, i % 2, VM_RUNNING, (int)(i / 2 % 2));
	}
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(plan->steps[i].kind, STEP_SET_COUNT);
		assert_int_equal(plan->steps[i].host, 2);
		assert_int_equal(plan->steps[i].n_after, 0);
	}
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	assert_int_equal(plan->diags->n_errors + plan->diags->n_warnings, 0);
	scene_free(scene);
}

static void row_19_missing_host_lets_local_work_go_on(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene->missing = "hv03";
	scene_vm(scene, "vm-x", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_cost(plan, 1, 0, 3);
	static const enum step_kind kinds[] = { STEP_STOP_VM, STEP_ADD_ADAPTER, STEP_START_VM };
	assert_kinds(plan, kinds, G_N_ELEMENTS(kinds));
	assert_true(plan->incomplete_hosts);
	assert_int_equal(plan_exit(plan), EXIT_INCOMPLETE);
	plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 0);
	assert_int_equal(plan->refusals[0].code, D_HOSTS_MISSING);
	assert_non_null(strstr(plan->refusals[0].reason, "'hv03'"));
	assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), 1); /* what fits the present count is served */
	scene_free(scene);
}

#define NODES(third) \
	"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: Failover\n" \
	"  hosts: [{ name: hv01 }, { name: hv02 }, { name: hv03, " third " }]\n  gpus:\n" \
	"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n"

static void host_in_maintenance_is_no_reason_to_wait(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene->missing = "hv03";
	struct plan *plan = scene_plan(scene, NODES("maintenance: true"));
	assert_cost(plan, 0, 0, 4);
	assert_false(plan->incomplete_hosts);
	assert_int_equal(plan_exit(plan), EXIT_DONE);
	scene->missing = NULL; /* it is back, still marked: aligned with the others */
	plan = scene_plan(scene, NODES("maintenance: true"));
	assert_cost(plan, 0, 0, 6);
	scene_free(scene);
}

static void excluded_host_is_left_alone_there_or_not(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene_vm(scene, "vm-a", 2, VM_RUNNING, 0);
	for (int there = 0; there <= 1; there++) {
		scene->missing = there ? NULL : "hv03";
		struct plan *plan = scene_plan(scene, NODES("exclude: it goes back to the vendor"));
		assert_cost(plan, 0, 0, 4);
		for (uint32_t i = 0; i < plan->n_steps; i++)
			assert_int_not_equal(plan->steps[i].host, 2);
		assert_false(plan->incomplete_hosts);
		assert_int_equal(plan_exit(plan), EXIT_DONE);
	}
	scene_free(scene);
}

/* An agent died between adding an adapter and setting its quotas. */
static void adapter_without_the_quotas_that_are_owed_is_replaced(void **state)
{
	(void)state;
	for (int made = 0; made < 2; made++) {
		SCENE(scene, false, 1, 1, 8);
		struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 1);
		struct debt *debt = scene_owe_start(scene, vm, 600);
		struct adapter *owed = arena_copy(scene->arena, vm->adapters, sizeof(*owed));
		owed->id = "before";
		if (made == 0)
			owed->quotas[0] = KNOWN(1000);
		debt->adapters = owed;
		debt->n_adapters = 1;
		struct plan *plan = scene_plan_as(
			scene, scene_manifests(scene, 8, "vm-*", NULL), (struct plan_input){ .mode = PLAN_APPLY });
		assert_int_equal(scene_count(plan, STEP_REMOVE_ADAPTER), made == 0);
		assert_int_equal(scene_count(plan, STEP_ADD_ADAPTER), made == 0);
		assert_int_equal(scene_count(plan, STEP_START_VM), 1);
		if (made == 0)
			assert_int_equal(scene_step(plan, STEP_ADD_ADAPTER, "vm-a")->adapter.quotas[0].value, 1000);
		scene_free(scene);
	}
}

static void row_20_way_back_goes_to_the_count_of_the_failed_gpu(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 8);
	scene_gpu(scene, 2, 1)->count = KNOWN(4);
	for (uint32_t i = 0; i < 12; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		struct vm *vm = scene_vm(scene, name, i % 3, VM_OFF, 0);
		struct debt *debt = scene_owe_start(scene, vm, 600);
		debt->adapters = vm->adapters;
		debt->n_adapters = 1;
		vm->n_adapters = 0;
	}
	const char *frozen[] = { "host/hv03/gpu/PCIROOT(20)#PCI(0100)" };
	struct plan *plan = scene_plan_as(scene, scene_manifests(scene, 8, "vm-*", NULL),
		(struct plan_input){ .mode = PLAN_RESTORE, .live_run = "dead", .frozen = frozen, .n_frozen = 1 });
	assert_cost(plan, 0, 0, 29);
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 5);
	assert_int_equal(scene_step(plan, STEP_SET_COUNT, NULL)->count, 4);
	assert_int_equal(scene_count(plan, STEP_START_VM), 12);
	scene_free(scene);
}

static void row_21_interrupted_half_way_goes_forward(void **state)
{
	(void)state;
	SCENE(scene, true, 3, 2, 4);
	for (uint32_t i = 0; i < 3; i++)
		scene_gpu(scene, i, 0)->count = KNOWN(8);
	for (uint32_t i = 0; i < 12; i++) {
		g_autofree char *name = g_strdup_printf("vm-%02u", i);
		struct vm *vm = scene_vm(scene, name, i % 3, VM_OFF, 0);
		struct debt *debt = scene_owe_start(scene, vm, 600);
		debt->adapters = vm->adapters;
		debt->n_adapters = 1;
		vm->n_adapters = 0;
	}
	struct plan *plan = scene_plan_as(scene, scene_manifests(scene, 8, "vm-*", NULL),
		(struct plan_input){ .mode = PLAN_RESTORE, .live_run = "dead" });
	assert_cost(plan, 0, 0, 27);
	assert_int_equal(scene_step(plan, STEP_SET_COUNT, NULL)->count, 8);
	scene_free(scene);
}

static void record_ours(struct scene *scene, struct vm *vm)
{
	struct vm_record *record = arena_new_of(scene->arena, struct vm_record);
	*record = (struct vm_record){ "example.com/ops/gpu", "c", "vdi" };
	vm->record = record;
}

static void row_22_deleted_line_takes_the_partition_back(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	record_ours(scene, scene_vm(scene, "vm-b", 0, VM_RUNNING, 0));
	const char *text = scene_manifests(scene, 4, NULL, NULL);
	struct plan *plan = scene_plan(scene, text);
	assert_cost(plan, 1, 0, 3);
	assert_kinds(plan, KINDS(STEP_STOP_VM, STEP_REMOVE_ADAPTER, STEP_START_VM));
	assert_int_equal(plan->steps[1].cause, CAUSE_PRUNE);
	plan = scene_plan_as(scene, text, (struct plan_input){ .owner = NULL });
	assert_cost(plan, 0, 0, 0); /* without an owner nothing is taken back */
	plan = scene_plan(scene, scene_manifests(scene, 4, NULL, "  prune: false\n"));
	assert_cost(plan, 0, 0, 0);
	scene_free(scene);
}

static void row_23_unmanaged_pin_keeps_its_gpu(void **state)
{
	(void)state;
	SCENE(scene, true, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "pinned", 0, VM_OFF, 0);
	((struct adapter *)vm->adapters)->pin = scene_path(0);
	((struct adapter *)vm->adapters)->pinned = TRI_YES;
	struct plan *plan = scene_plan(scene, with_passthrough(scene));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->refusals[0].code, D_PINNED);
	assert_non_null(strstr(plan->refusals[0].reason, "'pinned'"));
	scene_free(scene);
}

static void row_24_offline_action_is_set_before_the_stop(void **state)
{
	(void)state;
	SCENE(scene, true, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1)->offline_action = KNOWN(OFFLINE_SAVE);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 1, 0, 4);
	assert_kinds(plan, KINDS(STEP_SET_OFFLINE_ACTION, STEP_STOP_VM, STEP_ADD_ADAPTER, STEP_START_VM));
	assert_all_before(plan, STEP_SET_OFFLINE_ACTION, STEP_STOP_VM);
	scene_free(scene);
}

/* Two run on a GPU that has failed; one of them is to lose its partition, and goes before the count leaves room for one. */
static void partition_is_taken_back_before_a_count_without_room_for_it(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	static const struct vm_record ours = { "example.com/ops/gpu", "c", "vdi" };
	scene_gpu(scene, 0, 1)->state = GPU_FAILED;
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 1);
	scene_vm(scene, "old", 0, VM_RUNNING, 1)->record = &ours;
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->n_steps, 4);
	assert_true(scene_step(plan, STEP_REMOVE_ADAPTER, "old")->id < scene_step(plan, STEP_SET_COUNT, NULL)->id);
	assert_null(scene_step(plan, STEP_STOP_VM, "vm-a"));
	scene_free(scene);
}

static void count_that_no_gpu_lists_is_refused_with_the_list(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 2, 4);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 3, NULL, NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->refusals[0].code, D_COUNT_NOT_VALID);
	assert_non_null(strstr(plan->refusals[0].reason, "1, 2, 4, 8, 16"));
	scene_free(scene);
}

static void later_vm_is_refused_when_partitions_run_out(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 1, 2);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-c", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_cost(plan, 1, 0, 3);
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-c");
	scene_free(scene);
}

static void group_that_selects_no_gpu_gives_no_partition(void **state)
{
	(void)state;
	SCENE(scene, false, 1, 1, 4);
	scene_gpu(scene, 0, 0)->name = "NVIDIA A16";
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_NO_GPU);
	scene_free(scene);
}

static void type_that_differs_from_the_host_is_refused(void **state)
{
	(void)state;
	SCENE(scene, true, 1, 1, 4);
	scene->clustered = false; /* the manifest says Standalone, the host is a node */
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, NULL, NULL));
	assert_cost(plan, 0, 0, 0);
	assert_int_equal(plan->refusals[0].code, D_HOST_TYPE);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_1_two_gpus_without_vms_change_in_two_steps),
		cmocka_unit_test(row_2_running_vm_is_stopped_given_a_partition_and_started),
		cmocka_unit_test(row_3_off_vm_gets_a_partition_and_stays_off),
		cmocka_unit_test(row_4_automatic_checkpoints_are_switched_off_before_the_start),
		cmocka_unit_test(row_5_whole_cluster_changes_its_count),
		cmocka_unit_test(row_6_rolling_changes_one_host_after_the_other),
		cmocka_unit_test(row_7_budget_below_what_must_be_down_is_refused_with_numbers),
		cmocka_unit_test(row_8_full_cluster_refuses_a_smaller_count_and_names_others),
		cmocka_unit_test(row_9_stranded_gpu_is_mended_and_nobody_stops),
		cmocka_unit_test(row_10_only_the_vm_on_the_stranded_gpu_stops),
		cmocka_unit_test(row_11_one_gpu_per_host_is_passed_through),
		cmocka_unit_test(row_12_unmanaged_vm_in_the_way_is_named),
		cmocka_unit_test(row_12_unmanaged_vm_is_cycled_or_stripped_as_the_manifest_says),
		cmocka_unit_test(unmanaged_vm_that_is_in_nobodys_way_is_left_alone),
		cmocka_unit_test(row_13_dismounted_gpu_comes_back),
		cmocka_unit_test(row_14_saved_vm_is_refused_and_the_other_served),
		cmocka_unit_test(row_15_vm_that_a_dead_run_stopped_is_started),
		cmocka_unit_test(old_and_void_debts_start_nothing),
		cmocka_unit_test(adapter_without_the_quotas_that_are_owed_is_replaced),
		cmocka_unit_test(row_16_satisfied_cluster_plans_nothing),
		cmocka_unit_test(row_17_off_vms_lose_their_adapters_and_get_them_back),
		cmocka_unit_test(row_18_host_back_from_repair_is_aligned),
		cmocka_unit_test(row_19_missing_host_lets_local_work_go_on),
		cmocka_unit_test(host_in_maintenance_is_no_reason_to_wait),
		cmocka_unit_test(excluded_host_is_left_alone_there_or_not),
		cmocka_unit_test(row_20_way_back_goes_to_the_count_of_the_failed_gpu),
		cmocka_unit_test(row_21_interrupted_half_way_goes_forward),
		cmocka_unit_test(row_22_deleted_line_takes_the_partition_back),
		cmocka_unit_test(row_23_unmanaged_pin_keeps_its_gpu),
		cmocka_unit_test(row_24_offline_action_is_set_before_the_stop),
		cmocka_unit_test(partition_is_taken_back_before_a_count_without_room_for_it),
		cmocka_unit_test(count_that_no_gpu_lists_is_refused_with_the_list),
		cmocka_unit_test(later_vm_is_refused_when_partitions_run_out),
		cmocka_unit_test(group_that_selects_no_gpu_gives_no_partition),
		cmocka_unit_test(type_that_differs_from_the_host_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
