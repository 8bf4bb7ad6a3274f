/* SPDX-License-Identifier: Apache-2.0 */
#include "base/outlet.h"
#include "base/interrupt.h"
#include "tests/lib/test.h"

#include <glib.h>
#include <unistd.h>

enum { N_BYTES = 1 << 20 };

static char *pattern(void)
{
	char *bytes = g_malloc(N_BYTES);
	for (int i = 0; i < N_BYTES; i++)
		bytes[i] = (char)('a' + i % 23);
	return bytes;
}

struct reader {
	int fd;
	GString *got;
};

static gpointer read_all(gpointer user)
{
	struct reader *reader = user;
	char some[1000];
	ssize_t n;
	while ((n = read(reader->fd, some, sizeof(some))) > 0)
		g_string_append_len(reader->got, some, n);
	return NULL;
}

/* Far more than a pipe takes is put while nobody reads; then all of it arrives, in order. */
static void nobody_waits_for_a_reader_and_nothing_is_lost(void **state)
{
	(void)state;
	int ends[2];
	g_autofree char *bytes = pattern();
	assert_int_equal(pipe(ends), 0);
	struct outlet *outlet = outlet_new(ends[1]);
	outlet_put(outlet, bytes, N_BYTES / 2);
	outlet_put(outlet, bytes + N_BYTES / 2, N_BYTES / 2);
	struct reader reader = { ends[0], g_string_new(NULL) };
	GThread *thread = g_thread_new("reader", read_all, &reader);
	outlet_flush(outlet, NULL, 0);
	assert_false(outlet_has_failed(outlet));
	close(ends[1]);
	g_thread_join(thread);
	assert_int_equal(reader.got->len, N_BYTES);
	assert_memory_equal(reader.got->str, bytes, N_BYTES);
	g_string_free(reader.got, TRUE);
	outlet_free(outlet);
	close(ends[0]);
}

static void who_was_interrupted_waits_no_longer(void **state)
{
	(void)state;
	int ends[2];
	const volatile int twice = 2;
	g_autofree char *bytes = pattern();
	assert_int_equal(pipe(ends), 0);
	struct outlet *outlet = outlet_new(ends[1]);
	outlet_put(outlet, bytes, N_BYTES);
	outlet_flush(outlet, &twice, 1); /* nobody reads: it comes back all the same */
	outlet_free(outlet);
	close(ends[0]);
	close(ends[1]);
}

static void reader_that_went_away_is_a_failure(void **state)
{
	(void)state;
	int ends[2];
	interrupt_ignore_pipes();
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	struct outlet *outlet = outlet_new(ends[1]);
	outlet_put(outlet, "x", 1);
	assert_true(outlet_has_failed(outlet));
	outlet_put(outlet, "y", 1);
	outlet_flush(outlet, NULL, 0);
	outlet_free(outlet);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_a_reader_and_nothing_is_lost),
		cmocka_unit_test(who_was_interrupted_waits_no_longer),
		cmocka_unit_test(reader_that_went_away_is_a_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
