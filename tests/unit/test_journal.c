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

enum { KEPT_MAX = 200 };

struct all { /* of a journal */
	struct journal_record records[KEPT_MAX];
	struct journal journal;
	struct arena *arena;
	uint32_t n_records;
};

static bool keep(const struct journal_record *record, void *user)
{
	struct all *all = user;
	assert_true(all->n_records < KEPT_MAX);
	all->records[all->n_records] = *record;
	all->records[all->n_records++].text = arena_strdup(all->arena, record->text);
	return true;
}

static int scan(struct fixture *fixture, const char *path, struct all *all, struct diags *diags)
{
	*all = (struct all){ .arena = fixture->arena };
	int result = journal_scan(path, keep, all, &all->journal, diags);
	assert_int_equal(all->n_records, all->journal.n_records);
	return result;
}

static struct all read_all(struct fixture *fixture)
{
	struct all all;
	assert_int_equal(scan(fixture, fixture->path, &all, fixture->diags), 0);
	return all;
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
	append_three(fixture);
	struct all all = read_all(fixture);
	assert_int_equal(all.n_records, N_THREE);
	for (uint32_t i = 0; i < N_THREE; i++) {
		assert_string_equal(all.records[i].text, three[i]);
		assert_true(i == 0 || all.records[i].offset == all.records[i - 1].end);
	}
	assert_int_equal(all.journal.n_damaged + all.journal.n_torn_bytes, 0);
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
		struct all all = read_all(fixture);
		assert_int_equal(all.n_records, n_whole);
		assert_int_equal(all.journal.n_damaged, 0);
		assert_int_equal(all.journal.n_torn_bytes == 0, cut == 0 || cut == starts[n_whole]);
		append(fixture, "new");
		all = read_all(fixture);
		assert_int_equal(all.n_records, n_whole + 1);
		assert_int_equal(all.journal.n_damaged + all.journal.n_torn_bytes, 0);
		for (uint32_t i = 0; i < n_whole; i++)
			assert_string_equal(all.records[i].text, three[i]);
		assert_string_equal(all.records[n_whole].text, "new");
	}
}

