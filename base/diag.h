/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that can be said about the user's input, the hosts, the plan or a step is one 'struct diag'. Text, JSON
 * and Markdown are made from the same record. The codes, with their severity, exit code and the paragraph that
 * `hvgpu explain CODE` prints, stand in base/codes.def, for the whole program.
 *
 * Messages: lower case, no full stop, what is wrong first, the subject in single quotes, then what to do.
 *
 * Results of functions: 0 done; negative = failed and at least one error is in 'diags'; positive = an answer that the
 * header of that function names.
 */
#pragma once
#include "base/arena.h"
#include "base/loc.h"
#include "base/names.h"

#include <stdbool.h>

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };
extern const struct names diag_severity_names;

enum diag_code {
#define CODE(symbol, id, severity, exit, title, help) symbol,
#include "base/codes.def"
#undef CODE
	DIAG_CODE_COUNT
};

/* Exit codes of the program, one meaning each, over all commands. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_UNEXPECTED = 1,
	EXIT_CHANGES = 2,
	EXIT_BAD_INPUT = 3,
	EXIT_INCOMPLETE = 4,
	EXIT_REFUSED = 5,
	EXIT_STALE = 6,
	EXIT_LOCKED = 7,
	EXIT_PARTIAL = 8,
	EXIT_INTERRUPTED = 130,
};

struct diag_row {
	const char *id; /* "HV302" */
	enum diag_severity severity;
	enum exit_code exit;
	const char *title; /* a few words */
	const char *help;  /* a paragraph: why, and what to do */
};
extern const struct diag_row diag_codes[DIAG_CODE_COUNT];
/* The document that the rule behind a message comes from, or NULL: base/sources.def. */
extern const char *const diag_sources[DIAG_CODE_COUNT];

/* The code with that id ("HV302", any case), or -1. */
int diag_code_find(const char *id);

/* The one that wins of two exit codes: 130, 8, 1, 3, 6, 7, 5, 4, 2, 0. */
enum exit_code exit_worse(enum exit_code a, enum exit_code b);

struct diag {
	enum diag_code code;
	struct loc loc;      /* where in the manifests, if anywhere */
	const char *subject; /* "cluster/paris/host/hv03/gpu/PCIROOT(0)#PCI(0300)", or NULL */
	const char *message;
	struct loc also; /* a second place: "first defined here" */
	const char *also_message;
	struct diag *next; /* in the list of its diags */
};

/* A list of findings. Its memory is the arena's. At most DIAGS_MAX are kept; the rest is counted in 'n_dropped'. */
enum { DIAGS_MAX = 1000 };
struct diags {
	struct arena *arena;
	struct diag *first, *last;
	uint32_t n, n_errors, n_warnings, n_dropped;
	enum exit_code exit; /* the worst of all errors added */
};

struct diags *diags_new(struct arena *arena);

/* Adds a finding. Returns -1 for an error and 0 for others, so that a check can read 'return diag_add(…)'. */
int diag_add(struct diags *diags, enum diag_code code, struct loc loc, const char *subject, const char *fmt, ...)
	G_GNUC_PRINTF(5, 6);

/* Gives the finding added last a second place. */
void diag_also(struct diags *diags, struct loc loc, const char *message);

/* A finding of the same code and message is there. */
bool diags_have(const struct diags *diags, const struct diag *diag);

/* Copies all findings of 'from' to the end of 'into'; sources that they point into must outlive both. */
void diags_append(struct diags *into, const struct diags *from);

/* Findings that point into 'source' point into a copy in their own memory from now on: for readers that free what they
 * read while the findings are still to be shown. Without such findings nothing is copied. */
void diags_keep(struct diags *diags, const struct source *source);

/* By source name, line, column, then order of arrival; findings without a position come last. */
void diags_sort(struct diags *diags);

#define BUG(...) g_error(__VA_ARGS__) /* our own fault: aborts with a message */
