/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

const struct command *const commands[] = {
	&command_validate,
	&command_plan,
	&command_apply,
	&command_drift,
	&command_check,
	&command_restore,
	&command_settle,
	&command_unlock,
	&command_history,
	&command_doctor,
	&command_observe,
	&command_import,
	&command_simulate,
	&command_explain,
	&command_schema,
	&command_completion,
	&command_version,
	&command_help,
	NULL,
};

void commands_names(GString *words)
{
	for (size_t i = 0; commands[i]; i++)
		g_string_append_printf(words, " %s", commands[i]->name);
}
