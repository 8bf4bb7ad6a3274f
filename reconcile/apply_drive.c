/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "reconcile/retreat.h"

enum { TICK_MS = 50 };

struct drive {
	struct apply *apply;
	const struct plan *plan;
	bool is_way_back;
	struct schedule *schedule;
	struct errand *errands; /* one per step */
	GQueue due;             /* errands with news: nobody is asked from within an answer */
	uint32_t n_interrupts;  /* told to the schedule */
	uint32_t n_failed, n_surprises;
	bool ended;
	enum schedule_action_kind end;
};

struct errand { /* a step under way */
	struct drive *drive;
	uint32_t step;
	struct answer answer;
	bool pause_over; /* the news is that its pause ended */
	GSource *pause;
};

static void feed(struct drive *drive, struct schedule_event event);
static char *subject_of_step(struct arena *arena, const struct step *step);

void apply_tell(struct apply *apply, struct apply_event event)
{
	if (!event.plan)
		event.plan = apply->plan ? apply->plan : apply->approved;
	if (apply->options->on_event)
		apply->options->on_event(&event, apply->options->user);
}

static void tell_step(struct drive *drive, enum apply_event_kind kind, uint32_t step, const char *message)
{
	apply_tell(drive->apply, (struct apply_event){
					 .kind = kind,
					 .plan = drive->plan,
					 .step = &drive->plan->steps[step],
					 .outcome = schedule_outcome(drive->schedule, step),
					 .done = schedule_done(drive->schedule),
					 .total = drive->plan->n_steps,
					 .message = message,
				 });
}

static void on_answer(struct link *link, const struct answer *answer, void *user)
{
	struct errand *errand = user;
	errand->answer = *answer;
	errand->answer.message = arena_strdup(link->apply->arena, answer->message);
	errand->answer.lease = NULL;
	g_queue_push_tail(&errand->drive->due, errand);
}

static void on_progress(const struct request *request, uint32_t permille, const char *what, void *user)
{
	(void)request;
	struct errand *errand = user;
	struct drive *drive = errand->drive;
	apply_tell(drive->apply, (struct apply_event){
					 .kind = APPLY_STEP_PROGRESS,
					 .plan = drive->plan,
					 .step = &drive->plan->steps[errand->step],
					 .outcome = OUTCOME_RUNNING,
					 .done = schedule_done(drive->schedule),
					 .total = drive->plan->n_steps,
					 .permille = permille,
					 .message = what,
				 });
}

static void submit(struct drive *drive, uint32_t step)
{
	struct errand *errand = &drive->errands[step];
	struct link *link = link_find(drive->apply, drive->plan->steps[step].host_name);
	tell_step(drive, APPLY_STEP_START, step, NULL);
	if (!link) {
		errand->answer = (struct answer){ .error = HOST_UNREACHABLE, .message = "the host is not in this run" };
		g_queue_push_tail(&drive->due, errand);
		return;
	}
	struct request request = request_of_step(drive->apply, link, &drive->plan->steps[step]);
	drive->apply->performed = true;
	link_ask(link, &request, on_answer, on_progress, errand);
}

static gboolean on_pause_over(gpointer user)
{
	struct errand *errand = user;
	errand->pause_over = true;
	g_queue_push_tail(&errand->drive->due, errand);
	return G_SOURCE_REMOVE;
}

static void end_pause(struct errand *errand)
{
	if (!errand->pause)
		return;
	g_source_destroy(errand->pause);
	g_source_unref(errand->pause);
	errand->pause = NULL;
}

static void pause_step(struct drive *drive, uint32_t step, uint32_t after_ms)
{
	struct errand *errand = &drive->errands[step];
	const struct step *what = &drive->plan->steps[step];
	struct arena *arena = drive->apply->arena;
	const char *why = answer_text(arena, &errand->answer);
	diag_add(drive->apply->diags, D_RETRY, what->loc, subject_of_step(arena, what),
		"step %u (%s) on '%s' is tried again after %u ms: %s", what->id, step_text(arena, what),
		what->host_name, after_ms, why);
	tell_step(drive, APPLY_STEP_RETRY, step, why);
	errand->pause = g_timeout_source_new(after_ms);
	g_source_set_callback(errand->pause, on_pause_over, errand, NULL);
	g_source_attach(errand->pause, drive->apply->context);
}

