/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage of run.c: a plan for each cluster. Clusters are independent, so they are planned on all cores. */
#pragma once
#include "reconcile/planner.h"
#include "reconcile/run.h"

/* One plan for each cluster, in that order. */
void run_plan_clusters(struct run *run, const struct spec_cluster *const *clusters, uint32_t n_clusters,
	const struct run_watch *watch);

/* Without manifests: one plan for each failover cluster that the hosts name, and for each standalone host. --cluster
 * chooses among them by that name. */
void run_plan_hosts(struct run *run, const struct run_watch *watch);

/* One plan for each plan of 'saved', of those of its hosts that were looked at again (run_look). What was missing for it then
 * still is. Of manifests only what saved->spec_now says of the cluster and its hosts counts, and no assignment. */
void run_plan_saved(struct run *run, const struct run *saved);

/* What to plan a cluster of this run with; 'cluster' may be NULL. */
struct plan_input run_plan_input(const struct run *run, const struct spec_cluster *cluster, const struct world *world);

/* The commit as records name it: "+changes" behind it when the files differ. NULL: none. */
const char *run_commit(const struct run *run, struct arena *arena);