/* What is read is what was written; what is not read is told of; and one byte takes away one record at most. */
static void check_flipped(struct fixture *fixture, const char *bytes, gsize n, gsize at, int mask)
{
	g_autofree char *changed = g_memdup2(bytes, n);
	changed[at] ^= (char)mask;
	put(fixture, changed, n);
	gsize n_head = strlen("hvgpu-journal 1\n");
	struct all all = read_all(fixture);
	assert_true(all.journal.n_damaged || all.journal.n_torn_bytes);
	assert_true(all.n_records >= N_THREE - (at >= n_head));
	for (uint32_t i = 0, k = 0; i < all.n_records; i++, k++) {
		while (k < N_THREE && strcmp(all.records[i].text, three[k]) != 0)
			k++;
		assert_true(k < N_THREE);
	}
	append(fixture, "new");
	struct all then = read_all(fixture);
	assert_int_equal(then.n_records, all.n_records + 1);
	assert_string_equal(then.records[all.n_records].text, "new");
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
	assert_int_equal(read_all(fixture).journal.n_torn_bytes, 100);
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

/* Whoever shortens the file by one name would lose what somebody adds by the other. */
static void one_file_has_one_lock_by_any_name(void **state)
{
	struct fixture *fixture = *state;
	append(fixture, "one");
	g_autofree char *name = g_strconcat(fixture->path, ".lock", NULL), *real = g_steal_pointer(&fixture->path);
	fixture->path = g_strconcat(real, ".link", NULL);
	assert_int_equal(symlink(real, fixture->path), 0);
	int lock = lock_open(name);
	assert_int_equal(lock_try(lock, 0, 0), 0);
	refused(fixture, "cannot be locked");
	lock_close(lock);
	g_unlink(fixture->path);
	g_free(fixture->path);
	fixture->path = g_steal_pointer(&real);
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

static void replace_head(struct fixture *fixture, const char *head, const char *bytes, gsize n)
{
	gsize n_head = strlen("hvgpu-journal 1\n");
	g_autoptr(GString) all = g_string_new(head);
	g_string_append_len(all, bytes + n_head, (gssize)(n - n_head));
	put(fixture, all->str, all->len);
}

/* The first line was changed, even to that of another version: what stands behind it is read, and goes on. */
static void damaged_first_line_loses_nothing_else(void **state)
{
	static const char *const heads[] = { "hvhpu-journal 1\n", "hvgpu-journal 2\n", "hvgpu-journal 12\n",
		"hvgpu-journal 1\r\n", "hvgpu-journal 1x", "", "\n\n", "nonsense\nof two lines\n" };
	struct fixture *fixture = *state;
	append(fixture, "one");
	append(fixture, "two");
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		replace_head(fixture, heads[i], bytes, n);
		append(fixture, "three");
		struct all all = read_all(fixture);
		assert_int_equal(all.n_records, 3);
		assert_int_equal(all.journal.n_damaged > 0, *heads[i] != '\0');
		assert_int_equal(all.journal.damaged_at, 0);
	}
	bytes[strlen("hvgpu-journal 1\n") + 3] ^= 1; /* and the first record, too */
	replace_head(fixture, "hvgpu-journal 2\n", bytes, n);
	append(fixture, "three");
	assert_int_equal(read_all(fixture).n_records, 2);
}

/* A later version has other sums. */
static void journal_of_a_later_version_is_told_apart(void **state)
{
	static const char later[] = "hvgpu-journal 2\n00000003 0123456789abcdef one\n";
	struct fixture *fixture = *state;
	struct all all;
	append(fixture, "one");
	put(fixture, later, strlen(later));
	assert_int_equal(scan(fixture, fixture->path, &all, fixture->diags), -1);
	assert_int_equal(fixture->diags->first->code, D_JOURNAL_DAMAGED);
	assert_non_null(strstr(fixture->diags->first->message, "of a later version"));
	refused(fixture, "of a later version");
	g_autofree char *after = NULL;
	assert_true(g_file_get_contents(fixture->path, &after, NULL, NULL));
	assert_string_equal(after, later);
}

/* Longer than what is looked at at once, with and without line ends, and records that are as long as they may be. */
static void long_damage_loses_no_record_around_it(void **state)
{
	enum { LONG = 5 * JOURNAL_RECORD_MAX + 12345, PARTS = 4 };
	struct fixture *fixture = *state;
	g_autofree char *longest = g_strnfill(JOURNAL_RECORD_MAX, 'x');
	g_autoptr(GString) all_bytes = g_string_new(NULL);
	uint64_t n_damaged = 0;
	for (int i = 0; i < PARTS; i++) {
		append(fixture, longest);
		append(fixture, "short");
		g_autofree char *bytes = NULL;
		gsize n;
		assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
		g_string_append_len(all_bytes, bytes, (gssize)n);
		g_unlink(fixture->path);
		n_damaged += i ? strlen("hvgpu-journal 1\n") : 0; /* in the middle it is no first line */
		for (int k = 0; i < PARTS - 1 && k < LONG; k++)
			g_string_append_c(all_bytes, k % 1000 == 7 && i == 1 ? '\n' : '\0');
		if (i < PARTS - 1)
			g_string_append_c(all_bytes, '\n');
		n_damaged += i < PARTS - 1 ? LONG + 1 : 0;
	}
	put(fixture, all_bytes->str, all_bytes->len);
	struct all all = read_all(fixture);
	assert_int_equal(all.n_records, 2 * PARTS);
	for (uint32_t i = 0; i < all.n_records; i++)
		assert_string_equal(all.records[i].text, i % 2 ? "short" : longest);
	assert_int_equal(all.journal.n_damaged_bytes, n_damaged);
	assert_int_equal(all.journal.n_torn_bytes, 0);
}

/* More than any record: zeroes that a file system left. */
static void long_tail_is_cut(void **state)
{
	struct fixture *fixture = *state;
	append(fixture, "one");
	g_autofree char *bytes = NULL;
	gsize n, n_zeroes = 2 * JOURNAL_RECORD_MAX + 77;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	g_autofree char *with_tail = g_malloc0(n + n_zeroes);
	memcpy(with_tail, bytes, n);
	put(fixture, with_tail, n + n_zeroes);
	append(fixture, "two");
	struct all all = read_all(fixture);
	assert_int_equal(all.n_records, 2);
	assert_int_equal(all.journal.n_damaged, 0);
}

static uint64_t choose(void *user)
{
	const uint64_t *offset = user;
	return *offset;
}

static void what_cannot_be_reached_is_not_empty(void **state)
{
	struct fixture *fixture = *state;
	struct all all;
	struct journal gone;
	uint64_t everything = UINT64_MAX;
	assert_int_equal(read_all(fixture).n_records, 0); /* none yet */
	append(fixture, "one");
	g_autofree char *below = g_build_filename(fixture->path, "journal", NULL);
	g_autofree char *dangling = g_strconcat(fixture->path, ".link", NULL);
	g_autofree char *fifo = g_strconcat(fixture->path, ".fifo", NULL);
	assert_int_equal(symlink("nowhere", dangling), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	const char *const paths[] = { below, dangling, fifo };
	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		assert_int_equal(scan(fixture, paths[i], &all, fixture->diags), -1);
		assert_int_equal(journal_shorten(paths[i], NULL, choose, &everything, &gone, fixture->diags), -1);
	}
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
	struct all all = read_all(fixture);
	assert_int_equal(all.n_records, WRITERS * RECORDS);
	assert_int_equal(all.journal.n_damaged + all.journal.n_torn_bytes, 0);
	int next[WRITERS] = { 0 };
	for (uint32_t i = 0; i < all.n_records; i++) {
		int w, k;
		assert_int_equal(sscanf(all.records[i].text, "%d %d", &w, &k), 2);
		assert_int_equal(next[w]++, k);
	}
}

static void shorten_to(struct fixture *fixture, uint64_t offset, struct journal *gone)
{
	assert_int_equal(journal_shorten(fixture->path, NULL, choose, &offset, gone, fixture->diags), 0);
}

static void shortening_keeps_what_comes_after(void **state)
{
	struct fixture *fixture = *state;
	struct journal gone;
	shorten_to(fixture, 17, &gone); /* there is none yet */
	append_three(fixture);
	shorten_to(fixture, 0, &gone);
	assert_int_equal(read_all(fixture).n_records, 3);
	shorten_to(fixture, read_all(fixture).records[0].end, &gone);
	assert_int_equal(gone.n_records, 1);
	struct all after = read_all(fixture);
	assert_int_equal(after.n_records, 2);
	assert_string_equal(after.records[1].text, three[2]);
	append(fixture, "new");
	assert_int_equal(read_all(fixture).n_records, 3);
	shorten_to(fixture, read_all(fixture).records[2].end, &gone);
	assert_int_equal(read_all(fixture).n_records, 0);
	append_three(fixture);
	assert_int_equal(read_all(fixture).n_records, 3);
}

/* Whoever could read it can do so afterwards; a symlink stays one; what an interrupted one left is no obstacle. */
static void shortened_file_is_whose_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct journal gone;
	struct stat before, after;
	g_autofree char *link = g_strconcat(fixture->path, ".link", NULL),
			*left = g_strconcat(fixture->path, ".new", NULL);
	append_three(fixture);
	assert_int_equal(symlink("journal", link), 0);
	assert_int_equal(chmod(fixture->path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(fixture->path, 65534, 65534), 0);
	assert_int_equal(stat(fixture->path, &before), 0);
	assert_true(g_file_set_contents(left, "left", -1, NULL));
	g_autofree char *lock = g_strconcat(fixture->path, ".lock", NULL);
	g_unlink(lock);
	append(fixture, "new");
	assert_int_equal(stat(lock, &after), 0);
	assert_int_equal(before.st_uid, after.st_uid);
	uint64_t offset = read_all(fixture).records[0].end;
	assert_int_equal(journal_shorten(link, NULL, choose, &offset, &gone, fixture->diags), 0);
	assert_int_equal(stat(fixture->path, &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(before.st_uid, after.st_uid);
	assert_int_equal(before.st_gid, after.st_gid);
	assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
	assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
	assert_int_equal(read_all(fixture).n_records, 3);
}

static void damage_that_is_taken_away_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct journal gone;
	append_three(fixture);
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	struct all all = read_all(fixture);
	bytes[all.records[0].offset] ^= 1;
	bytes[all.records[2].offset] ^= 1;
	put(fixture, bytes, n);
	shorten_to(fixture, all.records[1].end, &gone);
	assert_int_equal(gone.n_records, 1);
	assert_int_equal(gone.n_damaged, 1);
	assert_int_equal(gone.n_damaged_bytes, all.records[0].end - all.records[0].offset);
	assert_int_equal(read_all(fixture).journal.n_damaged, 1);
}

/* More than memory should hold: a hole of a GiB takes no room in the test. */
static void journal_of_any_length_can_be_shortened(void **state)
{
	const int64_t size = ((int64_t)1 << 30) + 4711;
	struct fixture *fixture = *state;
	struct journal gone;
	append(fixture, "old");
	assert_int_equal(truncate(fixture->path, size), 0);
	FILE *file = fopen(fixture->path, "a");
	assert_true(fputc('\n', file) == '\n' && fclose(file) == 0);
	append(fixture, "new");
	struct all all = read_all(fixture);
	assert_int_equal(all.n_records, 2);
	shorten_to(fixture, all.records[1].offset, &gone);
	assert_int_equal(gone.n_damaged, 1);
	all = read_all(fixture);
	assert_int_equal(all.n_records, 1);
	assert_string_equal(all.records[0].text, "new");
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
		TEST(one_file_has_one_lock_by_any_name),
		TEST(record_that_is_none_is_a_warning),
		TEST(damaged_first_line_loses_nothing_else),
		TEST(journal_of_a_later_version_is_told_apart),
		TEST(long_damage_loses_no_record_around_it),
		TEST(long_tail_is_cut),
		TEST(what_cannot_be_reached_is_not_empty),
		TEST(many_append_at_once),
		TEST(shortening_keeps_what_comes_after),
		TEST(shortened_file_is_whose_it_was),
		TEST(damage_that_is_taken_away_is_told),
		TEST(journal_of_any_length_can_be_shortened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
