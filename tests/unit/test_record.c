/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/recordings.h"

static char *contents(const char *path)
{
	char *text = NULL;
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void each_request_is_a_line_behind_the_head(void **state)
{
	(void)state;
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	struct host_session *session = recordings_open(&bench, recordings_address(&bench, decorator), "hv01");
	bench_observe(&bench, session);
	g_autofree char *text = contents(path);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	assert_int_equal(g_strv_length(lines), 4);
	assert_true(g_str_has_prefix(text, RECORDING_HEAD));
	assert_string_equal(lines[1], "{\"host\":\"hv01\",\"opened\":true}");
	assert_true(g_str_has_prefix(lines[2], "{\"host\":\"hv01\",\"what\":{\"kind\":\"observe\"}"));
	assert_non_null(strstr(lines[2], "\"kind\":\"HostState\""));
	assert_string_equal(lines[3], "");
	recordings_end(&bench);
}

static void second_recording_is_added_to_the_first(void **state)
{
	(void)state;
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	bench_close(&bench, recordings_open(&bench, recordings_address(&bench, decorator), "hv01"));
	bench_close(&bench, recordings_open(&bench, recordings_address(&bench, decorator), "hv02"));
	g_autofree char *text = contents(path);
	assert_string_equal(text, RECORDING_HEAD "{\"host\":\"hv01\",\"opened\":true}\n"
						 "{\"host\":\"hv02\",\"opened\":true}\n");
	recordings_end(&bench);
}

static void file_that_holds_something_else_is_left_alone(void **state)
{
	(void)state;
	struct bench bench;
	recordings_begin(&bench, NULL);
	g_autofree char *before = contents(bench.path), *decorator = g_strdup_printf("record:%s,", bench.path);
	assert_null(recordings_open(&bench, recordings_address(&bench, decorator), "hv01"));
	assert_int_equal(bench.diags->first->code, D_WORLD_FILE);
	g_autofree char *after = contents(bench.path);
	assert_string_equal(before, after);
	recordings_end(&bench);
}

static void request_given_up_has_no_reply(void **state)
{
	(void)state;
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	struct host_session *session = recordings_open(&bench, recordings_address(&bench, decorator), "hv01");
	const struct request request = { .kind = REQUEST_OBSERVE };
	host_submit(session, &request, bench_replied, NULL, &bench);
	bench_close(&bench, session);
	g_autofree char *text = contents(path);
	assert_true(g_str_has_suffix(text, "\"reply\":null}\n"));
	recordings_end(&bench);
}

static void file_that_cannot_be_written_is_a_finding(void **state)
{
	(void)state;
	struct bench bench;
	recordings_begin(&bench, NULL);
	assert_null(recordings_open(&bench, recordings_address(&bench, "record:/nowhere/at/all,"), "hv01"));
	assert_int_equal(bench.diags->first->code, D_OUTPUT);
	recordings_end(&bench);
}

static void hosts_are_those_of_the_address_behind(void **state)
{
	(void)state;
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	const char *address = recordings_address(&bench, decorator), *const * names;
	uint32_t n;
	const struct host_provider *provider = host_provider_for(address, bench.diags);
	assert_int_equal(provider->list(address, bench.arena, &names, &n, bench.diags), 0);
	assert_int_equal(n, 2);
	assert_string_equal(names[1], "hv02");
	recordings_end(&bench);
}

static void address_without_a_file_is_a_finding(void **state)
{
	(void)state;
	static const char *const bad[] = { "record:", "record:a", "record:,sim:a" };
	for (uint32_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct bench bench;
		recordings_begin(&bench, NULL);
		assert_null(recordings_open(&bench, bad[i], "hv01"));
		assert_int_equal(bench.diags->first->code, D_HOST_SCHEME);
		recordings_end(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_a_line_behind_the_head),
		cmocka_unit_test(second_recording_is_added_to_the_first),
		cmocka_unit_test(file_that_holds_something_else_is_left_alone),
		cmocka_unit_test(request_given_up_has_no_reply),
		cmocka_unit_test(file_that_cannot_be_written_is_a_finding),
		cmocka_unit_test(hosts_are_those_of_the_address_behind),
		cmocka_unit_test(address_without_a_file_is_a_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
