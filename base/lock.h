/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advisory locks on byte ranges of a file, so that one lock file serves many subjects. A lock belongs to the open file,
 * not to the process: two opens of one file in one process exclude each other too, and the system frees it when the
 * file is closed, however the process ends. Children do not inherit it.
 */
#pragma once
#include <stdint.h>

enum { LOCK_HELD = 1 };

/* Opens the file, creates it where it is missing (never its contents). The descriptor, or a negative errno. */
int lock_open(const char *path);

/* For lock_test() alone: needs no right to write, so that whoever may only look is told the truth. The file must exist. */
int lock_open_to_test(const char *path);

/* Takes 'n_bytes' from 'offset' (0: to the end, however far it grows) for writing. 0, LOCK_HELD when somebody else has
 * any of them, or a negative errno. */
int lock_try(int fd, int64_t offset, int64_t n_bytes);

/* The same, and waits. -EINTR when a signal comes first. */
int lock_wait(int fd, int64_t offset, int64_t n_bytes);

/* Looks without taking: LOCK_HELD when another open of the file has any of those bytes, 0, or a negative errno. */
int lock_test(int fd, int64_t offset, int64_t n_bytes);

int lock_release(int fd, int64_t offset, int64_t n_bytes);

/* Frees every lock taken through 'fd'. A negative 'fd' is accepted. */
void lock_close(int fd);
