/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of assignments and their lines that can make possible what was refused. */
#include "reconcile/remedy_parts.h"

#include "base/text.h"

#include <string.h>

/* The VM stands on another host than its line says. */
const char *edit_vm_host(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct spec_assignment *assignment = NULL;
	struct spec_vm *line = nth ? NULL : asked_line(asked, draft, &assignment);
	uint32_t vm = line ? world_find_vm_named(asked->plan->observed, line->name, NULL) : NO_INDEX;
	if (vm == NO_INDEX || !line->host)
		return NULL;
	line->host = asked->plan->observed->hosts[asked->plan->observed->vms[vm].host].name;
	return arena_printf(draft->arena, "virtualMachines[%s].host: %s in assignment '%s'", line->name, line->host,
		assignment->name);
}

const char *edit_vm_optional(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct spec_assignment *assignment = NULL;
	struct spec_vm *line = nth ? NULL : asked_line(asked, draft, &assignment);
	if (!line || line->optional)
		return NULL;
	line->optional = true;
	return arena_printf(
		draft->arena, "virtualMachines[%s].optional: true in assignment '%s'", line->name, assignment->name);
}

/* ---- a line more ---- */

static const char *add_line(struct draft *draft, struct spec_assignment *assignment, const char *vm)
{
	struct spec_vm *lines = draft_lines(draft, assignment);
	lines[assignment->n_vms++] = (struct spec_vm){ .head = assignment->head, .name = vm };
	return arena_printf(draft->arena, "virtualMachines: add { name: %s } to assignment '%s'", vm, assignment->name);
}

static bool is_in_group_of_partitions(const struct draft *draft, const struct spec_assignment *assignment)
{
	const struct gpu_group *group = cluster_find_group(draft->cluster, assignment->gpus);
	return group && group->partition_count.known;
}

/* Several patterns match the VM: one of their assignments names it. */
static const char *add_matched(struct draft *draft, const char *vm, uint32_t nth)
{
	for (uint32_t i = 0; i < draft->spec->n_assignments; i++) {
		struct spec_assignment *it = &draft->assignments[i];
		if (strcmp(it->cluster, draft->cluster->name) == 0 && it->match &&
			text_glob_fold(it->match->name_pattern, vm) && !nth--)
			return add_line(draft, it, vm);
	}
	return NULL;
}

/* A VM that no manifest manages is managed: it keeps its partition, or gets one of the group. */
static const char *add_stranger(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	const struct world *world = asked->plan->observed;
	struct spec_assignment *to = NULL;
	for (uint32_t i = 0; i < draft->spec->n_assignments && !to; i++)
		if (strcmp(draft->assignments[i].cluster, draft->cluster->name) == 0 &&
			is_in_group_of_partitions(draft, &draft->assignments[i]))
			to = &draft->assignments[i];
	for (uint32_t i = 0; to && i < world->n_vms; i++)
		if (asked->plan->rules->vm_ownership[i] == VM_UNMANAGED && world->vms[i].n_adapters && !nth--)
			return add_line(draft, to, world->vms[i].name);
	return NULL;
}

const char *edit_vm_add(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	if (asked->refusal->code != D_VM_AMBIGUOUS)
		return add_stranger(draft, asked, nth);
	uint32_t vm = asked_vm(
		asked); /* two VMs of one name are no matter of the manifest, and have no host in their subject */
	return vm == NO_INDEX ? NULL : add_matched(draft, asked->plan->observed->vms[vm].name, nth);
}

/* ---- where, how many, how large ---- */

const char *edit_placement(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct spec_assignment *assignment = asked_is(asked, "placement") ? asked_assignment(asked, draft) : NULL;
	if (nth || !assignment || assignment->placement != PLACEMENT_REQUIRED)
		return NULL;
	assignment->placement = PLACEMENT_PREFERRED;
	return arena_printf(draft->arena, "placement: Preferred in assignment '%s'", assignment->name);
}

const char *edit_device_count(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct spec_assignment *assignment = asked_assignment(asked, draft);
	if (!assignment || assignment->count <= nth + 1)
		return NULL;
	assignment->count -= nth + 1;
	return arena_printf(draft->arena, "count: %u in assignment '%s'", assignment->count, assignment->name);
}

const char *edit_vram(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	for (uint32_t i = 0; i < draft->spec->n_assignments; i++) {
		struct spec_assignment *it = &draft->assignments[i];
		const struct gpu_group *group = cluster_find_group(draft->cluster, it->gpus);
		if (strcmp(it->cluster, draft->cluster->name) != 0 || !it->requires || !group || nth--)
			continue;
		uint64_t mib = draft_smallest_mib(draft, group);
		if (!mib || mib << MIB_SHIFT >= it->requires->vram_bytes.value)
			continue;
		struct spec_requires *requires = arena_copy(draft->arena, it->requires, sizeof(*requires));
		requires->vram_bytes = KNOWN(mib << MIB_SHIFT);
		it->requires = requires;
		return arena_printf(
			draft->arena, "requires.vram: %" G_GUINT64_FORMAT "Mi in assignment '%s'", mib, it->name);
	}
	return NULL;
}
