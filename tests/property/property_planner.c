/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded worlds and specs through the planner. For every case:
 *   - the planner's own check accepts the plan: every prefix keeps the invariants;
 *   - simulated to its end, whatever GPU a VM lands on, planning again gives no step;
 *   - document order does not matter, and the same input gives the same steps.
 * Usage: property_planner [CASES [FIRST_SEED]]. A failing case prints its seed.
 */
#include "tests/lib/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct random {
	uint64_t state;
};

/* xorshift64*: the same numbers on every machine. */
static uint32_t below(struct random *random, uint32_t n)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (uint32_t)((random->state * 2685821657736338717u) >> 33) % n;
}

static bool chance(struct random *random, uint32_t percent)
{
	return below(random, 100) < percent;
}

static const uint32_t counts[] = { 1, 2, 4, 8 };

static void dismount(struct gpu *gpu)
{
	gpu->state = GPU_DISMOUNTED;
	gpu->count = UNKNOWN;
	gpu->n_valid_counts = 0;
	gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
}

static void put_in_pool(struct scene *scene, uint32_t host, uint32_t gpu)
{
	struct pool *pool = arena_new_of(scene->arena, struct pool);
	const char **members = arena_array(scene->arena, const char *, 1);
	members[0] = scene_path(gpu);
	*pool = (struct pool){ "p", members, 1 };
	scene->hosts[host].host.pools = pool;
	scene->hosts[host].host.n_pools = 1;
}

static void random_vm(struct scene *scene, struct random *random, uint32_t host, uint32_t n, uint32_t *room)
{
	static const char *const prefixes[] = { "vm", "vm", "vm", "ai", "other" };
	g_autofree char *name = g_strdup_printf("%s-%02u-%02u", prefixes[below(random, 5)], host, n);
	enum vm_state state = chance(random, 60) ? VM_RUNNING : chance(random, 85) ? VM_OFF : VM_SAVED;
	uint32_t gpu = below(random, scene->hosts[host].n_gpus);
	bool has = chance(random, 50) && scene_gpu(scene, host, gpu)->state == GPU_PARTITIONABLE &&
		   (state != VM_RUNNING || room[gpu] > 0);
	struct vm *vm = scene_vm(scene, name, host, state, has ? (int)gpu : -1);
	if (has && state == VM_RUNNING)
		room[gpu]--;
	struct adapter *adapter = (struct adapter *)vm->adapters;
	if (has && !scene->clustered && chance(random, 15)) {
		adapter->pin = scene_path(gpu);
		adapter->pinned = TRI_YES;
	}
	if (has && state != VM_OFF && chance(random, 10))
		adapter->gpus = 0; /* the host could not tell */
	if (has && chance(random, 40)) {
		struct vm_record *record = arena_new_of(scene->arena, struct vm_record);
		*record = (struct vm_record){ "example.com/ops/gpu", "c", "vdi" };
		vm->record = record;
	}
	if (scene->clustered && chance(random, 20))
		vm->offline_action = KNOWN(OFFLINE_SAVE);
	vm->automatic_checkpoints = !has && chance(random, 15);
	if (chance(random, 10)) {
		vm->dynamic_memory = true;
		vm->memory_startup_bytes = KNOWN(1u << 30);
		vm->memory_minimum_bytes = KNOWN(chance(random, 50) ? 1u << 30 : 1u << 29);
	}
	if (state == VM_OFF && chance(random, 15)) {
		struct debt *debt = arena_new_of(scene->arena, struct debt);
		*debt = (struct debt){ .run = "dead",
			.at = SCENE_NOW - 60,
			.power = DEBT_POWER_STOPPED,
			.state_change = vm->state_change };
		if (has && room[gpu] > 0)
			room[gpu]--;
		else if (has)
			return;
		vm->debt = debt;
	}
}

