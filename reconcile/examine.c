/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/examine.h"

#include "base/clock.h"
#include "model/host_copy.h"

struct examination {
	struct arena *arena;
	GMainContext *context;
	struct host_session *session; /* open until the end, for it owns what its agent said */
	struct doctor_facts facts;
	bool answered, late;
};

static void on_reply(const struct request *request, const struct reply *reply, void *user)
{
	struct examination *examination = user;
	struct doctor_facts *facts = &examination->facts;
	(void)request;
	examination->answered = true;
	facts->answered_at = clock_now();
	facts->error = reply->error;
	facts->message = arena_strdup(examination->arena, reply->message);
	if (reply->facts)
		facts->state = host_state_copy(examination->arena, reply->facts);
}

static gboolean on_late(void *user)
{
	((struct examination *)user)->late = true;
	return G_SOURCE_CONTINUE;
}

static void ask(struct examination *examination)
{
	struct doctor_facts *facts = &examination->facts;
	facts->asked_at = clock_now();
	const struct request request = {
		.kind = REQUEST_OBSERVE, .now = facts->asked_at, .deadline_s = EXAMINE_DEADLINE_S, .examine = true
	};
	GSource *timer = g_timeout_source_new_seconds(EXAMINE_DEADLINE_S);
	g_source_set_callback(timer, on_late, examination, NULL);
	g_source_attach(timer, examination->context);
	host_submit(examination->session, &request, on_reply, NULL, examination);
	while (!examination->answered && !examination->late)
		g_main_context_iteration(examination->context, TRUE);
	g_source_destroy(timer);
	g_source_unref(timer);
	if (!examination->answered) { /* a provider that forgot its own deadline: nothing of it is used any more */
		facts->error = HOST_TIMEOUT;
		facts->answered_at = clock_now();
	}
	facts->end = hyperv_end(examination->session);
	facts->hello = hyperv_hello(examination->session);
	facts->examined = hyperv_examined(examination->session);
}

/* 0, or -1 with findings: it is the address that is wrong. */
static int open_host(struct examination *examination, const struct endpoint *endpoint, struct diags *diags)
{
	struct diags *found = diags_new(examination->arena);
	if (host_open(examination->context, endpoint, &examination->session, found) == 0)
		return 0;
	if (!examination->facts.has_agent || found->exit == EXIT_BAD_INPUT) {
		diags_append(diags, found);
		return -1;
	}
	examination->facts.not_opened = found->first->message;
	examination->facts.error = HOST_UNREACHABLE;
	return 0;
}

struct examination *examine(const struct endpoint *endpoint, struct diags *diags)
{
	const struct host_provider *provider = host_provider_for(endpoint->address, diags);
	if (!provider)
		return NULL;
	struct examination *examination = g_new0(struct examination, 1);
	examination->arena = arena_new();
	examination->context = g_main_context_new();
	examination->facts = (struct doctor_facts){
		.host = endpoint->host,
		.address = endpoint->address,
		.has_agent = provider == &hyperv_local_provider || provider == &hyperv_ssh_provider,
	};
	if (open_host(examination, endpoint, diags) < 0) {
		examination_free(examination);
		return NULL;
	}
	if (examination->session)
		ask(examination);
	return examination;
}

const struct doctor_facts *examination_facts(const struct examination *examination)
{
	return &examination->facts;
}

void examination_free(struct examination *examination)
{
	if (!examination)
		return;
	host_close(examination->session);
	g_main_context_unref(examination->context);
	arena_free(examination->arena);
	g_free(examination);
}
