/* SPDX-License-Identifier: Apache-2.0 */
/* The decorator over simulated hosts: see play.h. */
#include "providers/host/sim.h"
#include "tests/torture/meddle.h"
#include "tests/torture/play.h"

#include <stdio.h>
#include <string.h>

struct stage_session {
	struct host_session base;
	struct process *process;
	GMainContext *context;
	struct host_session *inner; /* NULL: the connection is lost */
	const struct request *request;
	reply_fn *reply;
	void *user;
	GSource *source;
	enum fault_kind fault; /* of the request under way */
	bool again;            /* the duplicate is still to be sent */
};

static _Thread_local struct process *the_process;

void stage_set_process(struct process *process)
{
	the_process = process;
}

static const char *what_of(const struct stage_session *session, struct arena *arena, const struct request *request)
{
	const char *kind = name_of(&request_kind_names, request->kind);
	if (request->kind == REQUEST_STEP)
		return arena_printf(arena, "%s on %s", step_text(arena, request->step), session->base.host);
	if (request->vm_id)
		return arena_printf(arena, "%s %s on %s", kind, request->vm_id, session->base.host);
	return arena_printf(arena, "%s %s", kind, session->base.host);
}

/* ---- replies ---- */

static void end_source(struct stage_session *session)
{
	if (session->source) {
		g_source_destroy(session->source);
		g_source_unref(session->source);
	}
	session->source = NULL;
}

/* Another try does not help. */
static bool stays(enum host_error error)
{
	return error == HOST_FAILED || error == HOST_LEASE_LOST || error == HOST_DENIED;
}

static void answer(struct stage_session *session, const struct reply *reply)
{
	const struct request *request = g_steal_pointer(&session->request);
	if (request->kind == REQUEST_STEP && stays(reply->error))
		quiet_fail(&session->process->quiet, session->base.host);
	else
		quiet_answer(&session->process->quiet);
	if (session->process->play->tells && reply->error)
		printf("       %s answers %s\n", session->base.host, name_of(&host_error_names, (int)reply->error));
	session->reply(request, reply, session->user);
}

static void answer_error(struct stage_session *session, enum host_error error, const char *message)
{
	answer(session, &(struct reply){ .error = error, .message = message });
}

static void die(struct process *process)
{
	process->is_dead = true;
	process->interrupts = 2; /* the quickest way out */
	memory_set_dead(true);
}

static void lose_network(struct process *process)
{
	process->is_offline = true;
	stage_cut(process);
}

/* ---- what a call did ---- */

/* Who is brought back, after a failure or by another run than the one that stopped it, may be stopped once more. */
static void note_power(const struct stage_session *session, const struct view *before, const struct view *now)
{
	struct play *play = session->process->play;
	uint32_t at;
	for (uint32_t h = 0; h < before->n_states; h++)
		for (uint32_t v = 0; v < before->states[h].n_vms; v++) {
			const struct vm *was = &before->states[h].vms[v];
			const struct vm *is = view_vm(now, was->id, &at);
			bool is_anothers = was->debt && g_strcmp0(was->debt->run, session->process->run_id) != 0;
			if (is && !vm_is_running(was) && vm_is_running(is) &&
				(play->monitor.is_on_way_back || is_anothers))
				g_hash_table_add(play->brought_back, (gpointer)was->id);
			else if (is && vm_is_running(was) && !vm_is_running(is))
				play->n_excused += g_hash_table_remove(play->brought_back, was->id);
		}
}

static void note_step(struct stage_session *session, const struct reply *reply)
{
	struct play *play = session->process->play;
	struct view now = memory_view();
	uint32_t n_before = play->monitor.n_starts + play->monitor.n_stops;
	monitor_see(&play->monitor, &play->views[0], &now, session->process->run_id);
	if (play->monitor.n_starts + play->monitor.n_stops != n_before)
		note_power(session, &play->views[0], &now);
	if (play->monitor.broken && play->tells && !play->told)
		printf("       %s\n", play->monitor.broken);
	play->told |= play->monitor.broken != NULL;
	if (reply->changed || reply->error)
		play_note(play, now);
}

static void on_inner_reply(const struct request *request, const struct reply *reply, void *user)
{
	struct stage_session *session = user;
	if (request->kind != REQUEST_OBSERVE)
		note_step(session, reply);
	switch (session->fault) {
	case FAULT_TWICE:
		if (session->again) {
			session->again = false;
			host_submit(session->inner, request, on_inner_reply, NULL, session);
			return;
		}
		break;
	case FAULT_CRASH_AFTER:
		die(session->process);
		answer_error(session, HOST_UNREACHABLE, "the program has died");
		return;
	case FAULT_ERROR_AFTER:
		answer_error(session, HOST_TIMEOUT, "injected, after the effect");
		return;
	case FAULT_FAIL_AFTER:
		answer_error(session, HOST_FAILED, "injected, after the effect");
		return;
	case FAULT_LOST:
		host_close(g_steal_pointer(&session->inner));
		answer_error(session, HOST_UNREACHABLE, "injected, after the effect: the connection broke");
		return;
	case FAULT_LATE: /* nobody listens any more when it comes */
		return;
	default:
		break;
	}
	answer(session, reply);
}

