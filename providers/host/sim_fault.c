/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripted faults. How often a fault has still to wait stands in the file itself ('nth' counts down), so that a second
 * run goes on where the first one ended.
 */
#include "providers/host/sim_act.h"

#include <string.h>

struct simulation *sim_simulation(struct sim_act *act)
{
	if (!act->world->simulation)
		act->world->simulation = arena_new_of(act->world->arena, struct simulation);
	return act->world->simulation;
}

bool sim_is_unreachable(const struct sim_world *world, const char *host)
{
	for (uint32_t i = 0; world->simulation && i < world->simulation->n_unreachable; i++)
		if (!g_ascii_strcasecmp(world->simulation->unreachable[i], host))
			return true;
	return false;
}

static bool matches_step(const struct simulation_fault *fault, const struct request *request)
{
	if (request->kind == REQUEST_OBSERVE)
		return fault->step && !strcmp(fault->step, "observe") && !fault->target;
	if (request->kind != REQUEST_STEP || !request->step)
		return false;
	const struct step *step = request->step;
	if (fault->step && strcmp(fault->step, name_of(&step_kind_names, step->kind)))
		return false;
	return !fault->target || !g_strcmp0(fault->target, step->location_path) ||
	       (step->vm_name && !g_ascii_strcasecmp(fault->target, step->vm_name));
}

const struct simulation_fault *sim_fault(struct sim_act *act)
{
	struct simulation *simulation = act->world->simulation;
	if (!simulation || !simulation->n_faults)
		return NULL;
	struct arena *arena = act->world->arena;
	const struct simulation_fault *due = NULL;
	g_autoptr(GArray) left = g_array_new(false, false, sizeof(struct simulation_fault));
	bool counted = false;
	for (uint32_t i = 0; i < simulation->n_faults; i++) {
		struct simulation_fault fault = simulation->faults[i];
		bool mine = matches_step(&fault, act->request) &&
			    (!fault.host || !g_ascii_strcasecmp(fault.host, act->self->host.name));
		bool now = mine && fault.nth <= 1 && !due;
		if (now)
			due = &simulation->faults[i];
		if (mine && fault.nth > 1) {
			fault.nth--;
			counted = true;
		}
		if (now && !fault.permanent)
			counted = true;
		else
			g_array_append_val(left, fault);
	}
	if (counted) {
		simulation->faults = arena_copy(arena, left->data, sizeof(struct simulation_fault) * left->len);
		simulation->n_faults = left->len;
		act->world->changed = true;
	}
	return due;
}
