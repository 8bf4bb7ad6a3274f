/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stamp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t in_ns(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static struct stamp of(const struct stat *st, int fd)
{
	return (struct stamp){ fd, st->st_dev, st->st_ino, st->st_size, in_ns(st->st_mtim), in_ns(st->st_ctim) };
}

void stamp_take(struct stamp *stamp, const char *path)
{
	struct stat st;
	*stamp = STAMP_NONE;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	if (fstat(fd, &st))
		close(fd);
	else
		*stamp = of(&st, fd);
}

bool stamp_is_current(const struct stamp *stamp, const char *path)
{
	struct stat st;
	if (stamp->fd < 0 || stat(path, &st))
		return false;
	struct stamp now = of(&st, stamp->fd);
	return now.device == stamp->device && now.inode == stamp->inode && now.size == stamp->size &&
	       now.modified_ns == stamp->modified_ns && now.changed_ns == stamp->changed_ns;
}

void stamp_drop(struct stamp *stamp)
{
	if (stamp->fd >= 0)
		close(stamp->fd);
	*stamp = STAMP_NONE;
}
