/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world as simulated hosts, for tests: the world is written to a file of a folder that goes with the bench, sessions
 * are opened on it, and requests are asked one by one, each answer copied out of the reply.
 */
#pragma once
#include "model/host_copy.h"
#include "providers/host/host.h"
#include "schema/state.h"

#include <glib/gstdio.h>

enum { BENCH_SESSIONS_MAX = 8 };

struct bench {
	struct arena *arena;
	struct diags *diags;
	GMainContext *context;
	char *folder, *path;
	const char *options; /* "?pick=last", or "" */
	struct host_session *sessions[BENCH_SESSIONS_MAX];
	uint32_t n_sessions;
	const char *run;
	bool waiting;
	uint32_t n_progress;
	struct reply reply;
};

static inline void bench_write(struct bench *bench, const struct world *world, const struct simulation *simulation)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (simulation)
		simulation_write_yaml(text, simulation);
	for (uint32_t h = 0; h < world->n_hosts; h++) {
		g_string_append(text, "---\n");
		state_write_yaml(text, world_host_state(bench->arena, world, h));
	}
	if (!g_file_set_contents(bench->path, text->str, (gssize)text->len, NULL))
		g_error("cannot write %s", bench->path);
}

static inline void bench_init(struct bench *bench, const struct world *world, const struct simulation *simulation)
{
	*bench = (struct bench){ .arena = arena_new(), .context = g_main_context_new(), .options = "", .run = "run-1" };
	bench->diags = diags_new(bench->arena);
	bench->folder = g_dir_make_tmp("hvgpu-test-XXXXXX", NULL);
	bench->path = g_build_filename(bench->folder, "world.yaml", NULL);
	if (world)
		bench_write(bench, world, simulation);
}

static inline struct host_session *bench_open(struct bench *bench, const char *scheme, const char *host)
{
	struct endpoint endpoint = { .host = host,
		.address = arena_printf(bench->arena, "%s:%s%s", scheme, bench->path, bench->options) };
	struct host_session *session = NULL;
	if (host_open(bench->context, &endpoint, &session, bench->diags))
		return NULL;
	bench->sessions[bench->n_sessions++] = session;
	return session;
}

static inline void bench_close(struct bench *bench, struct host_session *session)
{
	for (uint32_t i = 0; i < bench->n_sessions; i++)
		if (bench->sessions[i] == session)
			bench->sessions[i] = NULL;
	host_close(session);
}

static inline void bench_done(struct bench *bench)
{
	g_autofree char *lock = g_strconcat(bench->path, ".lock", NULL);
	for (uint32_t i = 0; i < bench->n_sessions; i++)
		host_close(bench->sessions[i]);
	g_unlink(bench->path);
	g_unlink(lock);
	g_rmdir(bench->folder);
	g_free(bench->path);
	g_free(bench->folder);
	g_main_context_unref(bench->context);
	arena_free(bench->arena);
}

static inline const struct vm *bench_copy_vm(struct arena *arena, const struct vm *vm)
{
	struct vm copy = *vm;
	struct host_state wrap = { .host = { .name = "" }, .vms = &copy, .n_vms = 1 };
	return host_state_copy(arena, &wrap)->vms;
}

static inline const struct gpu *bench_copy_gpu(struct arena *arena, const struct gpu *gpu)
{
	struct gpu copy = *gpu;
	struct host_state wrap = { .host = { .name = "" }, .gpus = &copy, .n_gpus = 1 };
	return host_state_copy(arena, &wrap)->gpus;
}

static inline void bench_replied(const struct request *request, const struct reply *reply, void *user)
{
	struct bench *bench = user;
	(void)request;
	bench->waiting = false;
	bench->reply = *reply;
	bench->reply.message = arena_strdup(bench->arena, reply->message);
	if (reply->facts)
		bench->reply.facts = host_state_copy(bench->arena, reply->facts);
	if (reply->vm_after)
		bench->reply.vm_after = bench_copy_vm(bench->arena, reply->vm_after);
	if (reply->gpu_after)
		bench->reply.gpu_after = bench_copy_gpu(bench->arena, reply->gpu_after);
	if (reply->lease) {
		struct lease *lease = arena_copy(bench->arena, reply->lease, sizeof(*lease));
		lease->holder = arena_strdup(bench->arena, lease->holder);
		lease->run = arena_strdup(bench->arena, lease->run);
		bench->reply.lease = lease;
	}
}

static inline void bench_progressed(const struct request *request, uint32_t permille, const char *what, void *user)
{
	struct bench *bench = user;
	(void)request;
	bench->n_progress += permille > 0 && permille < 1000 && what;
}

static inline const struct reply *bench_ask(
	struct bench *bench, struct host_session *session, const struct request *request)
{
	bench->waiting = true;
	host_submit(session, request, bench_replied, bench_progressed, bench);
	while (bench->waiting)
		g_main_context_iteration(bench->context, true);
	return &bench->reply;
}

static inline const struct host_state *bench_observe(struct bench *bench, struct host_session *session)
{
	const struct request request = { .kind = REQUEST_OBSERVE, .now = 1000 };
	return bench_ask(bench, session, &request)->facts;
}

static inline enum host_error bench_lease(struct bench *bench, struct host_session *session, uint64_t epoch)
{
	const struct request lease = { .kind = REQUEST_LEASE, .run = bench->run, .holder = "me@here", .now = 1000 };
	const struct request noted = { .kind = REQUEST_EPOCH, .run = bench->run, .epoch = epoch, .now = 1000 };
	enum host_error error = bench_ask(bench, session, &lease)->error;
	return error ? error : bench_ask(bench, session, &noted)->error;
}

/* A step of this run, in epoch 1, that owes power and no parts. */
static inline struct request bench_request(const struct bench *bench, const struct step *step)
{
	return (struct request){
		.kind = REQUEST_STEP, .run = bench->run, .epoch = 1, .now = 2000, .step = step, .owes_power = true
	};
}

static inline const struct reply *bench_step(struct bench *bench, struct host_session *session, const struct step *step)
{
	struct request request = bench_request(bench, step);
	return bench_ask(bench, session, &request);
}
