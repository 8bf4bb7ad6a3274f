/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs on simulated hosts: rows 5, 15, 16, 20 and 21 of the plans that were worked by hand, and what goes wrong. */
#include "providers/host/host.h"
#include "reconcile/run_plan.h"
#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"
#include "tests/lib/test.h"

static void count_change_is_carried_out_and_then_nothing_is_left(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 54);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->n_steps, 0);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_started, 54);
}

static void applied_cluster_is_recorded_as_ours(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim_run_carry_out(sim);
	struct state_file file = sim_run_read_world(sim);
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
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	g_autofree char *before = NULL, *after = NULL;
	assert_true(g_file_get_contents(sim->world, &before, NULL, NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_true(g_file_get_contents(sim->world, &after, NULL, NULL));
	assert_string_equal(before, after);
}

static void adopting_records_alone_and_changes_nothing_else(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 3);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	sim->options.run.adopt = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_started, 0);
	struct state_file file = sim_run_read_world(sim);
	for (uint32_t i = 0; i < file.n_states; i++) {
		assert_non_null(file.states[i]->host.record);
		assert_non_null(file.states[i]->vms[0].record);
	}
}

static void passing_fault_is_tried_again(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = { .step = "set-partition-count", .nth = 2, .error = "timeout" };
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_retries, 1);
	assert_true(sim_run_says(sim, D_RETRY));
	assert_string_equal(sim->results[0].diags->first->subject, "host/hv02/gpu/PCIROOT(10)#PCI(0100)");
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
}

static void lost_reply_of_a_stop_is_no_second_stop(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = { .step = "stop-vm", .nth = 3, .error = "timeout", .after_effect = true };
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 53);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
}

static void row_20_failed_count_leads_back_to_running_vms(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.host = "hv03",
		.step = "set-partition-count",
		.target = scene_path(1),
		.nth = 1,
		.permanent = true,
		.error = "failed",
	};
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_true(sim_run_says(sim, D_STEP_FAILED));
	assert_true(sim->n_way_back > 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim->results[0].n_still_owed, 0);
	assert_int_equal(sim_run_count_gpus(sim, 4), 6);
}

/* Whatever went wrong before: who interrupts twice ends it at once, and is told so. */
static void way_back_that_is_interrupted_twice_ends_with_130(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.step = "set-partition-count", .nth = 2, .permanent = true, .error = "failed"
	};
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	sim->interrupt_way_back = 2;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_true(sim_run_says(sim, D_INTERRUPTED));
	assert_true(sim_run_says(sim, D_STILL_OWED));
}

static void vm_that_does_not_start_is_named(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.step = "start-vm", .target = "vm-05", .nth = 1, .permanent = true, .error = "failed"
	};
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 11);
	assert_int_equal(sim->results[0].n_still_owed, 1);
	assert_string_equal(sim->results[0].still_owed[0], "vm-05");
	assert_true(sim_run_says(sim, D_STILL_OWED));
}

static void host_that_fails_three_steps_is_left_out(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.host = "hv03", .step = "start-vm", .nth = 1, .permanent = true, .error = "failed"
	};
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_true(sim_run_says(sim, D_HOST_LEFT_OUT));
	/* its fourth VM is not tried, and all of the others run */
	assert_int_equal(sim->results[0].n_failed, 3);
	assert_int_equal(sim->results[0].n_still_owed, 4);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 8);
}

static void interrupted_run_brings_back_what_it_holds_down(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->interrupt_after = 3;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_true(sim_run_count_gpus(sim, 8) == 6 || sim_run_count_gpus(sim, 4) == 6);
}

static const char *interruption_of(const struct sim_run *sim)
{
	for (const struct diag *diag = sim->results[0].diags->first; diag; diag = diag->next)
		if (diag->code == D_INTERRUPTED)
			return diag->message;
	return "";
}

static void interrupted_run_says_how_to_go_on(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->interrupt_after = 3;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_string_equal(interruption_of(sim), "'c' was interrupted; apply it again to go on");
}

