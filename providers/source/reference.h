/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCE as people write it, taken apart: source.h says how it is read. Looks at the file system for one thing, whether
 * the text as a whole is a path. */
#pragma once
#include "base/diag.h"

enum reference_kind {
	REFERENCE_FILES,  /* path, or "-" */
	REFERENCE_LOCAL,  /* a repository on this machine, read at a revision */
	REFERENCE_REMOTE, /* to be fetched: https, ssh, user@host:path */
};

struct reference {
	enum reference_kind kind;
	const char *root;     /* path, or URL of the repository */
	const char *path;     /* below it: tidy, without "." or "..", "" for the root */
	const char *revision; /* NULL: HEAD */
	bool is_url;          /* LOCAL: it was written as file://, so the URL says whose it is */
};

/* 0, or -1 with a finding: HV401, HV404 (path leaves the tree), HV903. */
int reference_parse(const char *given, struct arena *arena, struct reference *out, struct diags *diags);

/* The text with the password of a URL taken out, for messages. */
char *reference_censored(struct arena *arena, const char *given);
