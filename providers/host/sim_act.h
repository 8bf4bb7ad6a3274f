/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request being carried out on a simulated world. Each kind of step is a function of its own (sim_vm.c, sim_part.c,
 * sim_gpu.c, sim_pool.c) that follows one pattern: find what the step names; is its effect there already, then that is
 * all; compare with what the request expects; refuse what a real host refuses; and only then change the world. So a
 * refused step has changed nothing, but where a real host would have.
 *
 * What is stored in the world must live in the world's arena; requests live elsewhere, so texts are copied.
 */
#pragma once
#include "providers/host/host.h"
#include "providers/host/sim_file.h"

struct sim_options { /* of an address; what it does not set comes from the file */
	bool has_pick, has_seed, has_speed;
	enum pick_policy pick;
	uint64_t seed;
	uint32_t speed;
};

struct sim_act {
	struct sim_world *world;
	struct host_state *self;
	const struct sim_options *options;
	const struct request *request;
	const struct step *step; /* of a step request */
	int64_t now;
	uint32_t seconds; /* how long it takes */
	struct reply reply;
	struct vm *vm; /* what was worked on, for the reply */
	struct gpu *gpu;
};

/* One step kind. HOST_OK, or the refusal with its message in the reply. */
typedef enum host_error sim_step_fn(struct sim_act *act);
sim_step_fn sim_stop_vm, sim_start_vm, sim_move_vm, sim_set_offline_action, sim_configure_vm;
sim_step_fn sim_remove_adapter, sim_add_adapter, sim_remove_device, sim_add_device;
sim_step_fn sim_set_count, sim_dismount, sim_mount;
sim_step_fn sim_create_pool, sim_add_to_pool, sim_remove_from_pool;

/* Carries out a step request: the step, its records. Fills the reply and, when the world changed, world->changed. */
void sim_step(struct sim_act *act);

/* ---- help for all of them (sim_act.c) ---- */

enum host_error sim_refuse(struct sim_act *act, enum host_error error, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* Notes that the step changed something. */
void sim_changed(struct sim_act *act);
/* Sets act->vm, act->gpu to what the step names; HOST_NOT_FOUND when this host has no such thing. */
enum host_error sim_find_vm(struct sim_act *act);
enum host_error sim_find_gpu(struct sim_act *act);
/* HOST_UNEXPECTED_FACTS when the request expects something else of what was found. */
enum host_error sim_check_expected(struct sim_act *act);
/* HOST_INVALID_STATE when the VM is not Off. */
enum host_error sim_check_off(struct sim_act *act);

struct host_state *sim_host(const struct sim_world *world, const char *name);  /* NULL: none */
uint32_t sim_gpu_at(const struct host_state *host, const char *location_path); /* NO_INDEX: none */

/* A new array in 'arena' that lacks item 'at', or has 'item' before item 'at'. */
void *sim_without(struct arena *arena, const void *items, uint32_t n, uint32_t at, size_t size);
void *sim_with(struct arena *arena, const void *items, uint32_t n, uint32_t at, const void *item, size_t size);

struct adapter sim_copy_adapter(struct arena *arena, const struct adapter *adapter); /* texts, too; no id, no mask */
struct device sim_copy_device(struct arena *arena, const struct device *device);
bool sim_same_adapter(const struct adapter *a, const struct adapter *b); /* pin and quotas */
bool sim_same_device(const struct device *a, const struct device *b);

/* ---- where partitions and devices are (sim_pick.c) ---- */

/* An adapter of this host could be on its GPU number 'gpu'. */
bool sim_adapter_could_be(
	const struct host_state *host, const struct vm *vm, const struct adapter *adapter, uint32_t gpu);
/* What a file leaves open is closed before the host gets another GPU: a VM that is not off is not on that one. */
void sim_keep_places(struct sim_act *act);
/* Partitions of the GPU that VMs which are not Off or Saved hold, 'except' left out (may be NULL). */
uint32_t sim_gpu_used(const struct host_state *host, uint32_t gpu, const struct vm *except);
/* Gives each adapter of 'vm' a GPU of 'host' that has room, by the policy: a new array of adapters with their masks. NULL:
 * there is no room. 'from': the VM comes live from this GPU, so only a like one that takes live moves will do. */
struct adapter *sim_place(
	struct sim_act *act, const struct host_state *host, const struct vm *vm, const struct gpu *from);
/* Devices of the pool that no VM which is not Off or Saved holds, 'except' left out. */
uint32_t sim_pool_free(const struct host_state *host, const struct pool *pool, const struct vm *except);
/* The MMIO space that the VM's devices need at least, as far as it is known. */
void sim_mmio_needed(const struct host_state *host, const struct vm *vm, uint64_t *low, uint64_t *high);

/* ---- debts and records (sim_debt.c) ---- */

void sim_debt_stopping(struct sim_act *act); /* before a stop; does nothing unless the request owes power */
void sim_debt_stopped(struct sim_act *act);
bool sim_debt_is_ours(const struct sim_act *act); /* a power part of this very run */
void sim_debt_started(struct sim_act *act);
void sim_debt_owe(struct sim_act *act, const struct adapter *adapter, const struct device *device); /* one of the two */
/* The VM has this part now: one like it is owed no more, nor anything of the other kind. */
void sim_debt_pay(struct sim_act *act, const struct adapter *adapter, const struct device *device);
void sim_record_vm(struct sim_act *act);   /* writes the request's */
void sim_unrecord_vm(struct sim_act *act); /* when nothing is left that it is about */
/* REQUEST_RECORD, REQUEST_SETTLE, and the cluster record of any request. */
enum host_error sim_record(struct sim_act *act);
enum host_error sim_settle(struct sim_act *act);
void sim_record_cluster(struct sim_act *act);

/* ---- faults (sim_fault.c) ---- */

/* The first scripted fault that matches the request now, after counting the request for all of them. NULL: none. */
const struct simulation_fault *sim_fault(struct sim_act *act);
bool sim_is_unreachable(const struct sim_world *world, const char *host);
/* The world's Simulation, made where the file has none. */
struct simulation *sim_simulation(struct sim_act *act);
