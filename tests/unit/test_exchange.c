/* SPDX-License-Identifier: Apache-2.0 */
/* A VM changes its partition for a whole GPU, the reverse, or loses its pin: wherever the run ends, what was taken is owed until what comes
 * instead is there (docs/decisions/0016, 13). */
#include "reconcile/apply.h"
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

#include <string.h>

#define CLUSTER \
	"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n" \
	"  type: Standalone\n  rollout: { maxUnavailable: 100% }\n  hosts: [{ name: hv01 }]\n  gpus:\n"
#define PARTITIONED(match) "    - { name: parts, match: { " match " }, partitionCount: 4 }\n"
#define WHOLE_OF(n, match) \
	"    - { name: whole, match: { " match " }, passthrough: { perHost: " n ",\n" \
	"        mmio: { low: 3Gi, high: 34Gi } } }\n"
#define WHOLE(match) WHOLE_OF("1", match)
#define ASSIGN(group) \
	"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: a }\n" \
	"spec: { cluster: c, gpus: " group ", match: { namePattern: 'vm-*' } }\n"
#define FIRST "model: NVIDIA A2"
#define SECOND "model: NVIDIA L40"

static void with_partition(struct scene *scene)
{
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
}

static void with_pinned_partition(struct scene *scene)
{
	scene_pin(scene, scene_vm(scene, "vm-a", 0, VM_RUNNING, 0), 0);
}

static void with_whole_gpu(struct scene *scene)
{
	scene_vm_whole(scene, "vm-a", 0, VM_RUNNING, 0);
}

static void with_two_whole_gpus(struct scene *scene)
{
	struct device *devices = arena_array(scene->arena, struct device, 2);
	with_whole_gpu(scene);
	for (uint32_t i = 0; i < 2; i++) {
		devices[i].location_path = scene_path(i);
		scene_gpu(scene, 0, i)->name = "NVIDIA A2";
		scene_gpu(scene, 0, i)->state = GPU_DISMOUNTED;
		scene_gpu(scene, 0, i)->count = UNKNOWN;
	}
	scene->vms[0][0].devices = devices;
	scene->vms[0][0].n_devices = 2;
	scene_gpu(scene, 0, 2)->name = "NVIDIA L4";
}

static const struct way {
	const char *name;
	void (*had)(struct scene *scene);
	const char *manifests;
	uint32_t n_gpus, n_adapters, n_devices; /* of the VM, at the end */
	uint32_t n_had;                         /* parts, where it is not one */
} ways[] = {
	{ "partition to the only GPU", with_partition, CLUSTER WHOLE(FIRST) ASSIGN("whole"), 1, 0, 1 },
	{ "partition to the other GPU", with_partition, CLUSTER PARTITIONED(FIRST) WHOLE(SECOND) ASSIGN("whole"), 2, 0,
		1 },
	{ "partition to its own GPU", with_partition, CLUSTER PARTITIONED(SECOND) WHOLE(FIRST) ASSIGN("whole"), 2, 0,
		1 },
	{ "only GPU to partition", with_whole_gpu, CLUSTER PARTITIONED(FIRST) ASSIGN("parts"), 1, 1, 0 },
	{ "whole GPU to another's partition", with_whole_gpu, CLUSTER PARTITIONED(SECOND) WHOLE(FIRST) ASSIGN("parts"),
		2, 1, 0 },
	{ "two whole GPUs to a partition", with_two_whole_gpus,
		CLUSTER PARTITIONED("model: NVIDIA L4") WHOLE_OF("2", FIRST) ASSIGN("parts"), 3, 1, 0, 2 },
	{ "pinned partition to any", with_pinned_partition, CLUSTER PARTITIONED(SECOND) WHOLE(FIRST) ASSIGN("parts"), 2,
		1, 0 },
};

static const struct vm *vm_now(struct sim_run *sim)
{
	struct state_file now = sim_run_read_world(sim);
	assert_int_equal(now.states[0]->n_vms, 1);
	return &now.states[0]->vms[0];
}

static void begin(struct sim_run *sim, const struct way *way, const struct simulation *simulation)
{
	if (sim->scene)
		scene_free(sim->scene);
	sim->scene = scene_new(false, 1, way->n_gpus, 4);
	if (way->n_gpus > 1)
		scene_gpu(sim->scene, 0, 1)->name = "NVIDIA L40";
	way->had(sim->scene);
	sim_run_forget(sim);
	sim->n_interrupts = 1;
	sim_run_write_scene(sim, simulation);
	sim_run_write_manifests(sim, way->manifests);
	sim_run_plan(sim, PLAN_APPLY);
}

