/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sim_run.h"

#include "reconcile/planfile.h"
#include "schema/state.h"
#include "tests/lib/test.h"

#include <glib/gstdio.h>
#include <unistd.h>

int sim_run_setup(void **state)
{
	struct sim_run *sim = g_new0(struct sim_run, 1);
	/* Simulated hosts write durably; in memory that costs nothing. */
	const char *tmp = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	sim->folder = g_mkdtemp(g_build_filename(tmp, "hvgpu-apply-XXXXXX", NULL));
	sim->world = g_build_filename(sim->folder, "world.yaml", NULL);
	sim->manifests = g_build_filename(sim->folder, "manifests.yaml", NULL);
	sim->hosts = g_strconcat("sim:", sim->world, NULL);
	sim->n_interrupts = 1;
	*state = sim;
	return 0;
}

int sim_run_teardown(void **state)
{
	struct sim_run *sim = *state;
	g_autoptr(GDir) folder = g_dir_open(sim->folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(folder));) {
		g_autofree char *path = g_build_filename(sim->folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(sim->folder);
	run_free(sim->run);
	if (sim->scene)
		scene_free(sim->scene);
	g_free(sim->folder);
	g_free(sim->world);
	g_free(sim->manifests);
	g_free(sim->hosts);
	g_free(sim);
	return 0;
}

/* The file's hosts now; in the run's arena. */
struct state_file sim_run_read_world(struct sim_run *sim)
{
	struct state_file file;
	struct source *source = arena_new_of(sim->run->arena, struct source);
	struct diags *diags = diags_new(sim->run->arena);
	assert_int_equal(source_read_file(sim->world, 1 << 24, sim->run->arena, source, diags), 0);
	assert_int_equal(state_read(sim->run->arena, source, &file, diags), 0);
	return file;
}

static void write_states(struct sim_run *sim, const struct state_file *file)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < file->n_states; i++) {
		g_string_append(text, i ? "---\n" : "");
		state_write_yaml(text, file->states[i]);
	}
	assert_true(g_file_set_contents(sim->world, text->str, (gssize)text->len, NULL));
}

static struct vm *find_vm(const struct state_file *file, const char *name, uint32_t *host_out)
{
	for (uint32_t i = 0; i < file->n_states; i++) {
		for (uint32_t k = 0; k < file->states[i]->n_vms; k++) {
			*host_out = i;
			if (strcmp(file->states[i]->vms[k].name, name) == 0)
				return &file->states[i]->vms[k];
		}
	}
	fail_msg("there is no VM '%s'", name);
	return NULL;
}

void sim_run_start_behind_our_back(struct sim_run *sim)
{
	struct state_file file = sim_run_read_world(sim);
	uint32_t host;
	struct vm *vm = find_vm(&file, "vm-00", &host);
	if (vm->state != VM_RUNNING)
		vm->state_change.value += 1000;
	vm->state = VM_RUNNING;
	write_states(sim, &file);
}

void sim_run_fail_over(struct sim_run *sim)
{
	struct state_file file = sim_run_read_world(sim);
	uint32_t host;
	struct vm *vm = find_vm(&file, "vm-00", &host);
	struct host_state *from = (struct host_state *)file.states[host];
	struct host_state *to = (struct host_state *)file.states[(host + 1) % file.n_states];
	struct vm *vms = arena_array(sim->run->arena, struct vm, to->n_vms + 1);
	memcpy(vms, to->vms, to->n_vms * sizeof(*vms));
	vms[to->n_vms++] = *vm;
	to->vms = vms;
	*vm = from->vms[--from->n_vms];
	write_states(sim, &file);
}

static void on_event(const struct apply_event *event, void *user)
{
	struct sim_run *sim = user;
	if (event->kind == APPLY_STEP_DONE) {
		bool is_stop = event->step->kind == STEP_STOP_VM && event->outcome == OUTCOME_CHANGED;
		sim->n_stops += is_stop;
		if (is_stop && sim->meddle_after && sim->n_stops >= sim->meddle_after && sim->n_meddles) {
			sim->n_meddles--;
			sim->meddle(sim);
		}
		if (++sim->n_done == sim->interrupt_after_steps)
			sim->interrupts = sim->n_interrupts;
		sim->options.run.now += sim->step_s;
	}
	sim->n_waits += event->kind == APPLY_WAITING;
	if (event->kind == APPLY_WAITING && sim->interrupt_at_wait)
		sim->interrupts = sim->n_interrupts;
	sim->n_started += event->kind == APPLY_STEP_START;
	sim->n_way_back += event->kind == APPLY_WAY_BACK;
	if (event->kind == APPLY_WAY_BACK)
		sim->interrupts += sim->interrupt_way_back;
	sim->n_retries += event->kind == APPLY_STEP_RETRY;
	if (event->kind != APPLY_STEP_DONE || event->step->kind != STEP_SET_COUNT)
		return;
	if (++sim->n_counts == sim->interrupt_after)
		sim->interrupts = sim->n_interrupts;
}

