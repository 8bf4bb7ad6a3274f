/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "base/journal_parts.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TAIL_BLOCK = 1 << 16,
	TAIL_MAX = 1 << 26, /* of a record that was never finished, or of what somebody else put there */
	LOCK_TICK_MS = 10
};

int journal_cannot(const char *path, const char *what, int error, enum diag_code code, struct diags *diags)
{
	(void)!diag_add(diags, code, LOC_NONE, NULL, "history '%s' cannot be %s: %s", path, what, g_strerror(error));
	return -1;
}

/* Root may be the first to lock what is somebody else's, who must be able to do so afterwards. */
static void make_lock(const char *name, const char *path)
{
	struct stat info;
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0) /* it is there, or whoever opens it next says why it cannot be */
		return;
	if (stat(path, &info) == 0 && info.st_uid != geteuid())
		(void)!fchown(fd, info.st_uid, info.st_gid);
	close(fd);
}

/* Waits for a while: whoever was stopped with the lock in its hands must not stop this run too. */
int journal_lock(const char *path, enum diag_code code, struct diags *diags)
{
	/* one file has one lock, by whatever name it is called */
	g_autoptr(arena_auto) scratch = arena_new();
	const char *real = file_real_path(path, scratch);
	g_autofree char *name = g_strconcat(real ? real : path, ".lock", NULL);
	make_lock(name, path);
	int lock = lock_open(name);
	if (lock < 0)
		return journal_cannot(name, "opened", -lock, code, diags);
	int64_t until_ms = clock_monotonic_ms() + JOURNAL_LOCK_MS;
	int result;
	while ((result = lock_try(lock, 0, 0)) == LOCK_HELD && clock_monotonic_ms() < until_ms)
		g_usleep(LOCK_TICK_MS * 1000);
	if (result == 0)
		return lock;
	lock_close(lock);
	if (result < 0)
		return journal_cannot(path, "locked", -result, code, diags);
	(void)!diag_add(diags, code, LOC_NONE, NULL,
		"history '%s' cannot be locked: another process has it for more than %d s", path,
		JOURNAL_LOCK_MS / 1000);
	return -1;
}

int journal_sync_folder(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		close(fd);
	return result;
}

/* ---- appending ---- */

static bool is_record(const char *record)
{
	return strlen(record) <= JOURNAL_RECORD_MAX && !strchr(record, '\n');
}

static int warn(const char *path, const char *what, int error, struct diags *diags)
{
	return journal_cannot(path, what, error, D_JOURNAL, diags);
}

/* An enum scan_file, or a negative errno. The whole start is looked at only where the first line is not as it should be. */
static int kind_of(int fd)
{
	char head[N_HEAD];
	if (pread(fd, head, N_HEAD, 0) == N_HEAD && memcmp(head, JOURNAL_HEAD, N_HEAD) == 0)
		return SCAN_JOURNAL;
	struct scan scan;
	int file = scan_init(&scan, fd);
	scan_done(&scan);
	return file;
}

/* Where the last whole line ends, or a negative errno; -EFBIG: not within TAIL_MAX. */
static int64_t end_of_lines(int fd, int64_t size)
{
	char block[TAIL_BLOCK];
	for (int64_t at = size; at > 0 && size - at < TAIL_MAX;) {
		size_t n = (size_t)MIN(at, (int64_t)TAIL_BLOCK);
		at -= (int64_t)n;
		ssize_t n_read = pread(fd, block, n, at);
		if (n_read != (ssize_t)n)
			return n_read < 0 ? -errno : -EIO;
		const char *end = memrchr(block, '\n', n);
		if (end)
			return at + (end - block) + 1;
	}
	return -EFBIG;
}

/* Where to go on, or -1 with HV709. */
static int64_t find_end(int fd, const char *path, int64_t size, struct diags *diags)
{
	int file = kind_of(fd);
	if (file < 0)
		return warn(path, "read", -file, diags);
	if (file == SCAN_UNFINISHED)
		return 0;
	if (file != SCAN_JOURNAL)
		return scan_refuse((enum scan_file)file, path, D_JOURNAL,
			" and is left as it is; name another file with --journal", diags);
	int64_t end = end_of_lines(fd, size);
	return end < 0 ? warn(path, "read at its end", (int)-end, diags) : end;
}

static int append_to(int fd, const char *path, const char *const *records, uint32_t n_records, struct diags *diags)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return warn(path, "read", errno, diags);
	int64_t end = find_end(fd, path, info.st_size, diags);
	if (end < 0)
		return -1;
	if (end < info.st_size && ftruncate(fd, end) != 0)
		return warn(path, "written", errno, diags);
	g_autoptr(GString) text = g_string_new(end ? "" : JOURNAL_HEAD);
	for (uint32_t i = 0; i < n_records; i++)
		line_put(text, records[i]);
	if (file_write_all(fd, text->str, text->len) < 0) {
		int error = errno;
		(void)!ftruncate(fd, end); /* a part that stays is cut by the next one to append */
		return warn(path, "written", error, diags);
	}
	if (fsync(fd) != 0 || (!end && journal_sync_folder(path) != 0))
		return warn(path, "synced", errno, diags);
	return 0;
}

static int open_and_append(const char *path, const char *const *records, uint32_t n_records, struct diags *diags)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (fd < 0)
		return warn(path, "opened", errno, diags);
	int result = append_to(fd, path, records, n_records, diags);
	close(fd);
	return result;
}

/* The folder is made once; that it cannot be is a warning as all here. */
static int make_folder(const char *path, struct diags *diags)
{
	g_autofree char *folder = g_path_get_dirname(path);
	return g_mkdir_with_parents(folder, 0700) == 0 ? 0 : warn(folder, "made", errno, diags);
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
	if (file_kind(path, true) == FILE_OTHER) /* beside a device there is no place for a lock */
		return scan_refuse(
			SCAN_OTHER, path, D_JOURNAL, " and is left as it is; name another file with --journal", diags);
	if (make_folder(path, diags) < 0)
		return -1;
	int lock = journal_lock(path, D_JOURNAL, diags);
	if (lock < 0)
		return -1;
	int result = open_and_append(path, records, n_records, diags);
	lock_close(lock);
	return result;
}
