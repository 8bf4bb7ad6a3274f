/* SPDX-License-Identifier: Apache-2.0 */
/* What stays is copied to a new file, which then takes the place of the old one: a crash leaves one or the other. */
#include "base/file.h"
#include "base/journal_parts.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BLOCK = 1 << 16 };

struct shortening {
	const char *path; /* as it was given */
	const char *real; /* where a symlink leads: that stays */
	int fd;
	struct stat info;
	struct diags *diags;
};

static int cannot(const struct shortening *shortening, int error)
{
	return journal_cannot(shortening->path, "shortened", error, D_OUTPUT, shortening->diags);
}

/* Who could read and write it before can do so afterwards, and nobody else. 0, or -1 with errno. */
static int give_to_owner(int fd, const struct stat *info)
{
	mode_t mode = info->st_mode & 0777;
	if (info->st_uid != geteuid() && fchown(fd, info->st_uid, (gid_t)-1) != 0)
		return -1;
	if (info->st_gid != getegid() && fchown(fd, (uid_t)-1, info->st_gid) != 0)
		mode &= ~(mode_t)070; /* another group is not let in */
	return fchmod(fd, mode);
}

/* 0, or -1 with errno. */
static int copy_rest(int from, uint64_t offset, int to)
{
	char block[COPY_BLOCK];
	ssize_t n;
	while ((n = pread(from, block, sizeof(block), (off_t)offset)) != 0) {
		if ((n < 0 && errno != EINTR) || (n > 0 && file_write_all(to, block, (size_t)n) < 0))
			return -1;
		offset += (uint64_t)MAX(n, 0);
	}
	return 0;
}

static int write_new(const struct shortening *shortening, const char *name, uint64_t offset)
{
	/* The lock is held: what is there was left by one that was killed. */
	(void)!unlink(name);
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot(shortening, errno);
	bool good = give_to_owner(fd, &shortening->info) == 0 && file_write_all(fd, JOURNAL_HEAD, N_HEAD) == 0 &&
		    copy_rest(shortening->fd, offset, fd) == 0 && fsync(fd) == 0 && rename(name, shortening->real) == 0;
	int error = errno;
	close(fd);
	if (good)
		return journal_sync_folder(shortening->real) == 0 ? 0 : cannot(shortening, errno);
	(void)!unlink(name);
	return cannot(shortening, error);
}

static int shorten(
	struct shortening *shortening, journal_take *take, journal_choose *choose, void *user, struct journal *gone)
{
	struct journal all;
	if (fstat(shortening->fd, &shortening->info) != 0)
		return cannot(shortening, errno);
	if (scan_through(shortening->fd, shortening->path, UINT64_MAX, take, user, &all, shortening->diags) < 0)
		return -1;
	uint64_t offset = choose(user);
	if (!offset)
		return 0;
	if (scan_through(shortening->fd, shortening->path, offset, NULL, NULL, gone, shortening->diags) < 0)
		return -1;
	g_autofree char *name = g_strconcat(shortening->real, ".new", NULL);
	return write_new(shortening, name, offset);
}

static int open_and_shorten(const char *path, journal_take *take, journal_choose *choose, void *user,
	struct journal *gone, struct diags *diags)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct shortening shortening = { .path = path, .diags = diags, .fd = journal_open(path, diags) };
	if (shortening.fd < 0)
		return -1;
	const char *real = file_real_path(path, arena);
	shortening.real = real ? real : path;
	int result = shorten(&shortening, take, choose, user, gone);
	close(shortening.fd);
	return result;
}

int journal_shorten(const char *path, journal_take *take, journal_choose *choose, void *user, struct journal *gone_out,
	struct diags *diags)
{
	*gone_out = (struct journal){ 0 };
	if (journal_is_absent(path))
		return 0;
	if (file_kind(path, true) == FILE_OTHER)
		return scan_refuse(SCAN_OTHER, path, D_JOURNAL_DAMAGED, "", diags);
	int fd = journal_open(path, diags); /* what cannot be reached is told of by its name, not by that of its lock */
	if (fd < 0)
		return -1;
	close(fd);
	int lock = journal_lock(path, D_OUTPUT, diags);
	if (lock < 0)
		return -1;
	int result = open_and_shorten(path, take, choose, user, gone_out, diags);
	lock_close(lock);
	return result;
}
