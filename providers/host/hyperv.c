/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/hyperv.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/secret.h"
#include "providers/host/clixml.h"
#include "providers/host/hyperv/agent.h"
#include "providers/host/hyperv_parts.h"

#include <string.h>

enum { PROTOCOL = 1, ORDERLY_END_MS = 5000 };

uint32_t hyperv_beat_ms = 30000;

struct hyperv_session {
	struct host_session base;
	GMainContext *context;
	struct arena *arena;   /* what lasts as long as the session */
	struct secret *secret; /* the private key, or NULL */
	struct child *child;   /* NULL: the session is over, and 'broken' says why */
	enum host_error error;
	char *broken;
	GSource *hello_timer, *beat;
	bool bootstrapped, leased, any_name;
	uint32_t n_noise;
	struct hyperv_hello *hello;
	struct hyperv_examined *examined;
	struct hyperv_end *end;
	json_t *gpus; /* of the last observation */

	/* the request under way */
	const struct request *request;
	reply_fn *reply;
	progress_fn *progress;
	void *user;
	uint64_t id; /* of the last request sent */
	GSource *timer;
	struct hyperv_facts facts;
};

static void on_line(void *user, const char *line, size_t n_bytes);
static void on_ended(void *user);
static gboolean on_no_hello(void *user);
static gboolean on_late(void *user);
static gboolean on_broken(void *user);
static gboolean on_beat(void *user);

static void drop_source(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
	}
	*source = NULL;
}

static GSource *start_timer(struct hyperv_session *session, uint32_t ms, GSourceFunc on_time)
{
	GSource *timer = g_timeout_source_new(ms);
	g_source_set_callback(timer, on_time, session, NULL);
	g_source_attach(timer, session->context);
	return timer;
}

/* ---- answers ---- */

/* The session may be closed from within, so this comes last. */
static void answer(struct hyperv_session *session, const struct reply *reply)
{
	const struct request *request = g_steal_pointer(&session->request);
	drop_source(&session->timer);
	hyperv_facts_end(&session->facts);
	session->reply(request, reply, session->user);
}

/* A connection may be dead and neither end told of it, so an agent that holds the lease hears of us now and then. */
static void set_leased(struct hyperv_session *session, bool leased)
{
	session->leased = leased;
	if (!leased)
		drop_source(&session->beat);
	else if (!session->beat)
		session->beat = start_timer(session, hyperv_beat_ms, on_beat);
}

static gboolean on_beat(void *user)
{
	child_write(((struct hyperv_session *)user)->child, "\n", 1);
	return G_SOURCE_CONTINUE;
}

/* Nothing that still comes can be trusted, or nothing comes: the agent is ended, and a request under way answered. */
static void break_off(struct hyperv_session *session, enum host_error error, char *why)
{
	child_stop(g_steal_pointer(&session->child), 0);
	drop_source(&session->hello_timer);
	set_leased(session, false);
	session->error = error;
	g_free(session->broken);
	session->broken = why;
	if (session->request) {
		g_autofree char *message = g_strdup(why);
		answer(session, &(struct reply){ .error = error, .message = message });
	}
}

/* For who wants to know more of why than an error. */
static void note_end(struct hyperv_session *session, const char *words, const char *explanation)
{
	session->end = arena_new_of(session->arena, struct hyperv_end);
	*session->end = (struct hyperv_end){
		.bootstrapped = session->bootstrapped,
		.greeted = session->hello != NULL,
		.exit = child_exit(session->child),
		.words = arena_strdup(session->arena, words),
		.explanation = arena_strdup(session->arena, explanation),
	};
}

static char *words_of(const struct hyperv_session *session)
{
	size_t n;
	const char *bytes = child_words(session->child, &n);
	return clixml_words(bytes, n);
}

static void break_protocol(struct hyperv_session *session, const char *what)
{
	g_autofree char *words = words_of(session);
	note_end(session, words, what);
	break_off(session, HOST_PROTOCOL, g_strdup_printf("%s%s%s", what, *words ? "; the host says: " : "", words));
}

