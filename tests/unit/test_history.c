/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/history.h"
#include "base/clock.h"
#include "base/journal.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

struct fixture {
	char *folder, *path;
	struct arena *arena;
	struct diags *diags;
	struct run run;
	struct plan plan, *plans[1];
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("history-XXXXXX", NULL);
	fixture->path = g_build_filename(fixture->folder, "journal", NULL);
	fixture->arena = arena_new();
	fixture->diags = diags_new(fixture->arena);
	fixture->plan.cluster = "paris";
	fixture->plans[0] = &fixture->plan;
	fixture->run = (struct run){ .plans = fixture->plans, .n_plans = 1, .owner = "ops", .signer = "me" };
	fixture->run.tree.commit = "936fee7";
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	const char *const argv[] = { "rm", "-rf", fixture->folder, NULL };
	assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
	arena_free(fixture->arena);
	g_free(fixture->folder);
	g_free(fixture->path);
	g_free(fixture);
	return 0;
}

static void event(struct fixture *fixture, struct history *history, enum apply_event_kind kind, int64_t now)
{
	static const struct step step = {
		.id = 1, .kind = STEP_START_VM, .host_name = "hv01", .vm_id = "1", .vm_name = "vm"
	};
	bool is_step = kind >= APPLY_STEP_START && kind <= APPLY_STEP_RETRY;
	struct apply_event what = { .kind = kind, .plan = &fixture->plan, .step = is_step ? &step : NULL };
	what.total = 1;
	what.message = kind == APPLY_STEP_FAILED ? "no memory" : NULL;
	what.outcome = OUTCOME_CHANGED;
	history_event(history, &what, now);
}

/* A run of two steps, the second of which failed. */
static void write_run(struct fixture *fixture, const char *id, int64_t now, bool ends)
{
	struct diags *found = diags_new(fixture->arena);
	(void)!diag_add(found, D_STEP_FAILED, LOC_NONE, NULL, "it failed");
	(void)!diag_add(found, D_RETRY, LOC_NONE, NULL, "a warning is no outcome");
	const char *owed[] = { "vm" };
	struct apply_result result = {
		.cluster = "paris", .n_changed = 1, .n_failed = 1, .still_owed = owed, .n_still_owed = 1, .diags = found
	};
	result.exit = EXIT_PARTIAL;
	struct history *history = history_new(fixture->path, "apply", id, &fixture->run);
	event(fixture, history, APPLY_CLUSTER_START, now);
	event(fixture, history, APPLY_STEP_START, now);
	event(fixture, history, APPLY_STEP_PROGRESS, now);
	event(fixture, history, APPLY_STEP_DONE, now + 5);
	event(fixture, history, APPLY_STEP_START, now + 5);
	event(fixture, history, APPLY_STEP_FAILED, now + 9);
	event(fixture, history, APPLY_WAY_BACK, now + 10);
	if (ends)
		history_end(history, &result, 1, EXIT_PARTIAL, now + 20, fixture->diags);
	history_free(history);
}

static struct history_list read_all(struct fixture *fixture)
{
	struct history_list list;
	assert_int_equal(history_read(fixture->path, fixture->arena, &list, fixture->diags), 0);
	return list;
}

static void run_is_read_as_it_was_written(void **state)
{
	struct fixture *fixture = *state;
	write_run(fixture, "r1", 1000, true);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 1);
	const struct history_run *run = &list.runs[0];
	assert_string_equal(run->id, "r1");
	assert_string_equal(run->command, "apply");
	assert_string_equal(run->commit, "936fee7");
	assert_string_equal(run->signer, "me");
	assert_string_equal(run->owner, "ops");
	assert_string_equal(run->plan_names[0], "paris");
	assert_string_equal(run->user, g_get_user_name());
	assert_true(run->ended);
	assert_int_equal(run->exit, EXIT_PARTIAL);
	assert_int_equal(run->began, 1005); /* nothing is written before something happens */
	assert_int_equal(run->last, 1020);
	assert_int_equal(run->n_events, 3);
	assert_string_equal(run->events[0].what, "start vm");
	assert_string_equal(run->events[0].outcome, "changed");
	assert_string_equal(run->events[1].outcome, "failed");
	assert_string_equal(run->events[1].message, "no memory");
	assert_string_equal(run->events[2].type, "apply_way_back");
	assert_int_equal(run->n_clusters, 1);
	assert_int_equal(run->clusters[0].n_failed, 1);
	assert_string_equal(run->clusters[0].still_owed[0], "vm");
	assert_int_equal(run->clusters[0].n_findings, 1);
	assert_string_equal(run->clusters[0].findings[0], "HV701: it failed");
	assert_int_equal(fixture->diags->n, 0);
}

