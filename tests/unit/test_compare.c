/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A host with one GPU and one VM with an adapter; every call gives new memory, so nothing is equal by its address. */
static struct host_state *sample(struct arena *arena)
{
	struct host_state *state = arena_new_of(arena, struct host_state);
	struct adapter *adapter = arena_new_of(arena, struct adapter);
	*adapter = (struct adapter){ .id = arena_strdup(arena, "1"), .pinned = TRI_NO };
	adapter->quotas[QUOTA_MIN_VRAM] = KNOWN(1);
	struct gpu gpu = { .location_path = arena_strdup(arena, "A"), .state = GPU_PARTITIONABLE, .count = KNOWN(4) };
	struct vm vm = { .id = arena_strdup(arena, "v"), .name = "v", .adapters = adapter, .n_adapters = 1 };
	state->host.name = "hv01";
	state->gpus = arena_copy(arena, &gpu, sizeof(gpu));
	state->n_gpus = 1;
	state->vms = arena_copy(arena, &vm, sizeof(vm));
	state->n_vms = 1;
	return state;
}

static bool equal(const struct host_state *a, const struct host_state *b, unsigned mask)
{
	return fields_equal(kind_host_state.fields, a, b, mask);
}

static void compare_of_copies_is_equal(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_true(equal(sample(arena), sample(arena), 0));
	assert_true(equal(sample(arena), sample(arena), FIELD_GOVERNED));
}

static void compare_by_governed_fields_ignores_what_changes_by_itself(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state *a = sample(arena), *b = sample(arena);
	((struct adapter *)b->vms[0].adapters)->id = "2";
	b->host.observed_at = 7;
	b->gpus[0].instance_id = "other";
	assert_false(equal(a, b, 0));
	assert_true(equal(a, b, FIELD_GOVERNED));
	assert_true(equal(a, b, FIELD_GOVERNED | FIELD_IDENTITY));
}

static void compare_by_governed_fields_sees_inner_changes(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state *a = sample(arena), *b = sample(arena);
	((struct adapter *)b->vms[0].adapters)->quotas[QUOTA_MIN_VRAM] = UNKNOWN;
	assert_false(equal(a, b, FIELD_GOVERNED));
	b = sample(arena);
	b->gpus[0].count = KNOWN(8);
	assert_false(equal(a, b, FIELD_GOVERNED));
	assert_true(equal(a, b, FIELD_IDENTITY));
	b = sample(arena);
	b->vms[0].n_adapters = 0;
	assert_false(equal(a, b, FIELD_GOVERNED));
}

static void compare_of_unknown_and_zero_differs(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state *a = sample(arena), *b = sample(arena);
	a->gpus[0].count = KNOWN(0);
	b->gpus[0].count = UNKNOWN;
	assert_false(equal(a, b, FIELD_GOVERNED));
	a->gpus[0].count = (struct maybe_u64){ false, 3 };
	assert_true(equal(a, b, FIELD_GOVERNED));
}

static void compare_of_pointers_looks_behind_them(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state *a = sample(arena), *b = sample(arena);
	struct debt one = { .run = "r", .at = 1 }, two = { .run = "r", .at = 1 };
	a->vms[0].debt = &one;
	assert_false(equal(a, b, 0));
	b->vms[0].debt = &two;
	assert_true(equal(a, b, 0));
	two.at = 2;
	assert_false(equal(a, b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare_of_copies_is_equal),
		cmocka_unit_test(compare_by_governed_fields_ignores_what_changes_by_itself),
		cmocka_unit_test(compare_by_governed_fields_sees_inner_changes),
		cmocka_unit_test(compare_of_unknown_and_zero_differs),
		cmocka_unit_test(compare_of_pointers_looks_behind_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