/* ---- lines of the agent ---- */

static const char *text_at(struct arena *arena, json_t *json, const char *key)
{
	return arena_strdup(arena, json_string_value(json_object_get(json, key)));
}

static enum tristate tri_at(json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);
	return json_is_boolean(value) ? (json_is_true(value) ? TRI_YES : TRI_NO) : TRI_UNKNOWN;
}

static struct hyperv_hello *read_hello(struct arena *arena, json_t *json)
{
	struct hyperv_hello *hello = arena_new_of(arena, struct hyperv_hello);
	json_t *modules = json_object_get(json, "modules");
	*hello = (struct hyperv_hello){
		.agent = text_at(arena, json, "agent"),
		.host = text_at(arena, json, "host"),
		.powershell = text_at(arena, json, "powershell"),
		.edition = text_at(arena, json, "edition"),
		.language_mode = text_at(arena, json, "languageMode"),
		.protocol = (uint64_t)json_integer_value(json_object_get(json, "protocol")),
		.os_build = (uint64_t)json_integer_value(json_object_get(json, "osBuild")),
		.hyper_v = text_at(arena, modules, "Hyper-V"),
		.failover_clusters = text_at(arena, modules, "FailoverClusters"),
		.pnp_device = text_at(arena, modules, "PnpDevice"),
		.cim_cmdlets = text_at(arena, modules, "CimCmdlets"),
		.elevated = tri_at(json, "elevated"),
		.hyper_v_administrator = tri_at(json, "hyperVAdministrator"),
		.network_logon = tri_at(json, "networkLogon"),
		.live_moves = tri_at(json, "liveMoves"),
	};
	return hello;
}

/* Windows' name of a computer has at most 15 characters, and no domain. */
static bool is_named(const char *computer, const char *host)
{
	enum { NETBIOS_MAX = 15 };
	size_t n = MIN(strcspn(host, "."), NETBIOS_MAX);
	return strlen(computer) == n && g_ascii_strncasecmp(computer, host, n) == 0;
}

static void take_hello(struct hyperv_session *session, json_t *json)
{
	drop_source(&session->hello_timer);
	session->hello = read_hello(session->arena, json);
	const struct hyperv_hello *hello = session->hello;
	if (hello->protocol != PROTOCOL || !hello->host)
		return break_protocol(session, "the agent's hello is of another version");
	if (!session->any_name && !is_named(hello->host, session->base.host))
		break_off(session, HOST_UNEXPECTED_FACTS,
			g_strdup_printf(
				"the host at that address calls itself '%s', not '%s'; correct the address, or the "
				"name in the manifests",
				hello->host, session->base.host));
}

static void take_progress(struct hyperv_session *session, json_t *json)
{
	const char *what = json_string_value(json_object_get(json, "what"));
	json_int_t permille = json_integer_value(json_object_get(json, "permille"));
	if (session->progress)
		session->progress(
			session->request, (uint32_t)CLAMP(permille, 0, 1000), what ? what : "", session->user);
}

static const struct lease *read_lease(struct arena *arena, json_t *json)
{
	if (!json_is_object(json))
		return NULL;
	struct lease *lease = arena_new_of(arena, struct lease);
	const char *since = json_string_value(json_object_get(json, "since"));
	lease->holder = text_at(arena, json, "holder");
	lease->run = text_at(arena, json, "run");
	if (since)
		clock_parse(since, &lease->since);
	return lease;
}

static enum host_error error_of(json_t *error)
{
	const char *kind = json_string_value(json_object_get(error, "kind"));
	int found = kind ? name_find(&host_error_names, kind) : -1;
	return found > HOST_OK ? (enum host_error)found : HOST_FAILED;
}

/* The host's own words, and the id by which they can be looked up. */
static const char *message_of(struct arena *arena, json_t *error)
{
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *id = json_string_value(json_object_get(error, "id"));
	const char *code = json_string_value(json_object_get(error, "hresult"));
	if (!id)
		return arena_strdup(arena, message);
	return arena_printf(arena, "%s (%s%s%s)", message ? message : "", id, code ? ", " : "", code ? code : "");
}

