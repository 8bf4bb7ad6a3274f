/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds that break rules already: seeded scenes in which somebody changed counts by hand, started more VMs than there
 * are partitions, gave a VM a partition and a whole GPU, pinned one to a GPU that failed, set OfflineAction to Save.
 * For every case:
 *   - the plan passes its check, and no step of it adds a violation to those of the start;
 *   - what is still broken at the end is named by a finding or a refusal of that very subject.
 * Usage: property_repair [CASES [FIRST_SEED]]. A failing case prints its seed; the numbers printed at the end are of
 * violations: found, mended, left and named.
 */
#include "model/subject.h"
#include "tests/lib/random_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
	uint64_t broken, mended, left, steps;
};

/* ---- breaking ---- */

/* The first GPU of a host stays, so that partitions whose place nobody knows are somewhere. */
static void break_gpu(struct scene *scene, uint32_t host, uint32_t index, struct random *random)
{
	struct gpu *gpu = scene_gpu(scene, host, index);
	if (gpu->state == GPU_PARTITIONABLE && random_chance(random, 30))
		gpu->count = KNOWN(random_counts[random_below(random, G_N_ELEMENTS(random_counts))]);
	else if (index && scene_gpu(scene, host, 0)->state == GPU_PARTITIONABLE && random_chance(random, 5))
		gpu->state = GPU_FAILED;
}

static void give_whole_gpu(struct scene *scene, struct vm *vm, uint32_t host, struct random *random)
{
	struct device *device = arena_new_of(scene->arena, struct device);
	uint32_t gpu = random_below(random, scene->hosts[host].n_gpus);
	bool taken = scene_gpu(scene, host, gpu)->state != GPU_DISMOUNTED;
	for (uint32_t v = 0; v < scene->hosts[host].n_vms; v++)
		taken |= scene->vms[host][v].n_devices > 0;
	if (taken)
		return; /* no host can be like that */
	device->location_path = scene_path(gpu);
	vm->devices = device;
	vm->n_devices = 1;
}

static void pin(struct scene *scene, struct vm *vm, uint32_t host, struct random *random)
{
	uint32_t gpu = random_below(random, scene->hosts[host].n_gpus);
	struct adapter *adapters = arena_copy(scene->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
	adapters[0].pin = scene_path(gpu);
	adapters[0].pinned = TRI_YES;
	adapters[0].gpus = vm->state == VM_OFF ? 0 : (uint64_t)1 << gpu;
	vm->adapters = adapters;
}

static void break_vm(struct scene *scene, uint32_t host, struct vm *vm, struct random *random)
{
	if (vm->n_adapters && vm->state == VM_OFF && random_chance(random, 30)) {
		struct adapter *adapters = arena_copy(scene->arena, vm->adapters, vm->n_adapters * sizeof(*adapters));
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			adapters[a].gpus = (uint64_t)1 << random_below(random, scene->hosts[host].n_gpus);
		vm->n_devices = 0;
		vm->adapters = adapters;
		vm->state = VM_RUNNING;
	}
	if (vm->n_adapters && random_chance(random, 10))
		pin(scene, vm, host, random);
	if (!vm->n_devices && random_chance(random, 15))
		give_whole_gpu(scene, vm, host, random);
	if (vm->clustered == TRI_YES && random_chance(random, 20))
		vm->offline_action = KNOWN(OFFLINE_SAVE);
}

static void break_scene(struct scene *scene, struct random *random)
{
	for (uint32_t h = 0; h < scene->n_hosts; h++) {
		for (uint32_t g = 0; g < scene->hosts[h].n_gpus; g++)
			break_gpu(scene, h, g, random);
		for (uint32_t v = 0; v < scene->hosts[h].n_vms; v++)
			break_vm(scene, h, &scene->vms[h][v], random);
	}
}

/* ---- what must hold ---- */

static bool is_ours_to_blame(enum diag_code code)
{
	return code == D_INVARIANT || code == D_GOAL_NOT_REACHED || code == D_UNEXPECTED || code == D_STEP_NOT_POSSIBLE;
}

static const char *rejection(const struct plan *plan)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (is_ours_to_blame(diag->code))
			return diag->message;
	return NULL;
}

