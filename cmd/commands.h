/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the commands, each in the file of its name. */
#pragma once
#include "cmd/command.h"

/* Appends the names of all commands, a space before each. */
void commands_names(GString *words);

extern const struct command command_validate, command_plan, command_apply, command_drift, command_check;
extern const struct command command_restore, command_settle, command_unlock, command_history;
extern const struct command command_doctor, command_observe, command_import, command_simulate;
extern const struct command command_explain, command_schema, command_version, command_completion, command_help;
