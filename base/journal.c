/* SPDX-License-Identifier: Apache-2.0 */
#include "base/journal.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "hvgpu-journal 1\n"

enum {
	N_HEAD = sizeof(HEAD) - 1,
	N_LENGTH = 8,
	N_SUM = 16,
	N_FRAME = N_LENGTH + 1 + N_SUM + 1,
	N_LINE_MAX = N_FRAME + JOURNAL_RECORD_MAX + 1,
	TAIL_BLOCK = 1 << 16,
	TAIL_MAX = 1 << 26, /* of a record that was never finished, or of what somebody else put there */
	LOCK_TICK_MS = 10
};

/* ---- lines ---- */

static void put_sum(const char *bytes, size_t n, char *out)
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, n);
	memcpy(out, sum, N_SUM);
}

static bool is_record(const char *record)
{
	return strlen(record) <= JOURNAL_RECORD_MAX && !strchr(record, '\n');
}

static void put_line(GString *out, const char *record)
{
	char sum[N_SUM + 1] = { 0 };
	size_t n = strlen(record);
	put_sum(record, n, sum);
	g_string_append_printf(out, "%0*zx %s %s\n", N_LENGTH, n, sum, record);
}

/* The length of the record whose line starts here, or -1: none does. '*whole_out': its line end is there too. */
static int64_t line_at(const char *bytes, size_t n_bytes, bool *whole_out)
{
	char digits[N_LENGTH + 1] = { 0 }, sum[N_SUM];
	guint64 n;
	if (n_bytes < N_FRAME || bytes[N_LENGTH] != ' ' || bytes[N_FRAME - 1] != ' ')
		return -1;
	memcpy(digits, bytes, N_LENGTH);
	if (!g_ascii_string_to_unsigned(digits, 16, 0, JOURNAL_RECORD_MAX, &n, NULL) || n > n_bytes - N_FRAME)
		return -1;
	put_sum(bytes + N_FRAME, n, sum);
	if (memcmp(sum, bytes + N_LENGTH + 1, N_SUM) != 0)
		return -1;
	*whole_out = n < n_bytes - N_FRAME && bytes[N_FRAME + n] == '\n';
	return (int64_t)n;
}

/* A first line that was changed, with a whole record behind it; that of a later version is not ours to read. */
static bool has_record_behind(const char *bytes, size_t n)
{
	bool whole = false;
	bool is_later = n >= N_HEAD && memcmp(bytes, HEAD, N_HEAD - 2) == 0;
	return n > N_HEAD && !is_later && line_at(bytes + N_HEAD, n - N_HEAD, &whole) >= 0 && whole;
}

/* ---- reading ---- */

static void note_damage(struct journal *out, uint64_t offset, size_t n_bytes)
{
	if (!out->n_damaged++)
		out->damaged_at = offset;
	out->n_damaged_bytes += (uint32_t)n_bytes;
}

/* Where the next line starts, behind 'at'; 'n' where none does. */
static size_t next_line(const char *bytes, size_t at, size_t n)
{
	const char *end = memchr(bytes + at, '\n', n - at);
	return end ? (size_t)(end - bytes) + 1 : n;
}

static void read_lines(const struct source *source, struct arena *arena, struct journal *out)
{
	GArray *records = g_array_new(FALSE, FALSE, sizeof(struct journal_record));
	const char *bytes = source->bytes;
	size_t n = source->n_bytes, at = N_HEAD;
	while (at < n) {
		bool whole = false;
		int64_t n_record = line_at(bytes + at, n - at, &whole);
		size_t end = at + N_FRAME + (size_t)MAX(n_record, 0);
		if (n_record < 0) {
			size_t next = next_line(bytes, at, n);
			if (next == n && bytes[n - 1] != '\n')
				out->n_torn_bytes = (uint32_t)(n - at);
			else
				note_damage(out, at, next - at);
			at = next;
			continue;
		}
		struct journal_record record = { arena_strndup(arena, bytes + at + N_FRAME, (size_t)n_record), at };
		if (whole || end + 1 < n) {
			g_array_append_val(records, record);
			if (!whole)
				note_damage(out, end, 1);
			at = end + 1;
		} else { /* without its line end the next one to append cuts it, so it is not counted on */
			out->n_torn_bytes = (uint32_t)(n - at);
			at = n;
		}
	}
	out->records = arena_take_array(arena, records, &out->n_records);
}

