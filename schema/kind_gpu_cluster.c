/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of GpuCluster: which GPUs a cluster's hosts have, what they are for, and how changes are rolled out. */
#include "schema/kinds.h"

static const struct field host_fields[] = {
	{ "name", F_TEXT(struct spec_host, name), .max = 255, .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "Name of the Hyper-V server. In a failover cluster all nodes must be listed." },
	{ "maintenance", F_BOOL(struct spec_host, maintenance), .preset = "false",
		.doc = "Expected to be away: it does not make the cluster incomplete, and is aligned when it "
		       "returns." },
	{ "exclude", F_TEXT(struct spec_host, exclude), .flags = FIELD_NOT_EMPTY,
		.doc = "Leaves the host alone; the text is the reason." },
	{ 0 },
};

static const struct field match_fields[] = {
	{ "model", F_TEXT(struct spec_match, model), .flags = FIELD_NOT_EMPTY,
		.doc = "Friendly name of the GPU, as Windows shows it." },
	{ "device", F_TEXT(struct spec_match, device), .flags = FIELD_NOT_EMPTY,
		.doc = "PCI vendor and device id, like 10DE:25B6." },
	{ "subsystem", F_TEXT(struct spec_match, subsystem), .flags = FIELD_NOT_EMPTY,
		.doc = "PCI subsystem vendor and device id, like 10DE:157E; some models differ in this alone." },
	{ 0 },
};

static const struct field mmio_fields[] = {
	{ "low", F_SIZE(struct spec_mmio, low_bytes), .min = 1ull << 20, .max = 1ull << 32,
		.doc = "MMIO space below 4 GiB that a VM with such a GPU gets." },
	{ "high", F_SIZE(struct spec_mmio, high_bytes), .min = 1ull << 20, .max = 1ull << 44,
		.doc = "MMIO space above 4 GiB that a VM with such a GPU gets." },
	{ 0 },
};

static const struct field passthrough_fields[] = {
	{ "perHost", F_MAYBE(struct spec_passthrough, per_host), .min = 1, .max = GPUS_PER_HOST_MAX,
		.doc = "How many GPUs of each host are handed whole to VMs; this or locationPaths." },
	{ "locationPaths", F_PATH_LISTS(struct spec_passthrough, location_paths), .flags = FIELD_NOT_EMPTY,
		.doc = "Which GPUs: for each host a list of location paths; this or perHost." },
	{ "pool", F_TEXT(struct spec_passthrough, pool), .flags = FIELD_NOT_EMPTY,
		.doc = "Resource pool of a failover cluster. Default: hvgpu-CLUSTER-GROUP." },
	{ "dismount", F_ENUM(struct spec_passthrough, dismount, enum dismount_mode, dismount_names),
		.preset = "Mitigated",
		.doc = "Force dismounts without the vendor's mitigation driver, overriding security checks of the "
		       "platform." },
	{ "mmio", F_POINTER(struct spec_passthrough, mmio, struct spec_mmio, mmio_fields), .flags = FIELD_HAS_HEAD,
		.doc = "MMIO space that a VM needs. Default: what the host reports." },
	{ 0 },
};

static const struct field group_fields[] = {
	{ "name", F_TEXT(struct gpu_group, name), .flags = FIELD_REQUIRED | FIELD_NAME,
		.doc = "Name of the group; assignments refer to it." },
	{ "match", F_POINTER(struct gpu_group, match, struct spec_match, match_fields),
		.flags = FIELD_REQUIRED | FIELD_HAS_HEAD,
		.doc = "Which GPUs: those that have all the named properties." },
	{ "partitionCount", F_MAYBE(struct gpu_group, partition_count), .min = 1, .max = 64,
		.doc = "Equal partitions that each GPU offers; this or passthrough. At most one group of a cluster has "
		       "it." },
	{ "passthrough", F_POINTER(struct gpu_group, passthrough, struct spec_passthrough, passthrough_fields),
		.flags = FIELD_HAS_HEAD, .doc = "Hands GPUs whole to VMs; this or partitionCount." },
	{ 0 },
};

static const struct field stop_fields[] = {
	{ "method", F_ENUM(struct spec_stop, method, enum stop_method, stop_method_names), .preset = "Shutdown",
		.doc = "How a running VM is stopped. Never: changes that need it are refused." },
	{ "timeout", F_DURATION(struct spec_stop, timeout_s), .min = 1, .max = 86400, .preset = "5m",
		.doc = "How long a guest may take to shut down." },
	{ "onTimeout", F_ENUM(struct spec_stop, on_timeout, enum on_timeout, on_timeout_names), .preset = "Fail",
		.doc = "What happens to a guest that takes longer." },
	{ 0 },
};

