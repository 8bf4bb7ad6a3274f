/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/quiet.h"

#include "tests/torture/monitor.h"

static const struct spec_cluster *cluster_of(const struct quiet *quiet, const char *host)
{
	for (uint32_t c = 0; c < quiet->spec->n_clusters; c++)
		if (cluster_find_host(&quiet->spec->clusters[c], host))
			return &quiet->spec->clusters[c];
	return NULL;
}

void quiet_fail(struct quiet *quiet, const char *host)
{
	quiet->cluster = cluster_of(quiet, host);
	quiet->is_coming = quiet->n_unread++ > 0;
}

void quiet_interrupt(struct quiet *quiet)
{
	quiet->is_coming |= !quiet->everywhere;
	quiet->everywhere = true;
}

void quiet_answer(struct quiet *quiet)
{
	if (quiet->n_unread++ == 0)
		quiet->is_coming = false;
}

const char *quiet_judge(struct arena *arena, struct quiet *quiet, const struct view *now, const struct step *step)
{
	quiet->n_unread = 0;
	if (!step)
		return NULL;
	bool is_bound = quiet->everywhere || (quiet->cluster && cluster_of(quiet, step->host_name) == quiet->cluster);
	bool disrupts = step->kind == STEP_STOP_VM || step->kind == STEP_MOVE_VM;
	uint32_t host;
	const struct vm *vm = is_bound && disrupts && !quiet->is_coming ? view_vm(now, step->vm_id, &host) : NULL;
	if (!vm || !vm_is_running(vm))
		return NULL;
	return arena_printf(arena, "VM '%s' is asked to %s after %s", vm->name,
		step->kind == STEP_STOP_VM ? "stop" : "move",
		quiet->everywhere ? "an interruption" : "a step has failed for good");
}
