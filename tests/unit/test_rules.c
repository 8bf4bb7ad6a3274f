/* SPDX-License-Identifier: Apache-2.0 */
/* The rules across objects and within one, on small manifests. Each document's spec begins on its line 4. */
#include "schema/load.h"

#include "tests/lib/findings.h"

static void check(const char *yaml, const char *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct source source = source_of("a.yaml", yaml);
	struct spec *spec = NULL;
	spec_load(arena, (const struct source *const[]){ &source }, 1, &spec, diags);
	assert_findings(diags, findings);
}

#define DOCUMENT(kind, name, spec) \
	"---\napiVersion: hvgpu.dev/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\nspec: " spec \
	"\n" /* six lines */
#define CLUSTER(name, host, gpus) \
	DOCUMENT("GpuCluster", name, "{type: Standalone, hosts: [{name: " host "}],\n gpus: [" gpus "]}")
#define GROUP(name, use) "{name: " name ", match: {model: A2}, " use "}"
#define PARIS \
	CLUSTER("paris", "hv01", GROUP("vdi", "partitionCount: 4") "," GROUP("whole", "passthrough: {perHost: 1}"))
#define ASSIGNMENT(name, rest) DOCUMENT("GpuAssignment", name, "{cluster: paris, \n" rest "}")

static void object_of_one_name_twice_is_refused(void **state)
{
	(void)state;
	check(CLUSTER("a", "h", "") CLUSTER("a", "h", ""), "HV301 10:18+1 GpuCluster 'a' is defined twice; rename or "
							   "remove one\n  also 4:18+1 first named here\n");
	check(PARIS ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v}]")
			ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v}]"),
		"HV301 16:18+1 GpuAssignment 'x' is defined twice; rename or remove one\n  also 10:18+1 first named "
		"here\n");
	check(CLUSTER("a", "h", "") DOCUMENT("HostInventory", "a", "{hosts: []}"), "");
}

static void vm_in_two_assignments_is_refused(void **state)
{
	(void)state;
	check(PARIS ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v1}, {name: v2}]")
			ASSIGNMENT("y", "gpus: whole, virtualMachines: [{name: V2}]"),
		"HV302 18:39+2 VM 'V2' is in assignments 'x' and 'y'; remove it from one\n  also 12:49+2 first named "
		"here\n");
	check(PARIS ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v1}, {name: V1}]"),
		"HV307 12:49+2 name 'V1' is twice in 'virtualMachines'; remove one\n  also 12:37+2 first given here\n");
}

static void vm_of_one_name_in_two_clusters_is_allowed(void **state)
{
	(void)state;
	check(PARIS CLUSTER("oslo", "o1", GROUP("vdi", "partitionCount: 4"))
			ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v1}]") DOCUMENT(
				"GpuAssignment", "y", "{cluster: oslo, gpus: vdi, virtualMachines: [{name: v1}]}"),
		"");
}

static void reference_to_nothing_names_the_nearest(void **state)
{
	(void)state;
	check(PARIS DOCUMENT("GpuAssignment", "y", "{cluster: pari, gpus: vdi, match: {namePattern: a}}"),
		"HV303 11:17+4 there is no GpuCluster 'pari'; did you mean 'paris'?\n");
	check(PARIS ASSIGNMENT("x", "gpus: vid, match: {namePattern: a}"),
		"HV303 12:7+3 cluster 'paris' has no GPU group 'vid'; did you mean 'vdi'?\n");
}

static void reference_is_not_missed_where_something_was_unread(void **state)
{
	(void)state;
	check(ASSIGNMENT("x", "gpus: vdi, match: {namePattern: a}") "---\na: b: c\n",
		"HV101 8:5+1 a ':' cannot stand here; put text that holds ': ' in quotes, or check the indentation\n");
	check(ASSIGNMENT("x",
		      "gpus: vdi, match: {namePattern: a}") "---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuClster\n",
		"HV205 9:7+9 unknown kind 'GpuClster'; did you mean 'GpuCluster'?\n");
}

static void host_in_two_clusters_is_refused(void **state)
{
	(void)state;
	check(CLUSTER("a", "hv01", "") CLUSTER("b", "HV01", ""),
		"HV304 11:41+4 host 'HV01' is in clusters 'a' and 'b'; remove it from one\n  also 5:41+4 first named "
		"here\n");
}

