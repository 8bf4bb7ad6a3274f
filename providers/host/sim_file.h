/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's file: read, kept while it does not change, replaced. Sessions of one main context share what was
 * read, so that 16 hosts in one file are parsed once.
 */
#pragma once
#include "base/diag.h"
#include "schema/state.h"

#include <glib.h>

/* One reading of the file. The simulator changes it in place and saves it; texts and inner arrays are never changed,
 * only replaced, and live in 'arena'. */
struct sim_world {
	struct arena *arena;
	struct host_state **states; /* by host name */
	uint32_t n_states;
	struct simulation *simulation; /* NULL: the file has none */
	bool changed;                  /* differs from the file */
};

struct sim_file;

/* The file, read. 0, or -1 with HV401 or HV408 and what is wrong with it. 'context' NULL: the default one. */
int sim_file_open(GMainContext *context, const char *path, struct sim_file **out, struct diags *diags);
void sim_file_close(struct sim_file *file); /* NULL is accepted */

/* What the file holds now: read again when somebody else changed it. The world is the caller's to release; NULL with
 * findings. */
struct sim_world *sim_file_world(struct sim_file *file, struct diags *diags);
struct sim_world *sim_world_acquire(struct sim_world *world);
void sim_world_release(struct sim_world *world);

/* Writes a changed world. 0, or -1 with a finding; then the next sim_file_world() reads the file again. */
int sim_file_save(struct sim_file *file, struct sim_world *world, struct diags *diags);

/* Drops changes that are not to be saved: the next sim_file_world() reads the file again. */
void sim_file_forget(struct sim_file *file);

/* The short lock that every writing request holds, and the lease of a host, both through an own descriptor of
 * FILE.lock. As in base/lock.h. */
int sim_file_lock_open(const struct sim_file *file);
int sim_file_lock_write(int fd);
void sim_file_unlock_write(int fd);
int sim_file_lock_lease(int fd, const char *host);
void sim_file_unlock_lease(int fd, const char *host);
/* Somebody holds the host's lease; where that cannot be found out, true. */
bool sim_file_lease_is_held(const struct sim_file *file, const char *host);
