/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/play.h"

#include "model/host_copy.h"
#include "tests/lib/scene.h"
#include "tests/torture/restored.h"
#include "tests/torture/virtual_time.h"

#include <stdio.h>
#include <string.h>

enum { DAY_S = 86400 };

NAMES_DEFINE(fault_names, FAULTS);

/* From the world as it is now. */
static void watch(struct play *play)
{
	const struct scenario *scenario = play->scenario;
	play->views[0] = memory_view();
	play->n_views = 1;
	play->monitor = (struct monitor){
		.arena = play->arena,
		.spec = scenario->spec,
		.owner = SCENARIO_OWNER,
		.simulation = &scenario->simulation,
		.start = play->views[0],
		.reference_end = play->reference ? &play->reference->views[0] : NULL,
		.window_is_shut = scenario->window_is_shut,
		.refused = play->refused,
	};
	monitor_begin(&play->monitor);
}

void play_begin(struct play *play)
{
	const struct scenario *scenario = play->scenario;
	memory_set(scenario->states, scenario->n_states, &scenario->simulation);
	virtual_time_set(SCENE_NOW);
	play->arena = arena_new();
	play->brought_back = g_hash_table_new(g_str_hash, g_str_equal);
	play->refused = g_hash_table_new(g_str_hash, g_str_equal);
	watch(play);
}

void play_go_on(struct play *play, const struct scenario *scenario, const struct play *reference)
{
	const char *broken = play->monitor.broken;
	monitor_end(&play->monitor);
	play->scenario = scenario;
	play->reference = reference;
	watch(play);
	play->monitor.broken = broken;
	play->n_runs = 0;
	play->is_at_rest = play->has_last = false;
}

void play_end(struct play *play)
{
	monitor_end(&play->monitor);
	g_hash_table_unref(play->brought_back);
	g_hash_table_unref(play->refused);
	arena_free(play->arena);
}

void play_keep_end(struct play *play)
{
	struct host_state *states = arena_array(play->arena, struct host_state, play->views[0].n_states);
	for (uint32_t h = 0; h < play->views[0].n_states; h++)
		states[h] = *host_state_copy(play->arena, &play->views[0].states[h]);
	play->views[0].states = states;
	play->n_views = 1;
}

void play_note(struct play *play, struct view now)
{
	for (uint32_t i = VIEWS_MAX - 1; i > 0; i--)
		play->views[i] = play->views[i - 1];
	play->views[0] = now;
	play->n_views = MIN(play->n_views + 1, VIEWS_MAX);
}

static void tell_findings(const struct play *play, const struct diags *diags)
{
	for (const struct diag *d = diags->first; d && play->tells; d = d->next)
		printf("       %s %s: %s\n", diag_codes[d->code].id, d->subject ? d->subject : "", d->message);
}

static void note_refusals(struct process *process, uint32_t n)
{
	process->ending.has_refusals |= n > 0;
	process->ending.has_plan_without |= n == 0;
}

/* What a limit or the want of a way back forbids, or what is owed bars, a later run may do: docs/decisions/0009-rollout.md, 9. */
static bool is_limited(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++) {
		enum diag_code code = plan->refusals[i].code;
		if (plan->n_debts_open || code == D_BUDGET || code == D_NO_WAY_BACK)
			return true;
	}
	return false;
}

static void on_event(const struct apply_event *event, void *user)
{
	struct process *process = user;
	struct play *play = process->play;
	play->monitor.is_on_way_back |= event->kind == APPLY_WAY_BACK;
	if (event->kind == APPLY_REPLAN) {
		play->monitor.is_restoring = event->plan->mode == PLAN_RESTORE;
		note_refusals(process, event->plan->n_refusals);
		process->ending.is_limited |= is_limited(event->plan);
	}
	/* where a host is lost, debts alone are paid: that is one, too */
	play->had_way_back |= event->kind == APPLY_WAY_BACK ||
			      (event->kind == APPLY_REPLAN && event->plan->mode == PLAN_RESTORE && event->total);
	if (play->tells && (event->kind == APPLY_WAY_BACK || event->kind == APPLY_REPLAN))
		printf("       %s: %u steps, %s\n", name_of(&apply_event_names, (int)event->kind), event->total,
			event->message ? event->message : "");
}

static bool is_named(const struct vm *vm, const struct apply_result *results, uint32_t n_results)
{
	for (uint32_t i = 0; i < n_results; i++)
		for (uint32_t k = 0; k < results[i].n_still_owed; k++)
			if (strcmp(results[i].still_owed[k], vm->name) == 0)
				return true;
	return false;
}

/* Whom a run leaves down it names; one that was interrupted once leaves nobody down. */
static void look_for_left_behind(
	struct play *play, const struct process *process, const struct apply_result *results, uint32_t n_results)
{
	const struct view *now = &play->views[0];
	bool is_alone = play->n_faults == 1 && play->faults[0].kind == FAULT_INTERRUPT;
	bool brings_all = is_alone && process->interrupts == 1;
	for (uint32_t h = 0; h < now->n_states; h++)
		for (uint32_t v = 0; v < now->states[h].n_vms && !play->monitor.broken; v++) {
			const struct vm *vm = &now->states[h].vms[v];
			bool is_left = vm->debt && vm->debt->power != DEBT_POWER_NONE && vm_is_off(vm) &&
				       strcmp(vm->debt->run, process->run_id) == 0;
			if (is_left && (brings_all || !is_named(vm, results, n_results)))
				play->monitor.broken = arena_printf(play->arena, "VM '%s' is left down%s", vm->name,
					brings_all ? " by a run that was interrupted" : ", and is not named");
		}
}

