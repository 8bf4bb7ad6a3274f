/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/lock.h"
#include "base/text.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "providers/host/sim_act.h"

#include <string.h>

/* ---- show ---- */

struct widths {
	int host, location, model, vm;
};

static void widen(int *width, const char *text)
{
	*width = MAX(*width, (int)text_width(text));
}

static struct widths widths_of(const struct sim_world *world)
{
	struct widths widths = { 4, 8, 5, 2 };
	for (uint32_t i = 0; i < world->n_states; i++) {
		const struct host_state *host = world->states[i];
		widen(&widths.host, host->host.name);
		for (uint32_t k = 0; k < host->n_gpus; k++) {
			widen(&widths.location, host->gpus[k].location_path);
			widen(&widths.model, host->gpus[k].name ? host->gpus[k].name : "?");
		}
		for (uint32_t k = 0; k < host->n_vms; k++)
			widen(&widths.vm, host->vms[k].name);
	}
	return widths;
}

static void show_gpus(GString *out, const struct host_state *host, const struct widths *widths)
{
	for (uint32_t i = 0; i < host->n_gpus; i++) {
		const struct gpu *gpu = &host->gpus[i];
		g_autofree char *count =
			gpu->count.known ? g_strdup_printf("%u", (unsigned)gpu->count.value) : g_strdup("?");
		g_string_append_printf(out, "%-*s  %3u  %-*s  %-*s  %-15s  %10s  %4u\n", widths->host, host->host.name,
			i + 1, widths->location, gpu->location_path, widths->model, gpu->name ? gpu->name : "?",
			name_of(&gpu_state_names, (int)gpu->state), count, sim_gpu_used(host, i, NULL));
	}
}

static void show_vms(GString *out, const struct host_state *host, const struct widths *widths)
{
	for (uint32_t i = 0; i < host->n_vms; i++) {
		const struct vm *vm = &host->vms[i];
		g_string_append_printf(out, "%-*s  %-*s  %-10s  %10u  %7u%s\n", widths->host, host->host.name,
			widths->vm, vm->name, name_of(&vm_state_names, (int)vm->state), vm->n_adapters, vm->n_devices,
			vm->debt ? "  owed by a run" : "");
	}
}

static int show(struct sim_world *world, char **argv, struct diags *diags)
{
	(void)argv;
	(void)diags;
	g_autoptr(GString) out = g_string_new(NULL);
	struct widths widths = widths_of(world);
	g_string_append_printf(out, "%-*s  %3s  %-*s  %-*s  %-15s  %10s  %4s\n", widths.host, "HOST", "GPU",
		widths.location, "LOCATION", widths.model, "MODEL", "STATE", "PARTITIONS", "USED");
	for (uint32_t i = 0; i < world->n_states; i++)
		show_gpus(out, world->states[i], &widths);
	g_string_append_printf(out, "\n%-*s  %-*s  %-10s  %10s  %7s\n", widths.host, "HOST", widths.vm, "VM", "STATE",
		"PARTITIONS", "DEVICES");
	for (uint32_t i = 0; i < world->n_states; i++)
		show_vms(out, world->states[i], &widths);
	return output_text(out, EXIT_DONE);
}

/* ---- changes, as somebody at the host would make them ---- */

static int perform(struct sim_world *world, struct host_state *host, struct step *step, sim_step_fn *perform_step,
	struct diags *diags)
{
	static const struct sim_options none;
	struct request request = { .kind = REQUEST_STEP, .run = "by hand", .step = step, .now = clock_now() };
	struct sim_act act = { .world = world,
		.self = host,
		.options = &none,
		.request = &request,
		.step = step,
		.now = world->simulation && world->simulation->clock ? world->simulation->clock : request.now };
	step->host_name = host->host.name;
	if (perform_step(&act) == HOST_OK)
		return EXIT_DONE;
	return diag_add(diags, D_SIMULATE_REFUSED, LOC_NONE, NULL, "host '%s' refuses: %s", host->host.name,
		act.reply.message ? act.reply.message : "no reason given");
}