/* Done in part it would be refused as stale. */
static void interrupted_saved_plan_is_to_be_made_again(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim_run_save(sim);
	sim->interrupt_after = 3;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_string_equal(interruption_of(sim), "'c' was interrupted; make the plan again to go on");
}

static void run_interrupted_twice_stops_and_restore_pays(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->interrupt_after = 3;
	sim->n_interrupts = 2;
	assert_int_equal(sim_run_carry_out(sim), EXIT_INTERRUPTED);
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, true), 12);
	assert_int_equal(sim->results[0].n_still_owed, 12); /* each is named, as in test_apply_drive.c after any step */
	assert_true(sim_run_says(sim, D_STILL_OWED));
	assert_true(sim->results[0].n_under_way > 0);
	sim->interrupts = 0;
	sim_run_plan(sim, PLAN_RESTORE);
	assert_int_equal(sim->run->n_plans, 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
}

static void open_debt_is_paid(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(sim->scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = { .run = "dead", .epoch = 1, .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED };
	debt.state_change = vm->state_change;
	vm->debt = &debt;
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->n_steps, 1);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
}

static void answered(const struct request *request, const struct reply *reply, void *user)
{
	(void)request;
	assert_int_equal(reply->error, HOST_OK);
	*(bool *)user = true;
}

static void cluster_that_another_run_holds_is_left_alone(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	g_autoptr(GMainContext) context = g_main_context_new();
	struct endpoint endpoint = { .host = "hv02", .address = sim->hosts };
	struct host_session *session;
	assert_int_equal(host_open(context, &endpoint, &session, sim->run->diags), 0);
	struct request request = { .kind = REQUEST_LEASE, .run = "other", .holder = "bob@laptop", .now = SCENE_NOW };
	bool is_held = false;
	host_submit(session, &request, answered, NULL, &is_held);
	while (!is_held)
		g_main_context_iteration(context, TRUE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_LOCKED);
	assert_int_equal(sim->n_started, 0);
	assert_non_null(strstr(sim->results[0].diags->first->message, "bob@laptop"));
	host_close(session);
	sim->n_started = 0;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
}

static void plan_beyond_what_was_approved_is_stale(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->options.has_limits = true;
	sim->options.limits.vms_stopped = 11;
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_int_equal(sim->n_started, 0);
}

static void vm_that_came_meanwhile_makes_the_plan_stale(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	scene_vm(sim->scene, "vm-99", 1, VM_RUNNING, 1);
	sim_run_write_scene(sim, NULL);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_true(sim_run_says(sim, D_STALE));
	assert_int_equal(sim->n_started, 0);
}

/* Without that host the count stays, and vm-99 would be stopped for its partition now and for the count later. */
static void host_lost_since_it_was_planned_lets_nothing_begin(void **state)
{
	struct sim_run *sim = *state;
	static const struct simulation_fault fault = {
		.host = "hv03", .step = "observe", .nth = 2, .error = "unreachable"
	};
	const struct simulation simulation = { .clock = SCENE_NOW, .faults = &fault, .n_faults = 1 };
	sim_run_row_five(sim, NULL);
	scene_vm(sim->scene, "vm-99", 0, VM_RUNNING, -1);
	sim_run_write_scene(sim, &simulation);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_int_equal(sim->n_started, 0);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_stops, 13);
}

static void hosts_that_can_only_be_looked_at_are_refused(void **state)
{
	struct sim_run *sim = *state;
	sim->hosts[0] = '\0';
	g_free(sim->hosts);
	sim->hosts = g_strconcat("snapshot:", sim->world, NULL);
	sim_run_row_five(sim, NULL);
	assert_int_equal(sim_run_carry_out(sim), EXIT_BAD_INPUT);
}

static void suspended_cluster_is_not_applied(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", "  suspend: true\n"));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->n_started, 0);
}

static void vm_that_somebody_started_is_stopped_once_more(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->meddle = sim_run_start_behind_our_back;
	sim->meddle_after = 12;
	sim->n_meddles = 1;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_stops, 13);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
}

static void vm_that_somebody_starts_again_and_again_is_given_up(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->meddle = sim_run_start_behind_our_back;
	sim->meddle_after = 12;
	sim->n_meddles = 100;
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_true(sim->n_stops <= 13);
	assert_int_equal(sim_run_count_vms(sim, VM_OFF, false) + sim_run_count_vms(sim, VM_OFF, true), 0);
}

