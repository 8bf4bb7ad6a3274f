/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would keep a host from being managed: a table of checks, a row each, over what the host said of itself. Pure:
 * examine.h asks the host.
 *
 * Rules of the platform that planning only warns of (reconcile/advise_host.c) are warnings here, too, but where the host
 * could not do its part at all.
 */
#pragma once
#include "providers/host/hyperv.h"

/* clang-format off */
#define DOCTOR_STATES(X) \
	X(DOCTOR_OK, "ok") \
	X(DOCTOR_WARNING, "warning") \
	X(DOCTOR_FAILED, "failed")   /* keeps the host from being managed */ \
	X(DOCTOR_UNKNOWN, "unknown") /* the host could not tell, or was not asked */
/* clang-format on */
enum doctor_state { DOCTOR_STATES(NAMES_ENUM) DOCTOR_STATE_COUNT };
extern const struct names doctor_state_names;

struct doctor_facts {
	const char *host, *address;
	bool has_agent;                         /* asked through the agent: local or ssh; others only have 'state' */
	const char *not_opened;                 /* why it could not even be tried, or NULL */
	const struct hyperv_end *end;           /* the session ended, or NULL */
	const struct hyperv_hello *hello;       /* NULL: none came */
	const struct hyperv_examined *examined; /* NULL: the agent does not tell */
	enum host_error error;                  /* of the observation, with the host's own words */
	const char *message;
	const struct host_state *state; /* as far as it came; NULL: nothing */
	int64_t asked_at, answered_at;  /* our clock; 0: not asked */
};

struct doctor_check {
	const char *id, *title;
	bool of_agent; /* has a meaning for hosts with an agent alone */
	bool reaches;  /* where it fails, the host is not reached */
	/* What was found, in words, in 'arena'; 'remedy' may be given in place of the row's. */
	enum doctor_state (*look)(
		struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy);
	const char *remedy;
};
extern const struct doctor_check doctor_checks[]; /* in the order in which they are told; ended by one without id */

struct doctor_result {
	const struct doctor_check *check;
	enum doctor_state state;
	const char *seen;
	const char *remedy; /* NULL where nothing is to be done, or nothing is known */
};

struct doctor_report {
	const char *host, *address, *account; /* account: NULL: not known */
	const struct doctor_result *results;
	uint32_t n_results;
	uint32_t n[DOCTOR_STATE_COUNT];
	bool is_reached;
	enum exit_code exit; /* 4: not reached; 5: something failed; else 0 */
};

struct doctor_report *doctor_judge(struct arena *arena, const struct doctor_facts *facts);
