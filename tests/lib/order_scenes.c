/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/order_scenes.h"

#include "reconcile/moves.h"
#include "reconcile/wants.h"

#include <stdio.h>

#define VDI(count) "    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: " #count " }\n"
#define WHOLE(rest) "    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { " rest " } }\n"
#define GIVE(name, gpus, pattern) \
	"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: " name " }\n" \
	"spec: { cluster: c, gpus: " gpus ", match: { namePattern: \"" pattern "\" } }\n"
#define PLACE(name, gpus, lines) \
	"---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: " name " }\n" \
	"spec: { cluster: c, gpus: " gpus ", placement: Required, virtualMachines: [" lines "] }\n"
#define DESKTOPS GIVE("desktops", "vdi", "vm-*")
#define MODELS GIVE("models", "whole", "ai-*")

static struct plan *planned_as(struct scene *scene, const char *groups_and_assignments, enum plan_mode mode)
{
	g_autoptr(GString) text =
		g_string_new("apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n");
	g_string_append_printf(text, "  type: %s\n  hosts:\n", scene->clustered ? "Failover" : "Standalone");
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		g_string_append_printf(text, "    - { name: hv%02u }\n", h + 1);
	g_string_append_printf(text, "  gpus:\n%s", groups_and_assignments);
	return scene_plan_as(scene, arena_strdup(scene->arena, text->str),
		(struct plan_input){ .owner = "example.com/ops/gpu", .mode = mode });
}

static struct plan *planned(struct scene *scene, const char *groups_and_assignments)
{
	return planned_as(scene, groups_and_assignments, PLAN_APPLY);
}

/* ---- parts of scenes ---- */

static void pin(struct vm *vm, uint32_t gpu)
{
	struct adapter *adapter = (struct adapter *)vm->adapters;
	adapter->pin = scene_path(gpu);
	adapter->pinned = TRI_YES;
}

static void dismount(struct scene *scene, uint32_t host, uint32_t gpu)
{
	struct gpu *it = scene_gpu(scene, host, gpu);
	it->state = GPU_DISMOUNTED;
	it->count = UNKNOWN;
	it->n_valid_counts = 0;
	it->mmio_low_bytes = it->mmio_high_bytes = UNKNOWN;
}

static void fill_pool(struct scene *scene, const char *name, uint32_t n)
{
	struct pool *pool = arena_new_of(scene->arena, struct pool);
	const char **members = arena_array(scene->arena, const char *, n);
	for (uint32_t i = 0; i < n; i++) {
		members[i] = scene_path(i);
		dismount(scene, 0, i);
	}
	*pool = (struct pool){ name, members, n };
	scene->hosts[0].host.pools = pool;
	scene->hosts[0].host.n_pools = 1;
}

static void pool_on(struct scene *scene, uint32_t host, uint32_t gpu)
{
	struct pool *pool = arena_new_of(scene->arena, struct pool);
	const char **members = arena_array(scene->arena, const char *, 1);
	members[0] = scene_path(gpu);
	*pool = (struct pool){ "p", members, 1 };
	dismount(scene, host, gpu);
	scene->hosts[host].host.pools = pool;
	scene->hosts[host].host.n_pools = 1;
}

static void give_device(struct scene *scene, struct vm *vm, const char *path, const char *pool)
{
	struct device *device = arena_new_of(scene->arena, struct device);
	*device = (struct device){ path, pool };
	vm->devices = device;
	vm->n_devices = 1;
	vm->cache_control = true;
	vm->mmio_high_bytes = KNOWN((uint64_t)64 << 30);
	vm->mmio_low_bytes = KNOWN((uint64_t)2 << 30);
}

static void record(struct scene *scene, struct vm *vm)
{
	struct vm_record *ours = arena_new_of(scene->arena, struct vm_record);
	*ours = (struct vm_record){ "example.com/ops/gpu", "c", "vdi" };
	vm->record = ours;
}

