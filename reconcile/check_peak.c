/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much can be down, or being changed, at once. What is down from one step to another is an interval of the order;
 * one interval comes before another when its end comes before the other's beginning, in every order. A set of intervals
 * of which none comes before another can be down together: take all their beginnings with what must come before them,
 * and no end is among those. So the most is the largest such set, which by Dilworth's theorem is the number of
 * intervals less the largest matching of intervals with ones that come after them.
 */
#include "reconcile/check_parts.h"

#include "model/invariant_parts.h"

#include <string.h>

struct interval {
	uint32_t first, last; /* steps; 'first' NO_INDEX: from the beginning, 'last': to the end */
};

static bool comes_before(const struct reach *reach, const struct interval *a, const struct interval *b)
{
	return a->last != NO_INDEX && b->first != NO_INDEX &&
	       (a->last == b->first || reach_before(reach, a->last, b->first));
}

/* ---- VMs that are held down ---- */

/* Per VM from stop to start; one that we start and did not stop is owed, and down from the beginning. */
static struct interval *down_by_vm(const struct plan *plan)
{
	struct interval *of_vm = g_new(struct interval, plan->observed->n_vms + 1);
	for (uint32_t v = 0; v < plan->observed->n_vms; v++)
		of_vm[v] = (struct interval){ NO_INDEX, NO_INDEX };
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		if (step->kind == STEP_STOP_VM)
			of_vm[step->vm].first = i;
		if (step->kind == STEP_START_VM)
			of_vm[step->vm].last = i;
	}
	return of_vm;
}

static bool is_held(const struct interval *interval)
{
	return interval->first != NO_INDEX || interval->last != NO_INDEX;
}

struct matching {
	const struct reach *reach;
	const struct interval *intervals;
	uint32_t n;
	uint32_t *before; /* per interval the one that it is matched with as the later of the two, or NO_INDEX */
	bool *tried;      /* per interval, in this round */
};

/* Finds a later partner for 'sooner', moving the partners of others where that helps. */
static bool match(struct matching *matching, uint32_t sooner)
{
	for (uint32_t later = 0; later < matching->n; later++) {
		if (matching->tried[later] ||
			!comes_before(matching->reach, &matching->intervals[sooner], &matching->intervals[later]))
			continue;
		matching->tried[later] = true;
		if (matching->before[later] == NO_INDEX || match(matching, matching->before[later])) {
			matching->before[later] = sooner;
			return true;
		}
	}
	return false;
}

static uint32_t widest(const struct reach *reach, const GArray *intervals)
{
	uint32_t n = intervals->len, matched = 0;
	g_autofree uint32_t *before = g_new(uint32_t, n + 1);
	g_autofree bool *tried = g_new(bool, n + 1);
	struct matching matching = { reach, (const struct interval *)(void *)intervals->data, n, before, tried };
	for (uint32_t i = 0; i < n; i++)
		before[i] = NO_INDEX;
	for (uint32_t i = 0; i < n; i++) {
		memset(tried, 0, n * sizeof(bool));
		matched += match(&matching, i);
	}
	return n - matched;
}

static GArray *all_held(const struct plan *plan)
{
	g_autofree struct interval *of_vm = down_by_vm(plan);
	GArray *held = g_array_new(FALSE, FALSE, sizeof(struct interval));
	for (uint32_t v = 0; v < plan->observed->n_vms; v++)
		if (is_held(&of_vm[v]))
			g_array_append_val(held, of_vm[v]);
	return held;
}

uint32_t check_peak(const struct plan *plan)
{
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	g_autoptr(GArray) held = all_held(plan);
	return widest(reach, held);
}

/* The most that are down together with this one. */
static uint32_t widest_with(const struct reach *reach, const GArray *held, const struct interval *one)
{
	g_autoptr(GArray) others = g_array_new(FALSE, FALSE, sizeof(struct interval));
	for (guint i = 0; i < held->len; i++) {
		const struct interval *it = &g_array_index(held, struct interval, i);
		if (it != one && !comes_before(reach, it, one) && !comes_before(reach, one, it))
			g_array_append_val(others, *it);
	}
	return 1 + widest(reach, others);
}

int check_budget(const struct plan *plan, struct diags *diags)
{
	if (!plan->budget.set || plan->mode == PLAN_RESTORE)
		return 0;
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	g_autoptr(GArray) held = all_held(plan);
	uint32_t peak = widest(reach, held);
	for (guint i = 0; peak > plan->budget.allowed && i < held->len; i++) {
		const struct interval *it = &g_array_index(held, struct interval, i);
		uint32_t n = it->first == NO_INDEX ? 0 : widest_with(reach, held, it);
		if (n > plan->budget.allowed)
			return diag_add(diags, D_INVARIANT, plan->steps[it->first].loc, plan->steps[it->first].vm_name,
				"step %u (stop %s) would break '%s': %u VMs could be down at once, maxUnavailable "
				"allows %u",
				plan->steps[it->first].id, plan->steps[it->first].vm_name,
				name_of(&invariant_names, INV_BUDGET), n, plan->budget.allowed);
	}
	return 0;
}

/* ---- hosts that are being changed ---- */

/* A host is being changed in one of several ways: for each of its VMs that is down, and while its GPUs differ. */
struct changing {
	GArray *ways;    /* struct interval */
	bool from_start; /* it is being changed before the first step, so what this plan does there adds none */
};

