/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A case being played: a scenario, what goes wrong, and runs of the program until nothing is left to do. A run is the
 * real pipeline and the real apply, over the real simulated hosts; between them stands stage.c, a decorator over the
 * hosts' vtable that counts calls, makes things go wrong and shows the monitor what each call did.
 */
#pragma once
#include "providers/host/host.h"
#include "reconcile/apply.h"
#include "tests/torture/ending.h"
#include "tests/torture/monitor.h"
#include "tests/torture/quiet.h"
#include "tests/torture/scenario.h"

enum { FAULTS_PER_CASE = 2, RUNS_MAX = 8, VIEWS_MAX = 4 };

struct play;

struct process { /* one run of the program */
	struct play *play;
	const char *run_id;
	volatile int interrupts;
	bool is_dead, is_offline;
	/* calls like this one are refused from now on */
	bool refuses;
	enum request_kind refused_kind;
	const char *refused_what;
	uint32_t refuses_step, n_steps; /* the so-many-th step that it sends becomes one such; 0: none */
	GPtrArray *sessions;            /* that are open */
	bool is_meddled_early;          /* before its first step: its plan is of the world that somebody changed */
	enum ending_phase phase;
	struct quiet quiet;
	const char *failed_vm, *lost_host; /* whom the last fault was about: id, name; or NULL */
	bool may_leave;                    /* more went wrong than one step, one host or one interruption */
	struct ending ending;              /* what it went through, and what it came to */
};

struct play {
	const struct scenario *scenario;
	const char *manifests; /* path of the file that holds them */
	const struct fault *faults;
	uint32_t n_faults;
	const struct play *reference; /* the undisturbed one, or NULL */
	bool tells, told;             /* prints each call; what was broken is printed */
	/* For several processes at a time: called in the process's own thread before a call is sent. */
	void (*before_call)(struct process *process, void *user);
	void *user;

	/* what happened */
	struct arena *arena;
	struct monitor monitor;
	struct view views[VIEWS_MAX]; /* of the world after each call that changed it, newest first */
	uint32_t n_views;
	uint32_t n_calls, n_runs;
	uint32_t n_steps; /* sent */
	bool had_way_back;
	bool was_blind; /* a run was, as below */
	/* Stops by runs that could not observe a host: what they planned without it, a person saw; and starts: who runs by then may
	 * have to be stopped for what the whole cluster needs. */
	uint32_t n_blind;
	uint32_t
		n_later_stops; /* by runs that were not disturbed, after one that was, or that planned what somebody changed */
	uint32_t n_done;          /* faults that could be made to happen */
	uint64_t kinds_done;      /* which kinds these were: 1 << kind */
	uint32_t n_refusals;      /* of the last plan */
	GHashTable *refused;      /* their subjects, in 'arena' */
	GHashTable *brought_back; /* ids of VMs that a way back, or another run than stopped them, started */
	uint32_t n_excused;       /* stops of such */
	bool has_cost_more;       /* a VM was stopped once more than undisturbed, and that is allowed */
	const char *meddled_vm;
	bool is_at_rest;    /* planning again gives no steps */
	struct ending last; /* of the last run that ended by itself */
	bool has_last;      /* there is one, and no run died since */
};

/* The provider of "stage:", and which process opens sessions in this thread. */
extern const struct host_provider stage_provider;
void stage_set_process(struct process *process);
/* All connections of the process break, and with them go its leases. */
void stage_cut(struct process *process);

/* Writes the manifests, sets the world, begins to watch. */
void play_begin(struct play *play);
void play_end(struct play *play);
/* The same hosts as they are now, with other manifests. */
void play_go_on(struct play *play, const struct scenario *scenario, const struct play *reference);
/* Keeps the view of the world that it ended with for as long as the play lives: others overwrite that world. */
void play_keep_end(struct play *play);
/* One run of the program: observe, plan, apply what there is. False: there was nothing to do. */
bool play_run(struct play *play, struct process *process);
/* Runs until nothing is left to do or the program has died; begins again then. */
void play_all(struct play *play);
/* The world is so now. */
void play_note(struct play *play, struct view now);
