/* SPDX-License-Identifier: Apache-2.0 */
/* A recording in memory, decoded, with how far each of its hosts has been replayed. */
#pragma once
#include "base/stamp.h"
#include "providers/host/recording.h"

struct replay_progress {
	uint32_t permille;
	const char *what;
};

struct replay_exchange { /* one request of one host */
	uint32_t line;
	json_t *what; /* freed with the file */
	const struct replay_progress *progress;
	uint32_t n_progress;
	bool answered;
	struct reply reply;
};

struct replay_host {
	const char *name;
	GPtrArray *exchanges; /* of struct replay_exchange, in order */
	uint32_t at;          /* the next one */
};

struct replay_file {
	char *path;
	struct arena *arena;
	GPtrArray *hosts; /* of struct replay_host, by first appearance */
	uint32_t n_users;
	struct replay_file *next;
	struct stamp stamp;
};

/* Reads it, or takes the one that was read before where the file has not changed since: then replaying goes on where
 * it was. NULL with HV408 or HV401. */
struct replay_file *replay_file_acquire(const char *path, struct diags *diags);
void replay_file_release(struct replay_file *file);

struct replay_host *replay_file_host(const struct replay_file *file, const char *name); /* any case, or NULL */
const struct replay_exchange *replay_host_next(const struct replay_host *host);         /* NULL: none is left */
