/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/reference.h"
#include "base/file.h"

#include <string.h>

char *reference_censored(struct arena *arena, const char *given)
{
	const char *start = strstr(given, "://");
	if (!start)
		return arena_strdup(arena, given);
	start += strlen("://");
	size_t authority = strcspn(start, "/?");
	const char *at = memrchr(start, '@', authority);
	const char *colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
	if (!colon)
		return arena_strdup(arena, given);
	return arena_printf(arena, "%.*s:***%s", (int)(colon - given), given, at);
}

/* Kustomize's "?ref=REV"; its other parameters mean checkouts, which we have none of. */
static int take_query(char *text, struct arena *arena, const char **revision_out, struct diags *diags)
{
	*revision_out = NULL;
	char *query = strchr(text, '?');
	if (!query)
		return 0;
	*query++ = '\0';
	g_auto(GStrv) parameters = g_strsplit(query, "&", -1);
	for (char **parameter = parameters; *parameter; parameter++) {
		if (!g_str_has_prefix(*parameter, "ref="))
			return diag_add(diags, D_USAGE, LOC_NONE, NULL,
				"unknown parameter '%s' in SOURCE; only 'ref=REV' is known", *parameter);
		*revision_out = arena_strdup(arena, *parameter + strlen("ref="));
	}
	if (*revision_out && **revision_out)
		return 0;
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "SOURCE has '?' without a revision; write '?ref=REV'");
}

static int tidy_path(const char *path, struct arena *arena, const char **out, struct diags *diags)
{
	if (*path == '/')
		return diag_add(diags, D_SOURCE_SYMLINK, LOC_NONE, NULL,
			"'%s' is an absolute path; the part behind '//' starts at the root of the repository", path);
	g_autoptr(GString) tidy = g_string_new(NULL);
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (char **part = parts; *part; part++) {
		if (strcmp(*part, "..") == 0)
			return diag_add(diags, D_SOURCE_SYMLINK, LOC_NONE, NULL,
				"'%s' leaves the repository; write it without '..'", path);
		if (**part == '\0' || strcmp(*part, ".") == 0)
			continue;
		g_string_append_printf(tidy, "%s%s", tidy->len ? "/" : "", *part);
	}
	*out = arena_strdup(arena, tidy->str);
	return 0;
}

/* Splits at the first "//" behind 'from'; the text in front stays in 'text'. */
static const char *split(char *text, size_t from)
{
	char *slashes = strstr(text + from, "//");
	if (!slashes)
		return "";
	*slashes = '\0';
	return slashes + strlen("//");
}

/* user@host:path, as git and ssh take it. */
static bool is_scp_like(const char *given)
{
	const char *colon = strchr(given, ':'), *slash = strchr(given, '/'), *at = strchr(given, '@');
	return colon && at && at < colon && (!slash || colon < slash);
}

static int parse_file_url(struct arena *arena, const char *given, struct reference *out, struct diags *diags)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *host = NULL;
	g_autofree char *path = g_filename_from_uri(out->root, &host, &error);
	if (!path || host)
		return diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL,
			"'%s' is not a file on this machine; write file:///path/to/repository", given);
	out->kind = REFERENCE_LOCAL;
	out->is_url = true;
	out->root = arena_strdup(arena, path);
	return 0;
}

static int parse_url(char *text, struct arena *arena, struct reference *out, struct diags *diags)
{
	char *scheme_end = strstr(text, "://");
	size_t start = scheme_end ? (size_t)(scheme_end - text) + strlen("://") : 0;
	/* "file:///path": the third slash is the path's own. */
	const char *path = split(text, start + (text[start] == '/'));
	out->kind = REFERENCE_REMOTE;
	out->root = arena_strdup(arena, text);
	if (tidy_path(path, arena, &out->path, diags) < 0)
		return -1;
	if (g_str_has_prefix(text, "file://"))
		return parse_file_url(arena, text, out, diags);
	if (!scheme_end || g_str_has_prefix(text, "https://") || g_str_has_prefix(text, "ssh://"))
		return 0;
	return diag_add(diags, D_SOURCE_NOT_FOUND, LOC_NONE, NULL,
		"'%s' is not a source; known are https://, ssh:// and file://", reference_censored(arena, text));
}

int reference_parse(const char *given, struct arena *arena, struct reference *out, struct diags *diags)
{
	*out = (struct reference){ .kind = REFERENCE_FILES, .root = given, .path = "" };
	if (strcmp(given, "-") == 0)
		return 0;
	bool is_url = strstr(given, "://") || is_scp_like(given);
	/* "repo//path?rev=x" is a mistake in the parameter, not an odd name of a file. */
	bool has_query = strstr(given, "?ref=") || (strstr(given, "//") && strchr(given, '?'));
	if (!is_url && !has_query && file_kind(given, true) != FILE_MISSING)
		return 0;
	g_autofree char *text = g_strdup(given);
	if ((is_url || has_query) && take_query(text, arena, &out->revision, diags) < 0)
		return -1;
	if (is_url)
		return parse_url(text, arena, out, diags);
	if (!has_query && !strstr(text + 1, "//"))
		return 0; /* it does not exist, as reading it will say */
	const char *path = *text ? split(text, 1) : "";
	out->kind = REFERENCE_LOCAL;
	out->root = arena_strdup(arena, *text ? text : ".");
	return tidy_path(path, arena, &out->path, diags);
}
