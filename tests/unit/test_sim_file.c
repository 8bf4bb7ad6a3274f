/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "providers/host/sim_file.h"
#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

static void start_bench(struct bench *bench)
{
	struct arena *arena = arena_new();
	bench_init(bench, worlds_new(arena, 2, 1, 4, 1), NULL);
	arena_free(arena);
}

static void missing_file_is_a_finding(void **state)
{
	(void)state;
	struct bench bench;
	struct sim_file *file = NULL;
	bench_init(&bench, NULL, NULL);
	assert_int_equal(sim_file_open(bench.context, bench.path, &file, bench.diags), -1);
	assert_int_equal(bench.diags->first->code, D_SOURCE_NOT_FOUND);
	bench_done(&bench);
}

static void file_of_something_else_is_a_finding(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "hello\n", "a: [1, 2\n", "apiVersion: v1\nkind: ConfigMap\n",
		"\x01\x02" };
	for (uint32_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct bench bench;
		struct sim_file *file = NULL;
		bench_init(&bench, NULL, NULL);
		g_file_set_contents(bench.path, texts[i], -1, NULL);
		assert_int_equal(sim_file_open(bench.context, bench.path, &file, bench.diags), -1);
		assert_int_equal(bench.diags->last->code, D_WORLD_FILE);
		const struct source *source = bench.diags->first->loc.source; /* for the line that is shown */
		if (source)
			assert_memory_equal(source->bytes, texts[i], source->n_bytes);
		bench_done(&bench);
	}
}

static void fault_of_an_unknown_word_lists_those_there_are(void **state)
{
	(void)state;
	struct bench bench;
	struct sim_file *file = NULL;
	start_bench(&bench);
	const struct simulation_fault fault = { .nth = 1, .error = "tired", .step = "sleep" };
	bench_write(
		&bench, worlds_new(bench.arena, 1, 1, 4, 1), &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_file_open(bench.context, bench.path, &file, bench.diags), -1);
	const struct diag *error = bench.diags->first, *step = error->next;
	assert_non_null(
		strstr(error->message, "'error' is 'tired'; allowed is one of unreachable, timeout, access-denied"));
	assert_non_null(strstr(step->message, "'step' is 'sleep'; allowed is one of observe, stop-vm, start-vm, "));
	assert_true(error->loc.line > 0 && step->loc.line > 0 && step->loc.line != error->loc.line);
	bench_done(&bench);
}

static void sessions_of_a_context_share_one_reading(void **state)
{
	(void)state;
	struct bench bench;
	struct sim_file *one = NULL, *two = NULL;
	start_bench(&bench);
	assert_int_equal(sim_file_open(bench.context, bench.path, &one, bench.diags), 0);
	assert_int_equal(sim_file_open(bench.context, bench.path, &two, bench.diags), 0);
	assert_ptr_equal(one, two);
	struct sim_world *first = sim_file_world(one, bench.diags), *second = sim_file_world(two, bench.diags);
	assert_ptr_equal(first, second);
	sim_world_release(first);
	sim_world_release(second);
	sim_file_close(one);
	sim_file_close(two);
	bench_done(&bench);
}

static void saved_world_is_read_back_the_same(void **state)
{
	(void)state;
	struct bench bench;
	struct sim_file *file = NULL;
	start_bench(&bench);
	assert_int_equal(sim_file_open(bench.context, bench.path, &file, bench.diags), 0);
	struct sim_world *world = sim_file_world(file, bench.diags);
	world->states[1]->gpus[0].count = KNOWN(8);
	assert_int_equal(sim_file_save(file, world, bench.diags), 0);
	sim_world_release(world);
	sim_file_forget(file);
	world = sim_file_world(file, bench.diags);
	assert_true(maybe_is(world->states[1]->gpus[0].count, 8));
	assert_true(maybe_is(world->states[0]->gpus[0].count, 4));
	sim_world_release(world);
	sim_file_close(file);
	bench_done(&bench);
}

static void world_in_use_outlives_a_newer_reading(void **state)
{
	(void)state;
	struct bench bench;
	struct sim_file *file = NULL;
	start_bench(&bench);
	assert_int_equal(sim_file_open(bench.context, bench.path, &file, bench.diags), 0);
	struct sim_world *old = sim_file_world(file, bench.diags);
	bench_write(&bench, worlds_new(bench.arena, 1, 1, 2, 1), NULL);
	struct sim_world *new = sim_file_world(file, bench.diags);
	assert_ptr_not_equal(old, new);
	assert_int_equal(old->n_states, 2);
	assert_int_equal(new->n_states, 1);
	sim_world_release(old);
	sim_world_release(new);
	sim_file_close(file);
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_file_is_a_finding),
		cmocka_unit_test(file_of_something_else_is_a_finding),
		cmocka_unit_test(fault_of_an_unknown_word_lists_those_there_are),
		cmocka_unit_test(sessions_of_a_context_share_one_reading),
		cmocka_unit_test(saved_world_is_read_back_the_same),
		cmocka_unit_test(world_in_use_outlives_a_newer_reading),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
