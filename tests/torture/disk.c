/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to be loaded before others (LD_PRELOAD) that makes one call fail which would change a file: the disk is full or
 * broken. Counted are opening for writing, writing, syncing, renaming, truncating, linking and making a folder, of what
 * lies below one folder.
 *
 *	DISK_UNDER  that folder
 *	DISK_AT     which call fails, from 1; 0: none
 *	DISK_ERRNO  with what
 *	DISK_STAYS  1: all later ones fail too, but for truncating and removing, which a full disk can do
 *	DISK_HALF   1: of a write that fails, half reaches the file
 *	DISK_LOG    a file outside of that folder; a line for each call that failed
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int n_calls;

static int number(const char *name)
{
	const char *text = getenv(name);
	return text ? (int)strtol(text, NULL, 10) : 0;
}

static bool is_below(const char *path)
{
	const char *under = getenv("DISK_UNDER");
	size_t n = under ? strlen(under) : 0;
	char whole[4096];
	if (n == 0)
		return false;
	if (*path != '/') {
		if (!getcwd(whole, sizeof(whole)))
			return false;
		size_t len = strlen(whole);
		snprintf(whole + len, sizeof(whole) - len, "/%s", path);
		path = whole;
	}
	return strncmp(path, under, n) == 0;
}

static bool is_fd_below(int fd)
{
	char name[64], path[4096];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(name, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return is_below(path);
}

static void note(const char *call)
{
	const char *log = getenv("DISK_LOG");
	int fd = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
	if (fd < 0)
		return;
	char line[64];
	int n = snprintf(line, sizeof(line), "%d %s\n", n_calls, call);
	syscall(SYS_write, fd, line, (size_t)n);
	syscall(SYS_close, fd);
}

/* Does this call fail? Then errno is set. */
static bool fails(const char *call, bool may_on_full_disk)
{
	int at = number("DISK_AT");
	n_calls++;
	bool hit = at && (n_calls == at || (n_calls > at && number("DISK_STAYS") && !may_on_full_disk));
	if (!hit)
		return false;
	note(call);
	errno = number("DISK_ERRNO");
	return true;
}

#define REAL(type, name) \
	static type real; \
	if (!real) \
	real = (type)dlsym(RTLD_NEXT, name)

typedef ssize_t write_fn(int, const void *, size_t);
ssize_t write(int fd, const void *bytes, size_t n);
ssize_t write(int fd, const void *bytes, size_t n)
{
	REAL(write_fn *, "write");
	if (!is_fd_below(fd) || !fails("write", false))
		return real(fd, bytes, n);
	int error = errno;
	if (number("DISK_HALF") && n > 1)
		real(fd, bytes, n / 2);
	errno = error;
	return -1;
}

typedef int fd_fn(int);
int fsync(int fd);
int fsync(int fd)
{
	REAL(fd_fn *, "fsync");
	return is_fd_below(fd) && fails("fsync", false) ? -1 : real(fd);
}

int fdatasync(int fd);
int fdatasync(int fd)
{
	REAL(fd_fn *, "fdatasync");
	return is_fd_below(fd) && fails("fdatasync", false) ? -1 : real(fd);
}

typedef int truncate_fn(int, off_t);
int ftruncate(int fd, off_t size);
int ftruncate(int fd, off_t size)
{
	REAL(truncate_fn *, "ftruncate");
	return is_fd_below(fd) && fails("ftruncate", true) ? -1 : real(fd, size);
}

typedef int two_fn(const char *, const char *);
int rename(const char *from, const char *to);
int rename(const char *from, const char *to)
{
	REAL(two_fn *, "rename");
	return is_below(to) && fails("rename", false) ? -1 : real(from, to);
}

int link(const char *from, const char *to);
int link(const char *from, const char *to)
{
	REAL(two_fn *, "link");
	return is_below(to) && fails("link", false) ? -1 : real(from, to);
}

typedef int mkdir_fn(const char *, mode_t);
int mkdir(const char *path, mode_t mode);
int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir_fn *, "mkdir");
	return is_below(path) && fails("mkdir", false) ? -1 : real(path, mode);
}

typedef int open_fn(const char *, int, ...);

static int open_as(open_fn *real, const char *path, int flags, va_list more)
{
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	if ((flags & O_ACCMODE) != O_RDONLY && is_below(path) && fails("open", false))
		return -1;
	return real(path, flags, mode);
}

#define OPEN(name) \
	int name(const char *path, int flags, ...); \
	int name(const char *path, int flags, ...) \
	{ \
		REAL(open_fn *, #name); \
		va_list more; \
		va_start(more, flags); \
		int fd = open_as(real, path, flags, more); \
		va_end(more); \
		return fd; \
	}
OPEN(open)
OPEN(open64)
