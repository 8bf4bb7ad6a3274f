/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/counts.h"

#include "reconcile/resolve.h"

static bool all_list(const struct wants *wants, uint32_t count)
{
	const struct world *world = wants->input->observed;
	bool any = false;
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		if (wants->gpus[g].role != ROLE_PARTITIONED || wants->gpus[g].refused)
			continue;
		const struct gpu *lists = resolve_counts_from(world, g);
		if (!lists || !gpu_lists_count(lists, count))
			return false;
		any = true;
	}
	return any;
}

const char *counts_that(const struct wants *wants, count_fits_fn *fits, const void *user)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t count = 1; count <= PARTITION_COUNT_MAX; count++)
		if (all_list(wants, count) && fits(count, user))
			g_string_append_printf(text, "%s%u", text->len ? ", " : "", count);
	return text->len ? arena_strdup(wants->arena, text->str) : "none";
}

uint64_t counts_offered(const struct wants *wants, const struct world *goal, uint32_t host, uint64_t count, bool *known)
{
	const struct host *it = &goal->hosts[host];
	uint64_t sum = 0;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		if (!gpu_offers_partitions(&goal->gpus[g]))
			continue;
		bool replaced = count && wants->gpus[g].role == ROLE_PARTITIONED && !wants->gpus[g].refused;
		*known &= replaced || goal->gpus[g].count.known;
		sum += replaced ? count : goal->gpus[g].count.value;
	}
	return sum;
}
