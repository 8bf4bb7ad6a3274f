/* SPDX-License-Identifier: Apache-2.0 */
/* Good plans, each damaged in one way that breaks one invariant: the check must say which. */
#include "reconcile/check.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

static const char *const through =
	"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
	"  type: Standalone\n  hosts: [{ name: hv01 }]\n  gpus:\n"
	"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: "
	"{ locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] } } }\n"
	"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n"
	"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: desktops }\n"
	"spec: { cluster: c, gpus: vdi, match: { namePattern: \"vm-*\" } }\n";

/* ---- damage: copies of a plan with other steps ---- */

static struct plan *copy_of(struct scene *scene, const struct plan *plan, uint32_t n_steps)
{
	struct plan *copy = arena_copy(scene->arena, plan, sizeof(*plan));
	copy->steps = arena_copy(scene->arena, plan->steps, plan->n_steps * sizeof(struct step));
	struct step *steps = arena_array(scene->arena, struct step, n_steps + 1);
	memcpy(steps, plan->steps, MIN(n_steps, plan->n_steps) * sizeof(struct step));
	copy->steps = steps;
	copy->n_steps = n_steps;
	return copy;
}

static struct step *step_of(const struct plan *plan, uint32_t id)
{
	return (struct step *)&plan->steps[id - 1];
}

static uint32_t id_of(const struct plan *plan, enum step_kind kind, const char *vm)
{
	const struct step *step = scene_step(plan, kind, vm);
	assert_non_null(step);
	return step->id;
}

static uint32_t id_on(const struct plan *plan, enum step_kind kind, const char *host, const char *path)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == kind && strcmp(plan->steps[i].host_name, host) == 0 &&
			strcmp(plan->steps[i].location_path, path) == 0)
			return plan->steps[i].id;
	fail_msg("no such step on %s", host);
	return 0;
}

/* The step no longer waits for that one; 'sooner' 0: for none. */
static struct plan *without_wait(struct scene *scene, const struct plan *plan, uint32_t later, uint32_t sooner)
{
	struct plan *copy = copy_of(scene, plan, plan->n_steps);
	struct step *step = step_of(copy, later);
	uint32_t *after = arena_array(scene->arena, uint32_t, step->n_after + 1), n = 0;
	for (uint32_t i = 0; i < step->n_after; i++)
		if (sooner && step->after[i] != sooner)
			after[n++] = step->after[i];
	assert_int_not_equal(n, step->n_after);
	step->after = after;
	step->n_after = n;
	return copy;
}

/* Who waited for the step waits for it no longer, and for what it waited for instead is not said. */
static struct plan *without_step(struct scene *scene, const struct plan *plan, uint32_t id)
{
	struct plan *copy = copy_of(scene, plan, plan->n_steps - 1);
	for (uint32_t i = 0; i < copy->n_steps; i++) {
		struct step *step = step_of(copy, i + 1);
		*step = plan->steps[i + (i + 1 >= id)];
		step->id = i + 1;
		uint32_t *after = arena_array(scene->arena, uint32_t, step->n_after + 1), n = 0;
		for (uint32_t k = 0; k < step->n_after; k++)
			if (step->after[k] != id)
				after[n++] = step->after[k] - (step->after[k] > id);
		step->after = after;
		step->n_after = n;
	}
	return copy;
}

/* One more at the end, after all others. */
static struct plan *with_step(struct scene *scene, const struct plan *plan, struct step added)
{
	struct plan *copy = copy_of(scene, plan, plan->n_steps + 1);
	uint32_t *after = arena_array(scene->arena, uint32_t, plan->n_steps + 1);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		after[i] = i + 1;
	added.id = copy->n_steps;
	added.after = after;
	added.n_after = plan->n_steps;
	*step_of(copy, copy->n_steps) = added;
	return copy;
}

static struct step vm_step(enum step_kind kind, const char *host, const char *vm)
{
	return (struct step){ .kind = kind, .host_name = host, .vm_id = vm, .vm_name = vm };
}

/* ---- what the check says ---- */

static void assert_passes(struct scene *scene, const struct plan *plan)
{
	struct diags *diags = diags_new(scene->arena);
	assert_true(plan->n_steps > 0);
	if (check_plan(scene->arena, plan->observed, plan, diags) < 0)
		fail_msg("%s", diags->first->message);
}

static void assert_rejected(
	struct scene *scene, const struct world *world, const struct plan *plan, enum diag_code code, const char *words)
{
	struct diags *diags = diags_new(scene->arena);
	assert_int_equal(check_plan(scene->arena, world, plan, diags), -1);
	const struct diag *said = diags->first;
	assert_non_null(said);
	if (said->code != code || !strstr(said->message, words))
		fail_msg("'%s' is not in %s '%s'", words, diag_codes[said->code].id, said->message);
}

