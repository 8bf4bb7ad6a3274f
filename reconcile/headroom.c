/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/headroom.h"

#include "reconcile/counts.h"

struct host_room {
	uint32_t host;
	uint64_t offered;
	uint64_t fixed; /* partitions of VMs that can run on no other host: pinned, or not clustered */
	bool lost;
};

struct demand {
	const struct wants *wants;
	const struct world *goal;
	bool running_only;
	uint32_t n_lost; /* hosts */
};

static bool counts_in(const struct demand *demand, uint32_t vm)
{
	return vm_is_running(&demand->goal->vms[vm]) ||
	       (!demand->running_only && demand->wants->vms[vm].ownership == VM_MANAGED);
}

static bool cannot_move(const struct vm *vm)
{
	bool fixed = vm->clustered != TRI_YES;
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		fixed |= vm->adapters[a].pin != NULL;
	return fixed;
}

/* ---- which hosts are lost ---- */

static int by_offered(const void *a, const void *b)
{
	const struct host_room *left = a, *right = b;
	if (left->offered != right->offered)
		return left->offered > right->offered ? -1 : 1;
	if (left->fixed != right->fixed)
		return left->fixed > right->fixed ? -1 : 1;
	return left->host < right->host ? -1 : left->host > right->host;
}

static int by_fixed(const void *a, const void *b)
{
	const struct host_room *left = a, *right = b;
	return left->fixed != right->fixed ? (left->fixed > right->fixed ? -1 : 1) : by_offered(a, b);
}

/* Who cannot move takes the partitions of its host, the others find what is left anywhere. */
static uint64_t missing_without(struct host_room *rooms, uint32_t n, uint32_t n_lost, uint64_t movable)
{
	uint64_t missing = 0, left = 0;
	for (uint32_t i = 0; i < n; i++) {
		rooms[i].lost = i < n_lost;
		uint64_t offered = rooms[i].lost ? 0 : rooms[i].offered;
		missing += rooms[i].fixed > offered ? rooms[i].fixed - offered : 0;
		left += rooms[i].fixed < offered ? offered - rooms[i].fixed : 0;
	}
	return missing + (movable > left ? movable - left : 0);
}

/* The partitions that would be missing with the worst hosts gone: those that offer most, or, where that is worse, those
 * with most VMs that cannot move. 'rooms' (one per host of the goal) says which. */
static uint64_t missing_at(const struct demand *demand, uint64_t count, struct host_room *rooms, bool *known)
{
	const struct world *goal = demand->goal;
	uint64_t movable = 0;
	for (uint32_t h = 0; h < goal->n_hosts; h++)
		rooms[h] = (struct host_room){ h, counts_offered(demand->wants, goal, h, count, known), 0, false };
	for (uint32_t i = 0; i < goal->n_vms; i++) {
		if (!counts_in(demand, i))
			continue;
		if (cannot_move(&goal->vms[i]))
			rooms[goal->vms[i].host].fixed += goal->vms[i].n_adapters;
		else
			movable += goal->vms[i].n_adapters;
	}
	qsort(rooms, goal->n_hosts, sizeof(*rooms), by_fixed);
	uint64_t of_fixed = missing_without(rooms, goal->n_hosts, demand->n_lost, movable);
	qsort(rooms, goal->n_hosts, sizeof(*rooms), by_offered);
	uint64_t of_offered = missing_without(rooms, goal->n_hosts, demand->n_lost, movable);
	if (of_fixed <= of_offered)
		return of_offered;
	qsort(rooms, goal->n_hosts, sizeof(*rooms), by_fixed);
	return missing_without(rooms, goal->n_hosts, demand->n_lost, movable);
}

static bool nothing_is_missing(uint32_t count, const void *user)
{
	const struct demand *demand = user;
	g_autofree struct host_room *rooms = g_new0(struct host_room, demand->goal->n_hosts);
	bool known = true;
	return missing_at(demand, count, rooms, &known) == 0 && known;
}

/* ---- what is said ---- */