static void vm_that_failed_over_is_planned_again(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim->meddle = sim_run_fail_over;
	sim->meddle_after = 12;
	sim->n_meddles = 1;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->n_stops, 12);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
	assert_int_equal(sim_run_count_gpus(sim, 8), 6);
}

static void saved_plan_is_carried_out(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim_run_save(sim);
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim->results[0].n_changed, 54);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
}

static void saved_plan_does_not_fit_a_changed_world(void **state)
{
	struct sim_run *sim = *state;
	sim_run_row_five(sim, NULL);
	sim_run_save(sim);
	sim->scene->hosts[0].vms[0].state = VM_SAVED;
	sim_run_write_scene(sim, NULL);
	assert_int_equal(sim_run_carry_out(sim), EXIT_STALE);
	assert_int_equal(sim->n_started, 0);
}

static void failed_step_of_a_saved_plan_leads_back_too(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.host = "hv03", .step = "set-partition-count", .nth = 2, .permanent = true, .error = "failed"
	};
	sim_run_row_five(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	sim_run_save(sim);
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 12);
}

/* One VM is pinned, and the other could be on its GPU once it is off: should the run end there, it might not start. */
static void pin_one_of_two(struct sim_run *sim, struct vm *pinned, struct vm *other)
{
	struct adapter *adapter = (struct adapter *)pinned->adapters;
	adapter->pin = scene_path(0);
	adapter->pinned = TRI_YES;
	((struct adapter *)other->adapters)->gpus = 3;
	sim_run_write_scene(sim, NULL);
}

static void part_without_a_known_way_back_is_not_begun(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(false, 1, 2, 1);
	struct vm *a = scene_vm(sim->scene, "vm-a", 0, VM_RUNNING, 0),
		  *b = scene_vm(sim->scene, "vm-b", 0, VM_RUNNING, 1);
	pin_one_of_two(sim, a, b);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->refusals[0].code, D_NO_WAY_BACK);
	assert_int_equal(sim->run->plans[0]->n_steps, 0);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim->n_started, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 2);
}

static void way_back_is_asked_for_again_under_the_leases(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(false, 1, 2, 1);
	struct vm *a = scene_vm(sim->scene, "vm-a", 0, VM_RUNNING, 0),
		  *b = scene_vm(sim->scene, "vm-b", 0, VM_RUNNING, 1);
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_true(sim->run->plans[0]->cost.vms_stopped == 2);
	pin_one_of_two(sim, a, b); /* after somebody agreed to the plan */
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_NO_WAY_BACK));
	assert_int_equal(sim->n_started, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 2);
}

/* A failover cluster in the manifests, and a standalone host: nothing but debts may be planned. */
static void plan_that_is_refused_as_a_whole_pays_debts_and_says_so(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(sim->scene, "vm-a", 0, VM_OFF, 0);
	struct debt debt = {
		.run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	vm->debt = &debt;
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: Failover\n"
		"  hosts: [{ name: hv01 }]\n  gpus: [{ name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }]\n");
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->mode, PLAN_RESTORE);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 1);
}

/* The planner alone does not ask for ways back; a plan that was saved when there were some is not made again. */
static void saved_plan_without_a_known_way_back_is_not_begun(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(false, 1, 2, 1);
	struct vm *a = scene_vm(sim->scene, "vm-a", 0, VM_RUNNING, 0),
		  *b = scene_vm(sim->scene, "vm-b", 0, VM_RUNNING, 1);
	pin_one_of_two(sim, a, b);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 4, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	struct plan_input input = run_plan_input(sim->run, sim->run->plans[0]->spec, sim->run->plans[0]->observed);
	struct plan **plans = arena_array(sim->run->arena, struct plan *, 1);
	plans[0] = plan_cluster(sim->run->arena, &input);
	sim->run->plans = plans;
	assert_true(sim->run->plans[0]->n_steps > 0);
	sim_run_save(sim);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_NO_WAY_BACK));
	assert_int_equal(sim->n_started, 0);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 2);
}

