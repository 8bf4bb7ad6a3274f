/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct arguments arguments;

const GOptionEntry options_common[] = {
	OPTION_TEXT("color", 0, color, "Colours in text: auto (default), always or never", "WHEN"),
	{ "help", 'h', 0, G_OPTION_ARG_NONE, &arguments.help, "Show this help", NULL },
	OPTION_END,
};

char *options_variable(const GOptionEntry *option)
{
	g_autofree char *name = g_ascii_strup(option->long_name, -1);
	return g_strconcat("HVGPU_", g_strdelimit(name, "-", '_'), NULL);
}

static const GOptionEntry *find_in(const GOptionEntry *rows, const char *name, size_t len)
{
	for (; rows && rows->long_name; rows++)
		if (strlen(rows->long_name) == len && strncmp(rows->long_name, name, len) == 0)
			return rows;
	return NULL;
}

static const GOptionEntry *find_option(const struct command *command, const char *name, size_t len)
{
	const GOptionEntry *found = find_in(command->options, name, len);
	return found ? found : find_in(options_common, name, len);
}

/* -out=x is --out=x, as people who come from Terraform write it; -o x stays. */
static GStrvBuilder *start_arguments(const struct command *command, char **argv, GHashTable *given)
{
	GStrvBuilder *all = g_strv_builder_new();
	bool options_end = false;
	for (; *argv; argv++) {
		const char *text = *argv;
		size_t dashes = strspn(text, "-");
		const GOptionEntry *option = dashes == 1 || dashes == 2
						     ? find_option(command, text + dashes, strcspn(text + dashes, "="))
						     : NULL;
		if (options_end || !option) {
			options_end |= strcmp(text, "--") == 0;
			g_strv_builder_add(all, text);
			continue;
		}
		g_hash_table_add(given, (gpointer)option->long_name);
		g_autofree char *doubled = g_strconcat("--", text + dashes, NULL);
		g_strv_builder_add(all, doubled);
	}
	return all;
}

static int add_switch(GStrvBuilder *all, const GOptionEntry *option, const char *value, struct diags *diags)
{
	if (strcmp(value, "0") == 0 || g_ascii_strcasecmp(value, "false") == 0)
		return 0;
	g_autofree char *variable = options_variable(option);
	if (strcmp(value, "1") != 0 && g_ascii_strcasecmp(value, "true") != 0)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "%s is '%s'; a switch is 1 or 0", variable, value);
	g_autofree char *text = g_strconcat("--", option->long_name, NULL);
	g_strv_builder_add(all, text);
	return 0;
}

static void add_value(GStrvBuilder *all, const GOptionEntry *option, const char *value)
{
	bool list = option->arg == G_OPTION_ARG_STRING_ARRAY;
	g_auto(GStrv) values = g_strsplit(value, ",", list ? -1 : 1);
	for (char **one = values; *one; one++) {
		g_autofree char *text = g_strdup_printf("--%s=%s", option->long_name, *one);
		g_strv_builder_add(all, text);
	}
}

static int add_environment(GStrvBuilder *all, const GOptionEntry *rows, GHashTable *given, struct diags *diags)
{
	int result = 0;
	for (const GOptionEntry *option = rows; option && option->long_name; option++) {
		g_autofree char *variable = options_variable(option);
		const char *value = g_getenv(variable);
		if (!value || !*value || option->arg_data == &arguments.help ||
			g_hash_table_contains(given, option->long_name))
			continue;
		if (option->arg == G_OPTION_ARG_NONE)
			result |= add_switch(all, option, value, diags);
		else
			add_value(all, option, value);
	}
	return result;
}

static int unknown_option(const struct command *command, const char *message, struct diags *diags)
{
	const char *dashes = strstr(message, "-");
	g_autofree char *word = g_strdup(dashes ? dashes + strspn(dashes, "-") : "");
	word[strcspn(word, "=")] = '\0';
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (const GOptionEntry *option = command->options; option && option->long_name; option++)
		g_ptr_array_add(names, (gpointer)option->long_name);
	for (const GOptionEntry *option = options_common; option->long_name; option++)
		g_ptr_array_add(names, (gpointer)option->long_name);
	const char *near = text_nearest(word, (const char *const *)names->pdata, names->len);
	if (near)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' has no option '--%s'; did you mean '--%s'?",
			command->name, word, near);
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' has no option '--%s'; see 'hvgpu help %s'", command->name,
		word, command->name);
}

static int parse(const struct command *command, char ***strv, struct diags *diags)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, options_common, NULL);
	if (command->options)
		g_option_context_add_main_entries(context, command->options, NULL);
	if (g_option_context_parse_strv(context, strv, &error))
		return 0;
	if (g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
		return unknown_option(command, error->message, diags);
	/* GLib says "Missing argument for --hosts". */
	error->message[0] = g_ascii_tolower(error->message[0]);
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "%s; see 'hvgpu help %s'", error->message, command->name);
}