static struct scene *random_scene(struct random *random)
{
	bool clustered = chance(random, 60);
	uint32_t n_gpus = 1 + below(random, 3);
	uint32_t count = counts[below(random, 4)];
	struct scene *scene = scene_new(clustered, 1 + below(random, 3), n_gpus, count);
	for (uint32_t h = 0; h < scene->n_hosts; h++) {
		uint32_t room[SCENE_GPUS] = { 0 };
		for (uint32_t g = 0; g < n_gpus; g++) {
			struct gpu *gpu = scene_gpu(scene, h, g);
			if (chance(random, 10))
				gpu->count = KNOWN(counts[below(random, 4)]);
			room[g] = (uint32_t)gpu->count.value;
			if (chance(random, 5)) {
				gpu->state = GPU_FAILED;
				gpu->count = UNKNOWN;
			} else if (chance(random, 12)) {
				dismount(gpu);
				if (clustered && chance(random, 50))
					put_in_pool(scene, h, g);
			}
		}
		uint32_t n = below(random, 8);
		for (uint32_t i = 0; i < n; i++)
			random_vm(scene, random, h, i, room);
	}
	if (chance(random, 8) && scene->n_hosts > 1)
		scene->missing = scene->hosts[0].host.name;
	return scene;
}

static char *random_manifests(struct scene *scene, struct random *random, char **other_order)
{
	g_autoptr(GString) cluster = g_string_new(NULL);
	bool whole = chance(random, 40), vdi = !whole || chance(random, 85);
	g_string_append_printf(cluster,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: %s\n",
		scene->clustered ? "Failover" : "Standalone");
	if (chance(random, 15))
		g_string_append(cluster, "  prune: false\n");
	if (chance(random, 10))
		g_string_append(cluster, "  vmSettings: Require\n");
	g_string_append(cluster, "  hosts:\n");
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		g_string_append_printf(
			cluster, "    - { name: hv%02u%s }\n", h + 1, chance(random, 10) ? ", maintenance: true" : "");
	g_string_append(cluster, "  gpus:\n");
	if (vdi)
		g_string_append_printf(cluster,
			"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: %u }\n",
			counts[below(random, 4)]);
	if (whole)
		g_string_append_printf(cluster,
			"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p%s } }\n",
			chance(random, 50) ? ", mmio: { low: 3Gi, high: 34Gi }" : "");
	const char *assignment =
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: %s }\nspec: { cluster: c, "
		"gpus: %s, match: { namePattern: \"%s\" } }\n";
	g_autofree char *vms =
		vdi && chance(random, 85) ? g_strdup_printf(assignment, "desktops", "vdi", "vm-*") : g_strdup("");
	g_autofree char *ais =
		whole && chance(random, 70) ? g_strdup_printf(assignment, "inference", "whole", "ai-*") : g_strdup("");
	*other_order = arena_printf(scene->arena, "%s---\n%s---\n%s", ais, vms, cluster->str);
	return arena_printf(scene->arena, "%s---\n%s---\n%s", cluster->str, vms, ais);
}

/* ---- one case ---- */

static bool is_ours_to_blame(enum diag_code code)
{
	return code == D_INVARIANT || code == D_GOAL_NOT_REACHED || code == D_UNEXPECTED || code == D_STEP_NOT_POSSIBLE;
}

static int complain(uint64_t seed, const char *what, const struct plan *plan, const char *manifests)
{
	g_autoptr(arena_auto) arena = arena_new();
	const struct world *world = plan->observed;
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ": %s\n%s", seed, what, manifests);
	for (uint32_t i = 0; i < world->n_gpus; i++)
		fprintf(stderr, "  %s %s %s count %d pool %s\n", world->hosts[world->gpus[i].host].name,
			world->gpus[i].location_path, name_of(&gpu_state_names, world->gpus[i].state),
			(int)world->gpus[i].count.value, gpu_pool(world, i) ? gpu_pool(world, i)->name : "-");
	for (uint32_t i = 0; i < world->n_vms; i++)
		fprintf(stderr, "  %s %s %s adapters %u (gpus %x, pin %s) devices %u debt %d\n",
			world->hosts[world->vms[i].host].name, world->vms[i].name,
			name_of(&vm_state_names, world->vms[i].state), world->vms[i].n_adapters,
			world->vms[i].n_adapters ? (unsigned)world->vms[i].adapters[0].gpus : 0,
			world->vms[i].n_adapters && world->vms[i].adapters[0].pin ? world->vms[i].adapters[0].pin : "-",
			world->vms[i].n_devices, world->vms[i].debt != NULL);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		fprintf(stderr, "  %u %s (%s)\n", plan->steps[i].id, step_text(arena, &plan->steps[i]),
			plan->steps[i].why);
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		fprintf(stderr, "  %s %s: %s\n", diag_codes[d->code].id, d->subject ? d->subject : "", d->message);
	return 1;
}

