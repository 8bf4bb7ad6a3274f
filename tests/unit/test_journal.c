/* SPDX-License-Identifier: Apache-2.0 */
/* The file cut at every byte, and every byte of it changed. */
#include "base/journal.h"
#include "base/file.h"
#include "base/lock.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char *folder, *path;
	struct arena *arena;
	struct diags *diags;
};

static const char *const three[] = { "{\"a\":1}", "", "{\"b\":\"zwei\"}" };
enum { N_THREE = G_N_ELEMENTS(three) };

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("journal-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "sub", "journal", NULL);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	const char *const argv[] = { "rm", "-rf", fixture->folder, NULL };
	assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
	arena_free(fixture->arena);
	g_free(fixture->folder);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static struct journal read_all(struct fixture *fixture)
{
	struct journal journal;
	assert_int_equal(journal_read(fixture->path, fixture->arena, &journal, fixture->diags), 0);
	return journal;
}

static void append(struct fixture *fixture, const char *record)
{
	assert_int_equal(journal_append(fixture->path, &record, 1, fixture->diags), 0);
}

static void append_three(struct fixture *fixture)
{
	assert_int_equal(journal_append(fixture->path, three, 2, fixture->diags), 0);
	append(fixture, three[2]);
}

static void put(const struct fixture *fixture, const char *bytes, size_t n)
{
	assert_true(g_file_set_contents(fixture->path, bytes, (gssize)n, NULL));
}

static void what_is_appended_is_read(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(read_all(fixture).n_records, 0);
	assert_null(journal_first(fixture->path, fixture->arena));
	append_three(fixture);
	struct journal journal = read_all(fixture);
	assert_int_equal(journal.n_records, N_THREE);
	for (uint32_t i = 0; i < N_THREE; i++)
		assert_string_equal(journal.records[i].text, three[i]);
	assert_int_equal(journal.n_damaged + journal.n_torn_bytes, 0);
	assert_string_equal(journal_first(fixture->path, fixture->arena), three[0]);
	struct stat info;
	assert_int_equal(stat(fixture->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

/* A crash leaves the beginning of what was being written. */
static void file_cut_anywhere_keeps_what_was_whole_and_goes_on(void **state)
{
	struct fixture *fixture = *state;
	append_three(fixture);
	uint64_t starts[N_THREE + 1];
	for (uint32_t i = 0; i < N_THREE; i++)
		starts[i] = read_all(fixture).records[i].offset;
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	starts[N_THREE] = n;
	for (gsize cut = 0; cut <= n; cut++) {
		uint32_t n_whole = 0;
		while (n_whole < N_THREE && starts[n_whole + 1] <= cut)
			n_whole++;
		put(fixture, bytes, cut);
		struct journal journal = read_all(fixture);
		assert_int_equal(journal.n_records, n_whole);
		assert_int_equal(journal.n_damaged, 0);
		assert_int_equal(journal.n_torn_bytes == 0, cut == 0 || cut == starts[n_whole]);
		append(fixture, "new");
		journal = read_all(fixture);
		assert_int_equal(journal.n_records, n_whole + 1);
		assert_int_equal(journal.n_damaged + journal.n_torn_bytes, 0);
		for (uint32_t i = 0; i < n_whole; i++)
			assert_string_equal(journal.records[i].text, three[i]);
		assert_string_equal(journal.records[n_whole].text, "new");
	}
}

/* What is read is what was written; what is not read is told of; and one byte takes away one record at most. */
static void check_flipped(struct fixture *fixture, const char *bytes, gsize n, gsize at, int mask)
{
	g_autofree char *changed = g_memdup2(bytes, n);
	changed[at] ^= (char)mask;
	put(fixture, changed, n);
	struct journal journal;
	struct diags *diags = diags_new(fixture->arena);
	int result = journal_read(fixture->path, fixture->arena, &journal, diags);
	gsize n_head = strlen("hvgpu-journal 1\n");
	if (at < n_head && at >= n_head - 2) { /* another version, or none */
		assert_int_equal(result, -1);
		const char *record = "new";
		assert_int_equal(journal_append(fixture->path, &record, 1, diags), -1);
		g_autofree char *after = NULL;
		assert_true(g_file_get_contents(fixture->path, &after, NULL, NULL));
		assert_memory_equal(after, changed, n);
		return;
	}
	assert_int_equal(result, 0);
	assert_true(journal.n_damaged || journal.n_torn_bytes);
	assert_true(journal.n_records >= N_THREE - (at >= n_head));
	for (uint32_t i = 0, k = 0; i < journal.n_records; i++, k++) {
		while (k < N_THREE && strcmp(journal.records[i].text, three[k]) != 0)
			k++;
		assert_true(k < N_THREE);
	}
	append(fixture, "new");
	struct journal then = read_all(fixture);
	assert_int_equal(then.n_records, journal.n_records + 1);
	assert_string_equal(then.records[journal.n_records].text, "new");
}

static void byte_changed_anywhere_is_told_of(void **state)
{
	struct fixture *fixture = *state;
	append_three(fixture);
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	for (gsize at = 0; at < n; at++) {
		check_flipped(fixture, bytes, n, at, 0x01);
		check_flipped(fixture, bytes, n, at, 0x80);
	}
}

static void zeroes_at_the_end_are_cut(void **state)
{
	struct fixture *fixture = *state;
	append_three(fixture);
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	bytes = g_realloc(bytes, n + 100);
	memset(bytes + n, 0, 100);
	put(fixture, bytes, n + 100);
	assert_int_equal(read_all(fixture).n_torn_bytes, 100);
	append(fixture, "new");
	assert_int_equal(read_all(fixture).n_records, N_THREE + 1);
}

static void refused(struct fixture *fixture, const char *part)
{
	const char *record = "new";
	struct diags *diags = diags_new(fixture->arena);
	assert_int_equal(journal_append(fixture->path, &record, 1, diags), -1);
	assert_int_equal(diags->first->code, D_JOURNAL);
	assert_int_equal(diags->n_errors, 0);
	assert_non_null(strstr(diags->first->message, part));
}

static void what_cannot_be_written_is_a_warning(void **state)
{
	struct fixture *fixture = *state;
	append(fixture, "old");
	put(fixture, "notes of somebody\n", 18);
	refused(fixture, "not a journal");
	g_unlink(fixture->path);
	assert_int_equal(g_mkdir(fixture->path, 0700), 0);
	refused(fixture, "cannot be opened");
	g_rmdir(fixture->path);
	assert_int_equal(symlink("/dev/full", fixture->path), 0);
	refused(fixture, "journal");
	g_unlink(fixture->path);
	g_autofree char *name = g_strconcat(fixture->path, ".lock", NULL);
	int lock = lock_open(name);
	assert_int_equal(lock_try(lock, 0, 0), 0);
	refused(fixture, "cannot be locked");
	lock_close(lock);
}

/* No run fails because of its history. */
static void record_that_is_none_is_a_warning(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *long_one = g_strnfill(JOURNAL_RECORD_MAX + 1, 'x');
	const char *const records[] = { long_one, "two\nlines" };
	for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
		struct diags *diags = diags_new(fixture->arena);
		assert_int_equal(journal_append(fixture->path, &records[i], 1, diags), -1);
		assert_int_equal(diags->first->code, D_JOURNAL);
		assert_int_equal(diags->n_errors, 0);
	}
	append(fixture, "next");
}

/* The first line was changed: what stands behind it is read, and goes on. */
static void damaged_first_line_loses_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct journal journal;
	append(fixture, "one");
	append(fixture, "two");
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	bytes[3] ^= 1;
	put(fixture, bytes, n);
	append(fixture, "three");
	assert_int_equal(journal_read(fixture->path, fixture->arena, &journal, fixture->diags), 0);
	assert_int_equal(journal.n_records, 3);
	assert_int_equal(journal.n_damaged, 1);
	assert_int_equal(journal.damaged_at, 0);
	memcpy(bytes, "hvgpu-journal 2", 15); /* a later version's */
	put(fixture, bytes, n);
	refused(fixture, "not a journal");
}

/* More than any record: zeroes that a file system left. */
static void long_tail_is_cut(void **state)
{
	struct fixture *fixture = *state;
	struct journal journal;
	append(fixture, "one");
	g_autofree char *bytes = NULL;
	gsize n, n_zeroes = 2 * JOURNAL_RECORD_MAX + 77;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	g_autofree char *with_tail = g_malloc0(n + n_zeroes);
	memcpy(with_tail, bytes, n);
	put(fixture, with_tail, n + n_zeroes);
	append(fixture, "two");
	assert_int_equal(journal_read(fixture->path, fixture->arena, &journal, fixture->diags), 0);
	assert_int_equal(journal.n_records, 2);
	assert_int_equal(journal.n_damaged, 0);
}

static void what_cannot_be_reached_is_not_empty(void **state)
{
	struct fixture *fixture = *state;
	struct journal journal;
	assert_int_equal(journal_read(fixture->path, fixture->arena, &journal, fixture->diags), 0); /* none yet */
	append(fixture, "one");
	g_autofree char *below = g_build_filename(fixture->path, "journal", NULL);
	g_autofree char *dangling = g_strconcat(fixture->path, ".link", NULL);
	g_autofree char *fifo = g_strconcat(fixture->path, ".fifo", NULL);
	assert_int_equal(symlink("nowhere", dangling), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	const char *const paths[] = { below, dangling, fifo };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
		assert_int_equal(journal_read(paths[i], fixture->arena, &journal, fixture->diags), -1);
	g_unlink(dangling);
	g_unlink(fifo);
}

/* Each process appends its own; none is lost or torn, and each one's are in their order. */
static void many_append_at_once(void **state)
{
	enum { WRITERS = 4, RECORDS = 25 };
	struct fixture *fixture = *state;
	pid_t writers[WRITERS];
	for (int w = 0; w < WRITERS; w++) {
		writers[w] = fork();
		if (writers[w] == 0) {
			int failures = 0;
			for (int i = 0; i < RECORDS; i++) {
				g_autofree char *text = g_strdup_printf("%d %d", w, i);
				const char *record = text;
				failures += journal_append(fixture->path, &record, 1, fixture->diags) != 0;
			}
			_exit(failures != 0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;
		assert_int_equal(waitpid(writers[w], &status, 0), writers[w]);
		assert_int_equal(status, 0);
	}
	struct journal journal = read_all(fixture);
	assert_int_equal(journal.n_records, WRITERS * RECORDS);
	assert_int_equal(journal.n_damaged + journal.n_torn_bytes, 0);
	int next[WRITERS] = { 0 };
	for (uint32_t i = 0; i < journal.n_records; i++) {
		int w, k;
		assert_int_equal(sscanf(journal.records[i].text, "%d %d", &w, &k), 2);
		assert_int_equal(next[w]++, k);
	}
}

static uint64_t from_second(const struct journal *journal, void *user)
{
	(void)user;
	return journal->n_records > 1 ? journal->records[1].offset : 0;
}

static uint64_t all(const struct journal *journal, void *user)
{
	(void)user;
	return journal->end;
}

static void shortening_keeps_what_comes_after(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(journal_shorten(fixture->path, from_second, NULL, fixture->diags), 0);
	append_three(fixture);
	assert_int_equal(journal_shorten(fixture->path, from_second, NULL, fixture->diags), 0);
	struct journal after = read_all(fixture);
	assert_int_equal(after.n_records, 2);
	assert_string_equal(after.records[1].text, three[2]);
	append(fixture, "new");
	assert_int_equal(read_all(fixture).n_records, 3);
	struct stat info;
	assert_int_equal(stat(fixture->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(journal_shorten(fixture->path, all, NULL, fixture->diags), 0);
	assert_int_equal(read_all(fixture).n_records, 0);
	assert_int_equal(journal_shorten(fixture->path, from_second, NULL, fixture->diags), 0);
	append_three(fixture);
	assert_int_equal(read_all(fixture).n_records, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_appended_is_read),
		TEST(file_cut_anywhere_keeps_what_was_whole_and_goes_on),
		TEST(byte_changed_anywhere_is_told_of),
		TEST(zeroes_at_the_end_are_cut),
		TEST(what_cannot_be_written_is_a_warning),
		TEST(record_that_is_none_is_a_warning),
		TEST(damaged_first_line_loses_nothing_else),
		TEST(long_tail_is_cut),
		TEST(what_cannot_be_reached_is_not_empty),
		TEST(many_append_at_once),
		TEST(shortening_keeps_what_comes_after),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
