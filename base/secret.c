/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "base/child.h"
#include "base/file.h"
#include "base/hidden.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct secret {
	int fd; /* -1: it is in a file of its own */
	char *path;
};

struct asked { /* a program that prints it */
	GString *text;
	bool ended, too_long;
};

struct want {
	const char *what; /* behind the scheme */
	enum diag_code code;
	const char *subject;
	struct diags *diags;
};

static struct secret *secret_new(void)
{
	struct secret *secret = g_new0(struct secret, 1);
	secret->fd = -1;
	return secret;
}

/* The path leads to it through this process, so it is gone when this process is. Keys have to end with a line's end. */
static struct secret *keep_in_memory(const char *text, size_t n)
{
	struct secret *secret = secret_new();
	secret->fd = memfd_create("hvgpu", MFD_CLOEXEC);
	secret->path = g_strdup_printf("/proc/%d/fd/%d", getpid(), secret->fd);
	if (secret->fd < 0 || fchmod(secret->fd, 0600) < 0 || file_write_all(secret->fd, text, n) < 0 ||
		(text[n - 1] != '\n' && file_write_all(secret->fd, "\n", 1) < 0)) {
		secret_close(secret);
		return NULL;
	}
	return secret;
}

static int keep(const struct want *want, const char *text, size_t n, struct secret **out)
{
	if (n == 0)
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"the secret of '%s' is empty; put it there", want->subject);
	*out = keep_in_memory(text, n);
	return *out ? 0
		    : diag_add(want->diags, want->code, LOC_NONE, want->subject,
			      "the secret of '%s' cannot be kept in memory: %s", want->subject, g_strerror(errno));
}

static int from_file(const struct want *want, char *path, struct secret **out)
{
	if (access(path, R_OK) < 0) {
		int result = diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"the secret of '%s' cannot be read from '%s': %s", want->subject, path, g_strerror(errno));
		g_free(path);
		return result;
	}
	*out = secret_new();
	(*out)->path = path;
	return 0;
}

static int open_file(const struct want *want, struct secret **out)
{
	if (g_str_has_prefix(want->what, "~/"))
		return from_file(want, g_build_filename(g_get_home_dir(), want->what + 2, NULL), out);
	return from_file(want, g_strdup(want->what), out);
}

static int open_systemd(const struct want *want, struct secret **out)
{
	const char *folder = g_getenv("CREDENTIALS_DIRECTORY");
	if (!folder || strchr(want->what, '/'))
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"'systemd:%s' is no credential of this process; name one that LoadCredential= gives the "
			"service, and run as that service",
			want->what);
	return from_file(want, g_build_filename(folder, want->what, NULL), out);
}

static int open_variable(const struct want *want, struct secret **out)
{
	const char *text = g_getenv(want->what);
	if (!text)
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"variable '%s', which is to hold the secret of '%s', is not set; set it", want->what,
			want->subject);
	hidden_add(want->what);
	return keep(want, text, strlen(text), out);
}

/* ---- a program that prints it ---- */

static void on_line(void *user, const char *line, size_t n_bytes)
{
	struct asked *asked = user;
	asked->too_long = asked->too_long || asked->text->len + n_bytes > SECRET_BYTES_MAX;
	if (asked->too_long)
		return;
	g_string_append_len(asked->text, line, (gssize)n_bytes);
	g_string_append_c(asked->text, '\n');
}

static void on_ended(void *user)
{
	((struct asked *)user)->ended = true;
}

