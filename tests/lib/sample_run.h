/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small runs built by hand, for tests of renderers and plan files: the cluster 'paris' of world.md's row 5 (three
 * hosts, two A2 each at 4, n VMs with a partition that run, the count becomes 8).
 */
#pragma once
#include "reconcile/run.h"

#include <string.h>

static const char sample_text[] = "apiVersion: hvgpu.dev/v1alpha1\n"
				  "kind: GpuCluster\n"
				  "metadata: { name: paris }\n"
				  "spec:\n"
				  "  type: Failover\n"
				  "  gpus:\n"
				  "    - name: vdi\n"
				  "      partitionCount: 8\n";
static const struct source sample_source = { "clusters/paris.yaml", sample_text, sizeof(sample_text) - 1 };
#define SAMPLE_LOC ((struct loc){ &sample_source, 8, 23, 1 })
enum { SAMPLE_HOSTS = 3, SAMPLE_GPUS = 2, SAMPLE_NOW = 1767225600 };

static inline struct gpu sample_gpu(struct arena *arena, uint32_t i)
{
	static const uint32_t counts[] = { 1, 2, 4, 8, 16 };
	return (struct gpu){
		.location_path = arena_printf(arena, "PCIROOT(20)#PCI(0%u00)", i + 1),
		.instance_id = arena_printf(arena, "PCI\\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\%u", i),
		.name = "NVIDIA A2",
		.pnp_status = "OK",
		.device = "10DE:25B6",
		.subsystem = "10DE:157E",
		.state = GPU_PARTITIONABLE,
		.mitigation_driver = TRI_YES,
		.valid_counts = counts,
		.n_valid_counts = G_N_ELEMENTS(counts),
		.count = KNOWN(4),
		.memory = KNOWN(16106127360ull),
		.partition_memory = KNOWN(UINT64_MAX),
		.incoming_live_migration = TRI_YES,
	};
}

static inline struct vm sample_vm(struct arena *arena, uint32_t number)
{
	struct adapter *adapter = arena_new_of(arena, struct adapter);
	adapter->id = arena_printf(arena, "Microsoft:%08u\\0", number);
	adapter->pinned = TRI_NO;
	adapter->gpus = 1;
	return (struct vm){
		.id = arena_printf(arena, "%08u-1111-2222-3333-444455556666", number),
		.name = arena_printf(arena, "vdi-%03u", number),
		.state = VM_RUNNING,
		.generation = 2,
		.clustered = TRI_YES,
		.group = arena_printf(arena, "vdi-%03u", number),
		.offline_action = KNOWN(OFFLINE_SHUTDOWN),
		.adapters = adapter,
		.n_adapters = 1,
		.checkpoint_type = CHECKPOINT_DISABLED,
		.stop_action = STOP_ACTION_SHUTDOWN,
		.memory_bytes = KNOWN(8ull << 30),
	};
}

static inline struct world *sample_world(struct arena *arena, uint32_t n_vms)
{
	const struct host_state *states[SAMPLE_HOSTS];
	for (uint32_t h = 0; h < SAMPLE_HOSTS; h++) {
		struct host_state *state = arena_new_of(arena, struct host_state);
		state->host.name = arena_printf(arena, "hv%02u", h + 1);
		state->host.observed_at = SAMPLE_NOW - 240 + h;
		state->host.os_build = KNOWN(26100);
		state->gpus = arena_array(arena, struct gpu, SAMPLE_GPUS);
		state->vms = arena_array(arena, struct vm, n_vms);
		for (uint32_t i = 0; i < SAMPLE_GPUS; i++)
			state->gpus[state->n_gpus++] = sample_gpu(arena, i);
		for (uint32_t i = h; i < n_vms; i += SAMPLE_HOSTS)
			state->vms[state->n_vms++] = sample_vm(arena, i + 1);
		states[h] = state;
	}
	return world_assemble(arena, states, SAMPLE_HOSTS);
}