static void take_observed(struct hyperv_session *session, struct arena *arena, json_t *json, struct reply *out)
{
	out->error = hyperv_facts_read(arena, &session->facts, session->base.host, json, session->hello->live_moves,
		&out->facts, &out->message);
	out->facts_arena = arena;
	out->late_known = json_array_size(json_object_get(json, "moving")) == 0;
	if (out->error != HOST_OK)
		return;
	json_decref(session->gpus);
	session->gpus = json_incref(session->facts.gpus);
}

static void take_reply(struct hyperv_session *session, json_t *json)
{
	g_autoptr(arena_auto) arena = arena_new();
	json_t *error = json_object_get(json, "error");
	const char *how = json_string_value(json_object_get(json, "reply"));
	struct reply reply = { .changed = json_is_true(json_object_get(json, "changed")) };
	if (g_strcmp0(how, "done") != 0 && !json_is_object(error))
		return break_protocol(session, "a reply is neither 'done' nor has an error");
	if (error) {
		reply.error = error_of(error);
		reply.message = message_of(arena, error);
	} else if (session->request->kind == REQUEST_OBSERVE) {
		take_observed(session, arena, json, &reply);
	}
	if (session->request->examine && reply.error && !reply.facts)
		reply.facts = hyperv_facts_part(arena, &session->facts, session->base.host);
	reply.lease = read_lease(arena, json_object_get(json, "lease"));
	json_t *epoch = json_object_get(json, "epoch");
	if (json_is_integer(epoch))
		reply.epoch = KNOWN((uint64_t)json_integer_value(epoch));
	reply.vm_after = hyperv_read_vm(arena, session->gpus, json_object_get(json, "vm"), session->base.host);
	reply.gpu_after = hyperv_read_gpu(arena, json_object_get(json, "gpu"), session->base.host);
	if (session->request->kind == REQUEST_LEASE && !reply.error)
		set_leased(session, true);
	if (session->request->kind == REQUEST_RELEASE && !reply.error)
		set_leased(session, false);
	answer(session, &reply);
}

/* A line about an earlier request came late, or twice: it was answered. One about a later one makes no sense. */
static void take_answer(struct hyperv_session *session, json_t *json)
{
	json_t *id_json = json_object_get(json, "id"), *progress = json_object_get(json, "progress"),
	       *examined = json_object_get(json, "examined");
	uint64_t id = json_is_integer(id_json) ? (uint64_t)json_integer_value(id_json) : 0;
	if (id == 0 || id > session->id)
		return break_protocol(session, "a line answers a request that was never made");
	if (id < session->id || !session->request)
		return;
	if (json_object_get(json, "reply"))
		return take_reply(session, json);
	if (progress)
		return take_progress(session, progress);
	if (examined) {
		session->examined = hyperv_read_examined(session->arena, examined);
		return;
	}
	g_autofree char *fault = hyperv_facts_add(&session->facts, json);
	if (fault)
		break_protocol(session, fault);
}

static void take_bootstrap(struct hyperv_session *session, json_t *json)
{
	const char *what = json_string_value(json);
	session->bootstrapped = true;
	if (g_strcmp0(what, "hash-mismatch") == 0)
		break_protocol(session, "what arrived there is not the agent that was sent (its SHA-256 differs)");
	else if (what)
		break_protocol(session,
			"PowerShell came up and its standard input ended at once; something there swallows it");
}

/* Of what a login script or a module prints, nothing begins like an object. */
static void take_noise(struct hyperv_session *session)
{
	if (++session->n_noise > HYPERV_NOISE_MAX)
		break_protocol(session, "it writes many lines that are not the agent's");
}

