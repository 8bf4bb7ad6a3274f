/* SPDX-License-Identifier: Apache-2.0 */
#include "model/world.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct host_state *state_of(struct arena *arena, const char *name, uint32_t n_gpus, const char *const *paths)
{
	struct host_state *state = arena_new_of(arena, struct host_state);

	state->host.name = name;
	state->gpus = arena_array(arena, struct gpu, n_gpus);
	state->n_gpus = n_gpus;
	for (uint32_t i = 0; i < n_gpus; i++) {
		state->gpus[i] = worlds_gpu(arena, 0, i, 4);
		state->gpus[i].location_path = paths[i];
	}
	return state;
}

static void assembling_hosts_sorts_them_by_name(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	const struct host_state *states[] = { state_of(arena, "hv03", 0, NULL), state_of(arena, "HV02", 0, NULL),
		state_of(arena, "hv01", 0, NULL) };
	struct world *world = world_assemble(arena, states, 3);

	(void)ignored;
	assert_int_equal(world->n_hosts, 3);
	assert_string_equal(world->hosts[0].name, "hv01");
	assert_string_equal(world->hosts[1].name, "HV02");
	assert_string_equal(world->hosts[2].name, "hv03");
}

static void assembling_unsorted_gpus_moves_adapter_masks_along(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	const char *paths[] = { "C", "A", "B" };
	struct host_state *state = state_of(arena, "hv01", 3, paths);
	struct adapter adapter = { .pinned = TRI_NO, .gpus = 1 << 0 | 1 << 1 };
	struct vm vm = { .id = "1", .name = "a", .state = VM_RUNNING, .adapters = &adapter, .n_adapters = 1 };
	struct world *world = NULL;

	(void)ignored;
	state->vms = &vm;
	state->n_vms = 1;
	world = world_assemble(arena, (const struct host_state *const[]){ state }, 1);
	assert_string_equal(world->gpus[0].location_path, "A");
	assert_string_equal(world->gpus[2].location_path, "C");
	assert_int_equal(world->vms[0].adapters[0].gpus, 1 << 2 | 1 << 0);
	assert_int_equal(adapter.gpus, 1 << 0 | 1 << 1);
}

static void assembling_vms_sorts_them_by_host_name_and_id(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state *one = state_of(arena, "hv02", 0, NULL), *two = state_of(arena, "hv01", 0, NULL);
	struct vm first[] = { { .id = "9", .name = "b" }, { .id = "3", .name = "B" }, { .id = "2", .name = "b" } };
	struct vm second[] = { { .id = "7", .name = "z" } };
	struct world *world = NULL;

	(void)ignored;
	one->vms = first, one->n_vms = 3;
	two->vms = second, two->n_vms = 1;
	world = world_assemble(arena, (const struct host_state *const[]){ one, two }, 2);
	assert_string_equal(world->vms[0].id, "7");
	assert_string_equal(world->vms[1].id, "3");
	assert_string_equal(world->vms[2].id, "2");
	assert_string_equal(world->vms[3].id, "9");
	assert_int_equal(world->vms[0].host, 0);
	assert_int_equal(world->vms[3].host, 1);
}

static void taking_a_host_out_and_assembling_gives_it_back(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 3), *again = NULL;
	struct host_state *states[2] = { NULL };

	(void)ignored;
	worlds_vm(arena, world, 1, VM_OFF);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 2);
	world->vms[0].host = 0; /* moved, and so out of order */
	for (uint32_t h = 0; h < 2; h++)
		states[h] = world_host_state(arena, world, h);
	assert_int_equal(states[0]->n_vms, 2);
	assert_int_equal(states[1]->n_vms, 0);
	assert_int_equal(states[1]->gpus[0].host, 0);
	assert_int_equal(states[1]->host.first_gpu, 0);
	again = world_assemble(arena, (const struct host_state *const *)states, 2);
	assert_int_equal(again->n_gpus, 4);
	assert_int_equal(again->hosts[1].first_gpu, 2);
	assert_string_equal(again->vms[0].name, "vm-1");
	assert_int_equal(again->vms[1].adapters[0].gpus, 2);
}

static void a_copy_changes_without_its_original(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1), *copy = NULL;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	copy = world_copy(arena, world);
	copy->vms[0].state = VM_RUNNING;
	copy->gpus[0].count = KNOWN(8);
	assert_int_equal(world->vms[0].state, VM_OFF);
	assert_true(maybe_is(world->gpus[0].count, 4));
}

