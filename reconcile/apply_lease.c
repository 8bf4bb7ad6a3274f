/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "base/clock.h"
#include "reconcile/endpoints.h"

#include <string.h>

enum { LEASE_DEADLINE_S = 60 };

static int by_host(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	return g_ascii_strcasecmp(x->host, y->host);
}

static int open_link(struct apply *apply, const struct endpoints *endpoints, struct link *link)
{
	const struct endpoint *endpoint = endpoints_find(endpoints, link->host);
	g_autofree char *subject = g_strdup_printf("host/%s", link->host);
	if (!endpoint)
		return diag_add(apply->diags, endpoints->code, LOC_NONE, subject, "host '%s' cannot be reached: %s",
			link->host, endpoints->reason);
	if (host_open(apply->context, endpoint, &link->session, apply->diags) < 0)
		return -1;
	if (!link->session->provider->performs)
		return diag_add(apply->diags, D_HOST_SCHEME, LOC_NONE, subject,
			"'%s' can only be looked at; apply needs hosts that can be changed, like sim:FILE",
			endpoint->address);
	return 0;
}

static int open_links(struct apply *apply, const char *const *hosts, uint32_t n_hosts)
{
	struct endpoints endpoints;
	const struct run_options *options = &apply->options->run;
	if (endpoints_make(apply->arena, options->hosts, apply->run->spec, &endpoints, apply->diags) < 0)
		return -1;
	apply->links = arena_array(apply->arena, struct link, n_hosts);
	for (uint32_t i = 0; i < n_hosts; i++)
		apply->links[apply->n_links++] = (struct link){ .apply = apply, .host = hosts[i] };
	qsort(apply->links, apply->n_links, sizeof(*apply->links), by_host);
	for (uint32_t i = 0; i < apply->n_links; i++) {
		if (open_link(apply, &endpoints, &apply->links[i]) < 0)
			return -1;
	}
	return 0;
}

static bool is_missing(const struct world *world, const char *name)
{
	for (uint32_t i = 0; i < world->n_missing; i++) {
		if (g_ascii_strcasecmp(world->missing[i].name, name) == 0)
			return true;
	}
	return false;
}

/* A failover cluster with hosts missing: another run could hold those. A majority of its hosts is enough, or all the
 * nodes that a node which is Up does not report as Down. Standalone hosts share nothing, so each is its own lock. */
static int check_majority(struct apply *apply)
{
	const struct world *world = apply->approved->observed;
	if (!world->n_missing || !world->n_hosts || !world->hosts[0].cluster_name)
		return 0;
	if (world->n_hosts > world->n_missing)
		return 0;
	bool all_down = false;
	for (uint32_t i = 0; i < world->n_hosts && !all_down; i++) {
		bool is_up = false;
		all_down = true;
		for (uint32_t k = 0; k < world->hosts[i].n_nodes; k++) {
			const struct cluster_node *node = &world->hosts[i].nodes[k];
			is_up |= node->state == NODE_UP && g_ascii_strcasecmp(node->name, world->hosts[i].name) == 0;
			all_down &= node->state == NODE_DOWN || !is_missing(world, node->name);
		}
		all_down &= is_up;
	}
	if (all_down)
		return 0;
	return diag_add(apply->diags, D_HOST_UNOBSERVED, LOC_NONE, NULL,
		"%u of %u hosts of this failover cluster are missing, so that another run could hold them; bring back "
		"a "
		"majority, or let a node report the others as Down",
		world->n_missing, world->n_missing + world->n_hosts);
}

static int refused(struct apply *apply, const struct link *link, const struct answer *answer)
{
	g_autofree char *subject = g_strdup_printf("host/%s", link->host);
	if (answer->error == HOST_LEASE_HELD) {
		const struct lease *lease = answer->lease;
		const char *since = lease ? clock_print(apply->arena, lease->since) : "?";
		return diag_add(apply->diags, D_LEASE, LOC_NONE, subject,
			"host '%s' is held by %s (run '%s') since %s; wait for it", link->host,
			lease && lease->holder ? lease->holder : "another run", lease && lease->run ? lease->run : "?",
			since);
	}
	return diag_add(apply->diags, D_HOST_UNOBSERVED, LOC_NONE, subject,
		"host '%s' did not give its lease: %s; nothing was changed", link->host,
		answer_text(apply->arena, answer));
}

static int take_leases(struct apply *apply)
{
	struct request request = { .kind = REQUEST_LEASE, .deadline_s = LEASE_DEADLINE_S };
	uint64_t highest = 0;
	for (uint32_t i = 0; i < apply->n_links; i++) {
		struct link *link = &apply->links[i];
		struct answer answer = link_ask_wait(link, &request);
		if (answer.error != HOST_OK)
			return refused(apply, link, &answer);
		link->leased = true;
		if (answer.epoch.known)
			highest = MAX(highest, answer.epoch.value);
	}
	apply->epoch = highest + 1;
	return 0;
}

static int take_epoch(struct apply *apply)
{
	struct request request = { .kind = REQUEST_EPOCH, .epoch = apply->epoch, .deadline_s = LEASE_DEADLINE_S };
	for (uint32_t i = 0; i < apply->n_links; i++) {
		struct answer answer = link_ask_wait(&apply->links[i], &request);
		if (answer.error != HOST_OK)
			return refused(apply, &apply->links[i], &answer);
	}
	return 0;
}

int leases_take_of(struct apply *apply, const char *const *hosts, uint32_t n_hosts)
{
	if (open_links(apply, hosts, n_hosts) < 0 || take_leases(apply) < 0)
		return -1;
	return take_epoch(apply);
}

/* Every host that was observed, those that are left alone too: the lock is the whole cluster's. */
int leases_take(struct apply *apply)
{
	const struct world *world = apply->approved->observed;
	const char **hosts = arena_array(apply->arena, const char *, world->n_hosts);
	for (uint32_t i = 0; i < world->n_hosts; i++)
		hosts[i] = world->hosts[i].name;
	return check_majority(apply) < 0 ? -1 : leases_take_of(apply, hosts, world->n_hosts);
}

void leases_release(struct apply *apply)
{
	struct request request = { .kind = REQUEST_RELEASE, .deadline_s = LEASE_DEADLINE_S };
	for (uint32_t i = 0; i < apply->n_links; i++) {
		struct link *link = &apply->links[i];
		request.epoch = apply->epoch;
		/* Closing the session releases too; the request only makes it orderly. */
		if (link->session && link->leased && apply_interrupts(apply) < 2)
			link_ask_wait(link, &request);
		host_close(link->session);
		link->session = NULL;
		link->leased = false;
	}
}
