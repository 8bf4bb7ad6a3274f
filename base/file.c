/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STREAM_BUFFER = 64 * 1024 };

enum file_kind file_kind(const char *path, bool follow)
{
	struct stat info;
	if ((follow ? stat(path, &info) : lstat(path, &info)) != 0)
		return FILE_MISSING;
	if (S_ISLNK(info.st_mode))
		return FILE_SYMLINK;
	if (S_ISDIR(info.st_mode))
		return FILE_FOLDER;
	return S_ISREG(info.st_mode) ? FILE_REGULAR : FILE_OTHER;
}

char *file_real_path(const char *path, struct arena *arena)
{
	char *real = realpath(path, NULL);
	char *kept = arena_strdup(arena, real);
	free(real);
	return kept;
}

static int cannot_read(const char *path, int error, struct diags *diags)
{
	return diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "'%s' cannot be read: %s", path, g_strerror(error));
}

static int too_large(const char *path, size_t max_bytes, struct diags *diags)
{
	return diag_add(diags, D_SOURCE_LIMIT, LOC_NONE, NULL, "'%s' is larger than %zu MiB", path, max_bytes >> 20);
}

/* The count is what was read; less than 'size' at the end of the file. */
static ssize_t read_all(int fd, char *into, size_t size)
{
	size_t n = 0;
	while (n < size) {
		ssize_t got = read(fd, into + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

/* A regular file is read into one piece of memory; one that grows meanwhile is read up to the size it had. */
static int read_sized(
	int fd, const char *path, size_t size, struct arena *arena, struct source *out, struct diags *diags)
{
	char *bytes = arena_alloc(arena, size + 1);
	ssize_t n = read_all(fd, bytes, size);
	if (n < 0)
		return cannot_read(path, errno, diags);
	*out = (struct source){ .name = arena_strdup(arena, path), .bytes = bytes, .n_bytes = (size_t)n };
	return 0;
}

static int read_stream(
	int fd, const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags)
{
	g_autoptr(GString) all = g_string_new(NULL);
	g_autofree char *buffer = g_malloc(STREAM_BUFFER);
	ssize_t n;
	while ((n = read_all(fd, buffer, STREAM_BUFFER)) > 0) {
		g_string_append_len(all, buffer, n);
		if (all->len > max_bytes)
			return too_large(path, max_bytes, diags);
	}
	if (n < 0)
		return cannot_read(path, errno, diags);
	*out = (struct source){ .name = arena_strdup(arena, path),
		.bytes = arena_strndup(arena, all->str, all->len),
		.n_bytes = all->len };
	return 0;
}

static int read_fd(
	int fd, const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags)
{
	struct stat info;
	if (fstat(fd, &info) != 0)
		return cannot_read(path, errno, diags);
	if (S_ISDIR(info.st_mode))
		return cannot_read(path, EISDIR, diags);
	if (!S_ISREG(info.st_mode))
		return read_stream(fd, path, max_bytes, arena, out, diags);
	if ((uint64_t)info.st_size > max_bytes)
		return too_large(path, max_bytes, diags);
	/* Files of /proc and the like say 0 and have contents all the same. */
	if (info.st_size == 0)
		return read_stream(fd, path, max_bytes, arena, out, diags);
	return read_sized(fd, path, (size_t)info.st_size, arena, out, diags);
}

int file_read(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags)
{
	if (strcmp(path, "-") == 0)
		return read_fd(STDIN_FILENO, path, max_bytes, arena, out, diags);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cannot_read(path, errno, diags);
	int result = read_fd(fd, path, max_bytes, arena, out, diags);
	close(fd);
	return result;
}

int file_read_regular(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags)
{
	/* Without O_NONBLOCK the open itself would wait for somebody to write to a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return diag_add(
			diags, D_SOURCE_SYMLINK, LOC_NONE, NULL, "'%s' is a symlink; put the file itself there", path);
	if (fd < 0)
		return cannot_read(path, errno, diags);
	struct stat info;
	int result;
	if (fstat(fd, &info) != 0)
		result = cannot_read(path, errno, diags);
	else if (!S_ISREG(info.st_mode))
		result = diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "'%s' is not a regular file", path);
	else
		result = read_fd(fd, path, max_bytes, arena, out, diags);
	close(fd);
	return result;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int file_list(
	const char *path, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	g_autoptr(GError) error = NULL;
	GDir *folder = g_dir_open(path, 0, &error);
	if (!folder)
		return diag_add(
			diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "'%s' cannot be read: %s", path, error->message);
	GArray *names = g_array_new(FALSE, FALSE, sizeof(char *));
	for (const char *name; (name = g_dir_read_name(folder));) {
		const char *kept = arena_strdup(arena, name);
		g_array_append_val(names, kept);
	}
	g_dir_close(folder);
	g_array_sort(names, compare_names);
	*names_out = arena_take_array(arena, names, n_out);
	return 0;
}

/* GLib tells the name of its temporary file and a code of its own; the errno that it comes from says as much. */
static const char *cause_of(const GError *error)
{
	enum { ERRNO_MAX = 200 };
	for (int number = 1; number < ERRNO_MAX && error->code != G_FILE_ERROR_FAILED; number++)
		if ((int)g_file_error_from_errno(number) == error->code)
			return g_strerror(number);
	return error->message;
}

int file_write_all(int fd, const char *bytes, size_t n_bytes)
{
	while (n_bytes) {
		ssize_t n = write(fd, bytes, n_bytes);
		if (n < 0 && errno != EINTR)
			return -1;
		bytes += MAX(n, 0);
		n_bytes -= (size_t)MAX(n, 0);
	}
	return 0;
}

/* For what must not be replaced: a device or a FIFO. */
static int write_into(const char *path, const char *bytes, size_t n_bytes, struct diags *diags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int result = fd < 0 ? -1 : file_write_all(fd, bytes, n_bytes);
	if (result < 0)
		diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "'%s' cannot be written: %s", path, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

static int write_as(const char *path, int mode, const char *bytes, size_t n_bytes, struct diags *diags)
{
	g_autoptr(GError) error = NULL;
	GFileSetContentsFlags flags = G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE;
	if (file_kind(path, true) == FILE_OTHER)
		return write_into(path, bytes, n_bytes, diags);
	char *real = realpath(path, NULL); /* what a symlink points to is replaced, not the symlink */
	bool good = g_file_set_contents_full(real ? real : path, bytes, (gssize)n_bytes, flags, mode, &error);
	free(real);
	if (good)
		return 0;
	return diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "'%s' cannot be written: %s", path, cause_of(error));
}

const char *file_temporary(const char *bytes, size_t n_bytes, struct arena *arena, struct diags *diags)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("hvgpu-XXXXXX", &path, &error);
	if (fd < 0) {
		diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "a temporary file cannot be made: %s", error->message);
		return NULL;
	}
	int result = file_write_all(fd, bytes, n_bytes);
	int failure = errno;
	close(fd);
	if (result == 0)
		return arena_strdup(arena, path);
	file_remove(path);
	diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "'%s' cannot be written: %s", path, g_strerror(failure));
	return NULL;
}

void file_remove(const char *path)
{
	if (path)
		unlink(path);
}

int file_write(const char *path, const char *bytes, size_t n_bytes, struct diags *diags)
{
	return write_as(path, 0666, bytes, n_bytes, diags);
}

int file_write_private(const char *path, const char *bytes, size_t n_bytes, struct diags *diags)
{
	return write_as(path, 0600, bytes, n_bytes, diags);
}

int file_make_folder(const char *path, struct diags *diags)
{
	if (g_mkdir_with_parents(path, 0700) == 0)
		return 0;
	return diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "folder '%s' cannot be made: %s", path, g_strerror(errno));
}

