/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/remote.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/proc.h"
#include "providers/source/gitconfig.h"
#include "providers/source/reference.h"

#include <string.h>

/* A server that trickles, or stopped answering, must not hold a scheduled job for ever. */
static const char *const settings[] = { "GIT_TERMINAL_PROMPT", "0", "GIT_ALLOW_PROTOCOL", "file:https:ssh", "LC_ALL",
	"C", "GIT_HTTP_LOW_SPEED_LIMIT", "1000", "GIT_HTTP_LOW_SPEED_TIME", "60", NULL };

static const char *cache_path(const char *url, struct arena *arena)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
	return arena_printf(arena, "%s/hvgpu/%s", g_get_user_cache_dir(), digest);
}

/* What git says may quote the URL with its password. */
static const char *cause_of(const char *url, const char *output, struct arena *arena)
{
	g_autoptr(GString) text = g_string_new(output);
	const char *censored = reference_censored(arena, url);
	if (strcmp(url, censored) != 0)
		g_string_replace(text, url, censored, 0);
	g_auto(GStrv) lines = g_strsplit(g_strstrip(text->str), "\n", -1);
	for (char **line = lines; *line; line++) {
		if (!g_str_has_prefix(*line, "fatal: ") && !g_str_has_prefix(*line, "error: "))
			continue;
		/* Of ssh git knows no more than that it failed; why is what ssh said before. */
		if (line > lines && strstr(*line, "Could not read from remote repository"))
			return arena_strdup(arena, g_strchomp(line[-1]));
		return arena_strdup(arena, *line + strlen("fatal: "));
	}
	return arena_strdup(arena, lines[0] && *lines[0] ? lines[0] : "git gave no reason");
}

static int run_git(const char *const *argv, const char *url, struct arena *arena, struct diags *diags)
{
	struct proc proc = { .argv = argv, .set = settings, .unset = gitconfig_unset };
	struct proc_result result;
	if (proc_run(&proc, D_SOURCE_REMOTE, arena, &result, diags) < 0)
		return -1;
	if (result.exit == 0)
		return 0;
	return diag_add(diags, D_SOURCE_REMOTE, LOC_NONE, NULL, "'%s' cannot be fetched: %s",
		reference_censored(arena, url), cause_of(url, result.output, arena));
}

static int fetch_into(const char *path, const char *url, struct arena *arena, struct diags *diags)
{
	const char *const init[] = { "git", "init", "--quiet", "--bare", "--template=", path, NULL };
	if (run_git(init, url, arena, diags) < 0)
		return -1;
	const char *const fetch[] = { "git", arena_printf(arena, "--git-dir=%s", path), "-c", "fetch.fsckObjects=true",
		"fetch", "--quiet", "--force", "--prune", "--no-write-fetch-head", "--", url,
		"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD:" REMOTE_HEAD, NULL };
	return run_git(fetch, url, arena, diags);
}

int remote_fetch(const char *url, struct arena *arena, const char **path_out, struct diags *diags)
{
	const char *path = cache_path(url, arena);
	if (file_make_folder(path, diags) < 0)
		return -1;
	/* Two runs that fetch the same references at once would make one of them fail. */
	int lock = lock_open(arena_printf(arena, "%s.lock", path));
	if (lock >= 0)
		lock_wait(lock, 0, 0);
	int result = fetch_into(path, url, arena, diags);
	lock_close(lock);
	if (result == 0)
		*path_out = path;
	return result;
}

const char *remote_cached(const char *url, struct arena *arena)
{
	const char *path = cache_path(url, arena);
	return file_kind(path, true) == FILE_FOLDER ? path : NULL;
}
