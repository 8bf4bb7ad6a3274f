/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "base/file.h"
#include "base/stamp.h"

#include <glib.h>
#include <glib/gstdio.h>

static void stamp_is_current_until_the_file_is_replaced(void **state)
{
	(void)state;
	g_autofree char *folder = g_dir_make_tmp("hvgpu-test-XXXXXX", NULL),
			*path = g_build_filename(folder, "a", NULL);
	g_autoptr(arena_auto) arena = arena_new();
	struct stamp stamp;
	assert_int_equal(file_write(path, "one", 3, diags_new(arena)), 0);
	stamp_take(&stamp, path);
	/* Even with the same size, within the same tick of the clock, and with an inode number that is free again. */
	for (uint32_t i = 0; i < 20; i++) {
		assert_true(stamp_is_current(&stamp, path));
		assert_int_equal(file_write(path, "two", 3, diags_new(arena)), 0);
		assert_false(stamp_is_current(&stamp, path));
		assert_int_equal(file_write(path, "one", 3, diags_new(arena)), 0);
		assert_false(stamp_is_current(&stamp, path));
		stamp_drop(&stamp);
		stamp_take(&stamp, path);
	}
	stamp_drop(&stamp);
	assert_false(stamp_is_current(&stamp, path));
	g_unlink(path);
	g_rmdir(folder);
}

static void stamp_of_a_missing_file_is_never_current(void **state)
{
	(void)state;
	struct stamp stamp;
	stamp_take(&stamp, "/nonexistent/file");
	assert_false(stamp_is_current(&stamp, "/nonexistent/file"));
	stamp_drop(&stamp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamp_is_current_until_the_file_is_replaced),
		cmocka_unit_test(stamp_of_a_missing_file_is_never_current),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
