/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders: reading with a cap, listing in a fixed order, and writing so that a full disk or a closed pipe is
 * an error and never a silent loss. Paths in messages are as the caller wrote them.
 */
#pragma once
#include "base/diag.h"
#include "base/loc.h"

#include <stdio.h>

enum file_kind { FILE_MISSING, FILE_REGULAR, FILE_FOLDER, FILE_SYMLINK, FILE_OTHER };

/* What is at 'path'. 'follow': a symlink counts as what it points to. What may not be looked at is FILE_MISSING. */
enum file_kind file_kind(const char *path, bool follow);

/* Its absolute path without symlinks and "..", in 'arena'; NULL when there is nothing. */
char *file_real_path(const char *path, struct arena *arena);

/* Reads a file, or standard input for "-", into 'arena'; its name is 'path'. A FIFO or device is read too, up to the
 * cap. 0, or -1 with HV401 (cannot be read) or HV405 (more than max_bytes). */
int file_read(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags);

/* As file_read(), for what was found in a folder: a symlink is HV404, anything but a regular file HV401. */
int file_read_regular(const char *path, size_t max_bytes, struct arena *arena, struct source *out, struct diags *diags);

/* The names in a folder, without "." and "..", sorted by bytes. 0, or -1 with HV401. */
int file_list(
	const char *path, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags);

/* Replaces a file in one move that survives a crash: the old or the new contents, never a half. A symlink
 * stays and what it points to is replaced; a device or FIFO stays too, and is written to. 0, or -1 with HV902. */
int file_write(const char *path, const char *bytes, size_t n_bytes, struct diags *diags);

/* The same for this user alone. */
int file_write_private(const char *path, const char *bytes, size_t n_bytes, struct diags *diags);

/* Opens a file to add to its end with file_put(), as this user's alone; one that is missing or empty starts with 'head'.
 * NULL with HV902, or with HV408 where it holds something that starts otherwise: that is left as it is. */
FILE *file_append(const char *path, const char *head, struct diags *diags);

/* A new file with these contents in the folder for temporary ones, for this user alone. Its path in 'arena', to be removed
 * with file_remove(); NULL with HV902. */
const char *file_temporary(const char *bytes, size_t n_bytes, struct arena *arena, struct diags *diags);
void file_remove(const char *path); /* what is not there, or NULL, is no fault */

/* A folder and those above it, for this user alone. 0, or -1 with HV902. */
int file_make_folder(const char *path, struct diags *diags);

/* All bytes to a descriptor, however often it takes. 0, or -1 with errno. */
int file_write_all(int fd, const char *bytes, size_t n_bytes);

/* Writes all bytes to a stream and flushes it. 0; -1 with HV902; or FILE_CLOSED when the reader of a pipe went away
 * (no finding: there is nobody to read it). Needs SIGPIPE ignored. */
enum { FILE_CLOSED = 1 };
int file_put(FILE *stream, const char *bytes, size_t n_bytes, struct diags *diags);