/* How the file starts: 1 as 'head' says, 0 it is empty, -1 otherwise, or it cannot be read. */
static int starts_with(int fd, const char *head)
{
	size_t n_head = strlen(head);
	g_autofree char *start = g_malloc(n_head + 1);
	ssize_t n = read_all(fd, start, n_head);
	if (n == 0)
		return 0;
	return n == (ssize_t)n_head && memcmp(start, head, n_head) == 0 ? 1 : -1;
}

FILE *file_append(const char *path, const char *head, struct diags *diags)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "a");
	if (!stream) {
		diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "'%s' cannot be written: %s", path, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	int start = starts_with(fd, head);
	if (start < 0)
		diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
			"'%s' holds something else already, and is left as it is; name a new file", path);
	if (start > 0 || (start == 0 && !file_put(stream, head, strlen(head), diags)))
		return stream;
	fclose(stream);
	return NULL;
}

int file_put(FILE *stream, const char *bytes, size_t n_bytes, struct diags *diags)
{
	errno = 0;
	if (fwrite(bytes, 1, n_bytes, stream) == n_bytes && fflush(stream) == 0)
		return 0;
	if (errno == EPIPE)
		return FILE_CLOSED;
	return diag_add(diags, D_OUTPUT, LOC_NONE, NULL, "output cannot be written: %s", g_strerror(errno));
}
