/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/endpoints.h"
#include "reconcile/observe.h"
#include "reconcile/planner.h"
#include "reconcile/run_plan.h"

#include <string.h>

static int load(struct run *run);
static int choose_clusters(struct run *run, const struct spec_cluster ***out, uint32_t *n_out);
static int observe(struct run *run, const struct spec_cluster *const *clusters, uint32_t n_clusters);

struct run *run_pipeline(const struct run_options *options)
{
	struct arena *arena = arena_new();
	struct run *run = arena_new_of(arena, struct run);
	run->arena = arena;
	run->options = *options;
	run->options.watch = NULL;
	run->now = options->now;
	run->diags = diags_new(arena);
	if (options->source && load(run) < 0)
		return run;
	const struct spec_cluster **clusters = NULL;
	uint32_t n_clusters = 0;
	if (run->spec && choose_clusters(run, &clusters, &n_clusters) < 0)
		return run;
	if (options->until == STAGE_LOAD)
		return run;
	if (options->watch && options->watch->loaded)
		options->watch->loaded(run, options->watch->user);
	if (observe(run, clusters, n_clusters) < 0 || options->until == STAGE_OBSERVE)
		return run;
	if (run->spec)
		run_plan_clusters(run, clusters, n_clusters, options->watch);
	else
		run_plan_hosts(run, options->watch);
	return run;
}

void run_free(struct run *run)
{
	if (run)
		arena_free(run->arena);
}

enum exit_code run_exit(const struct run *run)
{
	enum exit_code code = run->diags->exit;
	for (uint32_t i = 0; i < run->n_plans; i++)
		code = exit_worse(code, plan_exit(run->plans[i]));
	return code;
}

/* ---- load ---- */

static int load(struct run *run)
{
	if (source_read(run->options.source, run->arena, &run->tree, run->diags) < 0)
		return -1;
	run->owner = run->options.owner ? run->options.owner : run->tree.owner;
	if (run->options.verify &&
		source_verify(&run->tree, run->options.allowed_signers, run->arena, &run->signer, run->diags) < 0)
		return -1;
	const struct source **sources = arena_array(run->arena, const struct source *, run->tree.n_files);
	for (uint32_t i = 0; i < run->tree.n_files; i++)
		sources[i] = &run->tree.files[i].source;
	return spec_load(run->arena, sources, run->tree.n_files, &run->spec, run->diags);
}

static int unknown_cluster(struct run *run, const char *name)
{
	g_autoptr(GString) known = g_string_new(NULL);
	for (uint32_t i = 0; i < run->spec->n_clusters && i < 8; i++)
		g_string_append_printf(known, "%s'%s'", i ? ", " : "", run->spec->clusters[i].name);
	if (run->spec->n_clusters > 8)
		g_string_append(known, ", …");
	return diag_add(run->diags, D_REFERENCE, LOC_NONE, NULL, "--cluster '%s' is in no manifest; there is %s", name,
		known->len ? known->str : "none");
}

static int by_cluster_name(const void *a, const void *b)
{
	const struct spec_cluster *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

/* All clusters, or the ones that --cluster names, once each, by name. */
static int choose_clusters(struct run *run, const struct spec_cluster ***out, uint32_t *n_out)
{
	const struct run_options *options = &run->options;
	uint32_t n = options->n_clusters ? options->n_clusters : run->spec->n_clusters, n_kept = 0;
	const struct spec_cluster **clusters = arena_array(run->arena, const struct spec_cluster *, n);
	int result = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct spec_cluster *cluster = &run->spec->clusters[i];
		if (options->n_clusters)
			cluster = spec_find_cluster(run->spec, options->clusters[i]);
		if (cluster)
			clusters[n_kept++] = cluster;
		else
			result = unknown_cluster(run, options->clusters[i]);
	}
	qsort(clusters, n_kept, sizeof(*clusters), by_cluster_name);
	*n_out = 0;
	for (uint32_t i = 0; i < n_kept; i++) {
		if (!*n_out || clusters[*n_out - 1] != clusters[i])
			clusters[(*n_out)++] = clusters[i];
	}
	*out = clusters;
	return result;
}

/* ---- observe ---- */

struct wish {                         /* a host to look at, and what it means when that fails */
	const struct spec_host *host; /* NULL: no manifest names it */
	const char *name;
	const struct endpoint *endpoint;
};

