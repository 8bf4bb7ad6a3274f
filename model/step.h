/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps: the closed list of things that a plan can do, one row each. A step is an *ensure* on one host or VM: read,
 * compare, act, read again; repeating it is harmless. Planner, checker, executor and docs read the rows; the simulator
 * does not (providers/host/sim*.c models the host from the facts), and a conformance test compares the two.
 *
 * A step names what it works on by key (host name, VM id, location path), so that it can be saved and replayed on
 * another world, and carries the indices for the world it was bound to (step_bind).
 *
 * Who fills what (design.md section 5):
 *   stop-vm, start-vm                 vm          (stop: method, timeout_s, on_timeout)
 *   move-vm                           vm, to_host, live
 *   set-offline-action                vm, offline_action
 *   configure-vm                      vm, settings  (live and needs-off ones never in one step: world.md decision 14)
 *   remove-/add-partition-adapter     vm, adapter   (remove: its id; add: quotas and pin, id NULL; 'count', see below)
 *   remove-/add-assigned-device       vm, device    (a pool's: any one of that pool; 'count' likewise)
 *   set-partition-count               gpu, count
 *   dismount-gpu                      gpu, force    (notes its MMIO ranges on the host)
 *   mount-gpu                         gpu
 *   create-pool                       host, pool
 *   add-/remove-gpu-to/from-pool      gpu, pool
 *
 * An add-* ensures that the VM has at least 'count' (0 reads as 1) adapters or devices that serve: with that pin or, for
 * an unpinned one, any; with that path or of that pool. So the second of two adds has count 2, and each can be repeated.
 */
#pragma once
#include "base/diag.h"
#include "model/delta.h"
#include "model/spec.h"
#include "model/world.h"

/* clang-format off */
#define STEP_KINDS(X) \
	X(STEP_STOP_VM, "stop-vm") \
	X(STEP_START_VM, "start-vm") \
	X(STEP_MOVE_VM, "move-vm") \
	X(STEP_SET_OFFLINE_ACTION, "set-offline-action") \
	X(STEP_CONFIGURE_VM, "configure-vm") X(STEP_REMOVE_ADAPTER, "remove-partition-adapter") \
	X(STEP_ADD_ADAPTER, "add-partition-adapter") X(STEP_REMOVE_DEVICE, "remove-assigned-device") \
	X(STEP_ADD_DEVICE, "add-assigned-device") X(STEP_SET_COUNT, "set-partition-count") \
	X(STEP_DISMOUNT_GPU, "dismount-gpu") X(STEP_MOUNT_GPU, "mount-gpu") \
	X(STEP_CREATE_POOL, "create-pool") X(STEP_ADD_TO_POOL, "add-gpu-to-pool") \
	X(STEP_REMOVE_FROM_POOL, "remove-gpu-from-pool")
/* clang-format on */
enum step_kind { STEP_KINDS(NAMES_ENUM) STEP_KIND_COUNT };
extern const struct names step_kind_names;

/* Settings that configure-vm changes: 'which' says which members count. */
enum setting {
	SETTING_AUTOMATIC_CHECKPOINTS = 1 << 0, /* live: off */
	SETTING_STOP_ACTION = 1 << 1,           /* live: not Save */
	SETTING_CACHE_CONTROL = 1 << 2,         /* needs off: on */
	SETTING_MMIO_LOW = 1 << 3,              /* needs off: at least */
	SETTING_MMIO_HIGH = 1 << 4,
	SETTINGS_LIVE = SETTING_AUTOMATIC_CHECKPOINTS | SETTING_STOP_ACTION,
	SETTINGS_NEED_OFF = SETTING_CACHE_CONTROL | SETTING_MMIO_LOW | SETTING_MMIO_HIGH,
};
struct vm_settings {
	unsigned which; /* enum setting */
	bool automatic_checkpoints;
	enum stop_action stop_action;
	bool cache_control;
	uint64_t mmio_low_bytes, mmio_high_bytes;
};

/* Why a step is in the plan. */
/* clang-format off */
#define STEP_CAUSES(X) \
	X(CAUSE_WANTED, "wanted")     /* the manifest asks for this very change */ \
	X(CAUSE_DRAIN, "drain")       /* the VM must let go of a GPU while that one changes */ \
	X(CAUSE_RETURN, "return")     /* gives back what a drain took */ \
	X(CAUSE_EXCHANGE, "exchange") /* makes way for the VM's GPU of the other kind */ \
	X(CAUSE_UNPIN, "unpin")       /* comes again without its pin, to a GPU that changes its role */ \
	X(CAUSE_VM_OFF, "vm-off")     /* the VM must be off for another change of its own */ \
	X(CAUSE_PRUNE, "prune")       /* ours, and no manifest mentions it any more */ \
	X(CAUSE_UNMANAGED, "unmanaged") /* in the way, in no manifest, and `unmanaged: Remove` */ \
	X(CAUSE_DEBT, "debt")         /* an earlier run owes it */ \
	X(CAUSE_PLATFORM, "platform") /* GPU-P or DDA demands it of a VM */ \
	X(CAUSE_ROOM, "room")         /* the VM's host has no place for it */
/* clang-format on */
enum step_cause { STEP_CAUSES(NAMES_ENUM) STEP_CAUSE_COUNT };
extern const struct names step_cause_names;

/* What the step takes is owed to the VM until it is given back, or what comes instead is there. */
bool step_cause_owes(enum step_cause cause);

struct step {
	enum step_kind kind;
	uint32_t id; /* from 1, in plan order */

	/* on what, by key */
	const char *host_name;
	const char *vm_id, *vm_name;
	const char *location_path;
	/* the same for the bound world; NO_INDEX where it has no such thing */
	uint32_t host, vm, gpu;

	/* how */
	uint32_t count, count_before; /* count_before 0: unknown */
	struct adapter adapter;
	struct device device;
	struct vm_settings settings;
	enum offline_action offline_action;
	const char *pool;
	bool force;
	const char *to_host;
	bool live; /* move-vm: of a running VM; else it must be Off */
	enum stop_method stop_method;
	uint32_t stop_timeout_s;
	enum on_timeout on_timeout;

	uint32_t unit; /* from 1: steps of one unit hold their VMs down together (reconcile/unit.h); 0: not told */

	/* why */
	enum step_cause cause;
	const char *why; /* a phrase for people: "to drain hv01's GPU PCIROOT(0)#PCI(0300)" */
	struct loc loc;  /* the manifest line that asked for it, if one did */

	/* after what: ids of steps, ascending, all smaller than 'id' */
	const uint32_t *after;
	uint32_t n_after;
	/* beside 'after': the name of the rule that wants it (reconcile/order.h), for people; NULL: not told */
	const char *const *after_why;
};

enum step_needs {
	STEP_NEEDS_VM_OFF = 1 << 0,
	STEP_NEEDS_GPU_DRAINED = 1 << 1,
	STEP_IS_STOP = 1 << 2, /* disrupts: a running VM goes down */
	STEP_IS_ROLE_CHANGE = 1 << 3,
	STEP_GIVES_BACK = 1 << 4, /* allowed while interrupted: start, add, mount */
};

struct step_row {
	const char *name; /* "set-partition-count": documents, journal, agent verb */
	unsigned needs;
	enum step_kind inverse;   /* the kind that takes it back; itself for set-… */
	uint32_t typical_seconds; /* estimate of its duration; also the simulator's default */
	/* Predicts the effect on 'world'. The world is not changed. The adapters a start resolves get the set of GPUs
	 * they could be on. 0, or -1 with a finding when the step's preconditions do not hold in this world. An ensure
	 * that finds its effect already there gives an empty delta. */
	int (*simulate)(struct arena *arena, const struct world *world, const struct step *step, struct delta *out,
		struct diags *diags);
	const char *doc; /* one sentence, with the cmdlet */
};
extern const struct step_row step_rows[STEP_KIND_COUNT];

/* Sets the indices for 'world' from the keys. 0, or -1 with a finding when the world lacks one of them. */
int step_bind(struct step *step, const struct world *world, struct diags *diags);

/* step_rows[step->kind].simulate */
int step_simulate(struct arena *arena, const struct world *world, const struct step *step, struct delta *out,
	struct diags *diags);

/* One line for people, without number or reason: "set partitions of hv01 PCIROOT(0)#PCI(0300) from 4 to 8". */
char *step_text(struct arena *arena, const struct step *step);

/* What is owed less what a step gives back; NULL when nothing is left. 'adapter', 'device': the part, or NULL. */
const struct debt *debt_without_power(struct arena *arena, const struct debt *debt);
const struct debt *debt_without_adapter(struct arena *arena, const struct debt *debt, const struct adapter *adapter);
const struct debt *debt_without_device(struct arena *arena, const struct debt *debt, const struct device *device);
/* With one kind of GPU given, nothing of the other kind is owed: no VM of ours has both. */
const struct debt *debt_without_adapters(struct arena *arena, const struct debt *debt);
const struct debt *debt_without_devices(struct arena *arena, const struct debt *debt);
bool adapter_same(const struct adapter *a, const struct adapter *b); /* pin and quotas */
bool device_same(const struct device *a, const struct device *b);
