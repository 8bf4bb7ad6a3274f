/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/choose.h"

#include <string.h>

static bool text_fits(const char *wanted, const char *found)
{
	return !wanted || (found && g_ascii_strcasecmp(wanted, found) == 0);
}

/* A dismounted GPU may have lost its friendly name: a sibling of the same subsystem lends it. */
static const char *model_of(const struct world *world, const struct gpu *gpu)
{
	if (gpu->name || !gpu->subsystem)
		return gpu->name;
	for (uint32_t i = 0; i < world->n_gpus; i++)
		if (world->gpus[i].name && text_fits(gpu->subsystem, world->gpus[i].subsystem) &&
			text_fits(gpu->device, world->gpus[i].device))
			return world->gpus[i].name;
	return NULL;
}

bool group_selects(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct world *world = wants->input->observed;
	const struct gpu *it = &world->gpus[gpu];
	const struct spec_match *match = group->match;
	return match && text_fits(match->device, it->device) && text_fits(match->subsystem, it->subsystem) &&
	       (!match->model || text_fits(match->model, model_of(world, it)));
}

/* How much it would disturb to pass this GPU through: the lowest is chosen, among equals the last location path.
 * What is passed through already stays; a GPU that somebody not to be touched sits on comes last. */
static uint64_t disturbance(const struct wants *wants, uint32_t gpu)
{
	const struct world *world = wants->input->observed;
	const struct gpu *it = &world->gpus[gpu];
	if (it->state == GPU_DISMOUNTED)
		return gpu_pool(world, gpu) ? 0 : 1;
	uint64_t sum = it->state == GPU_FAILED ? 1000000 : 10;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		if (vm->host != it->host || !vm_could_be_on(world, vm, gpu) || wants->vms[i].ownership == VM_OURS)
			continue;
		bool is_managed = wants->vms[i].ownership == VM_MANAGED;
		bool pinned = false;
		for (uint32_t a = 0; a < vm->n_adapters; a++)
			pinned |= (adapter_pins(world, vm, &vm->adapters[a]) & gpu_bit(world, gpu)) != 0;
		if (pinned)
			sum += is_managed ? 100 : 4000;
		if (!vm_is_off(vm))
			sum += is_managed && vm_can_stop(vm) ? 20 : 4000;
	}
	return sum;
}

static bool is_free(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	return !want->group && !want->excluded && group_selects(wants, group, gpu);
}

static void take(struct wants *wants, const struct gpu_group *group, uint32_t gpu, enum gpu_role role)
{
	wants->gpus[gpu].group = group;
	wants->gpus[gpu].role = role;
}

static void take_per_host(struct wants *wants, const struct gpu_group *group, uint32_t host)
{
	const struct world *world = wants->input->observed;
	const struct host *it = &world->hosts[host];
	uint64_t wanted = group->passthrough->per_host.value, taken = 0;
	for (; taken < wanted; taken++) {
		uint32_t best = NO_INDEX;
		for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
			if (is_free(wants, group, g) &&
				(best == NO_INDEX || disturbance(wants, g) <= disturbance(wants, best)))
				best = g;
		if (best == NO_INDEX)
			break;
		take(wants, group, best, ROLE_PASSTHROUGH);
	}
	const struct spec_host *line = cluster_find_host(wants->input->cluster, it->name);
	if (taken < wanted && !(line && line->exclude))
		wants_refuse(wants, D_NO_GPU, head_loc(&group->passthrough->head, "perHost"),
			arena_printf(wants->arena, "host/%s", it->name), "passthrough",
			"group '%s' wants %" G_GUINT64_FORMAT " GPUs on '%s', which has %" G_GUINT64_FORMAT
			" that it selects",
			group->name, wanted, it->name, taken);
}

static void take_paths(struct wants *wants, const struct gpu_group *group)
{
	const struct world *world = wants->input->observed;
	struct loc loc = head_loc(&group->passthrough->head, "locationPaths");
	for (uint32_t i = 0; i < group->passthrough->n_location_paths; i++) {
		const struct location_list *list = &group->passthrough->location_paths[i];
		uint32_t host = world_find_host(world, list->host);
		if (host == NO_INDEX)
			continue; /* missing hosts are reported once, elsewhere */
		for (uint32_t p = 0; p < list->n_paths; p++) {
			uint32_t gpu = world_find_gpu(world, host, list->paths[p]);
			if (gpu != NO_INDEX && is_free(wants, group, gpu))
				take(wants, group, gpu, ROLE_PASSTHROUGH);
			else
				wants_refuse(wants, D_NO_GPU, loc,
					arena_printf(wants->arena, "host/%s/gpu/%s", list->host, list->paths[p]),
					"passthrough", "group '%s' selects no GPU at that location path", group->name);
		}
	}
}

static void take_passthrough(struct wants *wants)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	for (uint32_t i = 0; i < cluster->n_gpus; i++) {
		const struct gpu_group *group = &cluster->gpus[i];
		if (!group->passthrough)
			continue;
		if (group->passthrough->n_location_paths)
			take_paths(wants, group);
		else
			for (uint32_t host = 0; host < wants->input->observed->n_hosts; host++)
				take_per_host(wants, group, host);
	}
}

void choose_gpus(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	take_passthrough(wants);
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (wants->partitioned && is_free(wants, wants->partitioned, g))
			take(wants, wants->partitioned, g, ROLE_PARTITIONED);
		if (!wants->gpus[g].group && !wants->gpus[g].excluded && gpu_offers_partitions(&world->gpus[g]))
			diag_add(wants->diags, D_NOT_SELECTED, LOC_NONE, subject_gpu(wants->arena, world, g),
				"no GPU group selects this partitionable GPU; it is left alone, but a partition may "
				"land on it");
	}
}

void choose_gpus_without_manifest(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (world->gpus[g].state == GPU_PARTITIONABLE)
			wants->gpus[g].role = ROLE_PARTITIONED;
}
