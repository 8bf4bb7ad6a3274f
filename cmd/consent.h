/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who agreed to what a plan does to running VMs. At a terminal a person is asked. Elsewhere a plan that stops running
 * VMs needs `rollout.maxUnavailable` or `rollout.windows` in the manifest, or --allow: a one-digit merge must not shut
 * down every desktop at noon. --auto-approve skips only the question.
 */
#pragma once
#include "cmd/command.h"

struct consent {
	bool has_limits; /* --allow was given */
	struct cost limits;
};

/* Reads --allow restarts=N,moves=N,role-changes=N; what is not named is 0. NULL: no limits. 0, or -1 with HV903. */
int consent_parse(const char *allow, struct consent *out, struct diags *diags);

/* What those plans of a run cost that apply would carry out. */
struct cost consent_cost(const struct run *run);

/* Does a cost stay within the limits? 0, or -1 with HV620. Without limits it does. */
int consent_covers(const struct consent *consent, const struct cost *cost, struct diags *diags);

/* May the run be applied? Asks, where that is due. 0, or -1 with a finding (HV620, HV704). */
int consent_get(const struct consent *consent, const struct run *run, bool auto_approve, const volatile int *interrupts,
	struct diags *diags);