/* The world as it is, without the fault. */
static void go_on(struct sim_run *sim, const struct way *way)
{
	struct state_file now = sim_run_read_world(sim);
	sim->scene->vms[0][0] = now.states[0]->vms[0];
	for (uint32_t g = 0; g < way->n_gpus; g++)
		sim->scene->gpus[0][g] = now.states[0]->gpus[g];
	sim_run_forget(sim);
	sim_run_write_scene(sim, NULL);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	const struct vm *vm = vm_now(sim);
	assert_int_equal(vm->state, VM_RUNNING);
	assert_int_equal(vm->n_adapters, way->n_adapters);
	assert_int_equal(vm->n_devices, way->n_devices);
	assert_null(vm->debt);
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		assert_null(vm->adapters[i].pin);
}

/* It runs; and with a GPU, or it is owed the one that it had. */
static void assert_nothing_is_lost(struct sim_run *sim, const struct way *way)
{
	const struct vm *vm = vm_now(sim);
	uint32_t n_owed = vm->debt ? vm->debt->n_adapters + vm->debt->n_devices : 0;
	bool is_changed = vm->n_adapters == way->n_adapters && vm->n_devices == way->n_devices && !n_owed;
	assert_int_equal(vm->state, VM_RUNNING);
	assert_true(is_changed || vm->n_adapters + vm->n_devices + n_owed == MAX(way->n_had, 1));
	assert_true(!vm->debt == (vm->n_adapters + vm->n_devices > 0));
	assert_true(!vm->debt == !sim_run_says(sim, D_STILL_OWED));
}

static void interrupted_anywhere_it_has_one_or_is_owed_it(void **state)
{
	struct sim_run *sim = *state;
	for (size_t w = 0; w < G_N_ELEMENTS(ways); w++) {
		enum exit_code end = EXIT_INTERRUPTED;
		uint32_t n_bare = 0, n = 0;
		while (end == EXIT_INTERRUPTED) {
			begin(sim, &ways[w], NULL);
			sim->interrupt_after_steps = ++n;
			end = sim_run_carry_out(sim);
			print_message("%s, after %u: %d\n", ways[w].name, n, end);
			n_bare += vm_now(sim)->debt != NULL;
			assert_nothing_is_lost(sim, &ways[w]);
			go_on(sim, &ways[w]);
		}
		assert_int_equal(end, EXIT_DONE);
		assert_true(n >= 3);
		assert_true(n_bare <= (ways[w].n_gpus > 1 ? 0 : 2)); /* while the only GPU is of neither kind */
	}
}

/* Both would be one too many. */
static void what_is_owed_already_is_not_owed_twice(void **state)
{
	struct sim_run *sim = *state;
	const struct way *pinned = &ways[G_N_ELEMENTS(ways) - 1];
	enum exit_code end = EXIT_INTERRUPTED;
	for (uint32_t n = 1; end == EXIT_INTERRUPTED; n++) {
		begin(sim, pinned, NULL);
		struct adapter owed = { .id = "y", .quotas[QUOTA_MIN_VRAM] = KNOWN(1000) };
		const struct debt debt = {
			.run = "dead", .at = SCENE_NOW - 3 * 86400, .adapters = &owed, .n_adapters = 1
		};
		sim->scene->vms[0][0].debt = &debt;
		sim_run_write_scene(sim, NULL);
		sim_run_plan(sim, PLAN_APPLY);
		sim->interrupt_after_steps = n;
		end = sim_run_carry_out(sim);
		const struct vm *vm = vm_now(sim);
		assert_int_equal(vm->state, VM_RUNNING);
		assert_true(vm->n_adapters <= 1);
		assert_true(!vm->debt || vm->debt->n_adapters <= 1);
	}
}

static void change_of_role_that_fails_gives_the_partition_back(void **state)
{
	struct sim_run *sim = *state;
	static const struct simulation_fault fault = {
		.step = "dismount-gpu", .nth = 1, .permanent = true, .error = "failed"
	};
	begin(sim, &ways[0], &(struct simulation){ .clock = SCENE_NOW, .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_false(sim_run_says(sim, D_STILL_OWED));
	assert_int_equal(vm_now(sim)->n_adapters, 1);
	assert_nothing_is_lost(sim, &ways[0]);
	go_on(sim, &ways[0]);
}

static void whole_gpu_that_is_not_given_leaves_the_partition_owed(void **state)
{
	struct sim_run *sim = *state;
	static const struct simulation_fault fault = {
		.step = "add-assigned-device", .nth = 1, .permanent = true, .error = "failed"
	};
	begin(sim, &ways[0], &(struct simulation){ .clock = SCENE_NOW, .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	const struct vm *vm = vm_now(sim); /* a step on it failed, so it is left as it is, and named */
	assert_int_equal(vm->debt->power, DEBT_POWER_STOPPED);
	assert_int_equal(vm->debt->n_adapters, 1);
	assert_true(sim_run_says(sim, D_STILL_OWED));
	go_on(sim, &ways[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupted_anywhere_it_has_one_or_is_owed_it),
		TEST(what_is_owed_already_is_not_owed_twice),
		TEST(change_of_role_that_fails_gives_the_partition_back),
		TEST(whole_gpu_that_is_not_given_leaves_the_partition_owed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
