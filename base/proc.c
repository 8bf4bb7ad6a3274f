/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/hidden.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char **environment(const struct proc *proc)
{
	char **variables = hidden_remove(g_get_environ());
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

enum { IN, OUT, ERR, N_PIPES };

struct pipes {                      /* to a program that runs */
	struct pollfd fds[N_PIPES]; /* fd -1: closed */
	const char *unsent;
	size_t n_unsent;
	GString *texts[N_PIPES]; /* of OUT and ERR */
};

static void close_pipe(struct pollfd *pipe)
{
	if (pipe->fd >= 0)
		close(pipe->fd);
	pipe->fd = -1;
}

static void send_some(struct pipes *pipes)
{
	ssize_t n = write(pipes->fds[IN].fd, pipes->unsent, pipes->n_unsent);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	pipes->unsent += MAX(n, 0);
	pipes->n_unsent -= (size_t)MAX(n, 0);
	if (n < 0 || !pipes->n_unsent)
		close_pipe(&pipes->fds[IN]);
}

static void read_some(struct pipes *pipes, int which)
{
	char buffer[4096];
	ssize_t n = read(pipes->fds[which].fd, buffer, sizeof(buffer));
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		close_pipe(&pipes->fds[which]);
	else
		keep_last(pipes->texts[which], buffer, n);
}

/* Until the program has said all, keeping the last part: the cause of a failure comes last. False: the time is over. */
static bool talk(struct pipes *pipes, int64_t deadline_ms)
{
	while (pipes->fds[OUT].fd >= 0 || pipes->fds[ERR].fd >= 0) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		if (left_ms <= 0)
			return false;
		int ready = poll(pipes->fds, N_PIPES, (int)MIN(left_ms, (int64_t)G_MAXINT));
		if (ready <= 0)
			continue;
		if (pipes->fds[IN].fd >= 0 && pipes->fds[IN].revents)
			send_some(pipes);
		for (int which = OUT; which <= ERR; which++)
			if (pipes->fds[which].fd >= 0 && pipes->fds[which].revents)
				read_some(pipes, which);
	}
	return true;
}

static int wait_for(GPid pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static const char *valid_text(struct arena *arena, const GString *text)
{
	g_autofree char *valid = g_utf8_make_valid(text->str, (gssize)text->len);
	return arena_strdup(arena, valid);
}

int proc_run(
	const struct proc *proc, enum diag_code code, struct arena *arena, struct proc_result *out, struct diags *diags)
{
	g_auto(GStrv) variables = environment(proc);
	g_autoptr(GError) error = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GString) answer = g_string_new(NULL);
	GPid pid;
	struct pipes pipes = { .fds = { { .fd = -1, .events = POLLOUT }, { .events = POLLIN }, { .events = POLLIN } },
		.unsent = proc->input,
		.n_unsent = proc->n_input,
		.texts = { NULL, answer, text } };
	GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD;
	if (!g_spawn_async_with_pipes(NULL, (char **)proc->argv, variables, flags, NULL, NULL, &pid,
		    proc->input ? &pipes.fds[IN].fd : NULL, &pipes.fds[OUT].fd, &pipes.fds[ERR].fd, &error))
		return diag_add(diags, code, LOC_NONE, NULL, "'%s' cannot be run: %s", proc->argv[0], error->message);
	if (proc->input)
		g_unix_set_fd_nonblocking(pipes.fds[IN].fd, TRUE, NULL);
	uint32_t timeout_s = proc->timeout_s ? proc->timeout_s : PROC_TIMEOUT_S;
	out->timed_out = !talk(&pipes, clock_monotonic_ms() + (int64_t)timeout_s * 1000);
	if (out->timed_out)
		kill(pid, SIGKILL);
	for (int which = IN; which < N_PIPES; which++)
		close_pipe(&pipes.fds[which]);
	out->exit = wait_for(pid);
	g_spawn_close_pid(pid);
	out->output = valid_text(arena, text);
	out->answer = valid_text(arena, answer);
	out->bytes = arena_copy(arena, answer->str, answer->len);
	out->n_bytes = answer->len;
	return 0;
}
