/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/fault.h"

#include <string.h>

#define FAULT_WHATS(X) \
	X(FAULT_BEFORE, "before") \
	X(FAULT_AFTER, "after") X(FAULT_DROP, "drop") X(FAULT_DUPLICATE, "duplicate") X(FAULT_DELAY, "delay")
enum fault_what { FAULT_WHATS(NAMES_ENUM) FAULT_WHAT_COUNT };
NAMES_DEFINE(what_names, FAULT_WHATS);

enum { DELAY_MS = 20 };

struct fault_counter { /* of one address in one context; freed with its last session */
	uint32_t n_seen, n_users;
};

struct fault_rule {
	uint32_t nth;
	bool always;
	enum fault_what what;
	enum request_kind kind;
	enum host_error error;
};

struct fault_session {
	struct host_session base;
	GMainContext *context;
	struct host_session *inner; /* NULL: the connection is lost */
	struct fault_rule rule;
	GQuark key;
	struct fault_counter *counter;
	const struct request *request;
	reply_fn *reply;
	progress_fn *progress;
	void *user;
	bool again; /* the duplicate is still to be sent */
	GSource *source;
};

/* ---- address ---- */

static int parse_pair(const char *key, const char *value, struct fault_rule *rule)
{
	guint64 number = 0;
	int name = -1;
	if (!strcmp(key, "what")) {
		name = name_find(&what_names, value);
		rule->what = name;
	} else if (!strcmp(key, "kind")) {
		name = name_find(&request_kind_names, value);
		rule->kind = name;
	} else if (!strcmp(key, "error")) {
		name = name_find(&host_error_names, value);
		rule->error = name;
	} else if (!strcmp(key, "nth") || !strcmp(key, "always")) {
		if (!g_ascii_string_to_unsigned(value, 10, 0, UINT32_MAX, &number, NULL))
			return -1;
		name = 0;
		if (*key == 'n')
			rule->nth = (uint32_t)number;
		else
			rule->always = number != 0;
	}
	return name < 0 ? -1 : 0;
}

/* The address behind the comma, or NULL with a finding. */
static const char *parse_address(const char *address, struct fault_rule *rule, struct diags *diags)
{
	const char *rest = address + strlen("fault:"), *comma = strchr(rest, ',');
	g_autofree char *text = g_strndup(rest, comma ? (size_t)(comma - rest) : 0);
	g_auto(GStrv) pairs = g_strsplit(text, "&", -1);
	*rule = (struct fault_rule){ .nth = 1, .kind = REQUEST_STEP, .error = HOST_UNREACHABLE };
	for (char **pair = pairs; *pair && comma; pair++) {
		g_auto(GStrv) halves = g_strsplit(*pair, "=", 2);
		if (!halves[0] || !halves[1] || parse_pair(halves[0], halves[1], rule))
			comma = NULL;
	}
	if (comma)
		return comma + 1;
	diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' is no fault; write fault:nth=N&what=before,ADDRESS",
		address);
	return NULL;
}

/* ---- counting ---- */

static struct fault_counter *counter_acquire(GMainContext *context, GQuark key)
{
	struct fault_counter *counter = g_dataset_id_get_data(context, key);
	if (!counter) {
		counter = g_new0(struct fault_counter, 1);
		g_dataset_id_set_data_full(context, key, counter, g_free);
	}
	counter->n_users++;
	return counter;
}

static void counter_release(struct fault_session *session)
{
	if (!--session->counter->n_users)
		g_dataset_id_remove_data(session->context, session->key);
}

static bool is_due(struct fault_session *session, const struct request *request)
{
	const struct fault_rule *rule = &session->rule;
	if (request->kind != rule->kind)
		return false;
	uint32_t n = ++session->counter->n_seen;
	return n == rule->nth || (rule->always && n > rule->nth);
}

/* ---- requests ---- */

static void end_source(struct fault_session *session)
{
	if (session->source) {
		g_source_destroy(session->source);
		g_source_unref(session->source);
	}
	session->source = NULL;
}

