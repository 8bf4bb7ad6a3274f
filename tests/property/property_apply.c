/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded worlds and manifests through the whole pipeline, on simulated hosts: plan, apply, and again. For every case,
 * under each policy by which a host picks a GPU for a VM that starts:
 *   - the same input gives the same plan, byte by byte, and the order of documents does not matter;
 *   - no step that is done breaks an invariant, in the world as it then is;
 *   - at the end no VM is owed anything, each has the power that it had, and nothing else was touched;
 *   - where nothing was refused, planning again gives no steps, and a second apply writes nothing;
 *   - other manifests afterwards are reached from there;
 *   - manifests imported from the hosts change nothing.
 * Usage: property_apply [CASES [FIRST_SEED]]. A failing case prints its seed.
 */
#include "providers/source/gitrepo.h"
#include "reconcile/apply.h"
#include "reconcile/import.h"
#include "reconcile/planfile.h"
#include "schema/decode.h"
#include "schema/kinds.h"
#include "schema/state.h"
#include "tests/lib/random_scene.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_MAX = 1 << 24,
	DAY_S = 86400,
	ROUNDS_MAX = 6,
	NO_WAY_BACK_PER_CENT = 5 /* of cases: 12 of 300 seeds have a place without one */
};

struct trial {
	uint64_t seed;
	const char *pick;
	struct scene *scene;
	struct arena *arena;
	char *folder, *world, *manifests, *hosts;
	const char *text; /* of the manifests that are applied */
	bool failed;
	/* the plan that is being carried out, and what it found broken */
	const struct plan *plan;
	struct violations broken_before;
	uint64_t n_steps, n_refused, n_imports, n_no_way_back;
};

static void complain(struct trial *trial, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Only the first complaint of a trial is printed: others follow from it. */
static void complain(struct trial *trial, const char *format, ...)
{
	va_list args;
	if (trial->failed)
		return;
	trial->failed = true;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "seed %" G_GUINT64_FORMAT " pick=%s: %s\n%s", trial->seed, trial->pick, what, trial->text);
}

static void show_plan(const struct trial *trial, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_steps; i++)
		fprintf(stderr, "  %u %s (%s)\n", plan->steps[i].id, step_text(trial->arena, &plan->steps[i]),
			plan->steps[i].why);
	for (const struct diag *d = plan->diags->first; d; d = d->next)
		fprintf(stderr, "  %s %s: %s\n", diag_codes[d->code].id, d->subject ? d->subject : "", d->message);
}

/* ---- files ---- */

static void trial_open(struct trial *trial)
{
	/* Simulated hosts write durably; in memory that costs nothing. */
	const char *tmp = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	trial->arena = trial->scene->arena;
	trial->folder = g_mkdtemp(g_build_filename(tmp, "hvgpu-property-XXXXXX", NULL));
	trial->world = g_build_filename(trial->folder, "world.yaml", NULL);
	trial->manifests = g_build_filename(trial->folder, "manifests.yaml", NULL);
	trial->hosts = g_strdup_printf(
		"sim:%s?pick=%s&seed=%" G_GUINT64_FORMAT, trial->world, trial->pick, trial->seed % 1000);
}

