/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/state.h"
#include "schema/decode.h"
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct diags *diags;
};

static int setup(void **state)
{
	struct fixture *f = g_new0(struct fixture, 1);
	f->arena = arena_new();
	f->diags = diags_new(f->arena);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	arena_free(f->arena);
	g_free(f);
	return 0;
}

static struct source *source_of(struct fixture *f, const char *name, const char *text)
{
	struct source *source = arena_new_of(f->arena, struct source);
	*source = (struct source){ name, text, strlen(text) };
	return source;
}

static int read_text(struct fixture *f, const char *text, struct state_file *out)
{
	return state_read(f->arena, source_of(f, "world.yaml", text), out, f->diags);
}

static struct state_file read_well(struct fixture *f, const char *text)
{
	struct state_file file = { 0 };
	int result = read_text(f, text, &file);
	for (struct diag *diag = f->diags->first; diag; diag = diag->next)
		print_message("%u:%u: %s\n", diag->loc.line, diag->loc.col, diag->message);
	assert_int_equal(result, 0);
	return file;
}

/* The text must be refused with that code, and some message must hold 'part'. */
static void assert_refused(struct fixture *f, const char *text, enum diag_code code, const char *part)
{
	struct state_file file = { 0 };
	assert_int_equal(read_text(f, text, &file), -1);
	bool found = false;
	for (struct diag *diag = f->diags->first; diag; diag = diag->next)
		found |= diag->code == code && strstr(diag->message, part);
	if (!found)
		for (struct diag *diag = f->diags->first; diag; diag = diag->next)
			print_message("%s %s\n", diag_codes[diag->code].id, diag->message);
	assert_true(found);
}

#define HEAD "apiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: { name: hv01 }\nspec:\n"
#define GPU(path) "  - { locationPath: \"" path "\", state: partitionable }\n"

static void state_short_file_gets_defaults(void **state)
{
	struct state_file file =
		read_well(*state, HEAD "  host: {}\n"
				       "  gpus:\n"
				       "  - locationPath: PCIROOT(20)#PCI(0300)\n"
				       "    state: partitionable\n"
				       "    instanceId: PCI\\VEN_10de&DEV_25b6&SUBSYS_157e10de&REV_A1\\6&0\n"
				       "    validCounts: [16, 4, 8, 4]\n"
				       "  virtualMachines:\n"
				       "  - { name: vdi-001, state: \"Off\", adapters: [{}] }\n"
				       "  - { name: vdi-002, state: Off, adapters: [{ pin: P }] }\n");
	assert_int_equal(file.n_states, 1);
	const struct host_state *hv01 = file.states[0];
	assert_string_equal(hv01->host.name, "hv01");
	assert_int_equal(hv01->host.sriov, TRI_UNKNOWN);
	assert_false(hv01->host.memory_free_bytes.known);
	assert_string_equal(hv01->gpus[0].device, "10DE:25B6");
	assert_string_equal(hv01->gpus[0].subsystem, "10DE:157E");
	assert_int_equal(hv01->gpus[0].n_valid_counts, 3);
	assert_int_equal(hv01->gpus[0].valid_counts[0], 4);
	assert_int_equal(hv01->gpus[0].valid_counts[2], 16);
	const struct vm *vm = &hv01->vms[0];
	assert_int_equal(vm->generation, 2);
	assert_int_equal(vm->stop_action, STOP_ACTION_SHUTDOWN);
	assert_int_equal(vm->checkpoint_type, CHECKPOINT_PRODUCTION);
	assert_int_equal(vm->clustered, TRI_NO);
	assert_int_equal(vm->adapters[0].pinned, TRI_NO);
	assert_true(g_str_has_prefix(vm->adapters[0].id, "Microsoft:"));
	assert_int_equal(hv01->vms[1].adapters[0].pinned, TRI_YES);
	assert_int_equal(strlen(vm->id), 36);
	assert_string_not_equal(vm->id, hv01->vms[1].id);
}

