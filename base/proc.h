/* SPDX-License-Identifier: Apache-2.0 */
/* Running another program to its end, without a shell: arguments are data. */
#pragma once
#include "base/diag.h"

enum { PROC_OUTPUT_MAX = 64 * 1024, PROC_TIMEOUT_S = 600 };

struct proc {
	const char *const *argv;  /* ended by NULL; argv[0] is looked up in PATH */
	const char *const *set;   /* NAME, value, NAME, value, … ended by NULL */
	const char *const *unset; /* names of variables to leave out, ended by NULL */
	const char *input;        /* given to its standard input; NULL: that is the null device */
	size_t n_input;
	uint32_t timeout_s; /* 0: PROC_TIMEOUT_S */
};

struct proc_result {
	int exit;           /* its exit code; 128 + signal when killed */
	bool timed_out;     /* it took longer than it may, and was killed; its own children may still run */
	const char *output; /* what it wrote to standard error, its last PROC_OUTPUT_MAX bytes at most, valid UTF-8 */
	const char *answer; /* what it wrote to standard output, likewise */
	const char *
		bytes; /* the same as it came: any bytes; when they are PROC_OUTPUT_MAX, there may have been more before */
	size_t n_bytes;
};

/* Runs it and waits; not reading its input is no fault of it. 0 when it ran, whatever its exit code; -1 with a finding of
 * 'code' when it could not be started. Needs SIGPIPE ignored where there is input. */
int proc_run(const struct proc *proc, enum diag_code code, struct arena *arena, struct proc_result *out,
	struct diags *diags);
