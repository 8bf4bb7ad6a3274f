/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/scene.h"

#include <stdio.h>
#include <string.h>

const char *scene_path(uint32_t gpu)
{
	static const char *const paths[SCENE_GPUS] = { "PCIROOT(10)#PCI(0100)", "PCIROOT(20)#PCI(0100)",
		"PCIROOT(30)#PCI(0100)", "PCIROOT(40)#PCI(0100)", "PCIROOT(50)#PCI(0100)", "PCIROOT(60)#PCI(0100)",
		"PCIROOT(70)#PCI(0100)", "PCIROOT(80)#PCI(0100)" };
	return paths[gpu];
}

static void init_gpu(struct scene *scene, struct gpu *gpu, uint32_t index, uint32_t count)
{
	static const uint32_t valid[] = { 1, 2, 4, 8, 16 };
	*gpu = (struct gpu){
		.location_path = scene_path(index),
		.instance_id = arena_printf(scene->arena, "PCI\\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4&%u", index),
		.name = "NVIDIA A2",
		.pnp_status = "OK",
		.device = "10DE:25B6",
		.subsystem = "10DE:157E",
		.state = GPU_PARTITIONABLE,
		.mitigation_driver = TRI_YES,
		.valid_counts = valid,
		.n_valid_counts = G_N_ELEMENTS(valid),
		.count = KNOWN(count),
		.memory = KNOWN(15945891840u),
		.partition_memory = KNOWN(15945891840u / count),
		.mmio_low_bytes = KNOWN(16u << 20),
		.mmio_high_bytes = KNOWN((uint64_t)17 << 30),
		.incoming_live_migration = TRI_UNKNOWN,
	};
}

struct scene *scene_new(bool clustered, uint32_t n_hosts, uint32_t n_gpus, uint32_t count)
{
	struct scene *scene = g_new0(struct scene, 1);
	scene->arena = arena_new();
	scene->clustered = clustered;
	scene->n_hosts = n_hosts;
	struct cluster_node *nodes = arena_array(scene->arena, struct cluster_node, n_hosts);
	for (uint32_t h = 0; h < n_hosts; h++)
		nodes[h] = (struct cluster_node){ arena_printf(scene->arena, "hv%02u", h + 1), NODE_UP };
	for (uint32_t h = 0; h < n_hosts; h++) {
		struct host_state *state = &scene->hosts[h];
		state->host = (struct host){
			.name = nodes[h].name,
			.observed_at = SCENE_NOW,
			.os_build = KNOWN(26100),
			.edition = "Datacenter",
			.sriov = TRI_YES,
			.cluster_name = clustered ? "c" : NULL,
			.nodes = clustered ? nodes : NULL,
			.n_nodes = clustered ? n_hosts : 0,
		};
		state->gpus = scene->gpus[h];
		state->n_gpus = n_gpus;
		state->vms = scene->vms[h];
		for (uint32_t g = 0; g < n_gpus; g++)
			init_gpu(scene, &scene->gpus[h][g], g, count);
	}
	return scene;
}

void scene_free(struct scene *scene)
{
	arena_free(scene->arena);
	g_free(scene);
}

struct gpu *scene_gpu(struct scene *scene, uint32_t host, uint32_t gpu)
{
	return &scene->gpus[host][gpu];
}

struct vm *scene_vm(struct scene *scene, const char *name, uint32_t host, enum vm_state state, int gpu)
{
	struct vm *vm = &scene->vms[host][scene->hosts[host].n_vms++];
	*vm = (struct vm){
		.id = arena_printf(scene->arena, "id-%s", name),
		.name = arena_strdup(scene->arena, name),
		.state = state,
		.state_change = KNOWN(1780000000),
		.generation = 2,
		.clustered = scene->clustered ? TRI_YES : TRI_NO,
		.group = scene->clustered ? arena_strdup(scene->arena, name) : NULL,
		.offline_action = scene->clustered ? KNOWN(OFFLINE_FORCED) : UNKNOWN,
		.checkpoint_type = CHECKPOINT_DISABLED,
		.has_checkpoints = TRI_NO,
		.stop_action = STOP_ACTION_SHUTDOWN,
		.mmio_low_bytes = KNOWN(128u << 20),
		.mmio_high_bytes = KNOWN(512u << 20),
		.shutdown_answers = TRI_YES,
	};
	if (gpu < 0)
		return vm;
	struct adapter *adapter = arena_new_of(scene->arena, struct adapter);
	adapter->id = arena_printf(scene->arena, "adapter-%s", name);
	adapter->pinned = TRI_NO;
	adapter->gpus = state == VM_OFF ? 0 : (uint64_t)1 << gpu;
	vm->adapters = adapter;
	vm->n_adapters = 1;
	return vm;
}

