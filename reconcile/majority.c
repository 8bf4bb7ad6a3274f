/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/majority.h"

#include <glib.h>

static bool is_missing(const struct world *world, const char *name)
{
	for (uint32_t i = 0; i < world->n_missing; i++)
		if (g_ascii_strcasecmp(world->missing[i].name, name) == 0)
			return true;
	return false;
}

static bool reports_missing_as_down(const struct world *world, const struct host *host)
{
	bool is_up = false, all_down = true;
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		const struct cluster_node *node = &host->nodes[i];
		is_up |= node->state == NODE_UP && g_ascii_strcasecmp(node->name, host->name) == 0;
		all_down &= node->state == NODE_DOWN || !is_missing(world, node->name);
	}
	return is_up && all_down;
}

bool majority_is_observed(const struct world *world)
{
	if (!world->n_missing || !world->n_hosts || !world->hosts[0].cluster_name)
		return true;
	if (world->n_hosts > world->n_missing)
		return true;
	for (uint32_t i = 0; i < world->n_hosts; i++)
		if (reports_missing_as_down(world, &world->hosts[i]))
			return true;
	return false;
}
