/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/sim.h"

#include "base/lock.h"
#include "providers/host/sim_lease.h"

#include <string.h>

struct sim_session {
	struct host_session base;
	GMainContext *context;
	struct sim_file *file;
	struct sim_options options;
	struct sim_lease lease;
	/* the request being carried out, one at a time */
	const struct request *request;
	reply_fn *reply;
	progress_fn *progress;
	void *user;
	GSource *source;
	struct sim_world *world; /* what 'answer' points into */
	struct reply answer;
	uint32_t waited_ms, wait_ms;
};

/* ---- address ---- */

static int parse_option(const char *key, const char *value, struct sim_options *out)
{
	guint64 number = 0;
	if (!strcmp(key, "pick")) {
		int policy = name_find(&pick_policy_names, value);
		out->has_pick = policy >= 0;
		out->pick = policy >= 0 ? policy : PICK_FIRST;
		return policy >= 0 ? 0 : -1;
	}
	if (!g_ascii_string_to_unsigned(value, 10, 0, strcmp(key, "speed") ? UINT64_MAX : UINT32_MAX, &number, NULL))
		return -1;
	if (!strcmp(key, "seed")) {
		out->has_seed = true;
		out->seed = number;
	} else if (!strcmp(key, "speed")) {
		out->has_speed = true;
		out->speed = number;
	} else {
		return -1;
	}
	return 0;
}

/* "sim:FILE?key=value&…". The path is the caller's to free. */
static int parse_address(const char *address, char **path_out, struct sim_options *out, struct diags *diags)
{
	const char *rest = g_str_has_prefix(address, "sim:") ? address + strlen("sim:") : address;
	g_auto(GStrv) parts = g_strsplit(rest, "?", 2);
	g_auto(GStrv) options = g_strsplit(parts[0] && parts[1] ? parts[1] : "", "&", -1);
	for (char **option = options; *option; option++) {
		g_auto(GStrv) pair = g_strsplit(*option, "=", 2);
		if (**option && (!pair[1] || parse_option(pair[0], pair[1], out)))
			return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL,
				"'%s' in '%s' is no option of simulated hosts; there are pick=first, last, seeded or "
				"adversarial, "
				"seed=NUMBER and speed=MILLISECONDS",
				*option, address);
	}
	if (!parts[0] || !*parts[0])
		return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' names no file; write sim:FILE", address);
	*path_out = g_strdup(parts[0]);
	return 0;
}

/* ---- carrying out ---- */

static struct sim_act begin(struct sim_session *session, struct sim_world *world)
{
	struct sim_act act = { .world = world, .options = &session->options, .request = session->request };
	act.self = sim_host(world, session->base.host);
	act.now = world->simulation && world->simulation->clock ? world->simulation->clock : session->request->now;
	return act;
}

static void observe(struct sim_session *session, struct sim_act *act)
{
	struct host_state *facts = arena_copy(act->world->arena, act->self, sizeof(*facts));
	if (act->now)
		facts->host.observed_at = act->now;
	if (facts->host.lease && sim_lease_is_dead(session->file, &session->lease, session->base.host))
		facts->host.lease = NULL;
	act->reply.facts = facts;
	act->reply.late_known = true;
}

static void act_on(struct sim_session *session, struct sim_act *act)
{
	struct reply *reply = &act->reply;
	switch (act->request->kind) {
	case REQUEST_OBSERVE:
		observe(session, act);
		break;
	case REQUEST_LEASE:
		reply->error = sim_lease_take(act, &session->lease);
		break;
	case REQUEST_EPOCH:
		reply->error = sim_lease_epoch(act, &session->lease);
		break;
	case REQUEST_RELEASE:
		reply->error = sim_lease_release(act, &session->lease);
		break;
	case REQUEST_END_LEASE:
		reply->error = sim_lease_end(session->file, act, &session->lease);
		break;
	case REQUEST_STEP:
	case REQUEST_RECORD:
	case REQUEST_SETTLE:
		reply->error = sim_lease_check(act, &session->lease);
		if (!reply->error && act->request->kind == REQUEST_STEP)
			sim_step(act);
		else if (!reply->error)
			reply->error = act->request->kind == REQUEST_RECORD ? sim_record(act) : sim_settle(act);
		break;
	default:
		reply->error = sim_refuse(act, HOST_PROTOCOL, "no such request");
	}
}