/* ---- requests ---- */

static void answer_stale(struct stage_session *session, uint32_t age)
{
	const struct play *play = session->process->play;
	const struct view *view = &play->views[age];
	for (uint32_t h = 0; h < view->n_states; h++)
		if (strcmp(view->states[h].host.name, session->base.host) == 0)
			answer(session, &(struct reply){ .facts = &view->states[h], .late_known = true });
}

static bool is_refused(const struct stage_session *session)
{
	const struct process *process = session->process;
	struct play *play = process->play;
	return process->refuses && process->refused_kind == session->request->kind &&
	       strcmp(process->refused_what, what_of(session, play->arena, session->request)) == 0;
}

static gboolean on_due(gpointer user)
{
	struct stage_session *session = user;
	end_source(session);
	if (session->process->is_dead)
		answer_error(session, HOST_UNREACHABLE, "the program has died");
	else if (session->fault == FAULT_CUT)
		host_close(g_steal_pointer(&session->inner));
	else if (session->fault == FAULT_NETWORK && !session->process->is_offline)
		lose_network(session->process);
	if (session->request && !session->inner)
		answer_error(session, HOST_UNREACHABLE, "the connection is broken");
	else if (session->request && is_refused(session))
		answer_error(session, HOST_FAILED, "injected, no effect");
	else if (session->request && fault_is_stale(session->fault))
		answer_stale(session, session->fault - FAULT_STALE_1 + 1);
	else if (session->request)
		host_submit(session->inner, session->request, on_inner_reply, NULL, session);
	return G_SOURCE_REMOVE;
}

static bool somebody_meddles(struct play *play, enum fault_kind kind, const struct request *request)
{
	const char *wrong = NULL;
	if (!meddle(kind, play->scenario->spec, request->step, &play->meddled_vm, &wrong))
		return false;
	struct view now = memory_view();
	if (wrong && !play->monitor.broken)
		play->monitor.broken = arena_strdup(play->arena, wrong);
	monitor_see_others(&play->monitor, &now);
	play_note(play, now);
	return true;
}

/* The fault of this call, where it can be had. */
static enum fault_kind fault_of_call(struct stage_session *session, const struct request *request)
{
	struct play *play = session->process->play;
	enum fault_kind kind = FAULT_NONE;
	for (uint32_t i = 0; i < play->n_faults; i++)
		if (play->faults[i].call == play->n_calls)
			kind = play->faults[i].kind;
	if (fault_is_stale(kind) && (request->kind != REQUEST_OBSERVE || play->n_views <= kind - FAULT_STALE_1 + 1u))
		return FAULT_NONE;
	if (kind == FAULT_NONE || (fault_is_foreign(kind) && !somebody_meddles(play, kind, request)) ||
		(kind == FAULT_SOMEBODY_UNLOCKS && !meddle_unlock()))
		return FAULT_NONE;
	play->n_done++;
	play->kinds_done |= (uint64_t)1 << kind;
	play->monitor.is_lenient |= fault_is_failure(kind) || fault_is_foreign(kind) || fault_is_stale(kind);
	play->monitor.is_disturbed = true;
	play->monitor.is_meddled |= fault_is_foreign(kind);
	bool is_unobserved = request->kind == REQUEST_OBSERVE && !fault_is_foreign(kind) && !fault_is_stale(kind);
	bool is_lost = kind == FAULT_LOST || kind == FAULT_CUT || kind == FAULT_NETWORK || kind == FAULT_LATE;
	if (is_lost || is_unobserved)
		play->monitor.lost = arena_strdup(play->arena, session->base.host);
	play->monitor.is_unobserved |= request->kind == REQUEST_OBSERVE && play->monitor.lost;
	return kind;
}

static void look_at_quiet(const struct stage_session *session)
{
	const struct request *request = session->request;
	const struct step *step = request->kind == REQUEST_STEP ? request->step : NULL;
	struct play *play = session->process->play;
	const char *what = quiet_judge(play->arena, &session->process->quiet, &play->views[0], step);
	if (!play->monitor.broken)
		play->monitor.broken = what;
}

static enum ending_phase phase_of(enum request_kind kind)
{
	if (kind == REQUEST_STEP || kind == REQUEST_RECORD)
		return ENDING_WORKING;
	return kind == REQUEST_OBSERVE ? ENDING_PLANNING : ENDING_LOCKING;
}

/* Manifests neither expect it to be away nor leave it alone. */
static bool is_awaited(const struct play *play, const char *name)
{
	bool is = false;
	for (uint32_t c = 0; c < play->scenario->spec->n_clusters; c++) {
		const struct spec_host *host = cluster_find_host(&play->scenario->spec->clusters[c], name);
		is |= host && !host->maintenance && !host->exclude;
	}
	return is;
}