static int check_count(const struct command *command, int n, struct diags *diags)
{
	if (n < command->min_args)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' needs %s; see 'hvgpu help %s'", command->name,
			command->arguments, command->name);
	if (command->max_args >= 0 && n > command->max_args)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"'%s' takes %s and was given %d arguments; see 'hvgpu help %s'", command->name,
			*command->arguments ? command->arguments : "no arguments", n, command->name);
	return 0;
}

/* argv[0] is the command's name. */
int options_parse(const struct command *command, int *argc, char ***argv, struct diags *diags)
{
	g_autoptr(GHashTable) given = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GStrvBuilder) written = start_arguments(command, *argv + 1, given);
	g_autoptr(GStrvBuilder) all = g_strv_builder_new();
	g_strv_builder_add(all, command->name);
	if (add_environment(all, command->options, given, diags) | add_environment(all, options_common, given, diags))
		return -1;
	g_auto(GStrv) rest = g_strv_builder_end(written);
	g_strv_builder_addv(all, (const char **)rest);
	arguments.words = g_strv_builder_end(all);
	int result = parse(command, &arguments.words, diags);
	char **positional = arguments.words + 1;
	if (*positional && strcmp(*positional, "--") == 0)
		positional++;
	*argv = positional;
	*argc = (int)g_strv_length(positional);
	if (result < 0)
		return -1;
	return arguments.help ? OPTIONS_HELP : check_count(command, *argc, diags);
}

void options_free(void)
{
	char *texts[] = { arguments.allow, arguments.allowed_signers, arguments.color, arguments.hosts,
		arguments.journal, arguments.kustomize, arguments.max_age, arguments.out, arguments.output,
		arguments.owner, arguments.prune, arguments.run, arguments.since, arguments.why };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_strfreev(arguments.clusters);
	g_strfreev(arguments.words);
	arguments = (struct arguments){ 0 };
}

int options_format(const char *const *formats, struct diags *diags)
{
	if (!arguments.output)
		return 0;
	g_autofree char *known = g_strjoinv(", ", (char **)formats);
	for (int i = 0; formats[i]; i++)
		if (strcmp(arguments.output, formats[i]) == 0)
			return i;
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "output format '%s' is not known here; choose from %s",
		arguments.output, known);
}

const char *options_journal(struct arena *arena)
{
	if (arguments.journal && *arguments.journal) /* empty is what a script has that did not set it */
		return strcmp(arguments.journal, "none") == 0 ? NULL : arena_strdup(arena, arguments.journal);
	const char *unit = g_getenv("STATE_DIRECTORY"); /* of a systemd unit: the first of several is its own */
	if (unit && *unit == '/')
		return arena_printf(arena, "%.*s/journal", (int)strcspn(unit, ":"), unit);
	return arena_printf(arena, "%s/hvgpu/journal", g_get_user_state_dir());
}

bool options_is_age(const char *text, uint32_t *out)
{
	static const struct {
		char letter;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t len = strlen(text);
	for (size_t i = 0; i < G_N_ELEMENTS(units) && len > 1; i++) {
		g_autofree char *digits = g_strndup(text, len - 1);
		guint64 number;
		if (text[len - 1] != units[i].letter ||
			!g_ascii_string_to_unsigned(digits, 10, 1, UINT32_MAX / units[i].seconds, &number, NULL))
			continue;
		*out = (uint32_t)number * units[i].seconds;
		return true;
	}
	return false;
}

int options_age(const char *option, const char *text, uint32_t *out, struct diags *diags)
{
	if (options_is_age(text, out))
		return 0;
	return diag_add(
		diags, D_USAGE, LOC_NONE, NULL, "%s '%s' is not a time; write 90s, 30m, 24h or 7d", option, text);
}

int options_run(const char *source, struct run_options *out, struct diags *diags)
{
	*out = (struct run_options){
		.source = source,
		.hosts = arguments.hosts,
		.clusters = (const char *const *)arguments.clusters,
		.n_clusters = arguments.clusters ? g_strv_length(arguments.clusters) : 0,
		.owner = arguments.owner,
		.adopt = arguments.adopt,
		.now = clock_now(),
		.max_age_s = 24 * 3600,
		.mode = PLAN_APPLY,
		.until = STAGE_PLAN,
		.verify = arguments.verify_commit,
		.allowed_signers = arguments.allowed_signers,
	};
	return arguments.max_age ? options_age("--max-age", arguments.max_age, &out->max_age_s, diags) : 0;
}
