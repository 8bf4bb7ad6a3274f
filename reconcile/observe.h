/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at hosts: all side by side over one loop, one request each; with sessions that the caller holds open, or
 * opened and closed here. Which of the findings matter is the caller's to say.
 */
#pragma once
#include "providers/host/host.h"
#include "reconcile/run.h"

enum { OBSERVE_SESSIONS_MAX = 32, OBSERVE_DEADLINE_S = 60, OBSERVE_LOOKS_MAX = 3 };

struct look { /* at one host */
	struct endpoint endpoint;
	struct host_session *session;   /* already open, and left so (but closed, and NULL, when it did not answer
	                                 * in time); NULL: opened and closed here */
	const struct host_state *state; /* the answer; NULL: none */
	bool is_unsettled;              /* the host says that a VM is on the move */
	enum diag_code code;            /* why there is none */
	const char *reason;
	const char *meant;        /* of a host without an address: text_meant(); NULL or "": nothing is near */
	struct diags *open_diags; /* what opening the host had to say, or NULL */
};

struct observe_options {
	GMainContext *context;
	int64_t now;
	uint32_t max_age_s;  /* of what a provider that does not perform has written down; 0: any */
	uint32_t deadline_s; /* per host; 0: OBSERVE_DEADLINE_S */
	const char *run;     /* the run that holds the leases, or NULL */
};

/* Fills 'state', or 'code' and 'reason', of every look. States are in 'arena'. A VM that is seen on two hosts is moving:
 * both are looked at again, and when that does not help they count as not observed. */
void observe_looks(struct arena *arena, struct look *looks, uint32_t n, const struct observe_options *options);

/* Adds the finding about a host that was not observed; 'loc': the line that names it, if one does. Returns -1. */
int observe_report(const struct look *look, struct loc loc, struct diags *diags);

struct observed {
	const struct host_state *const *states;
	uint32_t n_states;
	const struct missing_host *missing;
	uint32_t n_missing;
};

/* The looks as one answer, by host name, without findings. */
struct observed observe_sum(struct arena *arena, const struct look *looks, uint32_t n);
