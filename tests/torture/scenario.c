/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/scenario.h"

#include "model/host_copy.h"
#include "providers/source/source.h"
#include "schema/load.h"
#include "tests/lib/random_scene.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 24 };

static const struct spec *load(struct arena *arena, const char *name, const char *manifests)
{
	struct source *source = arena_new_of(arena, struct source);
	*source = (struct source){ name, arena_strdup(arena, manifests), strlen(manifests) };
	const struct source *sources[] = { source };
	struct spec *spec = NULL;
	struct diags *diags = diags_new(arena);
	if (spec_load(arena, sources, 1, &spec, diags) == 0 && !diags->n_errors)
		return spec;
	g_printerr("the manifests of '%s' do not load: %s\n%s\n", name, diags->first->message, manifests);
	return NULL;
}

struct scenario *scenario_with(
	struct arena *arena, const struct scenario *scenario, const char *name, const char *manifests)
{
	struct scenario *other = arena_copy(arena, scenario, sizeof(*scenario));
	other->name = arena_strdup(arena, name);
	other->manifests = arena_strdup(arena, manifests);
	other->spec = load(arena, other->name, manifests);
	return other->spec ? other : NULL;
}

/* ---- examples ---- */

static const struct {
	const char *name, *world, *manifests[2];
	bool may_rest;
} examples[] = {
	{ "standalone", "standalone/world.yaml", { "standalone/manifests/cluster.yaml" } },
	{ "failover", "failover/world.yaml",
		{ "failover/manifests/cluster.yaml", "failover/manifests/desktops.yaml" } },
	{ "inference", "inference/world.yaml",
		{ "inference/manifests/cluster.yaml", "inference/manifests/assignments.yaml" } },
	{ "ci", "ci/snapshots/world.yaml", { "ci/manifests/workshop.yaml" } },
	{ "paris", "overlays/paris/world.yaml", { "../tests/torture/paris.yaml" } },
	{ "lyon", "overlays/lyon/world.yaml", { "../tests/torture/lyon.yaml" }, true },
};
const char *const scenario_examples[] = { "example/standalone", "example/failover", "example/inference", "example/ci",
	"example/paris", "example/lyon", NULL };

static char *read_example(const char *file)
{
	g_autofree char *path = g_build_filename(TESTS_DIR, "..", "examples", file, NULL);
	char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		g_printerr("'%s' cannot be read\n", path);
	return text;
}

static bool read_world(struct arena *arena, const char *file, struct scenario *scenario)
{
	g_autofree char *path = g_build_filename(TESTS_DIR, "..", "examples", file, NULL);
	struct source *source = arena_new_of(arena, struct source);
	struct state_file states;
	struct diags *diags = diags_new(arena);
	if (source_read_file(path, FILE_MAX, arena, source, diags) < 0 || state_read(arena, source, &states, diags) < 0)
		return false;
	scenario->states = states.states;
	scenario->n_states = states.n_states;
	if (states.simulation)
		scenario->simulation = *states.simulation;
	scenario->simulation.clock = SCENE_NOW;
	return true;
}

static struct scenario *example(struct arena *arena, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
		if (strcmp(examples[i].name, name) != 0)
			continue;
		struct scenario *scenario = arena_new_of(arena, struct scenario);
		g_autoptr(GString) text = g_string_new(NULL);
		for (size_t k = 0; k < G_N_ELEMENTS(examples[i].manifests) && examples[i].manifests[k]; k++) {
			g_autofree char *part = read_example(examples[i].manifests[k]);
			g_string_append_printf(text, "%s%s", text->len ? "---\n" : "", part ? part : "");
		}
		scenario->may_rest = examples[i].may_rest;
		if (!read_world(arena, examples[i].world, scenario))
			return NULL;
		g_autofree char *full = g_strdup_printf("example/%s", name);
		return scenario_with(arena, scenario, full, text->str);
	}
	return NULL;
}

/* ---- scenes ---- */

/* Takes the scene over. */
static struct scenario *of_scene(struct arena *arena, struct scene *scene, const char *name, const char *manifests)
{
	struct scenario scenario = { .n_states = scene->n_hosts };
	const struct host_state **states = arena_array(arena, const struct host_state *, scene->n_hosts);
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		states[h] = host_state_copy(arena, &scene->hosts[h]);
	const char **unreachable = arena_array(arena, const char *, 1);
	unreachable[0] = arena_strdup(arena, scene->missing);
	scenario.states = states;
	scenario.simulation = (struct simulation){
		.clock = SCENE_NOW, .unreachable = unreachable, .n_unreachable = scene->missing != NULL
	};
	struct scenario *made = scenario_with(arena, &scenario, name, manifests);
	scene_free(scene);
	return made;
}

