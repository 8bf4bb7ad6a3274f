/* SPDX-License-Identifier: Apache-2.0 */
/* A plan that was saved by `plan --out`, on its way to being carried out. */
#pragma once
#include "cmd/command.h"

/* The saved plan at 'path', or NULL: it is none (without findings), or cannot be read (with). */
struct run *saved_read(const char *path, struct diags *diags);

/* What was planned is in the file; where and how to act is said now, by 'how'. A plan of another version of the program, or
 * with --verify-commit one that no trusted commit asks for, is left without its plans, and the run says why. */
void saved_prepare(struct run *run, const struct run_options *how);
