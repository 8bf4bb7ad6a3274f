/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the manifests ask for, typed. Field for field the language of design.md section 3; the rows that define names,
 * ranges and defaults are schema/kind_*.c. Built by schema/load.h, immutable afterwards.
 */
#pragma once
#include "base/loc.h"
#include "model/world.h"

struct field; /* model/field.h */
struct zone;  /* base/zone.h */

/* Every object of a manifest starts with one: where it and each of its fields stand. */
struct head {
	struct loc loc;             /* of the object */
	const struct field *fields; /* its rows */
	const struct loc *locs;     /* one per row: of the value; of the object where the field is absent */
	const bool *present;        /* one per row: written in the manifest (else it is the default) */
};
/* The place of field 'name' of an object, for messages. */
struct loc head_loc(const struct head *head, const char *name);
bool head_has(const struct head *head, const char *name);

struct spec_host { /* GpuCluster.spec.hosts[] */
	struct head head;
	const char *name;
	bool maintenance;
	const char *exclude; /* the reason, or NULL */
};

struct spec_mmio {
	struct head head;
	struct maybe_u64 low_bytes, high_bytes;
};

struct location_list { /* one entry of passthrough.locationPaths */
	const char *host;
	const char *const *paths;
	uint32_t n_paths;
};

#define DISMOUNTS(X) X(DISMOUNT_MITIGATED, "Mitigated") X(DISMOUNT_FORCE, "Force")
enum dismount_mode { DISMOUNTS(NAMES_ENUM) DISMOUNT_COUNT };
extern const struct names dismount_names;

struct spec_passthrough {
	struct head head;
	struct maybe_u64 per_host;
	const struct location_list *location_paths;
	uint32_t n_location_paths;
	const char *pool; /* NULL: hvgpu-<cluster>-<group>, see group_pool_name() */
	enum dismount_mode dismount;
	const struct spec_mmio *mmio; /* or NULL */
};

struct spec_match {
	struct head head;
	const char *model, *device, *subsystem; /* each or NULL */
};

struct gpu_group { /* GpuCluster.spec.gpus[] */
	struct head head;
	const char *name;
	const struct spec_match *match;
	struct maybe_u64 partition_count; /* exactly one of this and passthrough */
	const struct spec_passthrough *passthrough;
};

struct share { /* a number or a percentage */
	bool set, percent;
	uint32_t value;
};

#define STOP_METHODS(X) X(STOP_SHUTDOWN, "Shutdown") X(STOP_TURN_OFF, "TurnOff") X(STOP_NEVER, "Never")
enum stop_method { STOP_METHODS(NAMES_ENUM) STOP_METHOD_COUNT };
extern const struct names stop_method_names;

#define ON_TIMEOUTS(X) X(ON_TIMEOUT_FAIL, "Fail") X(ON_TIMEOUT_TURN_OFF, "TurnOff")
enum on_timeout { ON_TIMEOUTS(NAMES_ENUM) ON_TIMEOUT_COUNT };
extern const struct names on_timeout_names;

struct spec_stop {
	struct head head;
	enum stop_method method;
	uint32_t timeout_s;
	enum on_timeout on_timeout;
};

enum { DAY_COUNT = 7 }; /* Mon..Sun */
extern const struct names day_names;

struct spec_window {
	struct head head;
	const char *const *days; /* names of day_names; none: all */
	uint32_t n_days;
	uint32_t start_minute; /* of the day */
	uint32_t duration_s;
	const char *time_zone;   /* IANA name */
	const struct zone *zone; /* its rules, read by loading; NULL: there is no such zone (base/zone.h) */
};

#define STRATEGIES(X) X(STRATEGY_HOMOGENEOUS, "Homogeneous") X(STRATEGY_ROLLING, "Rolling")
enum strategy { STRATEGIES(NAMES_ENUM) STRATEGY_COUNT };
extern const struct names strategy_names;

struct spec_rollout {
	struct head head;
	enum strategy strategy;
	struct share max_unavailable;
	uint32_t max_hosts;
	struct spec_stop stop;
	const struct spec_window *windows;
	uint32_t n_windows;
};

struct spec_resilience {
	struct head head;
	uint32_t host_failures;
};

