/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of records that only grows, for what happened. It is a line "hvgpu-journal 1" and then a line for each record:
 * its length in eight hexadecimal digits, a space, the first sixteen of its SHA-256, a space, the record, which holds no
 * line end. A record is there when journal_append() returns: it is written at once and synced. What a crash leaves of a
 * record that it interrupted is cut by the next one that appends; a record that was changed is told of, and those
 * around it are read all the same. Any number of processes may append: a lock file beside it, "FILE.lock", lets one at a time.
 */
#pragma once
#include "base/diag.h"

enum { JOURNAL_RECORD_MAX = 1 << 20, JOURNAL_MAX = 1 << 30, JOURNAL_LOCK_MS = 2000 };

struct journal_record {
	const char *text;
	uint64_t offset; /* of its line in the file */
};

struct journal {
	const struct journal_record *records;
	uint32_t n_records;
	uint32_t n_damaged;       /* places where something is that is no record */
	uint64_t damaged_at;      /* the first of them */
	uint32_t n_damaged_bytes; /* in all */
	uint32_t n_torn_bytes;    /* at the end: a record that was never finished */
	uint64_t end;             /* of what was read */
};

/* Adds records, each ended by NUL, at once; makes the file, and its folder, for this user alone. 0, or -1 with HV709: it
 * cannot be written, is something else, or somebody holds its lock for longer than JOURNAL_LOCK_MS. Then nothing was added,
 * but for a record that could be written and not synced. */
int journal_append(const char *path, const char *const *records, uint32_t n_records, struct diags *diags);

/* All records, in 'arena'; none where the file is missing. 0, or -1 with HV401, HV405 or HV413 (something else). */
int journal_read(const char *path, struct arena *arena, struct journal *out, struct diags *diags);

/* The first record, or NULL: there is none, or no journal, or it is damaged. */
const char *journal_first(const char *path, struct arena *arena);

/* Takes away all that lies before the offset that 'choose' gives for what is there: that of a record, 'end', or 0 for
 * nothing. Nobody appends meanwhile. 0, or -1 with HV709, or with what journal_read() says: then all is there. */
typedef uint64_t journal_choose(const struct journal *journal, void *user);
int journal_shorten(const char *path, journal_choose *choose, void *user, struct diags *diags);