static void state_instance_id_of_a_partitionable_gpu_gives_ids(void **state)
{
	struct state_file file =
		read_well(*state, HEAD "  gpus:\n"
				       "  - locationPath: A\n"
				       "    state: partitionable\n"
				       "    instanceId: \"\\\\\\\\?\\\\PCI#VEN_10DE&DEV_25B6&SUBSYS_14A910DE#4&1\"\n"
				       "  - { locationPath: B, state: plain, device: null, instanceId: VEN_1 }\n"
				       "  host: {}\n");
	assert_string_equal(file.states[0]->gpus[0].subsystem, "10DE:14A9");
	assert_null(file.states[0]->gpus[1].device);
}

static void state_made_ids_are_stable(void **state)
{
	static const char text[] = HEAD "  virtualMachines: [{ name: a, state: Running }]\n  host: {}\n";
	struct state_file one = read_well(*state, text), two = read_well(*state, text);
	assert_string_equal(one.states[0]->vms[0].id, two.states[0]->vms[0].id);
}

static void state_paths_become_masks_over_sorted_gpus(void **state)
{
	struct state_file file = read_well(*state,
		HEAD "  host: {}\n  gpus:\n" GPU("C") GPU("A")
			GPU("B") "  virtualMachines: [{ name: a, state: Running, adapters: [{ gpus: [C, A] }] }]\n");
	assert_string_equal(file.states[0]->gpus[0].location_path, "A");
	assert_int_equal(file.states[0]->vms[0].adapters[0].gpus, 5);
}

static void state_explicit_null_stays_unknown(void **state)
{
	struct state_file file = read_well(*state, HEAD
		"  host: {}\n"
		"  virtualMachines: [{ name: a, state: Running, clustered: null, adapters: [{ pinned: null }] }]\n");
	assert_int_equal(file.states[0]->vms[0].clustered, TRI_UNKNOWN);
	assert_int_equal(file.states[0]->vms[0].adapters[0].pinned, TRI_UNKNOWN);
}

static void state_hosts_are_sorted(void **state)
{
	struct state_file file = read_well(*state,
		"{apiVersion: hvgpu.dev/v1alpha1, kind: HostState, metadata: {name: hv02}, spec: {host: {}}}\n");
	assert_int_equal(file.n_states, 1);
	file = read_well(*state,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: {name: hv02}\nspec: {}\n"
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: {name: HV01}\nspec: {}\n"
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: Simulation\nmetadata: {name: s}\n"
		"spec: { pick: seeded, seed: 7, faults: [{ step: stop-vm, error: timeout }] }\n");
	assert_string_equal(file.states[0]->host.name, "HV01");
	assert_int_equal(file.simulation->pick, PICK_SEEDED);
	assert_int_equal(file.simulation->faults[0].nth, 1);
}

static void state_two_hosts_of_one_name_are_refused(void **state)
{
	assert_refused(*state,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: {name: hv02}\nspec: {}\n"
		"---\napiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: {name: HV02}\nspec: {}\n",
		D_WORLD_FILE, "a second host 'HV02'");
}

static void state_duplicate_location_path_is_refused(void **state)
{
	assert_refused(*state, HEAD "  gpus:\n" GPU("A") GPU("A"), D_WORLD_FILE, "two GPUs at 'A'");
}

static void state_more_than_64_gpus_are_refused(void **state)
{
	g_autoptr(GString) text = g_string_new(HEAD "  gpus:\n");
	for (int i = 0; i < 65; i++)
		g_string_append_printf(text, "  - { locationPath: P%d, state: plain }\n", i);
	assert_refused(*state, text->str, D_WORLD_FILE, "65 GPUs");
}

static void state_duplicate_vm_id_is_refused(void **state)
{
	assert_refused(*state, HEAD "  virtualMachines: [{ name: a, state: Running }, { name: a, state: Running }]\n",
		D_WORLD_FILE, "two VMs of id");
}

