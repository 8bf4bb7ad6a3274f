/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of HostState. FIELD_GOVERNED is what diff, goal check and staleness look at, FIELD_IDENTITY what tells
 * objects apart; everything else is observed only. null means that the host could not tell.
 */
#include "schema/kinds.h"

#define I FIELD_IDENTITY
#define G FIELD_GOVERNED

static const struct field node_fields[] = {
	{ "name", F_TEXT(struct cluster_node, name), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "Name of the node." },
	{ "state", F_ENUM(struct cluster_node, state, enum node_state, node_state_names), .preset = "Unknown",
		.doc = "What the cluster says of it." },
	{ 0 },
};

static const struct field pool_fields[] = {
	{ "name", F_TEXT(struct pool, name), .flags = FIELD_REQUIRED | I | G, .doc = "Name of the pool." },
	{ "members", F_TEXTS(struct pool, members), .flags = G,
		.doc = "Location paths of its devices, also of those that are no GPUs." },
	{ 0 },
};

static const struct field lease_fields[] = {
	{ "holder", F_TEXT(struct lease, holder), .flags = FIELD_REQUIRED, .doc = "Who, as user@machine." },
	{ "run", F_TEXT(struct lease, run), .flags = FIELD_REQUIRED, .doc = "Id of the run." },
	{ "since", F_TIME(struct lease, since), .doc = "Since when." },
	{ 0 },
};

static const struct field cluster_record_fields[] = {
	{ "owner", F_TEXT(struct cluster_record, owner), .flags = FIELD_REQUIRED,
		.doc = "The repository that owns the cluster, as host and path." },
	{ "cluster", F_TEXT(struct cluster_record, cluster), .flags = FIELD_REQUIRED,
		.doc = "Name of the GpuCluster." },
	{ "commit", F_TEXT(struct cluster_record, commit), .doc = "The commit applied last." },
	{ "epoch", F_U64(struct cluster_record, epoch), .doc = "Epoch of the run that wrote this." },
	{ 0 },
};

static const struct field noted_mmio_fields[] = {
	{ "locationPath", F_TEXT(struct noted_mmio, location_path), .flags = FIELD_REQUIRED, .doc = "The GPU." },
	{ "low", F_U64(struct noted_mmio, low_bytes), .doc = "Bytes below 4 GiB." },
	{ "high", F_U64(struct noted_mmio, high_bytes), .doc = "Bytes above 4 GiB." },
	{ 0 },
};

static const struct field host_fields[] = {
	{ "observedAt", F_TIME(struct host, observed_at), .doc = "When the host was looked at." },
	{ "osBuild", F_MAYBE(struct host, os_build), .doc = "Build number; Windows Server 2025 is 26100." },
	{ "edition", F_TEXT(struct host, edition), .doc = "Edition of Windows Server: Datacenter, Standard." },
	{ "sriov", F_TRI(struct host, sriov), .doc = "Whether the host supports SR-IOV." },
	{ "sriovReasons", F_TEXT(struct host, sriov_reasons), .doc = "Why it does not." },
	{ "requireSecureAssignment", F_TRI(struct host, require_secure_assignment),
		.doc = "Policy key RequireSecureDeviceAssignment." },
	{ "requireSupportedAssignment", F_TRI(struct host, require_supported_assignment),
		.doc = "Policy key RequireSupportedDeviceAssignment." },
	{ "clusterName", F_TEXT(struct host, cluster_name), .doc = "Failover cluster; null: a standalone host." },
	{ "nodes", F_LIST(struct host, nodes, struct cluster_node, node_fields),
		.doc = "All nodes of the failover cluster, as this host reports them." },
	{ "memoryFree", F_SIZE(struct host, memory_free_bytes), .doc = "Memory that VMs could still take." },
	{ "canCommandMoves", F_TRI(struct host, can_command_moves), .flags = FIELD_OMIT,
		.doc = "Whether a live move can be commanded from this host. Absent: nobody probed it, so none is." },
	{ "pools", F_LIST(struct host, pools, struct pool, pool_fields), .flags = G,
		.doc = "Resource pools of PCI Express devices." },
	{ "epoch", F_U64(struct host, epoch), .doc = "The highest epoch that this host has seen." },
	{ "lease", F_POINTER(struct host, lease, struct lease, lease_fields), .doc = "The run that holds this host." },
	{ "record", F_POINTER(struct host, record, struct cluster_record, cluster_record_fields),
		.doc = "Which repository owns the cluster." },
	{ "notedMmio", .type = FIELD_LIST, .at = AT(struct host, noted, const struct noted_mmio *),
		.n_at = AT(struct host, n_noted, uint32_t), .fields = noted_mmio_fields,
		.size = sizeof(struct noted_mmio), .doc = "MMIO ranges of GPUs, noted before they were dismounted." },
	{ 0 },
};

