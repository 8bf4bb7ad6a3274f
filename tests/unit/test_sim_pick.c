/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

/* Three GPUs of 2, of which the last is full and the middle one has another count; vm-1 starts. */
static uint64_t started_on(const char *options)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 1, 3, 2, 3);
	struct bench bench;
	uint64_t mask;
	world->gpus[1].count = KNOWN(4);
	worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_OFF), -1, 0);
	for (uint32_t i = 0; i < 2; i++)
		worlds_adapter(arena, world, worlds_vm(arena, world, 0, VM_RUNNING), -1, 4);
	struct step start = { .kind = STEP_START_VM, .id = 1, .host_name = "hv01", .vm_id = world->vms[0].id };
	bench_init(&bench, world, NULL);
	bench.options = options;
	struct host_session *session = bench_open(&bench, "sim", "hv01");
	assert_int_equal(bench_lease(&bench, session, 1), HOST_OK);
	assert_int_equal(bench_step(&bench, session, &start)->error, HOST_OK);
	mask = bench.reply.vm_after->adapters[0].gpus;
	bench_done(&bench);
	return mask;
}

static void policies_choose_among_gpus_with_room(void **state)
{
	(void)state;
	assert_int_equal(started_on("?pick=first"), 1);
	assert_int_equal(started_on("?pick=last"), 2);
	assert_int_equal(started_on("?pick=adversarial"), 2);
	assert_int_equal(started_on(""), 1);
}

static void seeded_choice_is_the_same_each_time_and_differs_by_seed(void **state)
{
	(void)state;
	uint64_t seen = 0;
	for (uint32_t seed = 0; seed < 12; seed++) {
		g_autofree char *options = g_strdup_printf("?pick=seeded&seed=%u", seed);
		assert_int_equal(started_on(options), started_on(options));
		seen |= started_on(options);
	}
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_choose_among_gpus_with_room),
		cmocka_unit_test(seeded_choice_is_the_same_each_time_and_differs_by_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
