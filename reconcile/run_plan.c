/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/run_plan.h"

#include "reconcile/prudent.h"

#include <string.h>

enum { CLUSTERS_PER_THREAD = 8, THREADS_MAX = 16 };

struct job { /* one cluster to plan */
	const struct spec_cluster *cluster;
	const struct host_state **states;
	uint32_t n_states;
	struct missing_host *missing;
	uint32_t n_missing;
	struct plan *plan;
	gint done;
};

struct crew { /* threads that share the jobs */
	const struct run *run;
	struct job *jobs;
	uint32_t n_jobs;
	gint next;
	const struct run_watch *watch;
	uint32_t n_told; /* plans that the watch was told, by the first worker alone */
};

struct worker {
	struct crew *crew;
	struct arena *arena;
	bool tells; /* the one in the thread of run_pipeline() */
	GThread *thread;
};

struct plan_input run_plan_input(const struct run *run, const struct spec_cluster *cluster, const struct world *world)
{
	return (struct plan_input){
		.spec = run->spec,
		.cluster = cluster,
		.observed = world,
		.mode = run->options.mode,
		.owner = run->owner,
		.commit = run->tree.commit,
		.adopt = run->options.adopt,
		.now = run->now,
	};
}

const char *run_commit(const struct run *run, struct arena *arena)
{
	if (!run->tree.commit || !run->tree.dirty || strchr(run->tree.commit, '+'))
		return run->tree.commit;
	return arena_printf(arena, "%s+changes", run->tree.commit);
}

static void plan_job(const struct run *run, struct arena *arena, struct job *job)
{
	struct world *world = world_assemble(arena, job->states, job->n_states);
	world->missing = job->missing;
	world->n_missing = job->n_missing;
	struct plan_input input = run_plan_input(run, job->cluster, world);
	job->plan = prudent_plan(arena, &input);
}

/* Tells of all plans that are finished and have none unfinished before them. */
static void tell_planned(struct crew *crew)
{
	while (crew->watch && crew->n_told < crew->n_jobs && g_atomic_int_get(&crew->jobs[crew->n_told].done)) {
		crew->watch->planned(crew->run, crew->jobs[crew->n_told].plan, crew->watch->user);
		crew->n_told++;
	}
}

static gpointer work(gpointer user)
{
	struct worker *worker = user;
	struct crew *crew = worker->crew;
	for (;;) {
		uint32_t i = (uint32_t)g_atomic_int_add(&crew->next, 1);
		if (i >= crew->n_jobs)
			return NULL;
		plan_job(crew->run, worker->arena, &crew->jobs[i]);
		g_atomic_int_set(&crew->jobs[i].done, 1);
		if (worker->tells)
			tell_planned(crew);
	}
}

/* An arena belongs to one thread: each worker has its own, and the run's takes them over at the end. */
static void plan_jobs(struct run *run, struct job *jobs, uint32_t n, const struct run_watch *watch)
{
	struct crew crew = { .run = run, .jobs = jobs, .n_jobs = n };
	crew.watch = watch && watch->planned ? watch : NULL;
	struct worker workers[THREADS_MAX];
	uint32_t n_workers = CLAMP(n / CLUSTERS_PER_THREAD, 1, MIN(g_get_num_processors(), THREADS_MAX));
	for (uint32_t i = 0; i < n_workers; i++) {
		workers[i] = (struct worker){ &crew, arena_new(), i == 0, NULL };
		if (i)
			workers[i].thread = g_thread_new("plan", work, &workers[i]);
	}
	work(&workers[0]);
	for (uint32_t i = 0; i < n_workers; i++) {
		if (workers[i].thread)
			g_thread_join(workers[i].thread);
		arena_adopt(run->arena, workers[i].arena);
	}
	tell_planned(&crew);
	struct plan **plans = arena_array(run->arena, struct plan *, n);
	for (uint32_t i = 0; i < n; i++) {
		plans[i] = jobs[i].plan;
		plans[i]->diags->arena = run->arena;
	}
	run->plans = plans;
	run->n_plans = n;
}

/* ---- clusters of manifests ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct missing_host *)a)->name, ((const struct missing_host *)b)->name);
}

static GHashTable *index_names(const struct run *run, bool missing)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; !missing && i < run->n_states; i++)
		g_hash_table_insert(names, g_ascii_strdown(run->states[i]->host.name, -1), (gpointer)run->states[i]);
	for (uint32_t i = 0; missing && i < run->n_missing; i++)
		g_hash_table_insert(names, g_ascii_strdown(run->missing[i].name, -1), (gpointer)&run->missing[i]);
	return names;
}

struct looked_at { /* by host name in lower case */
	GHashTable *states, *missing;
};

static void gather_host(struct job *job, const struct looked_at *all, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	const struct host_state *state = g_hash_table_lookup(all->states, key);
	const struct missing_host *gone = g_hash_table_lookup(all->missing, key);
	if (state)
		job->states[job->n_states++] = state;
	else
		job->missing[job->n_missing++] = (struct missing_host){ name, gone ? gone->reason : "not observed" };
}

static void gather(struct arena *arena, struct job *job, const struct looked_at *all)
{
	const struct spec_cluster *cluster = job->cluster;
	job->states = arena_array(arena, const struct host_state *, cluster->n_hosts);
	job->missing = arena_array(arena, struct missing_host, cluster->n_hosts);
	for (uint32_t i = 0; i < cluster->n_hosts; i++)
		gather_host(job, all, cluster->hosts[i].name);
	qsort(job->missing, job->n_missing, sizeof(*job->missing), by_name);
}