static struct scenario *seeded(struct arena *arena, const char *name)
{
	uint64_t seed = strtoull(name, NULL, 10);
	struct random random = random_from(seed);
	struct scene *scene = random_scene(&random);
	char *other_order = NULL;
	const char *manifests = random_manifests(scene, &random, &other_order);
	g_autofree char *full = g_strdup_printf("seed/%s", name);
	struct scenario *scenario = of_scene(arena, scene, full, manifests);
	if (!scenario)
		return NULL;
	scenario->may_rest = true;
	scenario->simulation.pick = seed % PICK_POLICY_COUNT;
	scenario->simulation.seed = seed;
	return scenario;
}

/* ---- small ones ---- */

static const char *const by_hand = "apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n"
				   "  type: %s\n  hosts: [%s]\n%s  gpus:\n%s";
static const char *const assigned = "---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: %s }\n"
				    "spec: { cluster: c, gpus: %s, %s }\n";

static const char vdi_8[] = "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 8 }\n";
static const char vdi_4[] = "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: 4 }\n";
static const char whole[] =
	"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p, mmio: { "
	"low: 3Gi, high: 34Gi } } }\n";

static struct scenario *make(struct arena *arena, struct scene *scene, const char *name, const char *more,
	const char *groups, const char *vms, const char *devices)
{
	g_autofree char *desktops = vms ? g_strdup_printf(assigned, "desktops", "vdi", vms) : g_strdup("");
	g_autofree char *inference = devices ? g_strdup_printf(assigned, "inference", "whole", devices) : g_strdup("");
	g_autofree char *cluster = g_strdup_printf(by_hand, scene->clustered ? "Failover" : "Standalone",
		scene->n_hosts > 1 ? "{ name: hv01 }, { name: hv02 }" : "{ name: hv01 }", more, groups);
	g_autofree char *text = g_strconcat(cluster, desktops, inference, NULL);
	g_autofree char *full = g_strdup_printf("small/%s", name);
	return of_scene(arena, scene, full, text);
}

#define VMS "match: { namePattern: \"vm-*\" }"
#define AIS "match: { namePattern: \"ai-*\" }"

static void owe(struct scene *scene, struct vm *vm, bool parts)
{
	struct debt *debt = arena_new_of(scene->arena, struct debt);
	*debt = (struct debt){
		.run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	if (parts) {
		debt->adapters = vm->adapters;
		debt->n_adapters = vm->n_adapters;
		vm->n_adapters = 0;
	}
	vm->debt = debt;
}

static void remember(struct scene *scene, struct vm *vm)
{
	struct vm_record *record = arena_new_of(scene->arena, struct vm_record);
	*record = (struct vm_record){ SCENARIO_OWNER, "c", "vdi" };
	vm->record = record;
}

static struct scenario *small_counts(struct arena *arena, const char *name)
{
	return make(arena, scene_new(false, 1, 2, 1), name, "", vdi_4, NULL, NULL);
}

static struct scenario *small_gain(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1)->automatic_checkpoints = true;
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	return make(arena, scene, name, "", vdi_4, VMS, NULL);
}

static struct scenario *small_drain(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_OFF, 0);
	return make(arena, scene, name, "", vdi_8, VMS, NULL);
}

static struct scene *pair_of_hosts(void)
{
	struct scene *scene = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, 0);
	return scene;
}

static struct scenario *small_pair(struct arena *arena, const char *name)
{
	return make(arena, pair_of_hosts(), name, "", vdi_8, VMS, NULL);
}

static struct scenario *small_rolling(struct arena *arena, const char *name)
{
	return make(arena, pair_of_hosts(), name, "  rollout: { strategy: Rolling, maxUnavailable: 1 }\n", vdi_8, VMS,
		NULL);
}

static struct scenario *small_whole(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(true, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	g_autofree char *groups = g_strconcat(vdi_4, whole, NULL);
	return make(arena, scene, name, "", groups, VMS, AIS);
}

/* A partition of the only GPU for that whole GPU. */
static struct scenario *small_exchange(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(true, 1, 1, 4);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, 0);
	return make(arena, scene, name, "", whole, NULL, AIS);
}

/* The reverse. */
static struct scenario *small_share(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm_whole(scene, "vm-a", 0, VM_RUNNING, 0);
	return make(arena, scene, name, "", vdi_4, VMS, NULL);
}

/* A desktop is pinned to the GPU that is to be passed through. */
static struct scenario *small_unpin(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(true, 1, 2, 4);
	scene_gpu(scene, 0, 1)->name = "NVIDIA L40";
	scene_pin(scene, scene_vm(scene, "vm-a", 0, VM_RUNNING, 0), 0);
	g_autofree char *groups =
		g_strconcat(whole, "    - { name: vdi, match: { model: NVIDIA L40 }, partitionCount: 4 }\n", NULL);
	return make(arena, scene, name, "", groups, VMS, NULL);
}