#define CLUSTER_TYPES(X) X(CLUSTER_FAILOVER, "Failover") X(CLUSTER_STANDALONE, "Standalone")
enum cluster_type { CLUSTER_TYPES(NAMES_ENUM) CLUSTER_TYPE_COUNT };
extern const struct names cluster_type_names;

#define UNMANAGED_MODES(X) X(UNMANAGED_REPORT, "Report") X(UNMANAGED_CYCLE, "Cycle") X(UNMANAGED_REMOVE, "Remove")
enum unmanaged_mode { UNMANAGED_MODES(NAMES_ENUM) UNMANAGED_MODE_COUNT };
extern const struct names unmanaged_mode_names;

#define VM_SETTINGS_MODES(X) X(VM_SETTINGS_ENFORCE, "Enforce") X(VM_SETTINGS_REQUIRE, "Require")
enum vm_settings_mode { VM_SETTINGS_MODES(NAMES_ENUM) VM_SETTINGS_MODE_COUNT };
extern const struct names vm_settings_mode_names;

struct spec_cluster { /* kind GpuCluster; head: of its spec */
	struct head head;
	const char *name;
	struct loc name_loc;
	enum cluster_type type;
	const struct spec_host *hosts;
	uint32_t n_hosts;
	const struct gpu_group *gpus;
	uint32_t n_gpus;
	struct spec_rollout rollout;
	enum unmanaged_mode unmanaged;
	bool prune;
	enum vm_settings_mode vm_settings;
	uint32_t max_partitions_per_vm;
	struct spec_resilience resilience;
	bool suspend;
};

struct spec_vm { /* GpuAssignment.spec.virtualMachines[] */
	struct head head;
	const char *name;
	const char *host; /* or NULL */
	bool optional;
};

#define PLACEMENTS(X) X(PLACEMENT_PREFERRED, "Preferred") X(PLACEMENT_REQUIRED, "Required")
enum placement { PLACEMENTS(NAMES_ENUM) PLACEMENT_COUNT };
extern const struct names placement_names;

struct spec_vm_match {
	struct head head;
	const char *name_pattern;
};

struct spec_requires {
	struct head head;
	struct maybe_u64 vram_bytes;
};

struct spec_assignment { /* kind GpuAssignment */
	struct head head;
	const char *name;
	struct loc name_loc;
	const char *cluster, *gpus;
	const struct spec_vm *vms;
	uint32_t n_vms;
	const struct spec_vm_match *match; /* or NULL */
	uint32_t count;
	const struct spec_requires *requires; /* or NULL */
	enum placement placement;
};

struct inventory_host { /* HostInventory.spec.hosts[] */
	struct head head;
	const char *name, *address, *credential;
};

struct spec_inventory { /* kind HostInventory */
	struct head head;
	const char *name;
	struct loc name_loc;
	const struct inventory_host *hosts; /* sorted by name, case aside */
	uint32_t n_hosts;
};

struct spec { /* arrays sorted by name, so that document order does not matter */
	const struct spec_cluster *clusters;
	uint32_t n_clusters;
	const struct spec_assignment *assignments;
	uint32_t n_assignments;
	const struct spec_inventory *inventories;
	uint32_t n_inventories;
};

const struct spec_cluster *spec_find_cluster(const struct spec *spec, const char *name);
const struct gpu_group *cluster_find_group(const struct spec_cluster *cluster, const char *name);
const struct gpu_group *cluster_partitioned_group(const struct spec_cluster *cluster);           /* or NULL */
const struct spec_host *cluster_find_host(const struct spec_cluster *cluster, const char *name); /* any case */
/* Name of the group's resource pool in a failover cluster. */
const char *group_pool_name(struct arena *arena, const struct spec_cluster *cluster, const struct gpu_group *group);
/* The assignment that manages the VMs of that name in a cluster, or NULL: explicit names win over patterns. '*loc_out' (may
 * be NULL) is the name or pattern. */
const struct spec_assignment *spec_find_assignment_of_vm(
	const struct spec *spec, const char *cluster, const char *vm, struct loc *loc_out);
/* The address of a host in the inventories, or NULL. */
const struct inventory_host *spec_find_address(const struct spec *spec, const char *host);
