/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

#define FIRST "PCIROOT(0)#PCI(0)"

/* A host with two GPUs of 4; vm-1 runs with a partition of the first. */
static void begin(struct bench *bench, struct arena *arena, struct world **world)
{
	*world = worlds_new(arena, 1, 2, 4, 3);
	worlds_adapter(arena, *world, worlds_vm(arena, *world, 0, VM_RUNNING), -1, 1);
	*bench = (struct bench){ 0 };
}

static enum host_error perform(struct bench *bench, const struct world *world, struct step step)
{
	if (!bench->arena) {
		bench_init(bench, world, NULL);
		bench_open(bench, "sim", "hv01");
		assert_int_equal(bench_lease(bench, bench->sessions[0], 1), HOST_OK);
	}
	return bench_step(bench, bench->sessions[0], &step)->error;
}

static struct step on(enum step_kind kind, const char *path)
{
	return (struct step){
		.kind = kind, .id = 1, .host_name = "hv01", .location_path = path, .count = 8, .pool = "pool"
	};
}

static void count_with_an_adapter_that_could_be_there_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		static const enum host_error errors[] = { HOST_IN_USE, HOST_IN_USE, HOST_OK };
		g_autoptr(arena_auto) arena = arena_new();
		struct bench bench;
		struct world *world;
		begin(&bench, arena, &world);
		if (i == 1) /* off, it could come to be anywhere */
			world->vms[0].state = VM_OFF;
		assert_int_equal(
			perform(&bench, world, on(STEP_SET_COUNT, i == 2 ? "PCIROOT(0)#PCI(1)" : FIRST)), errors[i]);
		bench_done(&bench);
	}
}

static void count_changes_the_memory_of_a_partition(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	assert_int_equal(perform(&bench, world, on(STEP_SET_COUNT, "PCIROOT(0)#PCI(1)")), HOST_OK);
	assert_true(maybe_is(bench.reply.gpu_after->count, 8));
	assert_true(maybe_is(bench.reply.gpu_after->partition_memory, 2ull << 30));
	bench_done(&bench);
}

static void count_that_is_not_listed_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	struct step set = on(STEP_SET_COUNT, "PCIROOT(0)#PCI(1)");
	set.count = 6;
	assert_int_equal(perform(&bench, world, set), HOST_INVALID_PARAMETER);
	bench_done(&bench);
}

static void count_of_a_gpu_that_is_not_there_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	assert_int_equal(perform(&bench, world, on(STEP_SET_COUNT, "PCIROOT(9)")), HOST_NOT_FOUND);
	bench_done(&bench);
}

static void dismount_without_mitigation_needs_force(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	world->gpus[1].mitigation_driver = TRI_NO;
	struct step dismount = on(STEP_DISMOUNT_GPU, "PCIROOT(0)#PCI(1)");
	assert_int_equal(perform(&bench, world, dismount), HOST_NOT_SUPPORTED);
	assert_non_null(strstr(bench.reply.message, "has not supplied any directives"));
	dismount.force = true;
	assert_int_equal(perform(&bench, world, dismount), HOST_OK);
	bench_done(&bench);
}

static void dismount_of_a_gpu_in_use_or_pinned_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_OFF), 1, 0);
	assert_int_equal(perform(&bench, world, on(STEP_DISMOUNT_GPU, FIRST)), HOST_IN_USE);
	assert_int_equal(perform(&bench, world, on(STEP_DISMOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_IN_USE);
	bench_done(&bench);
}

static void dismounted_gpu_tells_little_and_comes_back_as_it_was(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	world->gpus[1].count = KNOWN(2);
	assert_int_equal(perform(&bench, world, on(STEP_DISMOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_OK);
	const struct gpu *gpu = &bench_observe(&bench, bench.sessions[0])->gpus[1];
	assert_int_equal(gpu->state, GPU_DISMOUNTED);
	assert_true(g_str_has_prefix(gpu->instance_id, "PCIP\\VEN_10DE"));
	assert_false(gpu->count.known || gpu->n_valid_counts || gpu->mmio_low_bytes.known || gpu->memory.known);
	assert_int_equal(bench.reply.facts->host.noted[0].high_bytes, 32ull << 30);
	assert_int_equal(perform(&bench, world, on(STEP_MOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_OK);
	gpu = &bench_observe(&bench, bench.sessions[0])->gpus[1];
	assert_int_equal(gpu->state, GPU_PARTITIONABLE);
	assert_string_equal(gpu->instance_id, world->gpus[1].instance_id);
	assert_int_equal(gpu->n_valid_counts, 5);
	assert_true(maybe_is(gpu->count, 2) && maybe_is(gpu->memory, 16ull << 30));
	bench_done(&bench);
}

static void gpu_that_began_dismounted_is_mounted_like_its_sibling(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	worlds_dismount(arena, world, 1, NULL);
	assert_int_equal(perform(&bench, world, on(STEP_MOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_OK);
	assert_int_equal(bench.reply.gpu_after->n_valid_counts, 5);
	assert_true(maybe_is(bench.reply.gpu_after->count, 1));
	bench_done(&bench);
}

static void running_vm_is_not_on_a_gpu_that_is_mounted_later(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bench bench;
	struct world *world;
	begin(&bench, arena, &world);
	((struct adapter *)world->vms[0].adapters)->gpus = 0; /* the host could not tell */
	worlds_dismount(arena, world, 1, NULL);
	assert_int_equal(perform(&bench, world, on(STEP_MOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_OK);
	assert_int_equal(perform(&bench, world, on(STEP_SET_COUNT, FIRST)), HOST_IN_USE);
	assert_int_equal(perform(&bench, world, on(STEP_SET_COUNT, "PCIROOT(0)#PCI(1)")), HOST_OK);
	bench_done(&bench);
}

static void mount_of_an_assigned_or_pooled_gpu_is_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct bench bench;
		struct world *world;
		begin(&bench, arena, &world);
		worlds_dismount(arena, world, 1, i ? "pool" : NULL);
		if (!i)
			worlds_device(arena, world, worlds_vm(arena, world, 0, VM_OFF), 1, NULL);
		assert_int_equal(perform(&bench, world, on(STEP_MOUNT_GPU, "PCIROOT(0)#PCI(1)")), HOST_IN_USE);
		bench_done(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(count_with_an_adapter_that_could_be_there_is_refused),
		cmocka_unit_test(count_changes_the_memory_of_a_partition),
		cmocka_unit_test(count_that_is_not_listed_is_refused),
		cmocka_unit_test(count_of_a_gpu_that_is_not_there_is_refused),
		cmocka_unit_test(dismount_without_mitigation_needs_force),
		cmocka_unit_test(dismount_of_a_gpu_in_use_or_pinned_is_refused),
		cmocka_unit_test(dismounted_gpu_tells_little_and_comes_back_as_it_was),
		cmocka_unit_test(gpu_that_began_dismounted_is_mounted_like_its_sibling),
		cmocka_unit_test(running_vm_is_not_on_a_gpu_that_is_mounted_later),
		cmocka_unit_test(mount_of_an_assigned_or_pooled_gpu_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