static void on_line(void *user, const char *line, size_t n_bytes)
{
	struct hyperv_session *session = user;
	if (n_bytes == 0 || *line != '{')
		return take_noise(session);
	json_error_t error;
	json_auto_t *json = json_loadb(line, n_bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		g_autofree char *what = g_strdup_printf("a line of %zu bytes is no JSON: %s", n_bytes, error.text);
		return break_protocol(session, what);
	}
	json_t *hello = json_object_get(json, "hello"), *bootstrap = json_object_get(json, "bootstrap");
	if (bootstrap)
		take_bootstrap(session, bootstrap);
	else if (hello && !session->hello)
		take_hello(session, hello);
	else if (!session->hello)
		break_protocol(session, "it answers before it said hello");
	else
		take_answer(session, json);
}

/* ---- its end ---- */

static void on_ended(void *user)
{
	struct hyperv_session *session = user;
	g_autofree char *words = words_of(session);
	int code = child_exit(session->child);
	const char *what = session->hello          ? "the agent ended"
			   : session->bootstrapped ? "PowerShell ended before the agent said hello"
						   : "no PowerShell came up there";
	if (child_wrote_too_long(session->child))
		return break_protocol(session, "it writes a line that is too long");
	note_end(session, words, what);
	g_autoptr(GString) text = g_string_new(what);
	if (code >= 0)
		g_string_append_printf(text, " (exit code %d)", code);
	if (*words)
		g_string_append_printf(text, ": %s", words);
	break_off(session, HOST_UNREACHABLE, g_strdup(text->str));
}

static gboolean on_no_hello(void *user)
{
	struct hyperv_session *session = user;
	g_autofree char *words = words_of(session);
	const char *what = session->bootstrapped ? "PowerShell came up, and its agent did not say hello"
						 : "no PowerShell came up there";
	g_autofree char *text = g_strdup_printf("%s within %d seconds", what, HYPERV_HELLO_DEADLINE_S);
	note_end(session, words, text);
	break_off(session, HOST_UNREACHABLE, g_strdup_printf("%s%s%s", text, *words ? ": " : "", words));
	return G_SOURCE_REMOVE;
}

/* The agent may still be at it, and its answer comes late: it is passed over by its id. */
static gboolean on_late(void *user)
{
	struct hyperv_session *session = user;
	g_autofree char *message = g_strdup_printf("no answer within %u seconds", session->request->deadline_s);
	answer(session, &(struct reply){ .error = HOST_TIMEOUT, .message = message });
	return G_SOURCE_REMOVE;
}

static gboolean on_broken(void *user)
{
	struct hyperv_session *session = user;
	g_autofree char *message = g_strdup(session->broken);
	answer(session, &(struct reply){ .error = session->error, .message = message });
	return G_SOURCE_REMOVE;
}

/* ---- the vtable ---- */

static void submit(
	struct host_session *base, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	enum { BEFORE_MS = 250 }; /* a caller's own clock must not be first: we know more of why */
	struct hyperv_session *session = (struct hyperv_session *)base;
	if (session->request)
		BUG("two requests at a time for host %s", base->host);
	session->request = request;
	session->reply = reply;
	session->progress = progress;
	session->user = user;
	if (!session->child) {
		session->timer = start_timer(session, 0, on_broken);
		return;
	}
	hyperv_facts_begin(&session->facts);
	g_autofree char *line = hyperv_line(request, ++session->id);
	child_write(session->child, line, strlen(line));
	if (request->deadline_s)
		session->timer = start_timer(
			session, (uint32_t)MIN((uint64_t)request->deadline_s * 1000, UINT32_MAX) - BEFORE_MS, on_late);
}

static const struct child_events events = { on_line, on_ended };

static int start_agent(struct hyperv_session *session, const struct hyperv_start *start, struct diags *diags)
{
	const struct child_spec spec = { .argv = start->argv, .set = start->set, .line_max = HYPERV_LINE_MAX };
	g_autofree char *error = NULL;
	session->child = child_start(session->context, &spec, &events, session, &error);
	if (!session->child)
		return diag_add(diags, D_HOST_UNOBSERVED, LOC_NONE, NULL, "host '%s': '%s' cannot be run: %s",
			session->base.host, start->argv[0], error);
	child_write(session->child, agent_script, strlen(agent_script));
	child_write(session->child, "#end\n", strlen("#end\n"));
	session->hello_timer = start_timer(session, HYPERV_HELLO_DEADLINE_S * 1000, on_no_hello);
	return 0;
}