struct vm *scene_vm_whole(struct scene *scene, const char *name, uint32_t host, enum vm_state state, uint32_t gpu)
{
	struct vm *vm = scene_vm(scene, name, host, state, -1);
	struct device *device = arena_new_of(scene->arena, struct device);
	device->location_path = scene_path(gpu);
	vm->devices = device;
	vm->n_devices = 1;
	vm->cache_control = true;
	vm->stop_action = STOP_ACTION_TURN_OFF;
	vm->mmio_low_bytes = KNOWN(3ull << 30);
	vm->mmio_high_bytes = KNOWN(34ull << 30);
	scene_gpu(scene, host, gpu)->state = GPU_DISMOUNTED;
	scene_gpu(scene, host, gpu)->count = UNKNOWN;
	return vm;
}

void scene_pin(struct scene *scene, struct vm *vm, uint32_t gpu)
{
	struct adapter *adapter = arena_copy(scene->arena, vm->adapters, sizeof(*adapter));
	adapter->pin = scene_path(gpu);
	adapter->pinned = TRI_YES;
	vm->adapters = adapter;
}

struct debt *scene_owe_start(struct scene *scene, struct vm *vm, int64_t age_s)
{
	struct debt *debt = arena_new_of(scene->arena, struct debt);
	*debt = (struct debt){ .run = "dead",
		.epoch = 1,
		.at = SCENE_NOW - age_s,
		.power = DEBT_POWER_STOPPED,
		.state_change = vm->state_change };
	vm->debt = debt;
	return debt;
}

void scene_run(struct scene *scene, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[16];
		snprintf(name, sizeof(name), "vm-%02u", i);
		uint32_t host = i % scene->n_hosts;
		scene_vm(scene, name, host, VM_RUNNING, (int)(i / scene->n_hosts % scene->hosts[host].n_gpus));
	}
}

char *scene_manifests(struct scene *scene, uint32_t count, const char *pattern, const char *more)
{
	g_autoptr(GString) text =
		g_string_new("apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n");
	g_string_append_printf(text, "  type: %s\n  hosts: [", scene->clustered ? "Failover" : "Standalone");
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		g_string_append_printf(text, "%s{ name: hv%02u }", h ? ", " : "", h + 1);
	g_string_append_printf(text, "]\n%s  gpus:\n", more ? more : "");
	g_string_append_printf(text, "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: %u }\n", count);
	if (pattern)
		g_string_append_printf(text,
			"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: desktops "
			"}\nspec:\n"
			"  cluster: c\n  gpus: vdi\n  match: { namePattern: \"%s\" }\n",
			pattern);
	return arena_strdup(scene->arena, text->str);
}

static struct world *scene_world(struct scene *scene)
{
	const struct host_state *states[SCENE_HOSTS];
	uint32_t n = 0;
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		if (!scene->missing || strcmp(scene->missing, scene->hosts[h].host.name) != 0)
			states[n++] = &scene->hosts[h];
	struct world *world = world_assemble(scene->arena, states, n);
	if (scene->missing) {
		struct missing_host *missing = arena_new_of(scene->arena, struct missing_host);
		*missing = (struct missing_host){ scene->missing, "no answer" };
		world->missing = missing;
		world->n_missing = 1;
	}
	return world;
}

struct plan *scene_plan_as(struct scene *scene, const char *manifests, struct plan_input input)
{
	struct source *source = arena_new_of(scene->arena, struct source);
	*source = (struct source){ "manifests.yaml", arena_strdup(scene->arena, manifests), strlen(manifests) };
	const struct source *sources[] = { source };
	scene->spec_diags = diags_new(scene->arena);
	if (spec_load(scene->arena, sources, 1, &scene->spec, scene->spec_diags) < 0 || !scene->spec->n_clusters) {
		for (const struct diag *d = scene->spec_diags->first; d; d = d->next)
			fprintf(stderr, "%u:%u: %s\n", d->loc.line, d->loc.col, d->message);
		g_error("the manifests of the test do not load:\n%s", manifests);
	}
	scene->world = scene_world(scene);
	input.spec = scene->spec;
	input.cluster = scene->spec->clusters;
	input.observed = scene->world;
	input.now = SCENE_NOW;
	return plan_cluster(scene->arena, &input);
}

struct plan *scene_plan(struct scene *scene, const char *manifests)
{
	return scene_plan_as(scene, manifests, (struct plan_input){ .owner = "example.com/ops/gpu" });
}

uint32_t scene_count(const struct plan *plan, enum step_kind kind)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		n += plan->steps[i].kind == kind;
	return n;
}

const struct step *scene_step(const struct plan *plan, enum step_kind kind, const char *vm)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == kind &&
			(!vm || (plan->steps[i].vm_name && strcmp(plan->steps[i].vm_name, vm) == 0)))
			return &plan->steps[i];
	return NULL;
}

bool scene_has(const struct plan *plan, enum diag_code code)
{
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		if (d->code == code)
			return true;
	return false;
}
