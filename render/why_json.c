/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile_parts.h"
#include "render/why.h"

#include <string.h>

/* Those members of a plan's list whose index in 'all' is one of the chosen. */
static json_t *chosen(
	json_t *cluster, const char *key, const void *all, size_t size, const void *const *items, uint32_t n)
{
	json_t *list = json_object_get(cluster, key), *out = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append(
			out, json_array_get(list, (size_t)((const char *)items[i] - (const char *)all) / size));
	return out;
}

static json_t *findings_of(const struct why *why)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < why->n_findings; i++)
		json_array_append_new(list, planfile_finding_to_json(why->findings[i]));
	return list;
}

static json_t *why_to_json(const struct why *why)
{
	const struct plan *plan = why->plan;
	json_auto_t *cluster = planfile_cluster_to_json(plan);
	json_t *json = json_object();
	json_object_set_new(json, "address", jsonio_text(why->address));
	json_object_set_new(json, "kind", jsonio_text(name_of(&why_kind_names, (int)why->kind)));
	json_object_set_new(json, "cluster", jsonio_text(plan->cluster));
	json_object_set_new(json, "position", jsonio_loc(why->loc));
	json_object_set_new(json, "as_wanted", json_boolean(!why->n_changes && !why->n_steps && !why->n_refusals));
	json_object_set_new(json, "changes",
		chosen(cluster, "changes", plan->changes.items, sizeof(struct change),
			(const void *const *)why->changes, why->n_changes));
	json_object_set_new(json, "steps",
		chosen(cluster, "steps", plan->steps, sizeof(struct step), (const void *const *)why->steps,
			why->n_steps));
	json_object_set_new(json, "refusals",
		chosen(cluster, "refusals", plan->refusals, sizeof(struct refusal), (const void *const *)why->refusals,
			why->n_refusals));
	json_object_set_new(json, "findings", findings_of(why));
	return json;
}

json_t *render_why_json(const struct why *const *whys, uint32_t n)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, why_to_json(whys[i]));
	return list;
}