static void second_partitioned_group_is_refused(void **state)
{
	(void)state;
	check(CLUSTER("a", "h", GROUP("x", "partitionCount: 4") ",\n" GROUP("y", "partitionCount: 4")),
		"HV305 7:47+1 group 'y' is the second one with 'partitionCount'; a cluster can have one\n"
		"  also 6:55+1 the first is here\n");
}

static void group_needs_exactly_one_use(void **state)
{
	(void)state;
	check(CLUSTER("a", "h", "{name: x, match: {model: A2}}"),
		"HV206 6:9+1 a GPU group needs 'partitionCount' or 'passthrough'\n");
	check(CLUSTER("a", "h", GROUP("x", "passthrough: {perHost: 1}, partitionCount: 4")),
		"HV206 6:52+1 a GPU group has both 'partitionCount' and 'passthrough'; remove one\n"
		"  also 6:82+1 the other is here\n");
	check(CLUSTER("a", "h", GROUP("x", "passthrough: {}")),
		"HV206 6:52+1 'passthrough' needs 'perHost' or 'locationPaths'\n");
	check(CLUSTER("a", "h", GROUP("x", "passthrough: {perHost: 1, locationPaths: {h: [P]}}")),
		"HV206 6:80+1 'passthrough' has both 'perHost' and 'locationPaths'; remove one\n"
		"  also 6:62+1 the other is here\n");
}

static void slip_of_the_pen_is_said_once(void **state)
{
	(void)state;
	check(CLUSTER("a", "h", GROUP("x", "partitonCount: 4")),
		"HV201 6:39+13 unknown field 'partitonCount' in 'spec.gpus[0]'; did you mean 'partitionCount'?\n");
}

static void match_needs_something_to_match(void **state)
{
	(void)state;
	check(CLUSTER("a", "h", "{name: x, match: {}, partitionCount: 2}"),
		"HV206 6:26+1 'match' needs at least one of 'model', 'device' and 'subsystem'\n");
	check(CLUSTER("a", "h", "{name: x, match: {device: \"10DE-25B6\", subsystem: NVIDIA}, partitionCount: 2}"),
		"HV203 6:35+11 'device' is '10DE-25B6'; write vendor and device as hexadecimal digits, like "
		"\"10DE:25B6\"\n"
		"HV203 6:59+6 'subsystem' is 'NVIDIA'; write vendor and device as hexadecimal digits, like "
		"\"10DE:25B6\"\n");
}

static void assignment_needs_vms_or_a_pattern(void **state)
{
	(void)state;
	check(PARIS ASSIGNMENT("x", "gpus: vdi"),
		"HV206 11:7+1 a GpuAssignment needs 'virtualMachines', 'match' or both\n");
}

#define WINDOW(rest) \
	DOCUMENT("GpuCluster", "a", "{type: Standalone, hosts: [{name: h}],\nrollout: {windows: [" rest "]}}")

static void window_that_never_opens_is_refused(void **state)
{
	(void)state;
	check(WINDOW("{days: [], start: 01:00, duration: 1h}"),
		"HV306 6:28+1 the window has no days; list some, or remove 'days' for all\n");
	check(WINDOW("{start: 01:00, duration: 0s}"),
		"HV306 6:46+2 the window has no length; write how long it stays open, like 4h\n");
	check(WINDOW("{start: 01:00, duration: 1h, timeZone: Europe/Pariss}"),
		"HV306 6:60+13 time zone 'Europe/Pariss' does not exist; write an IANA name like Europe/Paris\n");
	check(WINDOW("{start: 01:00, duration: 1h, timeZone: ../../etc/passwd}"),
		"HV306 6:60+16 time zone '../../etc/passwd' does not exist; write an IANA name like Europe/Paris\n");
	check(WINDOW("{days: [Monday], start: 01:00, duration: 1h}"),
		"HV203 6:29+6 'days' is 'Monday'; allowed is one of Mon, Tue, Wed, Thu, Fri, Sat, Sun\n");
	check(WINDOW("{start: 01:00, duration: long}"),
		"HV202 6:46+4 expected a duration like 30s, 5m, 4h or 7d for 'duration', found text 'long'\n");
	check(WINDOW("{start: 01:00, duration: 7d, timeZone: America/New_York}"), "");
}