static gboolean on_late(void *user)
{
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

static void await(GMainContext *context, const struct asked *asked)
{
	bool late = false;
	GSource *timer = g_timeout_source_new_seconds(SECRET_COMMAND_TIMEOUT_S);
	g_source_set_callback(timer, on_late, &late, NULL);
	g_source_attach(timer, context);
	while (!asked->ended && !late)
		g_main_context_iteration(context, TRUE);
	g_source_destroy(timer);
	g_source_unref(timer);
}

/* What it writes to standard error is not shown: it may be the secret. */
static int take_printed(const struct want *want, const char *program, struct asked *asked, const struct child *child,
	struct secret **out)
{
	if (!asked->ended)
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"'%s', which is to print the secret of '%s', does not end within %d s", program, want->subject,
			SECRET_COMMAND_TIMEOUT_S);
	if (child_exit(child) != 0 || asked->too_long || child_wrote_too_long(child))
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"'%s', which is to print the secret of '%s', failed (exit code %d)%s; run it by hand", program,
			want->subject, child_exit(child), asked->too_long ? " or printed too much" : "");
	size_t n_rest;
	const char *rest = child_rest(child, &n_rest);
	g_string_append_len(asked->text, rest, (gssize)n_rest);
	return keep(want, asked->text->str, asked->text->len, out);
}

static int open_command(const struct want *want, struct secret **out)
{
	static const struct child_events events = { on_line, on_ended };
	g_auto(GStrv) argv = NULL;
	g_autofree char *error = NULL;
	if (!g_shell_parse_argv(want->what, NULL, &argv, NULL))
		return diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"the command that is to print the secret of '%s' has a quote that is not closed",
			want->subject);
	GMainContext *context = g_main_context_new();
	struct asked asked = { .text = g_string_new(NULL) };
	const struct child_spec spec = { .argv = (const char *const *)argv, .line_max = SECRET_BYTES_MAX };
	struct child *child = child_start(context, &spec, &events, &asked, &error);
	int result;
	if (child) {
		await(context, &asked);
		result = take_printed(want, argv[0], &asked, child, out);
	} else {
		result = diag_add(want->diags, want->code, LOC_NONE, want->subject,
			"'%s', which is to print the secret of '%s', cannot be run: %s", argv[0], want->subject, error);
	}
	child_stop(child, 0);
	explicit_bzero(asked.text->str, asked.text->len);
	g_string_free(asked.text, TRUE);
	g_main_context_unref(context);
	return result;
}

static const struct {
	const char *name;
	int (*open)(const struct want *want, struct secret **out);
} schemes[] = { { "env:", open_variable }, { "file:", open_file }, { "systemd:", open_systemd },
	{ "command:", open_command } };

/* The index of the scheme, or -1. */
static int find_scheme(const char *reference)
{
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_str_has_prefix(reference, schemes[i].name) && reference[strlen(schemes[i].name)])
			return (int)i;
	return -1;
}

bool secret_is_reference(const char *text)
{
	return find_scheme(text) >= 0;
}

const char *secret_in_address(const char *address)
{
	const char *user = strstr(address, "://");
	if (!user)
		return NULL;
	user += strlen("://");
	const char *at = user + strcspn(user, "@/ \t\"'"), *colon = user + strcspn(user, ":@/ \t\"'");
	return *at == '@' && *colon == ':' ? colon + 1 : NULL;
}

void secret_hide(const char *reference)
{
	static const char variable[] = "env:";
	if (reference && g_str_has_prefix(reference, variable))
		hidden_add(reference + strlen(variable));
}

int secret_open(
	const char *reference, enum diag_code code, const char *subject, struct secret **out, struct diags *diags)
{
	int scheme = find_scheme(reference);
	if (scheme >= 0) {
		const struct want want = { reference + strlen(schemes[scheme].name), code, subject, diags };
		return schemes[scheme].open(&want, out);
	}
	/* It may be the secret itself, so it is not shown. */
	return diag_add(diags, code, LOC_NONE, subject,
		"the credential of '%s' does not say where the secret is; write env:NAME, file:PATH, systemd:NAME or "
		"command:ARGV",
		subject);
}

const char *secret_path(const struct secret *secret)
{
	return secret->path;
}

void secret_close(struct secret *secret)
{
	if (!secret)
		return;
	if (secret->fd >= 0)
		close(secret->fd);
	g_free(secret->path);
	g_free(secret);
}
