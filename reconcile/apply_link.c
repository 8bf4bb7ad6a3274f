/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "base/clock.h"

static void on_reply(const struct request *request, const struct reply *reply, void *user);
static void on_progress(const struct request *request, uint32_t permille, const char *what, void *user);
static gboolean on_late(gpointer user);
static gboolean on_lost(gpointer user);

static void start_timer(struct link *link, GSource *timer, GSourceFunc on_time)
{
	link->timer = timer;
	g_source_set_callback(timer, on_time, link, NULL);
	g_source_attach(timer, link->apply->context);
}

void link_ask(struct link *link, const struct request *request, answer_fn *on_answer, progress_fn *progress, void *user)
{
	if (link->on_answer)
		BUG("host '%s' is asked while it answers", link->host);
	link->request = *request;
	link->request.run = link->apply->run_id;
	link->request.holder = link->apply->holder;
	link->request.now = apply_now(link->apply);
	link->on_answer = on_answer;
	link->on_progress = progress;
	link->user = user;
	if (!link->session) {
		start_timer(link, g_idle_source_new(), on_lost);
		return;
	}
	if (link->request.deadline_s)
		start_timer(link, g_timeout_source_new_seconds(link->request.deadline_s + APPLY_GRACE_S), on_late);
	host_submit(link->session, &link->request, on_reply, on_progress, link);
}

static void answer(struct link *link, const struct answer *answer)
{
	answer_fn *on_answer = link->on_answer;
	if (link->timer) {
		g_source_destroy(link->timer);
		g_source_unref(link->timer);
		link->timer = NULL;
	}
	link->on_answer = NULL;
	on_answer(link, answer, link->user);
}

static void on_reply(const struct request *request, const struct reply *reply, void *user)
{
	(void)request;
	answer(user, &(struct answer){ reply->error, reply->message, reply->changed, reply->epoch, reply->lease });
}

static void on_progress(const struct request *request, uint32_t permille, const char *what, void *user)
{
	struct link *link = user;
	if (link->on_progress)
		link->on_progress(request, permille, what, link->user);
}

/* A host that forgot its own deadline. Only closing the session takes the request back, and with it goes the lease. */
static gboolean on_late(gpointer user)
{
	struct link *link = user;
	host_close(link->session);
	link->session = NULL;
	link->leased = false;
	answer(link,
		&(struct answer){ .error = HOST_TIMEOUT, .message = "no answer in time; the connection was given up" });
	return G_SOURCE_REMOVE;
}

static gboolean on_lost(gpointer user)
{
	answer(user, &(struct answer){ .error = HOST_UNREACHABLE, .message = "the connection to the host is lost" });
	return G_SOURCE_REMOVE;
}

struct waiting {
	struct answer answer;
	bool answered;
};

static const struct lease *copy_lease(struct arena *arena, const struct lease *from)
{
	if (!from)
		return NULL;
	struct lease *lease = arena_copy(arena, from, sizeof(*from));
	lease->holder = arena_strdup(arena, from->holder);
	lease->run = arena_strdup(arena, from->run);
	return lease;
}

static void keep_answer(struct link *link, const struct answer *answer, void *user)
{
	struct waiting *waiting = user;
	struct arena *arena = link->apply->arena;
	waiting->answer = *answer;
	waiting->answer.message = arena_strdup(arena, answer->message);
	waiting->answer.lease = copy_lease(arena, answer->lease);
	waiting->answered = true;
}

static gboolean keep_turning(gpointer user)
{
	(void)user;
	return G_SOURCE_CONTINUE; /* Only wakes the loop, so that an interruption is seen. */
}

struct answer link_ask_wait(struct link *link, const struct request *request)
{
	struct waiting waiting = { 0 };
	GSource *tick = g_timeout_source_new(50);
	g_source_set_callback(tick, keep_turning, NULL, NULL);
	g_source_attach(tick, link->apply->context);
	link_ask(link, request, keep_answer, NULL, &waiting);
	while (!waiting.answered && apply_interrupts(link->apply) < 2)
		g_main_context_iteration(link->apply->context, TRUE);
	g_source_destroy(tick);
	g_source_unref(tick);
	if (waiting.answered)
		return waiting.answer;
	host_close(link->session);
	link->session = NULL;
	link->leased = false;
	keep_answer(link, &(struct answer){ .error = HOST_UNREACHABLE, .message = "interrupted" }, &waiting);
	if (link->timer) {
		g_source_destroy(link->timer);
		g_source_unref(link->timer);
		link->timer = NULL;
	}
	link->on_answer = NULL;
	return waiting.answer;
}

struct link *link_find(struct apply *apply, const char *host)
{
	for (uint32_t i = 0; host && i < apply->n_links; i++) {
		if (g_ascii_strcasecmp(apply->links[i].host, host) == 0)
			return &apply->links[i];
	}
	return NULL;
}

uint32_t apply_interrupts(const struct apply *apply)
{
	const volatile int *interrupts = apply->options->interrupts;
	return interrupts && *interrupts > 0 ? (uint32_t)*interrupts : 0;
}

int64_t apply_now(const struct apply *apply)
{
	return apply->options->run.now + apply->waited_s + (clock_monotonic_ms() - apply->started_ms) / 1000;
}

const char *answer_text(struct arena *arena, const struct answer *answer)
{
	const char *error = name_of(&host_error_names, answer->error);
	if (!answer->message || !*answer->message)
		return arena_strdup(arena, error);
	return arena_printf(arena, "%s: %s", error, answer->message);
}
