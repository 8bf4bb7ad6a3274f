/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands beside the simulated hosts and looks at what each call did to them. It is written from design.md section 6 and
 * world.md alone and shares no code with the planner or with model/invariant*.c, so that what they have wrong is found.
 * It knows more than any planner can: where each partition really is, and what the undisturbed run came to. Of a run's plan it is
 * told what that refuses: a GPU whose change is refused bars nobody (design.md section 6).
 *
 * 'fit-to-start' is not looked at: simulated hosts refuse such a start. 'restored' is for the end (oracle.h).
 */
#pragma once
#include "model/spec.h"
#include "tests/torture/memory.h"

struct monitor {
	struct arena *arena;
	const struct spec *spec;
	const char *owner;
	const struct simulation *simulation; /* for hosts that do not answer */
	struct view start;
	const struct view
		*reference_end; /* of the undisturbed run, or NULL: then roles and refusals are not known yet */
	bool window_is_shut;    /* nobody may be stopped */
	/* In this run a step failed for good, a host went away, somebody meddled or what is observed is old: on a way back
	 * availability may win over alignment, and who was brought back may be stopped once more. */
	bool is_lenient;
	bool is_disturbed; /* something goes wrong in this run: else it stops nobody twice */
	/* In this run somebody meddled: what is under way on one host cannot know of that on another. */
	bool is_meddled;
	bool is_on_way_back;  /* this run is: a VM that failed stays down meanwhile, and its host half-way */
	bool is_restoring;    /* its plan pays debts alone */
	bool is_availability; /* this very call brings back, after a failure, a VM that is owed a start */
	const char *lost;     /* a host that this run cannot reach any more, or NULL */
	bool is_unobserved;   /* and could not observe either, so it changes no counts (design.md section 8) */
	GHashTable *refused;  /* subjects that the plan of this run refuses: what counts are bound to depends on it */
	/* What it saw. */
	const char *broken; /* the first that was broken, as a sentence; or NULL */
	uint32_t n_stops, n_starts, n_moves, n_role_changes, n_removed;
	GHashTable *held;        /* ids of VMs that calls stopped and that do not run since */
	GHashTable *moved;       /* of these, who went to another host while it was down */
	GHashTable *stops;       /* "run id" -> true: stops of one run */
	GHashTable *mixed_hosts; /* names of hosts that were being changed at the start */
};

void monitor_begin(struct monitor *monitor); /* the members above "What it saw" are set */
void monitor_end(struct monitor *monitor);
void monitor_run_begins(struct monitor *monitor);
/* It has its plan, and 'refused' is that plan's: from now on it may change the hosts. */
void monitor_run_acts(struct monitor *monitor, const struct view *now);

/* A call of run 'run' took the hosts from 'before' to 'after'. */
void monitor_see(struct monitor *monitor, const struct view *before, const struct view *after, const char *run);
/* Somebody else did. */
void monitor_see_others(struct monitor *monitor, const struct view *after);

/* A VM by id; '*host_out' is where. NULL: none. */
const struct vm *view_vm(const struct view *view, const char *id, uint32_t *host_out);
/* By names and ids alone; NULL selects nothing. */
bool match_selects(const struct spec_match *match, const struct gpu *gpu);
/* An assignment of cluster 'cluster' names it. */
bool spec_manages(const struct spec *spec, const char *vm);
