/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/envelope.h"

#include "tests/lib/findings.h"

struct reading {
	struct arena *arena;
	struct envelope envelope;
	int result;
};

static int take(const struct document *document, void *user, struct diags *diags)
{
	struct reading *reading = user;
	reading->result = envelope_read(reading->arena, document, &reading->envelope, diags);
	return 0;
}

static void check_file(const char *file, const char *yaml, int result, const char *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct reading reading = { .arena = arena, .result = 99 };
	struct source source = source_of(file, yaml);
	node_parse(&source, take, &reading, diags);
	assert_findings(diags, findings);
	assert_int_equal(reading.result, result);
	if (result == 0)
		assert_ptr_equal(reading.envelope.kind, &kind_gpu_cluster);
}

static void check(const char *yaml, int result, const char *findings)
{
	check_file("a.yaml", yaml, result, findings);
}

#define VERSION "apiVersion: hvgpu.dev/v1alpha1\n"

static void envelope_complete_is_read(void **state)
{
	(void)state;
	check(VERSION
		"kind: GpuCluster\nmetadata: {name: a, namespace: b, labels: {c: d}, annotations: {e: f}}\nspec: {}\n",
		0, "");
}

static void envelope_version_is_checked(void **state)
{
	(void)state;
	check("kind: GpuCluster\n", -1,
		"HV205 1:1+4 the document has no 'apiVersion'; write 'apiVersion: hvgpu.dev/v1alpha1'\n");
	check("{\"format_version\": \"1.2\", \"clusters\": []}", -1,
		"HV205 1:1+1 this is a saved plan and no manifest; 'hvgpu apply FILE' and 'hvgpu check FILE' take it, "
		"from "
		"a file of its own\n");
	check("apiVersion: hvgpu.dev/v1\nkind: GpuCluster\n", -1,
		"HV205 1:13+12 apiVersion 'hvgpu.dev/v1' is not known; write 'hvgpu.dev/v1alpha1'\n");
	check("apiVersion: hvgpu.de/v1alpha1\nkind: X\n", -1,
		"HV205 1:13+17 apiVersion 'hvgpu.de/v1alpha1' is not known; write 'hvgpu.dev/v1alpha1'\n");
	check("apiVersion: v1\nkind: ConfigMap\n", -1,
		"HV205 1:13+2 apiVersion 'v1' is not one of ours (hvgpu.dev/v1alpha1); keep such documents in another "
		"folder\n");
}

static void envelope_kind_is_checked(void **state)
{
	(void)state;
	check(VERSION, -1, "HV205 1:1+10 the document has no 'kind', for example 'kind: GpuCluster'\n");
	check(VERSION "kind: GPUCluster\n", -1, "HV205 2:7+10 unknown kind 'GPUCluster'; did you mean 'GpuCluster'?\n");
	check(VERSION "kind: Deployment\n", -1,
		"HV205 2:7+10 unknown kind 'Deployment'; the kinds are GpuCluster, GpuAssignment, HostInventory\n");
	check(VERSION "kind: HostState\n", -1,
		"HV205 2:7+9 a HostState describes a host and is no manifest; give it with --hosts snapshot:FILE\n");
	check(VERSION "kind: Simulation\n", -1,
		"HV205 2:7+10 a Simulation is no manifest; give it with --hosts sim:FILE\n");
}

static void envelope_other_fields_are_unknown(void **state)
{
	(void)state;
	check(VERSION "kind: GpuCluster\nmetadata: {name: a, lables: {}}\nspecs: {}\nspec: {}\n", 0,
		"HV201 4:1+5 unknown field 'specs' in the document; did you mean 'spec'?\n"
		"HV201 3:21+6 unknown field 'lables' in 'metadata'; did you mean 'labels'?\n");
}

static void envelope_name_is_required(void **state)
{
	(void)state;
	check(VERSION "kind: GpuCluster\nspec: {}\n", 0, "HV204 1:1+10 'metadata.name' is missing\n");
	check(VERSION "kind: GpuCluster\nmetadata: {}\nspec: {}\n", 0, "HV204 3:11+1 'metadata.name' is missing\n");
	check(VERSION "kind: GpuCluster\nmetadata: {name: A}\nspec: {}\n", 0,
		"HV203 3:18+1 'A' is not a name; use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and "
		"last\n");
	check(VERSION "kind: GpuCluster\nmetadata: x\nspec: {}\n", 0,
		"HV202 3:11+1 expected a mapping for 'metadata', found text 'x'\n");
}

static void envelope_spec_is_required(void **state)
{
	(void)state;
	check(VERSION "kind: GpuCluster\nmetadata: {name: a}\n", 0, "HV204 1:1+10 'spec' is missing\n");
}

static void envelope_kustomization_is_passed_over(void **state)
{
	(void)state;
	check("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", ENVELOPE_SKIP, "");
	check("kind: Kustomization\n", ENVELOPE_SKIP, "");
	check_file("base/kustomization.yaml", "resources: [a.yaml]\n", ENVELOPE_SKIP, "");
}

static void envelope_of_no_mapping_is_refused(void **state)
{
	(void)state;
	check("[a]\n", -1,
		"HV202 1:1+1 a document must be a mapping with 'apiVersion', 'kind', 'metadata' and 'spec'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelope_complete_is_read),
		cmocka_unit_test(envelope_version_is_checked),
		cmocka_unit_test(envelope_kind_is_checked),
		cmocka_unit_test(envelope_other_fields_are_unknown),
		cmocka_unit_test(envelope_name_is_required),
		cmocka_unit_test(envelope_spec_is_required),
		cmocka_unit_test(envelope_kustomization_is_passed_over),
		cmocka_unit_test(envelope_of_no_mapping_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
