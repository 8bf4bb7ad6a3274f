/* SPDX-License-Identifier: Apache-2.0 */
#include "base/journal_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_WINDOW = 2 * N_LINE_MAX };

/* ---- the window ---- */

/* As much as fits, so that the line at its start is in it as a whole. One byte is left free, for the end of a text. */
static int fill(struct scan *scan)
{
	uint64_t next = scan->at + scan->n;
	if (scan->n > N_LINE_MAX || next >= scan->end)
		return 0;
	memmove(scan->window, scan->window + scan->start, scan->n);
	scan->start = 0;
	while (scan->n < N_WINDOW && next < scan->end) {
		size_t n_wanted = (size_t)MIN((uint64_t)(N_WINDOW - scan->n), scan->end - next);
		ssize_t n = pread(scan->fd, scan->window + scan->n, n_wanted, (off_t)next);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			scan->end = next; /* somebody cut a torn end meanwhile */
		scan->n += (size_t)MAX(n, 0);
		next += (uint64_t)MAX(n, 0);
	}
	return 0;
}

static void pass(struct scan *scan, size_t n)
{
	scan->at += n;
	scan->start += n;
	scan->n -= n;
}

/* ---- what a file is ---- */

static bool has_whole_at(const struct scan *scan, size_t at)
{
	bool whole = false;
	return at < scan->n && line_at(scan->window + at, scan->n - at, &whole) >= 0 && whole;
}

/* A whole record near the start, whatever stands before it. */
static bool has_record(const struct scan *scan)
{
	for (size_t at = 0; at < scan->n;) {
		if (has_whole_at(scan, at))
			return true;
		const char *end = memchr(scan->window + at, '\n', scan->n - at);
		at = end ? (size_t)(end - scan->window) + 1 : scan->n;
	}
	return false;
}

static bool is_of_later_version(const struct scan *scan)
{
	size_t n_name = strcspn(JOURNAL_HEAD, "1"), n = n_name;
	if (scan->n < N_HEAD || memcmp(scan->window, JOURNAL_HEAD, n_name) != 0)
		return false;
	while (n < scan->n && g_ascii_isdigit(scan->window[n]))
		n++;
	return n > n_name && n < scan->n && scan->window[n] == '\n';
}

static enum scan_file look(struct scan *scan)
{
	size_t n_head = MIN(scan->n, (size_t)N_HEAD);
	bool is_head = memcmp(scan->window, JOURNAL_HEAD, n_head) == 0;
	if (is_head && n_head < N_HEAD)
		return SCAN_UNFINISHED;
	if (is_head) {
		pass(scan, N_HEAD);
		return SCAN_JOURNAL;
	}
	if (has_whole_at(scan, N_HEAD)) { /* its line end may be what was changed */
		scan->n_head = N_HEAD;
		return SCAN_JOURNAL;
	}
	if (has_record(scan))
		return SCAN_JOURNAL;
	return is_of_later_version(scan) ? SCAN_LATER : SCAN_OTHER;
}

int scan_init(struct scan *scan, int fd)
{
	struct stat info;
	*scan = (struct scan){ .fd = fd };
	if (fstat(fd, &info) != 0)
		return -errno;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	if (!S_ISREG(info.st_mode))
		return SCAN_OTHER;
	scan->end = (uint64_t)info.st_size;
	scan->window = g_malloc((size_t)MIN(scan->end, (uint64_t)N_WINDOW) + 1);
	int result = fill(scan);
	return result < 0 ? result : (int)look(scan);
}

void scan_done(struct scan *scan)
{
	g_free(scan->window);
}

/* ---- line after line ---- */

static int tell(struct scan *scan, enum scan_kind kind, uint64_t offset, struct scan_line *out)
{
	*out = (struct scan_line){ kind, { .offset = offset, .end = scan->at } };
	return SCAN_MORE;
}

static int tell_part(struct scan *scan, enum scan_kind kind, size_t n, struct scan_line *out)
{
	uint64_t offset = scan->at;
	pass(scan, n);
	return tell(scan, kind, offset, out);
}