static struct debt *owe_start(struct scene *scene, struct vm *vm)
{
	struct debt *debt = arena_new_of(scene->arena, struct debt);
	*debt = (struct debt){
		.run = "dead", .at = SCENE_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	vm->debt = debt;
	return debt;
}

/* ---- scenes ---- */

static struct plan *partition_for_a_running_vm(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	vm->automatic_checkpoints = true;
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *partition_for_a_vm_owed_a_start(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, -1);
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	vm->automatic_checkpoints = true;
	owe_start(scene, vm);
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *device_for_a_vm_owed_a_start(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	struct vm *vm = scene_vm(scene, "ai-a", 0, VM_OFF, -1);
	vm->offline_action = KNOWN(OFFLINE_SAVE);
	owe_start(scene, vm);
	return planned(scene, WHOLE("perHost: 1, pool: p") MODELS);
}

static struct plan *count_of_two_hosts(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 2, 4);
	scene_run(scene, 4);
	scene_vm(scene, "vm-off", 0, VM_OFF, 0);
	scene_vm(scene, "vm-new", 1, VM_RUNNING, -1);
	return planned(scene, VDI(8) DESKTOPS);
}

static struct plan *count_with_a_pin(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	pin(scene_vm(scene, "vm-a", 0, VM_RUNNING, 0), 0);
	return planned(scene, VDI(8) DESKTOPS);
}

static struct plan *count_of_a_gpu_without_vms(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	scene_gpu(scene, 0, 1)->count = KNOWN(8);
	record(scene, scene_vm(scene, "old", 0, VM_RUNNING, 0));
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	return planned(scene, VDI(4) DESKTOPS);
}

/* Six run on a GPU that has failed, and the two others together offer enough at any time. */
static struct plan *counts_beside_a_failed_gpu(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 3, 8);
	scene_gpu(scene, 0, 0)->count = KNOWN(8);
	scene_gpu(scene, 0, 1)->count = KNOWN(1);
	scene_gpu(scene, 0, 2)->state = GPU_FAILED;
	for (int i = 0; i < 6; i++) {
		g_autofree char *name = g_strdup_printf("vm-%d", i);
		scene_vm(scene, name, 0, VM_RUNNING, 2);
	}
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *mount_beside_running_vms(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 1);
	record(scene, scene_vm(scene, "old", 0, VM_RUNNING, 0));
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *full_host_with_a_pin(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 2);
	pin(scene_vm(scene, "vm-p", 0, VM_RUNNING, 0), 0);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 1);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 1);
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *pinned_among_others(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 2);
	pin(scene_vm(scene, "vm-p", 0, VM_RUNNING, 0), 0);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 1);
	return planned(scene, VDI(1) DESKTOPS);
}

static struct plan *partition_taken_back_on_a_full_host(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 1, 1);
	record(scene, scene_vm(scene, "old", 0, VM_RUNNING, 0));
	scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	return planned(scene, VDI(1) DESKTOPS);
}

static struct plan *pool_is_made(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 1);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1)->stop_action = STOP_ACTION_SAVE;
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) DESKTOPS MODELS);
}

static struct plan *pool_is_filled_for_a_vm_that_has_a_partition(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, 1);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) MODELS);
}

static struct plan *two_gpus_of_a_pool(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	return planned(scene, WHOLE("perHost: 2, pool: p") GIVE("models", "whole, count: 2", "ai-*"));
}

static struct plan *pool_is_emptied(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, -1);
	give_device(scene, vm, NULL, "p");
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *pool_shrinks(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 3, 4);
	fill_pool(scene, "p", 2);
	struct vm *old = scene_vm(scene, "old", 0, VM_RUNNING, -1);
	give_device(scene, old, NULL, "p");
	record(scene, old);
	give_device(scene, scene_vm(scene, "ai-a", 0, VM_RUNNING, -1), NULL, "p");
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) MODELS);
}

static struct plan *pool_shrinks_and_another_vm_gets_one(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 3, 4);
	fill_pool(scene, "p", 2);
	give_device(scene, scene_vm(scene, "ai-a", 0, VM_OFF, -1), NULL, "p");
	scene_vm(scene, "ai-b", 0, VM_OFF, -1);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) MODELS);
}

static struct plan *pool_is_renamed(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	give_device(scene, scene_vm(scene, "ai-a", 0, VM_RUNNING, -1), NULL, "p");
	return planned(scene, WHOLE("perHost: 1, pool: q") VDI(4) MODELS);
}

static struct plan *empty_pool_is_renamed(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	return planned(scene, WHOLE("perHost: 1, pool: q") VDI(4));
}

static struct plan *path_is_given(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	pin(scene_vm(scene, "vm-a", 0, VM_OFF, 0), 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 0);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) DESKTOPS MODELS);
}

static struct plan *pinned_vm_gets_the_path(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	pin(scene_vm(scene, "ai-a", 0, VM_OFF, 0), 0);
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) MODELS);
}

