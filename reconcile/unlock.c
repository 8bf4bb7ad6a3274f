/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/unlock.h"

#include "reconcile/apply_parts.h"
#include "reconcile/history.h"

#include <string.h>

enum { UNLOCK_DEADLINE_S = 60 };

static bool is_of(const struct run *run, const struct spec_cluster *cluster, const struct host *host, const char *name)
{
	if (run->options.source)
		return cluster && cluster_find_host(cluster, host->name);
	return (host->record && g_strcmp0(host->record->cluster, name) == 0) ||
	       (host->cluster_name && g_ascii_strcasecmp(host->cluster_name, name) == 0);
}

static int end_lease(struct apply *apply, struct link *link, struct unlock_held *held)
{
	struct request request = { .kind = REQUEST_END_LEASE, .deadline_s = UNLOCK_DEADLINE_S };
	struct answer answer = link_ask_wait(link, &request);
	held->ended = answer.error == HOST_OK;
	if (held->ended)
		return 0;
	g_autofree char *subject = g_strdup_printf("host/%s", held->host);
	return diag_add(apply->diags, D_LEASE, LOC_NONE, subject, "the lease of host '%s' could not be ended: %s",
		held->host, answer_text(apply->arena, &answer));
}

static struct unlock_held *find_held(struct unlock_held *all, uint32_t n, const char *host)
{
	for (uint32_t i = 0; i < n; i++)
		if (g_ascii_strcasecmp(all[i].host, host) == 0)
			return &all[i];
	BUG("host '%s' was opened for nothing", host);
}

static void write_down(struct apply *apply, const struct run *run, const struct unlock_options *options,
	const struct unlock_held *all, uint32_t n)
{
	struct history_decision *decisions = arena_array(apply->arena, struct history_decision, n);
	const char *what = arena_printf(apply->arena, "end the lease of run %s", options->run_id);
	uint32_t n_ended = 0;
	for (uint32_t i = 0; i < n; i++)
		if (all[i].ended)
			decisions[n_ended++] = (struct history_decision){ .host = all[i].host, .what = what };
	if (n_ended)
		history_decided(options->journal, "unlock", apply->run_id, run, options->cluster, decisions, n_ended,
			run->options.now, apply->diags);
}

/* A part of the time alone would mean whichever run holds the cluster by now: it must be told what stands behind it, of which
 * 'history' shows the beginning. */
enum { PREFIX_MIN = 4 };

static bool is_named(const char *run, const char *prefix)
{
	const char *dash = strrchr(run, '-');
	size_t n_time = dash ? (size_t)(dash + 1 - run) : 0, n = strlen(prefix);
	if (!dash)
		return false;
	return (n >= n_time + PREFIX_MIN && g_str_has_prefix(run, prefix)) ||
	       (n >= PREFIX_MIN && g_str_has_prefix(dash + 1, prefix));
}

/* The run that 'id' means of those that hold a host: the one of that id, or the only one that it is the beginning of. */
static const char *find_run(
	const struct unlock_held *all, uint32_t n, const struct unlock_options *options, struct diags *diags)
{
	const char *id = options->run_id, *found = NULL, *other = NULL;
	for (uint32_t i = 0; i < n; i++) {
		const char *run = all[i].lease->run;
		if (g_strcmp0(run, id) == 0)
			return run;
		if (!run || !is_named(run, id) || g_strcmp0(run, found) == 0)
			continue;
		other = found;
		found = run;
	}
	if (!found)
		diag_add(diags, D_LEASE, LOC_NONE, NULL,
			"run '%s' holds no host of cluster '%s'; 'hvgpu unlock %s' without --run says who does", id,
			options->cluster, options->cluster);
	else if (other)
		diag_add(diags, D_LEASE, LOC_NONE, NULL, "'%s' may be run '%s' or run '%s'; write more of it", id,
			other, found);
	return other ? NULL : found;
}

/* Only leases of that very run: who reads its name a moment too late ends nobody else's. */
static int end_leases(
	struct run *run, const struct unlock_options *options, struct unlock_held *all, uint32_t n, struct diags *diags)
{
	const char **hosts = arena_array(diags->arena, const char *, n);
	uint32_t n_hosts = 0;
	for (uint32_t i = 0; i < n; i++)
		if (g_strcmp0(all[i].lease->run, options->run_id) == 0)
			hosts[n_hosts++] = all[i].host;
	const struct apply_options with = { .run = options->run,
		.interrupts = options->count_interrupts ? options->count_interrupts() : NULL,
		.run_id = options->run_id };
	struct apply apply;
	apply_start(&apply, run, &with, NULL);
	int result = leases_open(&apply, hosts, n_hosts);
	for (uint32_t i = 0; result == 0 && i < apply.n_links; i++)
		(void)!end_lease(&apply, &apply.links[i], find_held(all, n, apply.links[i].host));
	leases_release(&apply);
	write_down(&apply, run, options, all, n);
	result = apply.diags->n_errors ? -1 : result;
	diags_append(diags, apply.diags);
	apply_end(&apply);
	return result;
}

static int unlock(struct run *run, const struct unlock_options *options, const struct unlock_held **out,
	uint32_t *n_out, struct diags *diags)
{
	const struct spec_cluster *cluster = run->spec ? spec_find_cluster(run->spec, options->cluster) : NULL;
	struct unlock_held *all = arena_array(diags->arena, struct unlock_held, run->n_states);
	uint32_t n = 0, n_hosts = 0;
	for (uint32_t i = 0; i < run->n_states; i++) {
		const struct host *host = &run->states[i]->host;
		if (!is_of(run, cluster, host, options->cluster))
			continue;
		n_hosts++;
		if (host->lease)
			all[n++] = (struct unlock_held){ .host = host->name, .lease = host->lease };
	}
	*out = all;
	*n_out = n;
	diags_append(diags, run->diags); /* hosts that did not answer may be held too */
	if (run->options.source && run->spec && !cluster)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "no manifest of '%s' is about a cluster '%s'",
			run->options.source, options->cluster);
	if (!n_hosts && !diags->n_errors)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"no host says that it is of cluster '%s'; give the manifests as SOURCE", options->cluster);
	if (!options->run_id)
		return diags->n_errors ? -1 : 0;
	struct unlock_options meant = *options;
	meant.run_id = find_run(all, n, options, diags);
	return meant.run_id ? end_leases(run, &meant, all, n, diags) : -1;
}

int unlock_cluster(
	const struct unlock_options *options, const struct unlock_held **out, uint32_t *n_out, struct diags *diags)
{
	struct run_options observe = options->run;
	observe.until = STAGE_OBSERVE;
	struct run *run = run_pipeline(&observe);
	int result = unlock(run, options, out, n_out, diags);
	arena_adopt(diags->arena, run->arena); /* findings and leases point into it */
	return result;
}
