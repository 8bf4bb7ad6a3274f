/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "tests/lib/scene.h"
#include "tests/lib/sim_run.h"

#include <string.h>

/* A GpuAssignment of the VMs in 'lines' to group 'vdi', besides what scene_manifests() writes. */
static char *assign(struct scene *scene, const char *manifests, const char *placement, const char *lines)
{
	return arena_printf(scene->arena,
		"%s---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: named }\n"
		"spec: { cluster: c, gpus: vdi, placement: %s, virtualMachines: [%s] }\n",
		manifests, placement, lines);
}

/* Everything says that the VM and the GPUs take part in live migrations. */
static void allow_live(struct scene *scene, uint32_t n_gpus)
{
	for (uint32_t h = 0; h < scene->n_hosts; h++) {
		struct host_state *state = &scene->hosts[h];
		state->host.can_command_moves = TRI_YES;
		state->host.memory_free_bytes = KNOWN((uint64_t)64 << 30);
		for (uint32_t g = 0; g < n_gpus; g++)
			state->gpus[g].incoming_live_migration = TRI_YES;
		for (uint32_t v = 0; v < state->n_vms; v++) {
			state->vms[v].memory_bytes = KNOWN((uint64_t)4 << 30);
			for (uint32_t a = 0; a < state->vms[v].n_adapters; a++)
				((struct adapter *)state->vms[v].adapters)[a].outgoing_live_migration = TRI_YES;
		}
	}
}

static void assert_cost(const struct plan *plan, uint32_t stopped, uint32_t moved, uint32_t roles, uint32_t steps)
{
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		if (diag_codes[d->code].severity == DIAG_ERROR)
			print_error("%s: %s\n", diag_codes[d->code].id, d->message);
	if (plan->cost.steps != steps)
		for (uint32_t i = 0; i < plan->n_steps; i++)
			print_error("%s (%s)\n", step_text(plan->diags->arena, &plan->steps[i]), plan->steps[i].why);
	assert_int_equal(plan->cost.vms_stopped, stopped);
	assert_int_equal(plan->cost.vms_moved, moved);
	assert_int_equal(plan->cost.role_changes, roles);
	assert_int_equal(plan->cost.steps, steps);
}

/* The host that the VM is moved to, or NULL. */
static const char *moved_to(const struct plan *plan, const char *vm)
{
	const struct step *move = scene_step(plan, STEP_MOVE_VM, vm);
	return move ? move->to_host : NULL;
}

/* ---- placement: Required ---- */

static void required_vm_elsewhere_restarts_on_its_host(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
	const struct plan *plan = scene_plan(scene, manifests);
	assert_cost(plan, 1, 1, 0, 3);
	assert_string_equal(plan->steps[0].host_name, "hv01");
	assert_int_equal(plan->steps[1].kind, STEP_MOVE_VM);
	assert_string_equal(plan->steps[1].host_name, "hv01");
	assert_string_equal(plan->steps[1].to_host, "hv02");
	assert_false(plan->steps[1].live);
	assert_string_equal(plan->steps[2].host_name, "hv02");
	assert_non_null(strstr(plan->steps[0].why, "restarts on 'hv02'"));
	assert_int_equal(plan->changes.n, 1);
	assert_int_equal(plan->changes.items[0].kind, CHANGE_HOST);
	scene_free(scene);
}

/* Rolling, one host at a time: a VM on its way changes the one host, then the other. */
static void vm_moves_though_one_host_may_be_changed_at_once(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	char *manifests = assign(scene, scene_manifests(scene, 1, NULL, "  rollout: { strategy: Rolling }\n"),
		"Required", "{ name: vm-a, host: hv02 }");
	assert_cost(scene_plan(scene, manifests), 1, 1, 0, 3);
	scene_free(scene);
}

/* A VM that is owed a start does not wait for the change of another host, to go there: it starts where it is, and moves
 * with a later run. */
static void vm_that_is_down_waits_for_no_other_host(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	scene_owe_start(scene, vm, 60);
	scene_gpu(scene, 1, 0)->count = KNOWN(1);
	((struct cluster_node *)scene->hosts[0].host.nodes)[0].state = NODE_PAUSED;
	const struct plan *plan =
		scene_plan(scene, scene_manifests(scene, 4, "vm-*", "  rollout: { strategy: Rolling }\n"));
	assert_int_equal(plan->n_refusals, 1);
	assert_int_equal(plan->refusals[0].code, D_BUDGET);
	assert_non_null(strstr(plan->refusals[0].reason, "apply again when 'hv01' is done"));
	assert_string_equal(scene_step(plan, STEP_START_VM, "vm-a")->host_name, "hv01");
	assert_int_equal(scene_count(plan, STEP_SET_COUNT), 1);
	scene_free(scene);
}