static inline struct rules *sample_rules(struct arena *arena, const struct world *world)
{
	struct rules *rules = arena_new_of(arena, struct rules);
	enum gpu_role *roles = arena_array(arena, enum gpu_role, world->n_gpus);
	enum vm_ownership *ownership = arena_array(arena, enum vm_ownership, world->n_vms);
	for (uint32_t i = 0; i < world->n_gpus; i++)
		roles[i] = ROLE_PARTITIONED;
	for (uint32_t i = 0; i < world->n_vms; i++)
		ownership[i] = VM_MANAGED;
	rules->gpu_role = roles;
	rules->gpu_refused = arena_array(arena, bool, world->n_gpus);
	rules->gpu_excluded = arena_array(arena, bool, world->n_gpus);
	rules->vm_ownership = ownership;
	rules->vm_mmio_low = arena_array(arena, struct maybe_u64, world->n_vms);
	rules->vm_mmio_high = arena_array(arena, struct maybe_u64, world->n_vms);
	rules->max_partitions_per_vm = 1;
	return rules;
}

static inline struct step sample_step(
	enum step_kind kind, uint32_t id, const char *host, enum step_cause cause, const char *why)
{
	return (struct step){ .kind = kind,
		.id = id,
		.host_name = host,
		.host = NO_INDEX,
		.vm = NO_INDEX,
		.gpu = NO_INDEX,
		.cause = cause,
		.why = why,
		.loc = SAMPLE_LOC };
}

/* The ids from..to as a dependency. */
static inline void sample_after(struct arena *arena, struct step *step, uint32_t from, uint32_t to)
{
	uint32_t *after = arena_array(arena, uint32_t, to - from + 1);
	for (uint32_t id = from; id <= to; id++)
		after[step->n_after++] = id;
	step->after = after;
}

static inline void sample_vm_step(struct arena *arena, struct plan *plan, struct step *steps, enum step_kind kind,
	uint32_t vm, const char *why, uint32_t after_from, uint32_t after_to)
{
	const struct world *world = plan->observed;
	enum step_cause cause = kind == STEP_STOP_VM || kind == STEP_REMOVE_ADAPTER ? CAUSE_DRAIN : CAUSE_RETURN;
	struct step *step = &steps[plan->n_steps++];
	*step = sample_step(kind, plan->n_steps, world->hosts[world->vms[vm].host].name, cause, why);
	step->vm_id = world->vms[vm].id;
	step->vm_name = world->vms[vm].name;
	step->stop_timeout_s = 300;
	if (kind == STEP_REMOVE_ADAPTER || kind == STEP_ADD_ADAPTER)
		step->adapter = world->vms[vm].adapters[0];
	if (kind == STEP_ADD_ADAPTER)
		step->adapter.id = NULL;
	if (after_from)
		sample_after(arena, step, after_from, after_to);
}

static inline void sample_steps(struct arena *arena, struct plan *plan)
{
	const struct world *world = plan->observed;
	uint32_t n = world->n_vms, g = world->n_gpus;
	struct step *steps = arena_array(arena, struct step, 4 * n + g);
	for (uint32_t i = 0; i < n; i++)
		sample_vm_step(
			arena, plan, steps, STEP_STOP_VM, i, "so that its partition adapter can be removed", 0, 0);
	for (uint32_t i = 0; i < n; i++)
		sample_vm_step(arena, plan, steps, STEP_REMOVE_ADAPTER, i,
			arena_printf(arena, "hv%02u's GPUs change their partition count", world->vms[i].host + 1),
			i + 1, i + 1);
	for (uint32_t i = 0; i < g; i++) {
		struct step *step = &steps[plan->n_steps++];
		*step = sample_step(STEP_SET_COUNT, plan->n_steps, world->hosts[world->gpus[i].host].name, CAUSE_WANTED,
			"GPU group 'vdi' of cluster 'paris' offers 8 partitions");
		step->location_path = world->gpus[i].location_path;
		step->count = 8;
		step->count_before = 4;
		if (n)
			sample_after(arena, step, n + 1, 2 * n);
	}
	for (uint32_t i = 0; i < n; i++)
		sample_vm_step(arena, plan, steps, STEP_ADD_ADAPTER, i, "gives back what was taken for the change",
			2 * n + 1, 2 * n + g);
	for (uint32_t i = 0; i < n; i++)
		sample_vm_step(
			arena, plan, steps, STEP_START_VM, i, "it ran before", 2 * n + g + i + 1, 2 * n + g + i + 1);
	plan->steps = steps;
	plan->cost = (struct cost){ .vms_stopped = n, .steps = plan->n_steps, .seconds = 360 };
}