/* It does no step, and yet who reads of it is to know: `apply --adopt`. */
static void run_that_takes_over_is_written_down(void **state)
{
	struct fixture *fixture = *state;
	for (int adopts = 0; adopts < 2; adopts++) {
		struct history *history = history_new(fixture->path, "apply", "r1", &fixture->run);
		event(fixture, history, APPLY_CLUSTER_START, 1000);
		if (adopts)
			event(fixture, history, APPLY_ADOPTED, 1005);
		event(fixture, history, APPLY_CLUSTER_DONE, 1006);
		history_end(history, NULL, 0, EXIT_DONE, 1020, fixture->diags);
		history_free(history);
		assert_int_equal(read_all(fixture).n_runs, adopts);
	}
	assert_string_equal(read_all(fixture).runs[0].events[0].type, "apply_adopted");
}

/* Without manifests a plan has no name: `restore --hosts`. */
static void run_without_manifests_is_of_the_cluster_that_hosts_name(void **state)
{
	struct fixture *fixture = *state;
	const struct cluster_record record = { .cluster = "lyon" };
	struct host host = { .name = "hv01", .cluster_name = "HV-LYON", .record = &record };
	struct world world = { .hosts = &host, .n_hosts = 1 };
	fixture->plan.cluster = NULL;
	fixture->plan.observed = &world;
	write_run(fixture, "r1", 1000, true);
	host.record = NULL;
	write_run(fixture, "r2", 1000, true);
	host.cluster_name = NULL;
	write_run(fixture, "r3", 1000, true);
	struct history_list list = read_all(fixture);
	assert_string_equal(list.runs[0].plan_names[0], "lyon");
	assert_string_equal(list.runs[1].plan_names[0], "HV-LYON");
	assert_int_equal(list.runs[2].n_plan_names, 0);
}

static void run_that_did_nothing_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct history *history = history_new(fixture->path, "apply", "r1", &fixture->run);
	event(fixture, history, APPLY_CLUSTER_START, 1);
	event(fixture, history, APPLY_CLUSTER_DONE, 1);
	history_end(history, NULL, 0, EXIT_DONE, 1, fixture->diags);
	history_free(history);
	assert_int_not_equal(g_access(fixture->path, F_OK), 0);
	assert_int_equal(read_all(fixture).n_runs, 0);
}

static void refused_run_is_there_with_its_reason(void **state)
{
	struct fixture *fixture = *state;
	struct diags *found = diags_new(fixture->arena);
	(void)!diag_add(found, D_CONSENT, LOC_NONE, NULL, "nobody is here");
	struct history *history = history_new(fixture->path, "apply", "r1", &fixture->run);
	history_end(history, NULL, 0, EXIT_REFUSED, 1, found);
	history_free(history);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 1);
	assert_int_equal(list.runs[0].exit, EXIT_REFUSED);
	assert_string_equal(list.runs[0].clusters[0].findings[0], "HV620: nobody is here");
}

static void killed_run_has_not_ended(void **state)
{
	struct fixture *fixture = *state;
	write_run(fixture, "r1", 1000, false);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 1);
	assert_false(list.runs[0].ended);
	assert_int_equal(list.runs[0].n_events, 3);
}

static void history_that_cannot_be_written_is_one_warning(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(g_mkdir(fixture->path, 0700), 0);
	write_run(fixture, "r1", 1000, true);
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->first->code, D_JOURNAL);
	assert_int_equal(fixture->diags->exit, EXIT_DONE);
}

static void old_runs_are_forgotten(void **state)
{
	enum { DAY = 86400 };
	struct fixture *fixture = *state;
	write_run(fixture, "r1", 1 * DAY, true);
	write_run(fixture, "r2", 2 * DAY, true);
	write_run(fixture, "r3", 3 * DAY, false);
	assert_int_equal(history_prune(fixture->path, 2 * DAY, fixture->diags), 1);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 2);
	assert_string_equal(list.runs[0].id, "r2");
	assert_int_equal(list.runs[0].n_events, 3);
	assert_int_equal(history_prune(fixture->path, 2 * DAY, fixture->diags), 0);
	/* One that ends long after has them forgotten by itself, with a month of delay. */
	write_run(fixture, "r4", (HISTORY_KEEP_DAYS + 31) * (int64_t)DAY, true);
	assert_int_equal(read_all(fixture).n_runs, 3);
	write_run(fixture, "r5", (HISTORY_KEEP_DAYS + 40) * (int64_t)DAY, true);
	list = read_all(fixture);
	assert_int_equal(list.n_runs, 2);
	assert_string_equal(list.runs[0].id, "r4");
}