static void required_vm_moves_live_where_everything_allows_it(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	allow_live(scene, 1);
	char *manifests =
		assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
	const struct plan *plan = scene_plan(scene, manifests);
	assert_cost(plan, 0, 1, 0, 1);
	assert_true(plan->steps[0].live);
	assert_non_null(strstr(plan->steps[0].why, "TCP/IP with compression"));
	scene_free(scene);
}

/* Each of these alone makes it a restart: what is not known is a no. */
static void live_move_needs_every_yes(void **ignored)
{
	(void)ignored;
	for (int missing = 0; missing < 8; missing++) {
		struct scene *scene = scene_new(true, 2, 2, 4);
		struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
		allow_live(scene, 2);
		struct adapter *adapter = (struct adapter *)vm->adapters;
		if (missing == 0)
			scene->hosts[0].host.can_command_moves = TRI_UNKNOWN;
		if (missing == 1)
			adapter->outgoing_live_migration = TRI_UNKNOWN;
		if (missing == 2)
			scene_gpu(scene, 1, 1)->incoming_live_migration = TRI_UNKNOWN;
		if (missing == 3)
			scene_gpu(scene, 1, 0)->subsystem = "10DE:0000";
		if (missing == 4)
			vm->memory_bytes = UNKNOWN;
		if (missing == 5)
			scene->hosts[1].host.memory_free_bytes = UNKNOWN;
		if (missing == 6)
			scene_vm(scene, "vm-x", 0, VM_OFF, -1); /* nothing is missing */
		if (missing == 7)
			scene->hosts[0].host.can_command_moves = TRI_NO;
		char *manifests =
			assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
		const struct plan *plan = scene_plan(scene, manifests);
		assert_int_equal(plan->cost.vms_moved, 1);
		assert_int_equal(plan->cost.vms_stopped, missing == 6 ? 0 : 1);
		scene_free(scene);
	}
}

/* What a VM that is owed a start will take there is not free, and what one that restarts there takes is asked for. */
static void memory_that_is_promised_is_not_free(void **ignored)
{
	(void)ignored;
	for (int is_owed = 0; is_owed < 2; is_owed++)
		for (int live = 0; live < 2; live++) {
			struct scene *scene = scene_new(true, 2, 1, 4);
			struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
			struct vm *owed = scene_vm(scene, "vm-b", 1, VM_OFF, 0);
			allow_live(scene, 1);
			((struct adapter *)vm->adapters)->outgoing_live_migration = live ? TRI_YES : TRI_NO;
			scene->hosts[1].host.memory_free_bytes = KNOWN((uint64_t)6 << 30);
			if (is_owed)
				scene_owe_start(scene, owed, 60);
			char *manifests = assign(
				scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
			const struct plan *plan = scene_plan(scene, manifests);
			assert_int_equal(plan->cost.vms_moved, is_owed ? 0 : 1);
			assert_int_equal(plan->cost.vms_stopped, is_owed || live ? 0 : 1);
			assert_int_equal(scene_step(plan, STEP_START_VM, "vm-b") != NULL, is_owed);
			assert_int_equal(scene_has(plan, D_PLACEMENT), is_owed);
			scene_free(scene);
		}
}

static void required_vm_that_is_off_moves_off(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
	assert_cost(scene_plan(scene, manifests), 0, 1, 0, 1);
	scene_free(scene);
}

static void required_vm_that_is_there_stays(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 1, VM_RUNNING, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
	assert_cost(scene_plan(scene, manifests), 0, 0, 0, 0);
	scene_free(scene);
}

static void required_vm_that_cannot_move_is_refused_and_stays(void **ignored)
{
	(void)ignored;
	for (int why = 0; why < 7; why++) {
		struct scene *scene = scene_new(true, 2, 1, 1);
		struct vm *vm = scene_vm(scene, "vm-a", 0, why == 0 ? VM_SAVED : VM_RUNNING, 0);
		struct adapter *adapter = (struct adapter *)vm->adapters;
		struct cluster_node *nodes = (struct cluster_node *)scene->hosts[1].host.nodes;
		const char *more = NULL;
		if (why == 1)
			adapter->pin = scene_path(0);
		if (why == 2)
			adapter->pinned = TRI_UNKNOWN;
		if (why == 3)
			nodes[1].state = NODE_PAUSED;
		if (why == 4)
			vm->clustered = TRI_NO;
		if (why == 5)
			scene_vm(scene, "other", 1, VM_RUNNING,
				0); /* nobody manages it, and it has the only partition */
		if (why == 6)
			vm->generation = 1; /* it would not start again */
		char *manifests =
			assign(scene, scene_manifests(scene, 1, NULL, more), "Required", "{ name: vm-a, host: hv02 }");
		const struct plan *plan = scene_plan(scene, manifests);
		assert_cost(plan, 0, 0, 0, 0);
		assert_int_equal(plan->n_refusals, 1);
		assert_string_equal(plan->refusals[0].what, "placement");
		assert_int_equal(plan->refusals[0].code, why == 6 ? D_VM_NOT_FIT : D_PLACEMENT);
		scene_free(scene);
	}
}

/* Who is in the way of a Required placement makes room, when somebody else has some. */
static void required_vm_makes_another_one_move(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 1, "vm-b", NULL), "Required", "{ name: vm-a, host: hv02 }");
	const struct plan *plan = scene_plan(scene, manifests);
	assert_cost(plan, 2, 2, 0, 6);
	assert_string_equal(moved_to(plan, "vm-b"), "hv01");
	scene_free(scene);
}

