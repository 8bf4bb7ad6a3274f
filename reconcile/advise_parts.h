/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of advise share. Each subject has a table of rules: a row is a code, which has severity and help
 * (base/codes.def) and the document that it comes from (base/sources.def), and a function that tells what is wrong.
 *
 *	advise.c       all of them, and what is said of the cluster
 *	advise_host.c  hosts
 *	advise_gpu.c   GPUs
 *	advise_vm.c    VMs
 *	advise_plan.c  what is known once the steps are
 */
#pragma once
#include "reconcile/advise.h"

struct advice {
	const struct wants *wants;
	const struct world *goal; /* as it will be; wants->input->observed is as it is */
};

/* The message, in the arena of the wants; NULL: the rule is kept, or what it needs is not known. */
typedef const char *advice_fn(const struct advice *advice, uint32_t index);

struct advice_rule {
	enum diag_code code;
	advice_fn *tells;
};

/* subject_host, subject_gpu, subject_vm */
typedef char *subject_fn(struct arena *arena, const struct world *world, uint32_t index);

/* Adds a finding for each rule that tells something of object 'index'. */
void advise_by(const struct advice *advice, const struct advice_rule *rules, size_t n_rules, uint32_t index,
	struct loc loc, subject_fn *subject);

void advise_host(const struct advice *advice, uint32_t host);
void advise_gpu(const struct advice *advice, uint32_t gpu);
void advise_vm(const struct advice *advice, uint32_t vm);
