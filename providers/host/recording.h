/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that record (record.h) writes and replay (replay.h) reads: JSON, one value a line.
 *
 *   {"hvgpu":"recording","version":1}                the first line, byte for byte
 *   {"host":H,"opened":true}                         a session was opened
 *   {"host":H,"what":{},"with":{},"progress":[],"reply":{}}   a request, once it was answered
 *
 * "what" is what a replay must ask again: the kind of request, the step and what it works on. "with" is what differs
 * from run to run: run, epoch, time. "reply" is null for a request that was given up before its answer came. Hosts, VMs
 * and GPUs are HostState documents. Nothing in it is a secret: a request has no credential.
 */
#pragma once
#include "providers/host/host.h"

#include <jansson.h>

#define RECORDING_HEAD "{\"hvgpu\":\"recording\",\"version\":1}\n"

/* A JSON text; what is not UTF-8 is mended, NULL is null. */
json_t *recording_text(const char *text);

json_t *recording_what(const struct request *request);
json_t *recording_with(const struct request *request);
json_t *recording_reply(const char *host, const struct reply *reply);

/* The reverse; the reply lives in 'arena'. 0, or -1 with findings. */
int recording_read_reply(
	struct arena *arena, json_t *json, const struct source *source, struct reply *out, struct diags *diags);

/* A phrase that names the first difference between two "what", or NULL: they are the same. To be freed. */
char *recording_difference(json_t *recorded, json_t *asked);
