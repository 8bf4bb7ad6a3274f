/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *folder, *path;
	int one, two; /* two opens of the file */
};

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("lock-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "lock", NULL);
	fixture->one = lock_open(fixture->path);
	fixture->two = lock_open(fixture->path);
	*state = fixture;
	return fixture->one < 0 || fixture->two < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	lock_close(fixture->one);
	lock_close(fixture->two);
	g_unlink(fixture->path);
	g_rmdir(fixture->folder);
	g_free(fixture->folder);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static void held_range_is_refused(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 0, 1), 0);
	assert_int_equal(lock_try(fixture->two, 0, 1), LOCK_HELD);
	assert_int_equal(lock_try(fixture->two, 0, 0), LOCK_HELD);
	assert_int_equal(lock_try(fixture->one, 0, 1), 0);
}

static void other_range_is_free(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 5, 1), 0);
	assert_int_equal(lock_try(fixture->two, 6, 1), 0);
	assert_int_equal(lock_try(fixture->two, 4, 1), 0);
}

static void released_range_is_free(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 0, 2), 0);
	assert_int_equal(lock_release(fixture->one, 0, 1), 0);
	assert_int_equal(lock_try(fixture->two, 0, 1), 0);
	assert_int_equal(lock_try(fixture->two, 1, 1), LOCK_HELD);
}

static void closed_file_frees_its_locks(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 0, 1), 0);
	lock_close(fixture->one);
	fixture->one = -1;
	assert_int_equal(lock_wait(fixture->two, 0, 1), 0);
}

static void closing_another_open_keeps_the_lock(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 0, 1), 0);
	lock_close(lock_open(fixture->path));
	assert_int_equal(lock_try(fixture->two, 0, 1), LOCK_HELD);
}

static void dead_process_frees_its_locks(void **state)
{
	struct fixture *fixture = *state;
	pid_t child = fork();
	if (child == 0) {
		int fd = lock_open(fixture->path);
		_exit(lock_try(fd, 0, 1) == 0 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(lock_try(fixture->one, 0, 1), 0);
}

static void looking_takes_nothing(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_test(fixture->one, 0, 1), 0);
	assert_int_equal(lock_try(fixture->two, 0, 1), 0);
	assert_int_equal(lock_test(fixture->one, 0, 1), LOCK_HELD);
	assert_int_equal(lock_test(fixture->one, 1, 1), 0);
	assert_int_equal(lock_test(fixture->two, 0, 1), 0);
	assert_int_equal(lock_test(-1, 0, 1), -EBADF);
}

static void waiting_ends_when_the_holder_does(void **state)
{
	struct fixture *fixture = *state;
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		int fd = lock_open(fixture->path);
		int result = lock_try(fd, 0, 1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		g_usleep(100 * 1000);
		_exit(result);
	}
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(lock_try(fixture->one, 0, 1), LOCK_HELD);
	assert_int_equal(lock_wait(fixture->one, 0, 1), 0);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ready[0]);
	close(ready[1]);
}

static void open_keeps_contents_and_tells_errors(void **state)
{
	struct fixture *fixture = *state;
	assert_true(g_file_set_contents(fixture->path, "kept", -1, NULL));
	lock_close(lock_open(fixture->path));
	g_autofree char *contents = NULL;
	assert_true(g_file_get_contents(fixture->path, &contents, NULL, NULL));
	assert_string_equal(contents, "kept");
	assert_int_equal(lock_open("/nonexistent/lock"), -ENOENT);
	assert_int_equal(lock_try(-1, 0, 1), -EBADF);
}

/* Whoever may only read the file sees the lock all the same. */
static void file_opened_to_be_tested_tells_who_holds_it(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(lock_try(fixture->one, 3, 1), 0);
	int fd = lock_open_to_test(fixture->path);
	assert_true(fd >= 0);
	assert_int_equal(lock_test(fd, 3, 1), LOCK_HELD);
	assert_int_equal(lock_test(fd, 4, 1), 0);
	assert_int_equal(lock_try(fd, 4, 1), -EBADF); /* it is for nothing else */
	lock_close(fd);
	assert_int_equal(lock_open_to_test("/nowhere/lock"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file_opened_to_be_tested_tells_who_holds_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(held_range_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_range_is_free, set_up, tear_down),
		cmocka_unit_test_setup_teardown(released_range_is_free, set_up, tear_down),
		cmocka_unit_test_setup_teardown(closed_file_frees_its_locks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(closing_another_open_keeps_the_lock, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dead_process_frees_its_locks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looking_takes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(waiting_ends_when_the_holder_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(open_keeps_contents_and_tells_errors, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
