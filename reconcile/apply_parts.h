/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of apply share: one cluster that is being carried out. Nothing here is for others.
 *
 *	apply.c         which clusters, in which order, what it came to
 *	apply_link.c    one open host: a request, its answer, its time-out
 *	apply_lease.c   leases and epochs on all hosts of the cluster
 *	apply_again.c   observe and plan again under the leases, within what was approved
 *	apply_drive.c   a schedule and the loop: steps to hosts, replies back
 *	apply_request.c a step as a request: expected facts, debts, records
 *	apply_back.c    the way back to safety, and who is still down
 *	apply_known.c   is a way back known, before a plan begins and before each step that disrupts
 *	apply_record.c  records of what is ours, debts that are void
 *	apply_window.c  what must wait for a window, and waiting for it
 *
 * settle.c and unlock.c, commands about debts and leases alone, use its links and leases.
 */
#pragma once
#include "providers/host/host.h"
#include "reconcile/apply.h"
#include "reconcile/planner.h"

enum { APPLY_ROUNDS_MAX = 8, APPLY_GRACE_S = 30, HOST_FAILURES_MAX = 3 };

/* What a host answered; valid during the call, or in the arena of link_ask_wait(). */
struct answer {
	enum host_error error;
	const char *message;
	bool changed;
	struct maybe_u64 epoch;
	const struct lease *lease;
};

struct link;
typedef void answer_fn(struct link *link, const struct answer *answer, void *user);

struct link { /* to one host of the cluster, open until the cluster is done */
	struct apply *apply;
	const char *host;
	struct host_session *session; /* NULL: lost, every request fails as unreachable */
	bool leased;
	bool recorded; /* it has this run's cluster record */
	/* the request under way */
	struct request request;
	GSource *timer;
	answer_fn *on_answer;
	progress_fn *on_progress;
	void *user;
};

struct apply {            /* one cluster */
	const char *name; /* for people */
	struct arena *arena;
	struct run *run;
	const struct apply_options *options;
	GMainContext *context;
	const struct plan *approved;
	const struct plan *plan; /* the one being carried out */
	enum plan_mode mode;
	const char *run_id, *holder;
	int64_t started_ms; /* by the clock that never jumps */
	int64_t waited_s;   /* for windows, and not counted by that clock */
	uint64_t epoch;
	struct link *links; /* by host name */
	uint32_t n_links;
	struct apply_result *result;
	struct diags *diags;
	bool told_ancestry;            /* that it is not known which commit is older */
	bool performed;                /* a step was sent */
	struct cost spent;             /* by plans of this run that were carried out */
	uint32_t extra_stops;          /* VMs that somebody started meanwhile may be stopped once more */
	const struct plan *held_by;    /* a part of it must wait for a window; NULL: none */
	int64_t opens_at;              /* that window */
	struct retreat *retreat;       /* ways back from 'plan'; NULL: it is one itself */
	const struct plan *retreat_of; /* that plan */
	GPtrArray *frozen;             /* subjects that failed; texts in 'arena' */
	GHashTable *failures; /* host -> steps that failed for good there; from HOST_FAILURES_MAX on it is left out */
	GHashTable *down;     /* VM id -> struct left: stopped by us, or by who owes a start, and not as it was since */
	uint32_t interrupts_told; /* of those so far */
	GHashTable *surprised;    /* subjects that were not as expected once already */
};

/* ---- apply.c ---- */

/* 'plan' may be NULL for what needs leases alone. */
void apply_start(struct apply *apply, struct run *run, const struct apply_options *options, const struct plan *plan);
void apply_end(struct apply *apply);
/* Findings that the approved plan did not have: the world changed. What this run itself did is no news. */
void apply_add_news(struct apply *apply, const struct plan *plan);

/* ---- apply_link.c ---- */

/* Asks; the answer arrives through the loop, never from within. One request at a time per link. */
void link_ask(
	struct link *link, const struct request *request, answer_fn *on_answer, progress_fn *on_progress, void *user);
/* Asks and waits. The answer's texts are in the apply's arena. Interrupted twice: HOST_UNREACHABLE. */
struct answer link_ask_wait(struct link *link, const struct request *request);
struct link *link_find(struct apply *apply, const char *host); /* case aside, or NULL */
uint32_t apply_interrupts(const struct apply *apply);
int64_t apply_now(const struct apply *apply);
/* "in-use: the host's words" */
const char *answer_text(struct arena *arena, const struct answer *answer);

/* ---- apply_lease.c ---- */