void sim_run_write_scene(struct sim_run *sim, const struct simulation *simulation)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (simulation)
		simulation_write_yaml(text, simulation);
	for (uint32_t i = 0; i < sim->scene->n_hosts; i++) {
		if (text->len)
			g_string_append(text, "---\n");
		state_write_yaml(text, &sim->scene->hosts[i]);
	}
	assert_true(g_file_set_contents(sim->world, text->str, (gssize)text->len, NULL));
}

void sim_run_write_manifests(struct sim_run *sim, const char *text)
{
	assert_true(g_file_set_contents(sim->manifests, text, -1, NULL));
}

void sim_run_plan(struct sim_run *sim, enum plan_mode mode)
{
	run_free(sim->run);
	struct run_options options = {
		.source = mode == PLAN_APPLY ? sim->manifests : NULL,
		.hosts = sim->hosts,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.max_age_s = 86400,
		.mode = mode,
		.until = STAGE_PLAN,
	};
	sim->run = run_pipeline(&options);
	sim->options.run = options;
}

void sim_run_print(const struct diags *diags)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		print_message(
			"%s %s: %s\n", diag_codes[diag->code].id, diag->subject ? diag->subject : "", diag->message);
}

enum exit_code sim_run_carry_out(struct sim_run *sim)
{
	sim->options.on_event = on_event;
	sim->options.user = sim;
	sim->options.interrupts = &sim->interrupts;
	sim->options.holder = "ops@desk";
	sim->options.pause_ms = 1;
	enum exit_code code = apply_run(sim->run, &sim->options, &sim->results, &sim->n_results);
	for (uint32_t i = 0; i < sim->n_results && !sim->is_quiet; i++)
		sim_run_print(sim->results[i].diags);
	return code;
}

bool sim_run_says(const struct sim_run *sim, enum diag_code code)
{
	for (const struct diag *diag = sim->results[0].diags->first; diag; diag = diag->next) {
		if (diag->code == code)
			return true;
	}
	return false;
}

uint32_t sim_run_count_vms(struct sim_run *sim, enum vm_state vm_state, bool has_debt)
{
	struct state_file file = sim_run_read_world(sim);
	uint32_t n = 0;
	for (uint32_t i = 0; i < file.n_states; i++) {
		for (uint32_t k = 0; k < file.states[i]->n_vms; k++) {
			const struct vm *vm = &file.states[i]->vms[k];
			n += vm->state == vm_state && (vm->debt != NULL) == has_debt;
		}
	}
	return n;
}

uint32_t sim_run_count_gpus(struct sim_run *sim, uint32_t partitions)
{
	struct state_file file = sim_run_read_world(sim);
	uint32_t n = 0;
	for (uint32_t i = 0; i < file.n_states; i++) {
		for (uint32_t k = 0; k < file.states[i]->n_gpus; k++)
			n += maybe_is(file.states[i]->gpus[k].count, partitions);
	}
	return n;
}

/* Row 5: a failover cluster of three, two GPUs each, twelve VMs, and count 8 instead of 4. */
void sim_run_row_five(struct sim_run *sim, const struct simulation *simulation)
{
	if (sim->scene)
		scene_free(sim->scene);
	sim->scene = scene_new(true, 3, 2, 4);
	scene_run(sim->scene, 12);
	sim_run_write_scene(sim, simulation);
	sim_run_write_manifests(sim, scene_manifests(sim->scene, 8, "vm-*", NULL));
	sim_run_plan(sim, PLAN_APPLY);
	assert_int_equal(sim->run->n_plans, 1);
	assert_int_equal(sim->run->plans[0]->n_steps, 54);
}

void sim_run_save(struct sim_run *sim)
{
	json_t *json = planfile_to_json(sim->run);
	char *text = json_dumps(json, 0);
	json_decref(json);
	struct arena *arena = arena_new();
	struct source *source = arena_new_of(arena, struct source);
	*source = (struct source){ "plan.json", arena_strdup(arena, text), strlen(text) };
	free(text);
	struct diags *diags = diags_new(arena);
	struct run *run = NULL;
	int result = planfile_read(arena, source, &run, diags);
	sim_run_print(diags);
	assert_int_equal(result, 0);
	run_free(sim->run);
	sim->run = run;
	sim->options.run.source = NULL;
}

void sim_run_forget(struct sim_run *sim)
{
	sim->interrupts = 0;
	sim->n_counts = sim->interrupt_after = 0;
	sim->n_done = sim->n_stops = sim->interrupt_after_steps = 0;
	sim->n_started = sim->n_way_back = sim->n_retries = 0;
}