static void state_adapter_on_a_missing_gpu_is_refused(void **state)
{
	assert_refused(*state,
		HEAD
		"  gpus:\n" GPU("A") "  virtualMachines: [{ name: a, state: Running, adapters: [{ gpus: [B] }] }]\n",
		D_WORLD_FILE, "no GPU 'B'");
}

static void state_device_with_path_and_pool_is_refused(void **state)
{
	assert_refused(*state,
		HEAD "  virtualMachines:\n"
		     "  - { name: a, state: Running, devices: [{ locationPath: A, pool: p }] }\n",
		D_ONE_OF, "exactly one of");
}

static void state_truncated_file_is_refused(void **state)
{
	assert_refused(*state, HEAD "  virtualMachines: [{ name: a, state: Runn", D_YAML_SYNTAX, "");
	assert_refused(*state,
		HEAD "  gpus:\n" GPU(
			"P") "  virtualMachines:\n  - { name: a, state: \"Off\" }\n  - name: b\n    state: \"Off\"",
		D_WORLD_FILE, "as if the file were cut off");
	assert_refused(*state, HEAD "  host: {}", D_WORLD_FILE, "as if the file were cut off");
}

static void state_empty_file_is_refused(void **state)
{
	assert_refused(*state, "", D_WORLD_FILE, "hvgpu observe");
	assert_refused(*state, "---\n---\n", D_WORLD_FILE, "hvgpu observe");
}

static void state_manifest_is_refused(void **state)
{
	assert_refused(*state, "apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: {name: a}\nspec: {}\n",
		D_WORLD_FILE, "'kind' is 'GpuCluster'");
	assert_refused(*state, "apiVersion: v2\nkind: HostState\nmetadata: {name: a}\nspec: {}\n", D_KIND_UNKNOWN,
		"hvgpu.dev/v1alpha1");
}

static void state_unknown_field_is_refused(void **state)
{
	assert_refused(*state, HEAD "  host: { osBuilt: 26100 }\n", D_FIELD_UNKNOWN, "osBuild");
}

static void state_worlds_of_the_examples_are_read(void **state)
{
	struct fixture *f = *state;
	static const char *const worlds[] = { "standalone", "failover", "inference", "overlays/paris",
		"overlays/lyon" };
	for (size_t i = 0; i < G_N_ELEMENTS(worlds); i++) {
		g_autofree char *path = g_strdup_printf(TESTS_DIR "/../examples/%s/world.yaml", worlds[i]);
		g_autofree char *text = NULL;
		assert_true(g_file_get_contents(path, &text, NULL, NULL));
		struct state_file file = read_well(f, text);
		assert_true(file.n_states > 0);
		assert_string_equal(file.states[0]->gpus[0].subsystem, "10DE:157E");
	}
}

/* ---- round trips ---- */

static const char *const awkward[] = { "plain", "with space", " lead", "trail ", "a: b", "a #b", "no", "Off", "~", "1",
	"1e5", "0x10", "null", "", "-", "- a", "'", "\"", "\\", "tab\there", "line\nbreak", "\x01\x7f", "\xC2\x85",
	"\xE2\x80\xA8", "\xEF\xBB\xBF", "\xEF\xBF\xBF", "caf\xC3\xA9", "\xF0\x9F\x98\x80", "{a}", "[a]", "*a", "&a",
	"!a", "%a", "@a", "`a", "a,b", "?", "<<", "=", "2026-11-24", "10:25", "---", "..." };

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* A value of any field, with the shapes that documents find hard. */
static void fill(struct arena *arena, const struct field *fields, void *object, uint64_t *seed, int depth);

static const char *random_text(uint64_t *seed)
{
	return awkward[next_random(seed) % G_N_ELEMENTS(awkward)];
}

static uint64_t random_number(uint64_t *seed)
{
	static const uint64_t hard[] = { 0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX, 4294967296, 1000000000 };
	return hard[next_random(seed) % G_N_ELEMENTS(hard)];
}