static const struct field gpu_fields[] = {
	{ "locationPath", F_TEXT(struct gpu, location_path), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY | I,
		.doc = "The key: it survives a dismount, unlike the instance id." },
	{ "instanceId", F_TEXT(struct gpu, instance_id), .doc = "PnP instance id." },
	{ "name", F_TEXT(struct gpu, name), .doc = "Friendly name, as NVIDIA A2." },
	{ "status", F_TEXT(struct gpu, pnp_status), .doc = "PnP status: OK, Error, Degraded, Unknown." },
	{ "device", F_TEXT(struct gpu, device),
		.doc = "Vendor and device id, as \"10DE:25B6\". Absent: taken from the instance id." },
	{ "subsystem", F_TEXT(struct gpu, subsystem),
		.doc = "Subsystem vendor and id, as \"10DE:157E\". Absent: taken from the instance id." },
	{ "state", F_ENUM(struct gpu, state, enum gpu_state, gpu_state_names), .flags = FIELD_REQUIRED | G,
		.doc = "What the host can do with it now." },
	{ "mitigationDriver", F_TRI(struct gpu, mitigation_driver),
		.doc = "Whether the vendor's mitigation driver is installed." },
	{ "validCounts", F_NUMBERS(struct gpu, valid_counts),
		.doc = "Partition counts that the GPU lists; empty: unknown." },
	{ "count", F_MAYBE(struct gpu, count), .flags = G, .doc = "Partitions that it offers." },
	{ "memory", F_SIZE(struct gpu, memory), .doc = "Memory in all, in memoryUnit." },
	{ "partitionMemory", F_SIZE(struct gpu, partition_memory), .doc = "Memory of one partition, in memoryUnit." },
	{ "memoryUnit", F_ENUM(struct gpu, memory_unit, enum memory_unit, memory_unit_names), .preset = "bytes",
		.doc = "bytes, or share: parts of 1,000,000,000." },
	{ "mmioLow", F_SIZE(struct gpu, mmio_low_bytes), .doc = "MMIO space below 4 GiB that the GPU uses." },
	{ "mmioHigh", F_SIZE(struct gpu, mmio_high_bytes), .doc = "MMIO space above 4 GiB that the GPU uses." },
	{ "incomingLiveMigration", F_TRI(struct gpu, incoming_live_migration),
		.doc = "Whether a VM may be moved onto it while it runs." },
	{ 0 },
};

static const struct field adapter_fields[] = {
	{ "id", F_TEXT(struct adapter, id),
		.doc = "Id of the adapter; it changes when removed and added. Absent: made from the VM's id." },
	{ "pin", F_TEXT(struct adapter, pin), .flags = G, .doc = "Location path of the GPU that it is pinned to." },
	{ "pinned", F_TRI(struct adapter, pinned), .flags = G,
		.doc = "Whether it is pinned; null: the host could not tell. Absent: as `pin` says." },
	{ "quotas", .type = FIELD_QUOTAS, .at = AT(struct adapter, quotas, struct maybe_u64 *), .flags = G,
		.doc = "The quotas of Add-VMGpuPartitionAdapter that are set." },
	{ "gpus", .type = FIELD_TEXTS, .at = AT(struct adapter, gpu_paths, const char *const *),
		.n_at = AT(struct adapter, n_gpu_paths, uint32_t),
		.doc = "Location paths of the GPUs that it could be on, while the VM is not off; empty: unknown." },
	{ "outgoingLiveMigration", F_TRI(struct adapter, outgoing_live_migration),
		.doc = "Whether the VM may be moved away while it runs." },
	{ 0 },
};

static const struct field device_fields[] = {
	{ "locationPath", F_TEXT(struct device, location_path), .flags = G | FIELD_OMIT,
		.doc = "The device itself; this or pool." },
	{ "pool", F_TEXT(struct device, pool), .flags = G | FIELD_OMIT, .doc = "Any device of this pool." },
	{ 0 },
};

static const struct field debt_fields[] = {
	{ "run", F_TEXT(struct debt, run), .flags = FIELD_REQUIRED, .doc = "The run that owes it." },
	{ "epoch", F_U64(struct debt, epoch), .doc = "Epoch of that run." },
	{ "at", F_TIME(struct debt, at), .doc = "When it was written." },
	{ "power", F_ENUM(struct debt, power, enum debt_power, debt_power_names), .preset = "none",
		.doc = "none; stopping: the stop was not completed; stopped: a start is owed." },
	{ "stateChange", F_MAYBE_TIME(struct debt, state_change),
		.doc = "The VM's last state change when the stop was completed." },
	{ "adapters", F_LIST(struct debt, adapters, struct adapter, adapter_fields), .doc = "Adapters to give back." },
	{ "devices", F_LIST(struct debt, devices, struct device, device_fields), .doc = "Devices to give back." },
	{ 0 },
};

static const struct field vm_record_fields[] = {
	{ "owner", F_TEXT(struct vm_record, owner), .flags = FIELD_REQUIRED,
		.doc = "The repository that gave the VM its GPU." },
	{ "cluster", F_TEXT(struct vm_record, cluster), .flags = FIELD_REQUIRED, .doc = "Name of the GpuCluster." },
	{ "group", F_TEXT(struct vm_record, group), .flags = FIELD_REQUIRED, .doc = "Name of the GPU group." },
	{ 0 },
};

