/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/doctor_parts.h"

#include "base/clock.h"

bool doctor_is_standalone(const struct doctor_facts *facts)
{
	if (facts->examined && facts->examined->cluster != CLUSTER_UNKNOWN)
		return facts->examined->cluster == CLUSTER_NONE;
	return facts->state && facts->error == HOST_OK && !facts->state->host.cluster_name;
}

enum doctor_state doctor_cluster(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (doctor_is_standalone(facts)) {
		*seen = "none: a standalone host";
		return DOCTOR_OK;
	}
	if (facts->examined && facts->examined->cluster == CLUSTER_SILENT) {
		const char *words = facts->examined->cluster_message;
		*seen = words ? words : "it cannot be asked";
		return DOCTOR_FAILED;
	}
	if (!facts->state || !facts->state->host.cluster_name)
		return DOCTOR_UNKNOWN;
	*seen = arena_printf(arena, "%s answers", facts->state->host.cluster_name);
	return DOCTOR_OK;
}

enum doctor_state doctor_access(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	static const char *const words[CLUSTER_ACCESS_COUNT] = {
		[ACCESS_NONE] = "the cluster's list gives this account nothing",
		[ACCESS_READ_ONLY] = "the cluster may be read, and not changed",
		[ACCESS_FULL] = "full",
	};
	(void)arena, (void)remedy;
	if (doctor_is_standalone(facts)) {
		*seen = "none needed on a standalone host";
		return DOCTOR_OK;
	}
	if (!facts->examined || facts->examined->access == ACCESS_UNKNOWN)
		return DOCTOR_UNKNOWN;
	*seen = words[facts->examined->access];
	return facts->examined->access == ACCESS_FULL ? DOCTOR_OK : DOCTOR_FAILED;
}

enum doctor_state doctor_quorum(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (doctor_is_standalone(facts)) {
		*seen = "a standalone host has none";
		return DOCTOR_OK;
	}
	if (!facts->state || !facts->state->host.n_nodes)
		return DOCTOR_UNKNOWN;
	const struct host *host = &facts->state->host;
	uint32_t n_up = 0;
	g_autoptr(GString) others = g_string_new(NULL);
	for (uint32_t i = 0; i < host->n_nodes; i++) {
		/* paused and draining nodes vote, too */
		enum node_state state = host->nodes[i].state;
		n_up += state == NODE_UP || state == NODE_PAUSED || state == NODE_DRAINING;
		if (state != NODE_UP)
			g_string_append_printf(others, "%s%s %s", others->len ? ", " : "; ", host->nodes[i].name,
				name_of(&node_state_names, (int)state));
	}
	*seen = arena_printf(arena, "%u of %u are up%s", n_up, host->n_nodes, others->str);
	if (2 * n_up <= host->n_nodes)
		return DOCTOR_FAILED;
	return others->len ? DOCTOR_WARNING : DOCTOR_OK;
}

enum doctor_state doctor_folder(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	const struct hyperv_examined *examined = facts->examined;
	if (!examined || examined->root == ROOT_UNKNOWN) {
		if (examined && examined->root_message)
			*seen = examined->root_message;
		return DOCTOR_UNKNOWN;
	}
	const char *path = examined->root_path ? examined->root_path : "?", *words = examined->root_message;
	switch (examined->root) {
	case ROOT_USABLE:
		*seen = path;
		return DOCTOR_OK;
	case ROOT_HELD:
		*seen = arena_printf(arena, "%s, in use by a run", path);
		return DOCTOR_OK;
	case ROOT_ABSENT:
		*seen = arena_printf(arena, "%s is not there yet; the first lease makes it", path);
		return DOCTOR_OK;
	case ROOT_DENIED:
		*seen = words ? words : arena_printf(arena, "%s may not be written", path);
		*remedy = "the account must be an administrator; else look at the folder's permissions: Administrators "
			  "and SYSTEM "
			  "have all rights, nobody else any";
		return DOCTOR_FAILED;
	default:
		*seen = words ? words : arena_printf(arena, "%s is not ours", path);
		return DOCTOR_FAILED;
	}
}

enum doctor_state doctor_lease(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (!facts->state)
		return DOCTOR_UNKNOWN;
	const struct lease *lease = facts->state->host.lease;
	if (!lease) {
		*seen = "free";
		return DOCTOR_OK;
	}
	*seen = arena_printf(arena, "held by %s, run %s, since %s", lease->holder ? lease->holder : "?",
		lease->run ? lease->run : "?", clock_print(arena, lease->since));
	return DOCTOR_WARNING;
}