static void damage_at(const struct fixture *fixture, gsize at)
{
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	bytes[at] ^= 1;
	assert_true(g_file_set_contents(fixture->path, bytes, (gssize)n, NULL));
}

static const int64_t day = 86400, long_after = (HISTORY_KEEP_DAYS + 31) * (int64_t)86400;

/* Neither damage in front nor a record that only a later version knows stops it; and what is gone is told of. */
static void first_record_that_cannot_be_read_does_not_stop_forgetting(void **state)
{
	struct fixture *fixture = *state;
	const char *strange = "{\"type\":\"sign\",\"run\":\"r0\"}";
	assert_int_equal(journal_append(fixture->path, &strange, 1, fixture->diags), 0);
	assert_int_equal(journal_append(fixture->path, &strange, 1, fixture->diags), 0);
	write_run(fixture, "r1", 1 * day, true);
	damage_at(fixture, strlen("hvgpu-journal 1\n") + 40);
	write_run(fixture, "r2", long_after, true);
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->first->code, D_JOURNAL_PARTS);
	assert_non_null(strstr(fixture->diags->first->message, "in 1 place"));
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 1);
	assert_string_equal(list.runs[0].id, "r2");
	assert_int_equal(fixture->diags->n, 1); /* nothing is damaged any more */
}

/* It may have been a part of the run behind it. */
static void damage_in_front_of_a_run_that_is_kept_is_kept(void **state)
{
	struct fixture *fixture = *state;
	write_run(fixture, "r1", 1 * day, true);
	g_autofree char *bytes = NULL;
	gsize n;
	assert_true(g_file_get_contents(fixture->path, &bytes, &n, NULL));
	write_run(fixture, "r2", 2 * day, true);
	damage_at(fixture, n + 40);
	assert_int_equal(history_prune(fixture->path, 2 * day, fixture->diags), 1);
	assert_int_equal(fixture->diags->n, 0);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 1);
	assert_string_equal(list.runs[0].id, "r2");
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->first->code, D_JOURNAL_PARTS);
}

/* A run is forgotten as a whole or not at all, even where its end stands behind the beginning of one that is kept. */
static void run_that_reaches_into_one_that_is_kept_is_kept(void **state)
{
	struct fixture *fixture = *state;
	write_run(fixture, "r0", 1 * day, true);
	write_run(fixture, "r1", 2 * day, false);
	write_run(fixture, "r2", 2 * day, false);
	write_run(fixture, "r1", 3 * day, true);
	write_run(fixture, "r2", 9 * day, true);
	assert_int_equal(history_prune(fixture->path, 5 * day, fixture->diags), 1);
	struct history_list list = read_all(fixture);
	assert_int_equal(list.n_runs, 2);
	assert_string_equal(list.runs[0].id, "r1");
	assert_int_equal(list.runs[0].n_events, 6);
}

