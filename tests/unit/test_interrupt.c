/* SPDX-License-Identifier: Apache-2.0 */
#include "base/interrupt.h"
#include "base/proc.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static void signals_that_end_a_program_are_counted(void **state)
{
	(void)state;
	const volatile int *count = interrupt_count();
	assert_int_equal(*count, 0);
	raise(SIGHUP);
	assert_int_equal(*count, 1);
	raise(SIGHUP); /* a closed terminal says so more than once */
	assert_int_equal(*count, 1);
	raise(SIGINT);
	assert_int_equal(*count, 2);
	raise(SIGTERM);
	assert_int_equal(*count, 3);
	assert_ptr_equal(interrupt_count(), count);
}

/* As with nohup. Before the others: what is counted once is never ignored again. */
static void ignored_signal_stays_ignored(void **state)
{
	(void)state;
	signal(SIGHUP, SIG_IGN);
	const volatile int *count = interrupt_count();
	raise(SIGHUP);
	assert_int_equal(*count, 0);
	signal(SIGHUP, SIG_DFL);
}

static void waiting_read_is_broken_off(void **state)
{
	(void)state;
	int ends[2];
	char byte;
	interrupt_count();
	assert_int_equal(pipe(ends), 0);
	pid_t parent = getpid();
	g_autofree char *script = g_strdup_printf("sleep 0.1; kill -INT %d", (int)parent);
	const char *const argv[] = { "sh", "-c", script, NULL };
	assert_true(g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL));
	assert_int_equal(read(ends[0], &byte, 1), -1);
	assert_int_equal(errno, EINTR);
	close(ends[0]);
	close(ends[1]);
}

static void closed_pipe_is_an_error_of_the_write(void **state)
{
	(void)state;
	int ends[2];
	interrupt_ignore_pipes();
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(ends[1]);
}

static void children_are_ended_by_a_closed_pipe(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	interrupt_ignore_pipes();
	const char *const argv[] = { "sh", "-c", "kill -PIPE $$; exit 0", NULL };
	struct proc_result result;
	assert_int_equal(proc_run(&(struct proc){ .argv = argv }, D_UNEXPECTED, arena, &result, diags_new(arena)), 0);
	assert_int_equal(result.exit, 128 + SIGPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ignored_signal_stays_ignored),
		cmocka_unit_test(signals_that_end_a_program_are_counted),
		cmocka_unit_test(waiting_read_is_broken_off),
		cmocka_unit_test(closed_pipe_is_an_error_of_the_write),
		cmocka_unit_test(children_are_ended_by_a_closed_pipe),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