static void count_and_requires_fit_the_group(void **state)
{
	(void)state;
	check(PARIS ASSIGNMENT("x", "gpus: vdi, count: 2, match: {namePattern: a}"),
		"HV308 12:19+1 'count' goes with a passthrough group, and group 'vdi' is partitioned\n");
	check(PARIS ASSIGNMENT("x", "gpus: whole, requires: {vram: 4Gi}, match: {namePattern: a}"),
		"HV308 12:24+1 'requires.vram' goes with a partitioned group, and group 'whole' is passthrough\n");
	check(PARIS ASSIGNMENT("x", "gpus: whole, count: 2, match: {namePattern: a}")
			ASSIGNMENT("y", "gpus: vdi, requires: {vram: 4Gi}, match: {namePattern: b}"),
		"");
}

static void host_outside_of_the_cluster_is_refused(void **state)
{
	(void)state;
	check(PARIS ASSIGNMENT("x", "gpus: vdi, virtualMachines: [{name: v, host: hv09}, {name: w, host: HV01}]"),
		"HV309 12:46+4 host 'hv09' is not in 'hosts' of cluster 'paris'\n");
	check(CLUSTER("a", "h", GROUP("x", "passthrough: {locationPaths: {h: [P], i: [P]}}")),
		"HV309 6:68+1 'locationPaths' names host 'i', which is not in 'hosts' of cluster 'a'\n");
}

static void gpu_named_twice_is_refused(void **state)
{
	(void)state;
	check(CLUSTER("a", "h",
		      GROUP("x", "passthrough: {locationPaths: {h: [P, Q]}}") ",\n" GROUP(
			      "y", "passthrough: {locationPaths: {H: [p]}}")),
		"HV307 7:60+1 GPU 'p' of host 'H' is named twice; remove one\n  also 6:68+1 first named here\n");
}

static void host_name_has_a_form(void **state)
{
	(void)state;
	check(CLUSTER("a", "\"hv 01\"", ""),
		"HV203 5:41+7 'hv 01' is not the name of a host; use letters, digits, '-', '_' and '.'\n");
}

#define INVENTORY(name, host) DOCUMENT("HostInventory", name, "{hosts: [{address: \"sim:x\", \n" host "}]}")

static void host_in_two_inventories_is_refused(void **state)
{
	(void)state;
	check(INVENTORY("a", "name: h") INVENTORY("b", "name: H"),
		"HV301 12:7+1 host 'H' has an address in two inventories; remove one\n  also 6:7+1 first named here\n");
}

static void credential_is_no_secret(void **state)
{
	(void)state;
	check(INVENTORY("a", "name: h, credential: hunter2"), "HV203 6:22+7 'credential' says where a secret is, never "
							      "what it is; write env:NAME, file:PATH, systemd:NAME "
							      "or command:ARGV\n");
	check(INVENTORY("a", "name: h, credential: \"env:\""),
		"HV203 6:22+6 'credential' says where a secret is, never what it is; write env:NAME, file:PATH, "
		"systemd:NAME "
		"or command:ARGV\n");
	check(INVENTORY("a", "name: h, credential: \"command:pass show hv\""), "");
	check(DOCUMENT("HostInventory", "a", "{hosts: [{name: h, address: \"ssh://ann:hunter2@h\"}]}"),
		"HV203 5:35+21 'address' has a password in it, which is in git from now on: change it, write "
		"ssh://USER@HOST, and "
		"name a key with 'credential'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(object_of_one_name_twice_is_refused),
		cmocka_unit_test(vm_in_two_assignments_is_refused),
		cmocka_unit_test(vm_of_one_name_in_two_clusters_is_allowed),
		cmocka_unit_test(reference_to_nothing_names_the_nearest),
		cmocka_unit_test(reference_is_not_missed_where_something_was_unread),
		cmocka_unit_test(host_in_two_clusters_is_refused),
		cmocka_unit_test(second_partitioned_group_is_refused),
		cmocka_unit_test(group_needs_exactly_one_use),
		cmocka_unit_test(slip_of_the_pen_is_said_once),
		cmocka_unit_test(match_needs_something_to_match),
		cmocka_unit_test(assignment_needs_vms_or_a_pattern),
		cmocka_unit_test(window_that_never_opens_is_refused),
		cmocka_unit_test(count_and_requires_fit_the_group),
		cmocka_unit_test(host_outside_of_the_cluster_is_refused),
		cmocka_unit_test(gpu_named_twice_is_refused),
		cmocka_unit_test(host_name_has_a_form),
		cmocka_unit_test(host_in_two_inventories_is_refused),
		cmocka_unit_test(credential_is_no_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