/* ---- room ---- */

static void lower_count_moves_those_that_stop_anyway(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_cost(
		plan, 3, 1, 0, 13); /* stop, remove, add, start of two, stop, move, start of the third, two counts */
	assert_string_equal(moved_to(plan, "vm-0"), "hv02");
	assert_non_null(strstr(scene_step(plan, STEP_MOVE_VM, NULL)->why, "'hv01' would have no partition"));
	assert_int_equal(scene_step(plan, STEP_MOVE_VM, NULL)->cause, CAUSE_ROOM);
	scene_free(scene);
}

static void count_too_low_for_the_cluster_is_refused_without_a_move(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0, 0);
	assert_true(scene_has(plan, D_CAPACITY));
	assert_non_null(strstr(plan->refusals[0].reason, "would do: 2, 4, 8, 16"));
	scene_free(scene);
}

static void gainer_without_room_goes_to_a_host_that_has_some(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 3, 1, 2);
	scene_vm(scene, "vm-0", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-1", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-2", 1, VM_RUNNING, 0);
	scene_vm(scene, "vm-new", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_cost(plan, 1, 1, 0, 4);
	assert_string_equal(moved_to(plan, "vm-new"), "hv03"); /* most room */
	assert_string_equal(scene_step(plan, STEP_ADD_ADAPTER, "vm-new")->host_name, "hv03");
	scene_free(scene);
}

static void mover_goes_to_its_host_where_that_has_room(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 3, 1, 2);
	scene_vm(scene, "vm-0", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-1", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-2", 1, VM_RUNNING, 0);
	scene_vm(scene, "new", 0, VM_RUNNING, -1);
	char *manifests =
		assign(scene, scene_manifests(scene, 2, "vm-*", NULL), "Preferred", "{ name: new, host: hv02 }");
	assert_string_equal(moved_to(scene_plan(scene, manifests), "new"), "hv02");
	scene_free(scene);
}

static void gainers_find_room_or_the_last_is_refused(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-1", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-2", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-3", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-*", NULL));
	assert_int_equal(plan->cost.vms_stopped, 2);
	assert_int_equal(plan->cost.vms_moved, 1);
	assert_int_equal(plan->n_refusals, 1);
	assert_string_equal(plan->refusals[0].subject, "host/hv01/vm/vm-3");
	scene_free(scene);
}

static const char *const PASS_ONE_THROUGH =
	"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p } }\n";

