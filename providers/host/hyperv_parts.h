/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the Hyper-V provider share; docs/agent-protocol.md says what goes over the wire. */
#pragma once
#include "providers/host/hyperv.h"

#include <jansson.h>

enum {
	HYPERV_LINE_MAX = 4 << 20,     /* bytes of one line; the agent's own are far below */
	HYPERV_OBJECTS_MAX = 20000,    /* GPUs and VMs of one host */
	HYPERV_NOISE_MAX = 1000,       /* lines that are not the agent's */
	HYPERV_COMMAND_MAX = 8191,     /* characters that cmd.exe takes */
	HYPERV_HELLO_DEADLINE_S = 45,  /* from the start of ssh to the agent's hello */
	HYPERV_CONNECT_TIMEOUT_S = 15, /* of that, until TCP is up */
	HYPERV_SILENCE_S = 300,        /* after so long without a word from us an agent gives up the lease, and ends */
};
/* How often an agent with the lease hears of us; tests shorten it. */
extern uint32_t hyperv_beat_ms;

/* ---- how the agent is started (hyperv_start.c) ---- */

struct hyperv_start {
	const char *const *argv;
	const char *const *set; /* variables, as base/child.h has them */
};

/* In 'arena'. 'identity': a file with a private key, or NULL. 0, or -1 with a finding. */
int hyperv_start_of(struct arena *arena, const struct endpoint *endpoint, const char *identity,
	struct hyperv_start *out, struct diags *diags);
/* The name of the one host behind an address: what stands in it. 0, or -1 with a finding. */
int hyperv_list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags);

/* ---- requests and answers (hyperv_request.c, hyperv_facts.c) ---- */

/* The request as a line with its end; to be freed. */
char *hyperv_line(const struct request *request, uint64_t id);

struct hyperv_facts { /* of an answer, as they come in */
	json_t *host, *gpus, *vms;
};
void hyperv_facts_begin(struct hyperv_facts *facts);
void hyperv_facts_end(struct hyperv_facts *facts);
/* Takes what a line about the request holds. NULL, or what is wrong with it: to be freed. */
char *hyperv_facts_add(struct hyperv_facts *facts, json_t *line);
/* What came of the host and its GPUs, whole or not, or NULL: nothing that can be read. For people. */
const struct host_state *hyperv_facts_part(struct arena *arena, struct hyperv_facts *facts, const char *name);
/* What an agent says that was asked to examine. */
struct hyperv_examined *hyperv_read_examined(struct arena *arena, json_t *json);
/* The whole of them as the host 'name', that can command live moves or not, checked against what the reply counted. HOST_OK, or HOST_PROTOCOL (nonsense),
 * HOST_FAILED (it could not tell something that has no "unknown"), with a message in 'arena'. */
enum host_error hyperv_facts_read(struct arena *arena, struct hyperv_facts *facts, const char *name, json_t *reply,
	enum tristate moves, const struct host_state **out, const char **message);
/* The VM or GPU of a step's reply; 'gpus' is the list of the host's, as the last observation had it, or NULL. NULL when there
 * is none or it cannot be read: it is not needed to go on. */
const struct vm *hyperv_read_vm(struct arena *arena, json_t *gpus, json_t *json, const char *name);
const struct gpu *hyperv_read_gpu(struct arena *arena, json_t *json, const char *name);
