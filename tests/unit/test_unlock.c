/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/unlock.h"

#include "providers/host/host.h"
#include "reconcile/history.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>

/* ---- two hosts of failover cluster 'C', held by runs ---- */

static struct scene *scene;
static struct lease leases[2];
static char *ended; /* "hv01 run-1;" for each lease that was ended */

struct held_session {
	struct host_session base;
	GMainContext *context;
	const struct request *request;
	reply_fn *reply;
	void *user;
	GSource *source;
};

static int held_list(
	const char *address, struct arena *arena, const char *const **names, uint32_t *n, struct diags *diags)
{
	(void)address, (void)diags;
	const char **list = arena_array(arena, const char *, 2);
	list[0] = "hv01";
	list[1] = "hv02";
	*names = list;
	*n = 2;
	return 0;
}

static int held_open(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags);

static gboolean answer(gpointer user)
{
	struct held_session *session = user;
	uint32_t host = session->base.host[3] - '1';
	struct reply reply = { .late_known = true };
	if (session->request->kind == REQUEST_OBSERVE) {
		reply.facts = &scene->hosts[host];
	} else if (session->request->kind == REQUEST_END_LEASE && host == 1) {
		reply.error = HOST_LEASE_HELD;
		reply.message = "process 7 is another one than took the lease";
	} else if (session->request->kind == REQUEST_END_LEASE) {
		char *all = g_strconcat(ended, session->base.host, " ", session->request->run, ";", NULL);
		g_free(ended);
		ended = all;
	} else {
		reply.error = HOST_PROTOCOL;
	}
	session->source = NULL;
	session->reply(session->request, &reply, session->user);
	return G_SOURCE_REMOVE;
}

static void held_submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct held_session *session = (struct held_session *)base;
	(void)progress;
	session->request = request;
	session->reply = reply;
	session->user = user;
	session->source = g_idle_source_new();
	g_source_set_callback(session->source, answer, session, NULL);
	g_source_attach(session->source, session->context);
	g_source_unref(session->source);
}

static void held_close(struct host_session *base)
{
	struct held_session *session = (struct held_session *)base;
	if (!session)
		return;
	if (session->source)
		g_source_destroy(session->source);
	g_free((char *)base->host);
	g_free(session);
}

static const struct host_provider held_provider = { .scheme = "held",
	.doc = "for this test",
	.performs = true,
	.open = held_open,
	.submit = held_submit,
	.close = held_close,
	.list = held_list };

static int held_open(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	(void)diags;
	struct held_session *session = g_new0(struct held_session, 1);
	session->base = (struct host_session){ &held_provider, g_strdup(endpoint->host) };
	session->context = context;
	*out = &session->base;
	return 0;
}

struct fixture {
	struct unlock_options options;
	struct diags *diags;
	const struct unlock_held *held;
	uint32_t n_held;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	scene = scene_new(true, 2, 1, 4);
	ended = g_strdup("");
	for (int i = 0; i < 2; i++) {
		leases[i] = (struct lease){ "ops@admin1", i ? "run-2" : "run-1", SCENE_NOW - 600 };
		scene->hosts[i].host.lease = &leases[i];
	}
	host_provider_add(&held_provider);
	fixture->diags = diags_new(scene->arena);
	fixture->options = (struct unlock_options){
		.run = { .hosts = "held:", .now = SCENE_NOW, .max_age_s = 86400, .mode = PLAN_RESTORE },
		.cluster = scene->hosts[0].host.cluster_name,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	host_provider_add(NULL);
	scene_free(scene);
	g_free(ended);
	g_free(*state);
	return 0;
}

static int unlock(struct fixture *fixture, const char *run_id)
{
	fixture->options.run_id = run_id;
	return unlock_cluster(&fixture->options, &fixture->held, &fixture->n_held, fixture->diags);
}

static void without_a_run_it_only_tells_who_holds_what(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(unlock(fixture, NULL), 0);
	assert_int_equal(fixture->n_held, 2);
	assert_string_equal(fixture->held[1].host, "hv02");
	assert_string_equal(fixture->held[1].lease->run, "run-2");
	assert_string_equal(ended, "");
}

static void lease_of_that_run_alone_is_ended(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(unlock(fixture, "run-1"), 0);
	assert_string_equal(ended, "hv01 run-1;");
	assert_true(fixture->held[0].ended);
	assert_false(fixture->held[1].ended);
}

static void beginning_of_a_run_is_enough_where_one_has_it(void **state)
{
	static const struct {
		const char *id;
		int result;
		const char *says; /* NULL: hv01's lease was ended */
	} rows[] = {
		{ "2026-01-15T12:00:00Z-cace7de2", 0,
			NULL }, /* all of it, though it is the beginning of the other, too */
		{ "cace7de2f", -1, "'hv02' could not be ended" },
		{ "2026-01-15T12:00:00Z-cace", -1, "write more of it" },
		{ "2026-01-15T12:00:00Z-", -1, "holds no host" }, /* which one that is, time alone does not say */
		{ "2026", -1, "holds no host" },
		{ "cace", -1, "write more of it" },
		{ "cac", -1, "holds no host" }, /* too short */
		{ "7de2", -1, "holds no host" },
	};
	struct fixture *fixture = *state;
	leases[0].run = "2026-01-15T12:00:00Z-cace7de2";
	leases[1].run = "2026-01-15T12:00:00Z-cace7de2ff00";
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		fixture->diags = diags_new(scene->arena);
		assert_int_equal(unlock(fixture, rows[i].id), rows[i].result);
		assert_int_equal(fixture->held[0].ended, !rows[i].says);
		if (rows[i].says)
			assert_non_null(strstr(fixture->diags->first->message, rows[i].says));
	}
	assert_string_equal(ended, "hv01 2026-01-15T12:00:00Z-cace7de2;");
	leases[1].run = "2026-01-15T13:00:00Z-0123456789ab";
	fixture->diags = diags_new(scene->arena);
	assert_int_equal(unlock(fixture, "cace"), 0);
	assert_true(fixture->held[0].ended);
}

