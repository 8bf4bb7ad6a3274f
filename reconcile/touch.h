/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which VMs a goal disturbs: who must be off for it, who must let go of its adapters for a while, and because of
 * what. Both the refusals and the order of steps stand on this.
 *
 * drained: a count changes only while no VM holds an adapter that could be on that GPU, so such adapters are taken
 *   away and given back ("cycled"), of off VMs too.
 * homogeneous: a running VM on a GPU whose count changes must be off before the *first* count of the cluster changes.
 * exclusive: a GPU is dismounted only when no running VM could be on it; mounted, or taken out of its pool, only when
 *   no running VM's device could be it.
 */
#pragma once
#include "reconcile/wants.h"

enum touch_cause {
	TOUCH_OWN = 1 << 0,   /* its own parts change */
	TOUCH_COUNT = 1 << 1, /* a count changes under it */
	TOUCH_ROLE = 1 << 2,  /* a GPU changes role under it */
	TOUCH_MOVE = 1 << 3,  /* it goes to another host (reconcile/moves.h) */
};

enum move_reason {
	MOVE_NONE,
	MOVE_REQUIRED,  /* `placement: Required`, and it is elsewhere */
	MOVE_ROOM,      /* its host would have no partition for it */
	MOVE_NODE,      /* it must start anyway, and its node takes no VM now */
	MOVE_PREFERRED, /* it must start anyway, and its `host` has room */
};

struct vm_touch {
	unsigned causes;
	bool stop;    /* it runs and must be off for a while */
	bool early;   /* it must be off before the first count of the cluster */
	bool cycle;   /* its adapters go away and come back */
	bool blocked; /* it would have to be off or touched and is in a state that forbids it: refuse.h */
	uint32_t gpu; /* one GPU that is the reason, or NO_INDEX */
	enum move_reason move;
	bool live;    /* it moves while it runs; else it is off for it */
	bool carries; /* it leaves with its adapters before the counts of its old host change, so they need not cycle */
};

struct touch {
	struct vm_touch *vms;      /* per VM */
	const bool *count_changes; /* per GPU */
	uint32_t n_counts;
	uint32_t n_roles;
};

struct touch *touch_make(struct arena *arena, const struct world *observed, const struct world *goal);

/* Once it is known who moves: who runs while a host's counts change fits what it offers then. No count touches VMs on a GPU
 * that failed, or that no group selects; those of them that lose their partition, or go to another host, are off before
 * the counts where the others would not fit beside them. */
void touch_make_room(struct touch *touch, const struct world *observed, const struct world *goal);

/* The same: adapters that counts would take away go along, where no move waits for another then. */
void touch_carry_adapters(struct touch *touch, const struct world *observed, const struct world *goal);

/* The adapter, once its VM is off, could be on a GPU of its host whose count changes. */
bool touch_adapter_is_in_the_way(const struct touch *touch, const struct world *observed, const struct world *goal,
	uint32_t vm, const struct adapter *adapter);

/* The same adapter of a VM stands in both worlds: by id, and by pin. */
bool touch_has_adapter(const struct vm *vm, const struct adapter *adapter);
bool touch_has_device(const struct vm *vm, const struct device *device, uint32_t nth);
