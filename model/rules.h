/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the invariants need to know besides the world: which GPUs have which role, whose the VMs are, what VMs with a
 * GPU must have. Made by reconcile/rules.h from a spec and a world; written into saved plans by key.
 */
#pragma once
#include "model/spec.h"
#include "model/world.h"

#define GPU_ROLES(X) X(ROLE_NONE, "none") X(ROLE_PARTITIONED, "partitioned") X(ROLE_PASSTHROUGH, "passthrough")
enum gpu_role { GPU_ROLES(NAMES_ENUM) GPU_ROLE_COUNT };
extern const struct names gpu_role_names;

/* clang-format off */
#define VM_OWNERSHIPS(X) \
	X(VM_BYSTANDER, "none")      /* has nothing of a selected GPU and no line names it */ \
	X(VM_UNMANAGED, "unmanaged") /* holds a GPU of ours and is in no manifest */ \
	X(VM_OURS, "ours")           /* a record says that we assigned it; to be pruned */ \
	X(VM_MANAGED, "managed")     /* an assignment names it */
/* clang-format on */
enum vm_ownership { VM_OWNERSHIPS(NAMES_ENUM) VM_OWNERSHIP_COUNT };
extern const struct names vm_ownership_names;

struct rules {
	const enum gpu_role *gpu_role;         /* per GPU of the world: the role that the manifests give it */
	const bool *gpu_refused;               /* per GPU: its change is refused, so it bars nobody (aligned-start) */
	const bool *gpu_excluded;              /* per GPU: on a host that is left alone */
	const enum vm_ownership *vm_ownership; /* per VM of the world */
	uint32_t max_partitions_per_vm;
	enum strategy strategy;
	uint32_t max_hosts; /* with Rolling: hosts that may be changed at once */
	enum unmanaged_mode unmanaged;
	bool debts_only; /* a way back or `restore`: availability wins over aligned-start (design.md section 6) */
	/* MMIO that a VM with n whole GPUs needs is n * device + buffer, or exactly 'vm' when the manifest says so */
	const struct maybe_u64 *vm_mmio_low,
		*vm_mmio_high; /* per VM: what it needs once it has its device; unknown: not checked */
};

/* The GPU is in play (design.md section 2): the partitioned group has it, on a host that is not left alone, and it is
 * partitionable, or dismounted and to be brought back. One that stays dismounted is in 'gpu_refused', which those who
 * compare counts leave out. */
bool rules_in_play(const struct rules *rules, const struct world *world, uint32_t gpu);
