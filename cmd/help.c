/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/help.h"
#include "base/text.h"
#include "cmd/options.h"

#include <string.h>

enum { LINE_MAX_COLUMNS = 100 };

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

int command_unknown(const char *name, struct diags *diags)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (size_t i = 0; commands[i]; i++)
		g_ptr_array_add(names, (gpointer)commands[i]->name);
	const char *near = text_nearest(name, (const char *const *)names->pdata, names->len);
	if (near)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "unknown command '%s'; did you mean '%s'?", name, near);
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "unknown command '%s'; see 'hvgpu help'", name);
}

/* Words filled into lines; 'indent' columns in front of each line but the first, which is 'at' columns long. */
static void fill(GString *out, const char *text, unsigned indent, unsigned at)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	for (char **word = words; *word; word++) {
		unsigned width = text_width(*word);
		if (word != words && at + 1 + width > LINE_MAX_COLUMNS) {
			g_string_append_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (word != words) {
			g_string_append_c(out, ' ');
			at++;
		}
		g_string_append(out, *word);
		at += width;
	}
	g_string_append_c(out, '\n');
}

static void row(GString *out, const char *left, const char *right, unsigned column)
{
	unsigned width = 2 + (unsigned)strlen(left);
	g_string_append_printf(out, "  %s", left);
	if (width + 2 > column) {
		g_string_append_printf(out, "\n%*s", (int)column, "");
		width = column;
	}
	g_string_append_printf(out, "%*s", (int)(column - width), "");
	fill(out, right, column, column);
}

static void write_option(GString *out, const GOptionEntry *option)
{
	g_autoptr(GString) left = g_string_new(NULL);
	if (option->short_name)
		g_string_append_printf(left, "-%c, ", option->short_name);
	g_string_append_printf(left, "--%s", option->long_name);
	if (option->arg_description)
		g_string_append_printf(left, " %s", option->arg_description);
	row(out, left->str, option->description, 26);
}

const char help_about[] =
	"hvgpu keeps the GPUs of Hyper-V hosts as a git repository says: it reads manifests, looks at the "
	"hosts, shows a plan with its cost in stopped VMs, and carries it out.";
const char help_source[] =
	"SOURCE is a folder or file of manifests, '-' for standard input, a repository at a revision "
	"(REPOSITORY//PATH?ref=REV), or a remote one (https://HOST/REPOSITORY//PATH?ref=REV, ssh://…, file://…).";

void help_overview(GString *out)
{
	fill(out, help_about, 0, 0);
	g_string_append(out, "\nUsage: hvgpu COMMAND [OPTION...] [ARGUMENT...]\n");
	const char *group = NULL;
	for (size_t i = 0; commands[i]; i++) {
		if (!group || strcmp(group, commands[i]->group) != 0)
			g_string_append_printf(out, "\n%s\n", commands[i]->group);
		group = commands[i]->group;
		g_autofree char *left = g_strconcat(
			commands[i]->name, *commands[i]->arguments ? " " : "", commands[i]->arguments, NULL);
		row(out, left, commands[i]->doc, 26);
	}
	g_string_append_c(out, '\n');
	fill(out, help_source, 0, 0);
	g_string_append(out,
		"\nExit codes: 0 done, 1 unexpected error, 2 changes (plan --detailed-exitcode, drift), 3 bad manifest "
		"or\n"
		"command line, 4 a host was not observed, 5 something was refused, 6 the saved plan is stale, 7 "
		"another\n"
		"run holds the hosts, 8 stopped part-way, 130 interrupted.\n\n"
		"'hvgpu help COMMAND' tells more about a command, 'hvgpu explain CODE' about a message.\n");
}

void help_command(GString *out, const struct command *command)
{
	g_string_append_printf(out, "hvgpu %s: %s\n\n", command->name, command->doc);
	g_string_append_printf(out, "Usage: hvgpu %s [OPTION...]%s%s\n", command->name, *command->arguments ? " " : "",
		command->arguments);
	if (command->details) {
		g_string_append_c(out, '\n');
		fill(out, command->details, 0, 0);
	}
	g_string_append(out, "\nOptions\n");
	for (const GOptionEntry *option = command->options; option && option->long_name; option++)
		write_option(out, option);
	for (const GOptionEntry *option = options_common; option->long_name; option++)
		write_option(out, option);
	g_string_append(out, "Each can be set in the environment too: --max-age as HVGPU_MAX_AGE, and so on.\n");
	if (command->examples)
		g_string_append_printf(out, "\nExamples\n%s", command->examples);
}
