/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of records that only grows, for what happened. It is a line "hvgpu-journal 1" and then a line for each record:
 * its length in eight hexadecimal digits, a space, the first sixteen of its SHA-256, a space, the record, which holds no
 * line end. A record is there when journal_append() returns: it is written at once and synced. What a crash leaves of a
 * record that it interrupted is cut by the next one that appends; a record that was changed is told of, and those
 * around it are read all the same. So it is with the first line, where a whole record stands near the start; a later version
 * has other sums, so none of its records is whole here. Any number of processes may append: a lock file beside it, "FILE.lock", lets one at a time.
 */
#pragma once
#include "base/diag.h"

enum { JOURNAL_RECORD_MAX = 1 << 20, JOURNAL_LOCK_MS = 2000 };

/* Adds records, each ended by NUL, at once; makes the file, and its folder, for this user alone. 0, or -1 with HV709: it
 * cannot be written, is something else, or somebody holds its lock for longer than JOURNAL_LOCK_MS. Then nothing was added,
 * but for a record that could be written and not synced. */
int journal_append(const char *path, const char *const *records, uint32_t n_records, struct diags *diags);

struct journal_record {
	const char *text;
	uint64_t offset, end; /* of its line in the file */
};

struct journal { /* of what was gone through */
	uint32_t n_records;
	uint32_t n_damaged;       /* places where something is that is no record */
	uint64_t damaged_at;      /* the first of them */
	uint64_t n_damaged_bytes; /* in all */
	uint64_t n_torn_bytes;    /* at the end: a record that was never finished */
};

/* Is given one record after the other, which lives for the call. False: that was enough. */
typedef bool journal_take(const struct journal_record *record, void *user);

/* Goes through a journal of any length in little memory; what is missing is empty. 0, or -1 with HV401 or HV413 (something
 * else, or of a later version). */
int journal_scan(const char *path, journal_take *take, void *user, struct journal *out, struct diags *diags);

/* Goes through it as journal_scan() does, then takes away all that lies before the offset that 'choose' gives: the end of a
 * record, or 0 for nothing. Nobody appends meanwhile. The file keeps its owner, group and mode. '*gone_out': what was taken
 * away. 0, or -1 with HV902, or with what journal_scan() says: then all is there. */
typedef uint64_t journal_choose(void *user);
int journal_shorten(const char *path, journal_take *take, journal_choose *choose, void *user, struct journal *gone_out,
	struct diags *diags);
