/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"
#include "tests/lib/test.h"

/* What is said of VM 'a' in this state, owed a start and these adapters. */
static void assert_says(enum settle_mode mode, enum vm_state state, const struct debt *debt, const char *expected)
{
	const struct vm vm = { .name = "a", .state = state };
	const struct settled settled = { &vm, debt, debt && debt->power != DEBT_POWER_NONE && state == VM_OFF };
	g_autoptr(GString) out = g_string_new(NULL);
	render_settled_text(out, &settled, mode);
	assert_string_equal(out->str, expected);
}

static const struct adapter plain[2] = { { .id = "x" }, { .id = "y" } };
static const struct debt power = { .power = DEBT_POWER_STOPPED };
static const struct debt parts = { .adapters = plain, .n_adapters = 1 };
static const struct debt both = { .power = DEBT_POWER_STOPPED, .adapters = plain, .n_adapters = 1 };

static void start_that_is_owed_is_made(void **state)
{
	(void)state;
	assert_says(SETTLE_RENEW, VM_OFF, NULL, "nothing is owed to 'a'\n");
	assert_says(SETTLE_RENEW, VM_OFF, &power, "the next apply or restore starts 'a'\n");
	assert_says(
		SETTLE_RENEW, VM_OFF, &both, "the next apply or restore gives 'a' its partition back and starts it\n");
}

static void vm_that_is_owed_parts_alone_is_not_said_to_be_started(void **state)
{
	(void)state;
	static const struct device device = { .pool = "p" };
	const struct debt mixed = { .adapters = plain, .n_adapters = 2, .devices = &device, .n_devices = 1 };
	assert_says(SETTLE_RENEW, VM_OFF, &parts, "the next apply or restore gives 'a' its partition back\n");
	assert_says(SETTLE_RENEW, VM_OFF, &mixed,
		"the next apply or restore gives 'a' its 2 partitions and whole GPU back\n");
}

static void vm_that_is_not_off_is_owed_no_start(void **state)
{
	(void)state;
	assert_says(SETTLE_RENEW, VM_RUNNING, &power, "'a' runs; nothing is owed to it\n");
	assert_says(SETTLE_RENEW, VM_SAVED, &power, "'a' is Saved; nothing is owed to it\n");
	assert_says(SETTLE_RENEW, VM_RUNNING, &both,
		"'a' runs and is owed no start; the next apply stops it, gives it its partition back, and starts it "
		"again; 'hvgpu restore' does when it is off\n");
	assert_says(SETTLE_RENEW, VM_SAVED, &both,
		"'a' is Saved and is owed no start; what it is owed, its partition, is given back by the first apply "
		"that finds it off or running, or restore that finds it off\n");
}

static void part_beside_one_that_the_vm_has_is_not_promised(void **state)
{
	(void)state;
	const struct vm vm = { .name = "a", .state = VM_RUNNING, .adapters = plain, .n_adapters = 1 };
	const struct settled settled = { &vm, &both, false };
	g_autoptr(GString) out = g_string_new(NULL);
	render_settled_text(out, &settled, SETTLE_RENEW);
	assert_string_equal(out->str,
		"'a' runs and is owed no start; it is still owed its partition and has one already, and 'hvgpu "
		"restore' says what becomes of that\n");
}

static void what_is_forgotten_is_named(void **state)
{
	(void)state;
	struct adapter with = { .pin = "P" };
	const struct debt one = { .power = DEBT_POWER_STOPPED, .adapters = &with, .n_adapters = 1 };
	const struct debt two = { .adapters = plain, .n_adapters = 2 };
	with.quotas[QUOTA_MIN_VRAM] = KNOWN(1000);
	with.quotas[QUOTA_MAX_VRAM] = KNOWN(2000);
	assert_says(SETTLE_LEAVE_OFF, VM_OFF, NULL, "nothing is owed to 'a'\n");
	assert_says(SETTLE_LEAVE_OFF, VM_OFF, &power, "'a' stays as it is\n");
	assert_says(SETTLE_LEAVE_OFF, VM_RUNNING, &one,
		"'a' runs and stays as it is; the partition (with minPartitionVRAM 1000, maxPartitionVRAM 2000, pinned "
		"to P) that was taken from it is not given back unless a manifest asks for it\n");
	assert_says(SETTLE_LEAVE_OFF, VM_OFF, &two,
		"'a' stays as it is; the 2 partitions that were taken from it are not given back unless a manifest "
		"asks for them\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_that_is_owed_is_made),
		cmocka_unit_test(vm_that_is_owed_parts_alone_is_not_said_to_be_started),
		cmocka_unit_test(vm_that_is_not_off_is_owed_no_start),
		cmocka_unit_test(part_beside_one_that_the_vm_has_is_not_promised),
		cmocka_unit_test(what_is_forgotten_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
