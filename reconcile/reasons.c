/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/reasons.h"
#include "reconcile/order.h"

#include <string.h>

struct link { /* an edge as one of its ends sees it */
	uint32_t id;
	const char *rule;
};

struct serves { /* changes that a step is there for */
	const struct change *const *changes;
	uint32_t n;
};

struct reasons {
	struct arena *arena;
	const struct plan *plan;
	struct link *behind;    /* grouped by the step that is waited for */
	uint32_t *first_behind; /* of step 'id': from first_behind[id] to first_behind[id + 1] */
	struct serves *serves;  /* per step */
};

static const char *rule_of(const struct step *step, uint32_t k)
{
	return step->after_why ? step->after_why[k] : NULL;
}

static bool is_id(const struct plan *plan, uint32_t id)
{
	return id >= 1 && id <= plan->n_steps;
}

static void link_behind(struct reasons *reasons)
{
	const struct plan *plan = reasons->plan;
	uint32_t n = plan->n_steps, *first = arena_array(reasons->arena, uint32_t, n + 2);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++)
			if (is_id(plan, plan->steps[i].after[k]))
				first[plan->steps[i].after[k] + 1]++;
	for (uint32_t i = 1; i < n + 2; i++)
		first[i] += first[i - 1];
	reasons->behind = arena_array(reasons->arena, struct link, first[n + 1]);
	g_autofree uint32_t *at = g_memdup2(first, sizeof(*first) * (n + 2));
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < plan->steps[i].n_after; k++) {
			const struct step *step = &plan->steps[i];
			if (is_id(plan, step->after[k]))
				reasons->behind[at[step->after[k]]++] = (struct link){ step->id, rule_of(step, k) };
		}
	reasons->first_behind = first;
}

const char *reasons_sentence(const char *because)
{
	if (!because)
		return NULL;
	g_autofree char *first = g_strndup(because, strcspn(because, ","));
	int invariant = name_find(&invariant_names, first);
	return invariant >= 0 ? invariant_docs[invariant] : because;
}

static const char *because_of(const char *rule)
{
	const struct order_rule *row = rule ? order_rule_find(rule) : NULL;
	return row ? row->why : NULL;
}

/* Links with one rule become one reason, in the order in which the rules turn up. */
static uint32_t group(struct arena *arena, const struct link *links, uint32_t n, const struct reason **out)
{
	struct reason *reasons = arena_array(arena, struct reason, n);
	uint32_t n_reasons = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = 0, *steps = NULL;
		while (k < n_reasons && g_strcmp0(reasons[k].rule, links[i].rule) != 0)
			k++;
		if (k == n_reasons) {
			steps = arena_array(arena, uint32_t, n - i);
			reasons[n_reasons++] = (struct reason){ links[i].rule, because_of(links[i].rule), steps, 0 };
		}
		((uint32_t *)reasons[k].steps)[reasons[k].n_steps++] = links[i].id;
	}
	*out = reasons;
	return n_reasons;
}

uint32_t reasons_before(const struct reasons *reasons, uint32_t id, const struct reason **out)
{
	const struct step *step = &reasons->plan->steps[id - 1];
	g_autofree struct link *links = g_new0(struct link, step->n_after + 1);
	for (uint32_t k = 0; k < step->n_after; k++)
		links[k] = (struct link){ step->after[k], rule_of(step, k) };
	return group(reasons->arena, links, step->n_after, out);
}

uint32_t reasons_behind(const struct reasons *reasons, uint32_t id, const struct reason **out)
{
	uint32_t from = reasons->first_behind[id], to = reasons->first_behind[id + 1];
	return group(reasons->arena, &reasons->behind[from], to - from, out);
}

/* ---- changes ---- */

/* What a step or change is about, as one text: a VM, a GPU of a host, a pool of a host. */
static char *key_of(const char *vm_id, const char *host, const char *path, const char *pool)
{
	if (vm_id)
		return g_strdup_printf("vm/%s", vm_id);
	return g_strdup_printf("host/%s/%s/%s", host ? host : "?", path ? "gpu" : "pool", path ? path : pool);
}

static char *key_of_step(const struct step *step)
{
	return key_of(step->vm_id, step->host_name, step->location_path, step->pool);
}

static char *key_of_change(const struct world *world, const struct change *change)
{
	return key_of(change->vm < world->n_vms ? world->vms[change->vm].id : NULL,
		change->host < world->n_hosts ? world->hosts[change->host].name : NULL,
		change->gpu < world->n_gpus ? world->gpus[change->gpu].location_path : NULL, change->pool);
}

