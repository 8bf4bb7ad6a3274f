/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/prove.h"
#include "reconcile/planfile_parts.h"
#include "reconcile/prudent.h"

#include <string.h>

/* A manifest has another path when it is read from a folder than when it is read from a commit. */
static void drop_positions(json_t *json)
{
	static const char *const keys[] = { "position", "also" };
	for (size_t i = 0; i < G_N_ELEMENTS(keys) && json_is_object(json); i++)
		json_object_del(json, keys[i]);
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value) drop_positions(value);
	size_t i;
	json_array_foreach(json, i, value) drop_positions(value);
}

static json_t *comparable(const struct plan *plan)
{
	json_t *json = planfile_cluster_to_json(plan);
	drop_positions(json);
	return json;
}

static int prove_cluster(struct arena *arena, const struct run *saved, const struct plan *plan, const struct spec *spec,
	struct diags *diags)
{
	const struct spec_cluster *cluster = plan->cluster ? spec_find_cluster(spec, plan->cluster) : NULL;
	const char *name = plan->cluster ? plan->cluster : "without a name";
	if (!cluster || plan->mode != PLAN_APPLY)
		return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
			"the saved plan has a cluster '%s' that commit %.12s does not have; make the plan again", name,
			saved->tree.commit);
	struct plan_input input = {
		.spec = spec,
		.cluster = cluster,
		.observed = plan->observed,
		.mode = PLAN_APPLY,
		.owner = saved->owner,
		.commit = saved->tree.commit,
		.adopt = saved->options.adopt,
		.now = saved->now,
	};
	json_auto_t *before = comparable(plan), *again = comparable(prudent_plan(arena, &input));
	if (json_equal(before, again))
		return 0;
	return diag_add(diags, D_SIGNATURE, LOC_NONE, NULL,
		"the saved plan of '%s' is not what commit %.12s asks for in the world that the plan was made from; "
		"make the "
		"plan again",
		name, saved->tree.commit);
}

int prove_saved(const struct run *saved, const struct spec *spec, struct diags *diags)
{
	g_autoptr(arena_auto) arena = arena_new();
	int result = 0;
	for (uint32_t i = 0; i < saved->n_plans && result == 0; i++)
		result = prove_cluster(arena, saved, saved->plans[i], spec, diags);
	return result;
}