static struct plan *path_comes_back(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 0);
	give_device(scene, scene_vm(scene, "vm-a", 0, VM_RUNNING, -1), scene_path(0), NULL);
	return planned(scene, VDI(4) DESKTOPS);
}

static struct plan *two_gpus_come_back(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 3, 4);
	dismount(scene, 0, 1);
	dismount(scene, 0, 2);
	return planned(scene, VDI(4));
}

static struct plan *path_changes_its_vm(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 0);
	struct vm *old = scene_vm(scene, "old", 0, VM_RUNNING, -1);
	give_device(scene, old, scene_path(0), NULL);
	record(scene, old);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) MODELS);
}

static struct plan *path_changes_from_a_vm_that_is_off(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 0);
	struct vm *old = scene_vm(scene, "old", 0, VM_OFF, -1);
	give_device(scene, old, scene_path(0), NULL);
	record(scene, old);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) MODELS);
}

static struct plan *partition_is_changed_for_a_gpu_of_a_full_pool(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	scene_vm(scene, "ai-a", 0, VM_RUNNING, 1);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) MODELS);
}

static struct plan *start_is_owed_on_a_full_host(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 1, 1);
	record(scene, scene_vm(scene, "old", 0, VM_RUNNING, 0));
	owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0));
	return planned(scene, VDI(1) DESKTOPS);
}

/* It starts again with the partition that it keeps, which its settings must fit. */
static struct plan *device_is_taken_from_a_vm_with_a_partition(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 0);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_RUNNING, 1);
	vm->automatic_checkpoints = true;
	give_device(scene, vm, scene_path(0), NULL);
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) DESKTOPS);
}

static struct plan *path_for_a_vm_with_its_settings(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 0);
	struct vm *vm = scene_vm(scene, "ai-a", 0, VM_RUNNING, -1);
	give_device(scene, vm, scene_path(0), NULL);
	vm->n_devices = 0;
	return planned(scene, WHOLE("locationPaths: { hv01: [\"PCIROOT(10)#PCI(0100)\"] }") VDI(4) MODELS);
}

static struct plan *whole_gpu_becomes_a_partition(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 1);
	give_device(scene, scene_vm(scene, "vm-a", 0, VM_RUNNING, -1), NULL, "p");
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) DESKTOPS);
}

static struct plan *count_under_two_partitions_of_one_vm(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 1, 4);
	struct vm *vm = scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	struct adapter *adapters = arena_array(scene->arena, struct adapter, 2);
	adapters[0] = adapters[1] = vm->adapters[0];
	adapters[1].id = "adapter-second";
	vm->adapters = adapters;
	vm->n_adapters = 2;
	return planned(scene, VDI(8) DESKTOPS);
}

static struct plan *two_partitions_are_owed(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 1, 4);
	struct debt *debt = owe_start(scene, scene_vm(scene, "other", 0, VM_OFF, -1));
	debt->adapters = arena_array(scene->arena, struct adapter, 2);
	debt->n_adapters = 2;
	return planned_as(scene, VDI(4), PLAN_RESTORE);
}

static struct plan *start_is_owed_that_needs_a_member(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 2, 4);
	fill_pool(scene, "p", 0);
	struct vm *vm = scene_vm(scene, "ai-a", 0, VM_OFF, -1);
	give_device(scene, vm, NULL, "p");
	owe_start(scene, vm);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(4) MODELS);
}

/* Its GPU is taken by a VM that stops for its whole GPU and may start on the other one. */
static struct plan *pinned_start_is_owed_where_another_stops(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 1, 3, 1);
	pool_on(scene, 0, 2);
	give_device(scene, scene_vm(scene, "vm-a", 0, VM_RUNNING, 0), NULL, "p");
	struct vm *owed = scene_vm(scene, "vm-p", 0, VM_OFF, 0);
	pin(owed, 0);
	owe_start(scene, owed);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(1) DESKTOPS);
}

static struct plan *start_is_owed_beside_a_gpu_mounted_alone(struct scene **out)
{
	struct scene *scene = *out = scene_new(false, 1, 2, 4);
	dismount(scene, 0, 1);
	scene_gpu(scene, 0, 1)->subsystem = "10DE:AAAA";
	owe_start(scene, scene_vm(scene, "vm-a", 0, VM_OFF, 0));
	return planned(scene, VDI(4) DESKTOPS);
}