static void ended_lease_is_in_the_history(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *folder = g_dir_make_tmp("hvgpu-unlock-XXXXXX", NULL);
	g_autofree char *journal = g_build_filename(folder, "journal", NULL);
	g_autofree char *lock = g_strconcat(journal, ".lock", NULL);
	struct history_list list;
	fixture->options.journal = journal;
	assert_int_equal(unlock(fixture, NULL), 0);
	assert_int_equal(unlock(fixture, "run-2"), -1); /* neither of these leaves anything */
	assert_false(g_file_test(journal, G_FILE_TEST_EXISTS));
	assert_int_equal(unlock(fixture, "run-1"), 0);
	assert_int_equal(history_read(journal, fixture->diags->arena, &list, fixture->diags), 0);
	assert_int_equal(list.n_runs, 1);
	assert_string_equal(list.runs[0].command, "unlock");
	assert_string_equal(list.runs[0].plan_names[0], fixture->options.cluster);
	assert_int_equal(list.runs[0].n_events, 1);
	assert_string_equal(list.runs[0].events[0].host, "hv01");
	assert_string_equal(list.runs[0].events[0].what, "end the lease of run run-1");
	g_unlink(journal);
	g_unlink(lock);
	g_rmdir(folder);
}

static void host_that_cannot_end_it_says_why(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(unlock(fixture, "run-2"), -1);
	assert_int_equal(fixture->diags->first->code, D_LEASE);
	assert_non_null(strstr(fixture->diags->first->message, "'hv02' could not be ended"));
	assert_non_null(strstr(fixture->diags->first->message, "process 7"));
	assert_false(fixture->held[1].ended);
}

static void run_that_holds_nothing_ends_nothing(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(unlock(fixture, "run-3"), -1);
	assert_int_equal(fixture->diags->first->code, D_LEASE);
	assert_non_null(strstr(fixture->diags->first->message, "run 'run-3' holds no host"));
	assert_string_equal(ended, "");
}

static void cluster_that_nobody_knows_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.cluster = "nowhere";
	assert_int_equal(unlock(fixture, "run-1"), -1);
	assert_int_equal(fixture->diags->first->code, D_USAGE);
	assert_string_equal(ended, "");
}

static void hosts_of_a_cluster_are_known_by_their_record(void **state)
{
	struct fixture *fixture = *state;
	const struct cluster_record record = { .owner = "o", .cluster = "paris", .epoch = 1 };
	scene->hosts[0].host.record = &record;
	fixture->options.cluster = "paris";
	assert_int_equal(unlock(fixture, NULL), 0);
	assert_int_equal(fixture->n_held, 1);
	assert_string_equal(fixture->held[0].host, "hv01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(without_a_run_it_only_tells_who_holds_what),
		TEST(lease_of_that_run_alone_is_ended),
		TEST(beginning_of_a_run_is_enough_where_one_has_it),
		TEST(ended_lease_is_in_the_history),
		TEST(host_that_cannot_end_it_says_why),
		TEST(run_that_holds_nothing_ends_nothing),
		TEST(cluster_that_nobody_knows_is_an_error),
		TEST(hosts_of_a_cluster_are_known_by_their_record),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
