/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int lock_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	return fd < 0 ? -errno : fd;
}

int lock_open_to_test(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

static int set_lock(int fd, int command, short type, int64_t offset, int64_t n_bytes)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = offset, .l_len = n_bytes };
	return fcntl(fd, command, &lock) < 0 ? -errno : 0;
}

int lock_try(int fd, int64_t offset, int64_t n_bytes)
{
	int result = set_lock(fd, F_OFD_SETLK, F_WRLCK, offset, n_bytes);
	return result == -EAGAIN || result == -EACCES ? LOCK_HELD : result;
}

int lock_wait(int fd, int64_t offset, int64_t n_bytes)
{
	return set_lock(fd, F_OFD_SETLKW, F_WRLCK, offset, n_bytes);
}

int lock_test(int fd, int64_t offset, int64_t n_bytes)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = n_bytes };
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	return lock.l_type == F_UNLCK ? 0 : LOCK_HELD;
}

int lock_release(int fd, int64_t offset, int64_t n_bytes)
{
	return set_lock(fd, F_OFD_SETLK, F_UNLCK, offset, n_bytes);
}

void lock_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
