/* SPDX-License-Identifier: Apache-2.0 */
/* Also that simulated hosts, their decorators and their recording answer the same requests alike. */
#include "tests/lib/recordings.h"

/* Records the sequence on a fresh world and returns its replies. */
static char *record(struct bench *bench, const char **address_out)
{
	static const struct simulation clock = { .clock = 5000, .pick = PICK_LAST };
	char *path = recordings_begin(bench, &clock);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	struct host_session *session = recordings_open(bench, recordings_address(bench, decorator), "hv01");
	char *replies = recordings_sequence(bench, session);
	bench_close(bench, session);
	*address_out = arena_printf(bench->arena, "replay:%s", path);
	return replies;
}

static void replay_answers_as_the_host_did_and_needs_none(void **state)
{
	(void)state;
	struct bench bench;
	const char *address;
	g_autofree char *recorded = record(&bench, &address);
	g_unlink(bench.path);
	bench.run = "another run";
	g_autofree char *replayed = recordings_sequence(&bench, recordings_open(&bench, address, "hv01"));
	assert_string_equal(replayed, recorded);
	assert_non_null(strstr(recorded, "\"changed\":true"));
	assert_non_null(strstr(recorded, "\"error\":\"invalid-parameter\""));
	recordings_end(&bench);
}

static void sequence_is_answered_alike_through_every_decorator(void **state)
{
	(void)state;
	static const char *const decorators[] = { "", "fault:nth=1000&what=before,", "fault:nth=1000&what=drop," };
	struct bench bench;
	const char *address;
	g_autofree char *recorded = record(&bench, &address);
	recordings_end(&bench);
	for (uint32_t i = 0; i < G_N_ELEMENTS(decorators); i++) {
		static const struct simulation clock = { .clock = 5000, .pick = PICK_LAST };
		recordings_begin(&bench, &clock);
		struct host_session *session =
			recordings_open(&bench, recordings_address(&bench, decorators[i]), "hv01");
		g_autofree char *replies = recordings_sequence(&bench, session);
		assert_string_equal(replies, recorded);
		recordings_end(&bench);
	}
}

static void progress_is_replayed(void **state)
{
	(void)state;
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *decorator = g_strdup_printf("record:%s,", path);
	bench.options = "?speed=2";
	struct host_session *session = recordings_open(&bench, recordings_address(&bench, decorator), "hv01");
	const struct host_state *facts = bench_observe(&bench, session);
	const struct step start = { .kind = STEP_START_VM, .id = 1, .host_name = "hv01", .vm_id = facts->vms[0].id };
	bench_lease(&bench, session, 1);
	bench_step(&bench, session, &start);
	uint32_t n_progress = bench.n_progress;
	assert_true(n_progress > 0);
	bench_close(&bench, session);
	bench.n_progress = 0;
	g_autofree char *address = g_strconcat("replay:", path, NULL);
	session = recordings_open(&bench, address, "hv01");
	bench_observe(&bench, session);
	bench_lease(&bench, session, 1);
	bench_step(&bench, session, &start);
	assert_int_equal(bench.n_progress, n_progress);
	recordings_end(&bench);
}

static void another_request_names_line_and_difference(void **state)
{
	(void)state;
	struct bench bench;
	const char *address;
	g_free(record(&bench, &address));
	struct host_session *session = recordings_open(&bench, address, "hv01");
	const struct step wrong = { .kind = STEP_SET_COUNT, .location_path = "PCIROOT(0)#PCI(0)", .count = 2 };
	assert_int_equal(bench_lease(&bench, session, 1), HOST_PROTOCOL);
	assert_non_null(strstr(bench.reply.message, "line 3 of recording"));
	assert_non_null(strstr(bench.reply.message, "'kind' is \"observe\" there and \"lease\" here"));
	bench_observe(&bench, session);
	assert_int_equal(bench_lease(&bench, session, 1), HOST_OK);
	assert_int_equal(bench_step(&bench, session, &wrong)->error, HOST_PROTOCOL);
	assert_non_null(strstr(bench.reply.message, "line 6 of recording"));
	assert_non_null(strstr(bench.reply.message, "'count' is 8 there and 2 here"));
	recordings_end(&bench);
}

static void step_on_another_target_is_named(void **state)
{
	(void)state;
	struct bench bench;
	const char *address;
	g_free(record(&bench, &address));
	struct host_session *session = recordings_open(&bench, address, "hv01");
	const struct step wrong = { .kind = STEP_SET_COUNT, .location_path = "PCIROOT(9)", .count = 8 };
	bench_observe(&bench, session);
	bench_lease(&bench, session, 1);
	assert_int_equal(bench_step(&bench, session, &wrong)->error, HOST_PROTOCOL);
	assert_non_null(strstr(bench.reply.message, "'gpu' is \"PCIROOT(0)#PCI(0)\" there and \"PCIROOT(9)\" here"));
	recordings_end(&bench);
}

