/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HostState documents: one host of a world, written down; YAML or JSON, without loss. Also the `Simulation` document
 * that a simulator's file may hold beside them.
 */
#pragma once
#include "base/diag.h"
#include "model/spec.h"
#include "model/world.h"

#include <jansson.h>

/* The simulator's own settings; kind Simulation, at most one in a file. */
#define PICK_POLICIES(X) \
	X(PICK_FIRST, "first") X(PICK_LAST, "last") X(PICK_SEEDED, "seeded") X(PICK_ADVERSARIAL, "adversarial")
enum pick_policy { PICK_POLICIES(NAMES_ENUM) PICK_POLICY_COUNT };
extern const struct names pick_policy_names;

struct simulation_fault { /* a scripted fault: the nth matching request fails */
	struct head head;
	const char *host;   /* NULL: any */
	const char *step;   /* step kind name, "observe", or NULL: any step */
	const char *target; /* VM name or location path, or NULL: any */
	uint32_t nth;       /* from 1 */
	bool permanent;     /* that one and all later ones */
	const char *error;  /* a name of host_error_names */
	bool after_effect;  /* the change is made, the reply is the error */
};

struct simulation_hidden { /* what the host cannot tell of a dismounted GPU, and shows again once it is mounted */
	const char *host, *location_path;
	const char *instance_id;
	enum gpu_state
		state; /* with the driver that it has: partitionable, or plain for one that cannot be partitioned */
	const uint32_t *valid_counts;
	uint32_t n_valid_counts;
	struct maybe_u64 count, memory, partition_memory, mmio_low_bytes, mmio_high_bytes;
	enum memory_unit memory_unit;
	enum tristate incoming_live_migration;
};

struct simulation_guest {    /* what a guest does when it is to shut down */
	const char *vm;      /* name */
	uint32_t shutdown_s; /* how long that takes from now on; it goes on where a stop gave up waiting */
};

struct simulation {
	int64_t clock; /* virtual now; 0: the real clock at the start */
	enum pick_policy pick;
	uint64_t seed;
	uint32_t speed_permille;        /* real milliseconds per virtual second; 0: do not wait at all */
	const char *const *unreachable; /* hosts that do not answer */
	uint32_t n_unreachable;
	const struct simulation_fault *faults;
	uint32_t n_faults;
	const struct simulation_hidden *hidden;
	uint32_t n_hidden;
	const struct simulation_guest *guests;
	uint32_t n_guests;
};

struct state_file {
	const struct host_state *const *states; /* sorted by host name */
	uint32_t n_states;
	struct simulation *simulation; /* or NULL */
};

/* Reads a file of HostState documents, or a list of them (JSON). Adapters' 'gpus' masks, valid counts and GPUs are put
 * in order. 0, or -1 with findings. */
int state_read(struct arena *arena, const struct source *source, struct state_file *out, struct diags *diags);

/* Appends a document, with "---" before it where 'out' is not empty. Defaults are written too: a file is complete and
 * says what is unknown (null). */
void state_write_yaml(GString *out, const struct host_state *state);
void simulation_write_yaml(GString *out, const struct simulation *simulation);
json_t *state_to_json(const struct host_state *state); /* a new reference */
/* The reverse, for saved plans: 0, or -1 with findings. 'source' is what positions refer to. */
int state_from_json(
	struct arena *arena, json_t *json, const struct source *source, struct host_state **out, struct diags *diags);
