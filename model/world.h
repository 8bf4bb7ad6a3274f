/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: hosts, GPUs and VMs with their state at one moment, observed or predicted. The goal is of the same type.
 *
 * A world is a flat set of arrays that refer to each other by index:
 *   hosts  sorted by name
 *   gpus   sorted by host, then location path; a host's GPUs are gpus[host.first_gpu .. + host.n_gpus]
 *   vms    sorted by host at assembly, then name, then id; a VM says where it is by 'host'
 * Objects are plain values whose texts and arrays live in an arena and are never changed in place: whoever changes a
 * VM's adapters makes a new array. Hence a change is "this object before, that object after" (model/delta.h).
 *
 * Unknown is a value of its own, never a default: struct maybe_u64, enum tristate, n_valid_counts 0, or NULL.
 * Which field is identity, governed or observed only is said in world.md section 1 and by the 'class' of
 * its row in schema/kind_host_state.c.
 */
#pragma once
#include "base/arena.h"
#include "base/names.h"

#include <stdbool.h>
#include <stdint.h>

struct maybe_u64 {
	bool known;
	uint64_t value;
};
#define KNOWN(v) ((struct maybe_u64){ true, (v) })
#define UNKNOWN ((struct maybe_u64){ 0 })
static inline bool maybe_equal(struct maybe_u64 a, struct maybe_u64 b)
{
	return a.known == b.known && (!a.known || a.value == b.value);
}
static inline bool maybe_is(struct maybe_u64 a, uint64_t value) /* known, and that value */
{
	return a.known && a.value == value;
}

enum tristate { TRI_UNKNOWN, TRI_NO, TRI_YES };

enum { NO_INDEX = UINT32_MAX };
enum { GPUS_PER_HOST_MAX = 64 }; /* a set of GPUs of one host is a 64-bit mask */

/* ---- hosts ---- */

/* clang-format off */
#define NODE_STATES(X) \
	X(NODE_UNKNOWN, "Unknown") \
	X(NODE_UP, "Up") X(NODE_PAUSED, "Paused") X(NODE_DRAINING, "Draining") X(NODE_DOWN, "Down")
/* clang-format on */
enum node_state { NODE_STATES(NAMES_ENUM) NODE_STATE_COUNT };
extern const struct names node_state_names;

struct cluster_node { /* a node of the failover cluster, as one host reports it */
	const char *name;
	enum node_state state;
};

struct pool { /* a resource pool of PCI Express devices on one host */
	const char *name;
	const char *const *members; /* location paths, sorted; also of devices that are no GPUs */
	uint32_t n_members;
};

struct lease {              /* who holds this host, design.md section 8 */
	const char *holder; /* user@machine, for people */
	const char *run;
	int64_t since;
};

struct cluster_record { /* "ours": which repository owns the cluster. The highest epoch wins */
	const char *owner;
	const char *cluster; /* name in the manifests */
	const char *commit;  /* last one applied, or NULL */
	uint64_t epoch;
};

struct noted_mmio { /* MMIO ranges of a GPU, noted before it was dismounted */
	const char *location_path;
	uint64_t low_bytes, high_bytes;
};

struct host {
	const char *name;
	int64_t observed_at; /* seconds since 1970 */
	struct maybe_u64 os_build;
	const char *edition; /* "Datacenter", "Standard", or NULL */
	enum tristate sriov;
	const char *sriov_reasons;
	enum tristate require_secure_assignment, require_supported_assignment; /* policy keys */
	const char *cluster_name;                                              /* NULL: standalone */
	const struct cluster_node *nodes;
	uint32_t n_nodes;
	struct maybe_u64 memory_free_bytes;
	enum tristate
		can_command_moves; /* live ones: probed, for a session without CredSSP cannot (world.md decision 7) */
	const struct pool *pools;  /* sorted by name */
	uint32_t n_pools;
	uint64_t epoch; /* the highest that this host has seen */
	const struct lease *lease;
	const struct cluster_record *record;
	const struct noted_mmio *noted;
	uint32_t n_noted;
	uint32_t first_gpu, n_gpus; /* set at assembly */
};

/* ---- GPUs ---- */

/* clang-format off */
#define GPU_STATES(X) \
	X(GPU_PLAIN, "plain")                     /* enabled, a driver without partitioning */ \
	X(GPU_PARTITIONABLE, "partitionable")     /* listed by Get-VMHostPartitionableGpu */ \
	X(GPU_PARAVIRTUALIZED, "paravirtualized") /* listed too, name ends in GPUPARAV: desktop GPU or SR-IOV off */ \
	X(GPU_DISMOUNTED, "dismounted")           /* given up by the host, for passthrough */ \
	X(GPU_DISABLED, "disabled") X(GPU_FAILED, "failed")
