/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out a planned run while telling what happens, for `apply` and `restore`. */
#pragma once
#include "cmd/command.h"

enum carry_format { CARRY_TEXT, CARRY_JSON };
extern const char *const carry_formats[]; /* "text", "json": one object a line, ended by NULL */

/* Applies the run's plans and writes down what happens (reconcile/history.h); 'options->run', the run's id and the event
 * function are filled here. 'command': "apply". Returns the exit code. */
enum exit_code carry_out(struct run *run, struct apply_options *options, enum carry_format format, const char *command);

/* Writes down that a run was refused, with what was found, before anything of it could be carried out. */
void carry_refused(const struct run *run, const char *command, enum exit_code code, const struct diags *findings);