static void request_behind_the_last_is_refused(void **state)
{
	(void)state;
	struct bench bench;
	const char *address;
	g_free(record(&bench, &address));
	g_free(recordings_sequence(&bench, recordings_open(&bench, address, "hv01")));
	assert_null(bench_observe(&bench, recordings_open(&bench, address, "hv01")));
	assert_int_equal(bench.reply.error, HOST_PROTOCOL);
	assert_non_null(strstr(bench.reply.message, "no more requests of host 'hv01'"));
	assert_null(bench_observe(&bench, recordings_open(&bench, address, "hv09")));
	assert_int_equal(bench.reply.error, HOST_PROTOCOL);
	assert_non_null(strstr(bench.reply.message, "has no host 'hv09'"));
	recordings_end(&bench);
}

static void hosts_are_those_that_were_opened(void **state)
{
	(void)state;
	struct bench bench;
	const char *address, *const *names;
	uint32_t n;
	g_free(record(&bench, &address));
	const struct host_provider *provider = host_provider_for(address, bench.diags);
	assert_int_equal(provider->list(address, bench.arena, &names, &n, bench.diags), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "hv01");
	recordings_end(&bench);
}

/* Opens 'text' as a recording, which must be refused with words that hold 'wanted'. */
static void check_refused(const char *text, size_t n_bytes, const char *wanted)
{
	struct bench bench;
	char *path = recordings_begin(&bench, NULL);
	g_autofree char *address = g_strconcat("replay:", path, NULL);
	assert_true(g_file_set_contents(path, text, (gssize)n_bytes, NULL));
	assert_null(recordings_open(&bench, address, "hv01"));
	assert_int_equal(bench.diags->n, 1);
	assert_int_equal(bench.diags->first->code, D_WORLD_FILE);
	assert_non_null(strstr(bench.diags->first->message, wanted));
	recordings_end(&bench);
}

static void recording_that_is_cut_within_a_line_is_refused(void **state)
{
	(void)state;
	struct bench bench;
	const char *address;
	g_autofree char *text = NULL;
	g_free(record(&bench, &address));
	gsize n_bytes;
	assert_true(g_file_get_contents(address + strlen("replay:"), &text, &n_bytes, NULL));
	recordings_end(&bench);
	size_t n_head = strlen(RECORDING_HEAD);
	check_refused(text, 0, "no recording");
	check_refused(text, n_head - 1, "no recording");
	check_refused(text, n_head + 5, "line 2");
	check_refused(text, n_bytes - 1, "is not whole");
}

static void garbled_line_is_refused_by_its_number(void **state)
{
	(void)state;
	static const struct {
		const char *line, *wanted;
	} rows[] = {
		{ "no json", "line 3" },
		{ "[]", "'host' is missing" },
		{ "{\"host\":\"hv01\"}", "'what' or 'reply' is missing" },
		{ "{\"host\":\"hv01\",\"what\":{},\"reply\":{}}", "no known 'error'" },
		{ "{\"host\":\"hv01\",\"what\":{},\"reply\":{\"error\":\"odd\"}}", "no known 'error'" },
		{ "{\"host\":\"hv01\",\"what\":{},\"reply\":{\"error\":\"ok\",\"facts\":{}}}", "line 3" },
		{ "{\"host\":\"hv01\",\"what\":{},\"reply\":{\"error\":\"ok\",\"vm\":7}}", "line 3" },
	};
	for (uint32_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
			g_strdup_printf(RECORDING_HEAD "{\"host\":\"hv01\",\"opened\":true}\n%s\n", rows[i].line);
		check_refused(text, strlen(text), rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replay_answers_as_the_host_did_and_needs_none),
		cmocka_unit_test(sequence_is_answered_alike_through_every_decorator),
		cmocka_unit_test(progress_is_replayed),
		cmocka_unit_test(another_request_names_line_and_difference),
		cmocka_unit_test(step_on_another_target_is_named),
		cmocka_unit_test(request_behind_the_last_is_refused),
		cmocka_unit_test(hosts_are_those_that_were_opened),
		cmocka_unit_test(recording_that_is_cut_within_a_line_is_refused),
		cmocka_unit_test(garbled_line_is_refused_by_its_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