/* hv01 loses a GPU, and the VM on it would be off for that; moved live, it needs no stop at all. */
static void live_move_off_a_gpu_to_be_passed_through_spares_a_stop(void **ignored)
{
	(void)ignored;
	for (int live = 0; live <= 1; live++) {
		struct scene *scene = scene_new(true, 2, 2, 1);
		scene_gpu(scene, 1, 1)->state = GPU_DISMOUNTED;
		scene_gpu(scene, 1, 1)->count = UNKNOWN;
		struct pool *pool = arena_new_of(scene->arena, struct pool);
		static const char *members[1];
		members[0] = scene_path(1);
		*pool = (struct pool){ "p", members, 1 };
		scene->hosts[1].host.pools = pool;
		scene->hosts[1].host.n_pools = 1;
		scene_vm(scene, "vm-0", 0, VM_RUNNING, 0);
		scene_vm(scene, "vm-1", 0, VM_RUNNING, 1);
		if (live)
			allow_live(scene, 1);
		char *manifests = scene_manifests(scene, 1, "vm-*", NULL);
		char *at = strstr(manifests, "---\n");
		manifests =
			arena_printf(scene->arena, "%.*s%s%s", (int)(at - manifests), manifests, PASS_ONE_THROUGH, at);
		const struct plan *plan = scene_plan(scene, manifests);
		assert_int_equal(plan->n_refusals, 0);
		assert_int_equal(plan->cost.vms_stopped, !live);
		assert_int_equal(plan->cost.vms_moved, 1);
		assert_string_equal(moved_to(plan, "vm-1"), "hv02");
		scene_free(scene);
	}
}

static void vm_without_a_gpu_and_unmanaged_vms_are_not_moved(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, arena_printf(scene->arena, "other-%d", i), 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-0", 0, VM_RUNNING, -1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_int_equal(plan->cost.vms_moved, 0);
	scene_free(scene);
}

static void standalone_hosts_move_nothing(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(false, 2, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(scene, arena_printf(scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 2, "vm-*", NULL));
	assert_cost(plan, 0, 0, 0, 0);
	assert_true(scene_has(plan, D_CAPACITY));
	scene_free(scene);
}

/* ---- those that start anyway ---- */

static void restarted_vm_goes_to_its_host_where_there_is_room(void **ignored)
{
	(void)ignored;
	for (int full = 0; full <= 1; full++) {
		struct scene *scene = scene_new(true, 2, 1, 1);
		scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
		if (full)
			scene_vm(scene, "other", 1, VM_RUNNING, 0);
		char *manifests =
			assign(scene, scene_manifests(scene, 1, NULL, NULL), "Preferred", "{ name: vm-a, host: hv02 }");
		assert_cost(scene_plan(scene, manifests), 1, !full, 0, full ? 3 : 4);
		scene_free(scene);
	}
}

static void running_vm_does_not_move_for_a_preference(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 1, NULL, NULL), "Preferred", "{ name: vm-a, host: hv02 }");
	assert_cost(scene_plan(scene, manifests), 0, 0, 0, 0);
	scene_free(scene);
}

static void vm_that_must_start_leaves_a_paused_node(void **ignored)
{
	(void)ignored;
	for (int full = 0; full <= 1; full++) {
		struct scene *scene = scene_new(true, 2, 1, 1);
		((struct cluster_node *)scene->hosts[0].host.nodes)[0].state = NODE_PAUSED;
		scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
		if (full)
			scene_vm(scene, "other", 1, VM_RUNNING, 0);
		const struct plan *plan = scene_plan(scene, scene_manifests(scene, 1, "vm-a", NULL));
		assert_cost(plan, 1, !full, 0, full ? 3 : 4); /* with no room elsewhere it comes back where it was */
		scene_free(scene);
	}
}

/* It takes none of other hosts, and keeps its own while it is Up: decision 12 of 0007. */
static void vm_that_must_start_stays_on_a_host_in_maintenance_that_is_up(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	static const char manifests[] =
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
		"  type: Failover\n  hosts: [{ name: hv01, maintenance: true }, { name: hv02 }]\n"
		"  gpus:\n    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n"
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: a }\n"
		"spec: { cluster: c, gpus: vdi, virtualMachines: [{ name: vm-a }] }\n";
	assert_cost(scene_plan(scene, manifests), 1, 0, 0, 3);
	scene_free(scene);
}

/* ---- the check ---- */

static void move_that_no_change_names_is_rejected(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	char *manifests =
		assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
	struct plan *plan = scene_plan(scene, manifests);
	struct diags *diags = diags_new(scene->arena);
	assert_int_equal(check_plan(scene->arena, plan->observed, plan, diags), 0);
	plan->changes.n = 0;
	assert_int_equal(check_plan(scene->arena, plan->observed, plan, diags), -1);
	assert_int_equal(diags->first->code, D_GOAL_NOT_REACHED);
	scene_free(scene);
}