static bool is_named(const struct plan *plan, const char *subject)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next)
		if (diag_codes[diag->code].severity != DIAG_NOTE && diag->subject && !strcmp(diag->subject, subject))
			return true;
	for (uint32_t i = 0; i < plan->n_refusals; i++)
		if (!strcmp(plan->refusals[i].subject, subject))
			return true;
	return false;
}

/* Takes all steps in 'world'. A message when something is wrong, else NULL. */
static const char *made_worse(
	struct scene *scene, const struct plan *plan, struct violations start, struct world *world)
{
	struct diags *diags = diags_new(scene->arena);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		struct delta delta = { 0 };
		if (step_simulate(scene->arena, world, &plan->steps[i], &delta, diags) < 0)
			return diags->first->message;
		delta_apply(world, &delta);
		struct violations added =
			violations_added(scene->arena, start, invariant_state(scene->arena, world, plan->rules));
		if (added.n)
			return arena_printf(
				scene->arena, "step %u: %s: %s", i + 1, added.items[0].subject, added.items[0].message);
	}
	return NULL;
}

static const char *left_unnamed(struct scene *scene, const struct plan *plan, struct violations left)
{
	for (uint32_t i = 0; i < left.n; i++)
		if (!is_named(plan, left.items[i].subject))
			return arena_printf(
				scene->arena, "not named: %s: %s", left.items[i].subject, left.items[i].message);
	for (uint32_t i = 0; i < plan->goal->n_vms; i++) {
		const struct vm *vm = &plan->goal->vms[i];
		const char *subject = subject_vm(scene->arena, plan->goal, i);
		if (plan->rules->vm_ownership[i] == VM_MANAGED && vm->n_adapters + vm->n_devices &&
			vm->clustered == TRI_YES && maybe_is(vm->offline_action, OFFLINE_SAVE) &&
			!is_named(plan, subject))
			return arena_printf(scene->arena, "not named: OfflineAction Save of %s", subject);
	}
	return NULL;
}

static const char *judge(struct scene *scene, const struct plan *plan, struct tally *tally)
{
	if (plan->mode != PLAN_APPLY)
		return NULL; /* the whole cluster is refused, and said to be */
	const char *wrong = rejection(plan);
	if (wrong)
		return wrong;
	struct violations start = invariant_state(scene->arena, plan->observed, plan->rules);
	struct world *end = world_copy(scene->arena, plan->observed);
	wrong = made_worse(scene, plan, start, end);
	if (wrong)
		return wrong;
	struct violations left = invariant_state(scene->arena, end, plan->rules);
	tally->broken += start.n;
	tally->left += left.n;
	tally->mended += start.n > left.n ? start.n - left.n : 0;
	tally->steps += plan->n_steps;
	return left_unnamed(scene, plan, left);
}

static void complain(uint64_t seed, const char *wrong, const struct plan *plan)
{
	g_autoptr(arena_auto) arena = arena_new();
	fprintf(stderr, "seed %" G_GUINT64_FORMAT ": %s\n", seed, wrong);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		fprintf(stderr, "  %u %s\n", plan->steps[i].id, step_text(arena, &plan->steps[i]));
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		fprintf(stderr, "  %s %s: %s\n", diag_codes[d->code].id, d->subject ? d->subject : "", d->message);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t failed = 0;
	struct tally tally = { 0 };
	for (uint64_t seed = first; seed < first + n && failed < 5; seed++) {
		struct random random = random_from(seed);
		struct scene *scene = random_scene(&random);
		char *other_order = NULL;
		const char *manifests = random_manifests(scene, &random, &other_order);
		break_scene(scene, &random);
		const struct plan *plan = scene_plan(scene, manifests);
		const char *wrong = judge(scene, plan, &tally);
		if (wrong)
			complain(seed, wrong, plan);
		failed += wrong != NULL;
		scene_free(scene);
	}
	printf("%" G_GUINT64_FORMAT " broken worlds: %" G_GUINT64_FORMAT " violations, %" G_GUINT64_FORMAT
	       " mended in %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT " left and named; %" G_GUINT64_FORMAT
	       " failed\n",
		n, tally.broken, tally.mended, tally.steps, tally.left, failed);
	return failed ? 1 : 0;
}