static void act_with_faults(struct sim_session *session, struct sim_act *act)
{
	const struct simulation_fault *fault = sim_fault(act);
	if (!fault || fault->after_effect)
		act_on(session, act);
	if (!fault || act->reply.error)
		return;
	act->reply = (struct reply){ 0 };
	act->vm = NULL;
	act->gpu = NULL;
	act->reply.error = sim_refuse(act, name_find(&host_error_names, fault->error), "scripted fault: %s%s",
		fault->error, fault->after_effect ? ", after the effect" : "");
}

/* The VM and GPU as they are now, as values that later requests do not change. */
static void read_again(struct sim_act *act)
{
	if (act->request->kind != REQUEST_STEP && act->request->kind != REQUEST_SETTLE)
		return;
	if (act->vm)
		act->reply.vm_after = arena_copy(act->world->arena, act->vm, sizeof(*act->vm));
	if (act->gpu)
		act->reply.gpu_after = arena_copy(act->world->arena, act->gpu, sizeof(*act->gpu));
}

static void advance_clock(const struct sim_act *act)
{
	struct simulation *simulation = act->world->simulation;
	if (simulation && simulation->clock && act->world->changed)
		simulation->clock += act->seconds;
}

static void fail(struct sim_session *session, enum host_error error, struct diags *diags, const char *message)
{
	const char *text = diags && diags->first ? diags->first->message : message;
	/* The findings go with their arena; the session's world may be none. */
	if (!session->world) {
		session->world = g_rc_box_new0(struct sim_world);
		session->world->arena = arena_new();
	}
	session->answer = (struct reply){ .error = error, .message = arena_strdup(session->world->arena, text) };
}

static bool is_read_only(const struct sim_session *session, const struct sim_world *world)
{
	return session->request->kind == REQUEST_OBSERVE && !(world->simulation && world->simulation->n_faults);
}

/* On a world that is locked, where the request may write. */
static void answer_from(struct sim_session *session, struct sim_world *world, struct diags *diags)
{
	struct sim_act act = begin(session, world);
	session->world = world;
	if (!act.self)
		return fail(session, HOST_UNREACHABLE, NULL, "the simulated world has no host of that name");
	if (sim_is_unreachable(world, session->base.host))
		return fail(session, HOST_UNREACHABLE, NULL, "the host does not answer");
	act_with_faults(session, &act);
	read_again(&act);
	advance_clock(&act);
	session->answer = act.reply;
	session->wait_ms = 0;
	uint32_t speed = session->options.has_speed ? session->options.speed
			 : world->simulation        ? world->simulation->speed_permille
						    : 0;
	if (session->request->kind == REQUEST_STEP)
		session->wait_ms = (uint32_t)MIN((uint64_t)speed * act.seconds, UINT32_MAX);
	if (world->changed && sim_file_save(session->file, world, diags))
		fail(session, HOST_FAILED, diags, "the world cannot be written");
	if (session->request->kind == REQUEST_RELEASE && !session->answer.error)
		sim_lease_unlock(&session->lease, session->base.host);
}

static void carry_out_locked(struct sim_session *session, struct diags *diags)
{
	if (session->lease.fd < 0)
		session->lease.fd = sim_file_lock_open(session->file);
	int result = session->lease.fd < 0 ? session->lease.fd : sim_file_lock_write(session->lease.fd);
	if (result < 0) {
		g_autofree char *message =
			g_strdup_printf("the lock file beside the world cannot be used: %s", g_strerror(-result));
		return fail(session, HOST_DENIED, NULL, message);
	}
	struct sim_world *world = sim_file_world(session->file, diags);
	if (world)
		answer_from(session, world, diags);
	else
		fail(session, HOST_FAILED, diags, "the world cannot be read");
	sim_file_unlock_write(session->lease.fd);
}

static void carry_out(struct sim_session *session)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct sim_world *world = NULL;
	session->answer = (struct reply){ 0 };
	session->wait_ms = session->waited_ms = 0;
	if (session->request->kind == REQUEST_OBSERVE) {
		world = sim_file_world(session->file, diags);
		if (!world)
			return fail(session, HOST_FAILED, diags, "the world cannot be read");
	}
	if (world && is_read_only(session, world))
		return answer_from(session, world, diags);
	sim_world_release(world);
	carry_out_locked(session, diags);
}