static void vm_that_no_manifest_manages_moves_under_no_policy(void **ignored)
{
	(void)ignored;
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	char *manifests = assign(scene, scene_manifests(scene, 4, NULL, "  unmanaged: Cycle\n"), "Required",
		"{ name: vm-a, host: hv02 }");
	struct plan *plan = scene_plan(scene, manifests);
	struct rules *rules = arena_copy(scene->arena, plan->rules, sizeof(*rules));
	static const enum vm_ownership nobody[] = { VM_UNMANAGED };
	struct diags *diags = diags_new(scene->arena);
	plan->rules = rules;
	assert_int_equal(check_plan(scene->arena, plan->observed, plan, diags), 0);
	rules->vm_ownership = nobody;
	assert_int_equal(check_plan(scene->arena, plan->observed, plan, diags), -1);
	assert_non_null(strstr(diags->first->message, "ownership"));
	scene_free(scene);
}

/* ---- counts meanwhile ---- */

/* hv02 is back from repair with another count: nobody comes to it before that is set. */
static void move_waits_for_the_counts_where_it_goes(void **ignored)
{
	(void)ignored;
	for (int live = 0; live <= 1; live++) {
		struct scene *scene = scene_new(true, 2, 1, 4);
		scene_gpu(scene, 1, 0)->count = KNOWN(1);
		scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
		if (live)
			allow_live(scene, 1);
		char *manifests =
			assign(scene, scene_manifests(scene, 4, NULL, NULL), "Required", "{ name: vm-a, host: hv02 }");
		const struct plan *plan = scene_plan(scene, manifests);
		assert_cost(plan, !live, 1, 0, live ? 2 : 4);
		const struct step *move = scene_step(plan, STEP_MOVE_VM, NULL);
		bool waits = false;
		for (uint32_t i = 0; i < move->n_after; i++)
			waits |= plan->steps[move->after[i] - 1].kind == STEP_SET_COUNT;
		assert_true(waits);
		scene_free(scene);
	}
}

/* ---- carried out ---- */

/* hv01 is full with three and gets two partitions; hv02 is empty. One of the three moves. */
static uint32_t begin_lower_count(struct sim_run *sim, const struct simulation *simulation)
{
	if (sim->scene)
		scene_free(sim->scene);
	sim->scene = scene_new(true, 2, 1, 4);
	for (int i = 0; i < 3; i++)
		scene_vm(sim->scene, arena_printf(sim->scene->arena, "vm-%d", i), 0, VM_RUNNING, 0);
	sim_run_write_scene(sim, simulation);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 2, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->plans[0]->cost.vms_moved, 1);
	return sim->run->plans[0]->n_steps;
}

/* Interrupted after any step, all VMs run again at once; and the next run ends where the first was going. */
static void interrupted_anywhere_all_vms_run_and_the_next_run_converges(void **state)
{
	struct sim_run *sim = *state;
	uint32_t n_steps = begin_lower_count(sim, NULL);
	for (uint32_t after = 1; after < n_steps; after++) {
		sim_run_forget(sim);
		begin_lower_count(sim, NULL);
		sim->interrupt_after_steps = after;
		enum exit_code code = sim_run_carry_out(sim);
		assert_true(code == EXIT_INTERRUPTED || code == EXIT_DONE);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 3);
		sim_run_forget(sim);
		sim_run_plan(sim, PLAN_APPLY);
		sim_run_carry_out(sim);
		assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 3);
		assert_int_equal(sim_run_count_gpus(sim, 2), 2);
		sim_run_plan(sim, PLAN_APPLY);
		assert_int_equal(sim->run->plans[0]->n_steps, 0);
	}
}

static void vm_that_could_not_be_moved_is_started_where_it_was(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = { .step = "move-vm", .nth = 1, .permanent = true, .error = "failed" };
	sim->is_quiet = true;
	begin_lower_count(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_PARTIAL);
	assert_true(sim_run_says(sim, D_STEP_FAILED));
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 3);
	assert_int_equal(sim_run_count_gpus(sim, 4), 2); /* three on one host need it again */
}

/* The answer is lost and the VM has moved: it is not moved twice. */
static void move_whose_answer_is_lost_is_found_done(void **state)
{
	struct sim_run *sim = *state;
	struct simulation_fault fault = { .step = "move-vm", .nth = 1, .error = "timeout", .after_effect = true };
	begin_lower_count(sim, &(struct simulation){ .faults = &fault, .n_faults = 1 });
	assert_int_equal(sim_run_carry_out(sim), EXIT_DONE);
	assert_int_equal(sim_run_count_vms(sim, VM_RUNNING, false), 3);
	assert_int_equal(sim_run_count_gpus(sim, 2), 2);
}

