/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/lib/test.h"

#include <stdalign.h>

static void memory_is_zeroed_and_aligned(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 5000, 70 * 1024, 300 * 1024 };
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		char *at = arena_alloc(arena, sizes[i]);
		assert_int_equal((uintptr_t)at % alignof(max_align_t), 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(at[j], 0);
		memset(at, 0xff, sizes[i]);
	}
}

static void pieces_do_not_overlap(void **state)
{
	(void)state;
	enum { N = 2000 };
	g_autoptr(arena_auto) arena = arena_new();
	char *pieces[N];
	for (int i = 0; i < N; i++) {
		pieces[i] = arena_alloc(arena, 1 + (size_t)i * 7 % 300);
		memset(pieces[i], i % 127, 1 + (size_t)i * 7 % 300);
	}
	for (int i = 0; i < N; i++)
		for (size_t j = 0; j < 1 + (size_t)i * 7 % 300; j++)
			assert_int_equal(pieces[i][j], i % 127);
}

static void empty_pieces_are_unique(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	assert_ptr_not_equal(arena_alloc(arena, 0), arena_alloc(arena, 0));
}

static void texts_are_copied(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	char text[] = "partition";
	char *copy = arena_strdup(arena, text), *part = arena_strndup(arena, text, 4);
	memset(text, 'x', strlen(text));
	assert_string_equal(copy, "partition");
	assert_string_equal(part, "part");
	assert_string_equal(arena_printf(arena, "%s/%d", "gpu", 7), "gpu/7");
	assert_null(arena_strdup(arena, NULL));
	assert_string_equal(arena_strndup(arena, NULL, 0), "");
}

static void taken_array_moves_its_elements(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	GArray *array = g_array_new(FALSE, FALSE, sizeof(int));
	for (int i = 0; i < 100; i++)
		g_array_append_val(array, i);
	uint32_t n = 0;
	int *items = arena_take_array(arena, array, &n);
	assert_int_equal(n, 100);
	assert_int_equal(items[99], 99);
	assert_non_null(arena_take_array(arena, g_array_new(FALSE, FALSE, sizeof(int)), NULL));
}

static void adopted_memory_outlives_its_arena(void **state)
{
	(void)state;
	g_autoptr(arena_auto) into = arena_new();
	struct arena *from = arena_new();
	char *small = arena_strdup(from, "small"), *large = arena_alloc(from, 500 * 1024);
	large[500 * 1024 - 1] = 'z';
	size_t used = arena_used(from);
	arena_adopt(into, from);
	assert_string_equal(small, "small");
	assert_int_equal(large[500 * 1024 - 1], 'z');
	assert_int_equal(arena_used(into), used);
	assert_string_equal(arena_strdup(into, "more"), "more");
	assert_string_equal(small, "small");
	arena_adopt(into, arena_new());
}

static void held_memory_outlives_its_arena(void **state)
{
	(void)state;
	struct arena *first = arena_new(), *second = arena_new(), *owner = arena_new();
	const char *text = arena_strdup(owner, "world");
	arena_hold(first, owner);
	arena_hold(first, owner);
	arena_hold(second, owner);
	arena_free(owner);
	arena_free(second);
	assert_string_equal(text, "world");
	struct arena *into = arena_new();
	arena_adopt(into, first);
	assert_string_equal(text, "world");
	arena_free(into); /* the leak checker sees that the owner went with its last holder */
}

static void cleared_arena_gives_zeroed_memory_again(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	arena_clear(arena);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++) {
			char *at = arena_alloc(arena, 1000);
			for (int j = 0; j < 1000; j++)
				assert_int_equal(at[j], 0);
			memset(at, 0xff, 1000);
		}
		arena_clear(arena);
		assert_int_equal(arena_used(arena), 0);
	}
}

static void free_accepts_null(void **state)
{
	(void)state;
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(empty_pieces_are_unique),
		cmocka_unit_test(texts_are_copied),
		cmocka_unit_test(taken_array_moves_its_elements),
		cmocka_unit_test(adopted_memory_outlives_its_arena),
		cmocka_unit_test(held_memory_outlives_its_arena),
		cmocka_unit_test(cleared_arena_gives_zeroed_memory_again),
		cmocka_unit_test(free_accepts_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
