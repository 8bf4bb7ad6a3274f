/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/recorded.h"

static bool answers(const struct simulation *simulation, const char *host)
{
	for (uint32_t i = 0; i < simulation->n_unreachable; i++)
		if (g_ascii_strcasecmp(simulation->unreachable[i], host) == 0)
			return false;
	return true;
}

/* The newest that was written since the start; NULL: nothing was performed in this cluster. */
static const struct cluster_record *newest(
	const struct spec_cluster *cluster, const struct view *start, const struct view *now)
{
	const struct cluster_record *found = NULL;
	for (uint32_t h = 0; h < now->n_states; h++) {
		const struct host *was = &start->states[h].host, *is = &now->states[h].host;
		bool is_new = is->record && (!was->record || was->record->epoch != is->record->epoch);
		if (cluster_find_host(cluster, is->name) && is_new && (!found || found->epoch < is->record->epoch))
			found = is->record;
	}
	return found;
}

static bool says(const struct cluster_record *record, const struct cluster_record *wanted, const char *owner)
{
	return record && g_strcmp0(record->owner, owner) == 0 && g_strcmp0(record->cluster, wanted->cluster) == 0 &&
	       g_strcmp0(record->commit, wanted->commit) == 0;
}

const char *recorded_judge(struct arena *arena, const struct spec *spec, const char *owner,
	const struct simulation *simulation, const struct view *start, const struct view *now)
{
	for (uint32_t c = 0; c < spec->n_clusters; c++) {
		const struct cluster_record *wanted = newest(&spec->clusters[c], start, now);
		for (uint32_t h = 0; h < now->n_states && wanted; h++) {
			const struct host *host = &now->states[h].host;
			if (cluster_find_host(&spec->clusters[c], host->name) && answers(simulation, host->name) &&
				!says(host->record, wanted, owner))
				return arena_printf(arena,
					"%s does not have the record of cluster '%s' that others have", host->name,
					wanted->cluster);
		}
	}
	return NULL;
}