/* ---- scenes with moves ---- */

static void allow_live(struct scene *scene)
{
	for (uint32_t h = 0; h < scene->n_hosts; h++) {
		struct host_state *state = &scene->hosts[h];
		state->host.can_command_moves = TRI_YES;
		state->host.memory_free_bytes = KNOWN((uint64_t)64 << 30);
		for (uint32_t g = 0; g < state->n_gpus; g++)
			state->gpus[g].incoming_live_migration = TRI_YES;
		for (uint32_t v = 0; v < state->n_vms; v++) {
			state->vms[v].memory_bytes = KNOWN((uint64_t)4 << 30);
			for (uint32_t a = 0; a < state->vms[v].n_adapters; a++)
				((struct adapter *)state->vms[v].adapters)[a].outgoing_live_migration = TRI_YES;
		}
	}
}

static struct plan *vm_restarts_on_another_host(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->automatic_checkpoints = true;
	return planned(scene, VDI(4) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_moves_live_with_its_offline_action(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0)->offline_action = KNOWN(OFFLINE_SAVE);
	allow_live(scene);
	return planned(scene, VDI(4) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_moves_while_counts_change_under_it(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 4);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	return planned(scene, VDI(8) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_comes_to_a_host_whose_count_changes(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 4);
	scene_gpu(scene, 1, 0)->count = KNOWN(1);
	scene_vm(scene, "vm-a", 0, VM_OFF, 0);
	return planned(scene, VDI(4) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_comes_to_a_host_whose_gpu_comes_back(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 2, 4);
	dismount(scene, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	return planned(scene, VDI(4) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_moves_live_from_a_gpu_to_be_passed_through(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 2, 1);
	pool_on(scene, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 0, VM_RUNNING, 1);
	allow_live(scene);
	return planned(scene, WHOLE("perHost: 1, pool: p") VDI(1) DESKTOPS);
}

static struct plan *vm_moves_live_and_makes_room(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-new", 0, VM_RUNNING, -1);
	allow_live(scene);
	return planned(scene, VDI(1) DESKTOPS PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vm_moves_live_from_who_is_owed_a_start(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	owe_start(scene, scene_vm(scene, "vm-new", 0, VM_OFF, 0));
	allow_live(scene);
	return planned(scene, VDI(1) DESKTOPS PLACE("at", "vdi", "{ name: vm-a, host: hv02 }"));
}

static struct plan *vms_change_places(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 1);
	scene_vm(scene, "vm-a", 0, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 1, VM_RUNNING, 0);
	return planned(scene, VDI(1) PLACE("at", "vdi", "{ name: vm-a, host: hv02 }, { name: vm-b, host: hv01 }"));
}

/* hv01's pool keeps one of two GPUs, and one of the two VMs that have them moves away. */
static struct plan *vm_leaves_a_pool_that_shrinks(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 3, 4);
	fill_pool(scene, "p", 2);
	pool_on(scene, 1, 0);
	for (int i = 0; i < 2; i++)
		give_device(scene, scene_vm(scene, i ? "ai-b" : "ai-a", 0, VM_OFF, -1), NULL, "p");
	return planned(scene, WHOLE("perHost: 1, pool: p, mmio: { low: 3Gi, high: 34Gi }") VDI(4)
				      MODELS PLACE("ai", "whole", "{ name: ai-a, host: hv02 }"));
}

static struct plan *adapter_comes_to_the_count_that_is_wanted(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 1, 4);
	scene_gpu(scene, 1, 0)->count = KNOWN(8);
	scene_vm(scene, "vm-a", 1, VM_RUNNING, 0);
	scene_vm(scene, "vm-b", 1, VM_OFF, 0);
	return planned(scene, VDI(4) DESKTOPS PLACE("at", "vdi", "{ name: vm-b, host: hv01 }"));
}

/* From a partition to a whole GPU on another host, and the other way round. */
static struct plan *vm_gets_its_whole_gpu_elsewhere(struct scene **out)
{
	struct scene *scene = *out = scene_new(true, 2, 2, 4);
	for (uint32_t h = 0; h < 2; h++)
		pool_on(scene, h, 1);
	scene_vm(scene, "ai-a", 0, VM_OFF, 0);
	give_device(scene, scene_vm(scene, "vm-b", 1, VM_OFF, -1), NULL, "p");
	return planned(scene, WHOLE("perHost: 1, pool: p, mmio: { low: 3Gi, high: 34Gi }") VDI(4) PLACE("ai", "whole",
				      "{ name: ai-a, host: hv02 }") PLACE("at", "vdi", "{ name: vm-b, host: hv01 }"));
}

#define SCENE(name) \
	{ \
#name, name \
	}
const struct order_scene order_scenes[] = {
	SCENE(partition_for_a_running_vm),
	SCENE(partition_for_a_vm_owed_a_start),
	SCENE(device_for_a_vm_owed_a_start),
	SCENE(count_of_two_hosts),
	SCENE(count_with_a_pin),
	SCENE(count_of_a_gpu_without_vms),
	SCENE(counts_beside_a_failed_gpu),
	SCENE(mount_beside_running_vms),
	SCENE(full_host_with_a_pin),
	SCENE(pinned_among_others),
	SCENE(partition_taken_back_on_a_full_host),
	SCENE(pool_is_made),
	SCENE(pool_is_filled_for_a_vm_that_has_a_partition),
	SCENE(two_gpus_of_a_pool),
	SCENE(pool_is_emptied),
	SCENE(pool_shrinks),
	SCENE(pool_shrinks_and_another_vm_gets_one),
	SCENE(pool_is_renamed),
	SCENE(empty_pool_is_renamed),
	SCENE(path_is_given),
	SCENE(pinned_vm_gets_the_path),
	SCENE(path_comes_back),
	SCENE(two_gpus_come_back),
	SCENE(path_changes_its_vm),
	SCENE(path_changes_from_a_vm_that_is_off),
	SCENE(partition_is_changed_for_a_gpu_of_a_full_pool),
	SCENE(start_is_owed_on_a_full_host),
	SCENE(device_is_taken_from_a_vm_with_a_partition),
	SCENE(path_for_a_vm_with_its_settings),
	SCENE(whole_gpu_becomes_a_partition),
	SCENE(count_under_two_partitions_of_one_vm),
	SCENE(two_partitions_are_owed),
	SCENE(start_is_owed_that_needs_a_member),
	SCENE(pinned_start_is_owed_where_another_stops),
	SCENE(start_is_owed_beside_a_gpu_mounted_alone),
	SCENE(vm_restarts_on_another_host),
	SCENE(vm_moves_live_with_its_offline_action),
	SCENE(vm_moves_while_counts_change_under_it),
	SCENE(vm_comes_to_a_host_whose_count_changes),
	SCENE(vm_comes_to_a_host_whose_gpu_comes_back),
	SCENE(vm_moves_live_from_a_gpu_to_be_passed_through),
	SCENE(vm_moves_live_and_makes_room),
	SCENE(vm_moves_live_from_who_is_owed_a_start),
	SCENE(vms_change_places),
	SCENE(adapter_comes_to_the_count_that_is_wanted),
	SCENE(vm_leaves_a_pool_that_shrinks),
	SCENE(vm_gets_its_whole_gpu_elsewhere),
};
const size_t n_order_scenes = G_N_ELEMENTS(order_scenes);

/* ---- switching rules off ---- */

struct plan *order_scene_without(struct scene *scene, const struct plan *plan, uint32_t rule)
{
	struct plan_input input = { .spec = scene->spec,
		.cluster = scene->spec->clusters,
		.observed = scene->world,
		.owner = "example.com/ops/gpu",
		.mode = plan->mode,
		.now = SCENE_NOW };
	struct diags *diags = diags_new(scene->arena);
	struct wants *wants = wants_make(scene->arena, &input, diags);
	/* where VMs go is chosen anew, from the goal without it: so 'touch' knows how */
	struct world *goal = world_copy(scene->arena, plan->goal);
	for (uint32_t i = 0; i < goal->n_vms; i++)
		goal->vms[i].host = plan->observed->vms[i].host;
	struct touch *touch = touch_make(scene->arena, plan->observed, goal);
	moves_choose(wants, goal, touch, plan->complete);
	struct needs needs = { wants, plan->observed, goal, touch };
	struct plan *copy = arena_copy(scene->arena, plan, sizeof(*plan));
	struct step *steps = NULL;
	if (order_steps(scene->arena, &needs, steps_make(scene->arena, &needs), rule, &steps, &copy->n_steps, diags) <
		0)
		g_error("the steps wait for each other in a circle");
	copy->steps = steps;
	wants_done(wants);
	return copy;
}
