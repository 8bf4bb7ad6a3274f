/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/snapshot.h"

#include "base/file.h"
#include "base/stamp.h"
#include "schema/state.h"

#include <string.h>

enum { SNAPSHOT_BYTES_MAX = 1 << 30 };

struct snapshot_file {
	char *path;
	struct arena *arena;
	struct state_file read;
	struct stamp stamp;
	uint32_t n_users;
	struct snapshot_file *next;
};

struct snapshot_session {
	struct host_session base;
	GMainContext *context;
	struct snapshot_file *file;
	const struct request *request;
	reply_fn *reply;
	void *user;
	GSource *source;
};

/* ---- files, parsed once ----
 *
 * The one thing that the process remembers: list() and thousands of open() name the same file, and nothing that they
 * have in common outlives the call. A file that nobody uses is kept until another one is read. */
G_LOCK_DEFINE_STATIC(files);
static struct snapshot_file *files;

static void file_free(struct snapshot_file *file)
{
	stamp_drop(&file->stamp);
	arena_free(file->arena);
	g_free(file->path);
	g_free(file);
}

static void drop_unused(void)
{
	for (struct snapshot_file **at = &files; *at;) {
		struct snapshot_file *file = *at;
		if (file->n_users) {
			at = &file->next;
			continue;
		}
		*at = file->next;
		file_free(file);
	}
}

static int file_load(const char *path, struct snapshot_file *file, struct diags *diags)
{
	g_autoptr(arena_auto) text = arena_new(); /* of no use once read, but to findings that show lines of it */
	struct source *source = arena_new_of(text, struct source);
	uint32_t n_findings = diags->n;
	stamp_take(&file->stamp, path);
	if (file_read(path, SNAPSHOT_BYTES_MAX, text, source, diags))
		return -1;
	int result = state_read(file->arena, source, &file->read, diags);
	if (diags->n > n_findings)
		arena_hold(diags->arena, text);
	if (result)
		return diag_add(
			diags, D_WORLD_FILE, LOC_NONE, NULL, "'%s' cannot be used as a snapshot; take it again", path);
	if (!file->read.n_states)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
			"'%s' holds no HostState; `hvgpu observe -o yaml` prints some", path);
	return 0;
}

static struct snapshot_file *file_find(const char *path)
{
	for (struct snapshot_file *file = files; file; file = file->next)
		if (!strcmp(file->path, path) && stamp_is_current(&file->stamp, path))
			return file;
	return NULL;
}

static struct snapshot_file *file_acquire(const char *address, struct diags *diags)
{
	const char *path = g_str_has_prefix(address, "snapshot:") ? address + strlen("snapshot:") : address;
	G_LOCK(files);
	struct snapshot_file *file = file_find(path);
	if (!file) {
		drop_unused();
		file = g_new0(struct snapshot_file, 1);
		file->path = g_strdup(path);
		file->arena = arena_new();
		if (file_load(path, file, diags)) {
			arena_adopt(diags->arena, g_steal_pointer(&file->arena)); /* the findings point into it */
			file_free(file);
			file = NULL;
		} else {
			file->next = files;
			files = file;
		}
	}
	if (file)
		file->n_users++;
	G_UNLOCK(files);
	return file;
}

/* The last user of a file that is still the newest of its path leaves it for the next one to open it. */
static void file_release(struct snapshot_file *file)
{
	G_LOCK(files);
	file->n_users--;
	G_UNLOCK(files);
}

/* ---- sessions ---- */

static int compare_host(const void *name, const void *state)
{
	return strcmp(name, (*(const struct host_state *const *)state)->host.name);
}

static const struct host_state *find_host(const struct snapshot_file *file, const char *name)
{
	const struct state_file *read = &file->read;
	const struct host_state *const *found =
		read->n_states ? bsearch(name, read->states, read->n_states, sizeof(*read->states), compare_host)
			       : NULL;
	for (uint32_t i = 0; !found && i < read->n_states; i++) /* in another case, as Windows allows */
		if (!g_ascii_strcasecmp(name, read->states[i]->host.name))
			found = &read->states[i];
	return found ? *found : NULL;
}

static struct reply answer(const struct snapshot_session *session)
{
	const struct host_state *state = find_host(session->file, session->base.host);
	if (session->request->kind != REQUEST_OBSERVE)
		return (struct reply){ .error = HOST_READ_ONLY, .message = "a snapshot is only looked at" };
	if (!state)
		return (struct reply){ .error = HOST_UNREACHABLE, .message = "the snapshot has no host of that name" };
	return (struct reply){ .facts = state, .facts_arena = session->file->arena, .late_known = true };
}

static void end_source(struct snapshot_session *session)
{
	if (session->source) {
		g_source_destroy(session->source);
		g_source_unref(session->source);
	}
	session->source = NULL;
}

/* The session may be closed from within the reply; the file then stays until another one is read. */
static gboolean on_submitted(void *user)
{
	struct snapshot_session *session = user;
	struct reply reply = answer(session);
	const struct request *request = g_steal_pointer(&session->request);
	end_source(session);
	session->reply(request, &reply, session->user);
	return G_SOURCE_REMOVE;
}

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct snapshot_session *session = (struct snapshot_session *)base;
	(void)progress;
	if (session->request)
		BUG("two requests at a time for host %s of a snapshot", base->host);
	session->request = request;
	session->reply = reply;
	session->user = user;
	session->source = g_idle_source_new();
	g_source_set_priority(session->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(session->source, on_submitted, session, NULL);
	g_source_attach(session->source, session->context);
}

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	struct snapshot_file *file = file_acquire(endpoint->address, diags);
	if (!file)
		return -1;
	struct snapshot_session *session = g_new0(struct snapshot_session, 1);
	session->base.provider = &snapshot_provider;
	session->base.host = g_strdup(endpoint->host);
	session->context = context;
	session->file = file;
	*out = &session->base;
	return 0;
}

static void close_session(struct host_session *base)
{
	struct snapshot_session *session = (struct snapshot_session *)base;
	if (!session)
		return;
	end_source(session);
	file_release(session->file);
	g_free((char *)session->base.host);
	g_free(session);
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	struct snapshot_file *file = file_acquire(address, diags);
	if (!file)
		return -1;
	const char **names = arena_array(arena, const char *, file->read.n_states);
	for (uint32_t i = 0; i < file->read.n_states; i++)
		names[i] = arena_strdup(arena, file->read.states[i]->host.name);
	*names_out = names;
	*n_out = file->read.n_states;
	file_release(file);
	return 0;
}

const struct host_provider snapshot_provider = {
	.scheme = "snapshot",
	.doc = "hosts as a file of HostState documents shows them, only to look at: snapshot:FILE",
	.performs = false,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
