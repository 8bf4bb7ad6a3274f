/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's plans as one JSON document: what `plan --out` saves, `plan -o json` prints, `apply PLAN` and `check PLAN`
 * read. Terraform's plan keys (conventions.md section 3) with ours beside them: steps, rules, worlds as HostState.
 */
#pragma once
#include "reconcile/run.h"

#include <jansson.h>

#define PLANFILE_FORMAT_VERSION "1.2" /* minor: compatible, and 1.0 and 1.1 are read too; major: refused */

/* A new reference; keys in a fixed order; no time but run->now. */
json_t *planfile_to_json(const struct run *run);

/* The same written piece by piece, indented by two, for runs of many clusters. The sink gets some kilobytes at a time; what
 * it returns, if not 0, ends the writing. */
typedef int planfile_sink(const char *bytes, size_t n, void *user);
struct planfile_writer;
struct planfile_writer *planfile_writer_new(planfile_sink *sink, void *user);
void planfile_writer_free(struct planfile_writer *writer);
/* What is known of a run before its hosts are read; may be left out. */
void planfile_writer_begin(struct planfile_writer *writer, const struct run *run);
/* All the rest. 0, or what the sink returned. */
int planfile_writer_end(struct planfile_writer *writer, const struct run *run);

/* Reads it back: a run with from_file set and one plan per cluster, steps unbound. 0, or -1 with findings (not JSON, not
 * a plan, other major version, edited: the digest does not fit). */
int planfile_read(struct arena *arena, const struct source *source, struct run **out, struct diags *diags);
/* Does the text look like a saved plan rather than manifests? */
bool planfile_is(const struct source *source);
