/* SPDX-License-Identifier: Apache-2.0 */
/* A person's word about an old debt: `hvgpu settle VM --start | --leave-off`. */
#pragma once
#include "providers/host/host.h"
#include "reconcile/run.h"

struct settle_options {
	struct run_options run; /* where hosts are; what is planned does not matter */
	const char *vm;         /* name, case aside, or id */
	enum settle_mode mode;  /* SETTLE_RENEW: the next run pays; SETTLE_LEAVE_OFF: nothing is owed any more */
	const char *run_id;     /* NULL: made from time and chance */
	const char *holder;     /* NULL: user@machine */
	const char *journal;    /* where the decision is written down (reconcile/history.h); NULL: nowhere */
	const volatile int *(*count_interrupts)(void); /* called when the hosts were looked at: until then a signal may
	                                                * end the process. NULL: not counted */
};

/* Whom the word was about, as it was before; in the arena of the findings. */
struct settled {
	const struct vm *vm;
	const struct debt *debt; /* NULL: nothing was owed */
	bool start;              /* a start was part of it, and the VM is off */
};

/* Takes the lease of the VM's host and decides its debt there. That one host is enough: docs/decisions/0016. 0, or -1 with findings. */
int settle_vm(const struct settle_options *options, struct settled *out, struct diags *diags);
