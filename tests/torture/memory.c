/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/memory.h"

#include "base/lock.h"
#include "model/host_copy.h"
#include "providers/host/sim_file.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static struct sim_world *world;
static char *lock_path;
static _Thread_local bool process_is_dead;

void memory_begin(void)
{
	const char *tmp = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	lock_path = g_strdup_printf("%s/hvgpu-torture-%ld.lock", tmp, (long)getpid());
}

void memory_end(void)
{
	sim_world_release(g_steal_pointer(&world));
	g_unlink(lock_path);
	g_free(lock_path);
}

static struct simulation *copy_simulation(struct arena *arena, const struct simulation *from)
{
	struct simulation *simulation = arena_copy(arena, from, sizeof(*from));
	simulation->guests = arena_copy(arena, from->guests, from->n_guests * sizeof(*from->guests));
	return simulation;
}

void memory_set(const struct host_state *const *states, uint32_t n_states, const struct simulation *simulation)
{
	sim_world_release(g_steal_pointer(&world));
	world = g_rc_box_new0(struct sim_world);
	world->arena = arena_new();
	world->states = arena_array(world->arena, struct host_state *, n_states);
	world->n_states = n_states;
	for (uint32_t i = 0; i < n_states; i++)
		world->states[i] = host_state_copy(world->arena, states[i]);
	world->simulation = copy_simulation(world->arena, simulation);
}

struct sim_world *memory_world(void)
{
	return world;
}

struct view memory_view(void)
{
	struct host_state *states = arena_array(world->arena, struct host_state, world->n_states);
	for (uint32_t i = 0; i < world->n_states; i++) {
		states[i] = *world->states[i];
		states[i].gpus = arena_copy(world->arena, states[i].gpus, states[i].n_gpus * sizeof(*states[i].gpus));
		states[i].vms = arena_copy(world->arena, states[i].vms, states[i].n_vms * sizeof(*states[i].vms));
	}
	return (struct view){ states, world->n_states };
}

void memory_set_dead(bool is_dead)
{
	process_is_dead = is_dead;
}

/* ---- in place of providers/host/sim_file.c ---- */

struct sim_file {
	bool is_open;
};

static void world_clear(void *data)
{
	arena_free(((struct sim_world *)data)->arena);
}

struct sim_world *sim_world_acquire(struct sim_world *of)
{
	return g_rc_box_acquire(of);
}

void sim_world_release(struct sim_world *of)
{
	if (of)
		g_rc_box_release_full(of, world_clear);
}

int sim_file_open(GMainContext *context, const char *path, struct sim_file **out, struct diags *diags)
{
	(void)context, (void)path, (void)diags;
	*out = g_new0(struct sim_file, 1);
	(*out)->is_open = true;
	return 0;
}

void sim_file_close(struct sim_file *file)
{
	g_free(file);
}

struct sim_world *sim_file_world(struct sim_file *file, struct diags *diags)
{
	(void)file, (void)diags;
	return sim_world_acquire(world);
}

int sim_file_save(struct sim_file *file, struct sim_world *of, struct diags *diags)
{
	(void)file, (void)diags;
	of->changed = false;
	return 0;
}

void sim_file_forget(struct sim_file *file)
{
	(void)file;
}

int sim_file_lock_open(const struct sim_file *file)
{
	(void)file;
	return lock_open(lock_path);
}

/* Whoever is dead writes no more, not even that its lease ends. */
int sim_file_lock_write(int fd)
{
	return process_is_dead ? -EIO : lock_wait(fd, 0, 1);
}

void sim_file_unlock_write(int fd)
{
	lock_release(fd, 0, 1);
}

static int64_t lease_byte(const char *host)
{
	for (uint32_t i = 0; i < world->n_states; i++)
		if (g_ascii_strcasecmp(world->states[i]->host.name, host) == 0)
			return 1 + i;
	return 1 + world->n_states;
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
	(void)file;
	int fd = lock_open(lock_path);
	bool held = fd < 0 || lock_test(fd, lease_byte(host), 1) != 0;
	lock_close(fd);
	return held;
}