static void trial_close(struct trial *trial)
{
	g_autoptr(GDir) folder = g_dir_open(trial->folder, 0, NULL);
	for (const char *name; folder && (name = g_dir_read_name(folder));) {
		g_autofree char *path = g_build_filename(trial->folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(trial->folder);
	g_free(trial->folder);
	g_free(trial->world);
	g_free(trial->manifests);
	g_free(trial->hosts);
}

static void write_file(const char *path, const char *text)
{
	if (!g_file_set_contents(path, text, -1, NULL))
		g_error("cannot write '%s'", path);
}

static void write_world(struct trial *trial)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *unreachable[] = { trial->scene->missing };
	struct simulation simulation = {
		.clock = SCENE_NOW, .unreachable = unreachable, .n_unreachable = trial->scene->missing ? 1 : 0
	};
	simulation_write_yaml(text, &simulation);
	for (uint32_t h = 0; h < trial->scene->n_hosts; h++)
		state_write_yaml(text, &trial->scene->hosts[h]);
	write_file(trial->world, text->str);
}

static void write_manifests(struct trial *trial, const char *text)
{
	trial->text = text;
	write_file(trial->manifests, text);
}

/* All hosts of the file, also those that do not answer. */
static struct world *read_world(struct trial *trial)
{
	struct source source;
	struct state_file file;
	struct diags *diags = diags_new(trial->arena);
	if (source_read_file(trial->world, FILE_MAX, trial->arena, &source, diags) < 0 ||
		state_read(trial->arena, &source, &file, diags) < 0)
		g_error("seed %" G_GUINT64_FORMAT ": the simulator's file cannot be read", trial->seed);
	return world_assemble(trial->arena, file.states, file.n_states);
}

/* ---- running ---- */

static struct run *plan_it(struct trial *trial)
{
	struct run_options options = {
		.source = trial->manifests,
		.hosts = trial->hosts,
		.owner = "example.com/ops/gpu",
		.now = SCENE_NOW,
		.max_age_s = DAY_S,
		.until = STAGE_PLAN,
	};
	struct run *run = run_pipeline(&options);
	if (run->n_plans != 1)
		g_error("seed %" G_GUINT64_FORMAT ": not one plan but %u: %s\n%s", trial->seed, run->n_plans,
			run->diags->first ? run->diags->first->message : "", trial->text);
	return run;
}

/* The world now, in the order of the plan's own world, so that the plan's rules fit it. */
static struct world *world_like(struct trial *trial, const struct world *order)
{
	const struct world *now = read_world(trial);
	struct world *world = world_copy(trial->arena, order);
	for (uint32_t h = 0; h < world->n_hosts; h++) {
		uint32_t at = world_find_host(now, world->hosts[h].name), first = world->hosts[h].first_gpu;
		world->hosts[h] = now->hosts[at];
		world->hosts[h].first_gpu = first;
		for (uint32_t g = 0; g < now->hosts[at].n_gpus; g++) {
			world->gpus[first + g] = now->gpus[now->hosts[at].first_gpu + g];
			world->gpus[first + g].host = h;
		}
	}
	for (uint32_t v = 0; v < world->n_vms; v++) {
		uint32_t at = world_find_vm(now, world->vms[v].id);
		world->vms[v] = now->vms[at];
		world->vms[v].host = world_find_host(world, now->hosts[now->vms[at].host].name);
	}
	return world;
}

static void watch(const struct apply_event *event, void *user)
{
	struct trial *trial = user;
	if (event->kind == APPLY_STEP_FAILED || event->kind == APPLY_WAY_BACK)
		complain(trial, "%s: %s: %s", name_of(&apply_event_names, (int)event->kind),
			event->step ? step_text(trial->arena, event->step) : "", event->message ? event->message : "");
	if (event->kind != APPLY_STEP_DONE || !event->plan->rules || trial->failed)
		return;
	if (event->plan != trial->plan) {
		trial->plan = event->plan;
		trial->broken_before = invariant_state(trial->arena, event->plan->observed, event->plan->rules);
	}
	trial->n_steps++;
	const struct world *now = world_like(trial, event->plan->observed);
	struct violations added = violations_added(
		trial->arena, trial->broken_before, invariant_state(trial->arena, now, event->plan->rules));
	if (!added.n)
		return;
	complain(trial, "step %u %s breaks '%s' of %s: %s", event->step->id, step_text(trial->arena, event->step),
		name_of(&invariant_names, (int)added.items[0].invariant), added.items[0].subject,
		added.items[0].message);
	show_plan(trial, event->plan);
}

static enum exit_code carry_out(struct trial *trial, struct run *run, const struct apply_result **out)
{
	struct apply_result *results = NULL;
	uint32_t n = 0;
	struct apply_options options = {
		.run = run->options, .on_event = watch, .user = trial, .holder = "ops@desk", .pause_ms = 1
	};
	trial->plan = NULL;
	enum exit_code code = apply_run(run, &options, &results, &n);
	*out = results;
	return code;
}

/* ---- judging ---- */

static bool was_up(const struct vm *vm)
{
	const struct debt *debt = vm->debt;
	return vm_is_running(vm) || (debt && debt->power == DEBT_POWER_STOPPED && debt->at > SCENE_NOW - DAY_S &&
					    maybe_equal(debt->state_change, vm->state_change));
}

/* A finding says why this VM is not as it was. */
static bool is_named(const struct diags *diags, const char *vm)
{
	for (const struct diag *d = diags->first; d; d = d->next)
		if (strstr(d->message, vm) || (d->subject && strstr(d->subject, vm)))
			return true;
	return false;
}

static bool is_away(const struct trial *trial, const struct world *world, const struct vm *vm)
{
	return trial->scene->missing && strcmp(world->hosts[vm->host].name, trial->scene->missing) == 0;
}

static void judge_power(
	struct trial *trial, const struct world *before, const struct world *after, const struct diags *diags)
{
	for (uint32_t v = 0; v < before->n_vms; v++) {
		const struct vm *was = &before->vms[v];
		uint32_t at = world_find_vm(after, was->id);
		if (at == NO_INDEX) {
			complain(trial, "VM '%s' is gone", was->name);
			continue;
		}
		const struct vm *is = &after->vms[at];
		bool explained = is_away(trial, before, was) || is_named(diags, was->name);
		if (was_up(was) != vm_is_running(is) && !explained)
			complain(trial, "VM '%s' was %s and is %s", was->name, name_of(&vm_state_names, was->state),
				name_of(&vm_state_names, is->state));
		if (is->debt && !explained)
			complain(trial, "VM '%s' is still owed something", was->name);
	}
}

static bool same_governed(const struct host_state *a, const struct host_state *b)
{
	return fields_equal(kind_find("HostState")->fields, a, b, FIELD_GOVERNED);
}

/* 'managed': ids of VMs that a manifest names or named, or whose GPU it takes; the others are to be as they were. */
static void judge_others(
	struct trial *trial, const struct world *before, const struct world *after, GHashTable *managed)
{
	for (uint32_t v = 0; v < before->n_vms; v++) {
		struct vm was = before->vms[v];
		uint32_t at = world_find_vm(after, was.id);
		if (at == NO_INDEX || was.debt || g_hash_table_contains(managed, was.id))
			continue;
		struct vm is = after->vms[at];
		g_autofree char *cycled = g_strdup_printf("cycled/%s", was.id);
		if (g_hash_table_contains(managed, cycled) && maybe_is(was.offline_action, OFFLINE_SAVE))
			is.offline_action = was.offline_action; /* a VM that is stopped must not be saved */
		bool moved = strcmp(before->hosts[was.host].name, after->hosts[is.host].name) != 0;
		is.host = was.host = 0;
		struct host_state a = { .vms = &was, .n_vms = 1 }, b = { .vms = &is, .n_vms = 1 };
		if (moved || !same_governed(&a, &b))
			complain(trial, "VM '%s' is in no manifest and was touched", was.name);
	}
}

static void judge_other_gpus(
	struct trial *trial, const struct world *before, const struct world *after, GHashTable *selected)
{
	for (uint32_t g = 0; g < before->n_gpus && g < after->n_gpus; g++) {
		struct gpu was = before->gpus[g], is = after->gpus[g];
		g_autofree char *key = g_strdup_printf("%s %s", before->hosts[was.host].name, was.location_path);
		is.host = was.host = 0;
		struct host_state a = { .gpus = &was, .n_gpus = 1 }, b = { .gpus = &is, .n_gpus = 1 };
		if (!g_hash_table_contains(selected, key) && !same_governed(&a, &b))
			complain(trial, "GPU '%s' is in no group and was touched", key);
	}
}

static void note_what_it_governs(const struct plan *plan, GHashTable *managed, GHashTable *selected)
{
	const struct world *world = plan->observed;
	for (uint32_t v = 0; v < world->n_vms; v++) {
		const char *id = world->vms[v].id;
		bool stripped =
			plan->rules->vm_ownership[v] == VM_UNMANAGED && plan->rules->unmanaged == UNMANAGED_REMOVE;
		if (plan->rules->vm_ownership[v] >= VM_OURS || stripped)
			g_hash_table_add(managed, g_strdup(id));
		else if (plan->rules->unmanaged == UNMANAGED_CYCLE)
			g_hash_table_add(managed, g_strdup_printf("cycled/%s", id));
	}
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (plan->rules->gpu_role[g] != ROLE_NONE)
			g_hash_table_add(selected, g_strdup_printf("%s %s", world->hosts[world->gpus[g].host].name,
							   world->gpus[g].location_path));
}

static void judge_leases(struct trial *trial)
{
	const struct world *world = read_world(trial);
	for (uint32_t h = 0; h < world->n_hosts; h++)
		if (world->hosts[h].lease)
			complain(trial, "the lease of '%s' is left", world->hosts[h].name);
}

/* Nothing is left to do: no steps, and an apply that writes nothing. */
static void judge_rest(struct trial *trial)
{
	g_autoptr(run_auto) run = plan_it(trial);
	g_autofree char *before = NULL, *after = NULL;
	const struct apply_result *result = NULL;
	if (run->plans[0]->n_steps) {
		bool was_well = !trial->failed;
		complain(trial, "planning again gives steps");
		if (was_well)
			show_plan(trial, run->plans[0]);
		return;
	}
	g_file_get_contents(trial->world, &before, NULL, NULL);
	carry_out(trial, run, &result);
	g_file_get_contents(trial->world, &after, NULL, NULL);
	if (g_strcmp0(before, after) != 0)
		complain(trial, "a second apply writes to the hosts");
}

/* ---- a case ---- */

static char *plan_json(const struct run *run)
{
	json_t *json = planfile_to_json(run);
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

static char *plan_steps(struct trial *trial, const struct run *run)
{
	const struct plan *plan = run->plans[0];
	GString *text = g_string_new(NULL);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		g_string_append_printf(
			text, "%s after %u\n", step_text(trial->arena, &plan->steps[i]), plan->steps[i].n_after);
	return g_string_free(text, FALSE);
}

static void judge_plans(struct trial *trial, const char *manifests, const char *other_order)
{
	g_autoptr(run_auto) one = plan_it(trial);
	g_autoptr(run_auto) two = plan_it(trial);
	char *a = plan_json(one), *b = plan_json(two);
	if (strcmp(a, b) != 0)
		complain(trial, "the same input gives two plans");
	free(a);
	free(b);
	write_manifests(trial, other_order);
	g_autoptr(run_auto) three = plan_it(trial);
	g_autofree char *steps = plan_steps(trial, one), *others = plan_steps(trial, three);
	write_manifests(trial, manifests);
	if (strcmp(steps, others) != 0)
		complain(trial, "the order of documents changes the plan");
}

/* Without a majority of a failover cluster's hosts nothing is carried out: another run could hold the others. */
static bool lacks_majority(const struct trial *trial)
{
	return trial->scene->clustered && trial->scene->missing && trial->scene->n_hosts <= 2;
}

static bool says(const struct diags *diags, enum diag_code code)
{
	for (const struct diag *d = diags->first; d; d = d->next)
		if (d->code == code)
			return true;
	return false;
}

/* Carries the plan out. A plan that could not see to its end, because of GPUs that are yet to be mounted, may find that
 * more is to be stopped than was agreed to; then a person looks at the next one. */
static bool apply_once(struct trial *trial, GHashTable *managed, GHashTable *selected, bool *refused)
{
	const struct apply_result *result = NULL;
	const struct world *before = read_world(trial);
	g_autoptr(run_auto) run = plan_it(trial);
	const struct plan *plan = run->plans[0];
	enum exit_code expected = plan_exit(plan);
	if (lacks_majority(trial) && plan->n_steps)
		expected = exit_worse(expected, EXIT_INCOMPLETE);
	bool was_well = !trial->failed;
	note_what_it_governs(plan, managed, selected);
	enum exit_code code = carry_out(trial, run, &result);
	struct diags *diags = diags_new(trial->arena);
	diags_append(diags, plan->diags);
	if (result)
		diags_append(diags, result->diags);
	bool no_way_back = says(diags, D_NO_WAY_BACK) && code == EXIT_REFUSED;
	trial->n_no_way_back += no_way_back;
	if (no_way_back)
		expected = code;
	if (code != expected && (plan->complete || (code != EXIT_REFUSED && code != EXIT_STALE)))
		complain(trial, "exit code %d, expected %d", (int)code, (int)expected);
	const struct world *after = read_world(trial);
	judge_power(trial, before, after, diags);
	judge_others(trial, before, after, managed);
	judge_other_gpus(trial, before, after, selected);
	judge_leases(trial);
	if (was_well && trial->failed)
		show_plan(trial, plan);
	*refused = plan->n_refusals || code == EXIT_REFUSED || lacks_majority(trial);
	return code == EXIT_STALE;
}

static void apply_manifests(struct trial *trial, GHashTable *managed, GHashTable *selected)
{
	bool refused = false;
	for (int i = 0; i < ROUNDS_MAX && apply_once(trial, managed, selected, &refused); i++)
		;
	trial->n_refused += refused;
	if (!refused && !trial->failed)
		judge_rest(trial);
}

/* What manifests cannot express is a finding, and what is owed is steps; otherwise the hosts are as imported. */
static void judge_import(struct trial *trial)
{
	const struct world *world = read_world(trial);
	const struct host_state **states = arena_array(trial->arena, const struct host_state *, world->n_hosts);
	for (uint32_t h = 0; h < world->n_hosts; h++)
		states[h] = world_host_state(trial->arena, world, h);
	for (uint32_t v = 0; v < world->n_vms; v++)
		if (world->vms[v].debt)
			return;
	g_autoptr(GString) text = g_string_new(NULL);
	struct diags *diags = diags_new(trial->arena);
	import_write(text, states, world->n_hosts, diags);
	if (diags->first || trial->scene->missing)
		return;
	write_manifests(trial, arena_strdup(trial->arena, text->str));
	struct run_options options = {
		.source = trial->manifests, .hosts = trial->hosts, .owner = "example.com/ops/gpu", .now = SCENE_NOW
	};
	options.max_age_s = DAY_S;
	options.until = STAGE_PLAN;
	g_autoptr(run_auto) run = run_pipeline(&options);
	trial->n_imports++;
	if (run->diags->n_errors)
		complain(trial, "imported manifests do not load: %s", run->diags->first->message);
	for (uint32_t i = 0; i < run->n_plans && !trial->failed; i++) {
		if (!run->plans[i]->n_steps)
			continue;
		complain(trial, "imported manifests change something");
		show_plan(trial, run->plans[i]);
	}
}

static void run_case(struct trial *trial)
{
	struct random random = random_from(trial->seed);
	trial->scene = random_scene(&random);
	trial_open(trial);
	write_world(trial);
	g_autoptr(GHashTable) managed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) selected = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char *other_order = NULL;
	const char *manifests = random_manifests(trial->scene, &random, &other_order);
	judge_import(trial);
	write_manifests(trial, manifests);
	judge_plans(trial, manifests, other_order);
	apply_manifests(trial, managed, selected);
	if (!trial->failed)
		judge_import(trial);
	if (!trial->failed) {
		write_manifests(trial, random_manifests(trial->scene, &random, &other_order));
		apply_manifests(trial, managed, selected);
	}
	trial_close(trial);
	scene_free(trial->scene);
}

int main(int argc, char **argv)
{
	static const char *const picks[] = { "first", "last", "seeded", "adversarial" };
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 300, first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t n_failed = 0;
	struct trial sum = { 0 };
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(gitrepo_auto) held = NULL; /* libgit2 reads all certificates whenever it begins: it begins once */
	gitrepo_open(TESTS_DIR, GITREPO_SEARCH | GITREPO_QUIET, &held, diags_new(arena));
	for (uint64_t seed = first; seed < first + n && n_failed < 5; seed++) {
		for (size_t i = 0; i < G_N_ELEMENTS(picks) && n_failed < 5; i++) {
			struct trial trial = { .seed = seed, .pick = picks[i] };
			run_case(&trial);
			n_failed += trial.failed;
			sum.n_steps += trial.n_steps;
			sum.n_refused += trial.n_refused;
			sum.n_imports += trial.n_imports;
			sum.n_no_way_back += trial.n_no_way_back;
		}
	}
	printf("%" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT " steps done, %" G_GUINT64_FORMAT
	       " plans with refusals, %" G_GUINT64_FORMAT " not begun for want of a way back, %" G_GUINT64_FORMAT
	       " imports, %" G_GUINT64_FORMAT " failed\n",
		n, sum.n_steps, sum.n_refused, sum.n_no_way_back, sum.n_imports, n_failed);
	bool too_many = sum.n_no_way_back * 100 > n * G_N_ELEMENTS(picks) * NO_WAY_BACK_PER_CENT;
	if (too_many)
		fprintf(stderr, "too many plans were not begun for want of a way back\n");
	return n_failed || too_many;
}