static void looking_up_names_ignores_case(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 2);
	uint32_t n = 7;

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	worlds_vm(arena, world, 1, VM_OFF);
	world->vms[1].name = "VM-1";
	assert_int_equal(world_find_host(world, "HV02"), 1);
	assert_int_equal(world_find_host(world, "hv03"), NO_INDEX);
	assert_int_equal(world_find_vm_named(world, "vm-1", &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(world_find_vm_named(world, "nobody", &n), NO_INDEX);
	assert_int_equal(n, 0);
	assert_int_equal(world_find_vm(world, world->vms[1].id), 1);
	assert_int_equal(world_find_gpu(world, 1, "PCIROOT(0)#PCI(0)"), 1);
	assert_int_equal(world_find_gpu(world, 1, "PCIROOT(0)#PCI(1)"), NO_INDEX);
}

static void an_adapter_of_an_off_vm_could_be_on_every_gpu_that_offers(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 3, 4, 1);

	(void)ignored;
	world->gpus[4].state = GPU_FAILED;
	worlds_vm(arena, world, 1, VM_OFF);
	worlds_adapter(arena, world, 0, -1, 1);
	assert_int_equal(adapter_gpus(world, &world->vms[0], &world->vms[0].adapters[0]), 1 | 4);
	assert_true(vm_could_be_on(world, &world->vms[0], 3));
	assert_false(vm_could_be_on(world, &world->vms[0], 4));
	assert_false(vm_could_be_on(world, &world->vms[0], 0));
}

static void an_adapter_of_a_saved_vm_is_where_it_was_seen(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 1);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 0, -1, 2);
	worlds_adapter(arena, world, 0, -1, 0);
	assert_int_equal(adapter_gpus(world, &world->vms[0], &world->vms[0].adapters[0]), 2);
	assert_int_equal(adapter_gpus(world, &world->vms[0], &world->vms[0].adapters[1]), 7);
}

static void a_pin_holds_and_an_unknown_one_could_be_anywhere(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 4, 1);
	struct adapter adapter = { .pin = "PCIROOT(0)#PCI(1)", .pinned = TRI_YES };
	struct adapter unknown = { .pinned = TRI_UNKNOWN }, none = { .pinned = TRI_NO };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	assert_int_equal(adapter_gpus(world, &world->vms[0], &adapter), 2);
	assert_int_equal(adapter_pins(world, &world->vms[0], &adapter), 2);
	assert_int_equal(adapter_pins(world, &world->vms[0], &unknown), 7);
	assert_int_equal(adapter_pins(world, &world->vms[0], &none), 0);
	adapter.pin = "elsewhere";
	assert_int_equal(adapter_gpus(world, &world->vms[0], &adapter), 0);
}

static void a_device_of_a_pool_could_be_any_of_its_members_on_that_host(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 2);

	(void)ignored;
	worlds_dismount(arena, world, 0, "p");
	worlds_dismount(arena, world, 2, "p");
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_device(arena, world, 0, 0, "P");
	worlds_vm(arena, world, 1, VM_RUNNING);
	worlds_device(arena, world, 1, 1, NULL);
	assert_true(vm_device_could_be(world, &world->vms[0], 0));
	assert_false(vm_device_could_be(world, &world->vms[0], 1));
	assert_false(vm_device_could_be(world, &world->vms[0], 2));
	assert_true(vm_device_could_be(world, &world->vms[1], 3));
	assert_false(vm_device_could_be(world, &world->vms[1], 2));
}

static void a_start_lands_on_gpus_that_are_not_certainly_full(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 1, 4);

	(void)ignored;
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 7);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 0, -1, 1);
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 6);
	assert_int_equal(host_landing_gpus(world, 0, 0), 7);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, -1, 6);
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 6);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 2, -1, 6);
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 0);
	world->gpus[2].count = UNKNOWN;
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 6);
}

static void a_saved_vm_takes_no_room_and_one_pinned_to_nothing_neither(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 1, 2);

	(void)ignored;
	worlds_vm(arena, world, 0, VM_SAVED);
	worlds_adapter(arena, world, 0, -1, 1);
	worlds_vm(arena, world, 0, VM_RUNNING);
	worlds_adapter(arena, world, 1, 5, 0);
	assert_int_equal(host_landing_gpus(world, 0, NO_INDEX), 1);
}

static void only_off_is_off_and_saved_does_not_run(void **ignored)
{
	(void)ignored;
	for (int s = 0; s < VM_STATE_COUNT; s++) {
		struct vm vm = { .state = (enum vm_state)s };

		assert_int_equal(vm_is_off(&vm), s == VM_OFF);
		assert_int_equal(vm_is_running(&vm), s != VM_OFF && s != VM_SAVED);
		assert_int_equal(vm_can_stop(&vm), s == VM_RUNNING);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assembling_hosts_sorts_them_by_name),
		cmocka_unit_test(assembling_unsorted_gpus_moves_adapter_masks_along),
		cmocka_unit_test(assembling_vms_sorts_them_by_host_name_and_id),
		cmocka_unit_test(taking_a_host_out_and_assembling_gives_it_back),
		cmocka_unit_test(a_copy_changes_without_its_original),
		cmocka_unit_test(looking_up_names_ignores_case),
		cmocka_unit_test(an_adapter_of_an_off_vm_could_be_on_every_gpu_that_offers),
		cmocka_unit_test(an_adapter_of_a_saved_vm_is_where_it_was_seen),
		cmocka_unit_test(a_pin_holds_and_an_unknown_one_could_be_anywhere),
		cmocka_unit_test(a_device_of_a_pool_could_be_any_of_its_members_on_that_host),
		cmocka_unit_test(a_start_lands_on_gpus_that_are_not_certainly_full),
		cmocka_unit_test(a_saved_vm_takes_no_room_and_one_pinned_to_nothing_neither),
		cmocka_unit_test(only_off_is_off_and_saved_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