static inline struct plan *sample_plan(struct arena *arena, uint32_t n_vms)
{
	struct plan *plan = arena_new_of(arena, struct plan);
	struct world *goal = sample_world(arena, n_vms);
	struct change *changes = arena_array(arena, struct change, goal->n_gpus);
	plan->cluster = "paris";
	plan->observed = sample_world(arena, n_vms);
	plan->goal = goal;
	plan->rules = sample_rules(arena, plan->observed);
	plan->complete = true;
	plan->owner = "git.example.com/ops/gpus";
	plan->diags = diags_new(arena);
	for (uint32_t i = 0; i < goal->n_gpus; i++) {
		goal->gpus[i].count = KNOWN(8);
		changes[i] = (struct change){ .kind = CHANGE_COUNT,
			.host = goal->gpus[i].host,
			.gpu = i,
			.vm = NO_INDEX,
			.subject = arena_printf(arena, "host/%s/gpu/%s", goal->hosts[goal->gpus[i].host].name,
				goal->gpus[i].location_path),
			.before = "4",
			.after = "8",
			.number = KNOWN(8),
			.cause = CAUSE_WANTED,
			.loc = SAMPLE_LOC,
			.why = "GPU group 'vdi' of cluster 'paris' offers 8 partitions" };
	}
	plan->changes = (struct changes){ changes, goal->n_gpus };
	sample_steps(arena, plan);
	return plan;
}

/* Bound, budget, a mixed time, a window and a refusal with its remedy, as a rolling plan has them; and a VM that moves. */
static inline void sample_rollout(struct arena *arena, struct plan *plan)
{
	static const char *const facts[] = { "vdi-099 is saved", "hv04 is down" };
	struct step *steps = (struct step *)plan->steps;
	struct refusal *refusal = arena_new_of(arena, struct refusal);
	plan->least = (struct plan_least){ true, plan->cost.vms_stopped - 1, 0, 0 };
	plan->budget = (struct plan_budget){ .set = true, .of = plan->observed->n_vms, .allowed = 6, .peak = 4 };
	plan->mixed = (struct plan_mixed){ true, 720, "hv01", "hv03" };
	*refusal = (struct refusal){ "vm/vdi-099", "a partition", "it is saved", D_VM_STATE, SAMPLE_LOC,
		"start vdi-099 and shut it down", facts, G_N_ELEMENTS(facts) };
	plan->refusals = refusal;
	plan->n_refusals = 1;
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const char **why = arena_array(arena, const char *, steps[i].n_after);
		for (uint32_t k = 0; k < steps[i].n_after; k++)
			why[k] = steps[i].kind == STEP_SET_COUNT ? "drained before a count" : "off before remove";
		steps[i].after_why = why;
		steps[i].unit = steps[i].vm_id ? 1 : 0;
	}
	steps[plan->n_steps - 1].kind = STEP_MOVE_VM;
	steps[plan->n_steps - 1].to_host = "hv02";
	steps[plan->n_steps - 1].live = true;
	plan->cost.vms_moved = 1;
}

/* Nothing to do: the goal is what was observed. */
static inline struct plan *sample_plan_empty(struct arena *arena)
{
	struct plan *plan = sample_plan(arena, 3);
	plan->goal = plan->observed;
	plan->changes = (struct changes){ 0 };
	plan->steps = NULL;
	plan->n_steps = 0;
	plan->cost = (struct cost){ 0 };
	return plan;
}

static inline struct run *sample_run(struct arena *arena, struct plan *plan)
{
	struct run *run = arena_new_of(arena, struct run);
	struct plan **plans = arena_array(arena, struct plan *, 1);
	plans[0] = plan;
	run->arena = arena;
	run->plans = plans;
	run->n_plans = 1;
	run->now = run->options.now = SAMPLE_NOW;
	run->tree.given = run->options.source = "./gpus?ref=main";
	run->tree.commit = "936fee7a1b2c3d4e5f60718293a4b5c6d7e8f901";
	run->owner = plan->owner;
	run->diags = diags_new(arena);
	return run;
}