static void assert_breaks(struct scene *scene, const struct plan *plan, enum invariant invariant)
{
	g_autofree char *words = g_strdup_printf("would break '%s'", name_of(&invariant_names, invariant));
	assert_rejected(scene, plan->observed, plan, D_INVARIANT, words);
}

/* ---- one invariant each ---- */

static void dismount_before_the_stop_breaks_exclusive(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, through);
	assert_passes(scene, plan);
	assert_breaks(scene,
		without_wait(scene, plan, id_of(plan, STEP_DISMOUNT_GPU, NULL), id_of(plan, STEP_STOP_VM, "vm-a")),
		INV_EXCLUSIVE);
	scene_free(scene);
}

static void count_before_the_remove_breaks_drained(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	assert_breaks(scene, without_wait(scene, plan, id_of(plan, STEP_SET_COUNT, NULL), 0), INV_DRAINED);
	scene_free(scene);
}

static struct scene *two_hosts(void)
{
	struct scene *scene = scene_new(false, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, 0);
	return scene;
}

static void count_before_a_stop_elsewhere_breaks_homogeneous(void **state)
{
	(void)state;
	struct scene *scene = two_hosts();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	uint32_t count = id_on(plan, STEP_SET_COUNT, "hv01", scene_path(0));
	assert_breaks(scene, without_wait(scene, plan, count, id_of(plan, STEP_STOP_VM, "vm-b")), INV_HOMOGENEOUS);
	scene_free(scene);
}

static void other_count_than_the_common_one_breaks_homogeneous(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_gpu(scene, 0, 1)->count = KNOWN(8);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	struct plan *bad = copy_of(scene, plan, plan->n_steps);
	step_of(bad, 1)->count = 16;
	assert_breaks(scene, bad, INV_HOMOGENEOUS);
	scene_free(scene);
}

static void start_before_the_other_gpu_has_its_count_breaks_aligned_start(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	struct adapter *adapter = (struct adapter *)scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->adapters;
	adapter->pin = scene_path(0);
	adapter->pinned = TRI_YES;
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	uint32_t count = id_on(plan, STEP_SET_COUNT, "hv01", scene_path(1));
	assert_breaks(scene, without_wait(scene, plan, id_of(plan, STEP_START_VM, "vm-a"), count), INV_ALIGNED_START);
	scene_free(scene);
}

/* The host of the VM is alike in itself; it is a GPU of the other one that then differs. */
static void start_before_the_other_host_has_its_count_breaks_homogeneous(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	uint32_t count = id_on(plan, STEP_SET_COUNT, "hv02", scene_path(0));
	assert_breaks(scene, without_wait(scene, plan, id_of(plan, STEP_START_VM, "vm-a"), count), INV_HOMOGENEOUS);
	scene_free(scene);
}

static void second_partition_breaks_one_partition(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	struct step second = *scene_step(plan, STEP_ADD_ADAPTER, NULL);
	second.count = 2;
	assert_breaks(scene, with_step(scene, plan, second), INV_ONE_PARTITION);
	scene_free(scene);
}

static void pool_that_loses_a_member_in_use_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 1, 2, 4);
	static const char *const members[] = { "PCIROOT(20)#PCI(0100)" };
	static const struct pool pool = { "p", members, 1 };
	static const struct device device = { NULL, "p" };
	scene->hosts[0].host.pools = &pool;
	scene->hosts[0].host.n_pools = 1;
	scene_gpu(scene, 0, 1)->state = GPU_DISMOUNTED;
	struct vm *vm = scene_vm(scene, "whole", 0, VM_RUNNING, -1);
	vm->devices = &device;
	vm->n_devices = 1;
	vm->cache_control = true;
	scene_gpu(scene, 0, 0)->count = KNOWN(8);
	g_auto(GStrv) parts = g_strsplit(scene_manifests(scene, 4, NULL, NULL), "    - { name: vdi", 2);
	struct plan *plan = scene_plan(scene,
		arena_printf(scene->arena,
			"%s    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p } }\n"
			"    - { name: vdi%s",
			parts[0], parts[1]));
	assert_passes(scene, plan);
	struct step leave = {
		.kind = STEP_REMOVE_FROM_POOL, .host_name = "hv01", .location_path = scene_path(1), .pool = "p"
	};
	assert_breaks(scene, with_step(scene, plan, leave), INV_EXCLUSIVE);
	scene_free(scene);
}

/* What would break 'capacity' is no possible step already: a host starts nothing without a free partition. */
static void start_without_room_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_OFF, 0);
	scene_vm(scene, "vm-c", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_passes(scene, plan);
	assert_rejected(scene, plan->observed, with_step(scene, plan, vm_step(STEP_START_VM, "hv01", "id-vm-b")),
		D_STEP_NOT_POSSIBLE, "(start id-vm-b) is not possible");
	scene_free(scene);
}

