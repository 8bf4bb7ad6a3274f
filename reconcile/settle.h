/* SPDX-License-Identifier: Apache-2.0 */
/* A person's word about an old debt: `hvgpu settle VM --start | --leave-off`. */
#pragma once
#include "providers/host/host.h"
#include "reconcile/run.h"

struct settle_options {
	struct run_options run; /* where hosts are; what is planned does not matter */
	const char *vm;         /* name, case aside, or id */
	enum settle_mode mode;  /* SETTLE_RENEW: the next run starts it; SETTLE_LEAVE_OFF: it stays off */
	const char *run_id;     /* NULL: made from time and chance */
	const char *holder;     /* NULL: user@machine */
	const char *journal;    /* where the decision is written down (reconcile/history.h); NULL: nowhere */
	const volatile int *interrupts;
};

/* Takes the lease of the VM's host and decides its debt there. 0, or -1 with findings; SETTLE_NO_DEBT: there is none. */
enum { SETTLE_NO_DEBT = 1 };
int settle_vm(const struct settle_options *options, struct diags *diags);
