/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/import.h"

#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <string.h>

struct fixture {
	struct scene *scene;
	struct diags *diags;
	GString *out;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->scene = scene_new(true, 3, 2, 4);
	fixture->diags = diags_new(fixture->scene->arena);
	fixture->out = g_string_new(NULL);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	scene_free(fixture->scene);
	g_string_free(fixture->out, TRUE);
	g_free(fixture);
	return 0;
}

static const char *import_scene(struct fixture *fixture)
{
	const struct host_state *states[SCENE_HOSTS];
	for (uint32_t i = 0; i < fixture->scene->n_hosts; i++)
		states[i] = &fixture->scene->hosts[i];
	import_write(fixture->out, states, fixture->scene->n_hosts, fixture->diags);
	return fixture->out->str;
}

static void expect_empty_plan(struct fixture *fixture)
{
	struct plan *plan = scene_plan(fixture->scene, import_scene(fixture));
	assert_int_equal(plan->n_steps, 0);
	assert_int_equal(plan->changes.n, 0);
	assert_int_equal(plan->n_refusals, 0);
	assert_int_equal(plan->diags->n_errors, 0);
	assert_int_equal(fixture->diags->n, 0);
}

static void expect_left(const struct fixture *fixture, const char *part)
{
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->first->code, D_IMPORT_LEFT);
	if (!strstr(fixture->diags->first->message, part))
		print_error("%s\n", fixture->diags->first->message);
	assert_non_null(strstr(fixture->diags->first->message, part));
}

static void partitioned_cluster_plans_nothing(void **state)
{
	struct fixture *fixture = *state;
	scene_run(fixture->scene, 12);
	scene_vm(fixture->scene, "off", 1, VM_OFF, 0);
	scene_vm(fixture->scene, "without", 2, VM_RUNNING, -1);
	expect_empty_plan(fixture);
	assert_non_null(strstr(fixture->out->str, "type: Failover"));
	assert_non_null(strstr(fixture->out->str, "partitionCount: 4"));
	assert_null(strstr(fixture->out->str, "without"));
}

static void names_that_yaml_would_misread_plan_nothing(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = { "yes", "0x10", "a: b", "- c", "#d", "null", "1e3", "'", "{}" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		scene_vm(fixture->scene, names[i], (uint32_t)(i % 3), VM_OFF, 0);
	expect_empty_plan(fixture);
}

static void cluster_without_gpus_is_written(void **state)
{
	struct fixture *fixture = *state;
	for (uint32_t h = 0; h < 3; h++)
		fixture->scene->hosts[h].n_gpus = 0;
	expect_empty_plan(fixture);
}

static void dismounted_gpus_of_a_pool_plan_nothing(void **state)
{
	struct fixture *fixture = *state;
	const char *const members[] = { scene_path(1) };
	const struct pool pool = { "my pool", members, 1 };
	for (uint32_t h = 0; h < 3; h++) {
		scene_gpu(fixture->scene, h, 1)->state = GPU_DISMOUNTED;
		fixture->scene->hosts[h].host.pools = &pool;
		fixture->scene->hosts[h].host.n_pools = 1;
	}
	const struct device device = { .pool = "my pool" };
	struct vm *vm = scene_vm(fixture->scene, "infer", 0, VM_RUNNING, -1);
	vm->devices = &device;
	vm->n_devices = 1;
	expect_empty_plan(fixture);
	assert_non_null(strstr(fixture->out->str, "pool: my pool"));
}

static void standalone_hosts_become_clusters_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	scene_free(fixture->scene);
	fixture->scene = scene_new(false, 2, 2, 4);
	fixture->diags = diags_new(fixture->scene->arena);
	scene_gpu(fixture->scene, 1, 0)->count = scene_gpu(fixture->scene, 1, 1)->count = KNOWN(8);
	const char *text = import_scene(fixture);
	assert_non_null(strstr(text, "  name: hv01\n"));
	assert_non_null(strstr(text, "  name: hv02\n"));
	assert_non_null(strstr(text, "partitionCount: 8"));
	assert_int_equal(fixture->diags->n, 0);
}

static void mixed_counts_are_named(void **state)
{
	struct fixture *fixture = *state;
	scene_gpu(fixture->scene, 1, 1)->count = KNOWN(8);
	assert_non_null(strstr(import_scene(fixture), "partitionCount: 4"));
	expect_left(fixture, "of 'hv02' offers another count");
}

static void second_partitioned_model_is_named_and_in_no_group(void **state)
{
	struct fixture *fixture = *state;
	struct gpu *gpu = scene_gpu(fixture->scene, 2, 0);
	gpu->device = "10DE:27B8";
	gpu->subsystem = "10DE:16CA";
	assert_null(strstr(import_scene(fixture), "27B8"));
	expect_left(fixture, "of 'hv03' is partitionable and of another model");
}

static void gpu_that_only_resembles_the_group_is_named(void **state)
{
	struct fixture *fixture = *state;
	scene_gpu(fixture->scene, 2, 0)->state = GPU_PLAIN;
	import_scene(fixture);
	expect_left(fixture, "of 'hv03' is selected by its model and cannot be partitioned now");
}

static void surplus_and_pinned_adapters_are_named(void **state)
{
	struct fixture *fixture = *state;
	struct vm *vm = scene_vm(fixture->scene, "two", 0, VM_OFF, 0);
	struct adapter adapters[] = { vm->adapters[0], vm->adapters[0] };
	vm->adapters = adapters;
	vm->n_adapters = 2;
	import_scene(fixture);
	expect_left(fixture, "'two' on 'hv01' has more than one partition adapter");
	fixture->diags = diags_new(fixture->scene->arena);
	vm->n_adapters = 1;
	adapters[0].pin = scene_path(0);
	adapters[0].pinned = TRI_YES;
	import_scene(fixture);
	expect_left(fixture, "'two' on 'hv01' has an adapter that is pinned");
}

static void vms_of_one_name_are_left_out(void **state)
{
	struct fixture *fixture = *state;
	scene_vm(fixture->scene, "twin", 0, VM_OFF, 0);
	scene_vm(fixture->scene, "twin", 1, VM_OFF, 0);
	assert_null(strstr(import_scene(fixture), "twin"));
	assert_int_equal(fixture->diags->n, 2);
}

static void vm_whose_settings_do_not_suit_its_gpu_is_left_as_it_is(void **state)
{
	struct fixture *fixture = *state;
	scene_run(fixture->scene, 3);
	fixture->scene->vms[0][0].offline_action = KNOWN(OFFLINE_SAVE);
	fixture->scene->vms[1][0].automatic_checkpoints = true;
	expect_empty_plan(fixture);
	assert_non_null(strstr(fixture->out->str, "vmSettings: Require"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(partitioned_cluster_plans_nothing),
		TEST(vm_whose_settings_do_not_suit_its_gpu_is_left_as_it_is),
		TEST(names_that_yaml_would_misread_plan_nothing),
		TEST(cluster_without_gpus_is_written),
		TEST(dismounted_gpus_of_a_pool_plan_nothing),
		TEST(standalone_hosts_become_clusters_of_their_own),
		TEST(mixed_counts_are_named),
		TEST(second_partitioned_model_is_named_and_in_no_group),
		TEST(gpu_that_only_resembles_the_group_is_named),
		TEST(surplus_and_pinned_adapters_are_named),
		TEST(vms_of_one_name_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
