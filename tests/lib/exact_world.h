/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world in a few bytes, with what steps do to it and what they must keep, written a second time from design.md
 * sections 5 and 6 and without a look at model/: for the judge, which tries millions of steps, and as one more telling
 * of the truth. tests/property/judge.c compares the two step by step.
 *
 * GPU g of host h has the index h * SMALL_GPUS + g, and sets of a host's GPUs are masks of two bits.
 */
#pragma once
#include "model/invariant.h"
#include "tests/lib/small.h"

enum { EXACT_GPUS = SMALL_HOSTS * SMALL_GPUS };

/* A GPU that was mounted offers partitions, and nobody knows how many until the count is set. */
enum { EXACT_UNKNOWN = SMALL_GPU_COUNT };

enum exact_adapter { ADAPTER_NONE, ADAPTER_FREE, ADAPTER_PIN_0, ADAPTER_PIN_1 };
enum exact_device { DEVICE_NONE, DEVICE_PATH_0, DEVICE_PATH_1, DEVICE_POOL };

struct exact_vm {
	unsigned host : 2;
	unsigned running : 1; /* in rules; a saved one is neither running nor off, see struct exact_rules */
	unsigned stopped : 1; /* this plan stopped it once */
	unsigned adapter : 2; /* enum exact_adapter */
	unsigned on : 2;      /* where a free adapter of a VM that is not off could be */
	unsigned device : 2;  /* enum exact_device */
	unsigned : 6;
};

struct exact_world {
	uint8_t gpus[EXACT_GPUS]; /* enum small_gpu or EXACT_UNKNOWN */
	uint8_t pools;            /* hosts that have the pool */
	uint8_t unused;
	uint32_t vms[SMALL_VMS]; /* as numbers, to be hashed: exact_vm_get, exact_vm_set */
};
struct exact_vm exact_vm_get(const struct exact_world *world, uint32_t vm);
void exact_vm_set(struct exact_world *world, uint32_t vm, struct exact_vm value);

struct exact_rules { /* what does not change */
	const struct small *small;
	bool whole[EXACT_GPUS];   /* this GPU is to be passed through; the others are to be partitioned */
	uint64_t broken_at_start; /* exact_broken() of the start */
	unsigned may_touch;       /* a bit for each VM: the judge's, exact_take() does not look */
	bool until_moved;         /* enum exact_reading: the judge's */
};

struct exact_world exact_start(const struct small *small);

struct exact_step {
	uint8_t kind;  /* enum step_kind */
	uint8_t index; /* VM, GPU, or host (create-pool) */
	uint8_t detail; /* add-*: enum exact_adapter, enum exact_device; set-partition-count: enum small_gpu; move-vm: host */
};

/* The violations of state invariants, one bit for each invariant and subject. */
uint64_t exact_broken(const struct exact_rules *rules, const struct exact_world *world);
enum invariant exact_invariant_of(uint32_t bit);

/* Takes the step. False when the world does not allow it. '*breaks' gets a bit for each invariant that the step itself
 * breaks, not counting those of exact_broken(). A step that is done already leaves the world as it is. */
bool exact_take(const struct exact_rules *rules, const struct exact_world *world, struct exact_step step,
	struct exact_world *after, unsigned *breaks);

/* ---- questions ---- */
/* The GPUs of a host that must be alike are not, or it is not known whether they are. */
bool exact_is_uneven(const struct exact_rules *rules, const struct exact_world *world, uint32_t host);
uint32_t exact_count(uint8_t gpu);  /* partitions that it offers; 0: none, or not known */
bool exact_offers(uint8_t gpu);     /* lists partitions, known or not */
bool exact_dismounted(uint8_t gpu); /* in a pool or not */
bool exact_is_off(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm);
unsigned exact_offering(const struct exact_world *world, uint32_t host);
/* The GPUs of its host that an adapter of the VM could be on. */
unsigned exact_could_be(const struct exact_rules *rules, const struct exact_world *world, uint32_t vm);
unsigned exact_pins(const struct exact_world *world, uint32_t vm);