static const struct field window_fields[] = {
	{ "days", F_TEXTS(struct spec_window, days), .names = &day_names,
		.doc = "Days on which the window opens. Default: all." },
	{ "start", F_CLOCK(struct spec_window, start_minute), .flags = FIELD_REQUIRED,
		.doc = "When it opens, as \"HH:MM\" in its time zone. Where clocks jump over that, at the jump; where "
		       "they show it twice, at the first." },
	{ "duration", F_DURATION(struct spec_window, duration_s), .max = 7 * 86400, .flags = FIELD_REQUIRED,
		.doc = "How long it stays open, in elapsed time, at most 7d. Windows that touch are one." },
	{ "timeZone", F_TEXT(struct spec_window, time_zone), .flags = FIELD_NOT_EMPTY, .preset = "UTC",
		.doc = "IANA time zone, like Europe/Paris." },
	{ 0 },
};

static const struct field rollout_fields[] = {
	{ "strategy", F_ENUM(struct spec_rollout, strategy, enum strategy, strategy_names), .preset = "Homogeneous",
		.doc = "Homogeneous changes a cluster at once; Rolling goes host by host and accepts a mixed window." },
	{ "maxUnavailable", F_SHARE(struct spec_rollout, max_unavailable),
		.doc = "VMs that may be held down at once, as a number or a percentage. Unset: a person must agree." },
	{ "maxHosts", F_U32(struct spec_rollout, max_hosts), .min = 1, .max = 1000, .preset = "1",
		.doc = "Rolling: hosts being changed at once." },
	{ "stop", F_OBJECT(struct spec_rollout, stop, struct spec_stop, stop_fields), .flags = FIELD_HAS_HEAD,
		.doc = "How running VMs are stopped." },
	{ "windows", F_LIST(struct spec_rollout, windows, struct spec_window, window_fields), .flags = FIELD_HAS_HEAD,
		.doc = "When running VMs may be stopped. Default: always." },
	{ 0 },
};

static const struct field resilience_fields[] = {
	{ "hostFailures", F_U32(struct spec_resilience, host_failures), .max = 63, .preset = "0",
		.doc = "VMs with a partition must still fit after losing that many hosts." },
	{ 0 },
};

static const struct field cluster_fields[] = {
	{ "type", F_ENUM(struct spec_cluster, type, enum cluster_type, cluster_type_names), .flags = FIELD_REQUIRED,
		.doc = "A failover cluster, or standalone hosts managed as one; must match what the hosts say." },
	{ "hosts", F_LIST(struct spec_cluster, hosts, struct spec_host, host_fields),
		.flags = FIELD_REQUIRED | FIELD_NOT_EMPTY | FIELD_HAS_HEAD, .merge_key = "name", .doc = "Its hosts." },
	{ "gpus", F_LIST(struct spec_cluster, gpus, struct gpu_group, group_fields), .flags = FIELD_HAS_HEAD,
		.merge_key = "name",
		.doc = "GPU groups: selected GPUs with one use. Passthrough groups take theirs first." },
	{ "rollout", F_OBJECT(struct spec_cluster, rollout, struct spec_rollout, rollout_fields),
		.flags = FIELD_HAS_HEAD, .doc = "How changes reach running VMs." },
	{ "unmanaged", F_ENUM(struct spec_cluster, unmanaged, enum unmanaged_mode, unmanaged_mode_names),
		.preset = "Report", .doc = "What may happen to VMs that hold these GPUs and are in no assignment." },
	{ "prune", F_BOOL(struct spec_cluster, prune), .preset = "true",
		.doc = "Takes back what was assigned by a manifest that no longer mentions it." },
	{ "vmSettings", F_ENUM(struct spec_cluster, vm_settings, enum vm_settings_mode, vm_settings_mode_names),
		.preset = "Enforce", .doc = "Change what a GPU demands of a VM's settings, or refuse." },
	{ "maxPartitionsPerVM", F_U32(struct spec_cluster, max_partitions_per_vm), .min = 1, .max = 64, .preset = "1",
		.doc = "Partitions that one VM may have." },
	{ "resilience", F_OBJECT(struct spec_cluster, resilience, struct spec_resilience, resilience_fields),
		.flags = FIELD_HAS_HEAD, .doc = "What the cluster must be able to lose." },
	{ "suspend", F_BOOL(struct spec_cluster, suspend), .preset = "false",
		.doc = "Plans are shown and never applied." },
	{ 0 },
};

const struct kind kind_gpu_cluster = {
	.name = "GpuCluster",
	.fields = cluster_fields,
	.size = sizeof(struct spec_cluster),
	.manifest = true,
	.doc = "The hosts that must be alike, and what their GPUs are for. A cluster is planned, locked and fails as "
	       "one.",
};
