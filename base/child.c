/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include "base/clock.h"
#include "base/hidden.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, LINGER_MS = 3000, LINGER_TICK_MS = 10, TERM_MS = 300 };

struct child {
	GMainContext *context;
	const struct child_events *events;
	void *user;
	size_t line_max;
	GPid pid; /* 0: it was waited for */
	int exit;
	int in, out, err; /* -1: closed */
	GSource *in_source, *out_source, *err_source, *linger;
	int64_t lingers_until_ms;
	GByteArray *unsent;
	guint sent; /* of 'unsent' */
	GString *text, *words;
	bool too_long, ended, in_event, stopped;
};

static gboolean on_input(int fd, GIOCondition condition, void *user);
static gboolean on_output(int fd, GIOCondition condition, void *user);
static gboolean on_words(int fd, GIOCondition condition, void *user);
static gboolean on_linger(void *user);

static void drop_source(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
	}
	*source = NULL;
}

static void close_fd(int *fd, GSource **source)
{
	drop_source(source);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static GSource *watch_fd(struct child *child, int fd, GIOCondition condition, GUnixFDSourceFunc on_ready)
{
	GSource *source = g_unix_fd_source_new(fd, condition);
	g_source_set_callback(source, G_SOURCE_FUNC(on_ready), child, NULL);
	g_source_attach(source, child->context);
	return source;
}

/* A session of its own: signals of the terminal do not reach it, and its group can be ended as a whole. */
static void lead_session(void *user)
{
	(void)user;
	setsid();
}

struct child *child_start(GMainContext *context, const struct child_spec *spec, const struct child_events *events,
	void *user, char **error)
{
	g_auto(GStrv) variables = hidden_remove(g_get_environ());
	g_autoptr(GError) failure = NULL;
	GPid pid;
	int in, out, err;
	for (const char *const *pair = spec->set; pair && *pair; pair += 2)
		variables = g_environ_setenv(variables, pair[0], pair[1], TRUE);
	if (!g_spawn_async_with_pipes(NULL, (char **)spec->argv, variables,
		    G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, lead_session, NULL, &pid, &in, &out, &err,
		    &failure)) {
		*error = g_strdup(failure->message);
		return NULL;
	}
	struct child *child = g_new0(struct child, 1);
	*child = (struct child){ .context = g_main_context_ref(context), .events = events, .user = user };
	child->line_max = spec->line_max;
	child->pid = pid;
	child->exit = -1;
	child->in = in, child->out = out, child->err = err;
	child->unsent = g_byte_array_new();
	child->text = g_string_new(NULL);
	child->words = g_string_new(NULL);
	g_unix_set_fd_nonblocking(in, TRUE, NULL);
	g_unix_set_fd_nonblocking(out, TRUE, NULL);
	g_unix_set_fd_nonblocking(err, TRUE, NULL);
	child->out_source = watch_fd(child, out, G_IO_IN | G_IO_HUP | G_IO_ERR, on_output);
	child->err_source = watch_fd(child, err, G_IO_IN | G_IO_HUP | G_IO_ERR, on_words);
	return child;
}

/* ---- input ---- */

/* True: all is written, or nobody reads any more. */
static bool send_some(struct child *child)
{
	while (child->sent < child->unsent->len) {
		ssize_t n = write(child->in, child->unsent->data + child->sent, child->unsent->len - child->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0)
			break;
		child->sent += (guint)n;
	}
	g_byte_array_set_size(child->unsent, 0);
	child->sent = 0;
	return true;
}

void child_write(struct child *child, const char *bytes, size_t n_bytes)
{
	if (child->in < 0)
		return;
	g_byte_array_append(child->unsent, (const guint8 *)bytes, (guint)n_bytes);
	if (!child->in_source && !send_some(child))
		child->in_source = watch_fd(child, child->in, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_input);
}

static gboolean on_input(int fd, GIOCondition condition, void *user)
{
	struct child *child = user;
	(void)fd, (void)condition;
	if (!send_some(child))
		return G_SOURCE_CONTINUE;
	drop_source(&child->in_source);
	return G_SOURCE_REMOVE;
}

/* ---- output ---- */

/* False: stopped by what was told. */
static bool tell_lines(struct child *child)
{
	size_t at = 0;
	while (!child->stopped) {
		char *end = memchr(child->text->str + at, '\n', child->text->len - at);
		if (!end)
			break;
		size_t n = (size_t)(end - child->text->str) - at;
		*end = 0;
		if (n > child->line_max) {
			child->too_long = true;
			break;
		}
		child->events->line(child->user, child->text->str + at, n && end[-1] == '\r' ? n - 1 : n);
		at += n + 1;
	}
	g_string_erase(child->text, 0, (gssize)at);
	child->too_long = child->too_long || child->text->len > child->line_max;
	return !child->stopped;
}

/* Reads what is there: more than 0, 0 at the end, -1: nothing now. */
static ssize_t read_some(int fd, GString *into)
{
	char buffer[CHUNK];
	ssize_t n = read(fd, buffer, sizeof(buffer));
	if (n > 0)
		g_string_append_len(into, buffer, n);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return 0;
	return n;
}

static void read_words(struct child *child)
{
	ssize_t n = 1;
	while (child->err >= 0 && (n = read_some(child->err, child->words)) > 0)
		if (child->words->len > CHILD_WORDS_MAX)
			g_string_erase(child->words, 0, (gssize)(child->words->len - CHILD_WORDS_MAX));
	if (n == 0)
		close_fd(&child->err, &child->err_source);
}

static gboolean on_words(int fd, GIOCondition condition, void *user)
{
	(void)fd, (void)condition;
	read_words(user);
	return G_SOURCE_CONTINUE; /* its source is gone where that was the end */
}

/* It may take a moment from its last byte to its end, in which it says why. */
static void begin_to_linger(struct child *child)
{
	close_fd(&child->out, &child->out_source);
	child->lingers_until_ms = clock_monotonic_ms() + LINGER_MS;
	child->linger = g_timeout_source_new(LINGER_TICK_MS);
	g_source_set_callback(child->linger, on_linger, child, NULL);
	g_source_attach(child->linger, child->context);
}

static void child_free(struct child *child);

static gboolean on_output(int fd, GIOCondition condition, void *user)
{
	struct child *child = user;
	(void)condition;
	ssize_t n = read_some(fd, child->text);
	child->in_event = true;
	bool goes_on = tell_lines(child);
	child->in_event = false;
	if (!goes_on)
		child_free(child);
	else if (n == 0 || child->too_long)
		begin_to_linger(child);
	return goes_on ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* ---- its end ---- */

/* What it started goes with it: before it is waited for, for until then its number, and so its group's, is its own. */
static bool is_over(struct child *child)
{
	siginfo_t info = { 0 };
	int status = 0;
	if (child->pid == 0)
		return true;
	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
		return false;
	kill(-child->pid, SIGKILL);
	if (waitpid(child->pid, &status, 0) > 0)
		child->exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	child->pid = 0;
	return true;
}

static gboolean on_linger(void *user)
{
	struct child *child = user;
	bool over = is_over(child);
	read_words(child);
	if (!over && !child->too_long && clock_monotonic_ms() < child->lingers_until_ms)
		return G_SOURCE_CONTINUE;
	drop_source(&child->linger);
	child->ended = true;
	child->in_event = true;
	child->events->ended(child->user);
	child->in_event = false;
	if (child->stopped)
		child_free(child);
	return G_SOURCE_REMOVE;
}

const char *child_words(const struct child *child, size_t *n_bytes)
{
	*n_bytes = child->words->len;
	return child->words->str;
}

const char *child_rest(const struct child *child, size_t *n_bytes)
{
	*n_bytes = child->text->len;
	return child->text->str;
}

int child_exit(const struct child *child)
{
	return child->exit;
}

bool child_wrote_too_long(const struct child *child)
{
	return child->too_long;
}

/* Waits for its end, and reads meanwhile what it writes, for it may wait for that. */
static bool wait_for_end(struct child *child, int patience_ms)
{
	g_autoptr(GString) unheard = g_string_new(NULL);
	int64_t until_ms = clock_monotonic_ms() + patience_ms;
	while (!is_over(child)) {
		int64_t left_ms = until_ms - clock_monotonic_ms();
		if (left_ms <= 0)
			return false;
		struct pollfd pollers[] = { { child->out, POLLIN, 0 }, { child->err, POLLIN, 0 } };
		poll(pollers, 2, (int)MIN(left_ms, (int64_t)LINGER_TICK_MS));
		if (child->out >= 0 && read_some(child->out, unheard) == 0)
			close_fd(&child->out, &child->out_source);
		g_string_truncate(unheard, 0);
		read_words(child);
	}
	return true;
}

static void child_free(struct child *child)
{
	g_byte_array_unref(child->unsent);
	g_string_free(child->text, TRUE);
	g_string_free(child->words, TRUE);
	g_main_context_unref(child->context);
	g_free(child);
}

void child_stop(struct child *child, int patience_ms)
{
	if (!child)
		return;
	close_fd(&child->in, &child->in_source);
	drop_source(&child->out_source);
	drop_source(&child->err_source);
	drop_source(&child->linger);
	if (child->pid && !wait_for_end(child, patience_ms)) {
		kill(-child->pid, SIGTERM);
		if (!wait_for_end(child, TERM_MS)) {
			kill(-child->pid, SIGKILL);
			wait_for_end(child, LINGER_MS);
		}
	}
	close_fd(&child->out, &child->out_source);
	close_fd(&child->err, &child->err_source);
	child->stopped = true;
	if (!child->in_event)
		child_free(child);
}
