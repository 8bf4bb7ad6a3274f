/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's plans as one JSON document: what `plan --out` saves, `plan -o json` prints, `apply PLAN` and `check PLAN`
 * read. Terraform's plan keys (conventions.md section 3) with ours beside them: steps, rules, worlds as HostState.
 */
#pragma once
#include "reconcile/run.h"

#include <jansson.h>

#define PLANFILE_FORMAT_VERSION "1.1" /* minor: compatible, and 1.0 is read too; major: refused */

json_t *planfile_to_json(const struct run *run); /* a new reference; keys in a fixed order; no time but run->now */

/* Reads it back: a run with from_file set and one plan per cluster, steps unbound. 0, or -1 with findings (not JSON, not
 * a plan, other major version, edited: the digest does not fit). */
int planfile_read(struct arena *arena, const struct source *source, struct run **out, struct diags *diags);
/* Does the text look like a saved plan rather than manifests? */
bool planfile_is(const struct source *source);
