/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded worlds and specs through the planner. For every case:
 *   - the planner's own check accepts the plan: every prefix keeps the invariants;
 *   - simulated to its end, whatever GPU a VM lands on, planning again gives no step;
 *   - it costs no less than the bound, which knows nothing of the planner; how often they are equal is printed;
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
	/* of a plan that the check rejects the steps are not counted, but still there */
	for (uint32_t i = 0; i < plan->cost.steps; i++) {
		const struct step *step = &plan->steps[i];
		fprintf(stderr, "  %u %s on %s, unit %u, after", step->id, step_text(arena, step),
			step->host_name ? step->host_name : "-", step->unit);
		for (uint32_t k = 0; k < step->n_after; k++)
			fprintf(stderr, " %u", step->after[k]);
		fprintf(stderr, " (%s)\n", step->why);
	}
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
		if (plan->steps[i].kind != STEP_START_VM && !plan->steps[i].live)
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

/* ---- the bound ---- */

/* How often the plan costs exactly the bound, of the plans that have one and cost anything. */
struct tightness {
	uint64_t stops, stops_equal, moves, moves_equal, roles, roles_equal;
};

static bool bound_holds(const struct plan *plan)
{
	const struct plan_least *least = &plan->least;
	return !least->known ||
	       (least->vms_stopped <= plan->cost.vms_stopped && least->vms_moved <= plan->cost.vms_moved &&
		       least->role_changes <= plan->cost.role_changes);
}

static void count_bound(struct tightness *tightness, const struct plan *plan)
{
	if (!plan->least.known)
		return;
	tightness->stops += plan->cost.vms_stopped > 0;
	tightness->stops_equal += plan->cost.vms_stopped && plan->cost.vms_stopped == plan->least.vms_stopped;
	tightness->moves += plan->cost.vms_moved > 0;
	tightness->moves_equal += plan->cost.vms_moved && plan->cost.vms_moved == plan->least.vms_moved;
	tightness->roles += plan->cost.role_changes > 0;
	tightness->roles_equal += plan->cost.role_changes && plan->cost.role_changes == plan->least.role_changes;
}

static void print_tightness(const struct tightness *t)
{
	printf("the bound is what the plan costs: stops %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	       ", moves %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT ", role changes %" G_GUINT64_FORMAT
	       " of %" G_GUINT64_FORMAT "\n",
		t->stops_equal, t->stops, t->moves_equal, t->moves, t->roles_equal, t->roles);
}

static int run_case(uint64_t seed, uint64_t *n_steps, uint64_t *n_refused, struct tightness *tightness)
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
	if (!bound_holds(plan))
		return complain(seed, "the plan costs less than the bound", plan, manifests);
	count_bound(tightness, plan);
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
	struct tightness tightness = { 0 };
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++)
		failed += (uint64_t)run_case(seed, &n_steps, &n_refused, &tightness);
	printf("%" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT
	       " refusals, %" G_GUINT64_FORMAT " failed\n",
		n, n_steps, n_refused, failed);
	print_tightness(&tightness);
	return failed ? 1 : 0;
}