void run_plan_clusters(
	struct run *run, const struct spec_cluster *const *clusters, uint32_t n_clusters, const struct run_watch *watch)
{
	g_autoptr(GHashTable) states = index_names(run, false);
	g_autoptr(GHashTable) missing = index_names(run, true);
	const struct looked_at all = { states, missing };
	struct job *jobs = arena_array(run->arena, struct job, n_clusters);
	for (uint32_t i = 0; i < n_clusters; i++) {
		jobs[i].cluster = clusters[i];
		gather(run->arena, &jobs[i], &all);
	}
	plan_jobs(run, jobs, n_clusters, watch);
}

/* ---- hosts without manifests ---- */

static const char *group_name(const struct host_state *state)
{
	return state->host.cluster_name ? state->host.cluster_name : state->host.name;
}

static int by_group(const void *a, const void *b)
{
	const struct host_state *const *x = a, *const *y = b;
	int order = g_ascii_strcasecmp(group_name(*x), group_name(*y));
	return order ? order : strcmp((*x)->host.name, (*y)->host.name);
}

static bool is_chosen(const struct run_options *options, const char *group)
{
	for (uint32_t i = 0; i < options->n_clusters; i++) {
		if (g_ascii_strcasecmp(options->clusters[i], group) == 0)
			return true;
	}
	return options->n_clusters == 0;
}

/* A host that fell away may belong to any failover cluster: each of them that lists it as a node misses it. */
static void gather_missing(struct run *run, struct job *job)
{
	g_autoptr(GHashTable) nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t i = 0; i < job->n_states; i++) {
		const struct host *host = &job->states[i]->host;
		for (uint32_t k = 0; k < host->n_nodes; k++)
			g_hash_table_add(nodes, g_ascii_strdown(host->nodes[k].name, -1));
	}
	job->missing = arena_array(run->arena, struct missing_host, run->n_missing);
	for (uint32_t i = 0; i < run->n_missing; i++) {
		g_autofree char *key = g_ascii_strdown(run->missing[i].name, -1);
		if (g_hash_table_contains(nodes, key))
			job->missing[job->n_missing++] = run->missing[i];
	}
}

static void report_unknown(struct run *run, const struct host_state *const *states)
{
	for (uint32_t i = 0; i < run->options.n_clusters; i++) {
		const char *name = run->options.clusters[i];
		bool known = false;
		for (uint32_t k = 0; k < run->n_states && !known; k++)
			known = g_ascii_strcasecmp(group_name(states[k]), name) == 0;
		if (!known)
			diag_add(run->diags, D_REFERENCE, LOC_NONE, NULL,
				"--cluster '%s' is neither a failover cluster nor a standalone host of --hosts", name);
	}
}

void run_plan_hosts(struct run *run, const struct run_watch *watch)
{
	const struct host_state **states = arena_array(run->arena, const struct host_state *, run->n_states);
	struct job *jobs = arena_array(run->arena, struct job, run->n_states);
	uint32_t n_jobs = 0;
	memcpy(states, run->states, sizeof(*states) * run->n_states);
	qsort(states, run->n_states, sizeof(*states), by_group);
	for (uint32_t i = 0, end; i < run->n_states; i = end) {
		struct job *job = &jobs[n_jobs];
		for (end = i + 1; end < run->n_states; end++) {
			if (!states[end]->host.cluster_name || !states[i]->host.cluster_name ||
				g_ascii_strcasecmp(group_name(states[end]), group_name(states[i])) != 0)
				break;
		}
		if (!is_chosen(&run->options, group_name(states[i])))
			continue;
		*job = (struct job){ .states = &states[i], .n_states = end - i };
		gather_missing(run, job);
		n_jobs++;
	}
	report_unknown(run, states);
	plan_jobs(run, jobs, n_jobs, watch);
}

/* ---- clusters of saved plans ---- */

/* What was missing for the saved plan still is: it knows nothing of those hosts. */
static void gather_saved(struct arena *arena, struct job *job, const struct looked_at *all, const struct world *then)
{
	job->states = arena_array(arena, const struct host_state *, then->n_hosts);
	job->missing = arena_array(arena, struct missing_host, then->n_hosts + then->n_missing);
	for (uint32_t i = 0; i < then->n_missing; i++)
		job->missing[job->n_missing++] = then->missing[i];
	for (uint32_t i = 0; i < then->n_hosts; i++)
		gather_host(job, all, then->hosts[i].name);
	qsort(job->missing, job->n_missing, sizeof(*job->missing), by_name);
}

void run_plan_saved(struct run *run, const struct run *saved)
{
	g_autoptr(GHashTable) states = index_names(run, false);
	g_autoptr(GHashTable) missing = index_names(run, true);
	const struct looked_at all = { states, missing };
	struct job *jobs = arena_array(run->arena, struct job, saved->n_plans);
	for (uint32_t i = 0; i < saved->n_plans; i++) {
		const char *name = saved->plans[i]->cluster;
		jobs[i].cluster = saved->spec_now && name ? spec_find_cluster(saved->spec_now, name) : NULL;
		gather_saved(run->arena, &jobs[i], &all, saved->plans[i]->observed);
	}
	plan_jobs(run, jobs, saved->n_plans, NULL);
}