/* clang-format on */
enum gpu_state { GPU_STATES(NAMES_ENUM) GPU_STATE_COUNT };
extern const struct names gpu_state_names;

#define MEMORY_UNITS(X) X(MEMORY_BYTES, "bytes") X(MEMORY_SHARE, "share") /* share: of 1,000,000,000 */
enum memory_unit { MEMORY_UNITS(NAMES_ENUM) MEMORY_UNIT_COUNT };
extern const struct names memory_unit_names;

struct gpu {
	uint32_t host;             /* index */
	const char *location_path; /* the key: it survives dismount, unlike the instance id */
	const char *instance_id, *name, *pnp_status;
	const char *device;    /* "10DE:25B6", upper case */
	const char *subsystem; /* "10DE:157E"; A2 and A16 differ in this alone */
	enum gpu_state state;
	enum tristate mitigation_driver;
	const uint32_t *valid_counts; /* ascending; compared as a set; n 0: unknown */
	uint32_t n_valid_counts;
	struct maybe_u64 count; /* partitions it offers */
	struct maybe_u64 memory, partition_memory;
	enum memory_unit memory_unit;
	struct maybe_u64 mmio_low_bytes, mmio_high_bytes;
	enum tristate incoming_live_migration;
};

/* ---- VMs ---- */

/* State names and numbers of Microsoft.HyperV.PowerShell.VMState (facts/hyperv.md section 3). */
/* clang-format off */
#define VM_STATES(X) \
	X(VM_OFF, "Off") \
	X(VM_RUNNING, "Running") \
	X(VM_SAVED, "Saved") \
	X(VM_PAUSED, "Paused") \
	X(VM_STARTING, "Starting") X(VM_STOPPING, "Stopping") X(VM_RESET, "Reset") X(VM_SAVING, "Saving") X( \
	VM_PAUSING, "Pausing") X(VM_RESUMING, "Resuming") X(VM_FAST_SAVED, "FastSaved") X(VM_FAST_SAVING, \
	"FastSaving") X(VM_FORCE_SHUTDOWN, "ForceShutdown") X(VM_FORCE_REBOOT, "ForceReboot") X(VM_HIBERNATED, \
	"Hibernated") X(VM_COMPONENT_SERVICING, "ComponentServicing") X(VM_RUNNING_CRITICAL, \
	"RunningCritical") X(VM_OFF_CRITICAL, "OffCritical") X(VM_STOPPING_CRITICAL, "StoppingCritical") \
	X(VM_SAVED_CRITICAL, "SavedCritical") X(VM_PAUSED_CRITICAL, "PausedCritical") \
	X(VM_STARTING_CRITICAL, "StartingCritical") X(VM_RESET_CRITICAL, "ResetCritical") \
	X(VM_SAVING_CRITICAL, "SavingCritical") X(VM_PAUSING_CRITICAL, "PausingCritical") \
	X(VM_RESUMING_CRITICAL, "ResumingCritical") \
	X(VM_FAST_SAVED_CRITICAL, "FastSavedCritical") \
	X(VM_FAST_SAVING_CRITICAL, "FastSavingCritical")
/* clang-format on */
enum vm_state { VM_STATES(NAMES_ENUM) VM_STATE_COUNT };
extern const struct names vm_state_names;

/* clang-format off */
#define OFFLINE_ACTIONS(X) \
	X(OFFLINE_TURN_OFF, "TurnOff") \
	X(OFFLINE_SAVE, "Save") X(OFFLINE_SHUTDOWN, "Shutdown") X(OFFLINE_FORCED, "ForcedShutdown")
/* clang-format on */
enum offline_action { OFFLINE_ACTIONS(NAMES_ENUM) OFFLINE_ACTION_COUNT }; /* values 0..3 as on the cluster resource */
extern const struct names offline_action_names;

/* clang-format off */
#define STOP_ACTIONS(X) \
	X(STOP_ACTION_TURN_OFF, "TurnOff") X(STOP_ACTION_SAVE, "Save") X(STOP_ACTION_SHUTDOWN, "ShutDown")
/* clang-format on */
enum stop_action { STOP_ACTIONS(NAMES_ENUM) STOP_ACTION_COUNT };
extern const struct names stop_action_names;

/* clang-format off */
#define CHECKPOINT_TYPES(X) \
	X(CHECKPOINT_DISABLED, "Disabled") \
	X(CHECKPOINT_PRODUCTION, "Production") \
	X(CHECKPOINT_PRODUCTION_ONLY, "ProductionOnly") X(CHECKPOINT_STANDARD, "Standard")
