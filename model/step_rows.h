/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of model/step*.c share: one predicting function per kind of step, by noun. */
#pragma once
#include "model/step.h"

typedef int step_simulate_fn(struct arena *arena, const struct world *world, const struct step *step, struct delta *out,
	struct diags *diags);

/* step_vm.c */
step_simulate_fn step_stop_vm, step_start_vm, step_move_vm, step_set_offline_action, step_configure_vm;
/* step_adapter.c */
step_simulate_fn step_remove_adapter, step_add_adapter, step_remove_device, step_add_device;
/* step_gpu.c */
step_simulate_fn step_set_count, step_dismount_gpu, step_mount_gpu;
/* step_pool.c */
step_simulate_fn step_create_pool, step_add_to_pool, step_remove_from_pool;

/* Says why the step cannot be done: D_STEP_NOT_POSSIBLE, always -1. 'diags' may be NULL: only the answer counts. */
int step_refuse(const struct step *step, struct diags *diags, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* step_land.c: the VM's adapters after a start or move onto a host where unpinned ones could land on 'landing' (0: it
 * is off); whether its partitions fit 'host', and where they could land; whether it finds its devices on its host. */
const struct adapter *adapters_landed(
	struct arena *arena, const struct world *world, const struct vm *vm, uint64_t landing);
int check_partitions(
	const struct world *world, const struct step *step, uint32_t host, uint64_t *landing, struct diags *diags);
int check_devices(const struct world *world, const struct step *step, struct diags *diags);