static struct maybe_u64 random_maybe(uint64_t *seed, uint64_t value)
{
	return next_random(seed) % 3 ? KNOWN(value) : UNKNOWN;
}

static void fill_list(struct arena *arena, const struct field *field, void *object, uint64_t *seed, int depth)
{
	uint32_t n = depth > 3 ? 0 : next_random(seed) % 4;
	char *items = arena_alloc(arena, n * (field->size ? field->size : sizeof(char *)));
	for (uint32_t i = 0; i < n; i++)
		if (field->type == FIELD_LIST)
			fill(arena, field->fields, items + i * field->size, seed, depth + 1);
		else if (field->type == FIELD_TEXTS)
			((const char **)items)[i] = arena_printf(arena, "%u%s", i, random_text(seed));
		else
			((uint32_t *)items)[i] = i + 1;
	memcpy((char *)object + field->at, &items, sizeof(items));
	memcpy((char *)object + field->n_at, &n, sizeof(n));
}

static void fill_field(struct arena *arena, const struct field *field, void *object, uint64_t *seed, int depth)
{
	char *at = (char *)object + field->at;
	uint64_t r = next_random(seed);
	switch (field->type) {
	case FIELD_BOOL:
		*(bool *)at = r % 2;
		break;
	case FIELD_TRI:
		*(enum tristate *)at = r % 3;
		break;
	case FIELD_U32:
		*(uint32_t *)at = field->max ? field->min + r % (field->max - field->min + 1) : r;
		break;
	case FIELD_U64:
		*(uint64_t *)at = random_number(seed);
		break;
	case FIELD_MAYBE:
	case FIELD_SIZE:
		*(struct maybe_u64 *)at = random_maybe(seed, random_number(seed));
		break;
	case FIELD_TEXT: {
		const char *text = r % 4 || (field->flags & FIELD_REQUIRED) ? random_text(seed) : NULL;
		*(const char **)at = text && !*text && (field->flags & FIELD_NOT_EMPTY) ? "x" : text;
		break;
	}
	case FIELD_ENUM:
		*(int *)at = r % field->names->n;
		break;
	case FIELD_MAYBE_ENUM:
		*(struct maybe_u64 *)at = random_maybe(seed, r % field->names->n);
		break;
	case FIELD_TIME:
		*(int64_t *)at = r;
		break;
	case FIELD_MAYBE_TIME:
		*(struct maybe_u64 *)at = random_maybe(seed, r);
		break;
	case FIELD_QUOTAS:
		for (int i = 0; i < QUOTA_COUNT; i++)
			((struct maybe_u64 *)at)[i] = random_maybe(seed, random_number(seed));
		break;
	case FIELD_OBJECT:
		fill(arena, field->fields, at, seed, depth + 1);
		break;
	case FIELD_POINTER:
		if (r % 2) {
			void *inner = arena_alloc(arena, field->size);
			fill(arena, field->fields, inner, seed, depth + 1);
			*(void **)at = inner;
		}
		break;
	default:
		fill_list(arena, field, object, seed, depth);
	}
}

static void fill(struct arena *arena, const struct field *fields, void *object, uint64_t *seed, int depth)
{
	for (const struct field *field = fields; field->type != FIELD_END; field++)
		fill_field(arena, field, object, seed, depth);
}

static void mend_devices(const struct device *devices, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		((struct device *)devices)[i] = (struct device){ i % 2 ? NULL : "A", i % 2 ? "p" : NULL };
}

static void mend_adapters(const struct adapter *adapters, uint32_t n, uint64_t gpus)
{
	for (uint32_t i = 0; i < n; i++) {
		struct adapter *adapter = (struct adapter *)&adapters[i];
		adapter->gpu_paths = NULL;
		adapter->n_gpu_paths = 0;
		adapter->gpus = gpus ? (i * 5 + 1) & gpus : 0;
	}
}