/* clang-format on */
enum checkpoint_type { CHECKPOINT_TYPES(NAMES_ENUM) CHECKPOINT_TYPE_COUNT };
extern const struct names checkpoint_type_names;

/* The 12 quotas of Add-VMGpuPartitionAdapter, in this order; unknown = null, as on a fresh adapter. */
/* clang-format off */
#define QUOTAS(X) \
	X(QUOTA_MIN_VRAM, "minPartitionVRAM") \
	X(QUOTA_MAX_VRAM, "maxPartitionVRAM") \
	X(QUOTA_OPTIMAL_VRAM, "optimalPartitionVRAM") \
	X(QUOTA_MIN_ENCODE, "minPartitionEncode") \
	X(QUOTA_MAX_ENCODE, "maxPartitionEncode") X(QUOTA_OPTIMAL_ENCODE, "optimalPartitionEncode") \
	X(QUOTA_MIN_DECODE, "minPartitionDecode") X(QUOTA_MAX_DECODE, "maxPartitionDecode") \
	X(QUOTA_OPTIMAL_DECODE, "optimalPartitionDecode") X(QUOTA_MIN_COMPUTE, "minPartitionCompute") \
	X(QUOTA_MAX_COMPUTE, "maxPartitionCompute") \
	X(QUOTA_OPTIMAL_COMPUTE, "optimalPartitionCompute")
/* clang-format on */
enum quota { QUOTAS(NAMES_ENUM) QUOTA_COUNT };
extern const struct names quota_names;

/* A partition adapter. 'gpus' is the set of GPUs it could be on, as a mask over its host's GPUs (bit i = the host's
 * i-th GPU); it is stored only while the VM is not Off, and 0 then means "the host could not tell". Ask
 * adapter_gpus() instead, which knows about off VMs, pins and unknowns. */
struct adapter {
	const char *
		id; /* "Microsoft:<VM>\<adapter>"; changes when it is removed and added. NULL in a goal: not there yet */
	const char *pin; /* location path of the GPU it is pinned to, or NULL */
	enum tristate
		pinned; /* TRI_UNKNOWN: the host could not tell; then it may be pinned to any GPU it could be on */
	struct maybe_u64 quotas[QUOTA_COUNT];
	uint64_t gpus;
	enum tristate outgoing_live_migration;
	const char *const
		*gpu_paths; /* 'gpus' as a document writes it: only for reading and writing, see schema/state.h */
	uint32_t n_gpu_paths;
};

struct device { /* a whole GPU in a VM: exactly one of the two is set. From a pool it is any of the pool's on that host */
	const char *location_path;
	const char *pool;
};

/* clang-format off */
#define DEBT_POWERS(X) \
	X(DEBT_POWER_NONE, "none")         /* no power owed */ \
	X(DEBT_POWER_STOPPING, "stopping") /* written before the stop, not completed */ \
	X(DEBT_POWER_STOPPED, "stopped")   /* we stopped it; a start is owed */
/* clang-format on */
enum debt_power { DEBT_POWERS(NAMES_ENUM) DEBT_POWER_COUNT };
extern const struct names debt_power_names;

struct debt { /* what we owe to one VM, design.md section 8 */
	const char *run;
	uint64_t epoch;
	int64_t at;
	enum debt_power power;
	struct maybe_u64 state_change;  /* the VM's last state change when the stop completed */
	const struct adapter *adapters; /* parts: to be given back, with quotas and pin */
	uint32_t n_adapters;
	const struct device *devices;
	uint32_t n_devices;
};

struct vm_record { /* "ours": we assigned this VM's partition or devices */
	const char *owner;
	const char *cluster;
	const char *group; /* the GPU group */
};

struct vm {
	uint32_t host; /* index */
	const char *id, *name;
	enum vm_state state;
	struct maybe_u64 state_change; /* time of last state change */
	uint32_t generation;
	struct maybe_u64 memory_bytes; /* assigned */
	enum tristate clustered;
	const char *group;               /* cluster group, or NULL */
	struct maybe_u64 offline_action; /* enum offline_action; unknown for a VM that is not clustered */
	const struct adapter *adapters;
	uint32_t n_adapters;
	const struct device *devices;
	uint32_t n_devices;
	bool automatic_checkpoints;
	enum checkpoint_type checkpoint_type;
	enum tristate has_checkpoints;
	bool dynamic_memory;
	struct maybe_u64 memory_startup_bytes, memory_minimum_bytes;
	enum stop_action stop_action;
	bool cache_control; /* GuestControlledCacheTypes */
	struct maybe_u64 mmio_low_bytes, mmio_high_bytes;
	enum tristate shutdown_answers;
	const char *guest_os;
	const struct debt *debt;
	const struct vm_record *record;
};

