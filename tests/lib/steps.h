/* SPDX-License-Identifier: Apache-2.0 */
/* Steps for unit tests that use worlds.h: bound to the world, and tried on it. */
#pragma once
#include "model/step.h"

static inline struct step steps_vm(const struct world *world, enum step_kind kind, uint32_t vm)
{
	const struct vm *it = &world->vms[vm];

	return (struct step){
		.kind = kind,
		.id = 1,
		.host_name = world->hosts[it->host].name,
		.vm_id = it->id,
		.vm_name = it->name,
		.host = it->host,
		.vm = vm,
		.gpu = NO_INDEX,
	};
}

static inline struct step steps_gpu(const struct world *world, enum step_kind kind, uint32_t gpu)
{
	const struct gpu *it = &world->gpus[gpu];

	return (struct step){
		.kind = kind,
		.id = 1,
		.host_name = world->hosts[it->host].name,
		.location_path = it->location_path,
		.host = it->host,
		.vm = NO_INDEX,
		.gpu = gpu,
	};
}

enum steps_answer { STEPS_REFUSED, STEPS_UNCHANGED, STEPS_CHANGED };

/* Carries the step out on 'world' in place. */
static inline enum steps_answer steps_do(struct arena *arena, struct world *world, const struct step *step)
{
	struct diags *diags = diags_new(arena);
	struct delta delta = { .n = 0 };

	if (step_simulate(arena, world, step, &delta, diags))
		return diags->n_errors && diags->first->code == D_STEP_NOT_POSSIBLE ? STEPS_REFUSED
										    : (enum steps_answer) - 1;
	delta_apply(world, &delta);
	return delta.n ? STEPS_CHANGED : STEPS_UNCHANGED;
}
