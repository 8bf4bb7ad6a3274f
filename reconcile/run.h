/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: the pipeline over all clusters of a source. A command says how far to go, then renders the run.
 */
#pragma once
#include "providers/source/source.h"
#include "reconcile/plan.h"
#include "schema/load.h"

#include <glib.h>

enum stage { STAGE_LOAD, STAGE_OBSERVE, STAGE_PLAN };

struct run;
/* Told as a run goes on, so that what is known can be shown before the rest is. In the thread of run_pipeline(). */
struct run_watch {
	void (*loaded)(const struct run *run, void *user); /* the manifests are read and right, hosts are not yet */
	void (*planned)(const struct run *run, const struct plan *plan, void *user); /* in the order of run->plans */
	void *user;
};

struct run_options {
	const char *source;          /* SOURCE; NULL for `restore`, `observe` */
	const char *hosts;           /* --hosts sim:FILE | snapshot:FILE; NULL: the inventory */
	const char *const *clusters; /* --cluster, none: all */
	uint32_t n_clusters;
	const char *owner; /* --owner, or NULL: the source's */
	bool adopt;
	int64_t now;
	uint32_t max_age_s; /* of a snapshot: 24 h */
	enum plan_mode mode;
	enum stage until;
	bool verify;                   /* --verify-commit: the source must be a signed commit */
	const char *allowed_signers;   /* --allowed-signers, or NULL: as git is told */
	const struct cost *limits;     /* what the plan may disturb, said by --allow when it was made; NULL: not said */
	const struct run_watch *watch; /* or NULL; not kept in run->options */
};

struct drift;
struct run {
	struct arena *arena;
	struct run_options options;
	struct source_tree tree;
	const char *signer; /* who signed the commit; NULL: not looked at */
	struct spec *spec;
	const char *owner;
	struct diags *diags;       /* about the source and hosts; each plan has its own besides */
	struct plan *const *plans; /* by cluster name */
	uint32_t n_plans;
	const struct host_state *const *states; /* STAGE_OBSERVE: all observed hosts, by name */
	uint32_t n_states;
	const struct missing_host *missing;
	uint32_t n_missing;
	int64_t now;
	bool from_file; /* read from a saved plan */
	/* from_file: the manifests as they are now, where they could be read: what they say of hosts counts for paying debts */
	struct spec *spec_now;
	const char *tool_version; /* from_file: of the program that made it */
	struct run *owed; /* from_file: pays debts in the same clusters and does no more (reconcile/present.h) */
	const struct drift *drift; /* which changes are drift: set by drift_find(), else NULL (reconcile/drift.h) */
};

/* Goes through the stages. Always gives a run; its exit code tells. Free with run_free. */
struct run *run_pipeline(const struct run_options *options);
/* The hosts of a run's plans again, those that answered then, at the addresses of its options and spec: sets states and missing.
 * 0, or -1 with findings: it is not known where hosts are. */
int run_look(struct run *run);
void run_free(struct run *run); /* NULL is accepted */
typedef struct run run_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(run_auto, run_free)

/* Over diags, plans and stages. */
enum exit_code run_exit(const struct run *run);
