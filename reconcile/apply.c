/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "base/clock.h"

#include <string.h>

NAMES_DEFINE(apply_event_names, APPLY_EVENTS);

static void apply_cluster(struct apply *apply);
static void say_interrupted(struct apply *apply);

char *apply_run_id(struct arena *arena, int64_t now)
{
	g_autofree char *random = g_uuid_string_random();
	char *id = arena_printf(arena, "%s-%.8s%.4s%.4s", clock_print(arena, now), random, random + 9, random + 14);
	return id;
}

/* Without manifests a plan has no name but that of its failover cluster, or of its one host. */
static const char *name_of_plan(const struct plan *plan)
{
	if (plan->cluster || !plan->observed || !plan->observed->n_hosts)
		return plan->cluster ? plan->cluster : "the hosts";
	const struct host *host = &plan->observed->hosts[0];
	return host->cluster_name ? host->cluster_name : host->name;
}

void apply_start(struct apply *apply, struct run *run, const struct apply_options *options, const struct plan *plan)
{
	struct arena *arena = run->arena;
	*apply = (struct apply){
		.name = plan ? name_of_plan(plan) : NULL,
		.arena = arena,
		.run = run,
		.options = options,
		.context = g_main_context_new(),
		.approved = plan,
		.mode = PLAN_APPLY,
		.run_id = options->run_id ? options->run_id : apply_run_id(arena, options->run.now),
		.holder = options->holder ? options->holder
					  : arena_printf(arena, "%s@%s", g_get_user_name(), g_get_host_name()),
		.started_ms = clock_monotonic_ms(),
		.diags = diags_new(arena),
		.frozen = g_ptr_array_new(),
		.failures = g_hash_table_new(g_str_hash, g_str_equal),
		.down = g_hash_table_new(g_str_hash, g_str_equal),
		.surprised = g_hash_table_new(g_str_hash, g_str_equal),
	};
}

void apply_end(struct apply *apply)
{
	g_main_context_unref(apply->context);
	g_ptr_array_unref(apply->frozen);
	g_hash_table_unref(apply->failures);
	g_hash_table_unref(apply->down);
	g_hash_table_unref(apply->surprised);
}

static void end_cluster(struct apply *apply)
{
	apply->result->exit = exit_worse(apply->result->exit, apply->diags->exit);
	enum exit_code exit = apply->result->exit;
	const char *message = exit == EXIT_DONE ? NULL : arena_printf(apply->arena, "exit code %d", (int)exit);
	apply_tell(
		apply, (struct apply_event){ .kind = APPLY_CLUSTER_DONE, .message = message, .result = apply->result });
}

static bool is_waiting(const struct apply *apply)
{
	return apply->held_by && window_waits(apply) && !apply->result->n_still_owed;
}

/* Clusters are independent: one that waits keeps no other from its turn. */
static struct apply *first_to_open(struct apply *applies, uint32_t n)
{
	struct apply *first = NULL;
	for (uint32_t i = 0; i < n; i++)
		if (is_waiting(&applies[i]) && (!first || applies[i].opens_at < first->opens_at))
			first = &applies[i];
	return first;
}

enum exit_code apply_run(struct run *run, const struct apply_options *options, struct apply_result **results_out,
	uint32_t *n_results_out)
{
	struct apply_result *results = arena_array(run->arena, struct apply_result, run->n_plans);
	struct apply *applies = arena_array(run->arena, struct apply, run->n_plans);
	enum exit_code code = run->diags->exit;
	for (uint32_t i = 0; i < run->n_plans; i++) {
		struct apply *apply = &applies[i];
		apply_start(apply, run, options, run->plans[i]);
		results[i] = (struct apply_result){ .cluster = apply->name, .diags = apply->diags };
		apply->result = &results[i];
		apply_tell(apply, (struct apply_event){ .kind = APPLY_CLUSTER_START, .total = run->plans[i]->n_steps });
		apply_cluster(apply);
		if (!is_waiting(apply))
			end_cluster(apply);
	}
	struct apply *next;
	while ((next = first_to_open(applies, run->n_plans))) {
		if (window_wait(next) < 0)
			say_interrupted(next);
		else
			apply_cluster(next);
		if (!is_waiting(next))
			end_cluster(next);
	}
	for (uint32_t i = 0; i < run->n_plans; i++) {
		code = exit_worse(code, results[i].exit);
		apply_end(&applies[i]);
	}
	*results_out = results;
	*n_results_out = run->n_plans;
	return code;
}

/* ---- one cluster ---- */

