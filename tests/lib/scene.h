/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small worlds for tests, in the words of world.md section 3: hosts hv01.., A2 GPUs that list 16, 8, 4, 2, 1,
 * VMs that hold a partition or not. Everything a VM needs to start with a GPU is set; a test breaks what it is about.
 */
#pragma once
#include "reconcile/planner.h"
#include "schema/load.h"

#define SCENE_NOW ((int64_t)1790000000)
enum { SCENE_HOSTS = 8, SCENE_GPUS = 8, SCENE_VMS = 64 };

struct scene {
	struct arena *arena;
	struct host_state hosts[SCENE_HOSTS];
	struct gpu gpus[SCENE_HOSTS][SCENE_GPUS];
	struct vm vms[SCENE_HOSTS][SCENE_VMS];
	uint32_t n_hosts;
	bool clustered;
	const char *missing; /* name of a host that is not observed */
	struct spec *spec;
	struct diags *spec_diags;
	struct world *world;
};

struct scene *scene_new(bool clustered, uint32_t n_hosts, uint32_t n_gpus, uint32_t count);
void scene_free(struct scene *scene);
struct gpu *scene_gpu(struct scene *scene, uint32_t host, uint32_t gpu);
const char *scene_path(uint32_t gpu); /* location path of the n-th GPU of any host */

/* A VM on the host; 'gpu' < 0: no partition. A running VM with a partition is on exactly that GPU. */
struct vm *scene_vm(struct scene *scene, const char *name, uint32_t host, enum vm_state state, int gpu);
/* A VM with that whole GPU, and the settings that it demands; the GPU is dismounted. */
struct vm *scene_vm_whole(struct scene *scene, const char *name, uint32_t host, enum vm_state state, uint32_t gpu);
/* Pins the VM's only partition. */
void scene_pin(struct scene *scene, struct vm *vm, uint32_t gpu);
/* Run 'dead' stopped the VM so long ago, and owes it a start. In the scene's arena; the test may change it. */
struct debt *scene_owe_start(struct scene *scene, struct vm *vm, int64_t age_s);
/* 'n' running VMs vm-00.. with partitions, spread evenly over hosts and GPUs. */
void scene_run(struct scene *scene, uint32_t n);

/* Plans cluster 'c' of the manifests. Aborts the test when they do not load. */
struct plan *scene_plan(struct scene *scene, const char *manifests);
struct plan *scene_plan_as(struct scene *scene, const char *manifests, struct plan_input input);

/* Manifests: cluster c with the scene's hosts and one group 'vdi' of 'count', and an assignment of 'pattern' (NULL: none);
 * 'more' is put under the cluster's spec. */
char *scene_manifests(struct scene *scene, uint32_t count, const char *pattern, const char *more);

uint32_t scene_count(const struct plan *plan, enum step_kind kind);
const struct step *scene_step(const struct plan *plan, enum step_kind kind, const char *vm); /* first, vm NULL: any */
bool scene_has(const struct plan *plan, enum diag_code code);