static struct scene *gaining(void)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1)->automatic_checkpoints = true;
	scene_vm(scene, "stranger", 0, VM_RUNNING, -1);
	return scene;
}

/* So is what would break 'vm-off'. */
static void add_before_the_stop_is_rejected_for_the_vm_is_not_off(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	assert_rejected(scene, plan->observed,
		without_wait(scene, plan, id_of(plan, STEP_ADD_ADAPTER, "vm-a"), id_of(plan, STEP_STOP_VM, "vm-a")),
		D_STEP_NOT_POSSIBLE, "must be Off");
	scene_free(scene);
}

static void start_before_the_settings_breaks_fit_to_start(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	assert_breaks(scene, without_step(scene, plan, id_of(plan, STEP_CONFIGURE_VM, "vm-a")), INV_FIT_TO_START);
	scene_free(scene);
}

static void second_stop_breaks_once(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	struct plan *bad = with_step(scene, plan, vm_step(STEP_STOP_VM, "hv01", "id-vm-a"));
	assert_breaks(scene, with_step(scene, bad, vm_step(STEP_START_VM, "hv01", "id-vm-a")), INV_ONCE);
	scene_free(scene);
}

static void stop_of_a_stranger_breaks_ownership(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	struct plan *bad = with_step(scene, plan, vm_step(STEP_STOP_VM, "hv01", "id-stranger"));
	assert_breaks(scene, with_step(scene, bad, vm_step(STEP_START_VM, "hv01", "id-stranger")), INV_OWNERSHIP);
	scene_free(scene);
}

static void missing_start_breaks_restored(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_breaks(scene, without_step(scene, plan, id_of(plan, STEP_START_VM, "vm-a")), INV_RESTORED);
	scene_free(scene);
}

static void start_of_a_vm_that_was_off_breaks_restored(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	assert_breaks(scene, with_step(scene, plan, vm_step(STEP_START_VM, "hv01", "id-vm-a")), INV_RESTORED);
	scene_free(scene);
}

static void missing_or_other_steps_do_not_reach_the_goal(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	uint32_t count = id_on(plan, STEP_SET_COUNT, "hv01", scene_path(1));
	const struct world *world = plan->observed;
	assert_rejected(scene, world, without_step(scene, plan, count), D_GOAL_NOT_REACHED, "partition-count");
	struct plan *bad = copy_of(scene, plan, plan->n_steps);
	step_of(bad, count)->count = 2;
	assert_rejected(scene, world, bad, D_GOAL_NOT_REACHED, "would not be '8'");
	bad = without_step(scene, plan, id_of(plan, STEP_ADD_ADAPTER, "vm-a"));
	assert_rejected(scene, world, bad, D_GOAL_NOT_REACHED, "'vm-a' would not have the partitions");
	scene_free(scene);
}

/* The VM has its one partition, but with other quotas than before. */
static void partition_given_back_with_other_quotas_does_not_reach_the_goal(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct adapter *adapter = (struct adapter *)scene_vm(scene, "vm-a", 0, VM_OFF, 0)->adapters;
	adapter->quotas[QUOTA_MIN_VRAM] = KNOWN(1000);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	struct plan *bad = copy_of(scene, plan, plan->n_steps);
	step_of(bad, id_of(plan, STEP_ADD_ADAPTER, "vm-a"))->adapter.quotas[QUOTA_MIN_VRAM] = KNOWN(2000);
	assert_rejected(scene, plan->observed, bad, D_GOAL_NOT_REACHED, "'vm-a' would not have the partitions");
	scene_free(scene);
}

static void shape_that_is_no_order_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	static const uint32_t waits[] = { 0, 1, 2, 99 }; /* for none, itself, a later one, one that is not there */
	for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
		struct plan *bad = copy_of(scene, plan, plan->n_steps);
		step_of(bad, 1)->after = &waits[i];
		step_of(bad, 1)->n_after = 1;
		assert_rejected(scene, plan->observed, bad, D_PLAN_FILE, "not before it");
	}
	struct plan *bad = copy_of(scene, plan, plan->n_steps);
	step_of(bad, 1)->id = 2;
	assert_rejected(scene, plan->observed, bad, D_PLAN_FILE, "not before it");
	scene_free(scene);
}

/* ---- the plan's own order ---- */

static void own_order_may_be_fine_where_another_is_not(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, through);
	struct plan *loose =
		without_wait(scene, plan, id_of(plan, STEP_DISMOUNT_GPU, NULL), id_of(plan, STEP_STOP_VM, "vm-a"));
	assert_breaks(scene, loose, INV_EXCLUSIVE);
	assert_int_equal(check_own_order(loose, diags_new(scene->arena)), 0);
	scene_free(scene);
}

