/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/resolve.h"
#include "tests/lib/scene.h"
#include "tests/lib/scene_wants.h"
#include "tests/lib/test.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Two hosts with one GPU each, passed through; VM ai-a on the first. */
static int setup(void **state)
{
	struct scene *scene = *state = scene_new(false, 2, 1, 4);
	scene_vm(scene, "ai-a", 0, VM_OFF, -1);
	return 0;
}

static int teardown(void **state)
{
	scene_free(*state);
	return 0;
}

static struct mmio_need needed(struct scene *scene, const char *mmio, uint32_t n)
{
	struct wants *wants = scene_wants(scene,
		arena_printf(scene->arena,
			"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
			"  type: Standalone\n  hosts: [{ name: hv01 }, { name: hv02 }]\n  gpus:\n"
			"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1%s } }\n",
			mmio),
		(struct plan_input){ 0 });
	struct mmio_need need = resolve_mmio(wants, &scene->spec->clusters[0].gpus[0], 0, n);
	wants_done(wants);
	return need;
}

static void assert_need(struct mmio_need need, uint64_t low, uint64_t high)
{
	assert_true(maybe_is(need.low_bytes, low));
	assert_true(maybe_is(need.high_bytes, high));
}

static void forget(struct scene *scene, uint32_t host)
{
	struct gpu *gpu = scene_gpu(scene, host, 0);
	gpu->state = GPU_DISMOUNTED;
	gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
}

static void ranges_of_each_gpu_and_one_buffer_are_needed(void **state)
{
	assert_need(needed(*state, "", 1), 16 * MIB + 128 * MIB, 17 * GIB + 512 * MIB);
	assert_need(needed(*state, "", 2), 32 * MIB + 128 * MIB, 34 * GIB + 512 * MIB);
}

static void manifest_says_exactly_how_much(void **state)
{
	assert_need(needed(*state, ", mmio: { low: 3Gi, high: 34Gi }", 2), 3 * GIB, 34 * GIB);
	assert_need(needed(*state, ", mmio: { high: 34Gi }", 1), 144 * MIB, 34 * GIB);
}

static void dismounted_gpu_borrows_from_a_sibling_elsewhere(void **state)
{
	forget(*state, 0);
	assert_need(needed(*state, "", 1), 144 * MIB, 17 * GIB + 512 * MIB);
	scene_gpu(*state, 1, 0)->subsystem = "10DE:AAAA"; /* no sibling */
	assert_false(needed(*state, "", 1).low_bytes.known);
}

static void what_was_noted_before_the_dismount_is_used_last(void **state)
{
	struct scene *scene = *state;
	static const struct noted_mmio noted = { "PCIROOT(10)#PCI(0100)", 1 << 20, 1 << 30 };
	forget(scene, 0);
	scene->hosts[0].host.noted = &noted;
	scene->hosts[0].host.n_noted = 1;
	assert_need(needed(scene, "", 1), 144 * MIB, 17 * GIB + 512 * MIB);
	forget(scene, 1);
	assert_need(needed(scene, "", 1), 129 * MIB, GIB + 512 * MIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_of_each_gpu_and_one_buffer_are_needed),
		TEST(manifest_says_exactly_how_much),
		TEST(dismounted_gpu_borrows_from_a_sibling_elsewhere),
		TEST(what_was_noted_before_the_dismount_is_used_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
