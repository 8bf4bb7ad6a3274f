/* SPDX-License-Identifier: Apache-2.0 */
/* Showing and saving the plans of a run, for the commands that do. */
#pragma once
#include "cmd/command.h"

enum show_format { SHOW_TEXT, SHOW_JSON, SHOW_YAML, SHOW_MARKDOWN };
extern const char *const show_formats[]; /* their names, ended by NULL */

/* Writes the run to standard output; of one that did not get as far as plans the findings alone, which text has on
 * standard error. 'code', or what is worse. */
int show_plan(const struct run *run, enum show_format format, enum exit_code code);

/* The findings alone, on standard error, where standard output is for what is done, an event a line. Notes alone are not
 * worth it. */
void show_findings(const struct run *run);

/* As show_plan(), for a run that is still to be made: begin, give show_watch() to run_pipeline(), end with the run. Text and JSON
 * start as soon as the manifests are read, and text goes on cluster by cluster. */
struct show_stream;
struct show_stream *show_begin(enum show_format format);
const struct run_watch *show_watch(struct show_stream *stream);
enum exit_code show_end(struct show_stream *stream, const struct run *run, enum exit_code code);

/* Saves the plans for `apply FILE`. 0, or -1 with HV902. */
int show_save(const struct run *run, const char *path, struct diags *diags);