static GArray *wishes_of_clusters(
	const struct endpoints *endpoints, const struct spec_cluster *const *clusters, uint32_t n_clusters)
{
	GArray *wishes = g_array_new(FALSE, FALSE, sizeof(struct wish));
	for (uint32_t i = 0; i < n_clusters; i++) {
		for (uint32_t k = 0; k < clusters[i]->n_hosts; k++) {
			const struct spec_host *host = &clusters[i]->hosts[k];
			struct wish wish = { host, host->name, endpoints_find(endpoints, host->name) };
			g_array_append_val(wishes, wish);
		}
	}
	return wishes;
}

static GArray *wishes_of_all(const struct endpoints *endpoints)
{
	GArray *wishes = g_array_new(FALSE, FALSE, sizeof(struct wish));
	for (uint32_t i = 0; i < endpoints->n; i++) {
		struct wish wish = { NULL, endpoints->items[i].host, &endpoints->items[i] };
		g_array_append_val(wishes, wish);
	}
	return wishes;
}

static GArray *wishes_of_plans(const struct endpoints *endpoints, struct plan *const *plans, uint32_t n_plans)
{
	GArray *wishes = g_array_new(FALSE, FALSE, sizeof(struct wish));
	for (uint32_t i = 0; i < n_plans; i++) {
		for (uint32_t k = 0; k < plans[i]->observed->n_hosts; k++) {
			const char *name = plans[i]->observed->hosts[k].name;
			struct wish wish = { NULL, name, endpoints_find(endpoints, name) };
			g_array_append_val(wishes, wish);
		}
	}
	return wishes;
}

/* Looks at the hosts that have an address. The others, and those that do not answer, are missing, which is no error
 * where the manifest says that the host is in maintenance or left alone. */
static void look_at(struct run *run, const struct endpoints *endpoints, const struct wish *wishes, uint32_t n)
{
	g_autoptr(GMainContext) context = g_main_context_new();
	g_autofree struct look *looks = g_new0(struct look, n + 1);
	g_autofree const struct spec_host **hosts = g_new0(const struct spec_host *, n + 1);
	uint32_t n_known = 0, n_unknown = 0;
	g_autoptr(GHashTable) wished = g_hash_table_new(NULL, NULL);
	for (uint32_t i = 0; i < n; i++)
		g_hash_table_add(wished, (gpointer)wishes[i].endpoint);
	for (uint32_t i = 0; i < n; i++) { /* First those to look at, at the end those without an address. */
		const struct endpoint *endpoint = wishes[i].endpoint;
		uint32_t at = endpoint ? n_known++ : n - ++n_unknown;
		hosts[at] = wishes[i].host;
		looks[at] = (struct look){ .code = endpoints->code, .reason = endpoints->reason };
		if (!endpoint)
			looks[at].meant = endpoints_meant(run->arena, endpoints, wishes[i].name, wished);
		looks[at].endpoint = endpoint ? *endpoint : (struct endpoint){ .host = wishes[i].name };
	}
	struct observe_options options = { .context = context, .now = run->now, .max_age_s = run->options.max_age_s };
	observe_looks(run->arena, looks, n_known, &options);
	for (uint32_t i = 0; i < n; i++) {
		if (!looks[i].state && !(hosts[i] && (hosts[i]->maintenance || hosts[i]->exclude)))
			observe_report(&looks[i], hosts[i] ? hosts[i]->head.loc : LOC_NONE, run->diags);
	}
	diags_sort(run->diags);
	struct observed sum = observe_sum(run->arena, looks, n);
	run->states = sum.states;
	run->n_states = sum.n_states;
	run->missing = sum.missing;
	run->n_missing = sum.n_missing;
}

static int observe(struct run *run, const struct spec_cluster *const *clusters, uint32_t n_clusters)
{
	struct endpoints endpoints;
	if (endpoints_make(run->arena, run->options.hosts, run->spec, &endpoints, run->diags) < 0)
		return -1;
	g_autoptr(GArray) wishes =
		run->spec ? wishes_of_clusters(&endpoints, clusters, n_clusters) : wishes_of_all(&endpoints);
	look_at(run, &endpoints, (const struct wish *)wishes->data, wishes->len);
	return 0;
}

int run_look(struct run *run)
{
	struct endpoints endpoints;
	if (endpoints_make(run->arena, run->options.hosts, run->spec, &endpoints, run->diags) < 0)
		return -1;
	g_autoptr(GArray) wishes = wishes_of_plans(&endpoints, run->plans, run->n_plans);
	look_at(run, &endpoints, (const struct wish *)wishes->data, wishes->len);
	return 0;
}
