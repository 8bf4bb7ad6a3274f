/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Worlds and specs so small that they can be listed and searched without a gap: one to three hosts of one or two GPUs
 * each, up to six VMs. Names, quotas and settings are fixed, so a few bytes say all. From them come a world and a spec
 * for the planner, and, without any of its code, the problem for the judge (tests/lib/exact.h).
 */
#pragma once
#include "reconcile/planner.h"

#include <glib.h>

enum { SMALL_HOSTS = 3, SMALL_GPUS = 2, SMALL_VMS = 6 };

/* A GPU: it offers so many partitions, or is given up by its host (in the pool of the passthrough group or in none),
 * or is failed. */
enum small_gpu { SMALL_1, SMALL_2, SMALL_4, SMALL_DISMOUNTED, SMALL_POOLED, SMALL_FAILED, SMALL_GPU_COUNT };
enum small_power { SMALL_OFF, SMALL_RUNNING, SMALL_SAVED, SMALL_POWER_COUNT };
/* What the VM has: an adapter that no GPU is named for, a pinned one, a whole GPU. */
enum small_part { SMALL_NONE, SMALL_FREE, SMALL_PINNED, SMALL_DEVICE, SMALL_PART_COUNT };
/* Whose it is: an assignment gives it a partition or a whole GPU; a record says that we did; nobody's. */
enum small_owner { SMALL_PARTITION, SMALL_WHOLE, SMALL_OURS, SMALL_UNMANAGED, SMALL_OWNER_COUNT };

enum { SMALL_EITHER = SMALL_GPUS }; /* 'gpu' of a free adapter that could be on each GPU of its host */

struct small_vm {
	uint8_t host, owner, power, part;
	uint8_t gpu; /* of its host: pinned to, has it whole, or (free, not off) is on it. In a pool: 0 */
	bool owed;   /* off, and an earlier run owes it a start */
};

struct small {
	bool failover;
	uint8_t n_hosts, n_gpus, n_vms; /* 'n_gpus' per host */
	uint8_t gpus[SMALL_HOSTS][SMALL_GPUS];
	struct small_vm vms[SMALL_VMS];
	/* the spec */
	uint8_t count;    /* of partitions: 1, 2 or 4 */
	uint8_t per_host; /* whole GPUs; 0: no such group, and then no VM wants one */
	uint8_t unmanaged, strategy;
	uint8_t max_unavailable; /* 0: not set */
};

/* Could hosts be like this? Adapters are on GPUs that offer partitions and have room, whole GPUs are dismounted and
 * have one owner each. */
bool small_is_real(const struct small *small);

/* In 'arena'. VM i has the id "i" and a name that begins with its owner's letter; the input is complete. */
struct world *small_world(struct arena *arena, const struct small *small);
struct plan_input small_input(struct arena *arena, const struct small *small);

/* One line for people and for kept cases, and back; small_parse() says false to what it does not know.
 *	failover count 2 per-host 1 Report Homogeneous | 4 d | 2 x | pR0@0 wO-@1 oR!1@0 uS=0@0 pO*@0$
 * Hosts between bars with their GPUs (d dismounted, q in the pool, x failed); then VMs: owner, power, part (- none, * or a
 * number a free adapter, ! pinned, = a whole GPU), host, $ for a start that is owed. */
char *small_text(struct arena *arena, const struct small *small);
bool small_parse(const char *text, struct small *small);