static int is_other(const char *path, struct diags *diags)
{
	return diag_add(diags, D_JOURNAL_DAMAGED, LOC_NONE, NULL,
		"'%s' is not a journal of hvgpu, or one of a later version", path);
}

static int read_source(
	const char *path, struct arena *arena, struct source *source, struct journal *out, struct diags *diags)
{
	if (file_kind(path, true) == FILE_OTHER) /* a FIFO would be waited for */
		return is_other(path, diags);
	if (file_read(path, JOURNAL_MAX, arena, source, diags) < 0)
		return -1;
	size_t n_head = MIN(source->n_bytes, (size_t)N_HEAD);
	if (memcmp(source->bytes, HEAD, n_head) != 0) {
		if (!has_record_behind(source->bytes, source->n_bytes))
			return is_other(path, diags);
		note_damage(out, 0, N_HEAD);
	}
	if (n_head < N_HEAD)
		out->n_torn_bytes = (uint32_t)n_head;
	else
		read_lines(source, arena, out);
	out->end = source->n_bytes;
	return 0;
}

/* There is none yet: not one that cannot be reached, which would look as if nobody had done anything. */
static bool is_absent(const char *path)
{
	struct stat info;
	return lstat(path, &info) != 0 && errno == ENOENT;
}

int journal_read(const char *path, struct arena *arena, struct journal *out, struct diags *diags)
{
	struct source source;
	*out = (struct journal){ 0 };
	return is_absent(path) ? 0 : read_source(path, arena, &source, out, diags);
}

const char *journal_first(const char *path, struct arena *arena)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	char *start = arena_alloc(arena, N_HEAD + N_LINE_MAX);
	ssize_t n = pread(fd, start, N_HEAD + N_LINE_MAX, 0);
	close(fd);
	bool whole = false;
	if (n < N_HEAD || memcmp(start, HEAD, N_HEAD) != 0)
		return NULL;
	int64_t n_record = line_at(start + N_HEAD, (size_t)n - N_HEAD, &whole);
	return n_record < 0 || !whole ? NULL : arena_strndup(arena, start + N_HEAD + N_FRAME, (size_t)n_record);
}

/* ---- writing ---- */

static int cannot(const char *path, const char *what, int error, struct diags *diags)
{
	(void)!diag_add(
		diags, D_JOURNAL, LOC_NONE, NULL, "history '%s' cannot be %s: %s", path, what, g_strerror(error));
	return -1;
}

/* Waits for a while: whoever was stopped with the lock in its hands must not stop this run too. */
static int take_lock(const char *path, struct diags *diags)
{
	g_autofree char *name = g_strconcat(path, ".lock", NULL);
	int lock = lock_open(name);
	if (lock < 0)
		return cannot(name, "locked", -lock, diags);
	int64_t until_ms = clock_monotonic_ms() + JOURNAL_LOCK_MS;
	int result;
	while ((result = lock_try(lock, 0, 0)) == LOCK_HELD && clock_monotonic_ms() < until_ms)
		g_usleep(LOCK_TICK_MS * 1000);
	if (result == 0)
		return lock;
	lock_close(lock);
	return cannot(path, "locked", result == LOCK_HELD ? EBUSY : -result, diags);
}

static int sync_folder(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return result;
}

static bool is_damaged_head(int fd)
{
	g_autofree char *start = g_malloc(N_HEAD + N_LINE_MAX);
	ssize_t n = pread(fd, start, N_HEAD + N_LINE_MAX, 0);
	return n > 0 && has_record_behind(start, (size_t)n);
}