static void wait_for(struct fault_session *session, uint32_t ms, GSourceFunc then)
{
	end_source(session);
	session->source = ms ? g_timeout_source_new(ms) : g_idle_source_new();
	g_source_set_priority(session->source, G_PRIORITY_DEFAULT);
	g_source_set_callback(session->source, then, session, NULL);
	g_source_attach(session->source, session->context);
}

static void answer(struct fault_session *session, enum host_error error, const char *message)
{
	const struct request *request = g_steal_pointer(&session->request);
	const struct reply reply = { .error = error, .message = message };
	end_source(session);
	session->reply(request, &reply, session->user);
}

static gboolean on_refused(void *user)
{
	struct fault_session *session = user;
	answer(session, session->inner ? session->rule.error : HOST_UNREACHABLE, "injected fault, before the effect");
	return G_SOURCE_REMOVE;
}

static gboolean on_delayed(void *user)
{
	struct fault_session *session = user;
	const struct request *request = g_steal_pointer(&session->request);
	end_source(session);
	host_submit(session->inner, request, session->reply, session->progress, session->user);
	return G_SOURCE_REMOVE;
}

static void on_inner_reply(const struct request *request, const struct reply *reply, void *user)
{
	struct fault_session *session = user;
	if (session->rule.what == FAULT_DUPLICATE) {
		if (session->again) {
			session->again = false;
			host_submit(session->inner, request, on_inner_reply, NULL, session);
			return;
		}
		session->request = NULL;
		session->reply(request, reply, session->user);
		return;
	}
	if (session->rule.what == FAULT_DROP)
		host_close(g_steal_pointer(&session->inner));
	answer(session, session->rule.error, "injected fault, after the effect");
}

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	struct fault_session *session = (struct fault_session *)base;
	bool due = session->inner && is_due(session, request);
	if (session->inner && !due) {
		host_submit(session->inner, request, reply, progress, user);
		return;
	}
	session->request = request;
	session->reply = reply;
	session->progress = progress;
	session->user = user;
	session->again = true;
	if (!session->inner || session->rule.what == FAULT_BEFORE)
		wait_for(session, 0, on_refused);
	else if (session->rule.what == FAULT_DELAY)
		wait_for(session, DELAY_MS, on_delayed);
	else
		host_submit(session->inner, request, on_inner_reply, NULL, session);
}

/* ---- the provider ---- */

static int open_session(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	struct fault_rule rule;
	struct endpoint behind = *endpoint;
	struct host_session *inner = NULL;
	behind.address = parse_address(endpoint->address, &rule, diags);
	if (!behind.address || host_open(context, &behind, &inner, diags))
		return -1;
	struct fault_session *session = g_new0(struct fault_session, 1);
	session->base.provider = &fault_provider;
	session->base.host = g_strdup(endpoint->host);
	session->context = context ? context : g_main_context_default();
	session->inner = inner;
	session->rule = rule;
	session->key = g_quark_from_string(endpoint->address);
	session->counter = counter_acquire(session->context, session->key);
	*out = &session->base;
	return 0;
}

static void close_session(struct host_session *base)
{
	struct fault_session *session = (struct fault_session *)base;
	if (!session)
		return;
	end_source(session);
	host_close(session->inner);
	counter_release(session);
	g_free((char *)session->base.host);
	g_free(session);
}

static int list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	struct fault_rule rule;
	const char *behind = parse_address(address, &rule, diags);
	const struct host_provider *provider = behind ? host_provider_for(behind, diags) : NULL;
	if (!provider)
		return -1;
	if (!provider->list)
		return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' does not hold several hosts", behind);
	return provider->list(behind, arena, names_out, n_out, diags);
}

const struct host_provider fault_provider = {
	.scheme = "fault",
	.doc = "spoils one request of another provider, for tests: fault:nth=N&what=before,ADDRESS",
	.performs = true,
	.open = open_session,
	.submit = submit,
	.close = close_session,
	.list = list,
};