static void record_owner(struct sim_run *sim, const char *owner)
{
	struct cluster_record *record = arena_new_of(sim->scene->arena, struct cluster_record);
	*record = (struct cluster_record){ .owner = owner, .cluster = "c", .epoch = 7 };
	for (uint32_t i = 0; i < sim->scene->n_hosts; i++) {
		sim->scene->hosts[i].host.record = record;
		sim->scene->hosts[i].host.epoch = 7;
	}
}

static void cluster_of_another_owner_is_refused_and_adopted_on_demand(void **state)
{
	struct sim_run *sim = *state;
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	record_owner(sim, "example.com/others");
	sim_run_write_scene(sim, NULL);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_REFUSED);
	assert_true(sim_run_says(sim, D_OWNER));
	assert_int_equal(sim->n_started, 0);
	sim->options.run.adopt = true;
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	struct state_file file = sim_run_read_world(sim);
	assert_string_equal(file.states[2]->host.record->owner, "example.com/ops/gpu");
	assert_int_equal(file.states[2]->host.record->epoch, 8);
}

static void failure_in_one_cluster_does_not_stop_another(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = {
		.host = "hv01", .step = "set-partition-count", .nth = 1, .permanent = true, .error = "failed"
	};
	sim->scene = scene_new(false, 2, 1, 4);
	sim_run_write_scene(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 1; i <= 2; i++)
		g_string_append_printf(text,
			"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c%u }\n"
			"spec:\n  type: Standalone\n  hosts: [{ name: hv%02u }]\n"
			"  gpus: [{ name: vdi, match: { model: NVIDIA A2 }, partitionCount: 8 }]\n",
			i, i);
	sim_run_write_manifests(sim, text->str);
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_int_equal(sim->results[0].exit, EXIT_PARTIAL);
	assert_int_equal(sim->results[1].exit, EXIT_DONE);
	assert_int_equal(sim_run_count_gpus(sim, 8), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)
		TEST(count_change_is_carried_out_and_then_nothing_is_left),
		TEST(applied_cluster_is_recorded_as_ours),
		TEST(run_with_nothing_to_do_writes_nothing),
		TEST(adopting_records_alone_and_changes_nothing_else),
		TEST(passing_fault_is_tried_again),
		TEST(lost_reply_of_a_stop_is_no_second_stop),
		TEST(row_20_failed_count_leads_back_to_running_vms),
		TEST(way_back_that_is_interrupted_twice_ends_with_130),
		TEST(vm_that_does_not_start_is_named),
		TEST(host_that_fails_three_steps_is_left_out),
		TEST(interrupted_run_brings_back_what_it_holds_down),
		TEST(interrupted_run_says_how_to_go_on),
		TEST(interrupted_saved_plan_is_to_be_made_again),
		TEST(run_interrupted_twice_stops_and_restore_pays),
		TEST(open_debt_is_paid),
		TEST(cluster_that_another_run_holds_is_left_alone),
		TEST(plan_beyond_what_was_approved_is_stale),
		TEST(vm_that_came_meanwhile_makes_the_plan_stale),
		TEST(host_lost_since_it_was_planned_lets_nothing_begin),
		TEST(hosts_that_can_only_be_looked_at_are_refused),
		TEST(suspended_cluster_is_not_applied),
		TEST(vm_that_somebody_started_is_stopped_once_more),
		TEST(vm_that_somebody_starts_again_and_again_is_given_up),
		TEST(vm_that_failed_over_is_planned_again),
		TEST(saved_plan_is_carried_out),
		TEST(saved_plan_does_not_fit_a_changed_world),
		TEST(failed_step_of_a_saved_plan_leads_back_too),
		TEST(plan_that_is_refused_as_a_whole_pays_debts_and_says_so),
		TEST(part_without_a_known_way_back_is_not_begun),
		TEST(way_back_is_asked_for_again_under_the_leases),
		TEST(saved_plan_without_a_known_way_back_is_not_begun),
		TEST(cluster_of_another_owner_is_refused_and_adopted_on_demand),
		TEST(failure_in_one_cluster_does_not_stop_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
