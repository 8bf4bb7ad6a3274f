/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec.h"

#include "model/field.h"
#include "tests/lib/test.h"

static const struct field rows[] = { { .key = "a" }, { .key = "b" }, { 0 } };
static const struct loc locs[] = { { .line = 5 }, { .line = 6 } };
static const bool present[] = { false, true };

static void head_of_a_field_is_its_place(void **state)
{
	(void)state;
	struct head head = { .loc = { .line = 1 }, .fields = rows, .locs = locs, .present = present };
	assert_int_equal(head_loc(&head, "b").line, 6);
	assert_int_equal(head_loc(&head, "c").line, 1);
	assert_true(head_has(&head, "b"));
	assert_false(head_has(&head, "a"));
	assert_false(head_has(&head, "c"));
}

static void head_that_is_empty_has_nothing(void **state)
{
	(void)state;
	struct head head = { .loc = { .line = 3 } };
	assert_int_equal(head_loc(&head, "b").line, 3);
	assert_false(head_has(&head, "b"));
}

static void cluster_is_found_by_exact_name(void **state)
{
	(void)state;
	const struct spec_cluster clusters[] = { { .name = NULL }, { .name = "a" }, { .name = "b" }, { .name = "c" } };
	struct spec spec = { .clusters = clusters, .n_clusters = 4 };
	assert_ptr_equal(spec_find_cluster(&spec, "a"), &clusters[1]);
	assert_ptr_equal(spec_find_cluster(&spec, "c"), &clusters[3]);
	assert_null(spec_find_cluster(&spec, "d"));
	assert_null(spec_find_cluster(&spec, "B"));
	assert_null(spec_find_cluster(&spec, NULL));
	assert_null(spec_find_cluster(&(struct spec){ 0 }, "a"));
}

static void cluster_questions_are_answered(void **state)
{
	(void)state;
	const struct spec_host hosts[] = { { .name = NULL }, { .name = "hv01" } };
	const struct spec_passthrough passthrough = { .pool = "mine" }, unnamed = { 0 };
	const struct gpu_group groups[] = {
		{ .name = NULL },
		{ .name = "whole", .passthrough = &passthrough },
		{ .name = "vdi", .partition_count = KNOWN(4) },
		{ .name = "more", .passthrough = &unnamed },
	};
	struct spec_cluster cluster = { .name = "paris", .hosts = hosts, .n_hosts = 2, .gpus = groups, .n_gpus = 4 };
	assert_ptr_equal(cluster_find_host(&cluster, "HV01"), &hosts[1]);
	assert_null(cluster_find_host(&cluster, "hv02"));
	assert_ptr_equal(cluster_find_group(&cluster, "vdi"), &groups[2]);
	assert_null(cluster_find_group(&cluster, "VDI"));
	assert_ptr_equal(cluster_partitioned_group(&cluster), &groups[2]);
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(group_pool_name(arena, &cluster, &groups[1]), "mine");
	assert_string_equal(group_pool_name(arena, &cluster, &groups[3]), "hvgpu-paris-more");
	cluster.n_gpus = 2;
	assert_null(cluster_partitioned_group(&cluster));
}

static void address_is_found_in_any_inventory(void **state)
{
	(void)state;
	const struct inventory_host first[] = { { .name = NULL }, { .name = "a" }, { .name = "B" }, { .name = "c" } };
	const struct inventory_host second[] = { { .name = "d", .address = "x" } };
	const struct spec_inventory inventories[] = { { .hosts = first, .n_hosts = 4 },
		{ .hosts = second, .n_hosts = 1 } };
	struct spec spec = { .inventories = inventories, .n_inventories = 2 };
	assert_ptr_equal(spec_find_address(&spec, "b"), &first[2]);
	assert_ptr_equal(spec_find_address(&spec, "A"), &first[1]);
	assert_ptr_equal(spec_find_address(&spec, "D"), &second[0]);
	assert_null(spec_find_address(&spec, "e"));
}

static void names_of_days_begin_on_monday(void **state)
{
	(void)state;
	assert_int_equal(name_find(&day_names, "Mon"), 0);
	assert_int_equal(name_find(&day_names, "Sun"), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_of_a_field_is_its_place),
		cmocka_unit_test(head_that_is_empty_has_nothing),
		cmocka_unit_test(cluster_is_found_by_exact_name),
		cmocka_unit_test(cluster_questions_are_answered),
		cmocka_unit_test(address_is_found_in_any_inventory),
		cmocka_unit_test(names_of_days_begin_on_monday),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