static void feed(struct drive *drive, struct schedule_event event)
{
	uint32_t n;
	event.now = apply_now(drive->apply);
	const struct schedule_action *actions = schedule_next(drive->schedule, event, &n);
	for (uint32_t i = 0; i < n; i++) {
		switch (actions[i].kind) {
		case SCHEDULE_SUBMIT:
			submit(drive, actions[i].step);
			break;
		case SCHEDULE_RETRY:
			pause_step(drive, actions[i].step, actions[i].after_ms);
			break;
		case SCHEDULE_WAY_BACK:
		case SCHEDULE_FINISHED:
		case SCHEDULE_HELD:
		case SCHEDULE_STOP:
			drive->ended = true;
			drive->end = actions[i].kind;
			break;
		}
	}
}

/* ---- what steps came to ---- */

static char *subject_of_step(struct arena *arena, const struct step *step)
{
	if (step->vm_id)
		return arena_printf(
			arena, "host/%s/vm/%s", step->host_name, step->vm_name ? step->vm_name : step->vm_id);
	if (step->location_path)
		return arena_printf(arena, "host/%s/gpu/%s", step->host_name, step->location_path);
	return arena_printf(arena, "host/%s", step->host_name);
}

static void note_power(struct apply *apply, const struct step *step, bool changed)
{
	if (step->kind == STEP_STOP_VM && changed)
		back_note_down(apply, step, LEFT_DOWN);
	if (step->kind == STEP_START_VM)
		g_hash_table_remove(apply->down, step->vm_id);
}

static void on_step_done(struct drive *drive, uint32_t step, bool changed)
{
	struct apply *apply = drive->apply;
	const struct step *what = &drive->plan->steps[step];
	struct link *link = link_find(apply, what->host_name);
	if (link && apply->mode == PLAN_APPLY)
		link->recorded = true;
	note_power(apply, what, changed);
	apply->spent.vms_stopped += changed && what->kind == STEP_STOP_VM;
	apply->spent.vms_moved += changed && what->kind == STEP_MOVE_VM;
	apply->spent.role_changes += changed && (step_rows[what->kind].needs & STEP_IS_ROLE_CHANGE);
	apply->spent.steps++;
	apply->result->n_changed += changed;
	apply->result->n_unchanged += !changed;
	/* Told before the steps that it lets begin. */
	apply_tell(apply, (struct apply_event){ .kind = APPLY_STEP_DONE,
				  .plan = drive->plan,
				  .step = what,
				  .outcome = changed ? OUTCOME_CHANGED : OUTCOME_UNCHANGED,
				  .done = schedule_done(drive->schedule) + 1,
				  .total = drive->plan->n_steps });
	feed(drive, (struct schedule_event){ SCHEDULE_STEP_DONE, .step = step, .changed = changed });
}

/* The world is not as expected, or the VM failed over to another host: worth another plan, once for each VM or GPU. */
static bool is_surprise(struct drive *drive, const struct step *step, const struct answer *answer, const char *subject)
{
	bool is_elsewhere = answer->error == HOST_NOT_FOUND && step->vm_id;
	if (drive->is_way_back || (answer->error != HOST_UNEXPECTED_FACTS && !is_elsewhere))
		return false;
	return g_hash_table_add(drive->apply->surprised, (gpointer)subject);
}

/* Reports it. A stop that failed may have been done all the same: whoever looks next finds out. */
static void take_failure(struct drive *drive, const struct step *step, const struct answer *answer, const char *subject)
{
	if (step->kind == STEP_STOP_VM)
		back_note_down(drive->apply, step, LEFT_UNSURE);
	const char *help = host_error_rows[answer->error].help;
	enum diag_code code = answer->error == HOST_LEASE_LOST ? D_LEASE_LOST : D_STEP_FAILED;
	struct arena *arena = drive->apply->arena;
	diag_add(drive->apply->diags, code, step->loc, subject, "step %u (%s) failed on '%s': %s%s%s", step->id,
		step_text(arena, step), step->host_name, answer_text(arena, answer), help && *help ? "; " : "",
		help ? help : "");
}