static void say_interrupted(struct apply *apply)
{
	const char *cluster = apply->name;
	if (apply_interrupts(apply) > 1)
		diag_add(apply->diags, D_INTERRUPTED, LOC_NONE, NULL,
			"'%s' was interrupted twice and left as it is; 'hvgpu restore' brings back what is down",
			cluster);
	else if (apply->result->n_still_owed)
		diag_add(apply->diags, D_INTERRUPTED, LOC_NONE, NULL,
			"'%s' was interrupted; some VMs are not back, run 'hvgpu restore'", cluster);
	else
		/* A saved plan that is done in part is stale: reconcile/apply_again.c. */
		diag_add(apply->diags, D_INTERRUPTED, LOC_NONE, NULL, "'%s' was interrupted; %s to go on", cluster,
			apply->run->from_file && apply->performed ? "make the plan again" : "apply it again");
}

void apply_add_news(struct apply *apply, const struct plan *plan)
{
	for (const struct diag *diag = plan->diags->first; diag; diag = diag->next) {
		bool known = diags_have(apply->approved->diags, diag) || diags_have(apply->diags, diag);
		bool is_ours = apply->performed && (diag->code == D_DEBT_OPEN || diag->code == D_TO_ADOPT);
		if (!known && !is_ours)
			diag_add(apply->diags, diag->code, diag->loc, diag->subject, "%s", diag->message);
	}
}

/* A host that was there when somebody agreed to the plan is not there now. Without it the plan would be another one, which
 * stops VMs for what is only a part of the change, and the next run would stop them again. */
static int has_lost_host(struct apply *apply, const struct world *world)
{
	if (world->n_missing <= apply->approved->observed->n_missing)
		return 0;
	return diag_add(apply->diags, D_STALE, LOC_NONE, NULL,
		"a host of '%s' does not answer any more, as said above, and was there when this was planned; nothing "
		"new "
		"is begun without it; make the plan again",
		apply->name);
}

/* The plan of this round, within what was approved; debts alone where that is not so. NULL: nothing can be done. */
static const struct plan *next_plan(struct apply *apply, const struct world *world, bool is_first)
{
	bool saved = apply->run->from_file && !apply->approved->spec && apply->approved->mode == PLAN_APPLY &&
		     apply->mode == PLAN_APPLY;
	const struct plan *plan = !saved     ? again_plan(apply, world, apply->mode)
				  : is_first ? again_saved(apply, world)
					     : again_rest_of_saved(apply, world);
	if (plan && apply->mode == PLAN_APPLY) {
		bool may = has_lost_host(apply, world) == 0 && again_mode(apply, plan, world) == PLAN_APPLY;
		const struct plan *known = may ? known_everywhere(apply, world, plan) : NULL;
		if (known && again_within(apply, known) == 0)
			return known;
	} else if (plan) {
		return plan;
	}
	apply->mode = PLAN_RESTORE; /* Debts are paid all the same. */
	return again_plan(apply, world, PLAN_RESTORE);
}

static bool is_only_round(const struct apply *apply, const struct plan *plan)
{
	return plan->complete || !plan->n_steps || apply->mode == PLAN_RESTORE ||
	       (apply->run->from_file && !apply->approved->spec);
}

static void finish(struct apply *apply)
{
	record_ours(apply);
	record_clear_void(apply);
}

static void tell_again(struct apply *apply, const struct plan *plan, const char *why)
{
	apply_tell(apply,
		(struct apply_event){ .kind = APPLY_REPLAN, .plan = plan, .total = plan->n_steps, .message = why });
}

/* What is ours, where a plan was carried out in part: VMs are where they are now, and not where it would have them. */
static void record_held(struct apply *apply, const struct world *world)
{
	const struct plan *plan = apply->plan;
	if (!apply->approved->spec)
		return; /* a saved plan tells nothing of another world than its own */
	const struct plan *again = again_plan(apply, world, PLAN_APPLY);
	struct plan *now = arena_copy(apply->arena, again, sizeof(*again));
	now->goal = now->observed;
	now->n_steps = 0;
	apply->plan = now;
	record_ours(apply);
	apply->plan = plan;
}

/* The rest must wait for a window. What was begun is brought back, and what earlier runs owe is paid, though in this
 * plan it may come after something that is held. */
static void hold(struct apply *apply, const struct plan *plan, bool was_shut)
{
	const struct world *world = again_observe(apply);
	bool owes = plan->n_debts_open && again_plan(apply, world, PLAN_RESTORE)->n_steps;
	if (was_shut || owes)
		back_go(apply);
	else
		record_held(apply, world);
	if (apply_interrupts(apply) < 2)
		window_hold(apply, plan, was_shut);
}

