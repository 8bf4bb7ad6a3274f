/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page hvgpu(1), made from the rows of commands, options and codes like the help. */
#include "cmd/help.h"
#include "cmd/options.h"

#include <string.h>

/* Text for roff: nothing in it is a request or an escape. A line that is empty becomes a paragraph. */
static void put_text(GString *out, const char *text)
{
	bool line_start = true;
	for (const char *c = text; *c; c = g_utf8_next_char(c)) {
		if (line_start && (*c == '.' || *c == '\''))
			g_string_append(out, "\\&");
		line_start = *c == '\n';
		if (*c == '\\')
			g_string_append(out, "\\e");
		else if (*c == '-')
			g_string_append(out, "\\-");
		else if (*c == '\'' || *c == '`')
			g_string_append(out, *c == '`' ? "\\(ga" : "\\(aq");
		else if (g_utf8_get_char(c) == 0x2026)
			g_string_append(out, "\\&...");
		else
			g_string_append_len(out, c, g_utf8_next_char(c) - c);
	}
}

static void put_line(GString *out, const char *text)
{
	put_text(out, text);
	g_string_append_c(out, '\n');
}

static void put_bold(GString *out, const char *text)
{
	g_string_append(out, "\\fB");
	put_text(out, text);
	g_string_append(out, "\\fR");
}

static void put_option(GString *out, const GOptionEntry *option)
{
	g_string_append(out, ".TP\n");
	if (option->short_name)
		g_string_append_printf(out, "\\fB\\-%c\\fR, ", option->short_name);
	g_autofree char *name = g_strdup_printf("--%s", option->long_name);
	put_bold(out, name);
	if (option->arg_description) {
		g_string_append(out, " \\fI");
		put_text(out, option->arg_description);
		g_string_append(out, "\\fR");
	}
	g_string_append_c(out, '\n');
	put_line(out, option->description);
}

static void put_command(GString *out, const struct command *command)
{
	g_string_append_printf(out, ".SS hvgpu %s", command->name);
	if (*command->arguments) {
		g_string_append_c(out, ' ');
		put_text(out, command->arguments);
	}
	g_string_append_c(out, '\n');
	put_text(out, command->doc);
	g_string_append(out, ".\n");
	if (command->details) {
		g_string_append(out, ".PP\n");
		put_line(out, command->details);
	}
	for (const GOptionEntry *option = command->options; option && option->long_name; option++)
		put_option(out, option);
	if (!command->examples)
		return;
	g_string_append(out, ".PP\nExamples:\n.PP\n.nf\n");
	put_text(out, command->examples);
	g_string_append(out, ".fi\n");
}

static void put_exit_codes(GString *out)
{
	static const struct {
		enum exit_code code;
		const char *meaning;
	} rows[] = {
		{ EXIT_DONE, "done; with plan --detailed-exitcode also: nothing to change" },
		{ EXIT_UNEXPECTED, "unexpected error" },
		{ EXIT_CHANGES, "changes are pending (plan --detailed-exitcode), or there is drift" },
		{ EXIT_BAD_INPUT, "bad manifest or command line" },
		{ EXIT_INCOMPLETE, "a host was not observed" },
		{ EXIT_REFUSED, "something was refused: policy, window, budget, infeasible, nobody agreed" },
		{ EXIT_STALE, "the saved plan is stale" },
		{ EXIT_LOCKED, "another run holds the hosts" },
		{ EXIT_PARTIAL, "stopped part-way; what is down is named" },
		{ EXIT_INTERRUPTED, "interrupted" },
	};
	g_string_append(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_string_append_printf(out, ".TP\n\\fB%d\\fR\n", (int)rows[i].code);
		put_line(out, rows[i].meaning);
	}
}

static void put_codes(GString *out)
{
	g_string_append(out, ".SH MESSAGES\nEach message has a code; \\fBhvgpu explain\\fR \\fICODE\\fR tells why it "
			     "is said and what to do.\n");
	for (int code = 0; code < DIAG_CODE_COUNT; code++) {
		const struct diag_row *row = &diag_codes[code];
		g_string_append_printf(
			out, ".TP\n\\fB%s\\fR (%s)\n", row->id, name_of(&diag_severity_names, (int)row->severity));
		put_line(out, row->title);
	}
}

void help_man(GString *out)
{
	g_string_append(out, ".\\\" Made by 'hvgpu help --man'; do not edit.\n"
			     ".TH HVGPU 1 \"\" \"hvgpu " HVGPU_VERSION "\"\n"
			     ".SH NAME\nhvgpu \\- keeps the GPUs of Hyper\\-V hosts as a git repository says\n"
			     ".SH SYNOPSIS\n\\fBhvgpu\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
			     ".SH DESCRIPTION\n");
	put_line(out, help_about);
	g_string_append(out, ".PP\n");
	put_line(out, help_source);
	const char *group = NULL;
	for (size_t i = 0; commands[i]; i++) {
		if (!group || strcmp(group, commands[i]->group) != 0) {
			g_autofree char *title = g_ascii_strup(commands[i]->group, -1);
			g_string_append_printf(out, ".SH %s\n", title);
		}
		group = commands[i]->group;
		put_command(out, commands[i]);
	}
	g_string_append(out, ".SH OPTIONS OF ALL COMMANDS\n");
	for (const GOptionEntry *option = options_common; option->long_name; option++)
		put_option(out, option);
	g_string_append(out, ".SH ENVIRONMENT\nEach option can be set in the environment too: \\fB\\-\\-max\\-age\\fR "
			     "as \\fBHVGPU_MAX_AGE\\fR, and so on. The command line wins. \\fBNO_COLOR\\fR, "
			     "\\fBCLICOLOR_FORCE\\fR and \\fBFORCE_COLOR\\fR are heeded.\n");
	put_exit_codes(out);
	put_codes(out);
}
