/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/choose.h"

#include "base/text.h"
#include "reconcile/choose_cost.h"

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

/* The maker's name is the same in most models, and makes unlike ones look alike: words that both begin with do not count. */
static bool is_slip(const char *wanted, const char *model)
{
	size_t common = 0;
	for (size_t i = 0; wanted[i] && g_ascii_tolower(wanted[i]) == g_ascii_tolower(model[i]); i++)
		if (wanted[i] == ' ')
			common = i + 1;
	const char *rest = model + common;
	return text_nearest(wanted + common, &rest, 1) != NULL;
}

const char *group_model_meant(const struct wants *wants, const struct gpu_group *group)
{
	const struct world *world = wants->input->observed;
	const char *wanted = group->match ? group->match->model : NULL, *there = NULL, *meant = NULL;
	for (uint32_t i = 0; i < world->n_gpus; i++) {
		const char *model = model_of(world, &world->gpus[i]);
		if (text_fits(wanted, model))
			return "";
		there = there ? there : model;
		if (!meant && model && is_slip(wanted, model))
			meant = model;
	}
	if (!wanted || !there)
		return "";
	return arena_printf(wants->arena, "; no observed GPU is of model '%s'%s%s%s", wanted,
		meant ? "; did you mean '" : " ('", meant ? meant : there, meant ? "'?" : "' is there)");
}

bool choose_is_free(const struct wants *wants, const struct gpu_group *group, uint32_t gpu)
{
	const struct gpu_want *want = &wants->gpus[gpu];
	return !want->group && !want->excluded && group_selects(wants, group, gpu);
}

static void take(struct wants *wants, const struct gpu_group *group, uint32_t gpu, enum gpu_role role)
{
	wants->gpus[gpu].group = group;
	wants->gpus[gpu].role = role;
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
			if (gpu != NO_INDEX && choose_is_free(wants, group, gpu))
				take(wants, group, gpu, ROLE_PASSTHROUGH);
			else
				wants_refuse(wants, D_NO_GPU, loc,
					arena_printf(wants->arena, "host/%s/gpu/%s", list->host, list->paths[p]),
					"passthrough", "group '%s' selects no GPU at that location path", group->name);
		}
	}
}

/* ---- a number of GPUs per host ---- */

/* So many ways of one host are compared; with more, GPUs are taken one after the other. */
enum { CHOICES_MAX = 2000 };

struct search {
	const struct choice_host *host;
	uint64_t passed[CHOICE_GROUPS_MAX]; /* the way that is being looked at */
	uint32_t missing;                   /* GPUs that it does not find */
	uint64_t best[CHOICE_GROUPS_MAX];
	uint32_t best_missing;
	struct choice_cost best_cost;
	bool found;
};

static uint32_t wanted_of(const struct choice_host *host, uint32_t group)
{
	return (uint32_t)host->groups[group]->passthrough->per_host.value;
}

static uint64_t taken(const struct search *search)
{
	uint64_t mask = 0;
	for (uint32_t i = 0; i < search->host->n_groups; i++)
		mask |= search->passed[i];
	return mask;
}

/* Ways are looked at from the last location path on, and only a better one replaces another. */
static void keep_if_better(struct search *search)
{
	struct choice_cost cost = choice_cost(search->host, search->passed);
	bool better = !search->found || search->missing < search->best_missing ||
		      (search->missing == search->best_missing && choice_is_less(cost, search->best_cost));
	if (!better)
		return;
	memcpy(search->best, search->passed, sizeof(search->best));
	search->best_cost = cost;
	search->best_missing = search->missing;
	search->found = true;
}

static uint64_t last_of(uint64_t mask)
{
	return mask ? (uint64_t)1 << (63 - __builtin_clzll(mask)) : 0;
}

static void try_from(struct search *search, uint32_t group);

/* Every way to take 'more' GPUs of 'left' for 'group', then those of the groups after it. */
static void try_taking(struct search *search, uint32_t group, uint64_t left, uint32_t more)
{
	if (!more) {
		try_from(search, group + 1);
		return;
	}
	for (; (uint32_t)__builtin_popcountll(left) >= more; left &= ~last_of(left)) {
		uint64_t one = last_of(left);
		search->passed[group] |= one;
		try_taking(search, group, left & ~one, more - 1);
		search->passed[group] &= ~one;
	}
}

static void try_from(struct search *search, uint32_t group)
{
	if (group == search->host->n_groups) {
		keep_if_better(search);
		return;
	}
	uint64_t left = search->host->candidates[group] & ~taken(search);
	uint32_t there = (uint32_t)__builtin_popcountll(left), wanted = wanted_of(search->host, group);
	uint32_t lacks = wanted > there ? wanted - there : 0;
	search->missing += lacks;
	try_taking(search, group, left, wanted - lacks);
	search->missing -= lacks;
}

