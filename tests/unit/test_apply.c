/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs on simulated hosts: rows 5, 15, 16, 20 and 21 of the plans that were worked by hand, and what goes wrong. */
#include "base/diag.h"
#include "providers/host/host.h"
#include "reconcile/apply.h"
#include "reconcile/planfile.h"
#include "schema/state.h"
#include "tests/lib/scene.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <stdio.h>

struct fixture {
	char *folder, *world, *manifests, *hosts;
	struct scene *scene;
	struct run *run;
	struct apply_result *results;
	uint32_t n_results;
	volatile int interrupts;
	uint32_t n_counts;        /* set-partition-count steps done so far */
	uint32_t interrupt_after; /* interrupt once so many are done */
	int n_interrupts;         /* how often */
	uint32_t n_stops;         /* stop-vm steps done so far */
	uint32_t meddle_after;    /* somebody starts vm-00 once so many are done */
	uint32_t n_meddles;       /* how often */
	uint32_t n_started, n_way_back, n_retries;
	struct apply_options options;
};

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->folder = g_dir_make_tmp("hvgpu-apply-XXXXXX", NULL);
	fixture->world = g_build_filename(fixture->folder, "world.yaml", NULL);
	fixture->manifests = g_build_filename(fixture->folder, "manifests.yaml", NULL);
	fixture->hosts = g_strconcat("sim:", fixture->world, NULL);
	fixture->n_interrupts = 1;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	g_autoptr(GDir) folder = g_dir_open(fixture->folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(folder));) {
		g_autofree char *path = g_build_filename(fixture->folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(fixture->folder);
	run_free(fixture->run);
	if (fixture->scene)
		scene_free(fixture->scene);
	g_free(fixture->folder);
	g_free(fixture->world);
	g_free(fixture->manifests);
	g_free(fixture->hosts);
	g_free(fixture);
	return 0;
}

/* The file's hosts now; in the run's arena. */
static struct state_file read_world(struct fixture *fixture)
{
	struct state_file file;
	struct source *source = arena_new_of(fixture->run->arena, struct source);
	struct diags *diags = diags_new(fixture->run->arena);
	assert_int_equal(source_read_file(fixture->world, 1 << 24, fixture->run->arena, source, diags), 0);
	assert_int_equal(state_read(fixture->run->arena, source, &file, diags), 0);
	return file;
}

/* A broker starts the VM that we hold down. */
static void start_vm_behind_our_back(struct fixture *fixture, const char *name)
{
	struct state_file file = read_world(fixture);
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < file.n_states; i++) {
		for (uint32_t k = 0; k < file.states[i]->n_vms; k++) {
			struct vm *vm = &file.states[i]->vms[k];
			if (strcmp(vm->name, name) != 0 || vm->state == VM_RUNNING)
				continue;
			vm->state = VM_RUNNING;
			vm->state_change.value += 1000;
		}
		g_string_append(text, i ? "---\n" : "");
		state_write_yaml(text, file.states[i]);
	}
	assert_true(g_file_set_contents(fixture->world, text->str, (gssize)text->len, NULL));
}

static void on_event(const struct apply_event *event, void *user)
{
	struct fixture *fixture = user;
	if (event->kind == APPLY_STEP_DONE && event->step->kind == STEP_STOP_VM && fixture->meddle_after) {
		fixture->n_stops++;
		if (fixture->n_stops >= fixture->meddle_after && fixture->n_meddles) {
			fixture->n_meddles--;
			start_vm_behind_our_back(fixture, "vm-00");
		}
	}
	fixture->n_started += event->kind == APPLY_STEP_START;
	fixture->n_way_back += event->kind == APPLY_WAY_BACK;
	fixture->n_retries += event->kind == APPLY_STEP_RETRY;
	if (event->kind != APPLY_STEP_DONE || event->step->kind != STEP_SET_COUNT)
		return;
	if (++fixture->n_counts == fixture->interrupt_after)
		fixture->interrupts = fixture->n_interrupts;
}

