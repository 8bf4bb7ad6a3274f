/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out a planned run while telling what happens, for `apply` and `restore`. */
#pragma once
#include "cmd/command.h"

enum carry_format { CARRY_TEXT, CARRY_JSON };
extern const char *const carry_formats[]; /* "text", "json": one object a line, ended by NULL */

/* Applies the run's plans; 'options->run' and the event function are filled here. Returns the exit code. */
enum exit_code carry_out(struct run *run, struct apply_options *options, enum carry_format format);
