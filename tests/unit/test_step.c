/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/steps.h"
#include "tests/lib/worlds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void every_row_has_its_name_function_and_doc(void **ignored)
{
	(void)ignored;
	for (int k = 0; k < STEP_KIND_COUNT; k++) {
		assert_string_equal(step_rows[k].name, name_of(&step_kind_names, k));
		assert_non_null(step_rows[k].simulate);
		assert_non_null(step_rows[k].doc);
		assert_true(step_rows[k].typical_seconds > 0);
		assert_int_equal(step_rows[step_rows[k].inverse].inverse, k);
	}
}

static void binding_finds_objects_by_their_keys(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 2, 4, 1);
	struct diags *diags = diags_new(arena);
	struct step gpu = { .kind = STEP_SET_COUNT, .host_name = "HV02", .location_path = "PCIROOT(0)#PCI(1)" };
	struct step vm = { .kind = STEP_STOP_VM, .host_name = "hv01" };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	vm.vm_id = world->vms[0].id;
	assert_int_equal(step_bind(&gpu, world, diags), 0);
	assert_int_equal(gpu.gpu, 3);
	assert_int_equal(gpu.host, 1);
	assert_int_equal(gpu.vm, NO_INDEX);
	assert_int_equal(step_bind(&vm, world, diags), 0);
	assert_int_equal(vm.vm, 0);
	assert_int_equal(vm.gpu, NO_INDEX);
	assert_int_equal(diags->n, 0);
}

static void binding_to_a_world_that_lacks_the_key_is_refused(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 0);
	struct diags *diags = diags_new(arena);
	struct step steps[] = {
		{ .kind = STEP_SET_COUNT, .host_name = "hv09", .location_path = "PCIROOT(0)#PCI(0)" },
		{ .kind = STEP_SET_COUNT, .host_name = "hv01", .location_path = "PCIROOT(0)#PCI(9)" },
		{ .kind = STEP_START_VM, .host_name = "hv01", .vm_id = "x", .vm_name = "vm-x" },
		{ .kind = STEP_CREATE_POOL, .pool = "p" },
	};

	(void)ignored;
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		assert_int_equal(step_bind(&steps[i], world, diags), -1);
		assert_int_equal(diags->last->code, D_STEP_NOT_POSSIBLE);
		assert_int_equal(step_bind(&steps[i], world, NULL), -1);
	}
	assert_int_equal(diags->n, G_N_ELEMENTS(steps));
	assert_string_equal(diags->first->subject, "host/hv09/gpu/PCIROOT(0)#PCI(0)");
	assert_string_equal(diags->first->message,
		"step 0 (set partitions of hv09 PCIROOT(0)#PCI(0) to 0) is not possible: there is no host 'hv09'");
}

static void a_step_for_a_vm_that_is_elsewhere_is_refused(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 1);
	struct step step = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_RUNNING);
	step = steps_vm(world, STEP_STOP_VM, 0);
	world->vms[0].host = 1;
	assert_int_equal(steps_do(arena, world, &step), STEPS_REFUSED);
	world->vms[0].host = 0;
	assert_int_equal(steps_do(arena, world, &step), STEPS_CHANGED);
}

static void texts_name_what_changes(void **ignored)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 1, 4, 1);
	struct step count = { 0 }, add = { 0 }, configure = { 0 };

	(void)ignored;
	worlds_vm(arena, world, 0, VM_OFF);
	count = steps_gpu(world, STEP_SET_COUNT, 0);
	count.count = 8;
	count.count_before = 4;
	assert_string_equal(step_text(arena, &count), "set partitions of hv01 PCIROOT(0)#PCI(0) from 4 to 8");
	count.count_before = 0;
	assert_string_equal(step_text(arena, &count), "set partitions of hv01 PCIROOT(0)#PCI(0) to 8");
	add = steps_vm(world, STEP_ADD_DEVICE, 0);
	add.device.pool = "p";
	assert_string_equal(step_text(arena, &add), "add a GPU of pool p to vm-1");
	configure = steps_vm(world, STEP_CONFIGURE_VM, 0);
	configure.settings = (struct vm_settings){ .which = SETTING_AUTOMATIC_CHECKPOINTS | SETTING_MMIO_LOW,
		.mmio_low_bytes = 3ull << 30 };
	assert_string_equal(
		step_text(arena, &configure), "configure vm-1: automatic checkpoints off, low MMIO at least 3072 MiB");
	for (int k = 0; k < STEP_KIND_COUNT; k++) {
		struct step step = { .kind = (enum step_kind)k };

		assert_true(strlen(step_text(arena, &step)) > 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_name_function_and_doc),
		cmocka_unit_test(binding_finds_objects_by_their_keys),
		cmocka_unit_test(binding_to_a_world_that_lacks_the_key_is_refused),
		cmocka_unit_test(a_step_for_a_vm_that_is_elsewhere_is_refused),
		cmocka_unit_test(texts_name_what_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
