/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons to leave a whole cluster as it is. */
#include "reconcile/refuse.h"

#include <string.h>

/* In a failover cluster all of its nodes must be listed, and no others. */
static void refuse_nodes(struct wants *wants, const struct host *host)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	for (uint32_t i = 0; i < host->n_nodes; i++)
		if (!cluster_find_host(cluster, host->nodes[i].name))
			wants_refuse(wants, D_HOST_TYPE, head_loc(&cluster->head, "hosts"), host->name, "hosts",
				"'%s' reports the node '%s', which the manifest does not list; add it, perhaps with "
				"'exclude'",
				host->name, host->nodes[i].name);
	for (uint32_t i = 0; i < cluster->n_hosts && host->n_nodes; i++) {
		bool found = false;
		for (uint32_t k = 0; k < host->n_nodes; k++)
			found |= g_ascii_strcasecmp(cluster->hosts[i].name, host->nodes[k].name) == 0;
		if (!found)
			wants_refuse(wants, D_HOST_TYPE, head_loc(&cluster->hosts[i].head, "name"), host->name, "hosts",
				"'%s' reports no node '%s' in its failover cluster; remove it from the manifest",
				host->name, cluster->hosts[i].name);
	}
}

static void refuse_type(struct wants *wants, const struct host *host)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	const struct spec_host *line = cluster_find_host(cluster, host->name);
	if (line && line->exclude)
		return;
	bool is_clustered = host->cluster_name != NULL;
	if (is_clustered != (cluster->type == CLUSTER_FAILOVER))
		wants_refuse(wants, D_HOST_TYPE, head_loc(&cluster->head, "type"), host->name, "type",
			is_clustered ? "'%s' is a node of the failover cluster '%s'; write 'type: Failover'"
				     : "'%s' is a node of no failover cluster%s; write 'type: Standalone'",
			host->name, is_clustered ? host->cluster_name : "");
}

static bool tell_the_same_nodes(const struct host *a, const struct host *b)
{
	bool same = a->n_nodes == b->n_nodes;
	for (uint32_t i = 0; i < a->n_nodes && same; i++)
		same = strcmp(a->nodes[i].name, b->nodes[i].name) == 0;
	return same;
}

bool refuse_cluster(struct wants *wants)
{
	const struct world *world = wants->input->observed;
	if (!wants->input->cluster)
		return false;
	uint32_t before = wants->refusals->len;
	for (uint32_t i = 0; i < world->n_hosts; i++)
		refuse_type(wants, &world->hosts[i]);
	/* every node tells the same list: the first one's is enough, so that a mistake is said once */
	for (uint32_t i = 0; i < world->n_hosts && wants->refusals->len == before; i++)
		if (wants->input->cluster->type == CLUSTER_FAILOVER &&
			(i == 0 || !tell_the_same_nodes(&world->hosts[i - 1], &world->hosts[i])))
			refuse_nodes(wants, &world->hosts[i]);
	for (uint32_t i = 0; i < wants->input->n_doubts; i++)
		if (!wants->input->doubts[i].subject)
			wants_refuse(wants, D_NO_WAY_BACK, wants->input->cluster->name_loc, wants->input->cluster->name,
				"plan", "%s", wants->input->doubts[i].reason);
	return wants->refusals->len > before;
}