static void write_scene(struct fixture *fixture, const struct simulation *simulation)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (simulation)
		simulation_write_yaml(text, simulation);
	for (uint32_t i = 0; i < fixture->scene->n_hosts; i++) {
		if (text->len)
			g_string_append(text, "---\n");
		state_write_yaml(text, &fixture->scene->hosts[i]);
	}
	assert_true(g_file_set_contents(fixture->world, text->str, (gssize)text->len, NULL));
}

static void write_manifests(struct fixture *fixture, const char *text)
{
	assert_true(g_file_set_contents(fixture->manifests, text, -1, NULL));
}

static void plan(struct fixture *fixture, enum plan_mode mode)
{
	run_free(fixture->run);
	struct run_options options = {
		.source = mode == PLAN_APPLY ? fixture->manifests : NULL,
		.hosts = fixture->hosts,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.max_age_s = 86400,
		.mode = mode,
		.until = STAGE_PLAN,
	};
	fixture->run = run_pipeline(&options);
	fixture->options.run = options;
}

static void print(const struct diags *diags)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		print_message(
			"%s %s: %s\n", diag_codes[diag->code].id, diag->subject ? diag->subject : "", diag->message);
}

static enum exit_code carry_out(struct fixture *fixture)
{
	fixture->options.on_event = on_event;
	fixture->options.user = fixture;
	fixture->options.interrupts = &fixture->interrupts;
	fixture->options.holder = "ops@desk";
	fixture->options.pause_ms = 1;
	enum exit_code code = apply_run(fixture->run, &fixture->options, &fixture->results, &fixture->n_results);
	print(fixture->run->diags);
	for (uint32_t i = 0; i < fixture->n_results; i++)
		print(fixture->results[i].diags);
	return code;
}

static bool says(const struct fixture *fixture, enum diag_code code)
{
	for (const struct diag *diag = fixture->results[0].diags->first; diag; diag = diag->next) {
		if (diag->code == code)
			return true;
	}
	return false;
}

static uint32_t count_vms(struct fixture *fixture, enum vm_state vm_state, bool has_debt)
{
	struct state_file file = read_world(fixture);
	uint32_t n = 0;
	for (uint32_t i = 0; i < file.n_states; i++) {
		for (uint32_t k = 0; k < file.states[i]->n_vms; k++) {
			const struct vm *vm = &file.states[i]->vms[k];
			n += vm->state == vm_state && (vm->debt != NULL) == has_debt;
		}
	}
	return n;
}

static uint32_t count_gpus(struct fixture *fixture, uint32_t partitions)
{
	struct state_file file = read_world(fixture);
	uint32_t n = 0;
	for (uint32_t i = 0; i < file.n_states; i++) {
		for (uint32_t k = 0; k < file.states[i]->n_gpus; k++)
			n += maybe_is(file.states[i]->gpus[k].count, partitions);
	}
	return n;
}

/* Row 5: a failover cluster of three, two GPUs each, twelve VMs, and count 8 instead of 4. */
static void row_five(struct fixture *fixture, const struct simulation *simulation)
{
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 12);
	write_scene(fixture, simulation);
	write_manifests(fixture, scene_manifests(fixture->scene, 8, "vm-*", NULL));
	plan(fixture, PLAN_APPLY);
	print(fixture->run->diags);
	assert_int_equal(fixture->run->n_plans, 1);
	print(fixture->run->plans[0]->diags);
	assert_int_equal(fixture->run->plans[0]->n_steps, 54);
}

static void count_change_is_carried_out_and_then_nothing_is_left(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->results[0].n_changed, 54);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
	assert_int_equal(count_gpus(fixture, 8), 6);
	plan(fixture, PLAN_APPLY);
	assert_int_equal(fixture->run->plans[0]->n_steps, 0);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->n_started, 54);
}

static void applied_cluster_is_recorded_as_ours(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	carry_out(fixture);
	struct state_file file = read_world(fixture);
	for (uint32_t i = 0; i < file.n_states; i++) {
		assert_non_null(file.states[i]->host.record);
		assert_string_equal(file.states[i]->host.record->owner, "example.com/ops/gpu");
		assert_int_equal(file.states[i]->host.record->epoch, 1);
		assert_null(file.states[i]->host.lease);
		for (uint32_t k = 0; k < file.states[i]->n_vms; k++) {
			assert_non_null(file.states[i]->vms[k].record);
			assert_string_equal(file.states[i]->vms[k].record->group, "vdi");
		}
	}
}