/* A mounted GPU lists its counts and has one of them. */
static void show_counts(struct world *world, uint32_t gpu, struct random *random)
{
	world->gpus[gpu].valid_counts = counts;
	world->gpus[gpu].n_valid_counts = G_N_ELEMENTS(counts);
	world->gpus[gpu].count = KNOWN(counts[below(random, G_N_ELEMENTS(counts))]);
}

/* The steps' end, with every VM that started on one GPU of those it could be on, as a host would have it. */
static struct world *simulated(struct scene *scene, const struct plan *plan, struct random *random, struct diags *diags)
{
	struct world *world = world_copy(scene->arena, plan->observed);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		struct delta delta = { 0 };
		if (step_simulate(scene->arena, world, &plan->steps[i], &delta, diags) < 0)
			return NULL;
		delta_apply(world, &delta);
		if (plan->steps[i].kind == STEP_MOUNT_GPU)
			show_counts(world, plan->steps[i].gpu, random);
		if (plan->steps[i].kind != STEP_START_VM)
			continue;
		struct vm *vm = &world->vms[plan->steps[i].vm];
		struct adapter *adapters = arena_copy(scene->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
		for (uint32_t a = 0; a < vm->n_adapters; a++) {
			uint64_t set = adapter_gpus(world, vm, &adapters[a]);
			uint32_t pick = below(random, 64);
			while (set && !(set & (uint64_t)1 << pick))
				pick = (pick + 1) % 64;
			adapters[a].gpus = set ? (uint64_t)1 << pick : 0;
		}
		vm->adapters = adapters;
	}
	return world;
}

static bool same_steps(const struct plan *a, const struct plan *b)
{
	g_autoptr(arena_auto) arena = arena_new();
	bool same = a->n_steps == b->n_steps;
	for (uint32_t i = 0; same && i < a->n_steps; i++)
		same = strcmp(step_text(arena, &a->steps[i]), step_text(arena, &b->steps[i])) == 0 &&
		       a->steps[i].n_after == b->steps[i].n_after;
	return same;
}

static int run_case(uint64_t seed, uint64_t *n_steps, uint64_t *n_refused)
{
	struct random random = { seed * 0x9E3779B97F4A7C15u + 1 };
	struct scene *scene = random_scene(&random);
	char *other_order = NULL;
	const char *manifests = random_manifests(scene, &random, &other_order);
	struct plan *plan = scene_plan(scene, manifests);
	*n_steps += plan->n_steps;
	*n_refused += plan->n_refusals;
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		if (is_ours_to_blame(d->code))
			return complain(seed, "the plan does not pass its check", plan, manifests);
	if (!same_steps(plan, scene_plan(scene, other_order)))
		return complain(seed, "the order of documents changes the plan", plan, manifests);
	struct diags *diags = diags_new(scene->arena);
	struct plan_input again = {
		.spec = scene->spec, .cluster = scene->spec->clusters, .owner = "example.com/ops/gpu", .now = SCENE_NOW
	};
	struct plan *next = plan;
	for (int round = 0; round < 4; round++) {
		again.observed = simulated(scene, next, &random, diags);
		if (!again.observed)
			return complain(seed, "a step cannot be simulated", next, manifests);
		bool was_complete = next->complete;
		next = plan_cluster(scene->arena, &again);
		if (was_complete)
			break;
	}
	/* what was refused may become possible by what was done, or by where a VM landed */
	if (next->n_steps && !plan->n_refusals)
		return complain(seed, "planning again after the end gives steps", next, manifests);
	scene_free(scene);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0, n_steps = 0, n_refused = 0;
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++)
		failed += (uint64_t)run_case(seed, &n_steps, &n_refused);
	printf("%" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT
	       " refusals, %" G_GUINT64_FORMAT " failed\n",
		n, n_steps, n_refused, failed);
	return failed ? 1 : 0;
}
