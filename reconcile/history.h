/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs did, written down on the machine that they ran on (base/journal.h, docs/journal.md): for people and audits. No run
 * ever reads it, and one that cannot write it goes on with a warning. Who started the run is in it, and on which machine;
 * no secret is.
 */
#pragma once
#include "reconcile/apply.h"

enum { HISTORY_KEEP_DAYS = 400 };

/* ---- writing ---- */

struct history;

/* A run that begins. Nothing is written until it does something, so that one with nothing to do leaves nothing. 'path' NULL:
 * nothing ever is. What it is given must outlive it. */
struct history *history_new(const char *path, const char *command, const char *run_id, const struct run *run);
void history_event(struct history *history, const struct apply_event *event, int64_t now);
/* The run ended with these results, or was refused before it could have any. NULL is accepted. */
void history_end(struct history *history, const struct apply_result *results, uint32_t n_results, enum exit_code code,
	int64_t now, struct diags *diags);
void history_free(struct history *history);

/* What a person decided and a host carried out, by 'settle' or 'unlock'. */
struct history_decision {
	const char *host, *vm; /* 'vm' may be NULL */
	const char *what;      /* "leave vdi-001 off" */
};
/* A run of its own, from its beginning to its end; 'path' and 'run' as for history_new(). 'cluster': that of all the hosts;
 * NULL where nobody knows. 'diags' get warnings alone. */
void history_decided(const char *path, const char *command, const char *run_id, const struct run *run,
	const char *cluster, const struct history_decision *decisions, uint32_t n, int64_t now, struct diags *diags);

/* ---- reading ---- */

struct history_event {
	int64_t time;
	const char *type;    /* "step", "decision", or the name of an event of APPLY_EVENTS */
	const char *cluster; /* or NULL, as all texts */
	const char *host, *what, *outcome, *message;
	const char *vm, *gpu, *kind; /* what a step was about */
	uint64_t ms;                 /* a step's: how long it took */
};

struct history_cluster {
	const char *name;
	uint32_t n_changed, n_unchanged, n_failed, n_skipped;
	const char *const *still_owed;
	uint32_t n_still_owed;
	enum exit_code exit;
	const char *const *findings; /* "HV701: …", errors alone */
	uint32_t n_findings;
};

struct history_run {
	const char *id, *command, *version, *user, *sudo_user, *machine;
	const char *source, *commit, *owner, *signer;
	bool dirty, saved;             /* changes on top of the commit; from a saved plan */
	const char *const *plan_names; /* clusters that it was about */
	uint32_t n_plan_names;
	int64_t began, last; /* its first and last record */
	bool ended;          /* false: it goes on, or was killed */
	enum exit_code exit;
	const struct history_cluster *clusters;
	uint32_t n_clusters;
	const struct history_event *events;
	uint32_t n_events;
};

struct history_list {
	const struct history_run *runs; /* as they began */
	uint32_t n_runs;
	uint32_t n_damaged; /* places of the file that could not be read: a run may be missing, or a part of one */
};

/* All runs of a journal, in 'arena'. Damaged parts are a warning, HV414. 0, or -1 with HV401, HV405 (more than memory should
 * hold), HV413. */
int history_read(const char *path, struct arena *arena, struct history_list *out, struct diags *diags);

/* Forgets runs whose last record is older than 'before', as far as they stand before all others in the file. Damage among
 * them goes with them and is told of, HV414. The number of runs, or -1 with HV902 or what journal_scan() says. */
int history_prune(const char *path, int64_t before, struct diags *diags);
