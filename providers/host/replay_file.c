/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/replay_file.h"

#include "base/file.h"

#include <string.h>

enum { RECORDING_BYTES_MAX = 1 << 30 };

/* ---- one line ---- */

static void host_free(void *data)
{
	struct replay_host *host = data;
	for (uint32_t i = 0; i < host->exchanges->len; i++)
		json_decref(((struct replay_exchange *)host->exchanges->pdata[i])->what);
	g_ptr_array_unref(host->exchanges);
}

static struct replay_host *take_host(struct replay_file *file, const char *name)
{
	struct replay_host *host = replay_file_host(file, name);
	if (host)
		return host;
	host = arena_new_of(file->arena, struct replay_host);
	host->name = arena_strdup(file->arena, name);
	host->exchanges = g_ptr_array_new();
	g_ptr_array_add(file->hosts, host);
	return host;
}

static void read_progress(struct arena *arena, json_t *list, struct replay_exchange *out)
{
	uint32_t n = (uint32_t)json_array_size(list);
	struct replay_progress *progress = arena_array(arena, struct replay_progress, n);
	for (uint32_t i = 0; i < n; i++) {
		json_t *item = json_array_get(list, i);
		progress[i].permille = (uint32_t)json_integer_value(json_object_get(item, "permille"));
		progress[i].what = arena_strdup(arena, json_string_value(json_object_get(item, "what")));
	}
	out->progress = progress;
	out->n_progress = n;
}

/* 0, or -1 with a finding that does not yet say where. */
static int read_exchange(
	struct replay_file *file, json_t *json, uint32_t line, const struct source *source, struct diags *diags)
{
	const char *name = json_string_value(json_object_get(json, "host"));
	json_t *what = json_object_get(json, "what"), *reply = json_object_get(json, "reply");
	if (!name)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL, "'host' is missing");
	struct replay_host *host = take_host(file, name);
	if (json_object_get(json, "opened"))
		return 0;
	if (!json_is_object(what) || !reply)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL, "'what' or 'reply' is missing");
	struct replay_exchange *exchange = arena_new_of(file->arena, struct replay_exchange);
	exchange->line = line;
	exchange->answered = !json_is_null(reply);
	if (exchange->answered && recording_read_reply(file->arena, reply, source, &exchange->reply, diags) < 0)
		return -1;
	read_progress(file->arena, json_object_get(json, "progress"), exchange);
	exchange->what = json_incref(what);
	g_ptr_array_add(host->exchanges, exchange);
	return 0;
}

static int read_line(struct replay_file *file, const struct source *source, const char *at, const char *end,
	uint32_t line, struct diags *diags)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct diags *found = diags_new(scratch);
	json_error_t error = { 0 };
	json_auto_t *json = json_loadb(at, end - at, JSON_REJECT_DUPLICATES, &error);
	if (json && !read_exchange(file, json, line, source, found))
		return 0;
	return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
		"line %u of recording '%s' cannot be read: %s; record it again", line, file->path,
		found->first ? found->first->message : error.text);
}

/* ---- the file ---- */

static int read_lines(struct replay_file *file, const struct source *source, struct diags *diags)
{
	size_t n_head = strlen(RECORDING_HEAD);
	const char *at = source->bytes, *end = at + source->n_bytes;
	if (source->n_bytes < n_head || memcmp(at, RECORDING_HEAD, n_head) != 0)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
			"'%s' is no recording of this version; --hosts record:FILE,ADDRESS makes one", file->path);
	at += n_head;
	for (uint32_t line = 2; at < end; line++) {
		const char *stop = memchr(at, '\n', end - at);
		if (!stop)
			return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
				"line %u of recording '%s' is not whole; record it again", line, file->path);
		if (read_line(file, source, at, stop, line, diags) < 0)
			return -1;
		at = stop + 1;
	}
	return 0;
}

static void file_free(struct replay_file *file)
{
	stamp_drop(&file->stamp);
	g_ptr_array_unref(file->hosts);
	arena_free(file->arena);
	g_free(file->path);
	g_free(file);
}

static struct replay_file *file_new(const char *path, struct diags *diags)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct source source;
	struct replay_file *file = g_new0(struct replay_file, 1);
	file->path = g_strdup(path);
	file->arena = arena_new();
	file->hosts = g_ptr_array_new_with_free_func(host_free);
	stamp_take(&file->stamp, path);
	if (!file_read(path, RECORDING_BYTES_MAX, scratch, &source, diags) && !read_lines(file, &source, diags))
		return file;
	file_free(file);
	return NULL;
}

/* ---- files, read once ----
 *
 * How far a recording was replayed must outlive its sessions: a run opens a host to look at it, and again to change
 * it. So a file that nobody uses is kept until another one is read, as in snapshot.c. */
G_LOCK_DEFINE_STATIC(files);
static struct replay_file *files;

static void drop_unused(void)
{
	for (struct replay_file **at = &files; *at;) {
		struct replay_file *file = *at;
		if (file->n_users) {
			at = &file->next;
			continue;
		}
		*at = file->next;
		file_free(file);
	}
}

struct replay_file *replay_file_acquire(const char *path, struct diags *diags)
{
	G_LOCK(files);
	struct replay_file *file = files;
	while (file && (strcmp(file->path, path) != 0 || !stamp_is_current(&file->stamp, path)))
		file = file->next;
	if (!file) {
		drop_unused();
		file = file_new(path, diags);
		if (file) {
			file->next = files;
			files = file;
		}
	}
	if (file)
		file->n_users++;
	G_UNLOCK(files);
	return file;
}

void replay_file_release(struct replay_file *file)
{
	G_LOCK(files);
	file->n_users--;
	G_UNLOCK(files);
}

struct replay_host *replay_file_host(const struct replay_file *file, const char *name)
{
	for (uint32_t i = 0; i < file->hosts->len; i++) {
		struct replay_host *host = file->hosts->pdata[i];
		if (!g_ascii_strcasecmp(host->name, name))
			return host;
	}
	return NULL;
}

const struct replay_exchange *replay_host_next(const struct replay_host *host)
{
	return host && host->at < host->exchanges->len ? host->exchanges->pdata[host->at] : NULL;
}