static void session_free(struct hyperv_session *session)
{
	drop_source(&session->timer);
	drop_source(&session->hello_timer);
	drop_source(&session->beat);
	hyperv_facts_end(&session->facts);
	json_decref(session->gpus);
	secret_close(session->secret);
	g_main_context_unref(session->context);
	arena_free(session->arena);
	g_free(session->broken);
	g_free((char *)session->base.host);
	g_free(session);
}

static int open_secret(struct hyperv_session *session, const struct endpoint *endpoint, struct diags *diags)
{
	if (!endpoint->credential)
		return 0;
	if (session->base.provider == &hyperv_local_provider)
		return diag_add(diags, D_HOST_CREDENTIAL, LOC_NONE, NULL,
			"host '%s' is this machine, which needs no credential; remove it", endpoint->host);
	g_autofree char *subject = g_strdup_printf("host/%s", endpoint->host);
	return secret_open(endpoint->credential, D_HOST_CREDENTIAL, subject, &session->secret, diags);
}

static int open_session(GMainContext *context, const struct endpoint *endpoint, const struct host_provider *provider,
	struct host_session **out, struct diags *diags)
{
	struct hyperv_start start;
	struct hyperv_session *session = g_new0(struct hyperv_session, 1);
	session->base.provider = provider;
	session->base.host = g_strdup(endpoint->host);
	session->any_name = endpoint->any_name;
	session->context = g_main_context_ref(context);
	session->arena = arena_new();
	if (open_secret(session, endpoint, diags) < 0 ||
		hyperv_start_of(session->arena, endpoint, session->secret ? secret_path(session->secret) : NULL, &start,
			diags) < 0 ||
		start_agent(session, &start, diags) < 0) {
		session_free(session);
		return -1;
	}
	*out = &session->base;
	return 0;
}

/* An agent that holds the lease is let end by itself, which gives it back; another has nothing to lose. */
static void close_session(struct host_session *base)
{
	struct hyperv_session *session = (struct hyperv_session *)base;
	if (!session)
		return;
	drop_source(&session->beat);
	child_stop(session->child, session->leased ? ORDERLY_END_MS : 0);
	session_free(session);
}

/* NULL: of another provider. */
static const struct hyperv_session *ours(const struct host_session *session)
{
	bool is_ours = session->provider == &hyperv_local_provider || session->provider == &hyperv_ssh_provider;
	return is_ours ? (const struct hyperv_session *)session : NULL;
}

const struct hyperv_hello *hyperv_hello(const struct host_session *session)
{
	const struct hyperv_session *of = ours(session);
	return of ? of->hello : NULL;
}

const struct hyperv_examined *hyperv_examined(const struct host_session *session)
{
	const struct hyperv_session *of = ours(session);
	return of ? of->examined : NULL;
}

const struct hyperv_end *hyperv_end(const struct host_session *session)
{
	const struct hyperv_session *of = ours(session);
	return of ? of->end : NULL;
}

static int open_local(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	return open_session(context, endpoint, &hyperv_local_provider, out, diags);
}

static int open_ssh(
	GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	return open_session(context, endpoint, &hyperv_ssh_provider, out, diags);
}

const struct host_provider hyperv_local_provider = {
	.scheme = "local",
	.doc = "this machine, a Hyper-V host, through its own PowerShell: local:",
	.performs = true,
	.open = open_local,
	.submit = submit,
	.close = close_session,
	.list = hyperv_list,
};

const struct host_provider hyperv_ssh_provider = {
	.scheme = "ssh",
	.doc = "a Hyper-V host, through the system's ssh: ssh://USER@HOST[:PORT]",
	.performs = true,
	.open = open_ssh,
	.submit = submit,
	.close = close_session,
	.list = hyperv_list,
};