/* Random fields with what makes them one possible host: distinct keys, sorted lists, masks within the GPUs. */
static struct host_state *random_state(struct arena *arena, uint64_t seed)
{
	struct host_state *state = arena_new_of(arena, struct host_state);
	fill(arena, kind_host_state.fields, state, &seed, 0);
	state->host.name = arena_printf(arena, "h%s", random_text(&seed));
	for (uint32_t i = 0; i < state->host.n_pools; i++)
		((struct pool *)state->host.pools)[i].name = arena_printf(arena, "p%u", i);
	for (uint32_t i = 0; i < state->n_gpus; i++)
		state->gpus[i].location_path = arena_printf(arena, "%u%s", i, random_text(&seed));
	for (uint32_t i = 0; i < state->n_vms; i++) {
		struct vm *vm = &state->vms[i];
		vm->id = arena_printf(arena, "%u%s", i, random_text(&seed));
		mend_devices(vm->devices, vm->n_devices);
		mend_adapters(vm->adapters, vm->n_adapters, (1ull << state->n_gpus) - 1);
		if (vm->debt) {
			mend_devices(vm->debt->devices, vm->debt->n_devices);
			mend_adapters(vm->debt->adapters, vm->debt->n_adapters, 0);
		}
	}
	return state;
}

static void assert_same(const struct host_state *a, const struct host_state *b)
{
	assert_string_equal(a->host.name, b->host.name);
	assert_true(fields_equal(kind_host_state.fields, a, b, 0));
	for (uint32_t i = 0; i < a->n_vms; i++)
		for (uint32_t k = 0; k < a->vms[i].n_adapters; k++)
			assert_int_equal(a->vms[i].adapters[k].gpus, b->vms[i].adapters[k].gpus);
}

static void state_yaml_is_lossless(void **state)
{
	struct fixture *f = *state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		const struct host_state *written = random_state(f->arena, seed);
		g_autoptr(GString) text = g_string_new(NULL);
		state_write_yaml(text, written);
		struct state_file file = read_well(f, arena_strdup(f->arena, text->str));
		assert_same(written, file.states[0]);
	}
}

static void state_json_is_lossless(void **state)
{
	struct fixture *f = *state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		const struct host_state *written = random_state(f->arena, seed);
		json_auto_t *json = state_to_json(written);
		struct host_state *read = NULL;
		assert_int_equal(state_from_json(f->arena, json, source_of(f, "plan", ""), &read, f->diags), 0);
		assert_same(written, read);
		g_autofree char *text = json_dumps(json, 0);
		struct state_file file = { 0 };
		assert_int_equal(state_read(f->arena, source_of(f, "w.json", text), &file, f->diags), 0);
		assert_same(written, file.states[0]);
	}
}

static void state_json_list_is_read(void **state)
{
	struct fixture *f = *state;
	json_auto_t *list = json_array();
	for (uint32_t i = 0; i < 3; i++) {
		struct host_state *host = random_state(f->arena, i);
		host->host.name = arena_printf(f->arena, "hv%u", i);
		json_array_append_new(list, state_to_json(host));
	}
	g_autofree char *text = json_dumps(list, JSON_INDENT(2));
	struct state_file file = { 0 };
	assert_int_equal(state_read(f->arena, source_of(f, "w.json", text), &file, f->diags), 0);
	assert_int_equal(file.n_states, 3);
	assert_string_equal(file.states[2]->host.name, "hv2");
	json_object_set_new(json_array_get(list, 1), "kind", json_string("Host"));
	g_autofree char *wrong = json_dumps(list, JSON_INDENT(2));
	assert_int_equal(state_read(f->arena, source_of(f, "w.json", wrong), &file, f->diags), -1);
	assert_non_null(strstr(f->diags->first->message, "'kind' is 'Host'"));
}