static void run_with_nothing_to_do_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 12);
	write_scene(fixture, NULL);
	write_manifests(fixture, scene_manifests(fixture->scene, 4, "vm-*", NULL));
	g_autofree char *before = NULL, *after = NULL;
	assert_true(g_file_get_contents(fixture->world, &before, NULL, NULL));
	plan(fixture, PLAN_APPLY);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_true(g_file_get_contents(fixture->world, &after, NULL, NULL));
	assert_string_equal(before, after);
}

static void adopting_records_alone_and_changes_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 3);
	write_scene(fixture, NULL);
	write_manifests(fixture, scene_manifests(fixture->scene, 4, "vm-*", NULL));
	plan(fixture, PLAN_APPLY);
	fixture->options.run.adopt = true;
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->n_started, 0);
	struct state_file file = read_world(fixture);
	for (uint32_t i = 0; i < file.n_states; i++) {
		assert_non_null(file.states[i]->host.record);
		assert_non_null(file.states[i]->vms[0].record);
	}
}

static void passing_fault_is_tried_again(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = { .step = "set-partition-count", .nth = 2, .error = "timeout" };
	row_five(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->n_retries, 1);
	assert_true(says(fixture, D_RETRY));
	assert_int_equal(count_gpus(fixture, 8), 6);
}

static void lost_reply_of_a_stop_is_no_second_stop(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = { .step = "stop-vm", .nth = 3, .error = "timeout", .after_effect = true };
	row_five(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->results[0].n_changed, 53);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
}

static void failed_count_leads_back_to_running_vms(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = {
		.host = "hv03",
		.step = "set-partition-count",
		.target = scene_path(1),
		.nth = 1,
		.permanent = true,
		.error = "failed",
	};
	row_five(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(carry_out(fixture), EXIT_PARTIAL);
	assert_true(says(fixture, D_STEP_FAILED));
	assert_true(fixture->n_way_back > 0);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
	assert_int_equal(fixture->results[0].n_still_owed, 0);
	assert_int_equal(count_gpus(fixture, 4), 6);
}

static void vm_that_does_not_start_is_named(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = {
		.step = "start-vm", .target = "vm-05", .nth = 1, .permanent = true, .error = "failed"
	};
	row_five(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(carry_out(fixture), EXIT_PARTIAL);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 11);
	assert_int_equal(fixture->results[0].n_still_owed, 1);
	assert_string_equal(fixture->results[0].still_owed[0], "vm-05");
	assert_true(says(fixture, D_STILL_OWED));
}

static void interrupted_run_brings_back_what_it_holds_down(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	fixture->interrupt_after = 3;
	assert_int_equal(carry_out(fixture), EXIT_INTERRUPTED);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
	assert_true(count_gpus(fixture, 8) == 6 || count_gpus(fixture, 4) == 6);
}

static void run_interrupted_twice_stops_and_restore_pays(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	fixture->interrupt_after = 3;
	fixture->n_interrupts = 2;
	assert_int_equal(carry_out(fixture), EXIT_INTERRUPTED);
	assert_int_equal(count_vms(fixture, VM_OFF, true), 12);
	fixture->interrupts = 0;
	plan(fixture, PLAN_RESTORE);
	assert_int_equal(fixture->run->n_plans, 1);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
}

static void open_debt_is_paid(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(fixture->scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = { .run = "dead", .epoch = 1, .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED };
	debt.state_change = vm->state_change;
	vm->debt = &debt;
	write_scene(fixture, NULL);
	write_manifests(fixture, scene_manifests(fixture->scene, 4, "vm-*", NULL));
	plan(fixture, PLAN_APPLY);
	assert_int_equal(fixture->run->plans[0]->n_steps, 1);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 1);
}

static void answered(const struct request *request, const struct reply *reply, void *user)
{
	(void)request;
	assert_int_equal(reply->error, HOST_OK);
	*(bool *)user = true;
}

static void cluster_that_another_run_holds_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	g_autoptr(GMainContext) context = g_main_context_new();
	struct endpoint endpoint = { .host = "hv02", .address = fixture->hosts };
	struct host_session *session;
	assert_int_equal(host_open(context, &endpoint, &session, fixture->run->diags), 0);
	struct request request = { .kind = REQUEST_LEASE, .run = "other", .holder = "bob@laptop", .now = SCENE_NOW };
	bool is_held = false;
	host_submit(session, &request, answered, NULL, &is_held);
	while (!is_held)
		g_main_context_iteration(context, TRUE);
	assert_int_equal(carry_out(fixture), EXIT_LOCKED);
	assert_int_equal(fixture->n_started, 0);
	assert_non_null(strstr(fixture->results[0].diags->first->message, "bob@laptop"));
	host_close(session);
	fixture->n_started = 0;
	assert_int_equal(carry_out(fixture), EXIT_DONE);
}

