/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "tests/lib/test.h"

struct fixture {
	struct arena *arena;
	struct diags *diags;
	struct proc_result result;
};

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

static int run_shell(struct fixture *fixture, const char *script, struct proc proc)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	proc.argv = argv;
	return proc_run(&proc, D_SOURCE_REMOTE, fixture->arena, &fixture->result, fixture->diags);
}

static void exit_code_and_errors_are_told(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(run_shell(fixture, "echo out; echo why >&2; exit 7", (struct proc){ 0 }), 0);
	assert_int_equal(fixture->result.exit, 7);
	assert_false(fixture->result.timed_out);
	assert_string_equal(fixture->result.output, "why\n");
	assert_int_equal(fixture->diags->n, 0);
}

static void input_is_handed_over_and_output_kept(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(run_shell(fixture, "cat; echo why >&2", (struct proc){ .input = "a\nb", .n_input = 3 }), 0);
	assert_string_equal(fixture->result.answer, "a\nb");
	assert_string_equal(fixture->result.output, "why\n");
}

static void bytes_come_as_they_are(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(run_shell(fixture, "printf 'a\\0b\\377'", (struct proc){ 0 }), 0);
	assert_int_equal(fixture->result.n_bytes, 4);
	assert_memory_equal(fixture->result.bytes, "a\0b\377", 4);
}

/* More than a pipe holds, both ways at once. */
static void long_input_does_not_wait_for_itself(void **state)
{
	struct fixture *fixture = *state;
	enum { LONG = 1 << 20 };
	g_autofree char *input = g_strnfill(LONG, 'x');
	assert_int_equal(run_shell(fixture, "cat", (struct proc){ .input = input, .n_input = LONG }), 0);
	assert_int_equal(strlen(fixture->result.answer), PROC_OUTPUT_MAX);
	assert_int_equal(run_shell(fixture, "cat | wc -c", (struct proc){ .input = input, .n_input = LONG }), 0);
	assert_string_equal(fixture->result.answer, "1048576\n");
}

static void input_that_nobody_reads_is_no_fault(void **state)
{
	struct fixture *fixture = *state;
	enum { LONG = 1 << 20 };
	g_autofree char *input = g_strnfill(LONG, 'x');
	interrupt_ignore_pipes();
	assert_int_equal(run_shell(fixture, "exit 3", (struct proc){ .input = input, .n_input = LONG }), 0);
	assert_int_equal(fixture->result.exit, 3);
}

static void arguments_are_data(void **state)
{
	struct fixture *fixture = *state;
	const char *const argv[] = { "sh", "-c", "printf %s \"$1\" >&2", "sh", "$(echo no); *", NULL };
	const struct proc proc = { .argv = argv };
	assert_int_equal(proc_run(&proc, D_SOURCE_REMOTE, fixture->arena, &fixture->result, fixture->diags), 0);
	assert_string_equal(fixture->result.output, "$(echo no); *");
}

static void environment_is_set_and_unset(void **state)
{
	struct fixture *fixture = *state;
	static const char *const set[] = { "PROC_SET", "yes", NULL };
	static const char *const unset[] = { "PROC_UNSET", NULL };
	g_setenv("PROC_UNSET", "there", TRUE);
	run_shell(fixture, "echo $PROC_SET ${PROC_UNSET-gone} >&2", (struct proc){ .set = set, .unset = unset });
	assert_string_equal(fixture->result.output, "yes gone\n");
}

static void missing_program_is_a_finding(void **state)
{
	struct fixture *fixture = *state;
	static const char *const argv[] = { "no-such-program-here", NULL };
	const struct proc proc = { .argv = argv };
	assert_int_equal(proc_run(&proc, D_SOURCE_REMOTE, fixture->arena, &fixture->result, fixture->diags), -1);
	assert_int_equal(fixture->diags->first->code, D_SOURCE_REMOTE);
	assert_non_null(strstr(fixture->diags->first->message, "'no-such-program-here'"));
}

static void killed_child_is_told_by_its_signal(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(run_shell(fixture, "kill -9 $$", (struct proc){ 0 }), 0);
	assert_int_equal(fixture->result.exit, 128 + 9);
	assert_false(fixture->result.timed_out);
}

static void long_output_keeps_its_end(void **state)
{
	struct fixture *fixture = *state;
	run_shell(fixture, "head -c 200000 /dev/zero | tr '\\0' a >&2; echo end >&2", (struct proc){ 0 });
	assert_int_equal(strlen(fixture->result.output), PROC_OUTPUT_MAX);
	assert_true(g_str_has_suffix(fixture->result.output, "aend\n"));
}

static void output_is_made_valid_text(void **state)
{
	struct fixture *fixture = *state;
	run_shell(fixture, "printf 'a\\377b' >&2", (struct proc){ 0 });
	assert_string_equal(fixture->result.output, "a\uFFFDb");
}

static void child_over_its_time_is_killed(void **state)
{
	struct fixture *fixture = *state;
	int64_t start = clock_monotonic_ms();
	assert_int_equal(run_shell(fixture, "echo begun >&2; exec sleep 60", (struct proc){ .timeout_s = 1 }), 0);
	assert_true(fixture->result.timed_out);
	assert_int_equal(fixture->result.exit, 128 + 9);
	assert_string_equal(fixture->result.output, "begun\n");
	assert_true(clock_monotonic_ms() - start < 30000);
}

static void standard_input_is_empty(void **state)
{
	struct fixture *fixture = *state;
	run_shell(fixture, "cat; echo end >&2", (struct proc){ .timeout_s = 20 });
	assert_string_equal(fixture->result.output, "end\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(exit_code_and_errors_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(input_is_handed_over_and_output_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_come_as_they_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_input_does_not_wait_for_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(input_that_nobody_reads_is_no_fault, set_up, tear_down),
		cmocka_unit_test_setup_teardown(arguments_are_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(environment_is_set_and_unset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_program_is_a_finding, set_up, tear_down),
		cmocka_unit_test_setup_teardown(killed_child_is_told_by_its_signal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_output_keeps_its_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(output_is_made_valid_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(child_over_its_time_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(standard_input_is_empty, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
