/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for values that live and die together.
 *
 * Whatever flows through the pipeline (documents, specs, worlds, plans) is built in an arena and never freed one by
 * one: no destructors in pure code, no leak on an error path. An arena is not shared between threads; a worker has
 * its own and the main thread adopts it at the join. Out of memory aborts with one line.
 *
 * With -DARENA_DEBUG=ON each allocation is a malloc of its own, so that sanitizers see every overrun.
 */
#pragma once
#include <glib.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is accepted */
/* Gives up all that was allocated and keeps the room, for the next round of the same work. */
void arena_clear(struct arena *arena);
typedef struct arena arena_auto; /* for g_autoptr(arena_auto) alone: the one struct typedef, GLib wants it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(arena_auto, arena_free)

/* Zeroed memory, aligned for any type. 'size' 0 gives a valid unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *from, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

#define arena_new_of(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (size_t)(n)))

/* Moves the elements of a GArray into the arena and frees the GArray. 'n_out' may be NULL. */
void *arena_take_array(struct arena *arena, GArray *array, uint32_t *n_out);

/* Moves all memory of 'from', which nobody holds, into 'into' and frees the empty 'from'. */
void arena_adopt(struct arena *into, struct arena *from);

/* Keeps all memory of 'other' for as long as 'arena' lives, though 'other' may be freed before: for what is read once
 * and looked at by many. 'other' must not be changed any more, nor freed in another thread at the same time. */
void arena_hold(struct arena *arena, struct arena *other);

/* Bytes handed out so far: for reports and tests. */
size_t arena_used(const struct arena *arena);