static void what_a_run_cannot_forget_is_a_warning(void **state)
{
	struct fixture *fixture = *state;
	g_autofree char *in_the_way = g_strconcat(fixture->path, ".new", NULL);
	write_run(fixture, "r1", 1 * day, true);
	assert_int_equal(g_mkdir(in_the_way, 0700), 0);
	write_run(fixture, "r2", long_after, true);
	assert_int_equal(fixture->diags->n, 1);
	assert_int_equal(fixture->diags->n_errors, 0);
	assert_int_equal(fixture->diags->first->code, D_JOURNAL);
	assert_non_null(strstr(fixture->diags->first->message, "runs older than 400 days are not forgotten: "));
	assert_int_equal(read_all(fixture).n_runs, 2);
	struct diags *diags = diags_new(fixture->arena); /* who asks for it is told of an error */
	assert_int_equal(history_prune(fixture->path, long_after, diags), -1);
	assert_int_equal(diags->first->code, D_OUTPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Names of files and words of hosts are any bytes, and may end within a character. */
static void text_of_any_bytes_is_kept_valid(void **state)
{
	struct fixture *fixture = *state;
	struct history_list list;
	struct diags *found = diags_new(fixture->arena);
	(void)!diag_add(found, D_SOURCE_NOT_FOUND, LOC_NONE, NULL, "no such file: x\xf0");
	struct history *history = history_new(fixture->path, "apply", "1", &fixture->run);
	history_end(history, NULL, 0, EXIT_BAD_INPUT, 1000, found);
	history_free(history);
	assert_int_equal(history_read(fixture->path, fixture->arena, &list, fixture->diags), 0);
	assert_string_equal(list.runs[0].clusters[0].findings[0], "HV401: no such file: x\xef\xbf\xbd");
}

/* However much there is to tell, a record has room for it, and says how much it leaves out. */
static void much_to_tell_is_cut_and_counted(void **state)
{
	enum { N_FINDINGS = 150, N_NAMES = 5000, LONG = 3000 };
	struct fixture *fixture = *state;
	struct history_list list;
	struct diags *found = diags_new(fixture->arena);
	g_autofree char *word = g_strnfill(LONG, 'x');
	const char **names = arena_array(fixture->arena, const char *, N_NAMES);
	for (int i = 0; i < N_FINDINGS; i++)
		(void)!diag_add(found, D_STEP_FAILED, LOC_NONE, NULL, "%d %s", i, word);
	for (int i = 0; i < N_NAMES; i++)
		names[i] = "vdi";
	const struct apply_result result = {
		.cluster = "paris", .exit = EXIT_PARTIAL, .diags = found, .still_owed = names, .n_still_owed = N_NAMES
	};
	struct history *history = history_new(fixture->path, "apply", "1", &fixture->run);
	history_end(history, &result, 1, EXIT_PARTIAL, 1000, fixture->diags);
	history_free(history);
	assert_int_equal(history_read(fixture->path, fixture->arena, &list, fixture->diags), 0);
	const struct history_cluster *cluster = &list.runs[0].clusters[0];
	assert_true(list.runs[0].ended);
	assert_string_equal(cluster->findings[cluster->n_findings - 1], "and 50 more");
	assert_string_equal(cluster->still_owed[cluster->n_still_owed - 1], "and 1000 more");
	assert_int_equal(fixture->diags->n, 0);
}

/* Of any length, and of what takes most room. */
static void long_names_are_cut_and_counted(void **state)
{
	enum { N_NAMES = 5000, LONG = 700 };
	static const char *const parts[] = { "x", "\x01", "\"", "\xf0\x9f\x96\xa5", "\xff" };
	struct fixture *fixture = *state;
	const char **names = arena_array(fixture->arena, const char *, N_NAMES);
	for (size_t k = 0; k < G_N_ELEMENTS(parts); k++) {
		g_autoptr(GString) name = g_string_new(NULL), text = g_string_new(NULL);
		for (int i = 0; i < 2000 * LONG; i++)
			g_string_append(i < LONG ? name : text, parts[k]);
		struct diags *found = diags_new(fixture->arena);
		for (int i = 0; i < N_NAMES; i++)
			names[i] = name->str;
		for (int i = 0; i < 200; i++)
			(void)!diag_add(found, D_STEP_FAILED, LOC_NONE, NULL, "%s", name->str);
		const struct apply_result result = {
			.cluster = text->str, .diags = found, .still_owed = names, .n_still_owed = N_NAMES
		};
		fixture->run.owner = fixture->run.signer = fixture->plan.cluster = text->str;
		g_autofree char *id = g_strdup_printf("r%zu", k);
		struct history *history = history_new(fixture->path, text->str, id, &fixture->run);
		history_end(history, &result, 1, EXIT_PARTIAL, 1000, fixture->diags);
		history_free(history);
		assert_int_equal(fixture->diags->n, 0);
		struct history_list list = read_all(fixture);
		assert_int_equal(list.n_runs, k + 1);
		const struct history_run *run = &list.runs[k];
		assert_true(run->ended);
		assert_true(g_str_has_suffix(run->owner, "…"));
		const struct history_cluster *cluster = &run->clusters[0];
		g_autofree char *more = g_strdup_printf("and %u more", N_NAMES - (cluster->n_still_owed - 1));
		assert_in_range(cluster->n_still_owed, 50, N_NAMES);
		assert_string_equal(cluster->still_owed[cluster->n_still_owed - 1], more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(run_is_read_as_it_was_written),
		TEST(run_that_takes_over_is_written_down),
		TEST(run_that_did_nothing_leaves_nothing),
		TEST(run_without_manifests_is_of_the_cluster_that_hosts_name),
		TEST(refused_run_is_there_with_its_reason),
		TEST(killed_run_has_not_ended),
		TEST(text_of_any_bytes_is_kept_valid),
		TEST(much_to_tell_is_cut_and_counted),
		TEST(long_names_are_cut_and_counted),
		TEST(history_that_cannot_be_written_is_one_warning),
		TEST(old_runs_are_forgotten),
		TEST(first_record_that_cannot_be_read_does_not_stop_forgetting),
		TEST(damage_in_front_of_a_run_that_is_kept_is_kept),
		TEST(run_that_reaches_into_one_that_is_kept_is_kept),
		TEST(what_a_run_cannot_forget_is_a_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