/* A step after which the counts of a host's GPUs may differ, or stop to. */
static bool changes_count(const struct plan *plan, const struct step *step)
{
	return (step->kind == STEP_SET_COUNT || step->kind == STEP_MOUNT_GPU) &&
	       plan->rules->gpu_role[step->gpu] == ROLE_PARTITIONED && !rules_refuses(plan->rules, step->gpu);
}

/* Its GPUs change one by one: from a step on one of them until another is done. One that differed before is not being
 * changed by that. */
static void add_gpu_ways(const struct plan *plan, const struct reach *reach, struct changing *hosts)
{
	for (uint32_t j = 0; j < plan->n_steps; j++) {
		const struct step *last = &plan->steps[j];
		struct interval way = { NO_INDEX, j };
		if (!changes_count(plan, last))
			continue;
		for (uint32_t i = 0; i < plan->n_steps; i++) {
			const struct step *first = &plan->steps[i];
			way.first = i;
			if (i != j && first->host == last->host && changes_count(plan, first) &&
				!reach_before(reach, j, i))
				g_array_append_val(hosts[last->host].ways, way);
		}
	}
}

static void add_vm_ways(const struct plan *plan, struct changing *hosts)
{
	g_autofree struct interval *of_vm = down_by_vm(plan);
	for (uint32_t v = 0; v < plan->observed->n_vms; v++) {
		struct changing *host = &hosts[plan->observed->vms[v].host];
		if (!is_held(&of_vm[v]))
			continue;
		host->from_start |= of_vm[v].first == NO_INDEX;
		if (of_vm[v].last != NO_INDEX && plan->steps[of_vm[v].last].host != plan->observed->vms[v].host)
			continue; /* on its way from host to host it is of neither */
		g_array_append_val(host->ways, of_vm[v]);
	}
}

static bool differs_at_start(const struct plan *plan, uint32_t host)
{
	const struct host *it = &plan->observed->hosts[host];
	const struct gpu *first = NULL;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++) {
		const struct gpu *gpu = &plan->observed->gpus[g];
		if (!rules_counts(plan->rules, plan->observed, g) || gpu->state != GPU_PARTITIONABLE)
			continue; /* one that is still to be mounted differs from then on */
		if (first && !maybe_equal(first->count, gpu->count))
			return true;
		first = gpu;
	}
	return false;
}

struct crowd {
	const struct reach *reach;
	const struct changing *hosts;
	uint32_t n;
	GArray *chosen;  /* const struct interval *: ways of hosts to be changed that can be under way together */
	GArray *of_host; /* uint32_t: whose they are */
};

static bool fits(const struct crowd *crowd, const struct interval *way)
{
	for (guint i = 0; i < crowd->chosen->len; i++) {
		const struct interval *other = g_array_index(crowd->chosen, const struct interval *, i);
		if (comes_before(crowd->reach, way, other) || comes_before(crowd->reach, other, way))
			return false;
	}
	return true;
}

/* Are there 'more' hosts from 'from' on that can be changed together with the chosen ones, one of them not from the
 * start? */
static bool too_many(struct crowd *crowd, uint32_t from, uint32_t more, bool is_new)
{
	if (!more)
		return is_new;
	for (uint32_t h = from; h + more <= crowd->n; h++) {
		const GArray *ways = crowd->hosts[h].ways;
		for (guint w = 0; w < ways->len; w++) {
			const struct interval *way = &g_array_index(ways, struct interval, w);
			if (!fits(crowd, way))
				continue;
			g_array_append_val(crowd->chosen, way);
			g_array_append_val(crowd->of_host, h);
			if (too_many(crowd, h + 1, more - 1, is_new || !crowd->hosts[h].from_start))
				return true;
			g_array_set_size(crowd->chosen, crowd->chosen->len - 1);
			g_array_set_size(crowd->of_host, crowd->of_host->len - 1);
		}
	}
	return false;
}

int check_hosts(const struct plan *plan, struct diags *diags)
{
	uint32_t n = plan->observed->n_hosts, most = MAX(plan->rules->max_hosts, 1);
	if (plan->mode == PLAN_RESTORE || plan->rules->strategy != STRATEGY_ROLLING || n <= most)
		return 0;
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	g_autofree struct changing *hosts = g_new0(struct changing, n);
	for (uint32_t h = 0; h < n; h++) {
		hosts[h].ways = g_array_new(FALSE, FALSE, sizeof(struct interval));
		hosts[h].from_start = differs_at_start(plan, h);
	}
	add_gpu_ways(plan, reach, hosts);
	add_vm_ways(plan, hosts);
	g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(const struct interval *));
	g_autoptr(GArray) of_host = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct crowd crowd = { reach, hosts, n, chosen, of_host };
	bool broken = too_many(&crowd, 0, most + 1, false);
	for (uint32_t h = 0; h < n; h++)
		g_array_unref(hosts[h].ways);
	if (!broken)
		return 0;
	return diag_add(diags, D_INVARIANT, LOC_NONE, NULL,
		"the plan would break '%s': hosts '%s' and '%s' could be changed at the same time, maxHosts is %u",
		name_of(&invariant_names, INV_HOMOGENEOUS),
		plan->observed->hosts[g_array_index(of_host, uint32_t, 0)].name,
		plan->observed->hosts[g_array_index(of_host, uint32_t, most)].name, most);
}