/* One that fails whatever is asked of it would be asked once for each VM and GPU: what is still owed there is named instead. */
static void count_failure(struct apply *apply, const struct step *step)
{
	const char *host = step->host_name;
	uint32_t n = GPOINTER_TO_UINT(g_hash_table_lookup(apply->failures, host)) + 1;
	g_hash_table_insert(apply->failures, (gpointer)host, GUINT_TO_POINTER(n));
	g_ptr_array_add(apply->frozen, (gpointer)retreat_frozen(apply->arena, step));
	if (n != HOST_FAILURES_MAX)
		return;
	char *subject = arena_printf(apply->arena, "host/%s", host);
	g_ptr_array_add(apply->frozen, arena_printf(apply->arena, "%s/all", subject));
	diag_add(apply->diags, D_HOST_LEFT_OUT, LOC_NONE, subject,
		"%d steps failed for good on '%s'; this run leaves it alone from here on", HOST_FAILURES_MAX, host);
}

static void on_step_failed(struct drive *drive, uint32_t step, const struct answer *answer)
{
	struct apply *apply = drive->apply;
	const struct step *what = &drive->plan->steps[step];
	const char *subject = subject_of_step(apply->arena, what);
	feed(drive, (struct schedule_event){ SCHEDULE_STEP_FAILED, .step = step,
			    .transient = host_error_rows[answer->error].transient });
	if (schedule_outcome(drive->schedule, step) != OUTCOME_FAILED)
		return;
	if (is_surprise(drive, what, answer, subject)) {
		drive->n_surprises++;
		apply->extra_stops += what->vm_id != NULL;
	} else {
		drive->n_failed++;
		apply->result->n_failed++;
		count_failure(apply, what);
		take_failure(drive, what, answer, subject);
	}
	tell_step(drive, APPLY_STEP_FAILED, step, answer_text(apply->arena, answer));
}

/* Steps that were waiting for their retry fail without another answer when something else ends the plan. */
static void count_given_up(struct drive *drive)
{
	for (uint32_t i = 0; i < drive->plan->n_steps; i++) {
		struct errand *errand = &drive->errands[i];
		bool waited = errand->pause != NULL;
		end_pause(errand);
		if (schedule_outcome(drive->schedule, i) == OUTCOME_SKIPPED && drive->end != SCHEDULE_HELD)
			drive->apply->result->n_skipped++;
		if (!waited || schedule_outcome(drive->schedule, i) != OUTCOME_FAILED)
			continue;
		const char *subject = subject_of_step(drive->apply->arena, &drive->plan->steps[i]);
		drive->apply->result->n_failed++;
		take_failure(drive, &drive->plan->steps[i], &errand->answer, subject);
	}
}

static void take_news(struct drive *drive)
{
	struct errand *errand;
	while (!drive->ended && (errand = g_queue_pop_head(&drive->due))) {
		if (errand->pause_over) {
			errand->pause_over = false;
			end_pause(errand);
			feed(drive, (struct schedule_event){ SCHEDULE_PAUSE_OVER, .step = errand->step });
		} else if (errand->answer.error == HOST_OK) {
			on_step_done(drive, errand->step, errand->answer.changed);
		} else {
			struct answer answer = errand->answer;
			on_step_failed(drive, errand->step, &answer);
		}
	}
}

static void tell_interrupts(struct drive *drive, uint32_t n)
{
	const char *message = n > 1 ? "interrupted again, stopping at once"
				    : "interrupted, bringing back what is down; once more stops at once";
	if (n > drive->apply->interrupts_told)
		apply_tell(drive->apply,
			(struct apply_event){ .kind = APPLY_INTERRUPTED, .plan = drive->plan, .message = message });
	drive->apply->interrupts_told = n;
}

/* On the way back a first interruption is what we are doing already. */
static void take_interrupts(struct drive *drive)
{
	uint32_t n = MIN(apply_interrupts(drive->apply), 2);
	tell_interrupts(drive, n);
	if (drive->is_way_back && n < 2)
		return;
	while (drive->n_interrupts < n && !drive->ended) {
		drive->n_interrupts++;
		feed(drive, (struct schedule_event){ SCHEDULE_INTERRUPT });
	}
}

