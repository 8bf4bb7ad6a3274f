/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/replay.h"

#include "providers/host/replay_file.h"

#include <string.h>

struct replay_session {
	struct host_session base;
	GMainContext *context;
	struct replay_file *file;
	struct replay_host *host; /* NULL: the recording has none of that name */
	const struct request *request;
	reply_fn *reply;
	progress_fn *progress;
	void *user;
	GSource *source;
};

static const char *path_of(const char *address)
{
	return address + strlen("replay:");
}

static void end_source(struct replay_session *session)
{
	if (session->source) {
		g_source_destroy(session->source);
		g_source_unref(session->source);
	}
	session->source = NULL;
}

/* What is wrong with a request that is not the next one of the recording; NULL: it is. To be freed. */
static char *find_fault(const struct replay_session *session, const struct replay_exchange *next)
{
	const char *path = session->file->path;
	if (!session->host)
		return g_strdup_printf("recording '%s' has no host '%s'", path, session->base.host);
	if (!next)
		return g_strdup_printf("recording '%s' has no more requests of host '%s'", path, session->base.host);
	json_auto_t *asked = recording_what(session->request);
	g_autofree char *difference = recording_difference(next->what, asked);
	return difference ? g_strdup_printf(
				    "line %u of recording '%s' is another request: %s", next->line, path, difference)
			  : NULL;
}

/* The session may be closed from within the reply; the file then stays until another one is read. */
static gboolean on_submitted(void *user)
{
	struct replay_session *session = user;
	const struct replay_exchange *next = replay_host_next(session->host);
	g_autofree char *fault = find_fault(session, next);
	end_source(session);
	if (fault) {
		const struct request *request = g_steal_pointer(&session->request);
		const struct reply reply = { .error = HOST_PROTOCOL, .message = fault };
		session->reply(request, &reply, session->user);
		return G_SOURCE_REMOVE;
	}
	session->host->at++;
	for (uint32_t i = 0; i < next->n_progress && session->progress; i++)
		session->progress(session->request, next->progress[i].permille, next->progress[i].what, session->user);
	if (next->answered) {
		const struct request *request = g_steal_pointer(&session->request);
		session->reply(request, &next->reply, session->user);
	}
	return G_SOURCE_REMOVE;
}

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct replay_session *session = (struct replay_session *)base;
	if (session->request)
		BUG("two requests at a time for host %s of a recording", base->host);
	session->request = request;
	session->reply = reply;
	session->progress = progress;
	session->user = user;
	session->source = g_idle_source_new();
	g_source_set_priority(session->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(session->source, on_submitted, session, NULL);
	g_source_attach(session->source, session->context);
}

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	struct replay_file *file = replay_file_acquire(path_of(endpoint->address), diags);
	if (!file)
		return -1;
	struct replay_session *session = g_new0(struct replay_session, 1);
	session->base.provider = &replay_provider;
	session->base.host = g_strdup(endpoint->host);
	session->context = context;
	session->file = file;
	session->host = replay_file_host(file, endpoint->host);
	*out = &session->base;
	return 0;
}

static void close_session(struct host_session *base)
{
	struct replay_session *session = (struct replay_session *)base;
	if (!session)
		return;
	end_source(session);
	replay_file_release(session->file);
	g_free((char *)session->base.host);
	g_free(session);
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	struct replay_file *file = replay_file_acquire(path_of(address), diags);
	if (!file)
		return -1;
	const char **names = arena_array(arena, const char *, file->hosts->len);
	for (uint32_t i = 0; i < file->hosts->len; i++)
		names[i] = arena_strdup(arena, ((struct replay_host *)file->hosts->pdata[i])->name);
	*names_out = names;
	*n_out = file->hosts->len;
	replay_file_release(file);
	return 0;
}

const struct host_provider replay_provider = {
	.scheme = "replay",
	.doc = "answers as a recording says, without hosts: replay:FILE",
	.performs = true,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
