/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets by reference: manifests and command lines say where one is, never what it is.
 *
 *   env:NAME      a variable          file:PATH     a file; ~/ is the home folder
 *   systemd:NAME  a credential of the service (systemd.exec(5), LoadCredential)
 *   command:ARGV  what a program prints, run without a shell; quotes keep words together
 *
 * Other programs get it as a file: the one that it is in, or one in memory that has no name and goes with this process, so
 * that none can be left behind. What it holds is in no finding and on no command line, and a variable that holds one is not inherited by programs
 * that are started.
 */
#pragma once
#include "base/diag.h"

enum { SECRET_BYTES_MAX = 64 * 1024, SECRET_COMMAND_TIMEOUT_S = 30 };

struct secret;

/* Whether that is a reference at all. */
bool secret_is_reference(const char *text);
/* Where in an address like ssh://USER:PASSWORD@HOST the password begins, or NULL: there is none. */
const char *secret_in_address(const char *address);
/* Programs that are started from now on do not inherit the variable that the reference names, if it names one. 'reference' may
 * be NULL. */
void secret_hide(const char *reference);

/* 0, or -1 with a finding of 'code' about 'subject'. */
int secret_open(
	const char *reference, enum diag_code code, const char *subject, struct secret **out, struct diags *diags);

/* Where programs of this user read it. Valid until it is closed. */
const char *secret_path(const struct secret *secret);

void secret_close(struct secret *secret); /* NULL is accepted */
