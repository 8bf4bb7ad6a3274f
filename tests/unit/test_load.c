/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/load.h"

#include "schema/kinds.h"
#include "tests/lib/findings.h"

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct spec *load_all(const struct source *const *sources, uint32_t n, const char *findings)
{
	struct diags *diags = diags_new(arena);
	struct spec *spec = NULL;
	int result = spec_load(arena, sources, n, &spec, diags);
	assert_findings(diags, findings);
	assert_int_equal(result, *findings ? -1 : 0);
	assert_non_null(spec);
	return spec;
}

static const struct spec *load(const char *yaml, const char *findings)
{
	struct source *source = arena_new_of(arena, struct source);
	*source = source_of("a.yaml", yaml);
	return load_all((const struct source *const[]){ source }, 1, findings);
}

#define HEAD(kind, name) "apiVersion: hvgpu.dev/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\n"

static const char whole[] = HEAD("GpuCluster",
	"paris") "spec:\n"
		 "  type: Failover\n"
		 "  hosts: [{ name: hv01 }, { name: hv02 }, { name: hv03, maintenance: true }]\n"
		 "  gpus:\n"
		 "    - name: vdi\n"
		 "      match: { model: NVIDIA A2, device: \"10de:25b6\" }\n"
		 "      partitionCount: 8\n"
		 "    - name: whole\n"
		 "      match: { subsystem: \"10DE:157e\" }\n"
		 "      passthrough: { perHost: 1, mmio: { low: 3Gi, high: 32Gi } }\n"
		 "  rollout:\n"
		 "    maxUnavailable: 100%\n"
		 "    windows: [{ days: [Sat, Sun], start: \"01:00\", duration: 4h, timeZone: Europe/Paris }]\n"
		 "---\n" HEAD("GpuAssignment",
			 "desktops") "spec:\n"
				     "  cluster: paris\n"
				     "  gpus: vdi\n"
				     "  virtualMachines: [{ name: vdi-001 }, { name: vdi-002, host: HV02 }]\n"
				     "  match: { namePattern: \"vdi-1*\" }\n"
				     "---\n" HEAD("HostInventory",
					     "hosts") "spec:\n"
						      "  hosts: [{ name: hv02, address: \"ssh://b\" }, { name: hv01, "
						      "address: \"ssh://a\", credential: \"env:X\" }]\n";

static void load_example_gives_the_whole_spec(void **state)
{
	(void)state;
	const struct spec *spec = load(whole, "");
	const struct spec_cluster *cluster = spec_find_cluster(spec, "paris");
	assert_int_equal(cluster->type, CLUSTER_FAILOVER);
	assert_int_equal(cluster->n_hosts, 3);
	assert_true(cluster->hosts[2].maintenance);
	assert_string_equal(cluster->gpus[0].match->device, "10DE:25B6");
	assert_string_equal(cluster->gpus[1].match->subsystem, "10DE:157E");
	assert_true(maybe_is(cluster->gpus[0].partition_count, 8));
	assert_true(maybe_is(cluster->gpus[1].passthrough->mmio->low_bytes, 3ull << 30));
	assert_true(cluster->rollout.max_unavailable.percent);
	assert_int_equal(cluster->rollout.windows[0].start_minute, 60);
	assert_int_equal(cluster->rollout.windows[0].duration_s, 4 * 3600);
	assert_string_equal(cluster->rollout.windows[0].days[1], "Sun");
	assert_int_equal(spec->assignments[0].n_vms, 2);
	assert_string_equal(spec->assignments[0].match->name_pattern, "vdi-1*");
	assert_string_equal(spec->inventories[0].hosts[0].name, "hv01"); /* sorted */
}

static void load_defaults_are_those_of_the_documents(void **state)
{
	(void)state;
	const struct spec *spec =
		load(HEAD("GpuCluster", "a") "spec: {type: Standalone, hosts: [{name: h}], gpus: [{name: g, "
					     "match: {model: M}, passthrough: {perHost: 1}}], rollout: {windows: "
					     "[{start: 00:00, duration: 1h}]}}\n---\n" HEAD("GpuAssignment",
						     "b") "spec: {cluster: a, gpus: g, virtualMachines: []}\n",
			"");
	const struct spec_cluster *cluster = &spec->clusters[0];
	assert_false(cluster->hosts[0].maintenance);
	assert_null(cluster->hosts[0].exclude);
	assert_int_equal(cluster->gpus[0].passthrough->dismount, DISMOUNT_MITIGATED);
	assert_null(cluster->gpus[0].passthrough->pool);
	assert_int_equal(cluster->rollout.strategy, STRATEGY_HOMOGENEOUS);
	assert_false(cluster->rollout.max_unavailable.set);
	assert_int_equal(cluster->rollout.max_hosts, 1);
	assert_int_equal(cluster->rollout.stop.method, STOP_SHUTDOWN);
	assert_int_equal(cluster->rollout.stop.timeout_s, 300);
	assert_int_equal(cluster->rollout.stop.on_timeout, ON_TIMEOUT_FAIL);
	assert_int_equal(cluster->rollout.windows[0].n_days, 0);
	assert_string_equal(cluster->rollout.windows[0].time_zone, "UTC");
	assert_int_equal(cluster->unmanaged, UNMANAGED_REPORT);
	assert_true(cluster->prune);
	assert_int_equal(cluster->vm_settings, VM_SETTINGS_ENFORCE);
	assert_int_equal(cluster->max_partitions_per_vm, 1);
	assert_int_equal(cluster->resilience.host_failures, 0);
	assert_false(cluster->suspend);
	assert_int_equal(spec->assignments[0].count, 1);
	assert_int_equal(spec->assignments[0].placement, PLACEMENT_PREFERRED);
}

