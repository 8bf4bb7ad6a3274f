/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it would cost to pass certain GPUs of one host through, before there is a goal: enough to compare one choice with
 * another (docs/decisions/0005-choice-and-bound.md). GPUs are bits of their host's masks (gpu_bit).
 */
#pragma once
#include "reconcile/wants.h"

enum { CHOICE_GROUPS_MAX = 16 };

/* Compared in this order: the groups get what they ask for, as little else as possible is refused, then the objective
 * (design.md section 6). */
struct choice_cost {
	uint32_t failed;  /* GPUs that are no use to the group */
	uint32_t barred;  /* GPUs that would be refused to it */
	uint32_t refused; /* other GPUs, whose count would be, and VMs */
	uint32_t stops, roles, steps;
	bool refuses_count; /* not compared: the count of the whole cluster is among what is refused */
};

struct choice_vm {           /* a VM of the host that holds, or is to gain, a GPU */
	uint64_t adapters;   /* it is not off: an adapter could be on these */
	uint64_t pins;       /* an adapter that stays is pinned to one of these, or could be */
	uint64_t in_the_way; /* once it is off, an adapter that stays could be on these */
	uint64_t devices;    /* a whole GPU of it could be one of these */
	uint64_t paths;      /* of these, those that it names by path, also of a VM that is off */
	uint64_t named;      /* of these, those that its own group selects */
	uint32_t group;      /* in choice_host.groups: of its assignment; NO_INDEX: none of them */
	uint32_t n_adapters;
	uint32_t keeps, gains; /* partitions, if it runs */
	uint32_t wants;        /* whole GPUs that it names by path, or is to: hosts without pools */
	bool is_off;
	bool stops_anyway;
	bool is_fixed;       /* nobody may stop or change it */
	bool pins_are_fixed; /* it may be stopped, and comes back with the pins and paths that it has */
	bool is_stripped;    /* touched, it comes back with nothing (`unmanaged: Remove`) */
};

struct choice_host {
	const struct world *world;
	const struct host *host;
	const struct gpu_group *groups[CHOICE_GROUPS_MAX]; /* that take a number per host, in the manifest's order */
	uint64_t candidates[CHOICE_GROUPS_MAX];
	uint64_t forbidden[CHOICE_GROUPS_MAX]; /* cannot become passthrough for this group */
	uint64_t pooled[CHOICE_GROUPS_MAX];    /* in its pool already */
	uint32_t n_groups;
	uint64_t given; /* passed through by location path: not to be chosen */
	uint64_t failed;
	uint64_t dismounted;  /* now */
	uint64_t in_pool;     /* in one of any name */
	uint64_t partitioned; /* the partitioned group gets these when nobody else does */
	uint64_t differing;   /* of these, whose count is not the one to reach */
	uint64_t unlisted;    /* of these, that do not list the one to reach */
	struct maybe_u64 count;
	bool has_pools; /* failover cluster */
	struct choice_vm *vms;
	uint32_t n_vms;
};

/* Hosts as they are when location paths are taken and nothing else: a GArray of struct choice_host, one per host. */
GArray *choice_look(const struct wants *wants);

/* 'passed': per group, the GPUs that it would get. */
struct choice_cost choice_cost(const struct choice_host *host, const uint64_t *passed);

/* From now on as if no count of the cluster changes, and so no GPU comes back for partitions. */
void choice_keep_counts(struct choice_host *host);

/* Is 'a' better than 'b'? Equal ones are not. */
bool choice_is_less(struct choice_cost a, struct choice_cost b);
