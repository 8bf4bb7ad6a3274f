/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reconcile/check_pick.c picks from: the objects of a plan's world, VMs and GPUs, and what they are to each other, as
 * numbers that are the same for the same. So parts that differ in names alone are known as the same.
 */
#pragma once
#include "reconcile/check_parts.h"

enum { OBJECT_STEPS_MAX = 8, NAMED_MAX = 8 };

struct object {
	uint32_t at; /* its index in the world */
	uint32_t host;
	uint32_t steps[OBJECT_STEPS_MAX], n_steps;
	uint32_t sort; /* the same number: alike in itself, with the same steps */
	uint32_t
		twins; /* the same number: on one host, and whatever else there is comes before and after the same steps */
	uint32_t hosts[2], n_hosts;         /* where it is, and goes to */
	uint32_t named[NAMED_MAX], n_named; /* GPUs that a VM names: pins and devices by path */
};

struct picker {
	const struct plan *plan;
	const struct world *world;
	const struct reach *reach;
	struct violations at_start;
	struct object *vms, *gpus; /* per object of the world */
	uint32_t *host_sorts;      /* per host: what it is as a node of its cluster */
	GHashTable *numbers;       /* bytes that describe something: its number */
	GByteArray *key;           /* of the description being written */
	GHashTable *seen;          /* numbers of parts that were explored, as pointers */
	uint32_t states_max;
	struct diags *diags;
	bool unsure;
};

/* Fills what is about objects; freed by objects_done. 'unsure' is set when an object has too many steps. */
void objects_make(struct picker *picker);
void objects_done(struct picker *picker);

/* Adds to the description being written. */
void put(struct picker *picker, uint64_t value);
void put_maybe(struct picker *picker, struct maybe_u64 value);
void put_text(struct picker *picker, const char *text);
/* Which of one's steps come before which of the other's. */
void put_order(struct picker *picker, const struct object *a, const struct object *b);
/* The number of what was put since the last call: the same for the same. */
uint32_t number(struct picker *picker);

/* What the VM has to do with the GPU before the first step, and what its steps name. */
uint64_t ties(const struct picker *picker, const struct object *vm, const struct object *gpu);
/* The number of these objects (uint32_t): the same for others that are alike, in the same relations. */
uint32_t describe(struct picker *picker, const GArray *vms, const GArray *gpus);
