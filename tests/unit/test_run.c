/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/run.h"

#include "schema/state.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>

struct fixture {
	char *folder, *world, *manifests, *hosts;
	struct scene *scene;
	struct run *run;
	struct run_options options;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("hvgpu-run-XXXXXX", NULL);
	fixture->world = g_build_filename(fixture->folder, "world.yaml", NULL);
	fixture->manifests = g_build_filename(fixture->folder, "manifests.yaml", NULL);
	fixture->hosts = g_strconcat("snapshot:", fixture->world, NULL);
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 12);
	fixture->options = (struct run_options){
		.source = fixture->manifests,
		.hosts = fixture->hosts,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.max_age_s = 86400,
		.until = STAGE_PLAN,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	run_free(fixture->run);
	g_unlink(fixture->world);
	g_unlink(fixture->manifests);
	g_rmdir(fixture->folder);
	scene_free(fixture->scene);
	g_free(fixture->folder);
	g_free(fixture->world);
	g_free(fixture->manifests);
	g_free(fixture->hosts);
	g_free(fixture);
	return 0;
}

static void write_text(const char *path, const char *text)
{
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* The scene's first 'n_hosts' hosts, then a run over manifests with 'more' in the cluster. */
static void run_with(struct fixture *fixture, uint32_t n_hosts, uint32_t count, const char *more)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < n_hosts; i++) {
		if (i)
			g_string_append(text, "---\n");
		state_write_yaml(text, &fixture->scene->hosts[i]);
	}
	write_text(fixture->world, text->str);
	write_text(fixture->manifests, scene_manifests(fixture->scene, count, "vm-*", more));
	fixture->run = run_pipeline(&fixture->options);
}

static bool says(const struct fixture *fixture, enum diag_code code)
{
	for (const struct diag *diag = fixture->run->diags->first; diag; diag = diag->next) {
		if (diag->code == code)
			return true;
	}
	return false;
}

static void run_over_a_snapshot_gives_one_plan_per_cluster(void **state)
{
	struct fixture *fixture = *state;
	run_with(fixture, 3, 8, NULL);
	assert_int_equal(fixture->run->n_states, 3);
	assert_string_equal(fixture->run->states[0]->host.name, "hv01");
	assert_int_equal(fixture->run->n_plans, 1);
	assert_int_equal(fixture->run->plans[0]->n_steps, 54);
	assert_int_equal(run_exit(fixture->run), EXIT_DONE);
}

static void host_names_match_whatever_their_case(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene->hosts[1].host.name = "HV02";
	run_with(fixture, 3, 4, NULL);
	assert_int_equal(fixture->run->n_missing, 0);
	assert_int_equal(fixture->run->plans[0]->observed->n_hosts, 3);
}

static void host_that_the_file_lacks_makes_the_run_incomplete(void **state)
{
	struct fixture *fixture = *state;
	run_with(fixture, 2, 4, NULL);
	assert_true(says(fixture, D_HOST_UNOBSERVED));
	assert_int_equal(fixture->run->n_missing, 1);
	assert_string_equal(fixture->run->missing[0].name, "hv03");
	assert_non_null(strstr(fixture->run->missing[0].reason, "not in "));
	assert_int_equal(fixture->run->plans[0]->observed->n_missing, 1);
	assert_int_equal(run_exit(fixture->run), EXIT_INCOMPLETE);
}

static void snapshot_that_is_too_old_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene->hosts[2].host.observed_at = SCENE_NOW - 86401;
	run_with(fixture, 3, 4, NULL);
	assert_true(says(fixture, D_SNAPSHOT_OLD));
	assert_int_equal(fixture->run->n_states, 2);
	assert_int_equal(run_exit(fixture->run), EXIT_INCOMPLETE);
}

static void vm_seen_on_two_hosts_makes_both_unobserved(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene->vms[1][0].id = fixture->scene->vms[0][0].id;
	run_with(fixture, 3, 4, NULL);
	assert_true(says(fixture, D_VM_MOVING));
	assert_int_equal(fixture->run->n_states, 1);
	assert_string_equal(fixture->run->states[0]->host.name, "hv03");
}

static void mistake_in_a_manifest_stops_before_observing(void **state)
{
	struct fixture *fixture = *state;
	run_with(fixture, 3, 4, "  colour: blue\n");
	assert_true(says(fixture, D_FIELD_UNKNOWN));
	assert_int_equal(fixture->run->n_states, 0);
	assert_int_equal(fixture->run->n_plans, 0);
	assert_int_equal(run_exit(fixture->run), EXIT_BAD_INPUT);
}

static void cluster_that_is_not_known_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	const char *clusters[] = { "rome" };
	fixture->options.clusters = clusters;
	fixture->options.n_clusters = 1;
	run_with(fixture, 3, 4, NULL);
	assert_true(says(fixture, D_REFERENCE));
	assert_int_equal(fixture->run->n_plans, 0);
}

