/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { ALIGNMENT = alignof(max_align_t), FIRST_BLOCK = 4096, LARGEST_BLOCK = 256 * 1024 };

struct block {
	struct block *next;
	size_t size; /* usable bytes behind this header */
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *blocks; /* the newest first; only it has room */
	size_t next_size;
	size_t used;
	GPtrArray *held; /* other arenas, or NULL */
	gint n_owners;
};

struct arena *arena_new(void)
{
	struct arena *arena = g_new0(struct arena, 1);
	arena->next_size = FIRST_BLOCK;
	arena->n_owners = 1;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (!arena || !g_atomic_int_dec_and_test(&arena->n_owners))
		return;
	g_clear_pointer(&arena->held, g_ptr_array_unref);
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
		g_free(block);
	}
	g_free(arena);
}

void arena_clear(struct arena *arena)
{
	struct block *newest = arena->blocks;
	if (!newest)
		return;
	for (struct block *block = newest->next, *next; block; block = next) {
		next = block->next;
		ASAN_UNPOISON_MEMORY_REGION(block->bytes, block->size);
		g_free(block);
	}
	newest->next = NULL;
	newest->used = 0;
	ASAN_POISON_MEMORY_REGION(newest->bytes, newest->size);
	arena->used = 0;
}

static struct block *block_new(size_t size)
{
	struct block *block = g_malloc(sizeof(*block) + size);
	block->next = NULL;
	block->size = size;
	block->used = 0;
	ASAN_POISON_MEMORY_REGION(block->bytes, size);
	return block;
}

/* A large allocation gets a block of its own, behind the newest, so that the newest block's room is not lost. */
static struct block *block_for(struct arena *arena, size_t size)
{
	struct block *newest = arena->blocks;
#ifdef ARENA_DEBUG
	bool own_block = true;
#else
	bool own_block = size > LARGEST_BLOCK / 4;
#endif
	if (!own_block && newest && newest->size - newest->used >= size)
		return newest;
	struct block *block = block_new(own_block ? size : MAX(arena->next_size, size));
	if (own_block && newest) {
		block->next = newest->next;
		newest->next = block;
		return block;
	}
	block->next = newest;
	arena->blocks = block;
	arena->next_size = MIN(arena->next_size * 2, (size_t)LARGEST_BLOCK);
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		g_error("out of memory: %zu bytes asked for at once", size);
	size_t rounded = MAX((size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1), (size_t)ALIGNMENT);
	struct block *block = block_for(arena, rounded);
	char *at = block->bytes + block->used;
	block->used += rounded;
	arena->used += rounded;
	ASAN_UNPOISON_MEMORY_REGION(at, size ? size : 1);
	return memset(at, 0, size ? size : 1);
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
	void *to = arena_alloc(arena, size);
	if (size)
		memcpy(to, from, size);
	return to;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);
	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	return arena_strdup(arena, text);
}

void *arena_take_array(struct arena *arena, GArray *array, uint32_t *n_out)
{
	if (n_out)
		*n_out = array->len;
	void *items = arena_copy(arena, array->data, (size_t)array->len * g_array_get_element_size(array));
	g_array_unref(array);
	return items;
}

void arena_adopt(struct arena *into, struct arena *from)
{
	struct block **tail = &into->blocks;
	while (*tail)
		tail = &(*tail)->next;
	*tail = from->blocks;
	into->used += from->used;
	from->blocks = NULL;
	for (guint i = 0; from->held && i < from->held->len; i++)
		arena_hold(into, g_ptr_array_index(from->held, i));
	arena_free(from);
}

static void release(gpointer arena)
{
	arena_free(arena);
}

void arena_hold(struct arena *arena, struct arena *other)
{
	if (!arena->held)
		arena->held = g_ptr_array_new_with_free_func(release);
	/* Many things of one arena are mostly taken one after the other. */
	if (arena->held->len && g_ptr_array_index(arena->held, arena->held->len - 1) == other)
		return;
	g_atomic_int_inc(&other->n_owners);
	g_ptr_array_add(arena->held, other);
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