#define SIM(name) cmocka_unit_test_setup_teardown(name, sim_run_setup, sim_run_teardown)

/* Its start failed in this run, and the next one is to find its partition free. */
static void room_of_a_vm_that_failed_is_kept(void **state)
{
	(void)state;
	struct scene *scene = scene_new(true, 2, 1, 1);
	static const char *const names[] = { "vm-a", "vm-f" }; /* on hv01, which takes none back, and on hv02 */
	for (uint32_t h = 0; h < 2; h++) {
		struct vm *vm = scene_vm(scene, names[h], h, VM_OFF, 0);
		struct debt *debt = arena_new_of(scene->arena, struct debt);
		*debt = (struct debt){ .run = "this",
			.at = SCENE_NOW - 60,
			.power = DEBT_POWER_STOPPED,
			.state_change = vm->state_change };
		vm->debt = debt;
	}
	((struct cluster_node *)scene->hosts[0].host.nodes)[0].state = NODE_PAUSED;
	const char *manifests = "apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
				"  type: Failover\n  hosts: [{ name: hv01 }, { name: hv02 }]\n"
				"  gpus:\n    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 1 }\n";
	const char *frozen[] = { "host/hv02/vm/vm-f" };
	struct plan_input input = { .mode = PLAN_RESTORE, .live_run = "this", .frozen = frozen, .n_frozen = 1 };
	const struct plan *plan = scene_plan_as(scene, manifests, input);
	assert_null(moved_to(plan, "vm-a"));
	assert_non_null(scene_step(plan, STEP_START_VM, "vm-a"));
	scene_gpu(scene, 0, 0)->count = scene_gpu(scene, 1, 0)->count = KNOWN(2);
	assert_string_equal(moved_to(scene_plan_as(scene, manifests, input), "vm-a"), "hv02");
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_of_a_vm_that_failed_is_kept),
		cmocka_unit_test(required_vm_elsewhere_restarts_on_its_host),
		cmocka_unit_test(vm_moves_though_one_host_may_be_changed_at_once),
		cmocka_unit_test(vm_that_is_down_waits_for_no_other_host),
		cmocka_unit_test(required_vm_moves_live_where_everything_allows_it),
		cmocka_unit_test(live_move_needs_every_yes),
		cmocka_unit_test(memory_that_is_promised_is_not_free),
		cmocka_unit_test(required_vm_that_is_off_moves_off),
		cmocka_unit_test(required_vm_that_is_there_stays),
		cmocka_unit_test(required_vm_that_cannot_move_is_refused_and_stays),
		cmocka_unit_test(required_vm_makes_another_one_move),
		cmocka_unit_test(lower_count_moves_those_that_stop_anyway),
		cmocka_unit_test(count_too_low_for_the_cluster_is_refused_without_a_move),
		cmocka_unit_test(gainer_without_room_goes_to_a_host_that_has_some),
		cmocka_unit_test(mover_goes_to_its_host_where_that_has_room),
		cmocka_unit_test(gainers_find_room_or_the_last_is_refused),
		cmocka_unit_test(live_move_off_a_gpu_to_be_passed_through_spares_a_stop),
		cmocka_unit_test(vm_without_a_gpu_and_unmanaged_vms_are_not_moved),
		cmocka_unit_test(standalone_hosts_move_nothing),
		cmocka_unit_test(restarted_vm_goes_to_its_host_where_there_is_room),
		cmocka_unit_test(running_vm_does_not_move_for_a_preference),
		cmocka_unit_test(vm_that_must_start_leaves_a_paused_node),
		cmocka_unit_test(vm_that_must_start_stays_on_a_host_in_maintenance_that_is_up),
		cmocka_unit_test(move_that_no_change_names_is_rejected),
		cmocka_unit_test(vm_that_no_manifest_manages_moves_under_no_policy),
		cmocka_unit_test(move_waits_for_the_counts_where_it_goes),
		SIM(interrupted_anywhere_all_vms_run_and_the_next_run_converges),
		SIM(vm_that_could_not_be_moved_is_started_where_it_was),
		SIM(move_whose_answer_is_lost_is_found_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
