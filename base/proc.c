/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char **environment(const struct proc *proc)
{
	char **variables = g_get_environ();
	for (const char *const *name = proc->unset; name && *name; name++)
		variables = g_environ_unsetenv(variables, *name);
	for (const char *const *pair = proc->set; pair && *pair; pair += 2)
		variables = g_environ_setenv(variables, pair[0], pair[1], TRUE);
	return variables;
}

static void keep_last(GString *kept, const char *bytes, gssize n)
{
	g_string_append_len(kept, bytes, n);
	if (kept->len > PROC_OUTPUT_MAX)
		g_string_erase(kept, 0, (gssize)(kept->len - PROC_OUTPUT_MAX));
}

/* Reads until the end, keeping the last part: the cause of a failure comes last. False: the time is over. */
static bool drain(int fd, int64_t deadline_ms, GString *kept)
{
	char buffer[4096];
	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		if (left_ms <= 0)
			return false;
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		int ready = poll(&poller, 1, (int)MIN(left_ms, (int64_t)G_MAXINT));
		if (ready == 0 || (ready < 0 && errno == EINTR))
			continue;
		ssize_t n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return true;
		keep_last(kept, buffer, n);
	}
}

static int wait_for(GPid pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_run(
	const struct proc *proc, enum diag_code code, struct arena *arena, struct proc_result *out, struct diags *diags)
{
	g_auto(GStrv) variables = environment(proc);
	g_autoptr(GError) error = NULL;
	GPid pid;
	int errors;
	GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL;
	if (!g_spawn_async_with_pipes(
		    NULL, (char **)proc->argv, variables, flags, NULL, NULL, &pid, NULL, NULL, &errors, &error))
		return diag_add(diags, code, LOC_NONE, NULL, "'%s' cannot be run: %s", proc->argv[0], error->message);
	g_autoptr(GString) text = g_string_new(NULL);
	uint32_t timeout_s = proc->timeout_s ? proc->timeout_s : PROC_TIMEOUT_S;
	out->timed_out = !drain(errors, clock_monotonic_ms() + (int64_t)timeout_s * 1000, text);
	if (out->timed_out)
		kill(pid, SIGKILL);
	close(errors);
	out->exit = wait_for(pid);
	g_spawn_close_pid(pid);
	g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
	out->output = arena_strdup(arena, valid);
	return 0;
}