static const struct field vm_fields[] = {
	{ "id", F_TEXT(struct vm, id), .flags = I,
		.doc = "The VM's GUID. Absent: made from the names of host and VM." },
	{ "name", F_TEXT(struct vm, name), .flags = FIELD_REQUIRED | I, .doc = "The VM's name; it may occur twice." },
	{ "state", F_ENUM(struct vm, state, enum vm_state, vm_state_names), .flags = FIELD_REQUIRED | G,
		.doc = "As Get-VM names it. Write \"Off\" in quotes: YAML 1.1 reads it as false without." },
	{ "stateChange", F_MAYBE_TIME(struct vm, state_change), .doc = "Time of the last state change." },
	{ "generation", F_U32(struct vm, generation), .min = 1, .max = 2, .preset = "2",
		.doc = "Generation of the VM." },
	{ "memory", F_SIZE(struct vm, memory_bytes), .doc = "Memory assigned now." },
	{ "clustered", F_TRI(struct vm, clustered), .flags = G,
		.doc = "Whether it is a clustered role. Absent: false on a standalone host." },
	{ "group", F_TEXT(struct vm, group), .flags = G, .doc = "Its cluster group." },
	{ "offlineAction", F_MAYBE_ENUM(struct vm, offline_action, offline_action_names), .flags = G,
		.doc = "What taking its group offline does." },
	{ "adapters", F_LIST(struct vm, adapters, struct adapter, adapter_fields), .flags = G,
		.doc = "Partition adapters." },
	{ "devices", F_LIST(struct vm, devices, struct device, device_fields), .flags = G,
		.doc = "GPUs and other devices assigned whole." },
	{ "automaticCheckpoints", F_BOOL(struct vm, automatic_checkpoints), .preset = "false", .flags = G,
		.doc = "Whether the host makes a checkpoint at each start." },
	{ "checkpointType", F_ENUM(struct vm, checkpoint_type, enum checkpoint_type, checkpoint_type_names),
		.preset = "Production", .doc = "Which checkpoints may be made." },
	{ "hasCheckpoints", F_TRI(struct vm, has_checkpoints), .doc = "Whether there are any." },
	{ "dynamicMemory", F_BOOL(struct vm, dynamic_memory), .preset = "false", .doc = "Whether memory is dynamic." },
	{ "memoryStartup", F_SIZE(struct vm, memory_startup_bytes), .doc = "Memory at start." },
	{ "memoryMinimum", F_SIZE(struct vm, memory_minimum_bytes), .doc = "Least memory." },
	{ "stopAction", F_ENUM(struct vm, stop_action, enum stop_action, stop_action_names), .preset = "ShutDown",
		.flags = G, .doc = "What happens to it when the host shuts down." },
	{ "cacheControl", F_BOOL(struct vm, cache_control), .preset = "false", .flags = G,
		.doc = "GuestControlledCacheTypes." },
	{ "mmioLow", F_SIZE(struct vm, mmio_low_bytes), .flags = G, .doc = "Low MMIO space." },
	{ "mmioHigh", F_SIZE(struct vm, mmio_high_bytes), .flags = G, .doc = "High MMIO space." },
	{ "shutdownAnswers", F_TRI(struct vm, shutdown_answers),
		.doc = "Whether the guest's shutdown component answers." },
	{ "guestOs", F_TEXT(struct vm, guest_os), .doc = "Name of the guest's operating system." },
	{ "debt", F_POINTER(struct vm, debt, struct debt, debt_fields), .doc = "What an unfinished run owes it." },
	{ "record", F_POINTER(struct vm, record, struct vm_record, vm_record_fields), .doc = "Who gave it its GPU." },
	{ 0 },
};

static const struct field host_state_fields[] = {
	{ "host", F_OBJECT(struct host_state, host, struct host, host_fields), .flags = G, .doc = "The host itself." },
	{ "gpus", .type = FIELD_LIST, .at = AT(struct host_state, gpus, struct gpu *),
		.n_at = AT(struct host_state, n_gpus, uint32_t), .fields = gpu_fields, .size = sizeof(struct gpu),
		.flags = G | I, .doc = "Its physical GPUs, at most 64." },
	{ "virtualMachines", .type = FIELD_LIST, .at = AT(struct host_state, vms, struct vm *),
		.n_at = AT(struct host_state, n_vms, uint32_t), .fields = vm_fields, .size = sizeof(struct vm),
		.flags = G | I, .doc = "Its VMs." },
	{ 0 },
};

const struct kind kind_host_state = {
	.name = "HostState",
	.fields = host_state_fields,
	.size = sizeof(struct host_state),
	.doc = "One host of a world written down: what `hvgpu observe` prints, what the simulator starts from and "
	       "saves "
	       "to, and what CI plans against. `metadata.name` is the name of the host.",
};
