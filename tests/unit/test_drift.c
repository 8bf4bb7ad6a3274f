/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/drift.h"

#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <string.h>

struct fixture {
	struct scene *scene;
	struct run run;
	struct plan *plans[1];
	char *folder;
	char *commit; /* asks for 4 partitions and for vm-* */
};

static void shell(const struct fixture *fixture, const char *script, char **out)
{
	const char *const argv[] = { "sh", "-ec", script, NULL };
	int status = -1;
	g_autofree char *ignored = NULL;
	assert_true(g_spawn_sync(fixture->folder, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
		out ? out : &ignored, NULL, &status, NULL));
	assert_int_equal(status, 0);
}

#define GIT "git -c user.name=T -c user.email=t@example.com "

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->scene = scene_new(true, 2, 2, 4);
	scene_run(fixture->scene, 4);
	fixture->folder = g_dir_make_tmp("hvgpu-drift-XXXXXX", NULL);
	char *manifests = scene_manifests(fixture->scene, 4, "vm-*", NULL);
	g_autofree char *path = g_build_filename(fixture->folder, "m.yaml", NULL);
	assert_true(g_file_set_contents(path, manifests, -1, NULL));
	shell(fixture, "git init -q . && git add m.yaml && " GIT "commit -q -m first", NULL);
	shell(fixture, "git rev-parse HEAD", &fixture->commit);
	g_strstrip(fixture->commit);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	shell(fixture, "rm -rf .git m.yaml", NULL);
	g_rmdir(fixture->folder);
	scene_free(fixture->scene);
	g_free(fixture->folder);
	g_free(fixture->commit);
	g_free(fixture);
	return 0;
}

static void record(struct fixture *fixture, uint32_t host, const char *commit, uint64_t epoch)
{
	struct cluster_record *record = arena_new_of(fixture->scene->arena, struct cluster_record);
	*record = (struct cluster_record){ "example.com/ops/gpu", "c", commit, epoch };
	fixture->scene->hosts[host].host.record = record;
}

/* The drift of the scene against manifests that want 'count' partitions. */
static const struct drift_cluster *find(struct fixture *fixture, uint32_t count)
{
	char *manifests = scene_manifests(fixture->scene, count, "vm-*", NULL);
	struct arena *arena = fixture->scene->arena;
	fixture->plans[0] = scene_plan(fixture->scene, manifests);
	fixture->run = (struct run){ .arena = arena,
		.plans = fixture->plans,
		.n_plans = 1,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.diags = diags_new(arena) };
	assert_int_equal(source_read(fixture->folder, arena, &fixture->run.tree, fixture->run.diags), 0);
	drift_find(&fixture->run);
	return fixture->run.drift->clusters;
}

static void cluster_that_was_never_applied_is_pending(void **state)
{
	struct fixture *fixture = *state;
	const struct drift_cluster *found = find(fixture, 8);
	assert_int_equal(found->basis, DRIFT_NEVER_APPLIED);
	assert_int_equal(found->n_drift, 0);
	assert_int_equal(found->n_pending, 4);
	assert_null(found->commit);
}

static void new_line_in_the_manifests_is_pending(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, fixture->commit, 1);
	const struct drift_cluster *found = find(fixture, 8);
	assert_int_equal(found->basis, DRIFT_COMPARED);
	assert_int_equal(found->n_drift, 0);
	assert_int_equal(found->n_pending, 4);
}

static void change_by_hand_is_drift(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, fixture->commit, 1);
	scene_gpu(fixture->scene, 1, 1)->count = KNOWN(2);
	const struct drift_cluster *found = find(fixture, 4);
	assert_int_equal(found->basis, DRIFT_COMPARED);
	assert_int_equal(found->n_drift, 1);
	assert_int_equal(found->n_pending, 0);
	assert_true(found->is_drift[0]);
	assert_int_equal(fixture->run.drift->n_drift, 1);
}

/* A run that died stopped the VM: that was us, and nobody else. */
static void what_an_earlier_run_owes_is_no_drift(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, fixture->commit, 1);
	struct vm *vm = &fixture->scene->vms[0][0];
	vm->state = VM_OFF;
	scene_owe_start(fixture->scene, vm, 60);
	scene_gpu(fixture->scene, 1, 1)->count = KNOWN(2);
	const struct drift_cluster *found = find(fixture, 4);
	assert_int_equal(found->n_drift, 1); /* the count */
	assert_int_equal(found->n_pending, 1);
}

static void record_of_the_highest_epoch_counts(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, fixture->commit, 7);
	record(fixture, 1, "0123456789012345678901234567890123456789", 3);
	assert_string_equal(find(fixture, 4)->commit, fixture->commit);
}

/* A folder without a repository was applied last, perhaps by a run that died after it had written the record on one host. */
static void apply_of_no_commit_is_not_said_to_be_none(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, NULL, 7);
	record(fixture, 1, fixture->commit, 3);
	const struct drift_cluster *found = find(fixture, 8);
	assert_int_equal(found->basis, DRIFT_NO_COMMIT);
	assert_null(found->commit);
	assert_int_equal(found->n_drift, 0);
	assert_int_equal(found->n_pending, 4);
}

static void commit_that_cannot_be_read_makes_all_drift(void **state)
{
	struct fixture *fixture = *state;
	static const char *const commits[] = { "0123456789012345678901234567890123456789", "+changes" };
	for (size_t i = 0; i < G_N_ELEMENTS(commits); i++) {
		g_autofree char *commit = i ? g_strconcat(fixture->commit, commits[i], NULL) : g_strdup(commits[i]);
		record(fixture, 0, commit, 1);
		const struct drift_cluster *found = find(fixture, 8);
		assert_int_equal(found->basis, DRIFT_COMMIT_UNREADABLE);
		assert_int_equal(found->n_drift, 4);
		assert_int_equal(fixture->run.diags->n, 0);
	}
}

static void nothing_to_change_is_no_drift(void **state)
{
	struct fixture *fixture = *state;
	record(fixture, 0, "0123456789012345678901234567890123456789", 1);
	find(fixture, 4);
	assert_int_equal(fixture->run.drift->n_drift, 0);
	assert_int_equal(fixture->run.drift->n_pending, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(cluster_that_was_never_applied_is_pending),
		TEST(new_line_in_the_manifests_is_pending),
		TEST(change_by_hand_is_drift),
		TEST(what_an_earlier_run_owes_is_no_drift),
		TEST(record_of_the_highest_epoch_counts),
		TEST(apply_of_no_commit_is_not_said_to_be_none),
		TEST(commit_that_cannot_be_read_makes_all_drift),
		TEST(nothing_to_change_is_no_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
