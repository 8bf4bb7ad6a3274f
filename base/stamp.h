/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has a file changed since it was read? A stamp keeps the file open, so that its inode number cannot be given to a
 * newer file: a file that is replaced in one move is told apart with certainty, one that is edited in place by size and
 * times.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct stamp {
	int fd; /* -1: of no file */
	uint64_t device, inode;
	int64_t size, modified_ns, changed_ns;
};
#define STAMP_NONE ((struct stamp){ .fd = -1 })

/* Takes the stamp of what is at 'path' now; of a file that cannot be opened STAMP_NONE. Take it before reading. */
void stamp_take(struct stamp *stamp, const char *path);

/* The file at 'path' is still the one of the stamp, unchanged. Never for STAMP_NONE. */
bool stamp_is_current(const struct stamp *stamp, const char *path);

/* Lets the file go; the stamp is STAMP_NONE afterwards. */
void stamp_drop(struct stamp *stamp);