static void plan_beyond_what_was_approved_is_stale(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	fixture->options.has_limits = true;
	fixture->options.limits.vms_stopped = 11;
	assert_int_equal(carry_out(fixture), EXIT_STALE);
	assert_int_equal(fixture->n_started, 0);
}

static void vm_that_came_meanwhile_makes_the_plan_stale(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	scene_vm(fixture->scene, "vm-99", 1, VM_RUNNING, 1);
	write_scene(fixture, NULL);
	assert_int_equal(carry_out(fixture), EXIT_STALE);
	assert_true(says(fixture, D_STALE));
	assert_int_equal(fixture->n_started, 0);
}

static void hosts_that_can_only_be_looked_at_are_refused(void **state)
{
	struct fixture *fixture = *state;
	fixture->hosts[0] = '\0';
	g_free(fixture->hosts);
	fixture->hosts = g_strconcat("snapshot:", fixture->world, NULL);
	row_five(fixture, NULL);
	assert_int_equal(carry_out(fixture), EXIT_BAD_INPUT);
}

static void suspended_cluster_is_not_applied(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 12);
	write_scene(fixture, NULL);
	write_manifests(fixture, scene_manifests(fixture->scene, 8, "vm-*", "  suspend: true\n"));
	plan(fixture, PLAN_APPLY);
	assert_int_equal(carry_out(fixture), EXIT_REFUSED);
	assert_int_equal(fixture->n_started, 0);
}

static void vm_that_somebody_started_is_stopped_once_more(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	fixture->meddle_after = 12;
	fixture->n_meddles = 1;
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->n_stops, 13);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
	assert_int_equal(count_gpus(fixture, 8), 6);
}

static void vm_that_somebody_starts_again_and_again_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	fixture->meddle_after = 12;
	fixture->n_meddles = 100;
	assert_int_equal(carry_out(fixture), EXIT_PARTIAL);
	assert_true(fixture->n_stops <= 13);
	assert_int_equal(count_vms(fixture, VM_OFF, false) + count_vms(fixture, VM_OFF, true), 0);
}

static void save_and_read_back(struct fixture *fixture)
{
	json_t *json = planfile_to_json(fixture->run);
	char *text = json_dumps(json, 0);
	json_decref(json);
	struct arena *arena = arena_new();
	struct source *source = arena_new_of(arena, struct source);
	*source = (struct source){ "plan.json", arena_strdup(arena, text), strlen(text) };
	free(text);
	struct diags *diags = diags_new(arena);
	struct run *run = NULL;
	int result = planfile_read(arena, source, &run, diags);
	print(diags);
	assert_int_equal(result, 0);
	run_free(fixture->run);
	fixture->run = run;
	fixture->options.run.source = NULL;
}

static void saved_plan_is_carried_out(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	save_and_read_back(fixture);
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	assert_int_equal(fixture->results[0].n_changed, 54);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
}

static void saved_plan_does_not_fit_a_changed_world(void **state)
{
	struct fixture *fixture = *state;
	row_five(fixture, NULL);
	save_and_read_back(fixture);
	fixture->scene->hosts[0].vms[0].state = VM_SAVED;
	write_scene(fixture, NULL);
	assert_int_equal(carry_out(fixture), EXIT_STALE);
	assert_int_equal(fixture->n_started, 0);
}

