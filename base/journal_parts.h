/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of base/journal.h share: how a line is written and known again, and going through a file line by line in
 * memory that does not grow with it.
 */
#pragma once
#include "base/journal.h"

#include <stddef.h>
#include <sys/types.h>

#define JOURNAL_HEAD "hvgpu-journal 1\n"

enum {
	N_HEAD = sizeof(JOURNAL_HEAD) - 1,
	N_LENGTH = 8,
	N_SUM = 16,
	N_FRAME = N_LENGTH + 1 + N_SUM + 1,
	N_LINE_MAX = N_FRAME + JOURNAL_RECORD_MAX + 1
};

/* ---- lines ---- */

void line_put(GString *out, const char *record);

/* The length of the record whose line starts here, or -1: none does. '*whole_out': its line end is there too. */
int64_t line_at(const char *bytes, size_t n_bytes, bool *whole_out);

/* ---- a file of them ---- */

enum scan_file { /* what a file is, by its start */
	SCAN_JOURNAL,
	SCAN_UNFINISHED, /* empty, or the beginning of a first line */
	SCAN_LATER,      /* the first line of a later version, and no record of ours: its sums are others */
	SCAN_OTHER
};

enum scan_kind {
	SCAN_RECORD,
	SCAN_DAMAGE, /* a line, or the end of one, that is no record */
	SCAN_TORN    /* what stands behind the last line end */
};

struct scan_line {
	enum scan_kind kind;
	struct journal_record
		record; /* its 'offset' and 'end' for every kind; 'text' until the next call, for a record */
};

struct scan {
	int fd;
	uint64_t at, end; /* offsets in the file: of the next line, and where to stop */
	char *window;     /* room for two of the longest lines: what of the file lies from 'at' on */
	size_t start, n;  /* of what is in the window */
	size_t n_head;    /* bytes of a damaged first line, to be told first */
	bool has_bad_end; /* the line end of the record before was changed */
	char kept;        /* what stood where the text of the record before ends */
};

/* Looks at the start of a file that can be read at any offset. An enum scan_file, or a negative errno. SCAN_JOURNAL: go on
 * with scan_next(). In every case end with scan_done(). */
int scan_init(struct scan *scan, int fd);
/* SCAN_MORE, 0 at the end, or a negative errno. */
enum { SCAN_MORE = 1 };
int scan_next(struct scan *scan, struct scan_line *out);
void scan_done(struct scan *scan);

/* There is none yet: not one that cannot be reached, which would look as if nobody had done anything. */
bool journal_is_absent(const char *path);

/* For reading. -1 with HV401. */
int journal_open(const char *path, struct diags *diags);

/* Goes through a journal that was opened, up to 'end', and counts what is in it. 0, or -1 with what journal_scan() says. */
int scan_through(int fd, const char *path, uint64_t end, journal_take *take, void *user, struct journal *out,
	struct diags *diags);

/* That file is no journal of ours: -1 with 'code'. 'then': what follows from that, behind the name of the file. */
int scan_refuse(enum scan_file file, const char *path, enum diag_code code, const char *then, struct diags *diags);

/* ---- writing ---- */

/* "history 'PATH' cannot be WHAT: ERROR". -1. */
int journal_cannot(const char *path, const char *what, int error, enum diag_code code, struct diags *diags);

/* Waits for JOURNAL_LOCK_MS at most. The lock, or -1 with 'code'. */
int journal_lock(const char *path, enum diag_code code, struct diags *diags);

int journal_sync_folder(const char *path);