/* Whom a way back may leave as they are. */
static void note_whom(struct stage_session *session, enum fault_kind kind)
{
	struct process *process = session->process;
	const struct request *request = session->request;
	bool is_step = request->kind == REQUEST_STEP;
	process->may_leave |= kind == FAULT_NETWORK || kind == FAULT_INTERRUPT_TWICE ||
			      kind == FAULT_SOMEBODY_UNLOCKS || fault_is_stale(kind) || fault_is_foreign(kind) ||
			      process->ending.n_faults > 1;
	if (is_step && (kind == FAULT_FAIL || kind == FAULT_FAIL_AFTER))
		process->failed_vm = arena_strdup(process->play->arena, request->step->vm_id);
	else if (is_step ? kind == FAULT_LOST || kind == FAULT_CUT || kind == FAULT_LATE
			 : kind != FAULT_INTERRUPT && kind != FAULT_TWICE)
		process->lost_host = arena_strdup(process->play->arena, session->base.host);
}

static void befall(struct stage_session *session, enum fault_kind kind)
{
	struct process *process = session->process;
	process->is_meddled_early |= fault_is_foreign(kind) && process->phase < ENDING_WORKING;
	if (kind)
		ending_befall(&process->ending, kind, session->request->kind, process->phase,
			is_awaited(process->play, session->base.host));
	if (kind)
		note_whom(session, kind);
}

static void prepare(struct stage_session *session)
{
	struct process *process = session->process;
	struct play *play = process->play;
	if (session->fault == FAULT_CRASH_BEFORE)
		die(process);
	if (session->fault == FAULT_INTERRUPT || session->fault == FAULT_INTERRUPT_TWICE)
		process->interrupts = MAX(process->interrupts, session->fault == FAULT_INTERRUPT ? 1 : 2);
	if (process->interrupts)
		quiet_interrupt(&process->quiet);
	process->n_steps += session->request->kind == REQUEST_STEP;
	bool is_step = session->request->kind == REQUEST_STEP && process->n_steps == process->refuses_step;
	if (session->fault != FAULT_FAIL && !is_step)
		return;
	if (is_step)
		befall(session, FAULT_FAIL);
	play->monitor.is_lenient = play->monitor.is_disturbed = true;
	process->refuses = true;
	process->refused_kind = session->request->kind;
	process->refused_what = what_of(session, play->arena, session->request);
}

static void answer_soon(struct stage_session *session)
{
	if (session->source) /* a connection that was cut while it was being asked answers once */
		return;
	session->source = g_idle_source_new();
	g_source_set_priority(session->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(session->source, on_due, session, NULL);
	g_source_attach(session->source, session->context);
}

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	(void)progress;
	struct stage_session *session = (struct stage_session *)base;
	struct process *process = session->process;
	struct play *play = process->play;
	session->request = request;
	session->reply = reply;
	session->user = user;
	session->again = true;
	session->fault = FAULT_NONE;
	if (!process->is_dead) {
		if (play->before_call)
			play->before_call(process, play->user);
		play->n_calls++;
		play->n_steps += request->kind == REQUEST_STEP;
		process->phase = MAX(process->phase, phase_of(request->kind));
		session->fault = fault_of_call(session, request);
		look_at_quiet(session);
		befall(session, session->fault);
		if (play->tells)
			printf("%5u  %s: %s%s%s\n", play->n_calls, process->run_id,
				what_of(session, play->arena, request), session->fault ? "   <- " : "",
				session->fault ? name_of(&fault_names, session->fault) : "");
		prepare(session);
	}
	answer_soon(session);
}

void stage_cut(struct process *process)
{
	for (guint i = 0; i < process->sessions->len; i++) {
		struct stage_session *session = process->sessions->pdata[i];
		host_close(g_steal_pointer(&session->inner));
		if (session->request && !session->source) /* the host will not answer any more */
			answer_soon(session);
	}
}

/* ---- the provider ---- */

static char *inner_address(const struct process *process)
{
	const struct simulation *simulation = &process->play->scenario->simulation;
	return g_strdup_printf("sim:memory?pick=%s&seed=%" G_GUINT64_FORMAT,
		name_of(&pick_policy_names, (int)simulation->pick), simulation->seed);
}

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	g_autofree char *address = inner_address(the_process);
	struct endpoint behind = { .host = endpoint->host, .address = address };
	struct host_session *inner = NULL;
	if (sim_provider.open(context, &behind, &inner, diags) < 0)
		return -1;
	struct stage_session *session = g_new0(struct stage_session, 1);
	session->base.provider = &stage_provider;
	session->base.host = g_strdup(endpoint->host);
	session->process = the_process;
	session->context = context;
	session->inner = inner;
	if (the_process->is_offline)
		host_close(g_steal_pointer(&session->inner));
	g_ptr_array_add(the_process->sessions, session);
	*out = &session->base;
	return 0;
}

static void close_session(struct host_session *base)
{
	struct stage_session *session = (struct stage_session *)base;
	if (!session)
		return;
	end_source(session);
	g_ptr_array_remove_fast(session->process->sessions, session);
	host_close(session->inner);
	g_free((char *)session->base.host);
	g_free(session);
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	(void)address;
	g_autofree char *behind = inner_address(the_process);
	return sim_provider.list(behind, arena, names_out, n_out, diags);
}

const struct host_provider stage_provider = {
	.scheme = "stage",
	.doc = "simulated hosts of a torture test",
	.performs = true,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