/* The plan came to no end: who was down and was to be started may still be; and, where nobody waits any more, who was
 * being stopped. Whoever looks next knows better. */
static void note_left(struct drive *drive)
{
	struct apply *apply = drive->apply;
	bool is_cut = drive->end == SCHEDULE_STOP;
	for (uint32_t i = 0; i < drive->plan->n_steps; i++) {
		const struct step *step = &drive->plan->steps[i];
		enum step_outcome outcome = schedule_outcome(drive->schedule, i);
		bool is_done = outcome == OUTCOME_CHANGED || outcome == OUTCOME_UNCHANGED;
		bool is_under_way = is_cut && outcome == OUTCOME_RUNNING;
		bool is_owed =
			step->kind == STEP_START_VM && !is_done && vm_is_off(&drive->plan->observed->vms[step->vm]);
		apply->result->n_under_way += is_under_way;
		if (is_owed || (step->kind == STEP_STOP_VM && is_under_way))
			back_note_down(apply, step, is_under_way ? LEFT_UNSURE : LEFT_DOWN);
	}
}

static gboolean on_tick(gpointer user)
{
	(void)user;
	return G_SOURCE_CONTINUE; /* Only wakes the loop, so that an interruption is seen. */
}

static void turn(struct drive *drive)
{
	GMainContext *context = drive->apply->context;
	GSource *tick = g_timeout_source_new(TICK_MS);
	g_source_set_callback(tick, on_tick, NULL, NULL);
	g_source_attach(tick, context);
	feed(drive, (struct schedule_event){ SCHEDULE_BEGIN });
	while (!drive->ended) {
		take_interrupts(drive);
		take_news(drive);
		if (!drive->ended && g_queue_is_empty(&drive->due))
			g_main_context_iteration(context, TRUE);
	}
	g_source_destroy(tick);
	g_source_unref(tick);
	g_queue_clear(&drive->due);
}

/* After a second interruption requests may still be under way: only closing the sessions ends them. */
static void abandon(struct apply *apply)
{
	for (uint32_t i = 0; i < apply->n_links; i++) {
		struct link *link = &apply->links[i];
		if (!link->on_answer)
			continue;
		host_close(link->session);
		link->session = NULL;
		link->leased = false;
		if (link->timer) {
			g_source_destroy(link->timer);
			g_source_unref(link->timer);
			link->timer = NULL;
		}
		link->on_answer = NULL;
	}
}

enum drive_end drive_plan(struct apply *apply, const struct plan *plan, bool is_way_back)
{
	struct drive drive = { .apply = apply, .plan = plan, .is_way_back = is_way_back, .due = G_QUEUE_INIT };
	struct schedule_options options = {
		.retries = SCHEDULE_RETRIES,
		.pause_ms = apply->options->pause_ms ? apply->options->pause_ms : SCHEDULE_PAUSE_MS,
	};
	if (!is_way_back && plan->mode == PLAN_APPLY)
		options.gate = gate_new(apply->arena, plan);
	if (!is_way_back && plan == apply->retreat_of) {
		options.may = known_from_here;
		options.user = apply;
	}
	apply->plan = plan;
	drive.schedule = schedule_new(apply->arena, plan->steps, plan->n_steps, options);
	drive.errands = arena_array(apply->arena, struct errand, plan->n_steps);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		drive.errands[i] = (struct errand){ .drive = &drive, .step = i };
	turn(&drive);
	if (drive.end != SCHEDULE_FINISHED)
		note_left(&drive);
	abandon(apply);
	count_given_up(&drive);
	if (drive.end == SCHEDULE_STOP)
		return DRIVE_STOPPED;
	if (drive.end == SCHEDULE_FINISHED)
		return DRIVE_FINISHED;
	if (drive.end == SCHEDULE_HELD)
		return DRIVE_HELD;
	if (drive.n_interrupts)
		return DRIVE_INTERRUPTED;
	if (schedule_was_refused(drive.schedule) && !drive.n_failed && !drive.n_surprises)
		return DRIVE_REFUSED;
	if (schedule_was_shut(drive.schedule) && !drive.n_failed && !drive.n_surprises)
		return DRIVE_SHUT;
	return drive.n_failed || !drive.n_surprises ? DRIVE_FAILED : DRIVE_SURPRISED;
}