/* ---- the world ---- */

struct host_state { /* one host of a world, as a HostState document holds it. gpu.host and vm.host are 0 */
	struct host host;
	struct gpu *gpus;
	uint32_t n_gpus;
	struct vm *vms;
	uint32_t n_vms;
};

struct missing_host { /* a host that the manifests name and that could not be observed */
	const char *name;
	const char *reason;
};

struct world {
	struct host *hosts;
	uint32_t n_hosts;
	struct gpu *gpus;
	uint32_t n_gpus;
	struct vm *vms;
	uint32_t n_vms;
	const struct missing_host *missing; /* sorted by name */
	uint32_t n_missing;
};

/* Puts observed hosts together. Texts are shared with 'states', arrays are new. */
struct world *world_assemble(struct arena *arena, const struct host_state *const *states, uint32_t n_states);

/* A copy whose objects can be replaced without touching the original (texts and inner arrays are shared). */
struct world *world_copy(struct arena *arena, const struct world *world);

/* One host of the world as a document holds it. */
struct host_state *world_host_state(struct arena *arena, const struct world *world, uint32_t host);

/* As the host reports itself; NODE_UNKNOWN where it is in no failover cluster. */
enum node_state host_node_state(const struct host *host);
/* The cluster of a host when no manifest is at hand: as its record calls it, else the failover cluster's name; NULL: neither. */
const char *host_cluster(const struct host *host);

/* Look-ups by key; NO_INDEX when there is none. */
uint32_t world_find_host(const struct world *world, const char *name); /* case does not matter, as in Windows */
uint32_t world_find_gpu(const struct world *world, uint32_t host, const char *location_path);
uint32_t world_find_vm(const struct world *world, const char *id);
/* The first VM of that name, and how many there are in '*n_out' (may be NULL). Case does not matter. */
uint32_t world_find_vm_named(const struct world *world, const char *name, uint32_t *n_out);
/* What the hosts record of the cluster: the one with the highest epoch, or NULL. */
const struct cluster_record *world_newest_record(const struct world *world);
/* That one names an owner who is not this one. 'owner' NULL: nobody knows. */
bool world_is_of_others(const struct world *world, const char *owner);
const struct pool *host_find_pool(const struct host *host, const char *name);
/* The pool of the GPU's host that has it as a member, or NULL. */
const struct pool *gpu_pool(const struct world *world, uint32_t gpu);

/* ---- questions ---- */

/* "Running" in rules: any state but Off and Saved (design.md section 2); also the transient and critical ones. */
bool vm_is_running(const struct vm *vm);
bool vm_is_off(const struct vm *vm);
/* What it has of its host's memory, or, while it is off, takes when it starts. Unknown when no host said so. */
struct maybe_u64 vm_memory(const struct vm *vm);
/* We may stop it: state Running. Saved, paused, critical and transient VMs are never touched (world.md decision 2). */
bool vm_can_stop(const struct vm *vm);

/* Lists partitions: partitionable or paravirtualized. Only on such a GPU can an adapter land. */
bool gpu_offers_partitions(const struct gpu *gpu);
uint64_t gpu_bit(const struct world *world, uint32_t gpu);   /* its bit in the masks of its host */
bool gpu_lists_count(const struct gpu *gpu, uint32_t count); /* false when the valid counts are unknown */

/* The set of GPUs that an adapter could be on now: its pin; else, while the VM is not Off, what was observed or
 * predicted; else every GPU of the host that offers partitions. */
uint64_t adapter_gpus(const struct world *world, const struct vm *vm, const struct adapter *adapter);
/* The set of GPUs that it could be pinned to: empty, one, or (unknown) all that it could be on. */
uint64_t adapter_pins(const struct world *world, const struct vm *vm, const struct adapter *adapter);
bool vm_could_be_on(const struct world *world, const struct vm *vm, uint32_t gpu); /* any of its adapters */
/* An assigned device of the VM could be this GPU: named by path, or from the GPU's pool on the VM's host. */
bool vm_device_could_be(const struct world *world, const struct vm *vm, uint32_t gpu);
/* One of its assigned devices is a GPU of its host, or comes from a pool: an NVMe disk is none. */
bool vm_has_whole_gpu(const struct world *world, const struct vm *vm);

/* The GPUs of 'host' on which an unpinned adapter could land at a start now: they offer partitions and are not
 * certainly full. 'except' is a VM left out of the count (NO_INDEX: none). */
uint64_t host_landing_gpus(const struct world *world, uint32_t host, uint32_t except);