/* ---- replies ---- */

static void end_source(struct sim_session *session)
{
	if (session->source) {
		g_source_destroy(session->source);
		g_source_unref(session->source);
	}
	session->source = NULL;
}

/* The session may be closed, or given its next request, from within the reply. */
static void deliver(struct sim_session *session)
{
	const struct request *request = g_steal_pointer(&session->request);
	struct sim_world *world = g_steal_pointer(&session->world);
	struct reply answer = session->answer;
	end_source(session);
	session->reply(request, &answer, session->user);
	sim_world_release(world);
}

static void wait_for(struct sim_session *session, uint32_t ms, GSourceFunc then)
{
	end_source(session);
	session->source = ms ? g_timeout_source_new(ms) : g_idle_source_new();
	g_source_set_priority(session->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(session->source, then, session, NULL);
	g_source_attach(session->source, session->context);
}

static uint32_t tick_ms(const struct sim_session *session)
{
	return MIN(MAX(session->wait_ms / 20, 20), session->wait_ms - session->waited_ms);
}

static gboolean on_tick(void *user)
{
	struct sim_session *session = user;
	session->waited_ms += tick_ms(session);
	if (session->waited_ms >= session->wait_ms) {
		deliver(session);
		return G_SOURCE_REMOVE;
	}
	if (session->progress)
		session->progress(session->request, (uint32_t)((uint64_t)session->waited_ms * 1000 / session->wait_ms),
			name_of(&step_kind_names, session->request->step->kind), session->user);
	wait_for(session, tick_ms(session), on_tick);
	return G_SOURCE_REMOVE;
}

static gboolean on_submitted(void *user)
{
	struct sim_session *session = user;
	carry_out(session);
	if (session->wait_ms)
		wait_for(session, tick_ms(session), on_tick);
	else
		deliver(session);
	return G_SOURCE_REMOVE;
}

/* ---- the provider ---- */

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct sim_session *session = (struct sim_session *)base;
	if (session->request)
		BUG("two requests at a time for simulated host %s", base->host);
	session->request = request;
	session->reply = reply;
	session->progress = progress;
	session->user = user;
	wait_for(session, 0, on_submitted);
}

static void release_lease(struct sim_session *session)
{
	const struct request release = { .kind = REQUEST_RELEASE };
	session->request = &release;
	carry_out(session);
	session->request = NULL;
	sim_world_release(g_steal_pointer(&session->world));
}

static void close_session(struct host_session *base)
{
	struct sim_session *session = (struct sim_session *)base;
	if (!session)
		return;
	end_source(session);
	sim_world_release(g_steal_pointer(&session->world));
	if (session->lease.held)
		release_lease(session);
	lock_close(session->lease.fd);
	sim_file_close(session->file);
	g_free((char *)session->base.host);
	g_free(session);
}

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	g_autofree char *path = NULL;
	struct sim_options options = { 0 };
	struct sim_file *file = NULL;
	if (parse_address(endpoint->address, &path, &options, diags) || sim_file_open(context, path, &file, diags))
		return -1;
	struct sim_session *session = g_new0(struct sim_session, 1);
	session->base.provider = &sim_provider;
	session->base.host = g_strdup(endpoint->host);
	session->context = context;
	session->file = file;
	session->options = options;
	session->lease.fd = -1;
	*out = &session->base;
	return 0;
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	g_autofree char *path = NULL;
	struct sim_options options = { 0 };
	struct sim_file *file = NULL;
	if (parse_address(address, &path, &options, diags) || sim_file_open(NULL, path, &file, diags))
		return -1;
	struct sim_world *world = sim_file_world(file, diags);
	if (world) {
		const char **names = arena_array(arena, const char *, world->n_states);
		for (uint32_t i = 0; i < world->n_states; i++)
			names[i] = arena_strdup(arena, world->states[i]->host.name);
		*names_out = names;
		*n_out = world->n_states;
	}
	sim_world_release(world);
	sim_file_close(file);
	return world ? 0 : -1;
}

const struct host_provider sim_provider = {
	.scheme = "sim",
	.doc = "simulated hosts in a file of HostState documents: sim:FILE[?pick=POLICY&seed=N&speed=MS]",
	.performs = true,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