static void load_objects_are_sorted_by_name(void **state)
{
	(void)state;
	struct source b =
		source_of("b.yaml", HEAD("GpuCluster", "m") "spec: {type: Standalone, hosts: [{name: h2}]}\n");
	struct source a =
		source_of("a.yaml", HEAD("GpuCluster", "z") "spec: {type: Standalone, hosts: [{name: h1}]}\n---\n" HEAD(
					    "GpuCluster", "a") "spec: {type: Standalone, hosts: [{name: h3}]}\n");
	const struct source *forth[] = { &a, &b }, *back[] = { &b, &a };
	for (int i = 0; i < 2; i++) {
		const struct spec *spec = load_all(i ? back : forth, 2, "");
		assert_string_equal(spec->clusters[0].name, "a");
		assert_string_equal(spec->clusters[1].name, "m");
		assert_string_equal(spec->clusters[2].name, "z");
	}
}

static void load_json_is_read_alike(void **state)
{
	(void)state;
	struct source source =
		source_of("a.json", "{\"apiVersion\": \"hvgpu.dev/v1alpha1\", \"kind\": \"GpuCluster\",\n"
				    " \"metadata\": {\"name\": \"a\"}, \"spec\": {\"type\": \"Standalone\",\n "
				    "\"hosts\": [{\"name\": \"h\"}], \"prun\": 1}}");
	load_all((const struct source *const[]){ &source }, 1,
		"HV201 3:28+6 unknown field 'prun' in 'spec'; did you mean 'prune'?\n");
}

static void load_findings_of_all_sources_are_sorted(void **state)
{
	(void)state;
	struct source b = source_of("b.yaml", HEAD("GpuCluster", "m") "spec: {type: Standalone, hosts: [{nam: h2}]}\n");
	struct source a = source_of("a.yaml", "a: b: c\n");
	const struct source *sources[] = { &b, &a };
	load_all(sources, 2,
		"HV101 1:5+1 a ':' cannot stand here; put text that holds ': ' in quotes, or check the indentation\n"
		"HV201 4:35+3 unknown field 'nam' in 'spec.hosts[0]'; did you mean 'name'?\n");
}

static void load_nothing_is_a_finding(void **state)
{
	(void)state;
	load("# nothing\n", "HV207 0:0+0 no manifests found\n");
	load("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", "HV207 0:0+0 no manifests found\n");
}

static void load_missing_spec_can_still_be_referred_to(void **state)
{
	(void)state;
	load(HEAD("GpuCluster", "a") "---\n" HEAD(
		     "GpuAssignment", "b") "spec: {cluster: a, gpus: g, virtualMachines: []}\n",
		"HV204 1:1+10 'spec' is missing\n"
		"HV303 8:26+1 cluster 'a' has no GPU group 'g'\n");
}

static void load_many_findings_in_one_document(void **state)
{
	(void)state;
	load(HEAD("GpuCluster", "a") "spec:\n"
				     "  type: failover\n"
				     "  hosts: []\n"
				     "  gpus:\n"
				     "  - name: vdi\n"
				     "    match: {model: A2}\n"
				     "    partitionCount: 0\n"
				     "  suspend: no\n",
		"HV203 5:9+8 'type' is 'failover'; allowed is one of Failover, Standalone; did you mean 'Failover'?\n"
		"HV203 6:10+1 'hosts' is empty; list at least one\n"
		"HV203 10:21+1 'partitionCount' is 0; allowed is 1 to 64\n"
		"HV202 11:12+2 expected true or false for 'suspend', found text 'no'; write false\n");
}

static void load_findings_quote_what_was_written(void **state)
{
	(void)state;
	load(HEAD("GpuCluster", "paris") "spec:\n"
					 "  type: Standalone\n"
					 "  hosts: [{ name: hv01 }]\n"
					 "  gpus: [{ name: a, match: { device: 10de }, partitionCount: 2 }]\n",
		"HV203 7:38+4 'device' is '10de'; write vendor and device as hexadecimal digits, like \"10DE:25B6\"\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(load_example_gives_the_whole_spec),
		cmocka_unit_test(load_defaults_are_those_of_the_documents),
		cmocka_unit_test(load_objects_are_sorted_by_name),
		cmocka_unit_test(load_json_is_read_alike),
		cmocka_unit_test(load_findings_of_all_sources_are_sorted),
		cmocka_unit_test(load_nothing_is_a_finding),
		cmocka_unit_test(load_missing_spec_can_still_be_referred_to),
		cmocka_unit_test(load_findings_quote_what_was_written),
		cmocka_unit_test(load_many_findings_in_one_document),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
