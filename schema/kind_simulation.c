/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"
#include "schema/state.h"

NAMES_DEFINE(pick_policy_names, PICK_POLICIES);

static const struct field fault_fields[] = {
	{ "host", F_TEXT(struct simulation_fault, host), .flags = FIELD_OMIT, .doc = "Only on this host." },
	{ "step", F_TEXT(struct simulation_fault, step), .flags = FIELD_OMIT,
		.doc = "Only this kind of step, as plans in JSON name it, or `observe`. Absent: any step." },
	{ "target", F_TEXT(struct simulation_fault, target), .flags = FIELD_OMIT,
		.doc = "Only on this VM (its name) or GPU (its location path)." },
	{ "nth", F_U32(struct simulation_fault, nth), .min = 1, .max = UINT32_MAX, .preset = "1",
		.doc = "Which of the matching requests fails." },
	{ "permanent", F_BOOL(struct simulation_fault, permanent), .preset = "false",
		.doc = "That one and all later ones fail." },
	{ "error", F_TEXT(struct simulation_fault, error), .flags = FIELD_REQUIRED,
		.doc = "What the host answers, like `in-use`. A word that is none is refused with the list." },
	{ "afterEffect", F_BOOL(struct simulation_fault, after_effect), .preset = "false",
		.doc = "The change is made and its reply is the error." },
	{ 0 },
};

static const struct field hidden_fields[] = {
	{ "host", F_TEXT(struct simulation_hidden, host), .flags = FIELD_REQUIRED, .doc = "Name of the host." },
	{ "locationPath", F_TEXT(struct simulation_hidden, location_path), .flags = FIELD_REQUIRED, .doc = "The GPU." },
	{ "instanceId", F_TEXT(struct simulation_hidden, instance_id), .doc = "Its instance id while it is mounted." },
	{ "state", F_ENUM(struct simulation_hidden, state, enum gpu_state, gpu_state_names), .preset = "partitionable",
		.doc = "What it is when it is mounted, with the driver that is installed." },
	{ "validCounts", F_NUMBERS(struct simulation_hidden, valid_counts), .doc = "Partition counts that it lists." },
	{ "count", F_MAYBE(struct simulation_hidden, count), .doc = "Partitions that it offers." },
	{ "memory", F_SIZE(struct simulation_hidden, memory), .doc = "Memory in all." },
	{ "partitionMemory", F_SIZE(struct simulation_hidden, partition_memory), .doc = "Memory of one partition." },
	{ "memoryUnit", F_ENUM(struct simulation_hidden, memory_unit, enum memory_unit, memory_unit_names),
		.preset = "bytes", .doc = "What memory is counted in." },
	{ "mmioLow", F_SIZE(struct simulation_hidden, mmio_low_bytes), .doc = "Its MMIO range below 4 GiB." },
	{ "mmioHigh", F_SIZE(struct simulation_hidden, mmio_high_bytes), .doc = "Its MMIO range above 4 GiB." },
	{ "incomingLiveMigration", F_TRI(struct simulation_hidden, incoming_live_migration),
		.doc = "Takes live migrations." },
	{ 0 },
};

static const struct field guest_fields[] = {
	{ "vm", F_TEXT(struct simulation_guest, vm), .flags = FIELD_REQUIRED, .doc = "Name of the VM." },
	{ "shutdownSeconds", F_U32(struct simulation_guest, shutdown_s), .flags = FIELD_REQUIRED,
		.doc = "How long its shutdown takes from now on. Where a stop gives up waiting, it goes on." },
	{ 0 },
};

static const struct field simulation_fields[] = {
	{ "clock", F_TIME(struct simulation, clock), .flags = FIELD_OMIT,
		.doc = "The virtual time now. Absent: the real time at the start." },
	{ "pick", F_ENUM(struct simulation, pick, enum pick_policy, pick_policy_names), .preset = "first",
		.doc = "On which GPU a starting VM gets its partition." },
	{ "seed", F_U64(struct simulation, seed), .doc = "Seed of `pick: seeded`." },
	{ "speed", F_U32(struct simulation, speed_permille),
		.doc = "Real milliseconds per virtual second; 0 does not wait at all." },
	{ "unreachable", F_TEXTS(struct simulation, unreachable), .doc = "Hosts that do not answer." },
	{ "faults", F_LIST(struct simulation, faults, struct simulation_fault, fault_fields), .flags = FIELD_HAS_HEAD,
		.doc = "Scripted faults, in order." },
	{ "hidden", F_LIST(struct simulation, hidden, struct simulation_hidden, hidden_fields), .flags = FIELD_OMIT,
		.doc = "What dismounted GPUs show again once they are mounted." },
	{ "guests", F_LIST(struct simulation, guests, struct simulation_guest, guest_fields), .flags = FIELD_OMIT,
		.doc = "Guests that take their time to shut down." },
	{ 0 },
};

const struct kind kind_simulation = {
	.name = "Simulation",
	.fields = simulation_fields,
	.size = sizeof(struct simulation),
	.doc = "How simulated hosts behave; at most one, in a file of HostState documents.",
};
