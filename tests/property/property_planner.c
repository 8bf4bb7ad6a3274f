/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded worlds and specs through the planner. For every case:
 *   - the planner's own check accepts the plan: every prefix keeps the invariants;
 *   - simulated to its end, whatever GPU a VM lands on, planning again gives no step;
 *   - document order does not matter, and the same input gives the same steps.
 * Usage: property_planner [CASES [FIRST_SEED]]. A failing case prints its seed.
 */
#include "tests/lib/random_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	world->gpus[gpu].valid_counts = random_counts;
	world->gpus[gpu].n_valid_counts = G_N_ELEMENTS(random_counts);
	world->gpus[gpu].count = KNOWN(random_counts[random_below(random, G_N_ELEMENTS(random_counts))]);
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
			uint32_t pick = random_below(random, 64);
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
	struct random random = random_from(seed);
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
