/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/hidden.h"
#include "base/interrupt.h"

struct heard {
	GMainContext *context;
	struct child *child;
	GString *lines;
	bool ended, stop_at_line;
};

static void on_line(void *user, const char *line, size_t n_bytes)
{
	struct heard *heard = user;
	g_string_append_len(heard->lines, line, (gssize)n_bytes);
	g_string_append_c(heard->lines, '|');
	if (heard->stop_at_line)
		child_stop(g_steal_pointer(&heard->child), 0);
}

static void on_ended(void *user)
{
	((struct heard *)user)->ended = true;
}

static const struct child_events events = { on_line, on_ended };

static void begin(struct heard *heard, const char *script)
{
	interrupt_ignore_pipes();
	*heard = (struct heard){ .context = g_main_context_new(), .lines = g_string_new(NULL) };
	const char *const argv[] = { "sh", "-c", script, NULL }, *const set[] = { "TOLD", "x", NULL };
	const struct child_spec spec = { .argv = argv, .set = set, .line_max = 1000 };
	char *error = NULL;
	g_setenv("HIDDEN", "y", TRUE);
	hidden_add("HIDDEN");
	heard->child = child_start(heard->context, &spec, &events, heard, &error);
	assert_non_null(heard->child);
}

static void await_end(struct heard *heard)
{
	int64_t until_ms = clock_monotonic_ms() + 10000;
	while (heard->child && !heard->ended && clock_monotonic_ms() < until_ms)
		g_main_context_iteration(heard->context, heard->child != NULL);
}

static void end(struct heard *heard)
{
	child_stop(heard->child, 0);
	g_string_free(heard->lines, TRUE);
	g_main_context_unref(heard->context);
}

static void lines_words_and_exit_code_are_heard(void **state)
{
	(void)state;
	struct heard heard;
	size_t n;
	begin(&heard,
		"echo one; printf 'two\\r\\nthree'; echo words >&2; echo \"\n$TOLD$HIDDEN\"; printf rest; exit 7");
	await_end(&heard);
	assert_true(heard.ended);
	assert_string_equal(heard.lines->str, "one|two|three|x|");
	assert_string_equal(child_words(heard.child, &n), "words\n");
	assert_string_equal(child_rest(heard.child, &n), "rest");
	assert_int_equal(child_exit(heard.child), 7);
	end(&heard);
}

static void what_is_written_is_read_though_it_is_much(void **state)
{
	(void)state;
	struct heard heard;
	g_autofree char *line = g_strnfill(999, 'a');
	begin(&heard,
		"sleep 0.2; while read -r line; do n=$((n+${#line})); [ \"$line\" = end ] && break; done; echo $n");
	for (int i = 0; i < 400; i++) {
		child_write(heard.child, line, 999);
		child_write(heard.child, "\n", 1);
	}
	child_write(heard.child, "end\n", 4);
	await_end(&heard);
	assert_string_equal(heard.lines->str, "399603|");
	end(&heard);
}

static void line_that_is_too_long_ends_it(void **state)
{
	(void)state;
	struct heard heard;
	begin(&heard, "echo short; head -c 100000 /dev/zero; sleep 100");
	await_end(&heard);
	assert_true(heard.ended && child_wrote_too_long(heard.child));
	assert_string_equal(heard.lines->str, "short|");
	end(&heard);
}

static void words_keep_their_end(void **state)
{
	(void)state;
	struct heard heard;
	size_t n;
	begin(&heard, "head -c 200000 /dev/zero >&2; echo last >&2");
	await_end(&heard);
	assert_true(g_str_has_suffix(child_words(heard.child, &n) + CHILD_WORDS_MAX - 5, "last\n"));
	assert_int_equal(n, CHILD_WORDS_MAX);
	end(&heard);
}

static void stopping_at_a_line_says_nothing_more(void **state)
{
	(void)state;
	struct heard heard;
	begin(&heard, "echo one; echo two; sleep 100");
	heard.stop_at_line = true;
	await_end(&heard);
	while (g_main_context_iteration(heard.context, FALSE))
		;
	assert_string_equal(heard.lines->str, "one|");
	assert_false(heard.ended);
	end(&heard);
}

static void patience_lets_it_end_by_itself(void **state)
{
	(void)state;
	struct heard heard;
	g_autofree char *folder = g_dir_make_tmp("hvgpu-test-XXXXXX", NULL);
	g_autofree char *script = g_strdup_printf("echo on; while read -r l; do :; done; sleep 0.1; rmdir %s", folder);
	begin(&heard, script);
	child_stop(g_steal_pointer(&heard.child), 5000);
	assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
	end(&heard);
}

static void one_that_will_not_end_is_killed(void **state)
{
	(void)state;
	struct heard heard;
	int64_t began_ms = clock_monotonic_ms();
	begin(&heard, "trap '' TERM HUP INT; echo on; while :; do sleep 1; done");
	while (heard.lines->len == 0)
		g_main_context_iteration(heard.context, TRUE);
	child_stop(g_steal_pointer(&heard.child), 100);
	assert_true(clock_monotonic_ms() - began_ms < 5000);
	end(&heard);
}

static void program_that_is_not_there_is_said(void **state)
{
	(void)state;
	const char *const argv[] = { "/nowhere/program", NULL };
	const struct child_spec spec = { .argv = argv, .line_max = 1 };
	g_autofree char *error = NULL;
	assert_null(child_start(g_main_context_default(), &spec, &events, NULL, &error));
	assert_non_null(strstr(error, "/nowhere/program"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_words_and_exit_code_are_heard),
		cmocka_unit_test(what_is_written_is_read_though_it_is_much),
		cmocka_unit_test(line_that_is_too_long_ends_it),
		cmocka_unit_test(words_keep_their_end),
		cmocka_unit_test(stopping_at_a_line_says_nothing_more),
		cmocka_unit_test(patience_lets_it_end_by_itself),
		cmocka_unit_test(one_that_will_not_end_is_killed),
		cmocka_unit_test(program_that_is_not_there_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