static void failed_step_of_a_saved_plan_leads_back_too(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = {
		.host = "hv03", .step = "set-partition-count", .nth = 2, .permanent = true, .error = "failed"
	};
	row_five(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	save_and_read_back(fixture);
	assert_int_equal(carry_out(fixture), EXIT_PARTIAL);
	assert_int_equal(count_vms(fixture, VM_RUNNING, false), 12);
}

static void record_owner(struct fixture *fixture, const char *owner)
{
	struct cluster_record *record = arena_new_of(fixture->scene->arena, struct cluster_record);
	*record = (struct cluster_record){ .owner = owner, .cluster = "c", .epoch = 7 };
	for (uint32_t i = 0; i < fixture->scene->n_hosts; i++) {
		fixture->scene->hosts[i].host.record = record;
		fixture->scene->hosts[i].host.epoch = 7;
	}
}

static void cluster_of_another_owner_is_refused_and_adopted_on_demand(void **state)
{
	struct fixture *fixture = *state;
	fixture->scene = scene_new(true, 3, 2, 4);
	scene_run(fixture->scene, 12);
	record_owner(fixture, "example.com/others");
	write_scene(fixture, NULL);
	write_manifests(fixture, scene_manifests(fixture->scene, 8, "vm-*", NULL));
	plan(fixture, PLAN_APPLY);
	assert_int_equal(carry_out(fixture), EXIT_REFUSED);
	assert_true(says(fixture, D_OWNER));
	assert_int_equal(fixture->n_started, 0);
	fixture->options.run.adopt = true;
	assert_int_equal(carry_out(fixture), EXIT_DONE);
	struct state_file file = read_world(fixture);
	assert_string_equal(file.states[2]->host.record->owner, "example.com/ops/gpu");
	assert_int_equal(file.states[2]->host.record->epoch, 8);
}

static void failure_in_one_cluster_does_not_stop_another(void **state)
{
	struct fixture *fixture = *state;
	struct simulation_fault fault = {
		.host = "hv01", .step = "set-partition-count", .nth = 1, .permanent = true, .error = "failed"
	};
	fixture->scene = scene_new(false, 2, 1, 4);
	write_scene(fixture, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 1; i <= 2; i++)
		g_string_append_printf(text,
			"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c%u }\n"
			"spec:\n  type: Standalone\n  hosts: [{ name: hv%02u }]\n"
			"  gpus: [{ name: vdi, match: { model: NVIDIA A2 }, partitionCount: 8 }]\n",
			i, i);
	write_manifests(fixture, text->str);
	plan(fixture, PLAN_APPLY);
	assert_int_equal(carry_out(fixture), EXIT_PARTIAL);
	assert_int_equal(fixture->results[0].exit, EXIT_PARTIAL);
	assert_int_equal(fixture->results[1].exit, EXIT_DONE);
	assert_int_equal(count_gpus(fixture, 8), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(count_change_is_carried_out_and_then_nothing_is_left),
		TEST(applied_cluster_is_recorded_as_ours),
		TEST(run_with_nothing_to_do_writes_nothing),
		TEST(adopting_records_alone_and_changes_nothing_else),
		TEST(passing_fault_is_tried_again),
		TEST(lost_reply_of_a_stop_is_no_second_stop),
		TEST(failed_count_leads_back_to_running_vms),
		TEST(vm_that_does_not_start_is_named),
		TEST(interrupted_run_brings_back_what_it_holds_down),
		TEST(run_interrupted_twice_stops_and_restore_pays),
		TEST(open_debt_is_paid),
		TEST(cluster_that_another_run_holds_is_left_alone),
		TEST(plan_beyond_what_was_approved_is_stale),
		TEST(vm_that_came_meanwhile_makes_the_plan_stale),
		TEST(hosts_that_can_only_be_looked_at_are_refused),
		TEST(suspended_cluster_is_not_applied),
		TEST(vm_that_somebody_started_is_stopped_once_more),
		TEST(vm_that_somebody_starts_again_and_again_is_given_up),
		TEST(saved_plan_is_carried_out),
		TEST(saved_plan_does_not_fit_a_changed_world),
		TEST(failed_step_of_a_saved_plan_leads_back_too),
		TEST(cluster_of_another_owner_is_refused_and_adopted_on_demand),
		TEST(failure_in_one_cluster_does_not_stop_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
