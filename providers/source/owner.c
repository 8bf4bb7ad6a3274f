/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/source.h"

#include <glib.h>
#include <string.h>

/* "Example.com:2222" -> "example.com", "[::1]:22" -> "::1" */
static char *host_of(const char *host_port)
{
	const char *end = host_port[0] == '[' ? strchr(host_port, ']') : strchr(host_port, ':');
	const char *start = host_port[0] == '[' ? host_port + 1 : host_port;
	g_autofree char *host = end ? g_strndup(start, (gsize)(end - start)) : g_strdup(start);
	return g_ascii_strdown(host, -1);
}

/* Without user, in "user@host:port" */
static char *host_of_authority(const char *authority)
{
	const char *at = strrchr(authority, '@');
	return host_of(at ? at + 1 : authority);
}

static void strip_end(char *text)
{
	size_t len = strlen(text);
	while (len > 1 && text[len - 1] == '/')
		text[--len] = '\0';
	if (g_str_has_suffix(text, ".git") && len > strlen(".git"))
		text[len - strlen(".git")] = '\0';
	for (len = strlen(text); len > 1 && text[len - 1] == '/';)
		text[--len] = '\0';
}

/* The host and the path of "scheme://authority/path", of "user@host:path", or of a path on this machine. */
static char *host_and_path(const char *url)
{
	const char *rest = strstr(url, "://");
	if (rest && g_str_has_prefix(url, "file://"))
		return g_strdup(strchr(rest + 3, '/') ?: "");
	const char *slash = strchr(rest ? rest + 3 : url, '/');
	const char *colon = strchr(url, ':');
	bool scp_like = !rest && colon && (!slash || colon < slash);
	if (!rest && !scp_like)
		return g_strdup(url);
	const char *start = rest ? rest + 3 : url;
	const char *end = scp_like ? colon : slash ? slash : start + strlen(start);
	g_autofree char *authority = g_strndup(start, (gsize)(end - start));
	g_autofree char *host = host_of_authority(authority);
	const char *path = *end ? end + 1 : end;
	while (*path == '/')
		path++;
	return g_strconcat(host, "/", path, NULL);
}

char *source_owner(struct arena *arena, const char *url, const char *path)
{
	g_autofree char *owner = host_and_path(url);
	strip_end(owner);
	bool has_path = path && *path;
	return arena_printf(arena, "%s%s%s", owner, has_path ? "//" : "", has_path ? path : "");
}