static bool is_excluded(const struct wants *wants, const char *host)
{
	const struct spec_host *line = cluster_find_host(wants->input->cluster, host);
	return line && line->exclude;
}

static uint32_t n_missing_hosts(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	uint32_t n = 0;
	for (uint32_t i = 0; i < world->n_missing; i++)
		n += !is_excluded(wants, world->missing[i].name);
	return n;
}

/* "'hv03' (missing now), 'hv01' and 'hv02'" */
static char *lost_names(const struct wants *wants, const struct host_room *rooms)
{
	const struct world *world = wants->input->observed;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (uint32_t i = 0; i < world->n_missing; i++)
		if (!is_excluded(wants, world->missing[i].name))
			g_ptr_array_add(names, g_strdup_printf("'%s' (missing now)", world->missing[i].name));
	for (uint32_t i = 0; i < world->n_hosts; i++)
		if (rooms[i].lost)
			g_ptr_array_add(names, g_strdup_printf("'%s'", world->hosts[rooms[i].host].name));
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(text, "%s%s",
			!i                   ? ""
			: i + 1 < names->len ? ", "
					     : " and ",
			(char *)names->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* True: a finding was added. */
static bool advise_failures(const struct wants *wants, const struct world *goal, bool running_only)
{
	const struct spec_cluster *cluster = wants->input->cluster;
	uint32_t gone = n_missing_hosts(wants), failures = cluster->resilience.host_failures;
	struct demand demand = { wants, goal, running_only, failures > gone ? failures - gone : 0 };
	g_autofree struct host_room *rooms = g_new0(struct host_room, goal->n_hosts);
	struct loc loc = head_loc(&cluster->resilience.head, "hostFailures");
	bool known = true;
	uint64_t missing = missing_at(&demand, 0, rooms, &known);
	if (!known) {
		diag_add(wants->diags, D_UNKNOWN_FACT, loc, cluster->name,
			"not all partition counts of cluster '%s' are known, so it cannot be told whether its VMs fit "
			"after the loss of %u hosts",
			cluster->name, failures);
		return true;
	}
	if (!missing)
		return false;
	g_autofree char *names = lost_names(wants, rooms);
	diag_add(wants->diags, D_HEADROOM, loc, cluster->name,
		"after the loss of %s, %" G_GUINT64_FORMAT
		" of the partitions that %s would be missing; counts that would do: %s",
		names, missing, running_only ? "running VMs have" : "all VMs have, off ones too,",
		counts_that(wants, nothing_is_missing, &demand));
	return true;
}

static void advise_all_running(const struct wants *wants, const struct world *goal)
{
	const struct demand demand = { wants, goal, false, 0 };
	g_autofree struct host_room *rooms = g_new0(struct host_room, goal->n_hosts);
	bool known = true;
	uint64_t missing = missing_at(&demand, 0, rooms, &known), offered = 0, needed = 0;
	if (!known || !missing)
		return;
	for (uint32_t h = 0; h < goal->n_hosts; h++)
		offered += rooms[h].offered;
	for (uint32_t i = 0; i < goal->n_vms; i++)
		needed += counts_in(&demand, i) ? goal->vms[i].n_adapters : 0;
	diag_add(wants->diags, D_CAPACITY_OFF, wants->partitioned ? wants->partitioned->head.loc : LOC_NONE,
		wants->input->cluster->name,
		"cluster '%s' offers %" G_GUINT64_FORMAT " partitions, and %" G_GUINT64_FORMAT
		" are assigned: with all VMs running, %" G_GUINT64_FORMAT " would be missing; counts that would do: %s",
		wants->input->cluster->name, offered, needed, missing, counts_that(wants, nothing_is_missing, &demand));
}

void headroom_advise(const struct wants *wants, const struct world *goal)
{
	if (!n_missing_hosts(wants))
		advise_all_running(wants, goal);
	/* of what runs, first: it is the harder promise, and says enough */
	if (wants->input->cluster->resilience.host_failures && !advise_failures(wants, goal, true))
		advise_failures(wants, goal, false);
}