/* Opens every host of the cluster, takes the leases in order, then a new epoch. 0, or -1 with a finding; then
 * leases_release() is due all the same. */
int leases_take(struct apply *apply);
int leases_take_of(struct apply *apply, const char *const *hosts, uint32_t n_hosts); /* of these alone */
/* Opens those hosts alone, and takes nothing. As above. */
int leases_open(struct apply *apply, const char *const *hosts, uint32_t n_hosts);
void leases_release(struct apply *apply);

/* ---- apply_again.c ---- */

const struct world *again_observe(struct apply *apply);
/* What plans of this run are made with, of that world. */
struct plan_input again_input(struct apply *apply, const struct world *world, enum plan_mode mode);
const struct plan *again_plan(struct apply *apply, const struct world *world, enum plan_mode mode);
/* The approved plan of a file on the present world: NULL with findings when it no longer fits. */
const struct plan *again_saved(struct apply *apply, const struct world *world);
/* The same where the world turned out otherwise while it was carried out: nothing is left to do, or NULL with a finding, for
 * without manifests the rest cannot be planned. */
const struct plan *again_rest_of_saved(struct apply *apply, const struct world *world);
/* What the plan costs beyond what was approved: 0, or -1 with HV703. */
int again_within(struct apply *apply, const struct plan *plan);
/* May these manifests change anything in that world, which for a saved plan is not its own? PLAN_RESTORE, with findings,
 * where only debts may be paid. */
enum plan_mode again_mode(struct apply *apply, const struct plan *plan, const struct world *world);

/* ---- apply_drive.c ---- */

enum drive_end {
	DRIVE_FINISHED,
	DRIVE_FAILED,      /* at least one step failed for good */
	DRIVE_SURPRISED,   /* the world was not as expected, nothing failed: plan again */
	DRIVE_HELD,        /* the rest must wait for a window; nothing of it has begun */
	DRIVE_REFUSED,     /* no way back was known from the next step; nothing failed */
	DRIVE_SHUT,        /* the window closed on something that had begun: bring back what is down */
	DRIVE_INTERRUPTED, /* once: what runs has ended */
	DRIVE_STOPPED,     /* twice */
};
/* Carries out a plan. On the way back a first interruption changes nothing. */
enum drive_end drive_plan(struct apply *apply, const struct plan *plan, bool is_way_back);
void apply_tell(struct apply *apply, struct apply_event event);

/* ---- apply_request.c ---- */

/* The request for a step of apply->plan; what it points to is in the arena. */
struct request request_of_step(struct apply *apply, struct link *link, const struct step *step);
const struct cluster_record *request_cluster_record(struct apply *apply, const struct link *link);
const struct vm_record *request_vm_record(struct apply *apply, const struct plan *plan, const char *vm_id);

/* ---- apply_back.c ---- */

enum left_how {
	LEFT_DOWN,
	LEFT_UNSURE, /* it may be up: nobody knows the end of its stop or start */
	LEFT_BARE,   /* it runs, without what was taken from it */
	LEFT_LACKING /* it was off before, and lacks what was taken from it */
};
struct left {
	const char *name;
	enum left_how how;
};

/* Plans the way back and carries it out, and names who is still down. */
void back_go(struct apply *apply);
/* The step's VM is not as it was. */
void back_note_down(struct apply *apply, const struct step *step, enum left_how how);
/* Names in the result, and as findings, who is still down. */
void back_name_down(struct apply *apply);
/* The same where nothing went wrong and the plan that was made on the way does not bring everybody back. */
void back_name_rest(struct apply *apply);

/* ---- apply_known.c ---- */

/* Before the plan begins in this world: the plan, or what is left of it without the parts that have no way back, or NULL
 * with HV715. apply->retreat is that plan's from then on. */
const struct plan *known_everywhere(struct apply *apply, const struct world *world, const struct plan *plan);
/* Before a step of that plan is submitted (schedule_options.may; 'user' is the apply). */
bool known_from_here(const struct schedule *schedule, uint32_t step, void *user);

/* ---- apply_record.c ---- */

void record_ours(struct apply *apply);
void record_clear_void(struct apply *apply);

/* ---- apply_window.c ---- */

/* Notes that a part of the plan must wait, and, where nobody waits, says so. 'was_shut': it had begun. */
void window_hold(struct apply *apply, const struct plan *plan, bool was_shut);
/* Would a held plan be waited for? */
bool window_waits(const struct apply *apply);
/* Waits until the window of a held plan opens, holding no host. 0; -1: interrupted. */
int window_wait(struct apply *apply);
