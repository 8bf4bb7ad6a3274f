/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where results and findings go: results to standard output, findings of text formats to standard error.
 *
 * A reader that closed the pipe (`hvgpu plan … | head`) has seen what it wanted: nothing is said, and since not
 * everything was delivered the exit code is 1. A full disk is HV902 and 1.
 */
#pragma once
#include "cmd/command.h"

/* How text on that descriptor may look: --color, environment, terminal. */
struct style output_style(int fd);

/* Writes a result. 'code', or what is worse because it could not be written. */
int output_text(const GString *text, enum exit_code code);

/* Writes JSON, indented, with a line end; takes the reference. */
int output_json(json_t *json, enum exit_code code);

/* Findings as text on standard error, sorted by position; nothing when there are none. Returns their exit code. After
 * output_begin_lines() also as JSON lines on standard output. */
enum exit_code output_findings(struct diags *diags);
/* On standard error alone: the lines are written by whoever asks. */
enum exit_code output_findings_text(struct diags *diags);

/* Standard output has one JSON object a line from here on; the first is the version. */
void output_begin_lines(void);
