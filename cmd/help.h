/* SPDX-License-Identifier: Apache-2.0 */
/* Help from the rows of commands and options. */
#pragma once
#include "cmd/command.h"

void help_overview(GString *out);
void help_man(GString *out);                   /* roff, cmd/man.c */
extern const char help_about[], help_source[]; /* what the program does, and what SOURCE is: a sentence each */
void help_command(GString *out, const struct command *command);

const struct command *command_find(const char *name); /* or NULL */
/* "unknown command 'plna'; did you mean 'plan'?" Returns -1. */
int command_unknown(const char *name, struct diags *diags);
