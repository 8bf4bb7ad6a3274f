/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/sim_file.h"

#include "base/file.h"
#include "base/lock.h"
#include "base/stamp.h"
#include "providers/host/host.h"

#include <errno.h>
#include <string.h>

enum {
	WORLD_BYTES_MAX = 1 << 30,
	SAVES_PER_READING = 512, /* then the file is read afresh, for the arena of a reading only grows */
};

struct sim_file {
	char *path;
	GMainContext *context;
	struct stamp stamp;
	struct sim_world *world; /* NULL: must be read */
	uint32_t n_saves;
	uint32_t n_users;
};

static void world_clear(void *data)
{
	struct sim_world *world = data;
	arena_free(world->arena);
}

struct sim_world *sim_world_acquire(struct sim_world *world)
{
	return g_rc_box_acquire(world);
}

void sim_world_release(struct sim_world *world)
{
	if (world)
		g_rc_box_release_full(world, world_clear);
}

void sim_file_forget(struct sim_file *file)
{
	sim_world_release(g_steal_pointer(&file->world));
	stamp_drop(&file->stamp);
	file->n_saves = 0;
}

/* A word of a fault that is none of 'names', from 'first' on, and not 'more' either. */
static int unknown_word(const struct simulation_fault *fault, const char *key, const char *word,
	const struct names *names, size_t first, const char *more, struct diags *diags)
{
	g_autoptr(GString) allowed = g_string_new(more);
	for (size_t i = first; i < names->n; i++)
		g_string_append_printf(allowed, "%s%s", allowed->len ? ", " : "", names->names[i]);
	return diag_add(diags, D_WORLD_FILE, head_loc(&fault->head, key), NULL, "'%s' is '%s'; allowed is one of %s",
		key, word, allowed->str);
}

static int check_faults(const struct simulation *simulation, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 0; simulation && i < simulation->n_faults; i++) {
		const struct simulation_fault *fault = &simulation->faults[i];
		if (name_find(&host_error_names, fault->error) <= HOST_OK)
			result =
				unknown_word(fault, "error", fault->error, &host_error_names, HOST_OK + 1, NULL, diags);
		if (fault->step && strcmp(fault->step, "observe") && name_find(&step_kind_names, fault->step) < 0)
			result = unknown_word(fault, "step", fault->step, &step_kind_names, 0, "observe", diags);
	}
	return result;
}

static int world_read(struct sim_world *world, const char *path, struct diags *diags)
{
	struct state_file read = { 0 };
	struct source *source = arena_new_of(world->arena, struct source);
	if (file_read(path, WORLD_BYTES_MAX, world->arena, source, diags))
		return -1;
	if (state_read(world->arena, source, &read, diags))
		return diag_add(
			diags, D_WORLD_FILE, LOC_NONE, NULL, "'%s' cannot be used as a world; correct it first", path);
	if (!read.n_states)
		return diag_add(diags, D_WORLD_FILE, LOC_NONE, NULL,
			"'%s' holds no HostState; `hvgpu observe -o yaml` prints some", path);
	world->states = arena_copy(world->arena, read.states, sizeof(*read.states) * read.n_states);
	world->n_states = read.n_states;
	world->simulation = read.simulation;
	return check_faults(read.simulation, diags);
}

struct sim_world *sim_file_world(struct sim_file *file, struct diags *diags)
{
	if (file->world && (!stamp_is_current(&file->stamp, file->path) || file->n_saves >= SAVES_PER_READING))
		sim_file_forget(file);
	if (!file->world) {
		/* The stamp is taken first: what is read after it can only be newer, and then it is read again. */
		stamp_take(&file->stamp, file->path);
		struct sim_world *world = g_rc_box_new0(struct sim_world);
		world->arena = arena_new();
		if (world_read(world, file->path, diags)) {
			arena_adopt(diags->arena, g_steal_pointer(&world->arena)); /* the findings point into it */
			sim_world_release(world);
			stamp_drop(&file->stamp);
			return NULL;
		}
		file->world = world;
	}
	return sim_world_acquire(file->world);
}

int sim_file_save(struct sim_file *file, struct sim_world *world, struct diags *diags)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (world->simulation)
		simulation_write_yaml(text, world->simulation);
	for (uint32_t i = 0; i < world->n_states; i++)
		state_write_yaml(text, world->states[i]);
	if (file_write(file->path, text->str, text->len, diags)) {
		sim_file_forget(file);
		return -1;
	}
	world->changed = false;
	file->n_saves++;
	stamp_drop(&file->stamp);
	stamp_take(&file->stamp, file->path);
	return 0;
}

/* ---- shared by the sessions of one context ---- */

static GHashTable *context_files(GMainContext *context)
{
	GQuark key = g_quark_from_static_string("hvgpu-sim-files");
	GHashTable *files = g_dataset_id_get_data(context, key);
	if (!files) {
		files = g_hash_table_new(g_str_hash, g_str_equal);
		g_dataset_id_set_data_full(context, key, files, (GDestroyNotify)g_hash_table_unref);
	}
	return files;
}

int sim_file_open(GMainContext *context, const char *path, struct sim_file **out, struct diags *diags)
{
	context = context ? context : g_main_context_default();
	g_autofree char *full = g_canonicalize_filename(path, NULL);
	struct sim_file *file = g_hash_table_lookup(context_files(context), full);
	if (!file) {
		file = g_new0(struct sim_file, 1);
		file->path = g_steal_pointer(&full);
		file->context = context;
		file->stamp = STAMP_NONE;
		g_hash_table_insert(context_files(context), file->path, file);
	}
	file->n_users++;
	struct sim_world *world = sim_file_world(file, diags);
	if (!world) {
		sim_file_close(file);
		return -1;
	}
	sim_world_release(world);
	*out = file;
	return 0;
}

void sim_file_close(struct sim_file *file)
{
	if (!file || --file->n_users)
		return;
	GHashTable *files = context_files(file->context);
	g_hash_table_remove(files, file->path);
	if (!g_hash_table_size(files))
		g_dataset_id_remove_data(file->context, g_quark_from_static_string("hvgpu-sim-files"));
	sim_file_forget(file);
	g_free(file->path);
	g_free(file);
}

/* ---- locks ---- */

int sim_file_lock_open(const struct sim_file *file)
{
	g_autofree char *path = g_strconcat(file->path, ".lock", NULL);
	return lock_open(path);
}

int sim_file_lock_write(int fd)
{
	int result;
	do
		result = lock_wait(fd, 0, 1);
	while (result == -EINTR);
	return result;
}

void sim_file_unlock_write(int fd)
{
	lock_release(fd, 0, 1);
}

/* A host's byte follows from its name alone, so that editing the file does not move a lease to another host. */
static int64_t lease_byte(const char *host)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (const char *c = host; *c; c++)
		hash = (hash ^ (unsigned char)g_ascii_tolower(*c)) * 0x100000001b3u;
	return 1 + (int64_t)(hash >> 2);
}

int sim_file_lock_lease(int fd, const char *host)
{
	return lock_try(fd, lease_byte(host), 1);
}

void sim_file_unlock_lease(int fd, const char *host)
{
	lock_release(fd, lease_byte(host), 1);
}

bool sim_file_lease_is_held(const struct sim_file *file, const char *host)
{
	g_autofree char *path = g_strconcat(file->path, ".lock", NULL);
	if (file_kind(path, true) == FILE_MISSING)
		return false;
	int fd = lock_open_to_test(path);
	bool held = fd < 0 || lock_test(fd, lease_byte(host), 1) != 0;
	lock_close(fd);
	return held;
}