static void host_without_address_is_missing(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.hosts = NULL;
	run_with(fixture, 3, 4, NULL);
	assert_true(says(fixture, D_HOST_NO_ADDRESS));
	assert_int_equal(fixture->run->n_missing, 3);
	assert_int_equal(run_exit(fixture->run), EXIT_INCOMPLETE);
}

static void host_in_maintenance_may_be_away(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GString) text = g_string_new(NULL);
	state_write_yaml(text, &fixture->scene->hosts[0]);
	write_text(fixture->world, text->str);
	write_text(fixture->manifests,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: Failover\n"
		"  hosts: [{ name: hv01 }, { name: hv02, maintenance: true }, { name: hv03, maintenance: true }]\n"
		"  gpus:\n    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n");
	fixture->run = run_pipeline(&fixture->options);
	assert_int_equal(fixture->run->diags->n_errors, 0);
	assert_int_equal(fixture->run->n_missing, 2);
}

static void run_without_manifests_looks_at_all_hosts(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.source = NULL;
	fixture->options.mode = PLAN_RESTORE;
	fixture->scene->hosts[2].host.cluster_name = NULL;
	run_with(fixture, 3, 4, NULL);
	assert_int_equal(fixture->run->n_states, 3);
	assert_int_equal(fixture->run->n_plans, 2);
	assert_int_equal(fixture->run->plans[0]->observed->n_hosts, 2);
	assert_int_equal(fixture->run->plans[1]->observed->n_hosts, 1);
}

static void run_without_any_hosts_says_so(void **state)
{
	struct fixture *fixture = *state;
	fixture->options.source = fixture->options.hosts = NULL;
	run_with(fixture, 3, 4, NULL);
	assert_true(says(fixture, D_USAGE));
}

struct seen {
	uint32_t n_loaded, n_planned;
	GThread *thread;
	bool in_order;
};

static void see_loaded(const struct run *run, void *user)
{
	struct seen *seen = user;
	seen->n_loaded++;
	assert_non_null(run->spec);
	assert_int_equal(run->n_states + run->n_missing + seen->n_planned, 0);
}

static void see_planned(const struct run *run, const struct plan *plan, void *user)
{
	struct seen *seen = user;
	g_autofree char *name = g_strdup_printf("c%04u", seen->n_planned++);
	assert_int_equal(run->n_states, 3);
	seen->in_order &= strcmp(plan->cluster, name) == 0 && g_thread_self() == seen->thread;
}

/* Clusters are planned by several threads; whoever watches sees them in order, in one. */
static void watch_sees_the_load_first_and_each_plan_in_order(void **state)
{
	enum { CLUSTERS = 1000 }; /* enough for every thread to plan some */
	struct fixture *fixture = *state;
	struct seen seen = { .thread = g_thread_self(), .in_order = true };
	struct run_watch watch = { see_loaded, see_planned, &seen };
	run_with(fixture, 3, 4, NULL); /* writes the world */
	run_free(fixture->run);
	g_autoptr(GString) text = g_string_new(NULL);
	for (int i = 0; i < CLUSTERS; i++)
		g_string_append_printf(text,
			"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c%04d }\nspec:\n"
			"  type: Standalone\n  hosts: [{ name: %s%d }]\n  gpus:\n"
			"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n",
			i, i < 3 ? "hv0" : "away", i + 1);
	write_text(fixture->manifests, text->str);
	fixture->options.watch = &watch;
	fixture->run = run_pipeline(&fixture->options);
	assert_int_equal(seen.n_loaded, 1);
	assert_int_equal(seen.n_planned, CLUSTERS);
	assert_true(seen.in_order);
	assert_null(fixture->run->options.watch);
}

static void mistake_in_a_manifest_is_not_watched(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen = { 0 };
	struct run_watch watch = { see_loaded, see_planned, &seen };
	fixture->options.watch = &watch;
	run_with(fixture, 3, 4, "  mistake: 1\n");
	assert_int_equal(seen.n_loaded + seen.n_planned, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(run_over_a_snapshot_gives_one_plan_per_cluster),
		TEST(host_names_match_whatever_their_case),
		TEST(host_that_the_file_lacks_makes_the_run_incomplete),
		TEST(snapshot_that_is_too_old_is_not_believed),
		TEST(vm_seen_on_two_hosts_makes_both_unobserved),
		TEST(mistake_in_a_manifest_stops_before_observing),
		TEST(cluster_that_is_not_known_is_an_error),
		TEST(host_without_address_is_missing),
		TEST(host_in_maintenance_may_be_away),
		TEST(run_without_manifests_looks_at_all_hosts),
		TEST(run_without_any_hosts_says_so),
		TEST(watch_sees_the_load_first_and_each_plan_in_order),
		TEST(mistake_in_a_manifest_is_not_watched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
