/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct arena *arena;
	struct diags *diags;
	char *folder;
	struct source source;
};

static const char *at(struct fixture *fixture, const char *name)
{
	return arena_printf(fixture->arena, "%s/%s", fixture->folder, name);
}

static const char *make(struct fixture *fixture, const char *name, const char *text)
{
	const char *path = at(fixture, name);
	assert_true(g_file_set_contents(path, text, -1, NULL));
	return path;
}

static int set_up(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	fixture->folder = g_dir_make_tmp("file-XXXXXX", NULL);
	*state = fixture;
	return fixture->folder ? 0 : -1;
}

static void remove_all(const char *path)
{
	g_autoptr(GDir) folder = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	for (const char *name; folder && (name = g_dir_read_name(folder));) {
		g_autofree char *below = g_build_filename(path, name, NULL);
		remove_all(below);
	}
	g_remove(path);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	remove_all(fixture->folder);
	g_free(fixture->folder);
	arena_free(fixture->arena);
	g_free(fixture);
	return 0;
}

static int read_path(struct fixture *fixture, const char *path, size_t max_bytes)
{
	return file_read(path, max_bytes, fixture->arena, &fixture->source, fixture->diags);
}

static void read_gives_all_bytes_and_the_name(void **state)
{
	struct fixture *fixture = *state;
	const char *path = make(fixture, "a", "gpus");
	assert_int_equal(read_path(fixture, path, 4), 0);
	assert_int_equal(fixture->source.n_bytes, 4);
	assert_memory_equal(fixture->source.bytes, "gpus", 4);
	assert_string_equal(fixture->source.name, path);
	assert_int_equal(read_path(fixture, make(fixture, "empty", ""), 4), 0);
	assert_int_equal(fixture->source.n_bytes, 0);
}

static void read_over_the_cap_is_refused(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(read_path(fixture, make(fixture, "a", "gpus!"), 4), -1);
	assert_int_equal(fixture->diags->last->code, D_SOURCE_LIMIT);
	assert_int_equal(read_path(fixture, "/dev/zero", 1 << 20), -1);
	assert_int_equal(fixture->diags->last->code, D_SOURCE_LIMIT);
	assert_null(fixture->source.bytes);
}

static void read_of_what_is_no_file_names_the_path(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(read_path(fixture, at(fixture, "none"), 4), -1);
	assert_non_null(strstr(fixture->diags->last->message, "/none'"));
	assert_int_equal(read_path(fixture, fixture->folder, 4), -1);
	assert_int_equal(fixture->diags->last->code, D_SOURCE_NOT_FOUND);
	assert_int_equal(fixture->diags->n_errors, 2);
}

static void read_regular_refuses_symlink_fifo_and_folder(void **state)
{
	struct fixture *fixture = *state;
	make(fixture, "a", "gpus");
	assert_int_equal(symlink("a", at(fixture, "link")), 0);
	assert_int_equal(mkfifo(at(fixture, "fifo"), 0600), 0);
	static const struct {
		const char *name;
		enum diag_code code;
	} cases[] = { { "link", D_SOURCE_SYMLINK }, { "fifo", D_SOURCE_NOT_FOUND }, { ".", D_SOURCE_NOT_FOUND } };
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *path = at(fixture, cases[i].name);
		assert_int_equal(file_read_regular(path, 9, fixture->arena, &fixture->source, fixture->diags), -1);
		assert_int_equal(fixture->diags->last->code, cases[i].code);
	}
	assert_int_equal(file_read_regular(at(fixture, "a"), 9, fixture->arena, &fixture->source, fixture->diags), 0);
}

static void kind_is_of_link_or_target(void **state)
{
	struct fixture *fixture = *state;
	make(fixture, "a", "");
	assert_int_equal(symlink("a", at(fixture, "link")), 0);
	assert_int_equal(mkfifo(at(fixture, "fifo"), 0600), 0);
	assert_int_equal(file_kind(at(fixture, "a"), false), FILE_REGULAR);
	assert_int_equal(file_kind(at(fixture, "link"), false), FILE_SYMLINK);
	assert_int_equal(file_kind(at(fixture, "link"), true), FILE_REGULAR);
	assert_int_equal(file_kind(at(fixture, "fifo"), true), FILE_OTHER);
	assert_int_equal(file_kind(fixture->folder, true), FILE_FOLDER);
	assert_int_equal(file_kind(at(fixture, "none"), true), FILE_MISSING);
}

static void real_path_has_no_links(void **state)
{
	struct fixture *fixture = *state;
	make(fixture, "a", "");
	assert_int_equal(symlink("a", at(fixture, "link")), 0);
	assert_string_equal(file_real_path(at(fixture, "./link"), fixture->arena),
		file_real_path(at(fixture, "a"), fixture->arena));
	assert_null(file_real_path(at(fixture, "none"), fixture->arena));
}

