/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "providers/host/snapshot.h"
#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

static void begin(struct bench *bench, uint32_t hosts)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, hosts, 1, 4, 1);
	for (uint32_t h = 0; h < hosts; h++)
		world->hosts[h].observed_at = 77;
	bench_init(bench, world, NULL);
}

static void snapshot_is_observed_as_it_was_taken(void **state)
{
	(void)state;
	struct bench bench;
	begin(&bench, 3);
	struct host_session *session = bench_open(&bench, "snapshot", "HV02");
	assert_string_equal(bench_observe(&bench, session)->host.name, "hv02");
	assert_int_equal(bench.reply.facts->host.observed_at, 77);
	bench_done(&bench);
}

static void snapshot_refuses_everything_else(void **state)
{
	(void)state;
	struct bench bench;
	begin(&bench, 1);
	struct host_session *session = bench_open(&bench, "snapshot", "hv01");
	assert_int_equal(bench_lease(&bench, session, 1), HOST_READ_ONLY);
	bench_done(&bench);
}

static void snapshot_without_the_host_does_not_answer(void **state)
{
	(void)state;
	struct bench bench;
	begin(&bench, 1);
	assert_null(bench_observe(&bench, bench_open(&bench, "snapshot", "hv09")));
	assert_int_equal(bench.reply.error, HOST_UNREACHABLE);
	bench_done(&bench);
}

static void snapshot_of_something_else_is_a_finding(void **state)
{
	(void)state;
	struct bench bench;
	bench_init(&bench, NULL, NULL);
	g_file_set_contents(bench.path, "a: 1\n", -1, NULL);
	assert_null(bench_open(&bench, "snapshot", "hv01"));
	assert_int_equal(bench.diags->last->code, D_WORLD_FILE);
	assert_memory_equal(bench.diags->first->loc.source->bytes, "a: 1\n", 5); /* for the line that is shown */
	bench_done(&bench);
}

static void list_names_all_hosts_sorted(void **state)
{
	(void)state;
	struct bench bench;
	const char *const *names = NULL;
	uint32_t n = 0;
	begin(&bench, 3);
	const char *address = arena_printf(bench.arena, "snapshot:%s", bench.path);
	assert_int_equal(snapshot_provider.list(address, bench.arena, &names, &n, bench.diags), 0);
	assert_int_equal(n, 3);
	assert_string_equal(names[2], "hv03");
	bench_done(&bench);
}

static void thousands_of_hosts_are_parsed_once(void **state)
{
	(void)state;
	enum { HOSTS = 2000 };
	struct bench bench;
	g_autoptr(arena_auto) arena = arena_new();
	struct host_session **sessions = g_new0(struct host_session *, HOSTS);
	begin(&bench, HOSTS);
	int64_t before = g_get_monotonic_time(), first = 0;
	for (uint32_t h = 0; h < HOSTS; h++) {
		const struct endpoint endpoint = { .host = arena_printf(arena, "hv%02u", h + 1),
			.address = arena_printf(arena, "snapshot:%s", bench.path) };
		assert_int_equal(host_open(bench.context, &endpoint, &sessions[h], bench.diags), 0);
		assert_non_null(bench_observe(&bench, sessions[h]));
		first = first ? first : g_get_monotonic_time() - before;
	}
	assert_true(g_get_monotonic_time() - before < first * HOSTS / 4); /* parsed each time: first * HOSTS */
	for (uint32_t h = 0; h < HOSTS; h++)
		host_close(sessions[h]);
	g_free(sessions);
	bench_done(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshot_is_observed_as_it_was_taken),
		cmocka_unit_test(snapshot_refuses_everything_else),
		cmocka_unit_test(snapshot_without_the_host_does_not_answer),
		cmocka_unit_test(snapshot_of_something_else_is_a_finding),
		cmocka_unit_test(list_names_all_hosts_sorted),
		cmocka_unit_test(thousands_of_hosts_are_parsed_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