static GPtrArray *list_for(GHashTable *lists, char *key)
{
	GPtrArray *list = g_hash_table_lookup(lists, key);
	if (list) {
		g_free(key);
		return list;
	}
	list = g_ptr_array_new();
	g_hash_table_insert(lists, key, list);
	return list;
}

static GHashTable *lists_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
}

static struct serves serves_of(struct arena *arena, const GPtrArray *found)
{
	const void *copy = arena_copy(arena, found->pdata, sizeof(void *) * found->len);
	return (struct serves){ copy, found->len };
}

static void set_own_changes(struct reasons *reasons)
{
	const struct plan *plan = reasons->plan;
	g_autoptr(GHashTable) lists = lists_new();
	for (uint32_t i = 0; i < plan->changes.n; i++)
		g_ptr_array_add(list_for(lists, key_of_change(plan->observed, &plan->changes.items[i])),
			(gpointer)&plan->changes.items[i]);
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		g_autofree char *key = key_of_step(&plan->steps[i]);
		const GPtrArray *list = g_hash_table_lookup(lists, key);
		if (list)
			reasons->serves[i] = serves_of(reasons->arena, list);
	}
}

/* Adds the changes of a GPU step, each once. */
static void add_gpu_changes(
	const struct reasons *reasons, uint32_t id, const char *host, GHashTable *seen, GPtrArray *found)
{
	const struct step *step = &reasons->plan->steps[id - 1];
	const struct serves *serves = &reasons->serves[id - 1];
	if (!step->location_path || (host && g_strcmp0(step->host_name, host) != 0))
		return;
	for (uint32_t i = 0; i < serves->n; i++)
		if (g_hash_table_add(seen, (gpointer)serves->changes[i]))
			g_ptr_array_add(found, (gpointer)serves->changes[i]);
}

/* What the GPU steps change that a VM's steps are tied to directly: those of 'host', or with NULL of any. */
static void gather_made_way_for(
	const struct reasons *reasons, const GPtrArray *vm_steps, const char *host, GPtrArray *found)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	for (guint i = 0; i < vm_steps->len; i++) {
		const struct step *step = vm_steps->pdata[i];
		for (uint32_t k = 0; k < step->n_after; k++)
			if (is_id(reasons->plan, step->after[k]))
				add_gpu_changes(reasons, step->after[k], host, seen, found);
		for (uint32_t k = reasons->first_behind[step->id]; k < reasons->first_behind[step->id + 1]; k++)
			add_gpu_changes(reasons, reasons->behind[k].id, host, seen, found);
	}
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *const *x = a, *const *y = b;
	return (*x > *y) - (*x < *y);
}

/* VMs that do not change themselves are in the plan because of GPUs. */
static void set_changes_made_way_for(struct reasons *reasons)
{
	const struct plan *plan = reasons->plan;
	g_autoptr(GHashTable) vms = lists_new();
	GHashTableIter iter;
	gpointer list;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].vm_id && !reasons->serves[i].n)
			g_ptr_array_add(list_for(vms, key_of_step(&plan->steps[i])), (gpointer)&plan->steps[i]);
	g_hash_table_iter_init(&iter, vms);
	while (g_hash_table_iter_next(&iter, NULL, &list)) {
		const GPtrArray *steps = list;
		g_autoptr(GPtrArray) found = g_ptr_array_new();
		gather_made_way_for(reasons, steps, ((const struct step *)steps->pdata[0])->host_name, found);
		if (!found->len)
			gather_made_way_for(reasons, steps, NULL, found);
		g_ptr_array_sort(found, compare_changes);
		struct serves serves = serves_of(reasons->arena, found);
		for (guint i = 0; i < steps->len; i++)
			reasons->serves[(const struct step *)steps->pdata[i] - plan->steps] = serves;
	}
}

uint32_t reasons_changes(const struct reasons *reasons, uint32_t id, const struct change *const **out)
{
	*out = reasons->serves[id - 1].changes;
	return reasons->serves[id - 1].n;
}

struct reasons *reasons_of(struct arena *arena, const struct plan *plan)
{
	struct reasons *reasons = arena_new_of(arena, struct reasons);
	*reasons = (struct reasons){ .arena = arena, .plan = plan };
	reasons->serves = arena_array(arena, struct serves, plan->n_steps);
	link_behind(reasons);
	set_own_changes(reasons);
	set_changes_made_way_for(reasons);
	return reasons;
}