static void own_order_that_breaks_something_is_told(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, through);
	struct diags *diags = diags_new(scene->arena);
	struct plan *bad = without_step(scene, plan, id_of(plan, STEP_STOP_VM, "vm-a"));
	assert_int_equal(check_own_order(bad, diags), -1);
	assert_int_equal(diags->first->code, D_INVARIANT);
	assert_int_equal(check_own_order(copy_of(scene, plan, plan->n_steps - 1), diags_new(scene->arena)), -1);
	scene_free(scene);
}

/* ---- on another world ---- */

static struct world *world_of(struct scene *scene)
{
	const struct host_state *states[SCENE_HOSTS];
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		states[h] = &scene->hosts[h];
	return world_assemble(scene->arena, states, scene->n_hosts);
}

static void unrelated_changes_do_not_matter(void **state)
{
	(void)state;
	struct scene *scene = two_hosts();
	scene_vm(scene, "vm-c", 1, VM_OFF, -1);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	scene_vm(scene, "aaa", 0, VM_RUNNING, -1); /* sorts before the others, so that all indices move */
	scene->hosts[0].host.epoch = 7;
	scene->vms[0][0].guest_os = "another";
	struct world *world = world_of(scene);
	assert_int_not_equal(world_find_vm(world, "id-vm-b"), world_find_vm(plan->observed, "id-vm-b"));
	struct diags *diags = diags_new(scene->arena);
	assert_int_equal(check_plan(scene->arena, world, plan, diags), 0);
	scene_free(scene);
}

static void gpu_that_is_gone_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = two_hosts();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	scene->hosts[1].n_gpus = 0;
	assert_rejected(scene, world_of(scene), plan, D_STALE, "hv02");
	scene_free(scene);
}

static void vm_that_is_gone_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = gaining();
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	scene->vms[0][0].id = "another";
	assert_rejected(scene, world_of(scene), plan, D_STALE, "vm-a");
	scene_free(scene);
}

/* Somebody changed the count that all were to keep. */
static void count_that_changed_meanwhile_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 4, "vm-*", NULL));
	assert_passes(scene, plan);
	scene_gpu(scene, 0, 1)->count = KNOWN(8);
	assert_rejected(scene, world_of(scene), plan, D_INVARIANT, "'aligned-start'");
	scene_free(scene);
}

static void vm_that_was_started_meanwhile_is_rejected(void **state)
{
	(void)state;
	struct scene *scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	assert_passes(scene, plan);
	vm->state = VM_RUNNING;
	((struct adapter *)vm->adapters)->gpus = 1;
	assert_rejected(scene, world_of(scene), plan, D_STEP_NOT_POSSIBLE, "must be Off");
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dismount_before_the_stop_breaks_exclusive),
		cmocka_unit_test(count_before_the_remove_breaks_drained),
		cmocka_unit_test(count_before_a_stop_elsewhere_breaks_homogeneous),
		cmocka_unit_test(other_count_than_the_common_one_breaks_homogeneous),
		cmocka_unit_test(start_before_the_other_gpu_has_its_count_breaks_aligned_start),
		cmocka_unit_test(start_before_the_other_host_has_its_count_breaks_homogeneous),
		cmocka_unit_test(second_partition_breaks_one_partition),
		cmocka_unit_test(pool_that_loses_a_member_in_use_is_rejected),
		cmocka_unit_test(start_without_room_is_rejected),
		cmocka_unit_test(add_before_the_stop_is_rejected_for_the_vm_is_not_off),
		cmocka_unit_test(start_before_the_settings_breaks_fit_to_start),
		cmocka_unit_test(second_stop_breaks_once),
		cmocka_unit_test(stop_of_a_stranger_breaks_ownership),
		cmocka_unit_test(missing_start_breaks_restored),
		cmocka_unit_test(start_of_a_vm_that_was_off_breaks_restored),
		cmocka_unit_test(missing_or_other_steps_do_not_reach_the_goal),
		cmocka_unit_test(partition_given_back_with_other_quotas_does_not_reach_the_goal),
		cmocka_unit_test(shape_that_is_no_order_is_rejected),
		cmocka_unit_test(own_order_may_be_fine_where_another_is_not),
		cmocka_unit_test(own_order_that_breaks_something_is_told),
		cmocka_unit_test(unrelated_changes_do_not_matter),
		cmocka_unit_test(gpu_that_is_gone_is_rejected),
		cmocka_unit_test(vm_that_is_gone_is_rejected),
		cmocka_unit_test(count_that_changed_meanwhile_is_rejected),
		cmocka_unit_test(vm_that_was_started_meanwhile_is_rejected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
