/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from: a position in the bytes of a source. Every node, field, object, step and diagnostic has one. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* One text that was read: a file, a blob of a commit, standard input. Lives as long as whatever points into it. */
struct source {
	const char *name;  /* as people know it: "clusters/paris.yaml", "-" */
	const char *bytes; /* not terminated by a NUL */
	size_t n_bytes;
};

struct loc {
	const struct source *source; /* NULL: no position */
	uint32_t line, col;          /* from 1, col in characters; line 0: no position within the source */
	uint32_t len;                /* characters to underline, at least 1 */
};

#define LOC_NONE ((struct loc){ 0 })
