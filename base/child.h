/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another program that runs beside us and is talked to in lines, without a shell: arguments are data. All is
 * asynchronous over a GMainContext. It has a session of its own, so that a signal from the terminal ends us and not it,
 * and whatever it started ends with it. Needs SIGPIPE ignored (base/interrupt.h).
 */
#pragma once
#include "base/arena.h"

#include <stdbool.h>

enum { CHILD_WORDS_MAX = 64 * 1024 };

struct child;

struct child_spec {
	const char *const *argv; /* ended by NULL; argv[0] is looked up in PATH */
	const char *const *set;  /* variables: NAME, value, … ended by NULL; NULL: none */
	size_t line_max;         /* bytes of a line that it may write */
};

struct child_events {
	/* A line that it wrote, without its end, ended by a NUL besides; it may hold others. The child may be stopped from
	 * within. */
	void (*line)(void *user, const char *line, size_t n_bytes);
	/* No more lines come: it ended, or closed its output, or wrote a line that is too long. Once, and last. */
	void (*ended)(void *user);
};

/* Starts it. NULL with a text in '*error', to be freed. */
struct child *child_start(GMainContext *context, const struct child_spec *spec, const struct child_events *events,
	void *user, char **error);

/* Hands bytes over, which are copied and written as it reads them. After its end they go nowhere. */
void child_write(struct child *child, const char *bytes, size_t n_bytes);

/* What it wrote to standard error so far, its last CHILD_WORDS_MAX bytes at most; may be no UTF-8. */
const char *child_words(const struct child *child, size_t *n_bytes);

/* After 'ended': what it wrote after the end of its last line. */
const char *child_rest(const struct child *child, size_t *n_bytes);

/* After 'ended': its exit code, 128 + signal when it was killed, or -1 while that is not known. */
int child_exit(const struct child *child);
bool child_wrote_too_long(const struct child *child);

/* Ends it and frees: its input is closed, and it gets 'patience_ms' to end by itself, then it and all that it started in
 * its session are killed. No event comes any more. NULL is accepted. */
void child_stop(struct child *child, int patience_ms);
