/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/remedy_parts.h"

#include "model/subject.h"
#include "reconcile/vram.h"

#include <string.h>

struct draft draft_new(struct arena *arena, const struct plan_input *input)
{
	struct draft draft = { .arena = arena, .input = *input };
	draft.spec = arena_copy(arena, input->spec, sizeof(*draft.spec));
	draft.assignments =
		arena_copy(arena, draft.spec->assignments, draft.spec->n_assignments * sizeof(*draft.assignments));
	draft.spec->assignments = draft.assignments;
	draft.cluster = arena_copy(arena, input->cluster, sizeof(*draft.cluster));
	draft.groups = arena_copy(arena, draft.cluster->gpus, draft.cluster->n_gpus * sizeof(*draft.groups));
	draft.cluster->gpus = draft.groups;
	draft.hosts = arena_copy(arena, draft.cluster->hosts, draft.cluster->n_hosts * sizeof(*draft.hosts));
	draft.cluster->hosts = draft.hosts;
	draft.world = world_copy(arena, input->observed);
	draft.input.spec = draft.spec;
	draft.input.cluster = draft.cluster;
	draft.input.observed = draft.world;
	draft.input.is_trial = true;
	return draft;
}

struct spec_passthrough *draft_passthrough(struct draft *draft, struct gpu_group *group)
{
	struct spec_passthrough *copy = arena_copy(draft->arena, group->passthrough, sizeof(*copy));
	group->passthrough = copy;
	return copy;
}

struct gpu_group *draft_partitioned(struct draft *draft)
{
	for (uint32_t i = 0; i < draft->cluster->n_gpus; i++)
		if (draft->groups[i].partition_count.known)
			return &draft->groups[i];
	return NULL;
}

struct spec_vm *draft_lines(struct draft *draft, struct spec_assignment *assignment)
{
	struct spec_vm *lines = arena_array(draft->arena, struct spec_vm, assignment->n_vms + 1);
	if (assignment->n_vms)
		memcpy(lines, assignment->vms, assignment->n_vms * sizeof(*lines));
	assignment->vms = lines;
	return lines;
}

uint64_t draft_smallest_mib(const struct draft *draft, const struct gpu_group *group)
{
	uint64_t least = 0;
	for (uint32_t g = 0; g < draft->world->n_gpus; g++) {
		struct maybe_u64 size = vram_of_partition(&draft->world->gpus[g], group->partition_count);
		if (size.known && (!least || size.value < least))
			least = size.value;
	}
	return least >> MIB_SHIFT;
}

bool asked_is(const struct asked *asked, const char *what)
{
	return g_str_has_prefix(asked->refusal->what, what);
}

/* "vm/NAME" or "host/HOST/vm/NAME". */
const char *asked_vm_name(const struct asked *asked)
{
	const char *subject = asked->refusal->subject, *at = strstr(subject, "/vm/");
	if (g_str_has_prefix(subject, "vm/"))
		return subject + strlen("vm/");
	return at ? at + strlen("/vm/") : NULL;
}

uint32_t asked_vm(const struct asked *asked)
{
	const struct world *world = asked->plan->observed;
	g_autoptr(arena_auto) scratch = arena_new();
	for (uint32_t i = 0; asked_vm_name(asked) && i < world->n_vms; i++)
		if (strcmp(subject_vm(scratch, world, i), asked->refusal->subject) == 0)
			return i;
	return NO_INDEX;
}

uint32_t asked_gpu(const struct asked *asked)
{
	const struct world *world = asked->plan->observed;
	g_autoptr(arena_auto) scratch = arena_new();
	for (uint32_t i = 0; strstr(asked->refusal->subject, "/gpu/") && i < world->n_gpus; i++)
		if (strcmp(subject_gpu(scratch, world, i), asked->refusal->subject) == 0)
			return i;
	return NO_INDEX;
}

struct spec_vm *asked_line(const struct asked *asked, struct draft *draft, struct spec_assignment **in)
{
	const char *name = asked_vm_name(asked);
	for (uint32_t i = 0; name && i < draft->spec->n_assignments; i++) {
		struct spec_assignment *assignment = &draft->assignments[i];
		if (strcmp(assignment->cluster, draft->cluster->name) != 0)
			continue;
		for (uint32_t k = 0; k < assignment->n_vms; k++) {
			if (g_ascii_strcasecmp(assignment->vms[k].name, name) != 0)
				continue;
			*in = assignment;
			return &draft_lines(draft, assignment)[k];
		}
	}
	return NULL;
}

struct spec_assignment *asked_assignment(const struct asked *asked, struct draft *draft)
{
	const char *name = asked_vm_name(asked);
	const struct spec_assignment *found =
		name ? spec_find_assignment_of_vm(draft->spec, draft->cluster->name, name, NULL) : NULL;
	return found ? &draft->assignments[found - draft->spec->assignments] : NULL;
}

bool codes_have(const enum diag_code *codes, enum diag_code code)
{
	for (uint32_t i = 0; i < EDIT_CODES_MAX && codes[i]; i++)
		if (codes[i] == code)
			return true;
	return false;
}