static enum exit_code carry_out(struct play *play, struct process *process, struct run *run)
{
	struct apply_result *results = NULL;
	uint32_t n_results = 0;
	const struct apply_options options = {
		.run = run->options,
		.on_event = on_event,
		.user = process,
		.interrupts = &process->interrupts,
		.run_id = process->run_id,
		.holder = "ops@desk",
	};
	enum exit_code code = apply_run(run, &options, &results, &n_results);
	for (uint32_t i = 0; i < n_results; i++)
		tell_findings(play, results[i].diags);
	if (!process->is_dead)
		look_for_left_behind(play, process, results, n_results);
	return code;
}

/* One does not answer that a manifest neither expects to be away nor leaves alone. */
static bool lacks_host(const struct scenario *scenario)
{
	bool lacks = false;
	for (uint32_t c = 0; c < scenario->spec->n_clusters; c++)
		for (uint32_t i = 0; i < scenario->simulation.n_unreachable; i++) {
			const struct spec_host *host =
				cluster_find_host(&scenario->spec->clusters[c], scenario->simulation.unreachable[i]);
			lacks |= host && !host->maintenance && !host->exclude;
		}
	return lacks;
}

static void judge_ending(struct play *play, const struct process *process, uint32_t n_sent)
{
	const struct ending *ending = &process->ending;
	const char *what = NULL;
	if (play->has_last && !process->is_dead && !ending->n_faults)
		what = ending_judge_next(play->arena, &play->last, n_sent);
	if (!what && !process->is_dead)
		what = ending_judge(play->arena, ending);
	if (what && !play->monitor.broken)
		play->monitor.broken = what;
	play->last = *ending;
	play->has_last = !process->is_dead;
}

static void judge_way_back(struct play *play, const struct process *process, const struct view *before)
{
	const struct restored restored = {
		.spec = play->scenario->spec,
		.before = *before,
		.after = play->views[0],
		.stops = play->monitor.stops,
		.run = process->run_id,
		.failed_vm = process->failed_vm,
		.lost_host = process->lost_host,
		.meddled_vm = play->meddled_vm,
	};
	if (!process->is_dead && !process->may_leave && !process->ending.is_beside_other && !play->monitor.broken)
		play->monitor.broken = restored_judge(play->arena, &restored);
}

bool play_run(struct play *play, struct process *process)
{
	process->play = play;
	process->sessions = g_ptr_array_new();
	process->quiet.spec = play->scenario->spec;
	stage_set_process(process);
	play->n_runs++;
	monitor_run_begins(&play->monitor);
	const struct run_options options = {
		.source = play->manifests,
		.hosts = "stage:",
		.owner = SCENARIO_OWNER,
		.now = SCENE_NOW,
		.max_age_s = DAY_S,
		.until = STAGE_PLAN,
	};
	uint32_t n_done = play->n_done;
	const struct view before = play->views[0];
	g_autoptr(run_auto) run = run_pipeline(&options);
	uint32_t n_steps = 0, n_missing = 0, n_sent = play->n_steps, n_stops = play->monitor.n_stops,
		 n_starts = play->monitor.n_starts;
	play->n_refusals = 0;
	g_hash_table_remove_all(play->refused);
	for (uint32_t i = 0; i < run->n_plans; i++) {
		n_steps += run->plans[i]->n_steps;
		n_missing += run->plans[i]->observed ? run->plans[i]->observed->n_missing : 0;
		play->n_refusals += run->plans[i]->n_refusals;
		for (uint32_t r = 0; r < run->plans[i]->n_refusals; r++)
			g_hash_table_add(play->refused, arena_strdup(play->arena, run->plans[i]->refusals[r].subject));
		process->ending.is_limited |= is_limited(run->plans[i]);
		tell_findings(play, run->plans[i]->diags);
	}
	tell_findings(play, run->diags);
	bool is_blind = play->n_done > n_done && n_missing > play->scenario->simulation.n_unreachable;
	monitor_run_acts(&play->monitor, &play->views[0]);
	process->ending.is_shut = play->scenario->window_is_shut && n_steps;
	note_refusals(process, play->n_refusals);
	process->ending.lacks_host = lacks_host(play->scenario);
	enum exit_code code = run_exit(run);
	if (!process->is_dead && n_steps) {
		code = carry_out(play, process, run);
		if (play->tells && !process->is_dead)
			printf("       exit %d\n", (int)code);
	}
	process->ending.code = code;
	bool was_dead = process->is_dead;
	judge_ending(play, process, play->n_steps - n_sent);
	judge_way_back(play, process, &before);
	play->was_blind |= is_blind;
	play->n_blind += is_blind ? play->monitor.n_stops - n_stops + play->monitor.n_starts - n_starts : 0;
	bool is_later = (n_done && play->n_done == n_done) || process->is_meddled_early;
	play->n_later_stops += is_later ? play->monitor.n_stops - n_stops : 0;
	memory_set_dead(false);
	g_ptr_array_unref(process->sessions);
	/* what must wait for a window stays to do */
	return was_dead || (play->scenario->window_is_shut ? play->n_steps > n_sent : n_steps > 0);
}

void play_all(struct play *play)
{
	while (play->n_runs < RUNS_MAX && !play->is_at_rest) {
		struct process process = { .run_id = arena_printf(play->arena, "run-%u", play->n_runs + 1) };
		uint32_t n_done = play->n_done; /* a run that was disturbed may have missed what there is to do */
		play->is_at_rest = !play_run(play, &process) && play->n_done == n_done;
	}
}