/* To the next line end, however far away. */
static int tell_no_record(struct scan *scan, struct scan_line *out)
{
	uint64_t offset = scan->at;
	while (scan->n) {
		const char *start = scan->window + scan->start, *end = memchr(start, '\n', scan->n);
		pass(scan, end ? (size_t)(end - start) + 1 : scan->n);
		if (end)
			return tell(scan, SCAN_DAMAGE, offset, out);
		int result = fill(scan);
		if (result < 0)
			return result;
	}
	return tell(scan, SCAN_TORN, offset, out);
}

static int tell_record(struct scan *scan, size_t n_record, bool whole, struct scan_line *out)
{
	size_t n = N_FRAME + n_record;
	if (!whole && n + 1 >= scan->n) /* the next one to append cuts what has no line end, so it is not counted on */
		return tell_part(scan, SCAN_TORN, scan->n, out);
	char *text = scan->window + scan->start + N_FRAME;
	int result = tell_part(scan, SCAN_RECORD, n + whole, out);
	scan->has_bad_end = !whole;
	scan->kept = text[n_record];
	text[n_record] = '\0';
	out->record.text = text;
	return result;
}

int scan_next(struct scan *scan, struct scan_line *out)
{
	if (scan->has_bad_end) {
		scan->window[scan->start] = scan->kept;
		scan->has_bad_end = false;
		return tell_part(scan, SCAN_DAMAGE, 1, out);
	}
	if (scan->n_head) {
		size_t n_head = scan->n_head;
		scan->n_head = 0;
		return tell_part(scan, SCAN_DAMAGE, n_head, out);
	}
	int result = fill(scan);
	if (result < 0 || !scan->n)
		return result;
	bool whole = false;
	int64_t n_record = line_at(scan->window + scan->start, scan->n, &whole);
	return n_record < 0 ? tell_no_record(scan, out) : tell_record(scan, (size_t)n_record, whole, out);
}

/* ---- a whole file ---- */

static void count(struct journal *out, const struct scan_line *line)
{
	uint64_t n = line->record.end - line->record.offset;
	if (line->kind == SCAN_RECORD)
		out->n_records++;
	if (line->kind == SCAN_TORN)
		out->n_torn_bytes = n;
	if (line->kind != SCAN_DAMAGE)
		return;
	if (!out->n_damaged++)
		out->damaged_at = line->record.offset;
	out->n_damaged_bytes += n;
}

static int cannot_read(const char *path, int error, struct diags *diags)
{
	return diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "'%s' cannot be read: %s", path, g_strerror(error));
}

int scan_through(int fd, const char *path, uint64_t end, journal_take *take, void *user, struct journal *out,
	struct diags *diags)
{
	struct scan scan;
	struct scan_line line;
	*out = (struct journal){ 0 };
	int file = scan_init(&scan, fd), result = 0;
	scan.end = MIN(scan.end, end);
	if (file == SCAN_UNFINISHED)
		out->n_torn_bytes = scan.n;
	while (file == SCAN_JOURNAL && scan.at < scan.end && (result = scan_next(&scan, &line)) == SCAN_MORE) {
		count(out, &line);
		if (line.kind == SCAN_RECORD && take && !take(&line.record, user))
			break;
	}
	scan_done(&scan);
	if (file < 0 || result < 0)
		return cannot_read(path, -MIN(file, result), diags);
	if (file == SCAN_LATER || file == SCAN_OTHER)
		return scan_refuse((enum scan_file)file, path, D_JOURNAL_DAMAGED, "", diags);
	return 0;
}

int scan_refuse(enum scan_file file, const char *path, enum diag_code code, const char *then, struct diags *diags)
{
	(void)!diag_add(diags, code, LOC_NONE, NULL, "'%s' is %s%s", path,
		file == SCAN_LATER ? "the journal of a later version of hvgpu" : "not a journal of hvgpu", then);
	return -1;
}

bool journal_is_absent(const char *path)
{
	struct stat info;
	return lstat(path, &info) != 0 && errno == ENOENT;
}

int journal_open(const char *path, struct diags *diags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO would be waited for */
	return fd < 0 ? cannot_read(path, errno, diags) : fd;
}

int journal_scan(const char *path, journal_take *take, void *user, struct journal *out, struct diags *diags)
{
	*out = (struct journal){ 0 };
	if (journal_is_absent(path))
		return 0;
	int fd = journal_open(path, diags);
	if (fd < 0)
		return -1;
	int result = scan_through(fd, path, UINT64_MAX, take, user, out, diags);
	close(fd);
	return result;
}
