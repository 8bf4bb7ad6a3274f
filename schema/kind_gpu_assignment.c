/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of GpuAssignment: which VMs get a partition or whole GPUs of one group. */
#include "schema/kinds.h"

static const struct field vm_fields[] = {
	{ "name", F_TEXT(struct spec_vm, name), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "Name of the VM; it must be the only one of that name." },
	{ "host", F_TEXT(struct spec_vm, host), .flags = FIELD_NOT_EMPTY,
		.doc = "Where the VM must be (Standalone), or is put when it must move or start anyway (Failover)." },
	{ "optional", F_BOOL(struct spec_vm, optional), .preset = "false",
		.doc = "A VM that comes and goes: that there is none of this name is no error." },
	{ 0 },
};

static const struct field match_fields[] = {
	{ "namePattern", F_TEXT(struct spec_vm_match, name_pattern), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "VMs whose names it matches, in any case: `*` stands for any characters, `?` for one, nothing "
		       "else does; VMs that an assignment names go before." },
	{ 0 },
};

static const struct field requires_fields[] = {
	{ "vram", F_SIZE(struct spec_requires, vram_bytes), .min = 1, .flags = FIELD_REQUIRED,
		.doc = "A partition of the group's count must have at least this much memory." },
	{ 0 },
};

static const struct field assignment_fields[] = {
	{ "cluster", F_TEXT(struct spec_assignment, cluster), .flags = FIELD_REQUIRED | FIELD_NAME,
		.refers = "GpuCluster", .doc = "The GpuCluster." },
	{ "gpus", F_TEXT(struct spec_assignment, gpus), .flags = FIELD_REQUIRED | FIELD_NAME,
		.doc = "Name of a GPU group of that cluster." },
	{ "virtualMachines", F_LIST(struct spec_assignment, vms, struct spec_vm, vm_fields), .flags = FIELD_HAS_HEAD,
		.merge_key = "name", .doc = "The VMs, by name." },
	{ "match", F_POINTER(struct spec_assignment, match, struct spec_vm_match, match_fields),
		.flags = FIELD_HAS_HEAD, .doc = "VMs by what they are called, besides or instead of the list." },
	{ "count", F_U32(struct spec_assignment, count), .min = 1, .max = GPUS_PER_HOST_MAX, .preset = "1",
		.doc = "Whole GPUs for each VM; goes with a passthrough group." },
	{ "requires", F_POINTER(struct spec_assignment, requires, struct spec_requires, requires_fields),
		.flags = FIELD_HAS_HEAD, .doc = "What a partition must offer; goes with a partitioned group." },
	{ "placement", F_ENUM(struct spec_assignment, placement, enum placement, placement_names),
		.preset = "Preferred", .doc = "Required moves a clustered VM to its host." },
	{ 0 },
};

const struct kind kind_gpu_assignment = {
	.name = "GpuAssignment",
	.fields = assignment_fields,
	.size = sizeof(struct spec_assignment),
	.manifest = true,
	.doc = "Gives VMs a partition, or whole GPUs, of one GPU group.",
};
