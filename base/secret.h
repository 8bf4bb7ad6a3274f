/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets by reference: manifests and command lines say where one is, never what it is.
 *
 *   env:NAME      a variable          file:PATH     a file; ~/ is the home folder
 *   systemd:NAME  a credential of the service (systemd.exec(5), LoadCredential)
 *   command:ARGV  what a program prints, run without a shell; quotes keep words together
 *
 * Other programs get it as a file: the one that it is in, or one in memory that has no name and goes with this process, so
 * that none can be left behind. What it holds is in no finding and on no command line.
 */
#pragma once
#include "base/diag.h"

enum { SECRET_BYTES_MAX = 64 * 1024, SECRET_COMMAND_TIMEOUT_S = 30 };

struct secret;

/* 0, or -1 with a finding of 'code' about 'subject'. */
int secret_open(
	const char *reference, enum diag_code code, const char *subject, struct secret **out, struct diags *diags);

/* Where programs of this user read it. Valid until it is closed. */
const char *secret_path(const struct secret *secret);
/* The variable that holds it, which other programs need not inherit; NULL: none does. */
const char *secret_variable(const struct secret *secret);

void secret_close(struct secret *secret); /* NULL is accepted */