/* Too many ways: each group takes one GPU after the other, each time the one that costs least with those before it. */
static void take_one_by_one(struct search *search)
{
	for (uint32_t i = 0; i < search->host->n_groups; i++)
		for (uint32_t n = 0; n < wanted_of(search->host, i); n++) {
			uint64_t left = search->host->candidates[i] & ~taken(search), next = 0;
			struct choice_cost least = { 0 };
			for (; left; left &= ~last_of(left)) {
				search->passed[i] |= last_of(left);
				struct choice_cost cost = choice_cost(search->host, search->passed);
				search->passed[i] &= ~last_of(left);
				if (!next || choice_is_less(cost, least)) {
					next = last_of(left);
					least = cost;
				}
			}
			search->passed[i] |= next;
		}
	keep_if_better(search);
}

static double ways(const struct choice_host *host)
{
	double product = 1;
	for (uint32_t i = 0; i < host->n_groups; i++) {
		uint32_t n = (uint32_t)__builtin_popcountll(host->candidates[i]);
		for (uint32_t k = 0; k < wanted_of(host, i) && k < n; k++)
			product *= (double)(n - k) / (k + 1);
	}
	return product;
}

static void tell_lacking(struct wants *wants, const struct gpu_group *group, const struct host *host, uint32_t n)
{
	const struct spec_host *line = cluster_find_host(wants->input->cluster, host->name);
	if (n < group->passthrough->per_host.value && !(line && line->exclude))
		wants_refuse(wants, D_NO_GPU, head_loc(&group->passthrough->head, "perHost"),
			arena_printf(wants->arena, "host/%s", host->name), "passthrough",
			"group '%s' wants %" G_GUINT64_FORMAT " GPU%s on '%s', which has %u that it selects%s",
			group->name, group->passthrough->per_host.value,
			group->passthrough->per_host.value == 1 ? "" : "s", host->name, n,
			group_model_meant(wants, group));
}

static struct search search_host(const struct choice_host *host)
{
	struct search search = { .host = host };
	if (ways(host) <= CHOICES_MAX)
		try_from(&search, 0);
	else
		take_one_by_one(&search);
	return search;
}

static void take_best(struct wants *wants, const struct search *search)
{
	const struct choice_host *host = search->host;
	for (uint32_t i = 0; i < host->n_groups; i++) {
		for (uint32_t g = host->host->first_gpu; g < host->host->first_gpu + host->host->n_gpus; g++)
			if (search->best[i] & gpu_bit(host->world, g))
				take(wants, host->groups[i], g, ROLE_PASSTHROUGH);
		tell_lacking(wants, host->groups[i], host->host, (uint32_t)__builtin_popcountll(search->best[i]));
	}
}

/* Hosts are independent but for one thing: where one of them refuses the count, it is refused on all. */
static void take_on_hosts(struct wants *wants)
{
	g_autoptr(GArray) hosts = choice_look(wants);
	bool refuses_count = false;
	for (guint i = 0; i < hosts->len && !refuses_count; i++)
		refuses_count = search_host(&g_array_index(hosts, struct choice_host, i)).best_cost.refuses_count;
	for (guint i = 0; i < hosts->len; i++) {
		struct choice_host *host = &g_array_index(hosts, struct choice_host, i);
		if (refuses_count)
			choice_keep_counts(host);
		struct search search = search_host(host);
		take_best(wants, &search);
	}
}

static void take_passthrough(struct wants *wants)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	bool any = false;
	for (uint32_t i = 0; i < cluster->n_gpus; i++) {
		const struct gpu_group *group = &cluster->gpus[i];
		if (group->passthrough && group->passthrough->n_location_paths)
			take_paths(wants, group);
		any |= group->passthrough && !group->passthrough->n_location_paths;
	}
	if (any)
		take_on_hosts(wants);
}

void choose_gpus(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	take_passthrough(wants);
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (wants->partitioned && choose_is_free(wants, wants->partitioned, g))
			take(wants, wants->partitioned, g, ROLE_PARTITIONED);
		if (!wants->gpus[g].group && !wants->gpus[g].excluded && gpu_offers_partitions(&world->gpus[g]))
			diag_add(wants->diags, D_NOT_SELECTED, LOC_NONE, subject_gpu(wants->arena, world, g),
				"no GPU group selects this partitionable GPU; it is left alone, but a partition may "
				"land on it%s",
				wants->partitioned ? group_model_meant(wants, wants->partitioned) : "");
	}
}

void choose_gpus_without_manifest(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (world->gpus[g].state == GPU_PARTITIONABLE)
			wants->gpus[g].role = ROLE_PARTITIONED;
}
