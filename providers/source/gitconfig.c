/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/gitconfig.h"
#include "base/proc.h"

#include <string.h>

enum { CONFIG_TIMEOUT_S = 60 };

const char *const gitconfig_unset[] = { "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
	"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_CONFIG", NULL };

/* Names of scopes are read, and what git says is passed on. */
static const char *const settings[] = { "LC_ALL", "C", NULL };

static int failed(enum diag_code code, const char *why, struct diags *diags)
{
	return diag_add(diags, code, LOC_NONE, NULL, "git's settings cannot be read: %s", why);
}

static const char *one_line(const char *text, struct arena *arena)
{
	g_auto(GStrv) words = g_strsplit_set(text, "\r\n\t", -1);
	g_autoptr(GString) line = g_string_new(NULL);
	for (char **word = words; *word; word++)
		if (*g_strstrip(*word))
			g_string_append_printf(line, "%s%s", line->len ? " " : "", *word);
	return line->len ? arena_strdup(arena, line->str) : "git gave no reason";
}

/* The next text of 'bytes', which are texts with a NUL behind each; NULL when there is none. */
static const char *next_text(const char *const end, const char **at)
{
	const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

static bool is_scope_protected(const char *scope)
{
	static const char *const scopes[] = { "system", "global", "command" };
	for (size_t i = 0; i < G_N_ELEMENTS(scopes); i++)
		if (strcmp(scope, scopes[i]) == 0)
			return true;
	return false;
}

/* Scope, NUL, key, line end, value, NUL: a value may hold line ends, and no NUL, so none can pass for another's. */
static int parse(const struct proc_result *result, enum diag_code code, struct arena *arena, struct gitconfig *out,
	struct diags *diags)
{
	const char *at = result->bytes, *const end = at + result->n_bytes;
	g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(struct gitconfig_value));
	while (at < end) {
		const char *scope = next_text(end, &at), *entry = scope ? next_text(end, &at) : NULL;
		if (!entry)
			return failed(code, "git's answer breaks off", diags);
		size_t key_len = strcspn(entry, "\n");
		struct gitconfig_value value = {
			.key = arena_strndup(arena, entry, key_len),
			.value = arena_strdup(arena, entry[key_len] ? entry + key_len + 1 : ""),
			.is_protected = is_scope_protected(scope),
		};
		g_array_append_val(values, value);
	}
	out->values = arena_take_array(arena, g_steal_pointer(&values), &out->n_values);
	return 0;
}

int gitconfig_read(const char *git_dir, const char *section, enum diag_code code, struct arena *arena,
	struct gitconfig *out, struct diags *diags)
{
	const char *const argv[] = { "git", arena_printf(arena, "--git-dir=%s", git_dir), "config", "--null",
		"--show-scope", "--type=path", "--get-regexp", arena_printf(arena, "^%s\\.", section), NULL };
	struct proc proc = { .argv = argv, .set = settings, .unset = gitconfig_unset, .timeout_s = CONFIG_TIMEOUT_S };
	struct proc_result result;
	struct diags *found = diags_new(arena);
	if (proc_run(&proc, code, arena, &result, found) < 0)
		return failed(code, found->first->message, diags);
	if (result.timed_out)
		return failed(code, arena_printf(arena, "'git' did not answer within %d s", CONFIG_TIMEOUT_S), diags);
	/* 1: there are none. A file that cannot be read is passed over by git with a warning; it may be the one that counts. */
	if (result.exit > 1 || (result.exit == 1 && result.n_bytes) ||
		strstr(result.output, "warning: unable to access"))
		return failed(code, one_line(result.output, arena), diags);
	/* The first bytes of a long answer are not kept, and the system's settings come first. */
	if (result.n_bytes >= PROC_OUTPUT_MAX)
		return failed(code,
			arena_printf(arena, "those of '%s' take more than %d KiB", section, PROC_OUTPUT_MAX >> 10),
			diags);
	return parse(&result, code, arena, out, diags);
}

bool gitconfig_is(const struct gitconfig_value *value, const char *key)
{
	/* Our keys have subsections in lower case alone; git has brought the rest of its keys to it. */
	g_autofree char *lower = g_ascii_strdown(key, -1);
	return strcmp(value->key, lower) == 0;
}

const char *gitconfig_get(const struct gitconfig *config, const char *key, const char *synonym, bool is_protected)
{
	for (uint32_t i = config->n_values; i > 0; i--) {
		const struct gitconfig_value *value = &config->values[i - 1];
		if (value->is_protected != is_protected)
			continue;
		if (gitconfig_is(value, key) || (synonym && gitconfig_is(value, synonym)))
			return *value->value ? value->value : NULL;
	}
	return NULL;
}