static void state_file_with_simulation_is_lossless(void **state)
{
	struct fixture *f = *state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t random = seed;
		struct simulation simulation = { 0 };
		fill(f->arena, kind_simulation.fields, &simulation, &random, 0);
		g_autoptr(GString) text = g_string_new(NULL);
		simulation_write_yaml(text, &simulation);
		state_write_yaml(text, random_state(f->arena, seed));
		struct state_file file = read_well(f, arena_strdup(f->arena, text->str));
		assert_true(fields_equal(kind_simulation.fields, &simulation, file.simulation, 0));
	}
}

/* Large enough to be read by several threads. */
static GString *large_text(struct fixture *f, uint32_t n_hosts)
{
	GString *text = g_string_new(NULL);
	for (uint32_t i = 0; i < n_hosts || text->len < 3 << 20; i++) {
		struct host_state *host = random_state(f->arena, i);
		host->host.name = arena_printf(f->arena, "hv%05u", i);
		state_write_yaml(text, host);
	}
	return text;
}

static void state_large_file_is_read_as_small_ones_are(void **state)
{
	struct fixture *f = *state;
	g_autoptr(GString) text = large_text(f, 100);
	struct state_file file = read_well(f, text->str);
	for (uint32_t i = 0; i < file.n_states; i++) {
		struct host_state *host = random_state(f->arena, i);
		host->host.name = arena_printf(f->arena, "hv%05u", i);
		assert_same(host, file.states[i]);
	}
}

static void state_finding_in_a_large_file_has_its_place(void **state)
{
	struct fixture *f = *state;
	g_autoptr(GString) text = large_text(f, 100);
	uint32_t lines = 0;
	for (const char *at = text->str; *at; at++)
		lines += *at == '\n';
	g_string_append(text, "---\n" HEAD "  hosts: 1\n");
	struct state_file file = { 0 };
	assert_int_equal(read_text(f, text->str, &file), -1);
	assert_int_equal(f->diags->n, 1);
	assert_int_equal(f->diags->first->loc.line, lines + 6);
}

static void state_host_twice_in_a_large_file_is_refused(void **state)
{
	struct fixture *f = *state;
	g_autoptr(GString) text = large_text(f, 100);
	g_string_append(
		text, "---\napiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata: {name: hv00000}\nspec: {}\n");
	assert_refused(f, text->str, D_WORLD_FILE, "a second host 'hv00000'");
}

static void state_json_of_another_kind_is_refused(void **state)
{
	struct fixture *f = *state;
	json_auto_t *json = json_pack("{s:s, s:s}", "apiVersion", API_VERSION, "kind", "GpuCluster");
	struct host_state *read = NULL;
	assert_int_equal(state_from_json(f->arena, json, source_of(f, "plan", ""), &read, f->diags), -1);
	assert_null(read);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(state_short_file_gets_defaults),
		T(state_instance_id_of_a_partitionable_gpu_gives_ids),
		T(state_made_ids_are_stable),
		T(state_paths_become_masks_over_sorted_gpus),
		T(state_explicit_null_stays_unknown),
		T(state_hosts_are_sorted),
		T(state_two_hosts_of_one_name_are_refused),
		T(state_duplicate_location_path_is_refused),
		T(state_more_than_64_gpus_are_refused),
		T(state_duplicate_vm_id_is_refused),
		T(state_adapter_on_a_missing_gpu_is_refused),
		T(state_device_with_path_and_pool_is_refused),
		T(state_truncated_file_is_refused),
		T(state_empty_file_is_refused),
		T(state_manifest_is_refused),
		T(state_unknown_field_is_refused),
		T(state_worlds_of_the_examples_are_read),
		T(state_yaml_is_lossless),
		T(state_json_is_lossless),
		T(state_json_list_is_read),
		T(state_file_with_simulation_is_lossless),
		T(state_large_file_is_read_as_small_ones_are),
		T(state_finding_in_a_large_file_has_its_place),
		T(state_host_twice_in_a_large_file_is_refused),
		T(state_json_of_another_kind_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
