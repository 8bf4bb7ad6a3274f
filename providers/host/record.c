/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/record.h"

#include "base/file.h"
#include "providers/host/recording.h"

#include <string.h>

struct record_session {
	struct host_session base;
	struct host_session *inner;
	FILE *file; /* NULL: it could not be written */
	const struct request *request;
	json_t *progress;
	reply_fn *reply;
	progress_fn *tell;
	void *user;
};

/* The file's name, and the address behind the comma in '*behind_out'; or NULL with a finding. To be freed. */
static char *parse_address(const char *address, const char **behind_out, struct diags *diags)
{
	const char *path = address + strlen("record:"), *comma = strchr(path, ',');
	if (!comma || comma == path) {
		diag_add(
			diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' names no file; write record:FILE,ADDRESS", address);
		return NULL;
	}
	*behind_out = comma + 1;
	return g_strndup(path, comma - path);
}

/* Adds a line and takes 'json'. One piece, so that lines of several sessions never mix. */
static void put_line(struct record_session *session, json_t *json)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (session->file && text) {
		g_autofree char *line = g_strconcat(text, "\n", NULL);
		if (file_put(session->file, line, strlen(line), diags)) {
			g_warning("the recording of host %s ends here: %s", session->base.host,
				diags->first ? diags->first->message : "nobody reads it");
			fclose(g_steal_pointer(&session->file));
		}
	}
	free(text);
}

static void put_request(struct record_session *session, const struct request *request, json_t *reply)
{
	json_t *line = json_object();
	json_object_set_new(line, "host", recording_text(session->base.host));
	json_object_set_new(line, "what", recording_what(request));
	json_object_set_new(line, "with", recording_with(request));
	json_object_set_new(line, "progress", g_steal_pointer(&session->progress));
	json_object_set_new(line, "reply", reply);
	put_line(session, line);
}

static void on_progress(const struct request *request, uint32_t permille, const char *what, void *user)
{
	struct record_session *session = user;
	json_t *step = json_object();
	json_object_set_new(step, "permille", json_integer(permille));
	json_object_set_new(step, "what", recording_text(what));
	json_array_append_new(session->progress, step);
	if (session->tell)
		session->tell(request, permille, what, session->user);
}

/* The session may be closed from within the reply. */
static void on_reply(const struct request *request, const struct reply *reply, void *user)
{
	struct record_session *session = user;
	session->request = NULL;
	put_request(session, request, recording_reply(session->base.host, reply));
	session->reply(request, reply, session->user);
}

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct record_session *session = (struct record_session *)base;
	session->request = request;
	session->progress = json_array();
	session->reply = reply;
	session->tell = progress;
	session->user = user;
	host_submit(session->inner, request, on_reply, on_progress, session);
}

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	struct endpoint behind = *endpoint;
	g_autofree char *path = parse_address(endpoint->address, &behind.address, diags);
	struct host_session *inner = NULL;
	FILE *file = path ? file_append(path, RECORDING_HEAD, diags) : NULL;
	if (!file)
		return -1;
	if (host_open(context, &behind, &inner, diags)) {
		fclose(file);
		return -1;
	}
	struct record_session *session = g_new0(struct record_session, 1);
	session->base.provider = &record_provider;
	session->base.host = g_strdup(endpoint->host);
	session->inner = inner;
	session->file = file;
	json_t *line = json_object();
	json_object_set_new(line, "host", recording_text(endpoint->host));
	json_object_set_new(line, "opened", json_true());
	put_line(session, line);
	*out = &session->base;
	return 0;
}

static void close_session(struct host_session *base)
{
	struct record_session *session = (struct record_session *)base;
	if (!session)
		return;
	host_close(session->inner);
	if (session->request)
		put_request(session, session->request, json_null());
	if (session->file)
		fclose(session->file);
	json_decref(session->progress);
	g_free((char *)session->base.host);
	g_free(session);
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	const char *behind;
	g_autofree char *path = parse_address(address, &behind, diags);
	const struct host_provider *provider = path ? host_provider_for(behind, diags) : NULL;
	if (!provider)
		return -1;
	if (!provider->list)
		return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' does not hold several hosts", behind);
	return provider->list(behind, arena, names_out, n_out, diags);
}

const struct host_provider record_provider = {
	.scheme = "record",
	.doc = "writes down what another provider's hosts are asked and answer: record:FILE,ADDRESS",
	.performs = true,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