/* Where the last whole line ends. -1: this is no journal, or cannot be read. */
static int64_t end_of_lines(int fd, int64_t size)
{
	char head[N_HEAD];
	ssize_t n_head = pread(fd, head, N_HEAD, 0);
	if (n_head < 0 || (memcmp(head, HEAD, (size_t)n_head) != 0 && !is_damaged_head(fd)))
		return -1;
	if (n_head < N_HEAD)
		return 0;
	char block[TAIL_BLOCK];
	for (int64_t at = size; at >= N_HEAD && size - at < TAIL_MAX;) {
		size_t n =
			(size_t)MIN(at - N_HEAD + 1, (int64_t)TAIL_BLOCK); /* the end of the first line is one, too */
		at -= (int64_t)n;
		if (pread(fd, block, n, at) != (ssize_t)n)
			return -1;
		const char *end = memrchr(block, '\n', n);
		if (end)
			return at + (end - block) + 1;
	}
	return -1;
}

static int append_to(int fd, const char *path, const char *const *records, uint32_t n_records, struct diags *diags)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return cannot(path, "read", errno, diags);
	int64_t end = info.st_size ? end_of_lines(fd, info.st_size) : 0;
	if (!S_ISREG(info.st_mode) || end < 0) {
		(void)!diag_add(diags, D_JOURNAL, LOC_NONE, NULL,
			"'%s' is not a journal of hvgpu and is left as it is; name another file with --journal", path);
		return -1;
	}
	if (end < info.st_size && ftruncate(fd, end) != 0)
		return cannot(path, "written", errno, diags);
	g_autoptr(GString) text = g_string_new(end ? "" : HEAD);
	for (uint32_t i = 0; i < n_records; i++)
		put_line(text, records[i]);
	if (file_write_all(fd, text->str, text->len) < 0) {
		int error = errno;
		(void)!ftruncate(fd, end); /* a part that stays is cut by the next one to append */
		return cannot(path, "written", error, diags);
	}
	if (fsync(fd) != 0 || (!end && sync_folder(path) != 0))
		return cannot(path, "synced", errno, diags);
	return 0;
}

/* The folder is made once; that it cannot be is a warning as all here. */
static int make_folder(const char *path, struct diags *diags)
{
	g_autofree char *folder = g_path_get_dirname(path);
	return g_mkdir_with_parents(folder, 0700) == 0 ? 0 : cannot(folder, "made", errno, diags);
}

int journal_append(const char *path, const char *const *records, uint32_t n_records, struct diags *diags)
{
	for (uint32_t i = 0; i < n_records; i++)
		if (!is_record(records[i])) {
			(void)!diag_add(diags, D_JOURNAL, LOC_NONE, NULL,
				"history '%s' cannot take a record of %zu bytes; it is left out", path,
				strlen(records[i]));
			return -1;
		}
	if (make_folder(path, diags) < 0)
		return -1;
	int lock = take_lock(path, diags);
	if (lock < 0)
		return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	int result = fd < 0 ? cannot(path, "opened", errno, diags) : append_to(fd, path, records, n_records, diags);
	if (fd >= 0)
		close(fd);
	lock_close(lock);
	return result;
}

static int shorten(const char *path, journal_choose *choose, void *user, struct arena *arena, struct diags *diags)
{
	struct source source;
	struct journal journal = { 0 };
	if (read_source(path, arena, &source, &journal, diags) < 0)
		return -1;
	uint64_t offset = choose(&journal, user);
	if (offset <= N_HEAD || offset > source.n_bytes)
		return 0;
	g_autoptr(GString) text = g_string_new(HEAD);
	g_string_append_len(text, source.bytes + offset, (gssize)(source.n_bytes - offset));
	struct diags *found = diags_new(arena);
	if (file_write_private(path, text->str, text->len, found) == 0)
		return 0;
	(void)!diag_add(diags, D_JOURNAL, LOC_NONE, NULL, "history %s", found->first->message);
	return -1;
}

int journal_shorten(const char *path, journal_choose *choose, void *user, struct diags *diags)
{
	if (file_kind(path, true) == FILE_MISSING)
		return 0;
	g_autoptr(arena_auto) arena = arena_new();
	int lock = take_lock(path, diags);
	if (lock < 0)
		return -1;
	int result = shorten(path, choose, user, arena, diags);
	lock_close(lock);
	return result;
}