/* Where debts alone are paid, what the manifests want and do not get is still refused. */
static enum exit_code exit_of_plan(const struct apply *apply, const struct plan *plan)
{
	bool is_less = plan->mode == PLAN_RESTORE && (apply->approved->spec || apply->run->from_file);
	return is_less ? exit_worse(plan_exit(plan), plan_exit(apply->approved)) : plan_exit(plan);
}

/* Plans and carries out until nothing is left to learn. True: an interruption ended it. */
static bool carry_out_rounds(struct apply *apply)
{
	const char *why = "the hosts are held; the plan is made again";
	for (uint32_t round = 0; round < APPLY_ROUNDS_MAX; round++) {
		const struct world *world = again_observe(apply);
		const struct plan *plan = next_plan(apply, world, round == 0);
		apply->plan = plan;
		apply_add_news(apply, plan);
		apply->result->exit = exit_of_plan(apply, plan);
		tell_again(apply, plan, why);
		if (apply_interrupts(apply)) {
			if (apply->performed)
				back_go(apply);
			return true;
		}
		enum drive_end end = plan->n_steps ? drive_plan(apply, plan, false) : DRIVE_FINISHED;
		if (end == DRIVE_HELD || end == DRIVE_SHUT) {
			hold(apply, plan, end == DRIVE_SHUT);
			return false;
		}
		if (end == DRIVE_FINISHED && is_only_round(apply, plan)) {
			finish(apply);
			return false;
		}
		if (end == DRIVE_REFUSED && apply->performed) /* stopped part-way */
			apply->result->exit = exit_worse(apply->result->exit, EXIT_PARTIAL);
		if (end == DRIVE_FAILED || end == DRIVE_INTERRUPTED || end == DRIVE_REFUSED)
			back_go(apply);
		if (end == DRIVE_STOPPED)
			back_name_down(apply);
		if (end != DRIVE_FINISHED && end != DRIVE_SURPRISED)
			return end == DRIVE_INTERRUPTED || end == DRIVE_STOPPED;
		why = end == DRIVE_FINISHED ? "more is known now" : "the world is not as expected";
	}
	diag_add(apply->diags, D_UNEXPECTED, LOC_NONE, NULL,
		"'%s' was planned %d times and is not done; run 'hvgpu apply' again", apply->name, APPLY_ROUNDS_MAX);
	back_go(apply);
	return false;
}

/* Under the leases. Whoever interrupts twice, wherever that is, ends it at once. */
static void work(struct apply *apply)
{
	if (carry_out_rounds(apply) || apply_interrupts(apply) > 1)
		say_interrupted(apply);
}

static bool lacks_record(const struct apply *apply, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->observed->n_hosts; i++) {
		const struct cluster_record *record = plan->observed->hosts[i].record;
		if (!record || g_strcmp0(record->owner, apply->run->owner) != 0)
			return true;
	}
	return false;
}

/* Without a step there is nothing to write, but for `--adopt`. */
static bool has_work(struct apply *apply)
{
	const struct plan *plan = apply->approved;
	if (apply->mode != plan->mode) { /* Only debts may be paid. Are there any? */
		plan = again_plan(apply, plan->observed, apply->mode);
		apply->plan = plan;
	}
	if (plan->n_steps)
		return true;
	bool adopts = apply->options->run.adopt && apply->mode == PLAN_APPLY && apply->run->owner && plan->cluster;
	return adopts && (plan->n_to_adopt || plan->foreign_owner || lacks_record(apply, plan));
}

/* Nothing may begin, and there is nothing to write: nobody needs the hosts. */
static bool is_all_held(const struct apply *apply)
{
	const struct plan *plan = apply->approved;
	return !apply->options->run.adopt && apply->mode == PLAN_APPLY && plan->n_steps && !plan->n_debts_open &&
	       !gate_lets_any(plan, apply_now(apply));
}

static void apply_cluster(struct apply *apply)
{
	apply->result->exit = plan_exit(apply->approved);
	apply->mode = again_mode(apply, apply->approved, apply->approved->observed);
	if (!has_work(apply))
		return;
	if (apply_interrupts(apply)) {
		say_interrupted(apply);
		return;
	}
	if (is_all_held(apply))
		window_hold(apply, apply->approved, false);
	else if (leases_take(apply) == 0) {
		work(apply);
		back_name_rest(apply);
	} else if (apply_interrupts(apply))
		say_interrupted(apply);
	leases_release(apply);
}