static void list_is_sorted_by_bytes(void **state)
{
	struct fixture *fixture = *state;
	static const char *const names[] = { "b", "a", "B", ".hidden", "a.yaml" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		make(fixture, names[i], "");
	const char *const *found = NULL;
	uint32_t n = 0;
	assert_int_equal(file_list(fixture->folder, fixture->arena, &found, &n, fixture->diags), 0);
	assert_int_equal(n, 5);
	static const char *const sorted[] = { ".hidden", "B", "a", "a.yaml", "b" };
	for (uint32_t i = 0; i < n; i++)
		assert_string_equal(found[i], sorted[i]);
	assert_int_equal(file_list(at(fixture, "none"), fixture->arena, &found, &n, fixture->diags), -1);
	assert_int_equal(fixture->diags->last->code, D_SOURCE_NOT_FOUND);
}

static void write_replaces_and_leaves_nothing_beside(void **state)
{
	struct fixture *fixture = *state;
	const char *path = make(fixture, "a", "old and longer");
	assert_int_equal(file_write(path, "new", 3, fixture->diags), 0);
	assert_int_equal(read_path(fixture, path, 99), 0);
	assert_int_equal(fixture->source.n_bytes, 3);
	assert_memory_equal(fixture->source.bytes, "new", 3);
	const char *const *names;
	uint32_t n;
	assert_int_equal(file_list(fixture->folder, fixture->arena, &names, &n, fixture->diags), 0);
	assert_int_equal(n, 1);
	assert_int_equal(file_write(at(fixture, "none/a"), "new", 3, fixture->diags), -1);
	assert_int_equal(fixture->diags->last->code, D_OUTPUT);
	assert_true(g_str_has_suffix(
		fixture->diags->last->message, "none/a' cannot be written: No such file or directory"));
}

static void write_keeps_symlinks_and_fifos(void **state)
{
	struct fixture *fixture = *state;
	const char *target = make(fixture, "a", "old"), *link = at(fixture, "link"), *fifo = at(fixture, "fifo");
	assert_int_equal(symlink("a", link), 0);
	assert_int_equal(file_write(link, "new", 3, fixture->diags), 0);
	assert_int_equal(file_kind(link, false), FILE_SYMLINK);
	assert_int_equal(read_path(fixture, target, 99), 0);
	assert_memory_equal(fixture->source.bytes, "new", 3);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	FILE *reader = fopen(fifo, "r+"); /* somebody who reads, so that the writer does not wait */
	assert_int_equal(file_write(fifo, "plan", 4, fixture->diags), 0);
	char got[4];
	assert_int_equal(fread(got, 1, sizeof(got), reader), sizeof(got));
	assert_memory_equal(got, "plan", sizeof(got));
	assert_int_equal(file_kind(fifo, false), FILE_OTHER);
	fclose(reader);
}

static void make_folder_makes_those_above(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	assert_int_equal(file_make_folder(at(fixture, "x/y"), fixture->diags), 0);
	assert_int_equal(stat(at(fixture, "x/y"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(file_make_folder(at(fixture, "x/y"), fixture->diags), 0);
	make(fixture, "a", "");
	assert_int_equal(file_make_folder(at(fixture, "a/b"), fixture->diags), -1);
	assert_int_equal(fixture->diags->last->code, D_OUTPUT);
}

static void put_tells_full_disk_and_closed_pipe(void **state)
{
	struct fixture *fixture = *state;
	FILE *full = fopen("/dev/full", "we");
	assert_non_null(full);
	assert_int_equal(file_put(full, "plan", 4, fixture->diags), -1);
	assert_int_equal(fixture->diags->last->code, D_OUTPUT);
	fclose(full);
	signal(SIGPIPE, SIG_IGN);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	FILE *closed = fdopen(ends[1], "w");
	close(ends[0]);
	assert_int_equal(file_put(closed, "plan", 4, fixture->diags), FILE_CLOSED);
	assert_int_equal(fixture->diags->n, 1);
	fclose(closed);
	FILE *good = fopen(at(fixture, "a"), "we");
	assert_int_equal(file_put(good, "plan", 4, fixture->diags), 0);
	fclose(good);
	assert_int_equal(read_path(fixture, at(fixture, "a"), 99), 0);
	assert_int_equal(fixture->source.n_bytes, 4);
}

static void append_starts_a_new_file_and_adds_to_its_own_kind_alone(void **state)
{
	struct fixture *fixture = *state;
	for (uint32_t i = 0; i < 2; i++) {
		FILE *stream = file_append(at(fixture, "log"), "head\n", fixture->diags);
		assert_non_null(stream);
		assert_int_equal(file_put(stream, "line\n", 5, fixture->diags), 0);
		fclose(stream);
	}
	assert_int_equal(read_path(fixture, at(fixture, "log"), 99), 0);
	assert_int_equal(fixture->source.n_bytes, 15);
	assert_memory_equal(fixture->source.bytes, "head\nline\nline\n", 15);
	assert_null(file_append(make(fixture, "other", "hea"), "head\n", fixture->diags));
	assert_int_equal(fixture->diags->last->code, D_WORLD_FILE);
	assert_int_equal(read_path(fixture, at(fixture, "other"), 99), 0);
	assert_int_equal(fixture->source.n_bytes, 3);
	assert_null(file_append(at(fixture, "no/such/folder"), "head\n", fixture->diags));
	assert_int_equal(fixture->diags->last->code, D_OUTPUT);
	FILE *full = file_append("/dev/full", "head\n", fixture->diags);
	assert_null(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(read_gives_all_bytes_and_the_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(read_over_the_cap_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(read_of_what_is_no_file_names_the_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(read_regular_refuses_symlink_fifo_and_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kind_is_of_link_or_target, set_up, tear_down),
		cmocka_unit_test_setup_teardown(real_path_has_no_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(list_is_sorted_by_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(write_replaces_and_leaves_nothing_beside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(write_keeps_symlinks_and_fifos, set_up, tear_down),
		cmocka_unit_test_setup_teardown(make_folder_makes_those_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			append_starts_a_new_file_and_adds_to_its_own_kind_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(put_tells_full_disk_and_closed_pipe, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
