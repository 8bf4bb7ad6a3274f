/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What planning one cluster gives: changes, steps, cost, refusals, findings. Immutable. Lives in the cluster's arena.
 * Renderers read this and nothing else; planfile.h writes and reads it.
 */
#pragma once
#include "model/invariant.h"
#include "model/rules.h"
#include "model/spec.h"
#include "model/step.h"
#include "model/world.h"

/* A difference between two worlds in one governed field: what a person would call a change. */
/* clang-format off */
#define CHANGE_KINDS(X) \
	X(CHANGE_COUNT, "partition-count")         /* of a GPU: before, after as numbers */ \
	X(CHANGE_GPU_STATE, "gpu-state")           /* role: partitionable <-> dismounted */ \
	X(CHANGE_POOL, "pool")                     /* of a host: created */ \
	X(CHANGE_POOL_MEMBER, "pool-member")       /* of a GPU: pool name or none */ \
	X(CHANGE_ADAPTER_ADDED, "adapter-added") X(CHANGE_ADAPTER_REMOVED, "adapter-removed") \
	X(CHANGE_DEVICE_ADDED, "device-added") X(CHANGE_DEVICE_REMOVED, "device-removed") \
	X(CHANGE_HOST, "host")                     /* of a VM: names of hosts before and after */ \
	X(CHANGE_OFFLINE_ACTION, "offline-action") X(CHANGE_AUTOMATIC_CHECKPOINTS, "automatic-checkpoints") \
	X(CHANGE_STOP_ACTION, "stop-action") X(CHANGE_CACHE_CONTROL, "cache-control") \
	X(CHANGE_MMIO_LOW, "mmio-low") X(CHANGE_MMIO_HIGH, "mmio-high") X(CHANGE_POWER, "power")
/* clang-format on */
enum change_kind { CHANGE_KINDS(NAMES_ENUM) CHANGE_KIND_COUNT };
extern const struct names change_kind_names;

struct change {
	enum change_kind kind;
	uint32_t host, gpu, vm;     /* what it is about; NO_INDEX where not */
	const char *subject;        /* "host/hv01/gpu/PCIROOT(0)#PCI(0300)", "host/hv01/vm/vdi-001" */
	const char *before, *after; /* as text for people and JSON; NULL: none */
	/* typed, for order: */
	struct maybe_u64 number; /* count, mmio, enum value after */
	struct adapter adapter;
	struct device device;
	const char *pool;
	enum step_cause cause;
	const char *why; /* "GPU group 'vdi' of cluster 'paris' offers 8 partitions" */
	struct loc loc;
};

struct changes {
	const struct change *items;
	uint32_t n;
};

struct cost {
	uint32_t vms_stopped; /* stop-vm steps: every stop counts */
	uint32_t vms_moved;
	uint32_t role_changes;
	uint32_t steps;
	uint32_t seconds; /* estimate: the longest chain */
};

/* 'budget' of design.md section 6: VMs that we hold down at once, debts of earlier runs included. */
struct plan_budget {
	bool set;         /* rollout.maxUnavailable is */
	uint32_t of;      /* VMs that a percentage is of: that ran, or were owed a start, and that we may touch */
	uint32_t allowed; /* may be down at once; the same as 'of' when not set */
	uint32_t peak;    /* most that are down at once in any order of the plan */
};

/* The least that any plan for the same goals would cost (reconcile/bound.h, docs/bound.md). */
struct plan_least {
	bool known;
	uint32_t vms_stopped, vms_moved, role_changes;
};

/* rollout.windows at the moment of planning (model/window.h). */
struct plan_window {
	bool set;                          /* the manifest has windows */
	bool is_open;                      /* when it was planned; of a saved plan, when it is applied */
	int64_t opens_at;                  /* the next opening, or the one that is open */
	int64_t closes_at;                 /* of that one; 0: it never closes */
	uint32_t longest_s;                /* the longest of all windows; UINT32_MAX: one that never closes */
	const char *opens_text;            /* "Sat 2026-11-28 01:00 Europe/Paris" */
	const struct spec_window *windows; /* as in the manifest: a saved plan keeps to them */
	uint32_t n_windows;
};

/* Strategy Rolling: hosts differ in their counts for so long, by estimate. */
struct plan_mixed {
	bool set;
	uint32_t seconds;
	const char *first_host, *last_host; /* whose counts change first and last */
};

/* Something that the manifests want and that the plan does not do. The reason is also a finding. */
struct refusal {
	const char *subject; /* "group/vdi", "host/hv01/gpu/…", "vm/vdi-001" */
	const char *what;    /* "partition count 8", "a partition" */
	const char *reason;  /* with the smallest change that would make it possible */
	enum diag_code code;
	struct loc loc;
	const char *remedy;       /* the smallest change of the manifest that makes it possible, verified; or NULL */
	const char *const *facts; /* the smallest set of facts that makes it impossible, each one needed; or none */
	uint32_t n_facts;
	bool stays_owed; /* what a VM is owed: the debt goes on */
};

enum plan_mode {
	PLAN_APPLY,   /* what the manifests want, debts included */
	PLAN_RESTORE, /* pay open debts only: `restore`, a refused plan, the way back */
};

struct plan {
	const char *cluster;             /* its name; NULL for `restore` without manifests: then 'hosts' name it */
	const struct spec_cluster *spec; /* NULL when read from a file or restoring */
	enum plan_mode mode;
	const struct world *observed, *goal;
	const struct rules *rules;
	struct changes changes;
	const struct step *steps;
	uint32_t n_steps;
	struct cost cost;
	struct plan_least least;
	struct plan_budget budget;
	struct plan_window window;
	struct plan_mixed mixed;
	const struct refusal *refusals;
	uint32_t n_refusals;
	struct diags *diags;   /* findings about this cluster */
	bool complete;         /* false: after these steps more will be known, plan again (unknown valid counts) */
	bool incomplete_hosts; /* a host was not observed: exit 4 */
	bool suspended;
	bool foreign_owner;                 /* another repository's: apply refuses without --adopt */
	uint32_t n_debts_open, n_debts_old; /* old ones are reported, `settle` decides */
	uint32_t n_to_adopt; /* managed VMs without our record: records to write in a run that performs something */
	const char *owner;   /* ours, or NULL */
	/* Of a saved plan: its cluster in the manifests as they are now, or NULL. Which hosts are excluded or in maintenance counts
	 * for paying debts. */
	const struct spec_cluster *for_debts;
	bool consents; /* maxUnavailable or windows set: no person needed for stops */
};

/* What apply will leave undone or needs a person for decides the exit code; see conventions.md section 1. */
enum exit_code plan_exit(const struct plan *plan);
bool plan_has_steps(const struct plan *plan);
