/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs on simulated hosts: a scene (tests/lib/scene.h) in a file of its own, manifests beside it, and what
 * happened. Each function fails the test where it cannot do its part.
 */
#pragma once
#include "reconcile/apply.h"
#include "schema/state.h"
#include "tests/lib/scene.h"

struct sim_run {
	char *folder, *world, *manifests, *hosts;
	struct scene *scene;
	struct run *run;
	struct apply_result *results;
	uint32_t n_results;
	volatile int interrupts;
	uint32_t n_counts;        /* set-partition-count steps done so far */
	uint32_t interrupt_after; /* interrupt once so many are done */
	int n_interrupts;         /* how often */
	uint32_t n_done, n_stops; /* steps done so far; those that stopped a VM */
	uint32_t interrupt_after_steps;
	void (*meddle)(struct sim_run *sim); /* what somebody else does */
	uint32_t meddle_after;               /* once so many VMs were stopped */
	uint32_t n_meddles;                  /* how often */
	uint32_t n_started, n_way_back, n_retries, n_waits;
	uint32_t step_s;        /* so long takes each step on the run's clock */
	bool interrupt_at_wait; /* when it waits for a window */
	int interrupt_way_back; /* so often when the way back begins */
	struct apply_options options;
	bool is_quiet; /* findings are not printed */
};

/* For cmocka_unit_test_setup_teardown(): '*state' is a struct sim_run. */
int sim_run_setup(void **state);
int sim_run_teardown(void **state);

void sim_run_write_scene(struct sim_run *sim, const struct simulation *simulation);
void sim_run_write_manifests(struct sim_run *sim, const char *text);
/* Row 5 of the plans worked by hand: a failover cluster of three, two GPUs each, twelve VMs, count 8 instead of 4. */
void sim_run_row_five(struct sim_run *sim, const struct simulation *simulation);

void sim_run_plan(struct sim_run *sim, enum plan_mode mode);
/* Saves the plans and reads them back, as for `apply PLAN`. */
void sim_run_save(struct sim_run *sim);
enum exit_code sim_run_carry_out(struct sim_run *sim);

bool sim_run_says(const struct sim_run *sim, enum diag_code code); /* of the first cluster */
void sim_run_print(const struct diags *diags);
struct state_file sim_run_read_world(struct sim_run *sim); /* the hosts now; in the run's arena */
/* For 'meddle', with vm-00: a broker starts it; the cluster fails it over to the next host. */
void sim_run_start_behind_our_back(struct sim_run *sim);
void sim_run_fail_over(struct sim_run *sim);
/* Forgets what happened so far, but for the world. */
void sim_run_forget(struct sim_run *sim);
uint32_t sim_run_count_vms(struct sim_run *sim, enum vm_state vm_state, bool has_debt);
uint32_t sim_run_count_gpus(struct sim_run *sim, uint32_t partitions);