static struct scenario *small_prune(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	remember(scene, scene_vm(scene, "old-a", 0, VM_RUNNING, 0));
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	return make(arena, scene, name, "", vdi_4, VMS, NULL);
}

static struct scenario *small_debts(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	owe(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0), false);
	owe(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), true);
	return make(arena, scene, name, "", vdi_4, VMS, NULL);
}

static struct scenario *small_cycle(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_vm(scene, "other", 0, VM_RUNNING, 0);
	return make(arena, scene, name, "  unmanaged: Cycle\n", vdi_8, VMS, NULL);
}

static struct scenario *small_window(struct arena *arena, const char *name)
{
	struct scene *scene = scene_new(false, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	owe(scene, scene_vm(scene, "vm-b", 0, VM_OFF, 0), false);
	/* SCENE_NOW is a Monday */
	struct scenario *scenario = make(arena, scene, name,
		"  rollout: { windows: [{ days: [Sat], start: \"01:00\", duration: 1h }] }\n", vdi_8, VMS, NULL);
	scenario->window_is_shut = true;
	return scenario;
}

static struct scenario *small_move(struct arena *arena, const char *name)
{
	struct scene *scene = pair_of_hosts();
	return make(arena, scene, name, "", vdi_4,
		"placement: Required, virtualMachines: [{ name: vm-a, host: hv02 }, { name: vm-b }]", NULL);
}

static const struct {
	const char *name;
	struct scenario *(*make)(struct arena *arena, const char *name);
} smalls[] = { { "counts", small_counts }, { "gain", small_gain }, { "drain", small_drain }, { "pair", small_pair },
	{ "rolling", small_rolling }, { "whole", small_whole }, { "exchange", small_exchange },
	{ "share", small_share }, { "unpin", small_unpin }, { "prune", small_prune }, { "debts", small_debts },
	{ "cycle", small_cycle }, { "window", small_window }, { "move", small_move } };
const char *const scenario_smalls[] = { "small/counts", "small/gain", "small/drain", "small/pair", "small/rolling",
	"small/whole", "small/exchange", "small/share", "small/unpin", "small/prune", "small/debts", "small/cycle",
	"small/window", "small/move", NULL };

static struct scenario *small(struct arena *arena, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(smalls); i++)
		if (strcmp(smalls[i].name, name) == 0)
			return smalls[i].make(arena, name);
	return NULL;
}

/* ---- paths ---- */

/* Two hosts of two GPUs with three desktops and one for a whole GPU, and what can be asked of them. */
static struct scenario *path(struct arena *arena, const char *name)
{
	static const struct {
		uint32_t count;
		bool has_whole, is_rolling;
		const char *vms;
	} asked[] = { { 2, false, false, VMS }, { 4, false, false, VMS }, { 8, false, false, VMS },
		{ 8, false, true, VMS }, { 2, false, true, VMS }, { 4, true, false, VMS }, { 8, true, false, VMS },
		{ 4, true, true, VMS }, { 4, false, false, "virtualMachines: [{ name: vm-a }]" },
		{ 8, false, false, "virtualMachines: [{ name: vm-b }, { name: vm-c }]" },
		{ 8, true, false, "virtualMachines: [{ name: vm-c }]" }, { 8, false, false, NULL } };
	uint64_t n = strtoull(name, NULL, 10);
	if (n >= G_N_ELEMENTS(asked))
		return NULL;
	struct scene *scene = scene_new(true, 2, 2, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	scene_vm(scene, "vm-b", 0, VM_OFF, -1);
	scene_vm(scene, "vm-c", 1, VM_RUNNING, -1);
	scene_vm(scene, "ai-a", 1, VM_RUNNING, -1);
	g_autofree char *groups =
		g_strdup_printf("%s    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: %u }\n",
			asked[n].has_whole ? whole : "", asked[n].count);
	struct scenario *scenario = make(arena, scene, name,
		asked[n].is_rolling ? "  rollout: { strategy: Rolling, maxUnavailable: 100% }\n" : "", groups,
		asked[n].vms, asked[n].has_whole ? AIS : NULL);
	scenario->name = arena_printf(arena, "path/%s", name);
	return scenario;
}

struct scenario *scenario_new(struct arena *arena, const char *name)
{
	static const struct {
		const char *prefix;
		struct scenario *(*make)(struct arena *arena, const char *name);
	} kinds[] = { { "example/", example }, { "small/", small }, { "seed/", seeded }, { "path/", path } };
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(name, kinds[i].prefix))
			return kinds[i].make(arena, name + strlen(kinds[i].prefix));
	return NULL;
}