static int set_count(struct sim_world *world, char **argv, struct diags *diags)
{
	struct host_state *host = sim_host(world, argv[0]);
	guint64 number = 0, count = 0;
	if (!host)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "there is no host '%s'", argv[0]);
	uint32_t gpu = sim_gpu_at(host, argv[1]);
	if (gpu == NO_INDEX && g_ascii_string_to_unsigned(argv[1], 10, 1, host->n_gpus, &number, NULL))
		gpu = (uint32_t)number - 1;
	if (gpu == NO_INDEX)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"host '%s' has no GPU '%s'; give its number or its location path, as 'show' lists them",
			argv[0], argv[1]);
	if (!g_ascii_string_to_unsigned(argv[2], 10, 1, 64, &count, NULL))
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' is not a count from 1 to 64", argv[2]);
	struct step step = {
		.kind = STEP_SET_COUNT, .location_path = host->gpus[gpu].location_path, .count = (uint32_t)count
	};
	return perform(world, host, &step, sim_set_count, diags);
}

static int power(struct sim_world *world, char **argv, struct diags *diags)
{
	bool on = strcmp(argv[1], "on") == 0;
	if (!on && strcmp(argv[1], "off") != 0)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL, "'%s' is not a power state; write on or off", argv[1]);
	for (uint32_t i = 0; i < world->n_states; i++) {
		struct host_state *host = world->states[i];
		for (uint32_t k = 0; k < host->n_vms; k++) {
			struct step step = { .kind = on ? STEP_START_VM : STEP_STOP_VM,
				.vm_id = host->vms[k].id,
				.vm_name = host->vms[k].name,
				.stop_method = STOP_TURN_OFF };
			if (g_ascii_strcasecmp(host->vms[k].name, argv[0]) == 0)
				return perform(world, host, &step, on ? sim_start_vm : sim_stop_vm, diags);
		}
	}
	return diag_add(diags, D_USAGE, LOC_NONE, NULL, "there is no VM '%s'", argv[0]);
}

/* ---- the command ---- */

static const struct action {
	const char *name, *arguments;
	int n_args;
	int (*run)(struct sim_world *world, char **argv, struct diags *diags);
} actions[] = {
	{ "show", "FILE", 0, show },
	{ "set-count", "FILE HOST GPU COUNT", 3, set_count },
	{ "power", "FILE VM on|off", 2, power },
};

static void complete(GString *words)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
		g_string_append_printf(words, " %s", actions[i].name);
}

static const struct action *find_action(const char *name, int argc, struct diags *diags)
{
	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (argc == actions[i].n_args + 2)
			return &actions[i];
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "write 'hvgpu simulate %s %s'", name, actions[i].arguments);
		return NULL;
	}
	diag_add(diags, D_USAGE, LOC_NONE, NULL, "'simulate' cannot '%s'; it can show, set-count and power", name);
	return NULL;
}

static int run_action(const struct action *action, struct sim_file *file, char **argv, struct diags *diags)
{
	struct sim_world *world = sim_file_world(file, diags);
	if (!world)
		return -1;
	int code = action->run(world, argv, diags);
	if (code >= 0 && world->changed && sim_file_save(file, world, diags) < 0)
		code = -1;
	sim_world_release(world);
	return code;
}

static int simulate_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct action *action = find_action(argv[0], argc, diags);
	struct sim_file *file = NULL;
	int code = -1;
	if (action && sim_file_open(NULL, argv[1], &file, diags) == 0) {
		/* Runs write to the file too; the lock is theirs. */
		int lock = sim_file_lock_open(file);
		if (lock >= 0)
			sim_file_lock_write(lock);
		code = run_action(action, file, argv + 2, diags);
		if (lock >= 0)
			sim_file_unlock_write(lock);
		lock_close(lock);
	}
	sim_file_close(file);
	return code < 0 ? (int)output_findings(diags) : code;
}

const struct command command_simulate = {
	.name = "simulate",
	.group = "Hosts",
	.arguments = "ACTION FILE [...]",
	.doc = "Look at a simulated world, or change it by hand as somebody at a host would",
	.details = "ACTION is 'show', 'set-count' (HOST GPU COUNT follow) or 'power' (VM, on or off). FILE holds "
		   "HostState documents, as 'observe' prints them; --hosts sim:FILE plans and applies on "
		   "it. The "
		   "simulated hosts refuse what real ones refuse. GPU is its number on the host or its location path.",
	.examples = "  hvgpu simulate show world.yaml\n"
		    "  hvgpu simulate set-count world.yaml hv02 1 8\n"
		    "  hvgpu simulate power world.yaml vdi-001 off\n",
	.min_args = 1,
	.max_args = -1,
	.complete = complete,
	.run = simulate_run,
};
