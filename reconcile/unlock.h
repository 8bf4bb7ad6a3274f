/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease of a run that hangs: `hvgpu unlock CLUSTER --run RUN` (design.md section 9). A dead run's leases end by themselves,
 * with its connections; this is for one whose process lives on without doing anything. Debts stay, and the next run pays them.
 */
#pragma once
#include "reconcile/run.h"

struct unlock_options {
	struct run_options run; /* where hosts are; what is planned does not matter */
	const char
		*cluster; /* by its manifest; without one, as hosts recorded it or as the failover cluster is called */
	const char *
		run_id; /* whose leases end: its id, or the beginning of it, or of its part behind the time; NULL: only look */
	const char *journal; /* where it is written down (reconcile/history.h); NULL: nowhere */
	const volatile int *(*count_interrupts)(void); /* called when the hosts were looked at: until then a signal may
	                                                * end the process. NULL: not counted */
};

struct unlock_held {
	const char *host;
	const struct lease *lease;
	bool ended;
};

/* Who holds the cluster's hosts, by host name, and what became of it; in 'diags->arena'. 0, or -1 with findings: a host could
 * not be asked, or its lease could not be ended (D_LEASE); what else could be done is done. */
int unlock_cluster(
	const struct unlock_options *options, const struct unlock_held **out, uint32_t *n_out, struct diags *diags);
