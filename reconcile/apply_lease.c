/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "base/clock.h"
#include "reconcile/endpoints.h"
#include "reconcile/majority.h"

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
			"'%s' can only be looked at; hosts are changed through ssh://USER@HOST, local: or sim:FILE",
			endpoint->address);
	return 0;
}

int leases_open(struct apply *apply, const char *const *hosts, uint32_t n_hosts)
{
	struct endpoints endpoints;
	const struct run_options *options = &apply->options->run;
	if (endpoints_make(apply->arena, options->hosts, apply->run->spec, &endpoints, apply->diags) < 0)
		return -1;
	apply->links = arena_array(apply->arena, struct link, n_hosts);
	apply->n_links = 0;
	for (uint32_t i = 0; i < n_hosts; i++)
		apply->links[apply->n_links++] = (struct link){ .apply = apply, .host = hosts[i] };
	qsort(apply->links, apply->n_links, sizeof(*apply->links), by_host);
	for (uint32_t i = 0; i < apply->n_links; i++) {
		if (open_link(apply, &endpoints, &apply->links[i]) < 0)
			return -1;
	}
	return 0;
}

static int check_majority(struct apply *apply)
{
	const struct world *world = apply->approved->observed;
	if (majority_is_observed(world))
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
	bool answered = answer->error != HOST_UNREACHABLE && answer->error != HOST_TIMEOUT;
	return diag_add(apply->diags, answered ? D_LEASE_REFUSED : D_HOST_UNOBSERVED, LOC_NONE, subject,
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
	if (leases_open(apply, hosts, n_hosts) < 0 || take_leases(apply) < 0)
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
